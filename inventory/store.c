/* SPDX-License-Identifier: Apache-2.0 */
/* The database file: opening it, making sure it is ours and whole, bringing its schema up to date. */
#include "inventory/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/agent_functions.h"
#include "inventory/migrations.h"
#include "inventory/store_functions.h"
#include "inventory/store_internal.h"

/* "rllc": tells a database of rollcall from any other SQLite file. */
#define APPLICATION_ID 0x726c6c63

/* Of a new database; another one keeps the size it has. Twenty agents fill such a page: a fleet is written in few and large pieces. */
#define PAGE_SIZE "16384"

/* Longer than any transaction of ours, shorter than a person's patience. */
#define PATIENCE_MS 10000

static int execute(struct store *store, const char *sql, const char *doing, struct error *err)
{
	if (sqlite3_exec(store->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store, err, doing);
	return 0;
}

/* SQLite would create the file with the umask's mode; the inventory is nobody else's business. */
static int create_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot create the database", path);
	close(fd);
	return 0;
}

static int check_file(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT)
		return error_set(err, ERROR_UNREACHABLE,
				 "%s: there is no database; make one with `rollcall inventory sync`, or name another "
				 "with --db",
				 path);
	if (stat(path, &st) < 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot open the database", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_CORRUPT, "%s: no regular file, so no database", path);
	if (access(path, R_OK | W_OK) < 0)
		return error_errno(
			err, ERROR_UNREACHABLE, errno,
			"%s: cannot open the database to read and write, as even questions do: ask a copy of it, or as "
			"somebody who may write there",
			path);
	return 0;
}

static int read_pragma(struct store *store, const char *sql, int64_t *value, struct error *err)
{
	return store_find_int(store, value, err, sql, "") < 0 ? -1 : 0;
}

static int64_t known_migrations(void)
{
	int64_t count = 0;

	while (migrations[count].name)
		count++;
	return count;
}

