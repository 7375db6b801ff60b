/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what is written comes back exactly, and what somebody edited does not. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/plan/plan.h"
#include "tests/support/plan_fixture.h"

static char *written(char hash[DIGEST_HEX_SIZE])
{
	struct plan plan;

	plan_fixture_fill(&plan, 1);
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
	assert_int_equal(plan.options.max_failures, 1);
	assert_int_equal(plan.options.change_ms, engine_default_options.change_ms);
	assert_int_equal(plan.unchanged_count, 1);
	assert_int_equal(plan.agent_count, 1);
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
		{"\"format\":1", "\"format\": 1", ERROR_CORRUPT, "edited"},
		{"\"format\":1", "\"format\":2", ERROR_USAGE, "format 2"},
		{"\"window\":7", "\"window\":0", ERROR_USAGE, "options.window"},
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
		cmocka_unit_test(writing_it_again_gives_the_same_bytes),
		cmocka_unit_test(white_space_at_the_end_is_fine),
		cmocka_unit_test(an_edited_plan_is_refused),
		cmocka_unit_test(no_beginning_of_a_plan_is_a_plan),
		cmocka_unit_test(other_documents_are_no_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
