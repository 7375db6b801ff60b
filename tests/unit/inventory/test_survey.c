/* SPDX-License-Identifier: Apache-2.0 */
/* Inspect documents, whole and broken, and what is kept of a host. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "inventory/survey.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

static const struct fleet_agent agent = {.id = "m-S1", .hostname = "a", .attributes = "rack:r1"};

struct fixture {
	char *folder;
	struct store *store;
	struct agent_record record;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	int64_t cluster;

	fleet_fixture_open(&fixture->folder, &fixture->store, &cluster);
	fleet_sync(fixture->store, cluster, &agent, 1);
	fleet_record(fixture->store, cluster, "m-S1", &fixture->record);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	agent_record_clear(&fixture->record);
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

/* The document as agentctl writes it, with the fixture's SlaveInfo. The caller's. */
static char *whole_document(const struct fixture *fixture)
{
	struct buffer packed = BUFFER_INIT(1u << 20);
	char *encoded, *text;

	slaveinfo_pack(fixture->record.view.info, &packed);
	encoded = base64_encode(packed.data, packed.len);
	text = xasprintf(
		"{\"format\":1,\"agentctl\":\"abc\",\"node\":\"a\",\"boot_id\":\"b-1\",\"time_ms\":17,\"work_dir\":\"/w\",\"agent\":{\"id\":\"m-S1\",\"running\":true,\"pid\":42,\"start_ticks\":77,\"version\":\"1.11.0\",  "
		"\"flags\":{\"attributes\":\"rack:r1\",\"work_dir\":\"/w\"},\"flags_from\":\"process\",\"executable\":\"/x\"},\"checkpoint\":{\"path\":\"/w/meta/slaves/m-S1/slave.info\",\"sha256\":\"c5\",\"slave_info\":\"%s\",  "
		"\"text\":\"…\",\"boot_id\":\"b-0\"},\"flag_store\":{\"kind\":\"envfile\",\"path\":\"/etc/default/m\",\"sha256\":\"f5\",  "
		"\"flags\":{\"attributes\":\"rack:r1\"}},\"control\":{\"kind\":\"systemd\",\"unit\":\"m.service\",\"active\":true,\"kill_mode\":\"process\"},\"detected\":{\"cpus\":8,\"mem_mb\":1023.5,\"disk_mb\":null,\"hostname\":\"a\"},\"reserved\":[],\"verdict\":{\"accepted\":false,\"differs\":[\"attributes\",\"domain\",\"future\"],\"message\":\"no\"},\"tasks\":[{\"framework\":\"F\",\"executor\":\"e\",\"container\":\"c\",\"task\":\"t\",\"executor_pid\":9,  "
		"\"alive\":true,\"checkpoint\":true}],\"operations\":[{\"operation\":\"o\",\"state\":\"open\",\"run\":\"r\",\"database\":\"d\",\"epoch\":3}],\"invented_later\":{\"x\":1}}",
		encoded);
	free(encoded);
	buffer_clear(&packed);
	return text;
}

static void check_head(const struct survey *survey)
{
	assert_string_equal(survey->agentctl, "abc");
	assert_string_equal(survey->node, "a");
	assert_string_equal(survey->boot_id, "b-1");
	assert_int_equal(survey->time_ms, 17);
	assert_string_equal(survey->work_dir, "/w");
	assert_string_equal(survey->agent_id, "m-S1");
	assert_true(survey->running);
	assert_int_equal(survey->pid, 42);
	assert_int_equal(survey->start_ticks, 77);
	assert_string_equal(survey->version, "1.11.0");
	assert_string_equal(flags_get(&survey->flags, "attributes"), "rack:r1");
	assert_false(survey->flags_from_store);
}

