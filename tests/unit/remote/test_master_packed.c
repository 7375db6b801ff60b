/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that are taken as they lie in an answer are the same as those that are unpacked. */
#include <stdlib.h>

#include "base/alloc.h"
#include "mesos/wire.h"
#include "tests/support/cmocka.h"
#include "tests/support/packed.h"
#include "tests/support/scratch.h"

/* Both ways give the same; how many agents went the quick one. */
static size_t compare(enum master_answer answer, bool protobuf, const void *data, size_t len)
{
	struct packed_reading quick, thorough;
	size_t count;

	packed_read(answer, protobuf, data, len, true, &quick);
	packed_read(answer, protobuf, data, len, false, &thorough);
	if (!packed_equal(&quick, &thorough))
		fail_msg("%.*s\nis taken as \"%s\" %s\ninstead of \"%s\" %s", protobuf ? 0 : (int)len,
			 (const char *)data, buffer_text(&quick.said), quick.error.text, buffer_text(&thorough.said),
			 thorough.error.text);
	assert_int_equal(thorough.quick, 0);
	count = quick.quick;
	packed_clear(&quick);
	packed_clear(&thorough);
	return count;
}

static char *captured(const char *name, size_t *len)
{
	const char *data = getenv("TEST_DATA");
	char *path = xasprintf("%s/mesos/captured/%s", data ? data : "tests/data", name);
	char *text = scratch_read(path, len);

	assert_non_null(text);
	free(path);
	return text;
}

/* What a real master says is taken in the quick way. */
static void test_captured(void **state)
{
	size_t len;
	char *answer = captured("master-v1-GET_AGENTS.pb", &len);

	(void)state;
	assert_true(compare(ANSWER_GET_AGENTS, true, answer, len) > 0);
	free(answer);
	answer = captured("master-slaves.json", &len);
	assert_true(compare(ANSWER_SLAVES, false, answer, len) > 0);
	free(answer);
	answer = captured("master-v1-GET_AGENTS.json", &len);
	assert_int_equal(compare(ANSWER_GET_AGENTS, false, answer, len), 0);
	free(answer);
}

/* Whatever byte of it is another one, or missing. */
static void damage(enum master_answer answer, bool protobuf, const char *name)
{
	static const unsigned char others[] = {0x00, 0x01, 0x0a, 0x7f, 0x80, 0xff, '"', '0', ',', '}'};
	size_t len;
	char *data = captured(name, &len);

	for (size_t i = 0; i < len; i += 1 + len / 1000) {
		char byte = data[i];

		for (size_t j = 0; j < 3; j++) {
			data[i] = (char)others[(3 * i + j) % sizeof(others)];
			compare(answer, protobuf, data, len);
		}
		data[i] = (char)(byte ^ 1);
		compare(answer, protobuf, data, len);
		data[i] = byte;
	}
	for (size_t i = 0; i < len; i += 1 + len / 200)
		compare(answer, protobuf, data, i);
	free(data);
}

static void test_damaged(void **state)
{
	(void)state;
	damage(ANSWER_GET_AGENTS, true, "master-v1-GET_AGENTS.pb");
	damage(ANSWER_SLAVES, false, "master-slaves.json");
}

/* ---- /slaves, written by hand */

#define SLAVE(more) "{\"slaves\":[{\"id\":\"S1\",\"hostname\":\"h\",\"active\":true,\"version\":\"1.9.0\"" more "}]}"
#define RESOURCE(more)                                                                                                 \
	SLAVE(",\"unreserved_resources_full\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4.5}" more \
	      "}]")
#define RESERVED(more)                                                                                                  \
	SLAVE(",\"reserved_resources_full\":{\"web\":[{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":512}" \
	      ",\"role\":\"web\"" more "}]}")

