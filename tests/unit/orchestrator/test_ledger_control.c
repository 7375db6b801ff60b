/* SPDX-License-Identifier: Apache-2.0 */
/* What operators tell a run, and what a run keeps beside its agents: over the store, as two processes see it. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/store.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/ledger/ledger_query.h"
#include "tests/support/scratch.h"

/* One database, opened twice: by who drives the run, and by who orders. */
struct fixture {
	char *folder, *path;
	struct store *stores[2];
	struct ledger *driver, *other;
	struct error err;
};

static void put_run(struct fixture *fixture, const char *id, const char *rolls_back)
{
	const struct plan_row plan = {.hash = (char *)(uintptr_t) "p",
				      .cluster = (char *)(uintptr_t) "lab",
				      .config = (char *)(uintptr_t) "web",
				      .config_version = 1,
				      .author = (char *)(uintptr_t) "anna",
				      .document = (char *)(uintptr_t) "{}",
				      .document_len = 2};
	const struct run_row run = {.id = (char *)(uintptr_t)id,
				    .plan = (char *)(uintptr_t) "p",
				    .state = (char *)(uintptr_t) "running",
				    .rolls_back = (char *)(uintptr_t)rolls_back,
				    .memory = (char *)(uintptr_t) "stage 1",
				    .stages_passed = 1,
				    .rollback_due = 1,
				    .before = (char *)(uintptr_t) "{\"agents\":3}"};

	ledger_put_plan(fixture->driver, &plan);
	ledger_put_run(fixture->driver, &run);
	assert_ok(ledger_commit(fixture->driver, &fixture->err), &fixture->err);
}

static void set_up(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	fixture->folder = scratch_new();
	fixture->path = path_join(fixture->folder, "rollcall.db");
	for (int i = 0; i < 2; i++) {
		fixture->stores[i] = store_open(fixture->path, true, &fixture->err);
		assert_non_null(fixture->stores[i]);
	}
	fixture->driver = ledger_open(fixture->stores[0], "anna@admin1", &fixture->err);
	fixture->other = ledger_open(fixture->stores[1], "bert@admin2", &fixture->err);
	put_run(fixture, "r-1", NULL);
}

static void tear_down(struct fixture *fixture)
{
	ledger_close(fixture->driver);
	ledger_close(fixture->other);
	store_close(fixture->stores[0]);
	store_close(fixture->stores[1]);
	free(fixture->path);
	scratch_remove(fixture->folder);
}

static void put_order(struct ledger *ledger, struct error *err, const char *run, const char *verb)
{
	const struct run_order order = {.run = (char *)(uintptr_t)run,
					.verb = (char *)(uintptr_t)verb,
					.actor = (char *)(uintptr_t) "bert@admin2",
					.time_ms = 17};

	ledger_put_order(ledger, &order);
	assert_ok(ledger_commit(ledger, err), err);
}

/* "" when there is none. It is carried out. */
static void expect_next(struct fixture *fixture, const char *run, const char *verb)
{
	struct run_order order;
	int found = ledger_next_order(fixture->driver, run, &order, &fixture->err);

	assert_int_equal(found, *verb != '\0');
	if (!found)
		return;
	assert_string_equal(order.verb, verb);
	assert_string_equal(order.actor, "bert@admin2");
	assert_int_equal(order.time_ms, 17);
	order.done_ms = 18;
	order.answer = xstrdup("obeyed");
	ledger_put_order(fixture->driver, &order);
	assert_ok(ledger_commit(fixture->driver, &fixture->err), &fixture->err);
	run_order_clear(&order);
}

static void test_orders_come_in_their_order_and_once(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	put_run(&fixture, "r-2", NULL);
	expect_next(&fixture, "r-1", "");
	put_order(fixture.other, &fixture.err, "r-1", "pause");
	put_order(fixture.other, &fixture.err, "r-2", "abort");
	put_order(fixture.other, &fixture.err, "r-1", "resume");
	expect_next(&fixture, "r-1", "pause");
	expect_next(&fixture, "r-1", "resume");
	expect_next(&fixture, "r-1", "");
	expect_next(&fixture, "r-1", "");
	expect_next(&fixture, "r-2", "abort");
	assert_ok(ledger_verify(fixture.other, NULL, &fixture.err), &fixture.err);
	tear_down(&fixture);
}

/* Made void by who gave it and carried out at the same moment: one of them is too late, and nothing of what he was about to
 * write is there. */
