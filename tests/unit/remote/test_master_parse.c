/* SPDX-License-Identifier: Apache-2.0 */
/* The corners of a master's answers, and answers that lie. */
#include "remote/master_parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/answer.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static struct master_snapshot *must_parse(parser *parse, const char *text)
{
	struct error err = ERROR_INIT;
	struct master_snapshot *snapshot = try_bytes(parse, text, strlen(text), &err);
	if (snapshot == NULL)
		fail_msg("%s", err.text);
	return snapshot;
}

/* ---- lies */

#define AGENT(id, more)                                                                                                \
	"{\"agent_info\":{\"hostname\":\"h\",\"id\":{\"value\":\"" id "\"}" more                                       \
	"},\"active\":true,\"version\":\"1.9.0\"}"
#define AGENTS(list) "{\"type\":\"GET_AGENTS\",\"get_agents\":{\"agents\":[" list "]}}"

static void test_lies(void **state)
{
	static const struct {
		parser *parse;
		const char *text, *words;
	} cases[] = {
		{get_agents, "[]", "no object"},
		{get_agents, "{}", "no GET_AGENTS response"},
		{get_agents, "{\"type\":\"GET_TASKS\",\"get_agents\":{}}", "no GET_AGENTS response"},
		{get_agents, "{\"type\":\"GET_AGENTS\"}", "no GET_AGENTS response"},
		{get_agents, "{\"type\":\"GET_AGENTS\",\"get_agents\":{\"agents\":{}}}", "no array"},
		{get_agents, AGENTS("7"), "get_agents.agents[0]: Expecting a JSON object"},
		{get_agents, AGENTS("{}"), "get_agents.agents[0]: Missing required fields"},
		{get_agents, AGENTS(AGENT("A", "") "," AGENT("A", "")), "lists agent A twice"},
		{get_agents, AGENTS(AGENT("", "")), "(hostname h) has no ID"},
		{get_agents, AGENTS(AGENT("A", ",\"resources\":[{\"name\":\"cpus\"}]")), "Missing required"},
		{get_agents, AGENTS(AGENT("A", ",\"port\":\"x\"")), "get_agents.agents[0]: "},
		{get_agents, AGENTS(AGENT("A", ",\"port\":0")), "has port 0, which is none"},
		{get_agents, AGENTS(AGENT("A", ",\"port\":65536")), "has port 65536, which is none"},
		{get_agents, AGENTS(AGENT("A", ",\"port\":-1")), "get_agents.agents[0]"},
		{get_agents, AGENTS(AGENT("A", ",\"port\":1000000000000")), "get_agents.agents[0]"},
		{get_agents,
		 AGENTS(AGENT("A\xff"
			      "",
			      "")),
		 "is no JSON"},
		{get_agents, AGENTS(AGENT("A\\u0000b", "")), "is no JSON"},
		{get_agents, "{\"type\":\"GET_AGENTS\",\"get_agents\":{\"recovered_agents\":[{\"hostname\":\"h\"}]}}",
		 "get_agents.recovered_agents[0] (hostname h) has no ID"},
		{slaves, "{\"slaves\":[],\"recovered_slaves\":[{\"hostname\":\"h\"}]}",
		 "recovered_slaves[0] has no ID"},
		{slaves, "{\"slaves\":[],\"recovered_slaves\":[7]}", "recovered_slaves[0] has no ID"},
		{slaves, "{}", "no array \"slaves\""},
		{slaves, "{\"slaves\":[[]]}", "slaves[0]: Missing required fields"},
		{slaves, "{\"slaves\":[{\"id\":7,\"hostname\":\"h\",\"active\":true,\"version\":\"1\"}]}", "slaves[0]"},
		{state_tasks, "{\"frameworks\":[]}", "has no text \"id\""},
		{state_tasks, "{\"id\":\"m\"}", "no array \"frameworks\""},
		{state_tasks, "{\"id\":\"m\",\"frameworks\":[{}]}", "frameworks[0] has no text \"id\""},
		{state_tasks, "{\"id\":\"m\",\"frameworks\":[{\"id\":\"f\",\"tasks\":[{\"id\":\"t\"}]}]}",
		 "tasks[0] has no text \"framework_id\""},
		{state_facts, "{\"id\":\"m\"}", "has no text \"version\""},
		{state_facts, "{\"id\":\"m\",\"version\":\"1\",\"flags\":{\"agent_ping_timeout\":\"soon\"}}",
		 "flag agent_ping_timeout"},
		{flags, "{}", "no object \"flags\""},
		{get_tasks, "{\"type\":\"GET_TASKS\",\"get_tasks\":{\"tasks\":[{}]}}",
		 "get_tasks.tasks[0]: Missing required fields"},
		{get_frameworks,
		 "{\"type\":\"GET_FRAMEWORKS\",\"get_frameworks\":{\"frameworks\":[{\"active\":true,\"connected\":true,\"framework_info\":{\"user\":\"u\",\"name\":\"n\"}}]}}",
		 "get_frameworks.frameworks[0] (n) has no ID"},
		{get_master, "{\"type\":\"GET_MASTER\",\"get_master\":{}}",
		 "get_master does not say which master this is"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		assert_null(try_bytes(cases[i].parse, cases[i].text, strlen(cases[i].text), &err));
		assert_error(&err, ERROR_CORRUPT, cases[i].words);
	}
}

static void test_no_agents_at_all(void **state)
{
	static const unsigned char empty[] = {0x08, 0x09, 0x52, 0x00}; /* type GET_AGENTS, get_agents {} */
	struct error err = ERROR_INIT;
	(void)state;
	struct master_snapshot *snapshot = try_bytes(get_agents_protobuf, empty, sizeof(empty), &err);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->agent_count, 0);
	assert_null(master_snapshot_agent(snapshot, "A"));
	master_snapshot_free(snapshot);
	master_snapshot_free(must_parse(get_agents, "{\"type\":\"GET_AGENTS\",\"get_agents\":{}}"));
	master_snapshot_free(must_parse(slaves, "{\"slaves\":[]}"));
}

