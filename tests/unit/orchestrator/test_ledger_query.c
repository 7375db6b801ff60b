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

/* Of a run by its row, of a rescue by its event. */
static void operations_are_known_by_their_id(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct run_agent row = an_agent(0, "changing");
	int64_t epoch = -1;

	assert_int_equal(ledger_newest_epoch(fixture->store, &epoch, &err), 0);
	assert_int_equal(epoch, 0);
	start_a_run(fixture->ledger);
	row.operation = (char *)(uintptr_t) "of-a-run";
	ledger_put_agent(fixture->ledger, &row);
	ledger_event(fixture->ledger, "rescue.intent", "rescue-0", NULL,
		     json_pack("{s:s}", "operation", "of-a-rescue"));
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), 1);
	assert_int_equal(ledger_knows_operation(fixture->store, "of-a-run", &err), 1);
	assert_int_equal(ledger_knows_operation(fixture->store, "of-a-rescue", &err), 1);
	assert_int_equal(ledger_knows_operation(fixture->store, "of-another", &err), 0);
	assert_int_equal(ledger_newest_epoch(fixture->store, &epoch, &err), 0);
	assert_int_equal(epoch, 1);
}

/* Who has put back which agent of a run, over several runs that take it back. */
static void rollbacks_add_up(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct store *store = fixture->store;
	struct error err = ERROR_INIT;
	struct run_row back = a_run;
	struct run_agent row = an_agent(0, "done");
	char *by = NULL;

	start_a_run(fixture->ledger);
	back.id = row.run = (char *)(uintptr_t) "r-back";
	back.rolls_back = a_run.id;
	ledger_put_run(fixture->ledger, &back);
	ledger_put_agent(fixture->ledger, &row);
	row = an_agent(1, "reverted");
	row.run = back.id;
	ledger_put_agent(fixture->ledger, &row);
	ledger_event(fixture->ledger, "plan", NULL, NULL, json_pack("{s:s}", "plan", "shown"));
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	assert_int_equal(ledger_is_taken_back(store, a_run.id, "S0", &err), 1);
	assert_int_equal(ledger_is_taken_back(store, a_run.id, "S1", &err), 0);
	assert_int_equal(ledger_is_taken_back(store, back.id, "S0", &err), 0);
	assert_int_equal(ledger_put_back_by(store, a_run.id, "r-newest", "S1", &by, &err), 0);
	assert_int_equal(ledger_put_back_by(store, a_run.id, "r-newest", "S0", &by, &err), 1);
	assert_string_equal(by, "r-back");
	free(by);
	assert_int_equal(ledger_has_gone_on(store, a_run.id, "shown", &err), 0);

	/* That one is taken back in turn, and an agent of the first is taken a step. */
	back.rolls_back = back.id;
	back.id = (char *)(uintptr_t) "r-again";
	ledger_put_run(fixture->ledger, &back);
	ledger_event(fixture->ledger, "agent", a_run.id, "S1", NULL);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	assert_int_equal(ledger_put_back_by(store, a_run.id, "r-newest", "S0", &by, &err), 0);
	assert_int_equal(ledger_put_back_by(store, a_run.id, "r-back", "S0", &by, &err), 1);
	free(by);
	assert_int_equal(ledger_has_gone_on(store, a_run.id, "shown", &err), 1);
	assert_int_equal(ledger_has_gone_on(store, "r-back", "shown", &err), 0);
}

/* A host with a survey that says so, of this database or another. */
static void put_host(struct store *store, int64_t row, int64_t epoch, const char *database)
{
	struct error err = ERROR_INIT;
	char *document = xasprintf("{\"driver\":{\"database\":\"%s\",\"epoch\":%lld}}",
				   database ? database : store_uuid(store), (long long)epoch);

	assert_ok(store_run(store, &err, "INSERT OR IGNORE INTO clusters (id, name) VALUES (1, 'c')", ""), &err);
	assert_ok(
		store_run(
			store, &err,
			"INSERT INTO agents (row, cluster, id, hostname, ip, port, version, active, deactivated, "
			"attributes_complete, cpus, mem, disk, gpus, cpus_used, mem_used, disk_used, gpus_used, "
			"registered_ns, reregistered_ns, first_seen_ms, changed_ms, since_ms, info, total, used) VALUES "
			"(?1, 1, 'S' || ?1, 'node' || ?1, '127.0.0.1', 5051, '1.11.0', 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, "
			"1, 1, 1, 1, x'', x'', x'')",
			"i", row),
		&err);
	assert_ok(store_run(store, &err,
			    "INSERT INTO surveys (agent, time_ms, document) VALUES (?1, 1, CAST(?2 AS BLOB))", "it",
			    row, document),
		  &err);
	free(document);
}

/* A copy of the database may be behind; a host that claims more than a copy explains is named, and lifts nobody. */
static void one_host_does_not_lift_all(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct store *store = fixture->store;
	struct error err = ERROR_INIT;
	int64_t epoch = -1;

	start_a_run(fixture->ledger);
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), 1);
	put_host(store, 1, 1 + EPOCH_LIFT, NULL);
	put_host(store, 2, 2 + EPOCH_LIFT, NULL);
	put_host(store, 3, INT64_C(1) << 40, "another");
	assert_int_equal(ledger_seen_epoch_by(store, 1, &epoch, &err), 0);
	assert_int_equal(epoch, 1 + EPOCH_LIFT);
	assert_int_equal(ledger_seen_epoch_by(store, 3, &epoch, &err), 0);
	assert_int_equal(epoch, 0);
	epoch = 7;
	assert_int_equal(ledger_seen_epoch_by(store, 2, &epoch, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "node2 says that it has seen the epoch 1000002");
	assert_int_equal(epoch, 7);
	/* What this database has counted itself is believed, however much it is. */
	ledger_set_epoch_floor(fixture->ledger, INT64_C(1) << 40);
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), (INT64_C(1) << 40) + 1);
	assert_int_equal(ledger_seen_epoch_by(store, 2, &epoch, &err), 0);
	put_host(store, 4, (INT64_C(1) << 40) + 1, NULL);
	assert_int_equal(ledger_seen_epoch_by(store, 4, &epoch, &err), 0);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, ledger_set_up, ledger_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		STORE(plans_are_found_by_a_beginning),
		STORE(run_ids_count_within_a_day),
		STORE(runs_are_listed_newest_first),
		STORE(a_runs_events_are_its_own),
		STORE(operations_are_known_by_their_id),
		STORE(one_host_does_not_lift_all),
		STORE(rollbacks_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
