/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what is written comes back exactly, and what somebody edited does not. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "orchestrator/plan/plan.h"
#include "tests/support/plan_fixture.h"
#include "tests/support/scratch.h"

/* Something of all that format 2 added. */
static void fill_2(struct plan *plan)
{
	static const char gates[] = "{\"after_agent\": [{\"kind\": \"command\", \"argv\": [\"/bin/check\", "
				    "\"${hostname}\"], \"timeout\": \"1.5mins\"}, {\"kind\": \"http\", \"url\": "
				    "\"http://${ip}:8080/health\", \"status\": 204}], \"after_stage\": [{\"kind\": "
				    "\"metric\", \"name\": \"master/tasks_lost\", \"max\": 0.1}]}";
	const struct json_place place = {.source = "gates"};
	struct plan_gates after_agent, after_stage;
	struct error err = ERROR_INIT;
	json_t *document = json_parse("gates", gates, strlen(gates), &err);

	assert_ok(plan_gates_from_json(document, &place, &after_agent, &after_stage, &err), &err);
	json_decref(document);
	plan_take_gates(plan, &after_agent, &after_stage);
	plan_add_stage(plan, "canaries", 1, 1);
	plan_add_stage(plan, "the rest", 3, 7);
	plan_add_finding(plan, true, "http://m1:5050", "has no domain", "give it one");
	plan_add_finding(plan, false, "http://m2:5050", "leads", NULL);
	plan_add_left_out(plan, "S9", "node9", LEFT_IGNORED, "new disk");
	plan->rolls_back = xstrdup("r-1");
	plan->exclude = xstrdup("zone = 'x'");
	plan->order = xstrdup("zone");
	plan->offline = plan->allow_port_change = plan->accept_stale_master = true;
	plan->hold_configuration_management = plan->master.known = plan->master.has_domain = true;
	plan->synced_ms = 5;
	plan->options.max_failures = -1;
	plan->options.domain_max_failures = 2;
	plan->options.max_consecutive = 3;
	plan->options.stage_max_percent = 20;
	plan->options.stage_max_consecutive = 5;
	plan->options.domain_max_consecutive = 6;
	plan->options.stage_soak_ms = 600000;
	plan->options.on_failure = ON_FAILURE_ROLLBACK;
	plan->options.meltdown_percent = 20;
	plan->clocks = (struct plan_clocks){75000, 600000};
	plan->forecast = (struct plan_forecast){1, 2, 3, 4};
	plan->agents[0].native_discard = true;
	plan->agents[0].expected_away_ms = 4000;
	plan->agents[0].worst_away_ms = 500000;
	plan->agents[0].recovery_ms = 900000;
	plan->agents[0].start_timeout_ms = 32500;
	plan->agents[0].reservations = xcalloc(1, sizeof(char *));
	plan->agents[0].reservations[plan->agents[0].reservation_count++] = xstrdup("cpus(web):2");
}

static char *written(char hash[DIGEST_HEX_SIZE])
{
	struct plan plan;

	plan_fixture_fill(&plan, 3);
	fill_2(&plan);
	char *bytes = plan_fixture_write(&plan);
	memcpy(hash, plan.hash, DIGEST_HEX_SIZE);
	plan_clear(&plan);
	return bytes;
}