/* Nothing is written before the file is known to be ours, or empty. */
static int check_owner(struct store *store, int64_t *version, struct error *err)
{
	int64_t application = 0, tables = 0;

	if (read_pragma(store, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0 ||
	    read_pragma(store, "PRAGMA application_id", &application, err) < 0 ||
	    read_pragma(store, "PRAGMA user_version", version, err) < 0)
		return -1;
	if (application != APPLICATION_ID && (application || tables || *version))
		return error_set(err, ERROR_CORRUPT,
				 "%s: a database of another program; name rollcall's own with --db or $ROLLCALL_DB",
				 store->path);
	if (*version > known_migrations() || *version < 0)
		return error_set(
			err, ERROR_USAGE,
			"%s: written by a newer rollcall (its schema has version %lld, this program knows up to "
			"%lld); use that rollcall, nothing was changed",
			store->path, (long long)*version, (long long)known_migrations());
	return 0;
}

/* A new database leaves its first mode only while nobody else reads it, and SQLite does not wait for that by itself: of many that
 * open it at once, each but the first finds it done. */
static int enter_wal(struct store *store, char **answer, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + store->patience_ms;
	const struct timespec pause = {.tv_nsec = 10000000};

	for (;;) {
		int found = store_find_text(store, answer, err, "PRAGMA journal_mode = WAL", "");

		if (found >= 0 || err->kind != ERROR_CONFLICT || clock_monotonic_ms() >= deadline)
			return found;
		error_clear(err);
		nanosleep(&pause, NULL);
	}
}

static int configure(struct store *store, struct error *err)
{
	char *answer = NULL;
	int found;

	sqlite3_db_config(store->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (execute(store, "PRAGMA page_size = " PAGE_SIZE, "opening it", err) < 0)
		return -1;
	found = enter_wal(store, &answer, err);
	if (found < 0)
		return -1;
	if (!found || strcmp(answer, "wal") != 0) {
		free(answer);
		return error_set(err, ERROR_SYSTEM,
				 "%s: the folder's file system cannot hold a database in WAL mode (a network share?); "
				 "put the database on a local disk with --db",
				 store->path);
	}
	free(answer);
	return execute(store,
		       "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; "
		       "PRAGMA cache_size = -16384",
		       "opening it", err);
}

/* A step that the schema of its version does not fit: somebody has changed one of the two. */
static int tell_misfit(int64_t from, struct error *err)
{
	struct error said = *err;

	error_clear(err);
	return error_set(err, ERROR_CORRUPT,
			 "%s; its tables are not those of version %lld, which it says it has: nothing was changed, put "
			 "a backup in its place",
			 said.text, (long long)from);
}

static int migrate_step(struct store *store, int64_t from, struct error *err)
{
	char *pragma = xasprintf("PRAGMA application_id = %d; PRAGMA user_version = %lld", APPLICATION_ID,
				 (long long)from + 1);
	int result = execute(store, migrations[from].sql, migrations[from].name, err);

	if (result == 0)
		result = execute(store, pragma, migrations[from].name, err);
	free(pragma);
	return result < 0 && err->kind == ERROR_BUG ? tell_misfit(from, err) : result;
}

static int name_database(struct store *store, struct error *err)
{
	char uuid[RANDOM_ID_SIZE];
	int64_t rows = 0;

	if (read_pragma(store, "SELECT count(*) FROM database", &rows, err) < 0 || rows > 0)
		return rows > 0 ? 0 : -1;
	random_id(uuid);
	return store_run(store, err, "INSERT INTO database (uuid, created_ms) VALUES (?1, ?2)", "ti", uuid,
			 clock_wall_ms());
}

/* All missing steps in one transaction: a database is at an old version or at the newest, never between. Another
 * process may have migrated while we waited for the lock, so the version is read again under it. */
static int migrate_all(struct store *store, struct error *err)
{
	int64_t version = 0, limit = store->version_limit ? store->version_limit : known_migrations();

	if (store_begin(store, err) < 0)
		return -1;
	if (check_owner(store, &version, err) < 0)
		goto fail;
	for (; migrations[version].name && version != limit; version++)
		if (migrate_step(store, version, err) < 0)
			goto fail;
	if (!store->version_limit && name_database(store, err) < 0)
		goto fail;
	return store_commit(store, err);
fail:
	store_rollback(store);
	return -1;
}

/* A step may put a new table in the place of one that others refer to: SQLite would empty those if it minded references then. */
static int migrate(struct store *store, struct error *err)
{
	if (execute(store, "PRAGMA foreign_keys = OFF", "opening it", err) < 0 || migrate_all(store, err) < 0)
		return -1;
	return execute(store, "PRAGMA foreign_keys = ON", "opening it", err);
}

static int read_uuid(struct store *store, struct error *err)
{
	char *uuid = NULL;
	int found = store_find_text(store, &uuid, err, "SELECT uuid FROM database", "");

	if (found < 0)
		return -1;
	if (!found || strlen(uuid) != sizeof(store->uuid) - 1) {
		free(uuid);
		return error_set(err, ERROR_CORRUPT, "%s: the database has lost its name; put a backup in its place",
				 store->path);
	}
	memcpy(store->uuid, uuid, sizeof(store->uuid));
	free(uuid);
	return 0;
}

static int add_functions(struct store *store, const struct sql_function *functions, struct error *err)
{
	for (; functions->name; functions++)
		if (sqlite3_create_function_v2(store->handle, functions->name, functions->arguments,
					       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
					       functions->call, NULL, NULL, NULL) != SQLITE_OK)
			return store_fail(store, err, "opening it");
	return 0;
}

int store_add_functions(struct store *store, struct error *err)
{
	if (add_functions(store, store_functions, err) < 0)
		return -1;
	return add_functions(store, agent_functions, err);
}

static int open_handle(struct store *store, struct error *err)
{
	int64_t version = 0;

	if (sqlite3_open_v2(store->path, &store->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		if (!store->handle)
			return error_set(err, ERROR_SYSTEM, "%s: out of memory in SQLite", store->path);
		return store_fail(store, err, "opening it");
	}
	sqlite3_extended_result_codes(store->handle, 1);
	if (store_add_functions(store, err) < 0)
		return -1;
	store_set_patience(store, PATIENCE_MS);
	if (check_owner(store, &version, err) < 0 || configure(store, err) < 0)
		return -1;
	store_share_log(store->path);
	if (version < known_migrations() && migrate(store, err) < 0)
		return -1;
	return store->version_limit ? 0 : read_uuid(store, err);
}

struct store *store_open(const char *path, bool create, struct error *err)
{
	struct store *store;

	if (create && create_file(path, err) < 0)
		return NULL;
	if (check_file(path, err) < 0)
		return NULL;
	store = xcalloc(1, sizeof(*store));
	store->path = xstrdup(path);
	if (open_handle(store, err) < 0) {
		store_close(store);
		return NULL;
	}
	return store;
}

struct store *store_create_at(const char *path, int64_t version, struct error *err)
{
	struct store *store;

	if (version < 1 || version > known_migrations()) {
		error_set(err, ERROR_USAGE,
			  "written by a newer rollcall (its schema has version %lld, this program knows up to %lld)",
			  (long long)version, (long long)known_migrations());
		return NULL;
	}
	if (create_file(path, err) < 0)
		return NULL;
	store = xcalloc(1, sizeof(*store));
	store->path = xstrdup(path);
	store->version_limit = version;
	if (open_handle(store, err) < 0) {
		store_close(store);
		return NULL;
	}
	return store;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->handle) {
		store_rollback(store);
		statements_finalize(store);
		sqlite3_close(store->handle);
	}
	free(store->path);
	free(store);
}

const char *store_uuid(const struct store *store)
{
	return store->uuid;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

void store_set_patience(struct store *store, int ms)
{
	store->patience_ms = ms;
	sqlite3_busy_timeout(store->handle, ms);
}

static int begin(struct store *store, const char *sql, struct error *err)
{
	if (store_in_transaction(store))
		return error_set(err, ERROR_BUG, "%s: a transaction is open already", store->path);
	return store_run(store, err, sql, "");
}

int store_begin(struct store *store, struct error *err)
{
	return begin(store, "BEGIN IMMEDIATE", err);
}

int store_begin_reading(struct store *store, struct error *err)
{
	return begin(store, "BEGIN DEFERRED", err);
}

void store_before_commit(struct store *store, int (*call)(void *ctx, struct error *err), void *ctx)
{
	store->before_commit = call;
	store->before_commit_ctx = ctx;
}

static int call_before_commit(struct store *store, struct error *err)
{
	int (*call)(void *ctx, struct error *err) = store->before_commit;

	store->before_commit = NULL;
	return call ? call(store->before_commit_ctx, err) : 0;
}

int store_commit(struct store *store, struct error *err)
{
	if (!store_in_transaction(store))
		return error_set(err, ERROR_BUG, "%s: there is no transaction to commit", store->path);
	if (call_before_commit(store, err) == 0 && store_run(store, err, "COMMIT", "") == 0)
		return 0;
	store_rollback(store);
	return -1;
}

void store_rollback(struct store *store)
{
	store->before_commit = NULL;
	/* SQLite rolls back by itself after some failures; then there is nothing left to do. */
	if (store_in_transaction(store))
		sqlite3_exec(store->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool store_in_transaction(const struct store *store)
{
	return !sqlite3_get_autocommit(store->handle);
}

int64_t store_last_id(const struct store *store)
{
	return sqlite3_last_insert_rowid(store->handle);
}

int64_t store_changes(const struct store *store)
{
	return sqlite3_changes64(store->handle);
}