/* quick: 1 when it must be; 0: it must not; -1: as it likes. */
static const struct {
	int quick;
	const char *text;
} slaves[] = {
	{1, SLAVE("")},
	{1, SLAVE(",\"port\":5052,\"pid\":\"slave(1)@10.0.0.1:5052\",\"deactivated\":true")},
	{1, SLAVE(",\"pid\":\"slave(1)@[::1]:5052\",\"registered_time\":1795416837.2877681")},
	{1, SLAVE(",\"registered_time\":0.1,\"reregistered_time\":17954168370000.25")},
	{1, SLAVE(",\"unknown\":[{\"a\":null,\"b\":[1,2.5]},true,\"x\"]")},
	{1, SLAVE(",\"attributes\":{\"rack\":\"r1\",\"level\":4.5,\"none\":\"\",\"cores\":8}")},
	{1, SLAVE(",\"domain\":{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}")},
	{1, RESOURCE("")},
	{1, RESOURCE(",\"role\":\"*\",\"provider_id\":{\"value\":\"p\"}")},
	{1, RESOURCE(",\"role\":\"*\",\"allocation_info\":{\"role\":\"web\"}")},
	{1, RESERVED(",\"reservation\":{},\"reservations\":[{\"type\":\"STATIC\",\"role\":\"web\"}]")},
	{1,
	 RESERVED(
		 ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"web\"},{\"type\":\"DYNAMIC\",\"role\":\"web/a\",\"principal\":\"p\"}]")},
	{1, RESERVED(",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\"}]")},
	{1, RESERVED(",\"reservation\":{\"principal\":\"p\"}")},
	{1, RESERVED("")},
	{1, RESERVED(",\"reservations\":[]")},
	{1,
	 SLAVE(",\"used_resources_full\":[{\"allocation_info\":{\"role\":\"*\"},\"scalar\":{\"value\":1},\"type\":\"SCALAR\",\"name\":\"cpus\"}]")},
	{1,
	 SLAVE(",\"unreserved_resources_full\":[{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":0,\"end\":300},{\"begin\":31000,\"end\":32000}]},\"role\":\"*\"},{\"name\":\"gpus\",\"type\":\"SET\",\"set\":{\"item\":[\"a\",\"b\"]}},{\"name\":\"empty\",\"type\":\"RANGES\",\"ranges\":{\"range\":[]}}]")},
	/* what is rare, or wrong */
	{0, SLAVE(",\"port\":0")},
	{0, SLAVE(",\"port\":5052.5")},
	{0, SLAVE(",\"port\":65536")},
	{0, SLAVE(",\"port\":\"5052\"")},
	{0, SLAVE(",\"registered_time\":1.7954e9")},
	{0, SLAVE(",\"registered_time\":-1")},
	{0, SLAVE(",\"registered_time\":01")},
	{0, SLAVE(",\"registered_time\":1.")},
	{0, SLAVE(",\"hostname\":\"again\"")},
	{0, SLAVE(",\"attributes\":{\"rack\":\"r1\",\"rack\":\"r2\"}")},
	{0, SLAVE(",\"attributes\":{\"keys\":\"[1-2, 4-9]\"}")},
	{0, SLAVE(",\"attributes\":{\"keys\":\"[1-2\"}")},
	{0, SLAVE(",\"attributes\":{\"a\":true}")},
	{0, SLAVE(",\"attributes\":{\"a\":\"\\u00e4\"}")},
	{0, SLAVE(",\"attributes\":{\"a\":\"\xc3\xa4\"}")},
	{0, SLAVE(",\"attributes\":{\"a\":\"\xff\"}")},
	{0, SLAVE(",\"attributes\":null")},
	{0, SLAVE(",\"domain\":{\"fault_domain\":{\"zone\":{\"name\":\"a\"},\"region\":{\"name\":\"eu\"}}}")},
	{0, SLAVE(",\"domain\":{}")},
	{0, SLAVE(",\"domain\":{\"fault_domain\":{\"region\":{\"name\":\"eu\"}}}")},
	{0, RESOURCE(",\"disk\":{\"persistence\":{\"id\":\"v\"}}")},
	{0, RESOURCE(",\"shared\":{}")},
	{0, RESOURCE(",\"revocable\":{}")},
	{0, RESOURCE(",\"type\":\"SCALAR\"")},
	{0, RESOURCE(",\"role\":7")},
	{0, RESERVED(",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"web\",\"labels\":{\"labels\":[]}}]")},
	{0, RESERVED(",\"reservations\":[{\"type\":\"OTHER\",\"role\":\"web\"}]")},
	{0, SLAVE(",\"unreserved_resources_full\":[{\"name\":\"cpus\"}]")},
	{0, SLAVE(",\"unreserved_resources_full\":[{\"name\":\"x\",\"type\":\"TEXT\"}]")},
	{0,
	 SLAVE(",\"unreserved_resources_full\":[{\"name\":\"x\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"end\":1,\"begin\":2}]}}]")},
	{0, SLAVE(",\"reserved_resources_full\":{\"a\":[],\"a\":[]}")},
	{0, SLAVE(" ,\"x\":1")},
	{0, "{\"slaves\":[{}]}"},
	{0, "{\"slaves\":[{\"id\":\"\",\"hostname\":\"h\",\"active\":true,\"version\":\"1\"}]}"},
	{0, "{\"slaves\":[{\"hostname\":\"h\",\"active\":true,\"version\":\"1\"}]}"},
	{-1, RESERVED(",\"reservations\":[{}]")},
	{-1, RESERVED(",\"reservations\":[{\"role\":\"\"}]")},
};