static int keep_id(void *ctx, const char *id, struct error *err)
{
	(void)err;
	buffer_printf(ctx, "%s;", id);
	return 0;
}

/* Agents of the registry that have not come back to the leader: their IDs are handed over, and they are no agents it lists. */
static void test_recovered(void **state)
{
	/* type GET_AGENTS, get_agents {recovered_agents {hostname "h", id {value "A"}}} */
	static const char wire[] = "\x08\x09\x52\x0a\x12\x08\x0a\x01h\x32\x03\x0a\x01"
				   "A";
	static const struct {
		enum master_answer answer;
		bool protobuf;
		const char *text;
		size_t len; /* 0: of the text */
	} cases[] = {
		{ANSWER_GET_AGENTS, true, wire, sizeof(wire) - 1},
		{ANSWER_GET_AGENTS, false,
		 "{\"type\":\"GET_AGENTS\",\"get_agents\":{\"recovered_agents\":[{\"hostname\":\"h\",\"id\":{\"value\":\"A\"}}]}}",
		 0},
		{ANSWER_SLAVES, false, "{\"slaves\":[],\"recovered_slaves\":[{\"id\":\"A\",\"hostname\":\"h\"}]}", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer ids = BUFFER_INIT(64);
		const struct master_taker taker = {.ctx = &ids, .recovered = keep_id};
		struct master_facts facts = {.version = NULL};
		struct master_reading reading = {.answer = cases[i].answer,
						 .url = "http://m/x",
						 .protobuf = cases[i].protobuf,
						 .taker = &taker,
						 .facts = &facts};
		struct error err = ERROR_INIT;
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
		assert_ok(master_read_all(&reading, cases[i].text, len, &err), &err);
		assert_string_equal(buffer_text(&ids), "A;");
		buffer_clear(&ids);
	}
}

/* No prefix of the real answer is taken for the whole, and no broken byte does harm. */
static void test_damaged_protobuf(void **state)
{
	size_t len;
	char *path = test_data("mesos/captured/master-v1-GET_AGENTS.pb");
	char *data = scratch_read(path, &len);
	(void)state;
	for (size_t i = 0; i < len; i++) {
		struct error err = ERROR_INIT;
		char *half = xmemdup(data, i); /* so that reading past its end is seen */
		assert_null(try_bytes(get_agents_protobuf, half, i, &err));
		assert_int_equal(err.kind, ERROR_CORRUPT);
		free(half);
	}
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct error err = ERROR_INIT;
			char *copy = xmemdup(data, len);
			copy[i] = (char)(copy[i] ^ (1 << bit));
			master_snapshot_free(try_bytes(get_agents_protobuf, copy, len, &err));
			free(copy);
		}
	}
	free(data);
	free(path);
}

