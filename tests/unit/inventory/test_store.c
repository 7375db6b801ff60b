/* SPDX-License-Identifier: Apache-2.0 */
/* The database file: made, kept, shared, refused; and what runs in it. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/migrations.h"
#include "inventory/store.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

struct fixture {
	char *folder;
	char *path;
	struct store *store;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fixture->folder = scratch_new();
	fixture->path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(fixture->path, true, &fixture->err);
	*state = fixture;
	return fixture->store ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture->path);
	free(fixture);
	return 0;
}

/* ---- the file */

static int64_t ask(struct fixture *fixture, const char *sql)
{
	int64_t value = -1;

	assert_int_equal(store_find_int(fixture->store, &value, &fixture->err, sql, ""), 1);
	return value;
}

static void test_new_database(void **state)
{
	struct fixture *fixture = *state;
	int64_t steps = 0;
	struct stat st;
	char *mode = NULL;

	while (migrations[steps].name)
		steps++;
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(ask(fixture, "PRAGMA user_version"), steps);
	assert_int_equal(ask(fixture, "PRAGMA application_id"), 0x726c6c63);
	assert_int_equal(ask(fixture, "PRAGMA synchronous"), 2);
	assert_int_equal(ask(fixture, "PRAGMA foreign_keys"), 1);
	assert_int_equal(ask(fixture, "PRAGMA page_size"), 16384);
	assert_int_equal(store_find_text(fixture->store, &mode, &fixture->err, "PRAGMA journal_mode", ""), 1);
	assert_string_equal(mode, "wal");
	free(mode);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
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
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	assert_int_equal(value, ask(fixture, "PRAGMA user_version"));
	store_close(store);
	free(path);
}

static void refuse(struct fixture *fixture, const char *path, enum error_kind kind, const char *words)
{
	assert_null(store_open(path, false, &fixture->err));
	assert_text_has(fixture->err.text, path);
	assert_error(&fixture->err, kind, words);
}

static void test_missing(void **state)
{
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;

	store_close(fixture->store);
	sqlite_run(fixture->path, "PRAGMA user_version = 999");
	refuse(fixture, fixture->path, ERROR_USAGE, "newer rollcall (its schema has version 999");
	sqlite_run(fixture->path, "PRAGMA user_version = -1");
	refuse(fixture, fixture->path, ERROR_USAGE, "newer rollcall");
	fixture->store = NULL;
}

static void test_lost_name(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	sqlite_run(fixture->path, "DELETE FROM database");
	fixture->store = NULL;
	refuse(fixture, fixture->path, ERROR_CORRUPT, "lost its name");
}

/* Pages in the middle are overwritten; the first one, with the header and the schema's root, is left. */
static void test_damaged_pages(void **state)
{
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	assert_int_equal(ask(fixture, "SELECT count(*) FROM database"), 1);
	free(path);
}

static void test_locked(void **state)
{
	struct fixture *fixture = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	store_set_patience(fixture->store, 30);
	assert_int_equal(store_begin(fixture->store, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_CONFLICT, "locked by another process");
	assert_int_equal(
		store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES (?1)", "t", "lab"), -1);
	assert_error(&fixture->err, ERROR_CONFLICT, "0.0 s");
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters"), 0); /* readers never wait */
	sqlite3_close(other);
	assert_ok(store_begin(fixture->store, &fixture->err), &fixture->err);
	assert_ok(store_commit(fixture->store, &fixture->err), &fixture->err);
}

/* ---- a full disk */

static int failing_errno;

static ssize_t failing_write(int fd, const void *data, size_t len)
{
	(void)fd, (void)data, (void)len;
	errno = failing_errno;
	return -1;
}

static ssize_t failing_pwrite(int fd, const void *data, size_t len, off_t at)
{
	(void)at;
	return failing_write(fd, data, len);
}

/* SQLite lets its system calls be replaced; errnum 0 puts the real ones back. */
static void break_writes(int errnum)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

	failing_errno = errnum;
	vfs->xSetSystemCall(vfs, "write", errnum ? (sqlite3_syscall_ptr)failing_write : NULL);
	vfs->xSetSystemCall(vfs, "pwrite", errnum ? (sqlite3_syscall_ptr)failing_pwrite : NULL);
	vfs->xSetSystemCall(vfs, "pwrite64", errnum ? (sqlite3_syscall_ptr)failing_pwrite : NULL);
}

static void check_failing_disk(struct fixture *fixture, int errnum, const char *words)
{
	int result;

	assert_ok(store_begin(fixture->store, &fixture->err), &fixture->err);
	assert_ok(store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES ('lost')", ""),
		  &fixture->err);
	break_writes(errnum);
	result = store_commit(fixture->store, &fixture->err);
	break_writes(0);
	assert_int_equal(result, -1);
	assert_error(&fixture->err, ERROR_SYSTEM, words);
	assert_false(store_in_transaction(fixture->store));
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters WHERE name = 'lost'"), 0);
	assert_ok(store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES ('kept' || ?1)", "d",
			    errnum),
		  &fixture->err);
}

