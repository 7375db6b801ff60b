/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka.h"

#include <unistd.h>

#include "base/alloc.h"
#include "protocol/request.h"

#define OPERATION "0123456789abcdef0123456789abcdef"
#define IDENTITY  "\"operation\":\"" OPERATION "\",\"database\":\"db\",\"epoch\":3"
#define TIMEOUTS  "\"start_timeout_ms\":1000,\"verdict_timeout_ms\":2000"

static Mesos__SlaveInfo *make_info(void)
{
	Mesos__SlaveInfo info = MESOS__SLAVE_INFO__INIT;
	Mesos__SlaveInfo *copy;

	info.hostname = (char *)"n1.example.com";
	copy = slaveinfo_copy(&info);
	slaveinfo_set_id(copy, "id-S1");
	return copy;
}

static void make_apply(struct request *request)
{
	request_init(request, REQUEST_APPLY);
	memcpy(request->operation, OPERATION, RANDOM_ID_SIZE);
	request->database = xstrdup("db");
	request->epoch = 3;
	request->adopt = true;
	request->run = xstrdup("run-1");
	request->host.work_dir = xstrdup("/var/lib/mesos");
	request->mechanism = MECHANISM_RELAX;
	request->ignore = PART_ATTRIBUTES | PART_RESOURCES;
	request->expect.agent_id = xstrdup("id-S1");
	request->edits = xcalloc(2, sizeof *request->edits);
	request->edit_count = 2;
	request->edits[0].name = xstrdup("attributes");
	request->edits[0].value = xstrdup("rack:\"r 1\"\n;x:\\");
	request->edits[1].name = xstrdup("domain");
	request->target = make_info();
	request->start_timeout_ms = 1000;
	request->verdict_timeout_ms = 2000;
}

static void test_apply_round_trip(void **state)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	struct buffer again = BUFFER_INIT(REQUEST_MAX);
	struct error err = ERROR_INIT;
	struct request request;
	struct request parsed;

	(void)state;
	make_apply(&request);
	request_write(&request, &bytes);
	assert_int_equal(request_parse(bytes.data, bytes.len, &parsed, &err), 0);
	assert_string_equal(parsed.operation, OPERATION);
	assert_true(parsed.adopt);
	assert_int_equal(parsed.ignore, PART_ATTRIBUTES | PART_RESOURCES);
	assert_string_equal(parsed.expect.agent_id, "id-S1");
	assert_null(parsed.expect.boot_id);
	assert_string_equal(parsed.edits[0].value, "rack:\"r 1\"\n;x:\\");
	assert_null(parsed.edits[1].value);
	assert_string_equal(parsed.target->hostname, "n1.example.com");
	assert_string_equal(parsed.host.work_dir, "/var/lib/mesos");
	request_write(&parsed, &again);
	assert_string_equal(bytes.data, again.data);
	buffer_clear(&bytes);
	buffer_clear(&again);
	request_clear(&request);
	request_clear(&parsed);
}

static void assert_round_trip(const struct request *request, struct request *parsed)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX), again = BUFFER_INIT(REQUEST_MAX);
	struct error err = ERROR_INIT;

	request_write(request, &bytes);
	assert_int_equal(request_parse(bytes.data, bytes.len, parsed, &err), 0);
	request_write(parsed, &again);
	assert_string_equal(bytes.data, again.data);
	buffer_clear(&bytes);
	buffer_clear(&again);
}