static void test_an_order_ends_once(void **state)
{
	struct run_order order;
	struct fixture fixture;
	char *answer = NULL;

	(void)state;
	set_up(&fixture);
	put_order(fixture.other, &fixture.err, "r-1", "pause");
	assert_int_equal(ledger_next_order(fixture.driver, "r-1", &order, &fixture.err), 1);
	order.done_ms = 18;
	order.answer = xstrdup("void");
	ledger_put_order(fixture.other, &order);
	assert_ok(ledger_commit(fixture.other, &fixture.err), &fixture.err);
	free(order.answer);
	order.answer = xstrdup("obeyed");
	ledger_put_order(fixture.driver, &order);
	ledger_event(fixture.driver, "run", "r-1", NULL, NULL);
	assert_int_equal(ledger_commit(fixture.driver, &fixture.err), -1);
	assert_error(&fixture.err, ERROR_CONFLICT, "made void");
	error_clear(&fixture.err);
	assert_int_equal(ledger_order_is_done(fixture.stores[0], order.seq, &answer, &fixture.err), 1);
	assert_string_equal(answer, "void");
	assert_ok(ledger_verify(fixture.other, NULL, &fixture.err), &fixture.err);
	free(answer);
	run_order_clear(&order);
	tear_down(&fixture);
}

/* Whoever drives may order something himself, before he begins. */
static void test_an_own_order_is_seen(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	expect_next(&fixture, "r-1", "");
	put_order(fixture.driver, &fixture.err, "r-1", "retry");
	expect_next(&fixture, "r-1", "retry");
	expect_next(&fixture, "r-1", "");
	tear_down(&fixture);
}

static void test_who_ordered_learns_what_became_of_it(void **state)
{
	int64_t first, seq;
	char *answer = NULL;
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	put_order(fixture.other, &fixture.err, "r-1", "pause");
	/* Somebody else's comes in between: each learns the number of his own. */
	put_order(fixture.driver, &fixture.err, "r-1", "abort");
	first = ledger_ordered(fixture.other);
	seq = ledger_ordered(fixture.driver);
	assert_int_equal(seq, first + 1);
	expect_next(&fixture, "r-1", "pause");
	assert_int_equal(ledger_order_is_done(fixture.stores[1], first, &answer, &fixture.err), 1);
	assert_string_equal(answer, "obeyed");
	free(answer);
	assert_int_equal(ledger_order_is_done(fixture.stores[1], seq, &answer, &fixture.err), 0);
	tear_down(&fixture);
}

static void test_a_run_keeps_what_a_restart_needs(void **state)
{
	struct fixture fixture;
	struct run_row run;

	(void)state;
	set_up(&fixture);
	assert_ok(ledger_load_run(fixture.other, "r-1", &run, &fixture.err), &fixture.err);
	assert_string_equal(run.memory, "stage 1");
	assert_int_equal(run.stages_passed, 1);
	assert_int_equal(run.rollback_due, 1);
	assert_string_equal(run.before, "{\"agents\":3}");
	/* A row without the figures leaves those that are there. */
	free(run.before);
	run.before = NULL;
	run.rollback_due = 0;
	ledger_put_run(fixture.driver, &run);
	assert_ok(ledger_commit(fixture.driver, &fixture.err), &fixture.err);
	run_row_clear(&run);
	assert_ok(ledger_load_run(fixture.other, "r-1", &run, &fixture.err), &fixture.err);
	assert_string_equal(run.before, "{\"agents\":3}");
	assert_int_equal(run.rollback_due, 0);
	run_row_clear(&run);
	tear_down(&fixture);
}

static void test_a_rollback_is_found_from_what_it_takes_back(void **state)
{
	struct fixture fixture;
	struct run_row run;

	(void)state;
	set_up(&fixture);
	assert_int_equal(ledger_find_rollback_of(fixture.stores[1], "r-1", &run, &fixture.err), 0);
	put_run(&fixture, "r-2", "r-1");
	assert_int_equal(ledger_find_rollback_of(fixture.stores[1], "r-1", &run, &fixture.err), 1);
	assert_string_equal(run.id, "r-2");
	assert_string_equal(run.rolls_back, "r-1");
	run_row_clear(&run);
	tear_down(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders_come_in_their_order_and_once),
		cmocka_unit_test(test_an_order_ends_once),
		cmocka_unit_test(test_an_own_order_is_seen),
		cmocka_unit_test(test_who_ordered_learns_what_became_of_it),
		cmocka_unit_test(test_a_run_keeps_what_a_restart_needs),
		cmocka_unit_test(test_a_rollback_is_found_from_what_it_takes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
