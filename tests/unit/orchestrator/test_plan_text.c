/* SPDX-License-Identifier: Apache-2.0 */
/* The page an operator signs: what must be on it, and that a large fleet's is no longer than a small one's. */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/plan/plan_stops.h"
#include "orchestrator/report/plan_text.h"
#include "tests/support/planner_fixture.h"

static const char config[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"new\": \"yes\"}}]}";

static char *page(struct planner_fixture *fixture)
{
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	plan_write(&fixture->plan, &bytes);
	buffer_clear(&bytes);
	plan_print(&fixture->plan, stream);
	plan_print_end(&fixture->plan, "rollcall rollout start 123", stream);
	fclose(stream);
	return text;
}

static void plan_fleet(struct planner_fixture *fixture, size_t count)
{
	struct error err = ERROR_INIT;

	fixture_set_fleet(fixture, count);
	if (fixture_make(fixture, config, &err) < 0)
		fail_msg("%s", err.text);
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* From the general to the particular, and what to do next at the end. */
static void everything_is_in_its_place(void **state)
{
	static const char *const order[] = {"12 agents change",
					    "Takes about",
					    "Risks",
					    "What will happen, in this order",
					    "1. canaries: 2 agents",
					    "2. zone a",
					    "What changes",
					    "would refuse",
					    "What stops it",
					    "more than 1 failed agent",
					    "How to take it back",
					    "Nothing has been changed",
					    "rollcall rollout start 123"};
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture->options.canary = "2";
	fixture->options.by = "zone";
	fixture->options.max_failures = (struct planner_amount){.number = 1};
	assert_ok(planner_windows_parse("1,3", &fixture->options.windows, &err), &err);
	plan_fleet(fixture, 12);
	char *text = page(fixture);
	const char *at = text;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		at = strstr(at, order[i]);
		if (!at)
			fail_msg("\"%s\" is missing, or not in its place, in:\n%s", order[i], text);
	}
	assert_text_has(text, fixture->plan.hash);
	assert_text_has(text, "with 1 it goes on, with 2 it stops");
	free(text);
}

static void a_large_fleet_is_folded(void **state)
{
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture->options.canary = "hostname = 'node0007'";
	assert_ok(planner_windows_parse("1,5%,25%", &fixture->options.windows, &err), &err);
	plan_fleet(fixture, 2000);
	char *text = page(fixture);
	assert_text_has(text, "node[0000-1999]");
	assert_text_has(text, "node[0001-0006,0008-0101]");
	assert_text_has(text, "2000 agents change");
	if (count_lines(text) > 80)
		fail_msg("%zu lines:\n%s", count_lines(text), text);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 110) /* in bytes; the width is 80 columns */
			fail_msg("a long line: %.200s", line);
	free(text);
}

static void add_task(struct plan_agent *agent, size_t number, const char *framework, bool survives)
{
	agent->tasks = xreallocarray(agent->tasks, agent->task_count + 1, sizeof(*agent->tasks));
	agent->tasks[agent->task_count++] = (struct plan_task){.id = xasprintf("%s.%zu", framework, number),
							       .name = xstrdup(framework),
							       .framework_id = xstrdup(framework),
							       .framework_name = xstrdup(framework),
							       .survives = survives};
}

/* Of many agents their tasks are counted by framework; those that die are named, as far as a page goes. */
static void tasks_of_a_large_fleet(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.allow_task_loss = true;
	fixture->options.max_failures = (struct planner_amount){.number = 100};
	plan_fleet(fixture, 500);
	for (size_t i = 0; i < 500; i++) {
		add_task(&fixture->plan.agents[i], i, "web", true);
		add_task(&fixture->plan.agents[i], i, "batch", i % 2);
		add_task(&fixture->plan.agents[i], i, "scratch", i % 10 > 0);
	}
	char *text = page(fixture);
	assert_text_has(text, "500 agents change, with 1500 tasks on them, of which 300 die.\n");
	assert_text_has(text, "1200 are kept: 500 of web, 250 of batch, 450 of scratch; 300");
	assert_text_has(text, "DIE: 250 of batch, 50 of scratch");
	assert_text_has(text, "scratch.0 on node0000 (scratch)");
	assert_text_has(text, "more, which --json names");
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 110)
			fail_msg("a long line: %.200s", line);
	free(text);
}

