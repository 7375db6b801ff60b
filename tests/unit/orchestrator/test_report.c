/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a run: status, roll and report, from the database alone. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/report/run_view.h"
#include "tests/support/plan_fixture.h"
#include "tests/support/scratch.h"

#define RUN    "r-20261123-1"
#define NOW_MS 1700000100000

/* Rows are borrowed by the ledger, which never writes to them. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

struct fixture {
	char *folder;
	struct store *store;
	struct ledger *ledger;
	struct plan plan;
	struct run_agent *rows;
};

static char *proof_of(const char *result, const char *of, const char *found_id, const char *fate)
{
	return xasprintf(
		"{\"result\":\"%s\",\"of\":\"%s\",\"lines\":[{\"what\":\"id\",\"planned\":\"S\",\"found\":\"%s\",\"ok\":%s},{\"what\":\"reregistered_time\",\"planned\":{\"other_than\":1},\"found\":1700000050000000000,\"ok\":true},{\"what\":\"slave_info\",\"planned\":{},\"found\":{\"hostname\":\"n\"},\"ok\":%s}],\"tasks\":{\"survived\":[%s],\"killed\":[%s],\"ended\":[],\"new\":[]}}",
		result, of, found_id, found_id[0] == 'X' ? "false" : "true",
		strcmp(result, "pass") == 0 ? "true" : "false",
		strcmp(fate, "kept") == 0 ? "{\"task\":\"t.S0\",\"framework\":\"F\",\"state\":\"TASK_RUNNING\"}" : "",
		strcmp(fate, "lost") == 0 ? "{\"task\":\"t.S9\",\"framework\":\"F\",\"state\":\"TASK_LOST\"}" : "");
}

static int set_up(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct error err = ERROR_INIT;

	fixture->folder = scratch_new();
	char *path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(path, true, &err);
	free(path);
	assert_non_null(fixture->store);
	fixture->ledger = ledger_open(fixture->store, "anna@admin1", &err);
	assert_non_null(fixture->ledger);
	*state = fixture;
	return 0;
}

static void begin(struct fixture *fixture, size_t count, const char *run_state, const char *reason)
{
	struct error err = ERROR_INIT;

	plan_fixture_fill(&fixture->plan, count);
	char *bytes = plan_fixture_write(&fixture->plan);
	const struct plan_row plan = {.hash = fixture->plan.hash,
				      .cluster = TEXT("lab"),
				      .config = TEXT("web-tier"),
				      .config_version = 3,
				      .author = TEXT("bert@admin2"),
				      .created_ms = 1700000000123,
				      .agents = (int64_t)count,
				      .document = bytes,
				      .document_len = strlen(bytes)};
	const struct run_row run = {.id = TEXT(RUN),
				    .plan = fixture->plan.hash,
				    .state = TEXT(run_state),
				    .reason = TEXT(reason),
				    .epoch = 4,
				    .created_ms = 1700000010000,
				    .finished_ms = strcmp(run_state, "done") == 0 ? 1700000090000 : 0};
	ledger_put_plan(fixture->ledger, &plan);
	ledger_put_run(fixture->ledger, &run);
	ledger_event(fixture->ledger, "run.created", RUN, NULL, NULL);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	free(bytes);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->plan.cluster)
		plan_clear(&fixture->plan);
	ledger_close(fixture->ledger);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, int64_t position, const struct run_agent *what)
{
	struct error err = ERROR_INIT;
	struct run_agent row = *what;

	row.run = TEXT(RUN);
	row.position = position;
	row.agent_id = fixture->plan.agents[position].agent_id;
	row.hostname = fixture->plan.agents[position].hostname;
	ledger_put_agent(fixture->ledger, &row);
	ledger_event(fixture->ledger, "agent", RUN, row.agent_id,
		     json_pack("{s:s, s:s, s:s, s:s*}", "from", "changing", "to", row.state, "event", "happened",
			       "note", row.error));
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

static void put_done(struct fixture *fixture, int64_t position)
{
	char *proof = proof_of("pass", "the planned state", fixture->plan.agents[position].agent_id, "kept");
	const struct run_agent row = {.state = TEXT("done"),
				      .attempt = 1,
				      .operation = TEXT("0badcafe"),
				      .before = TEXT("{\"reregistered_ns\":1700000001000000000,\"slave_info\":{}}"),
				      .proof = proof,
				      .away_from_ms = 1700000020000,
				      .away_until_ms = 1700000023100};
	put(fixture, position, &row);
	free(proof);
}

static void load(struct fixture *fixture, struct run_view *view)
{
	struct error err = ERROR_INIT;

	assert_ok(run_view_load(fixture->store, "latest", NOW_MS, view, &err), &err);
}

static char *roll_of(const struct run_view *view, void (*print)(const struct run_view *view, FILE *stream))
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	print(view, stream);
	fclose(stream);
	return text;
}

static void print_short_roll(const struct run_view *view, FILE *stream)
{
	run_view_print_roll(view, false, stream);
}

static void all_done(void **state)
{
	struct fixture *fixture = *state;
	struct run_view view;

	begin(fixture, 2, "done", NULL);
	put_done(fixture, 0);
	put_done(fixture, 1);
	load(fixture, &view);
	assert_int_equal(run_view_failures(&view), 0);
	assert_int_equal(view.by_state[AGENT_DONE], 2);
	assert_string_equal(view.actor, "anna@admin1");
	assert_string_equal(view.author, "bert@admin2");
	assert_string_equal(view.agents[1].id_after, "S1");
	assert_true(view.agents[1].proven);
	assert_int_equal(view.agents[1].kept, 1);
	assert_int_equal(view.agents[0].away_ms, 3100);

	char *text = roll_of(&view, print_short_roll);
	assert_text_has(text, "2 of 2: same ID, SlaveInfo as planned, every task (2) still running.");
	assert_text_has(text, "as planned");
	free(text);

	json_t *status = run_view_status(&view);
	assert_string_equal(json_string_value(json_object_get(status, "state")), "done");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "counts"), "done")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "counts"), "stuck")), 0);
	const json_t *agent = json_array_get(json_object_get(status, "agents"), 1);
	static const char *const members[] = {"id",       "hostname", "state",        "operation", "id_before",
					      "id_after", "proof",    "away_seconds", "error"};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_non_null(json_object_get(agent, members[i]));
	assert_true(json_real_value(json_object_get(agent, "away_seconds")) == 3.1);
	assert_true(json_is_null(json_object_get(agent, "error")));
	json_decref(status);
	run_view_clear(&view);
}

/* Of four: one done, one put back, one stuck, one not begun. */
static void load_four(struct fixture *fixture, struct run_view *view)
{
	char *reverted = proof_of("pass", "the state before", "S1", "kept");
	char *stuck = proof_of("fail", "the planned state", "X7", "lost");
	const struct run_agent rows[] = {
		{.state = TEXT("reverted"),
		 .attempt = 1,
		 .operation = TEXT("0b"),
		 .proof = reverted,
		 .started = TEXT("{\"event\":\"undone\",\"reason\":\"the agent ended\",\"agent_said\":\"bad\\nflag\"}"),
		 .error = TEXT("the agent ended: exit status 1"),
		 .away_from_ms = 1700000020000,
		 .away_until_ms = 1700000030000},
		{.state = TEXT("stuck"),
		 .attempt = 1,
		 .operation = TEXT("0c"),
		 .proof = stuck,
		 .error = TEXT("it came back with a new ID, X7\nand more"),
		 .away_from_ms = 1700000090000},
		{.state = TEXT("waiting")},
	};

	begin(fixture, 4, "paused", "2 failed");
	put_done(fixture, 0);
	for (int64_t i = 0; i < 3; i++)
		put(fixture, i + 1, &rows[i]);
	load(fixture, view);
	free(reverted);
	free(stuck);
}

