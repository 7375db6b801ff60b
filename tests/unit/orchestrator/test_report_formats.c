/* SPDX-License-Identifier: Apache-2.0 */
/* The documents: what is in them, and that hostile words stay words. The page's behaviour is for tests/system/test_report.py. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/report_fixture.h"

#define ATTACK "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u2028\u202e"

static void replace(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

static size_t count_of(const char *text, const char *words)
{
	size_t count = 0;

	for (const char *at = strstr(text, words); at; at = strstr(at + 1, words))
		count++;
	return count;
}

static void open_two(struct report_fixture *fixture)
{
	report_fixture_open(fixture, 2, "anna@admin1");
	report_fixture_begin(fixture, "paused", "1 stuck");
	report_fixture_put(fixture, 0,
			   &(struct report_agent){.state = "done", .task = "web.1", .from_ms = 1000, .until_ms = 4100});
	report_fixture_put(
		fixture, 1,
		&(struct report_agent){.state = "stuck", .error = "another ID", .found_id = "X7", .from_ms = 2000});
	report_fixture_load(fixture);
}

static void html(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_two(&fixture);
	char *text = report_fixture_write(&fixture, report_html);
	assert_text_has(text, "1 of 2 agents is as planned, 1 needs a person");
	assert_text_has(text, "Of 2 agents: 1 done, 1 stuck: it needs a person.");
	assert_text_has(text, "rollcall inventory sync");
	assert_text_has(text, "S1 before, X7 AFTER");
	assert_text_has(text, fixture.runs.views->head);
	assert_text_has(text, fixture.plan.hash);
	assert_text_has(text, "default-src 'none'; style-src 'sha256-");
	assert_int_equal(count_of(text, "<details class=\"proof"), 2);
	assert_null(strstr(text, "style=\"")); /* its policy would not let it count */
	assert_null(strstr(text, "http://"));
	assert_null(strstr(text, "https://"));
	free(text);
	report_fixture_close(&fixture);
}

/* Whatever comes from elsewhere. */
static void open_hostile(struct report_fixture *fixture)
{
	report_fixture_open(fixture, 2, ATTACK);
	replace(&fixture->plan.config, ATTACK);
	replace(&fixture->plan.cluster, ATTACK);
	replace(&fixture->plan.where, ATTACK);
	replace(&fixture->plan.agents[0].hostname, ATTACK);
	replace(&fixture->plan.agents[0].domain, ATTACK);
	replace(&fixture->plan.agents[1].hostname, "=cmd|'/C calc'!A0");
	replace(&fixture->plan.agents[1].edits[2].value, ATTACK);
	report_fixture_begin(fixture, "paused", ATTACK);
	report_fixture_put(fixture, 0,
			   &(struct report_agent){.state = "reverted",
						  .error = ATTACK,
						  .task = ATTACK,
						  .said = ATTACK,
						  .from_ms = 1000,
						  .until_ms = 2000});
	report_fixture_put(
		fixture, 1,
		&(struct report_agent){.state = "stuck", .error = "@SUM(1)", .found_id = ATTACK, .from_ms = 2000});
	report_fixture_load(fixture);
}

static void hostile_html(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_hostile(&fixture);
	char *text = report_fixture_write(&fixture, report_html);
	/* One script runs, two hold data; there is no other, and no image. */
	assert_int_equal(count_of(text, "<script"), 3);
	assert_int_equal(count_of(text, "</script"), 3);
	assert_null(strstr(text, "<img"));
	assert_null(strstr(text, "\u202e"));
	assert_null(strstr(text, "\u2028"));
	assert_true(count_of(text, "&lt;img src=x onerror=alert(2)&gt;") > 8);
	free(text);
	report_fixture_close(&fixture);
}

static void hostile_csv(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_hostile(&fixture);
	char *text = report_fixture_write(&fixture, report_csv);
	assert_int_equal(count_of(text, "\r\n"), 3);
	assert_true(strncmp(text, "run,agent_id,hostname,zone,", 27) == 0);
	assert_text_has(text, "\"'=cmd|'/C calc'!A0\"");
	assert_text_has(text, "\"'@SUM(1)\"");
	assert_text_has(text, ",\"no\",\"\","); /* another ID, and no SlaveInfo was shown */
	assert_text_has(text, ",1.000,1,0,0,0,0,1,");
	assert_null(strstr(text, ",=")); /* every text is quoted */
	free(text);
	report_fixture_close(&fixture);
}

static void hostile_markdown(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_hostile(&fixture);
	char *text = report_fixture_write(&fixture, report_markdown);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<img"));
	assert_text_has(text, "&#60;img src=x onerror=alert\\(2\\)&#62;");
	assert_text_has(text, "&#61;cmd&#124;'/C calc'\\!A0");
	assert_text_has(text, "What went wrong");
	free(text);
	report_fixture_close(&fixture);
}

static void several_runs_in_one(void **state)
{
	struct report_fixture one, other;
	struct run_view views[2];

	(void)state;
	open_two(&one);
	open_two(&other);
	views[0] = one.runs.views[0];
	views[1] = other.runs.views[0];
	const struct report_runs both = {views, 2};
	json_t *document = report_json(&both);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(document, "summary"), "agents")), 4);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(document, "summary"), "stuck")), 2);
	assert_int_equal(json_array_size(json_object_get(document, "runs")), 2);
	json_decref(document);
	struct buffer out = BUFFER_INIT(REPORT_MAX);
	report_html(&both, &out);
	assert_text_has(buffer_text(&out), "2 rollouts: 2 of 4 times an agent was changed as planned");
	assert_text_has(buffer_text(&out), "id=\"r2-agents\"");
	buffer_clear(&out);
	report_csv(&both, &out);
	assert_int_equal(count_of(buffer_text(&out), "run,agent_id"), 1);
	buffer_clear(&out);
	report_fixture_close(&one);
	report_fixture_close(&other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(html),
		cmocka_unit_test(hostile_html),
		cmocka_unit_test(hostile_csv),
		cmocka_unit_test(hostile_markdown),
		cmocka_unit_test(several_runs_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