static void the_plan_in_words(void **state)
{
	struct planner_fixture *fixture = *state;
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	char *text = NULL;
	size_t len = 0;

	fixture_add_task(fixture, true);
	fixture_planned(fixture, fixture_change);
	plan_write(&fixture->plan, &bytes);
	FILE *stream = open_memstream(&text, &len);
	plan_print(&fixture->plan, stream);
	fclose(stream);
	assert_text_has(text, "web@1 on cluster lab");
	assert_text_has(text, "1 agent\n");
	assert_text_has(text, "rack");
	assert_text_has(text, "r1 \u2192 r2");
	assert_text_has(text, "yes \u2192 (none)");
	assert_text_has(text, "(none) \u2192 true");
	assert_text_has(text, "4096 \u2192 1024");
	assert_text_has(text, "would refuse: \"");
	assert_text_has(text, "relax: ");
	assert_text_has(text, "node1 (a)  1 task kept: web.1 (marathon)");
	assert_text_has(text, "--executor_reregistration_timeout  (none) \u2192 15secs");
	assert_text_has(text, "resources, attributes, domain");
	free(text);
	buffer_clear(&bytes);
}

static void risks_are_named(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.allow_task_loss = true;
	fixture_add_task(fixture, false);
	fixture_planned(fixture, fixture_change);
	plan_add_finding(&fixture->plan, true, "http://m2:5050", "has no domain", "give it one");
	plan_add_left_out(&fixture->plan, "S8", "node8", LEFT_IGNORED, "new disk");
	plan_add_left_out(&fixture->plan, "S9", "node9", LEFT_IGNORED, "new disk");
	char *text = page(fixture);
	assert_text_has(text, "of which 1 dies");
	assert_text_has(text, "1 task dies with this");
	assert_text_has(text, "1 DIES: web.1! (marathon)");
	assert_text_has(text, "! http://m2:5050: has no domain.");
	assert_text_has(text, "\u2192 give it one");
	assert_text_has(text, "2 ignored: node[8-9]");
	assert_text_has(text, "new disk");
	assert_null(strstr(text, "none that the masters"));
	free(text);
}

/* As many may fail as there are: the page does not name a number that nobody reaches. */
static void a_budget_that_is_never_spent(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.max_failures = (struct planner_amount){.number = 100, .percent = true};
	plan_fleet(fixture, 3);
	char *text = page(fixture);
	assert_text_has(text, "; no number of failures stops it.");
	assert_text_has(text, "no number of failed agents: 3 may fail");
	assert_text_has(text, "! --max-failures: as many agents may fail");
	assert_null(strstr(text, "with 4 it stops"));
	free(text);
}

static void the_page_agrees_with_its_summary(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.max_failures = (struct planner_amount){.number = 2};
	fixture->options.stage_max_failures = (struct planner_amount){.number = 0};
	plan_fleet(fixture, 3);
	char *text = page(fixture);
	assert_text_has(text, "pauses when one fails.");
	assert_text_has(text, "- the first agent that fails\n");
	assert_null(strstr(text, "goes on, with"));
	free(text);
}

/* ---- what somebody who has to sign sees first */

static struct fleet_agent member(size_t i, char names[4][64])
{
	snprintf(names[0], sizeof(names[0]), "S%zu", i);
	snprintf(names[1], sizeof(names[1]), "node%03zu.example.com", i);
	snprintf(names[2], sizeof(names[2]), "rack:r%zu;zone:%c", i % 5, "ab"[i / 250]);
	snprintf(names[3], sizeof(names[3]), "cpus:1;mem:%zu", 900 + i);
	return (struct fleet_agent){.id = names[0],
				    .hostname = names[1],
				    .attributes = names[2],
				    .resources = fixture_resources,
				    .used = names[3]};
}

