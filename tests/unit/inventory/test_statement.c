/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in the database: statements, their values and errors, cursors, transactions. */
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"
#include "tests/support/store_fixture.h"

static void test_values_come_back(void **state)
{
	static const char hostile[] = "'); DROP TABLE clusters; --";
	struct store_fixture *fixture = *state;
	struct store_cursor rows;
	size_t len;

	assert_ok(store_query(fixture->store, &rows, &fixture->err, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8", "tidrbbtb",
			      hostile, INT64_MIN, -7, 0.1, "a\0b", (size_t)3, (const void *)NULL, (size_t)5,
			      (const char *)NULL, "", (size_t)0),
		  &fixture->err);
	assert_int_equal(store_next(&rows, &fixture->err), 1);
	assert_string_equal(store_text(&rows, 0), hostile);
	assert_true(store_int(&rows, 1) == INT64_MIN);
	assert_int_equal(store_int(&rows, 2), -7);
	assert_true(store_real(&rows, 3) == 0.1);
	assert_memory_equal(store_blob(&rows, 4, &len), "a\0b", 3);
	assert_int_equal(len, 3);
	assert_null(store_blob(&rows, 5, &len));
	assert_true(store_is_null(&rows, 5));
	assert_null(store_text(&rows, 6));
	assert_non_null(store_blob(&rows, 7, &len));
	assert_int_equal(len, 0);
	assert_int_equal(store_next(&rows, &fixture->err), 0);
	store_done(&rows);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters"), 0);
}

static void test_wrong_statements(void **state)
{
	struct store_fixture *fixture = *state;
	struct store *store = fixture->store;
	struct error *err = &fixture->err;
	struct store_cursor rows;
	const struct store_value value = {.type = STORE_INT, .integer = 1};

	assert_int_equal(store_run(store, err, "INSERT INTO clusters (name) VALUES (?1)", "tt", "a", "b"), -1);
	assert_error(err, ERROR_BUG, "2 parameters for a statement with 1");
	assert_int_equal(store_query(store, &rows, err, "SELECT ?1", ""), -1);
	assert_error(err, ERROR_BUG, "0 parameters");
	assert_int_equal(store_query_values(store, &rows, err, "SELECT ?1, ?2", &value, 1), -1);
	assert_error(err, ERROR_BUG, "1 parameters");
	assert_int_equal(store_run(store, err, "DELETE FROM clusters; DROP TABLE clusters", ""), -1);
	assert_error(err, ERROR_BUG, "not exactly one statement");
	assert_int_equal(store_run(store, err, "", ""), -1);
	assert_error(err, ERROR_BUG, "not exactly one statement");
	assert_int_equal(store_run(store, err, "SELEKT 1", ""), -1);
	assert_error(err, ERROR_BUG, "syntax error");
	assert_int_equal(store_run(store, err, "INSERT INTO clusters (name) VALUES (?1)", "x", 1), -1);
	assert_error(err, ERROR_BUG, "type x");
	assert_ok(store_run(store, err, "INSERT INTO clusters (name) VALUES (?1)", "t", "still works"), err);
}

static void test_constraints(void **state)
{
	struct store_fixture *fixture = *state;
	const char *insert = "INSERT INTO clusters (name) VALUES (?1)";

	assert_ok(store_run(fixture->store, &fixture->err, insert, "t", "lab"), &fixture->err);
	assert_true(store_last_id(fixture->store) > 0);
	assert_int_equal(store_run(fixture->store, &fixture->err, insert, "t", "lab"), -1);
	assert_error(&fixture->err, ERROR_CONFLICT, "exists already");
	assert_int_equal(store_run(fixture->store, &fixture->err,
				   "INSERT INTO frameworks VALUES (4711, 'f', 'f', '*', 1, 1, 1)", ""),
			 -1);
	assert_error(&fixture->err, ERROR_BUG, "FOREIGN KEY");
}

static void test_cursors_side_by_side(void **state)
{
	static const char sql[] =
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT i FROM n";
	struct store_fixture *fixture = *state;
	struct store_cursor outer, inner;
	int64_t sum = 0;

	assert_ok(store_query(fixture->store, &outer, &fixture->err, sql, "d", 4), &fixture->err);
	while (store_next(&outer, &fixture->err) > 0) {
		assert_ok(store_query(fixture->store, &inner, &fixture->err, sql, "i", store_int(&outer, 0)),
			  &fixture->err);
		while (store_next(&inner, &fixture->err) > 0)
			sum += store_int(&inner, 0);
		store_done(&inner);
	}
	store_done(&outer);
	assert_int_equal(sum, 1 + 3 + 6 + 10);
}

/* More statements than are kept: the oldest stay usable, the newest are made each time. */
static void test_many_statements(void **state)
{
	struct store_fixture *fixture = *state;

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 400; i++) {
			char *sql = xasprintf("SELECT %d + ?1", i);
			int64_t sum = 0;

			assert_int_equal(store_find_int(fixture->store, &sum, &fixture->err, sql, "d", round), 1);
			assert_int_equal(sum, i + round);
			free(sql);
		}
}

static void test_transactions(void **state)
{
	struct store_fixture *fixture = *state;
	struct store *store = fixture->store;
	struct error *err = &fixture->err;
	const char *insert = "INSERT INTO clusters (name) VALUES (?1)";

	assert_int_equal(store_commit(store, err), -1);
	assert_error(err, ERROR_BUG, "no transaction");
	store_rollback(store);
	assert_ok(store_begin(store, err), err);
	assert_true(store_in_transaction(store));
	assert_int_equal(store_begin(store, err), -1);
	assert_error(err, ERROR_BUG, "open already");
	assert_ok(store_run(store, err, insert, "t", "one"), err);
	assert_int_equal(store_changes(store), 1);
	store_rollback(store);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters"), 0);
	assert_ok(store_begin(store, err), err);
	assert_ok(store_run(store, err, insert, "t", "two"), err);
	assert_ok(store_commit(store, err), err);
	assert_ok(store_begin(store, err), err);
	assert_ok(store_run(store, err, insert, "t", "three"), err);
	store_close(store); /* rolls back */
	fixture->store = store_open(fixture->path, false, err);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters"), 1);
}

static void test_config_versions_are_immutable(void **state)
{
	struct store_fixture *fixture = *state;
	struct store *store = fixture->store;
	struct error *err = &fixture->err;

	assert_ok(store_run(store, err, "INSERT INTO configs (id, name) VALUES (1, 'web')", ""), err);
	assert_ok(store_run(store, err,
			    "INSERT INTO config_versions VALUES (1, 1, 'x', 'me', 1, '', x'00', NULL, NULL)", ""),
		  err);
	assert_int_equal(store_run(store, err, "UPDATE config_versions SET document = x'01'", ""), -1);
	assert_error(err, ERROR_BUG, "never changed");
	assert_int_equal(store_run(store, err, "DELETE FROM config_versions", ""), -1);
	assert_error(err, ERROR_BUG, "never deleted");
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM config_versions WHERE document = x'00'"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values_come_back),
		TEST(test_wrong_statements),
		TEST(test_constraints),
		TEST(test_cursors_side_by_side),
		TEST(test_many_statements),
		TEST(test_transactions),
		TEST(test_config_versions_are_immutable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
