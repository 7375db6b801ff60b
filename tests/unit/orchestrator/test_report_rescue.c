/* SPDX-License-Identifier: Apache-2.0 */
/* A rescue's report, from its events: who came back, who did not, and what cannot be asked for. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/rescue_view.h"
#include "tests/support/report_fixture.h"

#define RESCUE "rescue-6adbd6563dec"

static void tell(struct report_fixture *fixture, const char *agent, const char *kind, json_t *body)
{
	struct error err = ERROR_INIT;

	ledger_event(fixture->ledger, kind, RESCUE, agent, body);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

static void begin(struct report_fixture *fixture)
{
	tell(fixture, NULL, "rescue.begun",
	     json_pack("{s:s, s:s, s:s, s:i}", "cluster", "lab", "where", "rack = 'r1'", "proposal", "6adbd6563dec00",
		       "hosts", 4));
	for (int i = 0; i < 4; i++) {
		static const char *const agents[] = {"S0", "S1", "S2", "S3"};

		json_t *body = json_pack("{s:s, s:s}", "act", i == 3 ? "settle" : "rescue", "operation", "0badcafe");

		if (i == 2)
			json_object_set_new(body, "hostname", json_string("two.example.com"));
		if (i < 2)
			json_object_set_new(body, "gives_way", json_string(i == 0 ? "checkpoint" : "flags"));
		if (i == 0)
			json_object_set_new(body, "changes",
					    json_pack("[{s:s, s:s, s:s, s:n}]", "part", "attributes", "what", "rack",
						      "before", "r1", "after"));
		tell(fixture, agents[i], "rescue.intent", body);
	}
}

static void end(struct report_fixture *fixture)
{
	tell(fixture, "S0", "rescue.done", json_pack("{s:s}", "said", "its agent is back"));
	tell(fixture, "S0", "rescue.proof",
	     json_pack("{s:b, s:s, s:i, s:i}", "pass", 1, "id_after", "S0", "tasks", 3, "tasks_running", 2));
	tell(fixture, "S1", "rescue.failed", json_pack("{s:s}", "said", "\033[2Jit <b>ended</b> again"));
	/* Its host is done, and what the master shows is another agent. */
	tell(fixture, "S2", "rescue.done", json_pack("{s:s}", "said", "its agent is back"));
	tell(fixture, "S2", "rescue.proof",
	     json_pack("{s:b, s:s, s:i, s:i}", "pass", 0, "id_after", "S9", "tasks", 1, "tasks_running", 0));
	/* The master was not asked any more: nobody knows that its agent runs. */
	tell(fixture, "S3", "rescue.done", json_pack("{s:s}", "said", "settled"));
}

/* One whose host could not be asked: nothing was begun there. */
static void refuse(struct report_fixture *fixture)
{
	tell(fixture, "S4", "rescue.refused",
	     json_pack("{s:s, s:s}", "hostname", "four.example.com", "said", "no connection to port 22"));
}

static void load(struct report_fixture *fixture)
{
	struct error err = ERROR_INIT;

	assert_ok(report_runs_add(&fixture->runs, fixture->store, RESCUE, REPORT_NOW_MS, &err), &err);
}

static char *write(const struct report_fixture *fixture, enum report_format format)
{
	struct buffer out = BUFFER_INIT(REPORT_MAX);

	report_write(&fixture->runs, format, &out);
	return buffer_take(&out);
}

static void who_came_back_and_who_did_not(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	begin(&fixture);
	end(&fixture);
	load(&fixture);
	const struct rescue_view *rescue = fixture.runs.views[0].rescue;
	assert_non_null(rescue);
	assert_int_equal(rescue->count, 4);
	assert_int_equal(rescue_view_done(rescue), 1);
	char *text = write(&fixture, REPORT_TEXT);
	assert_text_has(text, "Rescue " RESCUE " on cluster lab");
	assert_text_has(text, "Of 4 hosts 1 is done, 3 are not");
	assert_text_has(text, "started by     anna@admin1");
	assert_text_has(text, "rack = 'r1'");
	assert_text_has(text, "two.example.com"); /* as it was called then; the inventory is no evidence */
	assert_text_has(text, "2 of 3 run");
	assert_text_has(text, "NOT proven");
	assert_text_has(text, "NEW");
	assert_text_has(text, "settle an open operation");
	assert_text_has(text, "start the agent again; checkpoint fits the flags: rack r1 \u2192 (none)");
	assert_text_has(text, "start the agent again; flags fit the checkpoint");
	assert_text_has(text, fixture.runs.views[0].head);
	assert_null(strchr(text, '\033'));
	free(text);
	text = write(&fixture, REPORT_MARKDOWN);
	assert_text_has(text, "Of 4 hosts 1 is done");
	assert_null(strstr(text, "<b>"));
	free(text);
	text = write(&fixture, REPORT_CSV);
	assert_int_equal(strncmp(text, "run,agent_id,hostname,", 22), 0);
	assert_text_has(text, "\r\n\"" RESCUE "\",\"S0\",");
	assert_text_has(text, "\"done\",\"yes\",\"S0\",\"yes\",3,2,");
	assert_text_has(text, "\"done\",\"no\",\"S9\",\"no\",1,0,");
	assert_text_has(text, "\"failed\",\"\",\"\",\"\",,,");
	assert_null(strchr(text, '\033'));
	free(text);
	text = write(&fixture, REPORT_HTML);
	assert_text_has(text, "<title>Rescue " RESCUE "</title>");
	assert_text_has(text, "<meta name=\"rollcall\" content=\"" REPORT_MARK);
	assert_text_has(text, "1 of 4 hosts is done</h2>");
	assert_text_has(text, "<b>3</b> hosts are not done");
	assert_text_has(text, "</i>NOT proven</span>");
	assert_text_has(text, "it &lt;b&gt;ended&lt;/b&gt; again");
	assert_text_has(text, "rack = &#39;r1&#39;");
	/* Who needs somebody stands first. */
	assert_true(strstr(text, "<tr class=\"o-failed\">") < strstr(text, "<tr class=\"o-done\">"));
	assert_null(strchr(text, '\033'));
	free(text);
	json_t *document = report_json(&fixture.runs);
	assert_int_equal(json_integer_value(json_object_get(document, "hosts_done")), 1);
	const json_t *hosts = json_object_get(document, "hosts");
	assert_true(json_is_null(json_object_get(json_array_get(hosts, 1), "proven")));
	assert_true(json_is_false(json_object_get(json_array_get(hosts, 2), "proven")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(hosts, 1), "gives_way")), "flags");
	assert_true(json_is_null(json_object_get(json_array_get(hosts, 2), "gives_way")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(hosts, 0), "changes")), 1);
	json_decref(document);
	report_fixture_close(&fixture);
}