static void test_damaged_json(void **state)
{
	static const char *const names[] = {"master-slaves.json", "master-state.json"};
	static parser *const parsers[] = {slaves, state_tasks};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t len;
		char *name = xasprintf("mesos/captured/%s", names[i]), *path = test_data(name);
		char *data = scratch_read(path, &len);
		while (len > 0 && data[len - 1] != '}')
			len--;
		for (size_t j = 0; j < len; j += 1 + j / 20) {
			struct error err = ERROR_INIT;
			char *half = xmemdup(data, j);
			assert_null(try_bytes(parsers[i], half, j, &err));
			assert_int_equal(err.kind, ERROR_CORRUPT);
			free(half);
		}
		free(data);
		free(path);
		free(name);
	}
}

/* ---- corners */

static void test_addresses(void **state)
{
	static const char *const cases[][2] = {
		{"slave(1)@10.1.2.3:5051", "10.1.2.3"},
		{"slave(1)@[2001:db8::1]:5051", "2001:db8::1"},
		{"slave(1)", ""},
		{"slave@:1", ""},
		{"@[]:1", ""},
		{"", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf(
			"{\"slaves\":[{\"id\":\"A\",\"hostname\":\"h\",\"active\":true,\"version\":\"1.4.0\",\"pid\":\"%s\"}]}",
			cases[i][0]);
		struct master_snapshot *snapshot = must_parse(slaves, text);
		assert_string_equal(snapshot->agents[0].ip, cases[i][1]);
		assert_int_equal(snapshot->agents[0].port, 5051);
		assert_false(snapshot->agents[0].deactivated); /* masters before 1.9 do not say */
		master_snapshot_free(snapshot);
		free(text);
	}
}

static void test_attributes_of_slaves(void **state)
{
	static const struct {
		const char *json;
		Mesos__Value__Type type;
	} cases[] = {
		{"\"r1\"", MESOS__VALUE__TYPE__TEXT},          {"4", MESOS__VALUE__TYPE__SCALAR},
		{"4.5", MESOS__VALUE__TYPE__SCALAR},           {"\"[1-2, 4-9]\"", MESOS__VALUE__TYPE__RANGES},
		{"\"[1-2,4-9]\"", MESOS__VALUE__TYPE__RANGES}, {"\"[]\"", MESOS__VALUE__TYPE__RANGES},
		{"\"[1-2\"", MESOS__VALUE__TYPE__TEXT},        {"\"[a-b]\"", MESOS__VALUE__TYPE__TEXT},
		{"\"[1-2;3-4]\"", MESOS__VALUE__TYPE__TEXT},   {"\"-4\"", MESOS__VALUE__TYPE__TEXT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf(
			"{\"slaves\":[{\"id\":\"A\",\"hostname\":\"h\",\"active\":true,\"version\":\"1.4.0\",\"attributes\":{\"x\":%s}}]}",
			cases[i].json);
		struct master_snapshot *snapshot = must_parse(slaves, text);
		assert_int_equal(snapshot->agents[0].info->n_attributes, 1);
		assert_int_equal(snapshot->agents[0].info->attributes[0]->type, cases[i].type);
		master_snapshot_free(snapshot);
		free(text);
	}
}

/* What the agent registered with: dynamic reservations and volumes gone, static ones and the disk's source kept. */
static void test_resources_of_slaves(void **state)
{
	static const char text[] =
		"{\"slaves\":[{\"id\":\"A\",\"hostname\":\"h\",\"active\":true,\"version\":\"1.9.0\",\"unreserved_resources_full\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":3},\"role\":\"*\"}],\"reserved_resources_full\":{\"web\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"web\",\"reservation\":{},\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\"}]},{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":512},\"role\":\"web\",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"web\"}]},{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":100},\"role\":\"web/a\",\"shared\":{},\"reservations\":[{\"type\":\"STATIC\",\"role\":\"web\"},{\"type\":\"DYNAMIC\",\"role\":\"web/a\"}],\"disk\":{\"persistence\":{\"id\":\"v\"},\"volume\":{\"mode\":\"RW\",\"container_path\":\"v\"},\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/d\"}}}},{\"name\":\"gpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2},\"role\":\"old\"}]}}]}";
	struct master_snapshot *snapshot;
	(void)state;
	snapshot = must_parse(slaves, text);
	const Mesos__SlaveInfo *info = snapshot->agents[0].info;
	struct resources registered = {.items = info->resources, .count = info->n_resources};
	struct resources copy = {0};
	resources_copy(&copy, registered.items, registered.count);
	resources_normalise(&copy);
	assert_int_equal(snapshot->agents[0].total.count, 5);
	assert_int_equal(copy.count, 4); /* cpus 3 and 1 are one again */
	assert_true(resources_scalar(&copy, "cpus") == 4);
	for (size_t i = 0; i < copy.count; i++) {
		const Mesos__Resource *resource = copy.items[i];
		bool plain = strcmp(resource->name, "cpus") == 0;
		assert_int_equal(resource->n_reservations, plain ? 0 : 1);
		assert_null(resource->shared);
		if (strcmp(resource->name, "disk") != 0)
			continue;
		assert_string_equal(resource->reservations[0]->role, "web");
		assert_null(resource->disk->persistence);
		assert_string_equal(resource->disk->source->path->root, "/d");
	}
	resources_clear(&copy);
	master_snapshot_free(snapshot);
}

