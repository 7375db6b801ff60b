/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: what may be written, what it means, and that a plan holds exactly that. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/plan/gates.h"
#include "tests/support/scratch.h"

static int read_gates(const char *text, struct plan_gates *after_agent, struct plan_gates *after_stage,
		      struct error *err)
{
	const struct json_place place = {.source = "gates.json"};
	json_t *document = json_parse("gates.json", text, strlen(text), err);
	int result = document ? plan_gates_from_json(document, &place, after_agent, after_stage, err) : -1;

	json_decref(document);
	return result;
}

static const char every_kind[] =
	"{\"after_agent\": [{\"kind\": \"command\", \"argv\": [\"/usr/bin/check\", \"--host=${hostname}\", "
	"\"${agent}\"]},{\"kind\": \"http\", \"url\": \"https://${ip}:8080/health?a@b\", \"timeout\": "
	"\"5secs\"},{\"kind\": \"launch\", \"within\": \"5mins\"}],\"after_stage\": [{\"kind\": \"unreachable\"}, "
	"{\"kind\": \"unreachable\", \"max_new\": 2},{\"kind\": \"tasks\", \"framework\": \"marathon\", "
	"\"min_percent\": 95},{\"kind\": \"metric\", \"name\": \"master/tasks_lost\", \"max\": 3, \"min\": 0.5, "
	"\"timeout\": \"1secs\"}]}";

static void every_kind_is_read(void **state)
{
	struct plan_gates agent, stage;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(read_gates(every_kind, &agent, &stage, &err), &err);
	assert_int_equal(agent.count, 3);
	assert_int_equal(agent.items[0].argc, 3);
	assert_string_equal(agent.items[0].argv[2], "${agent}");
	assert_null(agent.items[0].argv[3]);
	assert_int_equal(agent.items[0].timeout_ms, 60000);
	assert_int_equal(agent.items[1].timeout_ms, 5000);
	assert_int_equal(agent.items[1].status, 0);
	assert_int_equal(agent.items[2].within_ms, 300000);
	/* Also what the master is asked takes time: one that fails must be able to say so. */
	assert_int_equal(plan_gates_longest_ms(&agent), 60000 + 5000 + 315000);
	assert_int_equal(plan_gates_longest_ms(&stage), 3 * (PLAN_GATE_SETTLE_MS + 15000) + 1000);
	assert_int_equal(stage.count, 4);
	assert_int_equal(stage.items[0].max_new, 0);
	assert_int_equal(stage.items[1].max_new, 2);
	assert_int_equal(stage.items[2].min_percent, 95);
	assert_true(stage.items[3].has_max && stage.items[3].has_min);
	assert_true(stage.items[3].max == 3 && stage.items[3].min == 0.5);
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
}

static void what_a_plan_holds_reads_the_same(void **state)
{
	struct plan_gates agent, stage;
	struct error err = ERROR_INIT;
	struct buffer once = BUFFER_INIT(65536), twice = BUFFER_INIT(65536);

	(void)state;
	assert_ok(read_gates(every_kind, &agent, &stage, &err), &err);
	for (int i = 0; i < 2; i++) {
		json_t *document = plan_gates_to_json(&agent, &stage);

		json_write(document, false, i == 0 ? &once : &twice);
		json_decref(document);
		plan_gates_clear(&agent);
		plan_gates_clear(&stage);
		assert_ok(read_gates(buffer_text(&once), &agent, &stage, &err), &err);
	}
	assert_string_equal(buffer_text(&once), buffer_text(&twice));
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
	buffer_clear(&once);
	buffer_clear(&twice);
}

static void no_gates_are_fine(void **state)
{
	struct plan_gates agent, stage;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(read_gates("{}", &agent, &stage, &err), &err);
	assert_int_equal(agent.count + stage.count, 0);
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
}

#define AGENT(gate) "{\"after_agent\": [" gate "]}"
#define STAGE(gate) "{\"after_stage\": [" gate "]}"