/* Who was left out stands beside the others in every format, and nobody says how many of its tasks run. */
static void who_could_not_be_asked(void **state)
{
	struct report_fixture fixture;
	json_t *document;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	begin(&fixture);
	refuse(&fixture);
	end(&fixture);
	load(&fixture);
	char *text = write(&fixture, REPORT_TEXT);
	assert_text_has(text, "Of 5 hosts 1 is done, 4 are not");
	assert_text_has(text, "four.example.com");
	assert_text_has(text, "not rescued");
	assert_text_has(text, "not known");
	assert_text_has(text, "four.example.com: nothing was done there: no connection to port 22");
	free(text);
	text = write(&fixture, REPORT_MARKDOWN);
	assert_text_has(text, "look again with `rollcall rescue`.");
	assert_text_has(text, "| four.example.com | S4 | nothing | not rescued | - | not known | no connection");
	assert_text_has(text, " | settle an open operation | NOT proven | - | not known | settled |");
	free(text);
	text = write(&fixture, REPORT_CSV);
	assert_text_has(text, "\"S4\",\"four.example.com\",\"\",\"\",\"\",\"refused\",");
	free(text);
	text = write(&fixture, REPORT_HTML);
	assert_text_has(text, "four.example.com</bdi>");
	assert_text_has(text, "</i>not rescued</span>");
	free(text);
	document = report_json(&fixture.runs);
	const json_t *host = json_array_get(json_object_get(document, "hosts"), 4);
	assert_string_equal(json_string_value(json_object_get(host, "end")), "refused");
	assert_true(json_is_null(json_object_get(host, "tasks_running")));
	json_decref(document);
	report_fixture_close(&fixture);
}

/* Nothing was said about whom: all of them, and every format says it alike. */
static void chosen_by_nothing(void **state)
{
	struct report_fixture fixture;
	char *text;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	tell(&fixture, NULL, "rescue.begun", json_pack("{s:s}", "cluster", "lab"));
	load(&fixture);
	text = write(&fixture, REPORT_TEXT);
	assert_text_has(text, "chosen by      (every agent)");
	free(text);
	text = write(&fixture, REPORT_MARKDOWN);
	assert_text_has(text, "chosen by \\(every agent\\)");
	free(text);
	report_fixture_close(&fixture);
}

static void one_that_is_under_way(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	begin(&fixture);
	load(&fixture);
	assert_int_equal(rescue_view_done(fixture.runs.views[0].rescue), 0);
	assert_string_equal(fixture.runs.views[0].rescue->hosts[0].end, "pending");
	report_fixture_close(&fixture);
}

static void what_cannot_be_asked_for(void **state)
{
	struct report_fixture fixture;
	struct error err = ERROR_INIT;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "done", NULL);
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "done", .from_ms = 1, .until_ms = 2});
	assert_int_equal(report_runs_add(&fixture.runs, fixture.store, RESCUE, REPORT_NOW_MS, &err), -1);
	assert_error(&err, ERROR_USAGE, "no such rescue");
	begin(&fixture);
	load(&fixture);
	assert_int_equal(report_runs_add(&fixture.runs, fixture.store, REPORT_RUN, REPORT_NOW_MS, &err), -1);
	assert_error(&err, ERROR_USAGE, "name it alone");
	report_runs_clear(&fixture.runs);
	assert_ok(report_runs_add(&fixture.runs, fixture.store, REPORT_RUN, REPORT_NOW_MS, &err), &err);
	assert_int_equal(report_runs_add(&fixture.runs, fixture.store, RESCUE, REPORT_NOW_MS, &err), -1);
	assert_error(&err, ERROR_USAGE, "name it alone");
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_came_back_and_who_did_not),
		cmocka_unit_test(who_could_not_be_asked),
		cmocka_unit_test(chosen_by_nothing),
		cmocka_unit_test(one_that_is_under_way),
		cmocka_unit_test(what_cannot_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
