/* SPDX-License-Identifier: Apache-2.0 */
/* The database file: made, kept, shared, refused. */
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/migrations.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"
#include "tests/support/store_fixture.h"

static void test_new_database(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t steps = 0;
	struct stat st;
	char *mode = NULL;

	while (migrations[steps].name)
		steps++;
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(store_ask(fixture, "PRAGMA user_version"), steps);
	assert_int_equal(store_ask(fixture, "PRAGMA application_id"), 0x726c6c63);
	assert_int_equal(store_ask(fixture, "PRAGMA synchronous"), 2);
	assert_int_equal(store_ask(fixture, "PRAGMA foreign_keys"), 1);
	assert_int_equal(store_ask(fixture, "PRAGMA page_size"), 16384);
	assert_int_equal(store_find_text(fixture->store, &mode, &fixture->err, "PRAGMA journal_mode", ""), 1);
	assert_string_equal(mode, "wal");
	free(mode);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
					    "('clusters', 'agents', 'agent_states', 'tasks', 'frameworks', 'surveys', "
					    "'configs', 'config_versions')"),
			 8);
	assert_int_equal(strlen(store_uuid(fixture->store)), 32);
	assert_string_equal(store_path(fixture->store), fixture->path);
}

static void test_migrations_are_numbered(void **state)
{
	(void)state;
	for (int i = 0; migrations[i].name; i++) {
		char *number = xasprintf("%03d-", i + 1);

		assert_int_equal(strncmp(migrations[i].name, number, 4), 0);
		free(number);
	}
}

static void test_uuid_stays(void **state)
{
	struct store_fixture *fixture = *state;
	char *uuid = xstrdup(store_uuid(fixture->store));

	store_close(fixture->store);
	fixture->store = store_open(fixture->path, false, &fixture->err);
	assert_non_null(fixture->store);
	assert_string_equal(store_uuid(fixture->store), uuid);
	free(uuid);
}

/* A database as an earlier program left it gets the missing steps and keeps what it holds. */
static void test_old_schema_is_brought_up(void **state)
{
	struct store_fixture *fixture = *state;
	char *path = path_join(fixture->folder, "old.db");
	struct store *store;
	sqlite3 *db;
	int64_t value = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, migrations[0].sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA application_id = 1919708259; PRAGMA user_version = 1;"
				      "INSERT INTO database VALUES ('0123456789abcdef0123456789abcdef', 1);"
				      "INSERT INTO clusters (name) VALUES ('lab')",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	store = store_open(path, false, &fixture->err);
	if (!store)
		fail_msg("%s", fixture->err.text);
	assert_string_equal(store_uuid(store), "0123456789abcdef0123456789abcdef");
	assert_int_equal(store_find_int(store, &value, &fixture->err, "SELECT count(*) FROM clusters", ""), 1);
	assert_int_equal(value, 1);
	assert_int_equal(store_find_int(store, &value, &fixture->err, "PRAGMA user_version", ""), 1);
	assert_int_equal(value, store_ask(fixture, "PRAGMA user_version"));
	store_close(store);
	free(path);
}

static void refuse(struct store_fixture *fixture, const char *path, enum error_kind kind, const char *words)
{
	assert_null(store_open(path, false, &fixture->err));
	assert_text_has(fixture->err.text, path);
	assert_error(&fixture->err, kind, words);
}

static void test_missing(void **state)
{
	struct store_fixture *fixture = *state;
	char *path = path_join(fixture->folder, "none.db"), *deep = path_join(fixture->folder, "no/such/folder.db");

	refuse(fixture, path, ERROR_UNREACHABLE, "rollcall inventory sync");
	assert_false(file_exists(path));
	assert_null(store_open(deep, true, &fixture->err));
	assert_error(&fixture->err, ERROR_UNREACHABLE, "cannot create the database");
	refuse(fixture, fixture->folder, ERROR_CORRUPT, "no regular file");
	free(path);
	free(deep);
}

static void test_no_database(void **state)
{
	static const char text[] =
		"{\"this\": \"is a JSON document and longer than the header of a SQLite file, which has "
		"one hundred bytes\"}\n";
	struct store_fixture *fixture = *state;
	char *path = scratch_write(fixture->folder, "rollcall.json", text), *after;

	refuse(fixture, path, ERROR_CORRUPT, "damaged or no database");
	assert_null(store_open(path, true, &fixture->err));
	error_clear(&fixture->err);
	after = scratch_read(path, NULL);
	assert_string_equal(after, text);
	free(after);
	free(path);
}

