/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says of agents that were settled after their run had ended, and of an attempt that is never made. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "tests/support/report_fixture.h"

#define START_MS 1700000010000

static void tell(struct report_fixture *fixture, const char *kind, json_t *body)
{
	struct error err = ERROR_INIT;

	ledger_event(fixture->ledger, kind, REPORT_RUN, NULL, body);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

static void abort_run(struct report_fixture *fixture)
{
	tell(fixture, "run", json_pack("{s:s, s:s}", "state", "aborted", "reason", "aborted by anna@admin1"));
}

static void end_at(struct report_fixture *fixture, int64_t finished_ms)
{
	struct error err = ERROR_INIT;
	struct run_row run;

	assert_ok(ledger_find_run(fixture->store, REPORT_RUN, &run, &err), &err);
	run.finished_ms = finished_ms;
	ledger_put_run(fixture->ledger, &run);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	run_row_clear(&run);
}

static void put_stuck_then(struct report_fixture *fixture, const char *state)
{
	report_fixture_put(fixture, 0, &(struct report_agent){.state = "stuck", .error = "no answer", .from_ms = 1000});
	report_fixture_put(fixture, 0,
			   &(struct report_agent){.state = state, .from_ms = 1000, .until_ms = 1000 + 476000});
}

static void settled_without_another_attempt(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "aborted", "aborted by anna@admin1");
	end_at(&fixture, START_MS + 5000);
	abort_run(&fixture);
	tell(&fixture, "run.obeyed", json_pack("{s:s, s:s, s:s}", "order", "settle", "by", "x", "answer", "y"));
	abort_run(&fixture);
	put_stuck_then(&fixture, "done");
	abort_run(&fixture);
	report_fixture_load(&fixture);
	char *text = report_fixture_text(&fixture);
	assert_text_has(text, "stuck, and settled since");
	assert_text_has(text, "no other attempt was needed");
	assert_null(strstr(text, "tried again"));
	assert_int_equal(text_count(text, "aborted: aborted by anna@admin1 ("), 1);
	assert_text_has(text, "7 min 56 s, longer than the 1 min 15 s that the master waits");
	assert_text_has(text, "settled until");
	assert_int_equal(fixture.runs.views->resumed, 0);
	free(text);
	report_fixture_close(&fixture);
}

static void an_attempt_that_is_never_made(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "aborted", "aborted by anna@admin1");
	put_stuck_then(&fixture, "waiting");
	report_fixture_load(&fixture);
	char *text = report_fixture_text(&fixture);
	assert_text_has(text, "and it never will");
	assert_null(strstr(text, "not ended yet"));
	assert_null(strstr(text, "tried again"));
	assert_null(strstr(text, "settled until"));
	free(text);
	report_fixture_close(&fixture);
}

static void another_attempt(void **state)
{
	struct report_fixture fixture;

	(void)state;
	report_fixture_open(&fixture, 1, "anna@admin1");
	report_fixture_begin(&fixture, "running", NULL);
	/* By an order to the process that drives it, and by one that took it over. */
	tell(&fixture, "run.obeyed",
	     json_pack("{s:s, s:s, s:s}", "order", "resume", "by", "x", "answer", "it goes on"));
	tell(&fixture, "run.resumed", NULL);
	put_stuck_then(&fixture, "checking");
	report_fixture_put(&fixture, 0, &(struct report_agent){.state = "done", .from_ms = 1000, .until_ms = 4000});
	report_fixture_load(&fixture);
	char *text = report_fixture_text(&fixture);
	assert_text_has(text, "stuck, and tried again");
	assert_text_has(text, "another attempt was made, and is proven to be as planned");
	assert_text_has(text, "3.0 s of the 1 min 15 s that the master waits");
	assert_text_has(text, "2 times");
	free(text);
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(settled_without_another_attempt),
		cmocka_unit_test(an_attempt_that_is_never_made),
		cmocka_unit_test(another_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