static void test_whole_document(void **state)
{
	struct fixture *fixture = *state;
	char *text = whole_document(fixture);
	struct survey survey;

	assert_ok(survey_parse("a", text, strlen(text), &survey, &fixture->err), &fixture->err);
	check_head(&survey);
	assert_null(survey.checkpoint_error);
	assert_string_equal(survey.checkpoint_sha256, "c5");
	assert_string_equal(survey.checkpoint_boot_id, "b-0");
	assert_int_equal(slaveinfo_diff(survey.info, fixture->record.view.info), 0);
	assert_int_equal(survey.store_kind, FLAG_STORE_ENVFILE);
	assert_string_equal(survey.store_path, "/etc/default/m");
	assert_string_equal(survey.store_sha256, "f5");
	assert_int_equal(survey.store_flags.count, 1);
	assert_int_equal(survey.control, CONTROL_SYSTEMD);
	assert_string_equal(survey.unit, "m.service");
	assert_true(survey.unit_active);
	assert_string_equal(survey.kill_mode, "process");
	assert_true(survey.detected.cpus == 8 && survey.detected.mem_mb == 1023.5 && survey.detected.disk_mb < 0);
	assert_string_equal(survey.detected.hostname, "a");
	assert_true(survey.has_verdict);
	assert_false(survey.verdict_accepted);
	assert_int_equal(survey.verdict_differs, PART_ATTRIBUTES | PART_DOMAIN);
	assert_int_equal(survey.task_count, 1);
	assert_true(survey.tasks[0].alive && survey.tasks[0].checkpoint);
	assert_int_equal(survey.tasks[0].executor_pid, 9);
	assert_int_equal(survey.operation_count, 1);
	assert_string_equal(survey.operations[0].state, "open");
	assert_int_equal(survey.operations[0].epoch, 3);
	survey_clear(&survey);
	free(text);
}

/* A host without an agent, and parts that could not be read. */
static void test_sparse_document(void **state)
{
	static const char text[] =
		"{\"format\":1,\"agent\":{\"id\":null,\"running\":false,\"flags\":{},\"flags_from\":\"store\"},\"checkpoint\":{\"error\":\"slave.info: "
		"empty\"},\"flag_store\":{\"error\":\"no such file\"},\"control\":null,\"verdict\":null}";
	struct fixture *fixture = *state;
	struct survey survey;

	assert_ok(survey_parse("a", text, strlen(text), &survey, &fixture->err), &fixture->err);
	assert_null(survey.agent_id);
	assert_false(survey.running);
	assert_true(survey.flags_from_store);
	assert_string_equal(survey.checkpoint_error, "slave.info: empty");
	assert_string_equal(survey.store_error, "no such file");
	assert_int_equal(survey.store_kind, FLAG_STORE_UNKNOWN);
	assert_int_equal(survey.control, CONTROL_UNKNOWN);
	assert_false(survey.has_verdict);
	assert_null(survey.info);
	assert_true(survey.detected.cpus < 0 && survey.detected.hostname == NULL);
	survey_clear(&survey);
}

static void test_broken_documents(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "a:1:0: "},
		{"bash: agentctl: command not found\n", "a:1:"},
		{"{\"format\":1", "a:1:"},
		{"[]", "must be an object"},
		{"{}", "\"format\" is missing"},
		{"{\"format\":2,\"agent\":{}}", "speaks format 2, this rollcall format 1"},
		{"{\"format\":1}", "\"agent\" is missing"},
		{"{\"format\":1,\"agent\":[]}", "agent: must be an object"},
		{"{\"format\":1,\"agent\":{\"pid\":\"7\"}}", "agent.pid: must be a whole number"},
		{"{\"format\":1,\"agent\":{\"flags\":{\"a\":1}}}", "flags"},
		{"{\"format\":1,\"agent\":{\"flags\":[]}}", "agent.flags: must be an object"},
		{"{\"format\":1,\"agent\":{},\"checkpoint\":{\"slave_info\":\"%%%\"}}", "checkpoint.slave_info: "},
		{"{\"format\":1,\"agent\":{},\"checkpoint\":{\"slave_info\":\"AAAA\"}}", "checkpoint.slave_info: "},
		{"{\"format\":1,\"agent\":{},\"detected\":{\"cpus\":\"8\"}}", "detected.cpus: must be a number"},
		{"{\"format\":1,\"agent\":{},\"tasks\":[7]}", "tasks[0]: must be an object"},
		{"{\"format\":1,\"agent\":{},\"tasks\":[{},{\"alive\":1}]}", "tasks[1].alive: must be true or false"},
		{"{\"format\":1,\"agent\":{},\"operations\":[\"x\"]}", "operations[0]: must be an object"},
		{"{\"format\":1,\"agent\":{},\"operations\":{}}", "operations: must be an array"},
		{"{\"format\":1,\"agent\":{},\"reserved\":[3]}", "reserved: "},
		{"{\"format\":1,\"agent\":{},\"verdict\":{\"accepted\":\"yes\"}}",
		 "verdict.accepted: must be true or false"},
	};
	struct fixture *fixture = *state;
	struct survey survey = {.pid = 4711};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (survey_parse("a", cases[i].text, strlen(cases[i].text), &survey, &fixture->err) == 0)
			fail_msg("accepted: %s", cases[i].text);
		assert_int_equal(survey.pid, 4711);
		assert_error(&fixture->err, ERROR_CORRUPT, cases[i].words);
	}
}