static void everything_comes_back(void **state)
{
	struct error err = ERROR_INIT;
	struct plan plan;
	char hash[DIGEST_HEX_SIZE];
	char *bytes = written(hash);

	(void)state;
	assert_ok(plan_parse("plan", bytes, strlen(bytes), &plan, &err), &err);
	assert_string_equal(plan.hash, hash);
	assert_string_equal(plan.cluster, "lab");
	assert_string_equal(plan.config, "web-tier");
	assert_int_equal(plan.config_version, 3);
	assert_int_equal(plan.created_ms, 1700000000123);
	assert_string_equal(plan.where, "rack = 'r1'");
	assert_int_equal(plan.ignore, PART_ATTRIBUTES | PART_RESOURCES);
	assert_int_equal(plan.options.window, 7);
	assert_int_equal(plan.options.domain_window, 2);
	assert_int_equal(plan.options.change_ms, engine_default_options.change_ms);
	assert_int_equal(plan.unchanged_count, 1);
	assert_int_equal(plan.agent_count, 3);
	const struct plan_agent *agent = &plan.agents[0];
	assert_string_equal(agent->ip, "10.0.0.1");
	assert_string_equal(agent->domain, "eu/a");
	assert_int_equal(agent->differs, PART_ATTRIBUTES | PART_RESOURCES);
	assert_false(agent->stock_accepts);
	assert_int_equal(agent->edit_count, 3);
	assert_null(agent->edits[1].value);
	assert_string_equal(agent->edits[2].value, "");
	assert_string_equal(flags_get(&agent->before_flags, "gone"), "x");
	assert_null(flags_get(&agent->before_flags, "new"));
	assert_int_equal(slaveinfo_diff(agent->before, agent->after), PART_ATTRIBUTES | PART_RESOURCES);
	assert_string_equal(agent->before->id->value, "S0");
	assert_string_equal(agent->expect.checkpoint_sha256, "ab");
	assert_null(agent->expect.boot_id);
	assert_true(agent->tasks[0].survives);
	assert_string_equal(agent->notes[0], "a note");
	plan_clear(&plan);
	free(bytes);
}

static void what_format_2_added_comes_back(void **state)
{
	struct error err = ERROR_INIT;
	struct plan plan;
	char hash[DIGEST_HEX_SIZE];
	char *bytes = written(hash);

	(void)state;
	assert_ok(plan_parse("plan", bytes, strlen(bytes), &plan, &err), &err);
	assert_int_equal(plan.stage_count, 2);
	assert_int_equal(plan.stages[0].end, 1);
	assert_int_equal(plan.stages[1].end, 3);
	assert_int_equal(plan.stages[1].window, 7);
	assert_string_equal(plan.stage_names[0], "canaries");
	assert_int_equal(plan.agent_gate_count, 2);
	assert_int_equal(plan.stage_gate_count, 1);
	assert_int_equal(plan.agent_gates[0].timeout_ms, 90000);
	assert_int_equal(plan.agent_gates[1].status, 204);
	assert_true(plan.stage_gates[0].has_max && !plan.stage_gates[0].has_min);
	assert_true(plan.stage_gates[0].max == 0.1);
	assert_true(plan.options.agent_gates && plan.options.stage_gates);
	assert_int_equal(plan.options.max_failures, -1);
	assert_int_equal(plan.options.stage_max_failures, -1);
	assert_int_equal(plan.options.domain_max_failures, 2);
	assert_int_equal(plan.options.max_consecutive, 3);
	assert_int_equal(plan.options.stage_max_percent, 20);
	assert_int_equal(plan.options.domain_max_percent, 0);
	assert_int_equal(plan.options.stage_max_consecutive, 5);
	assert_int_equal(plan.options.domain_max_consecutive, 6);
	assert_int_equal(plan.options.stage_soak_ms, 600000);
	assert_int_equal(plan.options.on_failure, ON_FAILURE_ROLLBACK);
	assert_int_equal(plan.options.meltdown_percent, 20);
	assert_true(plan.options.gate_ms >= 100000);
	assert_string_equal(plan.rolls_back, "r-1");
	assert_string_equal(plan.order, "zone");
	assert_true(plan.offline && plan.allow_port_change && plan.accept_stale_master);
	assert_int_equal(plan.left_out[0].why, LEFT_IGNORED);
	assert_string_equal(plan.findings[0].remedy, "give it one");
	assert_null(plan.findings[1].remedy);
	assert_int_equal(plan.clocks.reregister_ms, 600000);
	assert_int_equal(plan.forecast.past_runs, 4);
	assert_true(plan.agents[0].native_discard);
	assert_int_equal(plan.agents[0].start_timeout_ms, 32500);
	assert_string_equal(plan.agents[0].reservations[0], "cpus(web):2");
	plan_clear(&plan);
	free(bytes);
}