static void test_full_disk(void **state)
{
	check_failing_disk(*state, ENOSPC, "disk full");
}

static void test_failing_disk(void **state)
{
	check_failing_disk(*state, EIO, "Input/output error");
	check_failing_disk(*state, EDQUOT, "no room");
}

static void test_file_size_limit(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;
	int status;

	store_close(fixture->store);
	fixture->store = NULL;
	child = fork();
	if (child == 0) {
		struct rlimit limit = {64 << 10, 64 << 10};
		struct store *store;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		store = store_open(fixture->path, false, &fixture->err);
		for (int i = 0; store && fixture->err.kind == ERROR_NONE && i < 10000; i++)
			store_run(store, &fixture->err, "INSERT INTO clusters (name) VALUES (hex(randomblob(500)))",
				  "");
		_exit(fixture->err.kind == ERROR_SYSTEM && strstr(fixture->err.text, "no room") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture->store = store_open(fixture->path, false, &fixture->err);
	assert_non_null(fixture->store);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

/* A process that dies right after a commit leaves what it committed, one that dies before it does not. */
static void test_sudden_death(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;
	int status;

	store_close(fixture->store);
	child = fork();
	if (child == 0) {
		struct store *store = store_open(fixture->path, false, &fixture->err);

		store_begin(store, NULL);
		store_run(store, NULL, "INSERT INTO clusters (name) VALUES ('committed')", "");
		store_commit(store, NULL);
		store_begin(store, NULL);
		store_run(store, NULL, "INSERT INTO clusters (name) VALUES ('not committed')", "");
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	fixture->store = store_open(fixture->path, false, &fixture->err);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters"), 1);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters WHERE name = 'committed'"), 1);
}

/* ---- what runs in it */

static void test_values_come_back(void **state)
{
	static const char hostile[] = "'); DROP TABLE clusters; --";
	struct fixture *fixture = *state;
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
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters"), 0);
}

static void test_wrong_statements(void **state)
{
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;

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
	struct fixture *fixture = *state;
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
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters"), 0);
	assert_ok(store_begin(store, err), err);
	assert_ok(store_run(store, err, insert, "t", "two"), err);
	assert_ok(store_commit(store, err), err);
	assert_ok(store_begin(store, err), err);
	assert_ok(store_run(store, err, insert, "t", "three"), err);
	store_close(store); /* rolls back */
	fixture->store = store_open(fixture->path, false, err);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM clusters"), 1);
}

static void test_config_versions_are_immutable(void **state)
{
	struct fixture *fixture = *state;
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
	assert_int_equal(ask(fixture, "SELECT count(*) FROM config_versions WHERE document = x'00'"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

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
		TEST(test_lost_name),
		TEST(test_damaged_pages),
		TEST(test_opened_by_many_at_once),
		TEST(test_locked),
		TEST(test_full_disk),
		TEST(test_failing_disk),
		TEST(test_file_size_limit),
		TEST(test_sudden_death),
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