/* Every beginning of a good document is refused, and none of it leaks or crashes. */
static void test_every_truncation(void **state)
{
	struct fixture *fixture = *state;
	char *text = whole_document(fixture);
	struct survey survey;

	for (size_t len = 0; len < strlen(text); len++) {
		assert_int_equal(survey_parse("a", text, len, &survey, &fixture->err), -1);
		assert_error(&fixture->err, ERROR_CORRUPT, "a:1:");
	}
	free(text);
}

static void test_a_failure_leaves_the_last_document(void **state)
{
	static const char document[] = "{\"format\":1,\"agent\":{}}";
	struct fixture *fixture = *state;
	struct error failure = ERROR_INIT;
	struct survey_record record = {.time_ms = 0};
	int64_t row = fixture->record.row;

	assert_int_equal(survey_load(fixture->store, row, &record, &fixture->err), 0);
	error_set(&failure, ERROR_UNREACHABLE, "a: connection refused");
	assert_ok(survey_store_failure(fixture->store, row, &failure, 500, &fixture->err), &fixture->err);
	assert_int_equal(survey_load(fixture->store, row, &record, &fixture->err), 1);
	assert_int_equal(record.time_ms, 0);
	assert_null(record.document);
	assert_int_equal(record.failed_ms, 500);
	survey_record_clear(&record);
	assert_ok(survey_store(fixture->store, row, document, strlen(document), "SHA256:x", 1000, &fixture->err),
		  &fixture->err);
	assert_int_equal(survey_load(fixture->store, row, &record, &fixture->err), 1);
	assert_int_equal(record.failed_ms, 0);
	assert_null(record.failure);
	assert_string_equal(record.document, document);
	survey_record_clear(&record);
	assert_ok(survey_store_failure(fixture->store, row, &failure, 2000, &fixture->err), &fixture->err);
	assert_int_equal(survey_load_state(fixture->store, row, &record, &fixture->err), 1);
	assert_int_equal(record.time_ms, 1000);
	assert_int_equal(record.failed_ms, 2000);
	assert_string_equal(record.failure_kind, "unreachable");
	assert_string_equal(record.failure, "a: connection refused");
	assert_string_equal(record.host_key, "SHA256:x");
	assert_null(record.document);
	survey_record_clear(&record);
	assert_int_equal(survey_load(fixture->store, row, &record, &fixture->err), 1);
	assert_string_equal(record.document, document);
	survey_record_clear(&record);
}

static void test_unknown_agent(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(survey_store(fixture->store, 4711, "{}", 2, NULL, 1, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_BUG, "FOREIGN KEY");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_document),
		TEST(test_sparse_document),
		TEST(test_broken_documents),
		TEST(test_every_truncation),
		TEST(test_a_failure_leaves_the_last_document),
		TEST(test_unknown_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