/* As the first version of rollcall wrote it: a database may hold it, and a run of it may have to be resumed. */
static void plans_of_format_1_are_read(void **state)
{
	struct error err = ERROR_INIT;
	struct plan plan;
	char hash[DIGEST_HEX_SIZE];
	char *path = test_data("plan/format-1.json");
	char *bytes = scratch_read(path, NULL);

	(void)state;
	assert_ok(plan_parse("old", bytes, strlen(bytes), &plan, &err), &err);
	assert_int_equal(plan.format, 1);
	bytes[strcspn(bytes, "\n")] = '\0';
	digest_hex(bytes, strlen(bytes), hash);
	assert_string_equal(plan.hash, hash);
	assert_int_equal(plan.agent_count, 2);
	assert_int_equal(plan.stage_count, 0);
	assert_int_equal(plan.options.window, 7);
	assert_int_equal(plan.options.max_failures, 1);
	assert_int_equal(plan.options.stage_max_failures, -1);
	assert_int_equal(plan.options.domain_max_failures, -1);
	assert_int_equal(plan.options.max_consecutive, 0);
	assert_int_equal(plan.options.meltdown_percent, 0);
	assert_int_equal(plan.options.on_failure, ON_FAILURE_PAUSE);
	plan_clear(&plan);
	/* … and what only format 2 has is no part of it. */
	char *mixed = xasprintf("{\"stages\":[],%s", bytes + 1);
	assert_int_equal(plan_parse("old", mixed, strlen(mixed), &plan, &err), -1);
	assert_error(&err, ERROR_USAGE, "stages");
	free(mixed);
	free(bytes);
	free(path);
}

static void writing_it_again_gives_the_same_bytes(void **state)
{
	struct error err = ERROR_INIT;
	struct buffer again = BUFFER_INIT(PLAN_MAX);
	struct plan plan;
	char hash[DIGEST_HEX_SIZE], of_bytes[DIGEST_HEX_SIZE];
	char *bytes = written(hash);

	(void)state;
	assert_ok(plan_parse("plan", bytes, strlen(bytes), &plan, &err), &err);
	plan_write(&plan, &again);
	assert_string_equal(buffer_text(&again), bytes);
	digest_hex(bytes, strlen(bytes), of_bytes);
	assert_string_equal(plan.hash, of_bytes);
	assert_string_equal(hash, of_bytes);
	plan_clear(&plan);
	buffer_clear(&again);
	free(bytes);
}

static void white_space_at_the_end_is_fine(void **state)
{
	struct error err = ERROR_INIT;
	struct plan plan;
	char hash[DIGEST_HEX_SIZE];
	char *bytes = written(hash), *text = xasprintf("%s\n", bytes);

	(void)state;
	assert_ok(plan_parse("plan", text, strlen(text), &plan, &err), &err);
	assert_string_equal(plan.hash, hash);
	plan_clear(&plan);
	free(text);
	free(bytes);
}

/* The first occurrence of old becomes new. */
static char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);

	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