static void four_on_a_terminal(void **state)
{
	struct run_view view;

	load_four(*state, &view);
	char *text = roll_of(&view, print_short_roll);
	assert_text_has(
		text, "Of 4 agents: 1 done, 1 put back and proven as before, 1 stuck: it needs a person, 1 not begun. "
		      "Tasks: 2 kept, 1 lost.");
	assert_text_has(text, "node2.example.com is stuck: it runs as the new agent X7");
	assert_text_has(text, "Run " RUN " has paused: 2 failed");
	assert_text_has(text, "NEW");
	assert_text_has(text, "as before");
	assert_text_has(text, "0 kept, 1 lost");
	assert_null(strstr(text, "and more"));
	free(text);
	run_view_clear(&view);
}

static void four_in_a_report(void **state)
{
	struct run_view view;

	load_four(*state, &view);
	char *text = roll_of(&view, run_view_print_report);
	assert_text_has(text, "What went wrong on node1.example.com");
	assert_text_has(text, "agentctl put the old flags and checkpoint back");
	assert_text_has(text, "the agent ended");
	assert_text_has(text, "      flag\n");
	assert_text_has(text, "S2 before, X7 AFTER");
	assert_text_has(text, "by bert@admin2");
	assert_text_has(text, "anna@admin1");
	assert_text_has(text, "1 survived: t.S0");
	assert_text_has(text, "0 survived; 1 killed: t.S9");
	assert_text_has(text, "the run has paused");
	assert_text_has(text, "what to do     it runs as the new agent X7");
	assert_text_has(text, "WRONG id: X7, not S");
	assert_text_has(text, "ok    reregistered_time: 2023-11-14");
	assert_text_has(text, view.head);
	free(text);
	run_view_clear(&view);
}