static void test_tasks_of_all_kinds(void **state)
{
	struct master_snapshot *snapshot = must_parse(
		state_tasks,
		"{\"id\":\"m\",\"frameworks\":[{\"id\":\"f\",\"name\":\"n\",\"roles\":[\"a\",\"b\"],\"active\":false,\"checkpoint\":true,\"capabilities\":[\"MULTI_ROLE\"],\"tasks\":[{\"id\":\"t1\",\"name\":\"one\",\"framework_id\":\"f\",\"slave_id\":\"A\",\"state\":\"TASK_LOST\",\"executor_id\":\"e\",\"statuses\":[{\"state\":\"TASK_RUNNING\"},{\"state\":\"TASK_LOST\",\"reason\":\"REASON_SLAVE_DISCONNECTED\"}]}],\"unreachable_tasks\":[{\"id\":\"t2\",\"framework_id\":\"f\",\"slave_id\":\"B\",\"state\":\"TASK_UNREACHABLE\"}],\"completed_tasks\":[{\"id\":\"t3\",\"framework_id\":\"f\",\"slave_id\":\"B\",\"state\":\"TASK_FINISHED\"}]}],\"completed_frameworks\":[{\"id\":\"g\"}],\"orphan_tasks\":[{\"id\":\"t4\",\"framework_id\":\"h\",\"slave_id\":\"A\",\"state\":\"TASK_RUNNING\"}]}");
	(void)state;
	assert_int_equal(snapshot->framework_count, 1);
	assert_string_equal(snapshot->frameworks[0].role, "a");
	assert_true(snapshot->frameworks[0].checkpoint);
	assert_false(snapshot->frameworks[0].active);
	assert_false(snapshot->frameworks[0].partition_aware);
	assert_int_equal(snapshot->task_count, 3);
	assert_string_equal(snapshot->tasks[0].reason, "REASON_SLAVE_DISCONNECTED");
	assert_string_equal(snapshot->tasks[0].executor_id, "e");
	assert_string_equal(snapshot->tasks[1].state, "TASK_UNREACHABLE");
	assert_string_equal(snapshot->tasks[1].name, "");
	assert_string_equal(snapshot->tasks[2].framework_id, "h");
	assert_int_equal(snapshot->completed_count, 1);
	assert_string_equal(snapshot->completed[0].state, "TASK_FINISHED");
	master_snapshot_free(snapshot);
}