/* Members that say what is so anyway are left out, and come back as what is so. */
static void test_options(void **state)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	struct request request;
	struct request parsed;

	(void)state;
	make_apply(&request);
	request_write(&request, &bytes);
	assert_null(strstr(bytes.data, "recover_state"));
	assert_null(strstr(bytes.data, "hold"));
	assert_null(strstr(bytes.data, "master"));
	buffer_clear(&bytes);
	assert_round_trip(&request, &parsed);
	assert_true(parsed.recover_state);
	assert_false(parsed.hold_configuration_management || parsed.master.known);
	request_clear(&parsed);
	request.mechanism = MECHANISM_NATIVE;
	request.recover_state = false;
	request.hold_configuration_management = true;
	request.master = (struct request_master){.known = true, .has_domain = true};
	request.master.refused_roles = xcalloc(2, sizeof *request.master.refused_roles);
	request.master.refused_roles[request.master.refused_role_count++] = xstrdup("web");
	assert_round_trip(&request, &parsed);
	assert_false(parsed.recover_state);
	assert_true(parsed.hold_configuration_management && parsed.master.known && parsed.master.has_domain);
	assert_false(parsed.master.require_domain);
	assert_int_equal(parsed.master.refused_role_count, 1);
	assert_string_equal(parsed.master.refused_roles[0], "web");
	request_clear(&request);
	request_clear(&parsed);
}

static void test_rescue(void **state)
{
	struct request request;
	struct request parsed;

	(void)state;
	request_init(&request, REQUEST_RESCUE);
	memcpy(request.operation, OPERATION, RANDOM_ID_SIZE);
	request.database = xstrdup("db");
	request.epoch = 3;
	request.by_flags = true;
	request.expect.agent_id = xstrdup("id-S1");
	request.start_timeout_ms = 1000;
	request.verdict_timeout_ms = 2000;
	assert_round_trip(&request, &parsed);
	assert_int_equal(parsed.kind, REQUEST_RESCUE);
	assert_true(parsed.by_flags);
	assert_string_equal(parsed.expect.agent_id, "id-S1");
	request_clear(&request);
	request_clear(&parsed);
}

static void test_settle_and_inspect(void **state)
{
	static const char settle[] = "{\"format\":1,\"kind\":\"settle\"," IDENTITY ",\"status_only\":true}";
	static const char inspect[] = "{\"format\":1,\"kind\":\"inspect\",\"host\":{\"root\":\"/lab/1\"}}";
	struct error err = ERROR_INIT;
	struct request request;

	(void)state;
	assert_int_equal(request_parse(settle, strlen(settle), &request, &err), 0);
	assert_true(request.status_only);
	assert_string_equal(request.host.state_dir, "/var/lib/rollcall");
	request_clear(&request);
	assert_int_equal(request_parse(inspect, strlen(inspect), &request, &err), 0);
	assert_string_equal(request.host.root, "/lab/1");
	request_clear(&request);
}

static void test_refuses_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{"", "request"},
		{"[]", "object"},
		{"{\"format\":2,\"kind\":\"inspect\"}", "format 2"},
		{"{\"format\":1,\"kind\":\"destroy\"}", "destroy"},
		{"{\"format\":1,\"kind\":\"inspect\",\"colour\":1}", "colour"},
		{"{\"format\":1,\"kind\":\"inspect\"," IDENTITY "}", "operation"},
		{"{\"format\":1,\"kind\":\"settle\"}", "operation"},
		{"{\"format\":1,\"kind\":\"settle\",\"operation\":\"../../etc\",\"database\":\"d\",\"epoch\":1}",
		 "hex"},
		{"{\"format\":1,\"kind\":\"settle\",\"operation\":\"" OPERATION "\",\"database\":\"\",\"epoch\":1}",
		 "database"},
		{"{\"format\":1,\"kind\":\"settle\",\"operation\":\"" OPERATION "\",\"database\":\"d\",\"epoch\":0}",
		 "epoch"},
		{"{\"format\":1,\"kind\":\"inspect\",\"host\":{\"work_dir\":\"var\"}}", "absolute"},
		{"{\"format\":1,\"kind\":\"inspect\",\"host\":{\"work_dir\":\"/a/../b\"}}", ".."},
		{"{\"format\":1,\"kind\":\"inspect\",\"host\":{\"control\":{\"kind\":\"systemd\",\"unit\":\"--now\"}}}",
		 "unit"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS ",\"mechanism\":\"magic\"}", "magic"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS ",\"mechanism\":\"relax\"}", "target"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"relax\",\"target\":\"AAAA\"}",
		 "target"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY ",\"mechanism\":\"restart\"}", "start_timeout_ms"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"ignore\":[\"colour\"]}",
		 "ignore"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"edits\":[{\"name\":\"a\"}]}",
		 "value"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"edits\":[{\"name\":\"../x\",\"value\":null}]}",
		 "name"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"edits\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"a\",\"value\":null}]}",
		 "twice"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"recover_state\":false}",
		 "recover_state"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"master\":{\"refused_roles\":[7]}}",
		 "refused_roles"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"master\":{\"colour\":1}}",
		 "colour"},
		{"{\"format\":1,\"kind\":\"rescue\"," IDENTITY "}", "start_timeout_ms"},
		{"{\"format\":1,\"kind\":\"rescue\"," IDENTITY "," TIMEOUTS ",\"edits\":[]}", "edits"},
		{"{\"format\":1,\"kind\":\"apply\"," IDENTITY "," TIMEOUTS
		 ",\"mechanism\":\"restart\",\"expect\":{\"store_sha256\":\"abc\"}}",
		 "SHA-256"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = ERROR_INIT;
		struct request request;

		assert_int_equal(request_parse(cases[i].text, strlen(cases[i].text), &request, &err), -1);
		assert_error(&err, ERROR_USAGE, cases[i].words);
	}
}