/* Three kinds of change, and four reasons for being left alone: by rack. */
static void plan_kinds(struct planner_fixture *fixture)
{
	static const char kinds[] =
		"{\"name\": \"web\", \"rules\": [{\"match\": \"rack = 'r0'\", \"attributes\": {\"new\": \"yes\"}}, "
		"{\"match\": \"rack = 'r1'\", \"resources\": {\"mem\": 1024}}, "
		"{\"match\": \"rack = 'r2'\", \"flags\": {\"registration_backoff_factor\": \"2secs\"}}, "
		"{\"match\": \"rack = 'r3'\", \"attributes\": {\"rack\": \"r3\"}}]}";
	char(*names)[4][64] = xcalloc(500, sizeof(*names));
	struct fleet_agent *agents = xcalloc(500, sizeof(*agents));
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 500; i++)
		agents[i] = member(i, names[i]);
	fixture_set_agents(fixture, agents, 500);
	fixture->options.where = "not hostname in node[000-009].example.com";
	fixture->options.exclude = "hostname in node[010-019].example.com";
	if (fixture_make(fixture, kinds, &err) < 0)
		fail_msg("%s", err.text);
	free(agents);
	free(names);
}

/* What so many lines of a page say, as one line. */
static char *first_screen(const char *text, size_t lines)
{
	char *screen = xstrdup(text), *to = screen;

	for (const char *at = text; *at && lines > 0; at++) {
		lines -= *at == '\n';
		if ((*at == ' ' || *at == '\n') && (to == screen || to[-1] == ' '))
			continue;
		*to++ = *at == '\n' ? ' ' : *at;
	}
	*to = '\0';
	return screen;
}

static void the_first_screen_is_enough(void **state)
{
	static const char *const wanted[] = {
		"288 agents change, with 0 tasks on them.",
		"Changes: attributes (new), flags (registration_backoff_factor), resources (mem).",
		"Window 28: at most 28 away at once; pauses when more than 2 agents fail.",
		"at the very worst",
		"212 others stay as they are: 96 already as the config says, 8 excluded, 98 unmatched, 10 unchosen.",
		"! node[126-496/5].example.com (75 agents): tasks use more mem than will be there (worst: 1396 used",
		"1. canaries: 3 agents, window 28",
		"2. the rest: 285 agents, window 28"};
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture->options.canary = "3";
	fixture->options.max_failures = (struct planner_amount){.number = 1, .percent = true};
	assert_ok(planner_windows_parse("10%", &fixture->options.windows, &err), &err);
	plan_kinds(fixture);
	char *text = page(fixture), *screen = first_screen(text, 24);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(screen, wanted[i]))
			fail_msg("\"%s\" is not on the first screen:\n%s", wanted[i], text);
	/* However much each agent's tasks use, there are three kinds. */
	assert_text_has(text, "\n  96 agents\n");
	assert_int_equal(fixture->plan.agent_count, 288);
	free(screen);
	free(text);
}

static void an_empty_plan_says_so(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.exclude = "active = true";
	plan_fleet(fixture, 3);
	char *text = page(fixture);
	assert_text_has(text, "There is nothing to do");
	assert_text_has(text, "3 excluded: node[0000-0002]");
	assert_null(strstr(text, "What stops it"));
	free(text);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(everything_is_in_its_place),
		TEST(a_large_fleet_is_folded),
		TEST(tasks_of_a_large_fleet),
		TEST(the_plan_in_words),
		TEST(risks_are_named),
		TEST(the_first_screen_is_enough),
		TEST(a_budget_that_is_never_spent),
		TEST(the_page_agrees_with_its_summary),
		TEST(an_empty_plan_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