/* The operator API says why a task ended, and calls a slave an agent. t3 got a status that is not its own. */
static const char tasks_of_the_api[] =
	"{\"type\":\"GET_TASKS\",\"get_tasks\":{\"pending_tasks\":[{\"name\":\"n\",\"task_id\":{\"value\":\"t4\"},\"framework_id\":{\"value\":\"f\"},\"slave_id\":{\"value\":\"C\"},\"state\":\"TASK_STAGING\"}],\"tasks\":[{\"name\":\"n\",\"task_id\":{\"value\":\"t1\"},\"framework_id\":{\"value\":\"f\"},\"agent_id\":{\"value\":\"A\"},\"state\":\"TASK_RUNNING\",\"executor_id\":{\"value\":\"e\"}}],\"unreachable_tasks\":[{\"name\":\"n\",\"task_id\":{\"value\":\"t2\"},\"framework_id\":{\"value\":\"f\"},\"agent_id\":{\"value\":\"B\"},\"state\":\"TASK_UNREACHABLE\"}],\"completed_tasks\":[{\"name\":\"n\",\"task_id\":{\"value\":\"t3\"},\"framework_id\":{\"value\":\"f\"},\"agent_id\":{\"value\":\"A\"},\"state\":\"TASK_LOST\",\"statuses\":[{\"task_id\":{\"value\":\"t3\"},\"state\":\"TASK_RUNNING\"},{\"task_id\":{\"value\":\"t3\"},\"state\":\"TASK_LOST\",\"reason\":\"REASON_AGENT_DISCONNECTED\"},{\"task_id\":{\"value\":\"t3\"},\"state\":\"TASK_KILLED\",\"reason\":\"REASON_FRAMEWORK_REMOVED\"}]}]}}";

static void test_tasks_of_the_api(void **state)
{
	struct master_snapshot *snapshot = must_parse(get_tasks, tasks_of_the_api);
	(void)state;
	assert_int_equal(snapshot->task_count, 3);
	assert_int_equal(snapshot->completed_count, 1);
	assert_string_equal(snapshot->completed[0].id, "t3");
	assert_string_equal(snapshot->completed[0].agent_id, "A");
	assert_string_equal(snapshot->completed[0].state, "TASK_LOST");
	assert_string_equal(snapshot->completed[0].reason, "REASON_SLAVE_DISCONNECTED");
	assert_string_equal(snapshot->tasks[0].id, "t4");
	assert_string_equal(snapshot->tasks[0].agent_id, "C");
	assert_string_equal(snapshot->tasks[1].executor_id, "e");
	assert_string_equal(snapshot->tasks[2].state, "TASK_UNREACHABLE");
	master_snapshot_free(snapshot);
}

static void test_old_master(void **state)
{
	struct master_snapshot *snapshot = must_parse(
		state_facts, "{\"id\":\"m\",\"version\":\"1.4.0\",\"flags\":{\"require_agent_domain\":\"true\"}}");
	(void)state;
	assert_false(snapshot->facts.agent_update);
	assert_false(snapshot->facts.has_domain);
	assert_null(snapshot->facts.region);
	assert_string_equal(snapshot->facts.cluster, "");
	assert_true(snapshot->facts.require_agent_domain);
	assert_true(snapshot->facts.elected_ns == 0);
	master_snapshot_free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_no_agents_at_all),
		cmocka_unit_test(test_recovered),
		cmocka_unit_test(test_damaged_protobuf),
		cmocka_unit_test(test_damaged_json),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_attributes_of_slaves),
		cmocka_unit_test(test_resources_of_slaves),
		cmocka_unit_test(test_tasks_of_all_kinds),
		cmocka_unit_test(test_tasks_of_the_api),
		cmocka_unit_test(test_old_master),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