static void test_slaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(slaves) / sizeof(slaves[0]); i++) {
		size_t quick = compare(ANSWER_SLAVES, false, slaves[i].text, strlen(slaves[i].text));

		if (slaves[i].quick >= 0 && quick != (size_t)slaves[i].quick)
			fail_msg("%s was taken the %s way", slaves[i].text, quick ? "quick" : "thorough");
	}
}

/* ---- what is on offer */

static bool note_bytes(void *ctx, const void *raw, size_t len)
{
	buffer_append(ctx, raw, len);
	return true;
}

/* By which bytes the agent of this answer would be known. */
static void bytes_of_agent(const char *agent, size_t len, struct buffer *out)
{
	const struct master_taker taker = {.ctx = out, .known = note_bytes};
	struct master_reading reading = {
		.answer = ANSWER_GET_AGENTS, .url = "http://m", .protobuf = true, .taker = &taker};
	struct buffer member = BUFFER_INIT(1000), answer = BUFFER_INIT(1000);
	struct error err = ERROR_INIT;

	wire_put_bytes(&member, 1, agent, len);
	buffer_append(&answer, "\x08\x09", 2);
	wire_put_bytes(&answer, 10, member.data, member.len);
	assert_ok(master_read_all(&reading, answer.data, answer.len, &err), &err);
	buffer_clear(&member);
	buffer_clear(&answer);
}

static void test_offers_make_no_difference(void **state)
{
	static const char without[] = "\x0a\x08\x0a\x01h\x32\x03\x0a\x01S\x10\x01\x1a\x03"
				      "1.0\x60\x00";
	static const char with[] = "\x0a\x08\x0a\x01h\x32\x03\x0a\x01S\x10\x01\x1a\x03"
				   "1.0\x4a\x05\x0a\x01x\x10\x02\x4a\x05\x0a\x01y\x10\x02\x60\x00";
	struct buffer first = BUFFER_INIT(1000), second = BUFFER_INIT(1000);

	(void)state;
	bytes_of_agent(without, sizeof(without) - 1, &first);
	bytes_of_agent(with, sizeof(with) - 1, &second);
	assert_int_equal(first.len, sizeof(without) - 1);
	assert_int_equal(second.len, first.len);
	assert_memory_equal(second.data, first.data, first.len);
	buffer_clear(&first);
	buffer_clear(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_slaves),
		cmocka_unit_test(test_offers_make_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