static void an_edited_plan_is_refused(void **state)
{
	static const struct {
		const char *old, *new;
		enum error_kind kind;
		const char *named;
	} cases[] = {
		/* derived, for people only: must agree with the bytes it shows */
		{"\"before\":\"r1\"", "\"before\":\"r9\"", ERROR_CORRUPT, "edited"},
		{"\"format\":2", "\"format\": 2", ERROR_CORRUPT, "edited"},
		{"\"format\":2", "\"format\":3", ERROR_USAGE, "format 3"},
		{"\"format\":2", "\"format\":0", ERROR_USAGE, "format 0"},
		{"\"format\":2", "\"format\":1", ERROR_USAGE, "unknown key"},
		{"{\"name\":\"canaries\",\"agents\":1", "{\"name\":\"canaries\",\"agents\":2", ERROR_USAGE, "stages"},
		{"{\"name\":\"canaries\",\"agents\":1", "{\"name\":\"canaries\",\"agents\":0", ERROR_USAGE,
		 "stages[0].agents"},
		{"\"on_failure\":\"rollback\"", "\"on_failure\":\"panic\"", ERROR_USAGE, "panic"},
		{"\"why\":\"ignored\"", "\"why\":\"forgotten\"", ERROR_USAGE, "forgotten"},
		{"\"level\":\"risk\"", "\"level\":\"fun\"", ERROR_CORRUPT, "edited"},
		{"\"timeout\":\"90000ms\"", "\"timeout\":\"1.5mins\"", ERROR_CORRUPT, "edited"},
		{"\"window\":7", "\"window\":0", ERROR_USAGE, "options.window"},
		{"\"stage_max_percent\":20", "\"stage_max_percent\":0", ERROR_USAGE, "options.stage_max_percent"},
		{"\"stage_max_percent\":20", "\"stage_max_percent\":101", ERROR_USAGE, "options.stage_max_percent"},
		{"\"stage_max_percent\":20", "\"domain_max_percent\":20", ERROR_USAGE, "not both"},
		{"\"stage_max_consecutive\":5", "\"stage_max_consecutive\":\"5\"", ERROR_USAGE,
		 "options.stage_max_consecutive"},
		{"\"window\":7", "\"window\":99999999999", ERROR_USAGE, "options.window"},
		{"\"cluster\"", "\"clutser\"", ERROR_USAGE, "clutser"},
		{"\"mechanism\":\"relax\"", "\"mechanism\":\"magic\"", ERROR_USAGE, "magic"},
		{"\"differs\":[\"resources\"", "\"differs\":[\"weather\"", ERROR_USAGE, "weather"},
		{"\"ignore\":[\"", "\"ignore\":[\"x", ERROR_USAGE, "ignore"},
		{"\"survives\":true", "\"survives\":1", ERROR_USAGE, "tasks[0].survives"},
		{"\"agents\":[", "\"agents\":[7,", ERROR_USAGE, "agents[0]"},
	};
	char hash[DIGEST_HEX_SIZE];
	char *bytes = written(hash);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		struct plan plan;
		char *text = replaced(bytes, cases[i].old, cases[i].new);

		assert_int_equal(plan_parse("plan.json", text, strlen(text), &plan, &err), -1);
		assert_text_has(err.text, "plan.json");
		assert_error(&err, cases[i].kind, cases[i].named);
		free(text);
	}
	free(bytes);
}

static void no_beginning_of_a_plan_is_a_plan(void **state)
{
	char hash[DIGEST_HEX_SIZE];
	char *bytes = written(hash);

	(void)state;
	for (size_t len = 0; len < strlen(bytes); len++) {
		struct error err = ERROR_INIT;
		struct plan plan;

		assert_int_equal(plan_parse("plan", bytes, len, &plan, &err), -1);
		assert_int_not_equal(err.kind, ERROR_NONE);
	}
	free(bytes);
}

static void other_documents_are_no_plans(void **state)
{
	static const char *const texts[] = {"", "[]", "null", "{}", "{\"format\":1}", "7", "{\"format\":\"1\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = ERROR_INIT;
		struct plan plan;

		assert_int_equal(plan_parse("x.json", texts[i], strlen(texts[i]), &plan, &err), -1);
		assert_error(&err, ERROR_USAGE, "x.json");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(what_format_2_added_comes_back),
		cmocka_unit_test(plans_of_format_1_are_read),
		cmocka_unit_test(writing_it_again_gives_the_same_bytes),
		cmocka_unit_test(white_space_at_the_end_is_fine),
		cmocka_unit_test(an_edited_plan_is_refused),
		cmocka_unit_test(no_beginning_of_a_plan_is_a_plan),
		cmocka_unit_test(other_documents_are_no_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
