/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes have one database open: whoever took the older epoch writes nothing any more, and is told so before an effect. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/support/ledger_fixture.h"

static void check_newer_epoch_wins(struct ledger *first, struct ledger *second)
{
	struct error err = ERROR_INIT;

	start_a_run(first);
	assert_int_equal(ledger_confirm(first, &err), 0); /* nobody drives yet */
	assert_true(ledger_new_epoch(first, a_run.id, &err) > 0);
	assert_int_equal(ledger_confirm(first, &err), 0);
	assert_true(ledger_new_epoch(second, a_run.id, &err) > 0);
	assert_int_equal(ledger_confirm(second, &err), 0);

	assert_int_equal(ledger_confirm(first, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_non_null(strstr(err.text, "another rollcall drives"));
	error_clear(&err);
	ledger_event(first, "test", a_run.id, NULL, json_object());
	assert_int_equal(ledger_commit(first, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFLICT);
	error_clear(&err);

	ledger_event(second, "test", a_run.id, NULL, json_object());
	assert_int_equal(ledger_commit(second, &err), 0);
	assert_int_equal(ledger_verify(second, NULL, &err), 0);
}

static void test_in_memory(void **state)
{
	struct ledger *first = ledger_open_memory("0123456789abcdef0123456789abcdef");
	struct ledger *second = ledger_share_memory(first);

	(void)state;
	check_newer_epoch_wins(first, second);
	/* What is left keeps what both have written. */
	ledger_close(first);
	assert_int_equal(ledger_verify(second, NULL, NULL), 0);
	ledger_close(second);
}

static void test_in_a_database(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct store *store = store_open(fixture->path, false, &err);
	struct ledger *second = ledger_open(store, "mary@admin2", &err);

	assert_non_null(second);
	check_newer_epoch_wins(fixture->ledger, second);
	ledger_close(second);
	store_close(store);
}

/* The hosts of a database that was restored from an older copy have seen epochs that it knows nothing of. */
static void test_above_what_hosts_have_seen(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	start_a_run(fixture->ledger);
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), 1);
	ledger_set_epoch_floor(fixture->ledger, 530);
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), 531);
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), 532);
	ledger_set_epoch_floor(fixture->ledger, 7);
	assert_int_equal(ledger_new_epoch(fixture->ledger, a_run.id, &err), 533);
	assert_int_equal(ledger_verify(fixture->ledger, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test_setup_teardown(test_in_a_database, ledger_set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_above_what_hosts_have_seen, ledger_set_up, ledger_tear_down),
	};

	return cmocka_run_group_tests_name("ledger shared", tests, NULL, NULL);
}