static void sqlite_run(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_foreign_database(void **state)
{
	struct store_fixture *fixture = *state;
	char *path = path_join(fixture->folder, "bookmarks.db"), *before, *after;
	size_t before_len, after_len;

	sqlite_run(path, "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
	before = scratch_read(path, &before_len);
	refuse(fixture, path, ERROR_CORRUPT, "another program");
	after = scratch_read(path, &after_len);
	assert_int_equal(before_len, after_len);
	assert_memory_equal(before, after, before_len);
	sqlite_run(path, "PRAGMA application_id = 42");
	refuse(fixture, path, ERROR_CORRUPT, "another program");
	free(before);
	free(after);
	free(path);
}

static void test_newer_schema(void **state)
{
	struct store_fixture *fixture = *state;

	store_close(fixture->store);
	sqlite_run(fixture->path, "PRAGMA user_version = 999");
	refuse(fixture, fixture->path, ERROR_USAGE, "newer rollcall (its schema has version 999");
	sqlite_run(fixture->path, "PRAGMA user_version = -1");
	refuse(fixture, fixture->path, ERROR_USAGE, "newer rollcall");
	fixture->store = NULL;
}

/* A number that somebody has put back: the steps after it find their tables there already. */
static void test_schema_that_claims_to_be_older(void **state)
{
	struct store_fixture *fixture = *state;

	store_close(fixture->store);
	fixture->store = NULL;
	sqlite_run(fixture->path, "PRAGMA user_version = 5");
	refuse(fixture, fixture->path, ERROR_CORRUPT,
	       "not those of version 5, which it says it has: nothing was changed");
}

static void test_lost_name(void **state)
{
	struct store_fixture *fixture = *state;

	store_close(fixture->store);
	sqlite_run(fixture->path, "DELETE FROM database");
	fixture->store = NULL;
	refuse(fixture, fixture->path, ERROR_CORRUPT, "lost its name");
}

/* Pages in the middle are overwritten; the first one, with the header and the schema's root, is left. */
static void test_damaged_pages(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_cursor rows;
	FILE *file;
	int more = 1;

	for (int i = 0; i < 2000; i++)
		assert_ok(store_run(fixture->store, &fixture->err,
				    "INSERT INTO clusters (name, master) VALUES ('c' || ?1, hex(zeroblob(200)))", "d",
				    i),
			  &fixture->err);
	store_close(fixture->store);
	file = fopen(fixture->path, "r+b");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	for (long size = ftell(file), at = 40L * 4096; at < size; at++) {
		fseek(file, at, SEEK_SET);
		fputc(0x5a, file);
		at += 16;
	}
	fclose(file);
	fixture->store = store_open(fixture->path, false, &fixture->err);
	if (!fixture->store) {
		assert_error(&fixture->err, ERROR_CORRUPT, "damaged");
		return;
	}
	assert_ok(store_query(fixture->store, &rows, &fixture->err, "SELECT name, master FROM clusters", ""),
		  &fixture->err);
	while (more > 0)
		more = store_next(&rows, &fixture->err);
	store_done(&rows);
	assert_int_equal(more, -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "damaged or no database");
}

/* Many processes make and open the same new database at once: it gets one name, and nobody fails. */
static void test_opened_by_many_at_once(void **state)
{
	struct store_fixture *fixture = *state;
	char *path = path_join(fixture->folder, "shared.db");
	pid_t children[6];

	for (int i = 0; i < 6; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct store *store = store_open(path, true, &fixture->err);

			if (!store)
				fprintf(stderr, "%s\n", fixture->err.text);
			store_close(store);
			_exit(store ? 0 : 1);
		}
	}
	for (int i = 0; i < 6; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	store_close(fixture->store);
	fixture->store = store_open(path, false, &fixture->err);
	assert_non_null(fixture->store);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM database"), 1);
	free(path);
}

static void test_locked(void **state)
{
	struct store_fixture *fixture = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	store_set_patience(fixture->store, 30);
	assert_int_equal(store_begin(fixture->store, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_CONFLICT, "locked by another process");
	assert_int_equal(
		store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES (?1)", "t", "lab"), -1);
	assert_error(&fixture->err, ERROR_CONFLICT, "0.0 s");
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters"), 0); /* readers never wait */
	sqlite3_close(other);
	assert_ok(store_begin(fixture->store, &fixture->err), &fixture->err);
	assert_ok(store_commit(fixture->store, &fixture->err), &fixture->err);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_database),
		cmocka_unit_test(test_migrations_are_numbered),
		TEST(test_uuid_stays),
		TEST(test_old_schema_is_brought_up),
		TEST(test_missing),
		TEST(test_no_database),
		TEST(test_foreign_database),
		TEST(test_newer_schema),
		TEST(test_schema_that_claims_to_be_older),
		TEST(test_lost_name),
		TEST(test_damaged_pages),
		TEST(test_opened_by_many_at_once),
		TEST(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
