/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the ledger: plans by their hash, runs by their ID, what happened in one. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger_query.h"
#include "tests/support/ledger_fixture.h"

static void plans_are_found_by_a_beginning(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct plan_row twin = a_plan, found;
	twin.hash = (char *)(uintptr_t) "44136fbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	start_a_run(fixture->ledger);
	assert_int_equal(ledger_find_plan(fixture->store, "44136f", &found, &err), 0);
	assert_string_equal(found.hash, a_plan.hash);
	assert_string_equal(found.document, "{}");
	assert_int_equal(found.document_len, 2);
	plan_row_clear(&found);

	ledger_put_plan(fixture->ledger, &twin);
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_int_equal(ledger_find_plan(fixture->store, "44136f", &found, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.text, "more than one"));
	error_clear(&err);
	/* Alone it is found, and is not what its hash says. */
	assert_int_equal(ledger_find_plan(fixture->store, "44136fb", &found, &err), -1);
	assert_int_equal(err.kind, ERROR_CORRUPT);
	assert_non_null(strstr(err.text, "is not what was stored under its hash"));

	static const char *const bad[] = {"44136", "", "AAAAAA", "zzzzzz", "44136f%", "bbbbbb"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error_clear(&err);
		assert_int_equal(ledger_find_plan(fixture->store, bad[i], &found, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void run_ids_count_within_a_day(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	const int64_t day = 1795392000000; /* 2026-11-23T00:00:00Z */
	char id[RUN_ID_SIZE];
	assert_int_equal(ledger_next_run_id(fixture->store, day, id, &err), 0);
	assert_string_equal(id, "r-20261123-1");
	start_a_run(fixture->ledger);
	struct run_row tenth = a_run;
	tenth.id = (char *)(uintptr_t) "r-20261123-10";
	ledger_put_run(fixture->ledger, &tenth);
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_int_equal(ledger_next_run_id(fixture->store, day + 86399999, id, &err), 0);
	assert_string_equal(id, "r-20261123-11");
	assert_int_equal(ledger_next_run_id(fixture->store, day + 86400000, id, &err), 0);
	assert_string_equal(id, "r-20261124-1");
}

static void runs_are_listed_newest_first(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct run_list list;
	struct run_row second = a_run, latest;
	start_a_run(fixture->ledger);
	second.id = (char *)(uintptr_t) "r-20261123-2";
	ledger_put_run(fixture->ledger, &second);
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_int_equal(ledger_list_runs(fixture->store, &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].row.id, "r-20261123-2");
	assert_int_equal(list.items[0].count_count, 0);
	assert_string_equal(list.items[1].config, "web");
	assert_int_equal(list.items[1].count_count, 1);
	assert_string_equal(list.items[1].counts[0].state, "waiting");
	assert_int_equal(list.items[1].counts[0].count, 2);
	run_list_clear(&list);
	assert_int_equal(ledger_find_run(fixture->store, "latest", &latest, &err), 0);
	assert_string_equal(latest.id, "r-20261123-2");
	run_row_clear(&latest);
}

static int count_events(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	(void)err;
	assert_string_equal(entry->run, a_run.id);
	++*(int *)ctx;
	return 0;
}

static void a_runs_events_are_its_own(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	int seen = 0;
	start_a_run(fixture->ledger);
	write_events(fixture->ledger, 3);
	ledger_event(fixture->ledger, "run", a_run.id, NULL, NULL);
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_int_equal(ledger_run_events(fixture->store, a_run.id, count_events, &seen, &err), 0);
	assert_int_equal(seen, 2);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, ledger_set_up, ledger_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE(plans_are_found_by_a_beginning),
		STORE(run_ids_count_within_a_day),
		STORE(runs_are_listed_newest_first),
		STORE(a_runs_events_are_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