/* Writes the bytes into a pipe and reads a request from it; *rest is what was left behind. */
static int read_from_pipe(const void *bytes, size_t len, struct buffer *out, char rest[8], struct error *err)
{
	int ends[2];
	ssize_t n;
	int result;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
	close(ends[1]);
	result = request_read(ends[0], out, err);
	n = read(ends[0], rest, 7);
	rest[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return result;
}

static void test_frame(void **state)
{
	struct buffer framed = BUFFER_INIT(4096);
	struct buffer bytes = BUFFER_INIT(4096);
	struct error err = ERROR_INIT;
	char rest[8];

	(void)state;
	request_frame("{\"a\":1}", 7, &framed);
	buffer_puts(&framed, "keep\n");
	assert_int_equal(read_from_pipe(framed.data, framed.len, &bytes, rest, &err), 0);
	assert_string_equal(buffer_text(&bytes), "{\"a\":1}");
	assert_string_equal(rest, "keep\n");
	buffer_clear(&bytes);

	framed.data[framed.len - 7] ^= 1;
	assert_int_equal(read_from_pipe(framed.data, framed.len, &bytes, rest, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "changed on its way");
	assert_int_equal(read_from_pipe(framed.data, framed.len - 8, &bytes, rest, &err), -1);
	assert_error(&err, ERROR_USAGE, "ends after");
	assert_int_equal(bytes.len, 0);
	buffer_clear(&framed);
	buffer_clear(&bytes);
}

static void test_broken_frames(void **state)
{
	static const char *const cases[] = {
		"",
		"rollcall",
		"hello\n",
		"rollcall 2 1 0000000000000000000000000000000000000000000000000000000000000000\nx",
		"rollcall 1 99999999999 0000000000000000000000000000000000000000000000000000000000000000\nx",
		"rollcall 1 1 00000000000000000000000000000000000000000000000000000000000000000\nx",
		"rollcall 1 1 0000000000000000000000000000000000000000000000000000000000000000 x\nx",
		"rollcall 1 -1 0000000000000000000000000000000000000000000000000000000000000000\nx",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer bytes = BUFFER_INIT(4096);
		struct error err = ERROR_INIT;
		char rest[8];

		assert_int_equal(read_from_pipe(cases[i], strlen(cases[i]), &bytes, rest, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_int_equal(bytes.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply_round_trip),
		cmocka_unit_test(test_settle_and_inspect),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_rescue),
		cmocka_unit_test(test_refuses_what_is_wrong),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_broken_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