static void four_in_figures_and_json(void **state)
{
	struct run_view view;

	load_four(*state, &view);
	assert_int_equal(run_view_failures(&view), 2);
	assert_int_equal(view.agents[2].away_ms, 10000); /* until now */
	assert_int_equal(view.agents[3].away_ms, -1);
	json_t *report = run_view_report(&view);
	const json_t *summary = json_object_get(report, "summary");
	assert_int_equal(json_integer_value(json_object_get(summary, "failed")), 2);
	assert_int_equal(json_integer_value(json_object_get(summary, "same_id")), 2);
	assert_int_equal(json_integer_value(json_object_get(summary, "tasks_lost")), 1);
	assert_int_equal(json_integer_value(json_object_get(summary, "stuck")), 1);
	const json_t *agent = json_array_get(json_object_get(report, "agents"), 2);
	assert_string_equal(json_string_value(json_object_get(agent, "id_after")), "X7");
	assert_int_equal(json_array_size(json_object_get(agent, "steps")), 1);
	assert_int_equal(json_array_size(json_object_get(agent, "planned_changes")), 5);
	assert_string_equal(json_string_value(json_object_get(json_object_get(report, "ledger"), "head")), view.head);
	json_decref(report);
	run_view_clear(&view);
}

/* What is to be done depends on where an agent got stuck. A run with nothing left to do says so, and that it has one. */
static void done_and_stuck(void **state)
{
	static const struct {
		const char *from, *event, *words;
	} cases[] = {
		{"returning", "timeout", "still open on the host"},
		{"proving", "disproven", "the new state is kept"},
		{"proving", "timeout", "may still come"},
		{"soaking", "host-stuck", "does not come up with them either"},
		{"unknown", "refused", "rollcall rollout settle " RUN},
		{"unknown", "timeout", "nobody knows yet"},
		{"reverting", "timeout", "the old flags and checkpoint are back"},
	};
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct run_view view;

	begin(fixture, 1, "done", NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct run_agent row = {.run = TEXT(RUN),
					      .agent_id = fixture->plan.agents[0].agent_id,
					      .hostname = fixture->plan.agents[0].hostname,
					      .state = TEXT("stuck"),
					      .operation = TEXT("0badcafe"),
					      .before = TEXT("{\"tasks\":[{\"id\":\"t1\",\"framework\":\"F\"}]}"),
					      .away_from_ms = 1};

		ledger_put_agent(fixture->ledger, &row);
		ledger_event(
			fixture->ledger, "agent", RUN, row.agent_id,
			json_pack("{s:s, s:s, s:s}", "from", cases[i].from, "to", "stuck", "event", cases[i].event));
		assert_ok(ledger_commit(fixture->ledger, &err), &err);
		load(fixture, &view);
		assert_int_equal(view.agents[0].unproven, 1);
		char *text = roll_of(&view, run_view_print_report);
		assert_text_has(text, cases[i].words);
		assert_text_has(text, "rollcall rollout settle " RUN);
		assert_text_has(text, "done, 1 stuck");
		assert_text_has(text, "1 unproven: t1");
		assert_null(strstr(text, "has paused"));
		free(text);
		json_t *status = run_view_status(&view);
		assert_string_equal(json_string_value(json_object_get(status, "state")), "done");
		assert_int_equal(json_integer_value(json_object_get(status, "stuck")), 1);
		json_decref(status);
		run_view_clear(&view);
	}
}

static void rows_that_do_not_fit_the_plan(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct run_view view;
	struct run_agent row = {
		.run = TEXT(RUN), .agent_id = TEXT("S9"), .hostname = TEXT("n"), .state = TEXT("asleep")};

	assert_int_equal(run_view_load(fixture->store, "latest", NOW_MS, &view, &err), -1);
	assert_error(&err, ERROR_USAGE, "rollout list");
	begin(fixture, 1, "running", NULL);
	ledger_put_agent(fixture->ledger, &row);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	assert_int_equal(run_view_load(fixture->store, RUN, NOW_MS, &view, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "S9");
	row.state = TEXT("done");
	row.position = 5;
	ledger_put_agent(fixture->ledger, &row);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	assert_int_equal(run_view_load(fixture->store, RUN, NOW_MS, &view, &err), -1);
	assert_error(&err, ERROR_CORRUPT, RUN);
}

static void words_of_hosts_cannot_harm_a_terminal(void **state)
{
	struct fixture *fixture = *state;
	const struct run_agent row = {.state = TEXT("failed"), .error = TEXT("\033[2Jgone")};
	struct run_view view;

	begin(fixture, 1, "done", NULL);
	put(fixture, 0, &row);
	load(fixture, &view);
	char *text = roll_of(&view, run_view_print_report);
	assert_null(strchr(text, '\033'));
	assert_text_has(text, "gone");
	free(text);
	run_view_clear(&view);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, set_up, tear_down, NULL                                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(all_done),
		TEST(four_on_a_terminal),
		TEST(four_in_a_report),
		TEST(four_in_figures_and_json),
		TEST(done_and_stuck),
		TEST(rows_that_do_not_fit_the_plan),
		TEST(words_of_hosts_cannot_harm_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