static void gates_that_are_none(void **state)
{
	static const struct {
		const char *text, *named;
	} cases[] = {
		{"[]", "gates.json"},
		{"{\"after_agents\": []}", "after_agents"},
		{"{\"after_agent\": {}}", "after_agent"},
		{AGENT("7"), "after_agent[0]"},
		{AGENT("{}"), "kind"},
		{AGENT("{\"kind\": \"prayer\"}"), "prayer is no kind"},
		{AGENT("{\"kind\": \"command\"}"), "argv"},
		{AGENT("{\"kind\": \"command\", \"argv\": []}"), "names no program"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"check\"]}"), "absolute path"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"\"]}"), "absolute path"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\", 7]}"), "argv[1]"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\", \"a\\nb\"]}"), "control characters"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\", \"${host}\"]}"), "only ${hostname}"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\"], \"timeout\": \"fast\"}"), "timeout"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\"], \"timeout\": \"0secs\"}"),
		 "from 1secs to 24hrs"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\"], \"timeout\": \"2days\"}"),
		 "from 1secs to 24hrs"},
		{AGENT("{\"kind\": \"command\", \"argv\": [\"/bin/x\"], \"status\": 200}"), "status"},
		{STAGE("{\"kind\": \"command\", \"argv\": [\"/bin/x\", \"${hostname}\"]}"), "no single agent"},
		{AGENT("{\"kind\": \"http\"}"), "url"},
		{AGENT("{\"kind\": \"http\", \"url\": \"ftp://x\"}"), "http://"},
		{AGENT("{\"kind\": \"http\", \"url\": \"http://me:secret@x/\"}"), "password"},
		{AGENT("{\"kind\": \"http\", \"url\": \"http://x\", \"status\": 99}"), "status"},
		{STAGE("{\"kind\": \"http\", \"url\": \"http://${ip}/\"}"), "no single agent"},
		{STAGE("{\"kind\": \"unreachable\", \"max_new\": -1}"), "max_new"},
		{STAGE("{\"kind\": \"tasks\", \"framework\": \"\", \"min_percent\": 95}"), "framework"},
		{STAGE("{\"kind\": \"tasks\", \"framework\": \"m\"}"), "min_percent"},
		{STAGE("{\"kind\": \"tasks\", \"framework\": \"m\", \"min_percent\": 0}"), "min_percent"},
		{STAGE("{\"kind\": \"tasks\", \"framework\": \"m\", \"min_percent\": 101}"), "min_percent"},
		{STAGE("{\"kind\": \"launch\"}"), "within"},
		{STAGE("{\"kind\": \"metric\", \"name\": \"x\"}"), "\"max\" or \"min\""},
		{STAGE("{\"kind\": \"metric\", \"name\": \"\", \"max\": 1}"), "name"},
		{STAGE("{\"kind\": \"metric\", \"name\": \"x\", \"max\": \"1\"}"), "max"},
		{STAGE("{\"kind\": \"metric\", \"name\": \"x\", \"max\": 1, \"min\": 2}"), "no value"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plan_gates agent = {.count = 42}, stage = {.count = 43};
		struct error err = ERROR_INIT;

		assert_int_equal(read_gates(cases[i].text, &agent, &stage, &err), -1);
		assert_int_equal(agent.count, 42);
		assert_int_equal(stage.count, 43);
		assert_text_has(err.text, "gates.json");
		assert_error(&err, ERROR_USAGE, cases[i].named);
	}
}

static void how_they_read(void **state)
{
	static const char *const wanted[] = {
		"/usr/bin/check --host=${hostname} ${agent} exits with 0 within 1 min 0 s",
		"https://${ip}:8080/health?a@b answers 2xx within 5.0 s",
		"a new task runs on what was changed, within 5 min 0 s",
	};
	struct plan_gates agent, stage;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(read_gates(every_kind, &agent, &stage, &err), &err);
	for (size_t i = 0; i < agent.count; i++) {
		struct buffer text = BUFFER_INIT(65536);

		plan_gate_text(&agent.items[i], &text);
		assert_string_equal(buffer_text(&text), wanted[i]);
		buffer_clear(&text);
	}
	for (size_t i = 0; i < stage.count; i++) {
		struct buffer text = BUFFER_INIT(65536);

		plan_gate_text(&stage.items[i], &text);
		assert_true(text.len > 0);
		buffer_clear(&text);
	}
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
}

/* Where a word ends is seen. */
static void words_are_quoted(void **state)
{
	char *argv[] = {"/bin/sh", "-c", "echo ok $1; it's", "", "${agent}"};
	const struct plan_gate gate = {.kind = GATE_COMMAND, .argv = argv, .argc = 5, .timeout_ms = 5000};
	struct buffer text = BUFFER_INIT(1024);

	(void)state;
	plan_gate_text(&gate, &text);
	assert_string_equal(buffer_text(&text),
			    "/bin/sh -c 'echo ok $1; it'\\''s' '' ${agent} exits with 0 within 5.0 s");
	buffer_clear(&text);
}

static void files(void **state)
{
	char *folder = scratch_new();
	char *path = scratch_write(folder, "gates.json", every_kind);
	struct plan_gates agent, stage;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(plan_gates_read(path, &agent, &stage, &err), &err);
	plan_gates_clear(&agent);
	plan_gates_clear(&stage);
	free(path);
	path = scratch_write(folder, "bad.json", "{\"after_agent\": [}");
	assert_int_equal(plan_gates_read(path, &agent, &stage, &err), -1);
	assert_error(&err, ERROR_USAGE, "bad.json:1:");
	free(path);
	assert_int_equal(plan_gates_read("/nowhere/gates.json", &agent, &stage, &err), -1);
	assert_text_has(err.text, "/nowhere/gates.json");
	scratch_remove(folder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_read), cmocka_unit_test(what_a_plan_holds_reads_the_same),
		cmocka_unit_test(no_gates_are_fine),  cmocka_unit_test(gates_that_are_none),
		cmocka_unit_test(how_they_read),      cmocka_unit_test(files),
		cmocka_unit_test(words_are_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
