/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "inventory/store_internal.h"

static void say(const struct upkeep_listener *listener, char *problem)
{
	listener->say(listener->ctx, problem);
	free(problem);
}

static int check_structure(struct store *store, const struct upkeep_listener *listener, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err, "PRAGMA integrity_check", "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0)
		if (strcmp(store_text(&rows, 0), "ok") != 0)
			say(listener, xasprintf("structure: %s", store_text(&rows, 0)));
	store_done(&rows);
	return more;
}

static int check_references(struct store *store, const struct upkeep_listener *listener, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err, "PRAGMA foreign_key_check", "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0)
		say(listener, xasprintf("reference: a row of %s (%lld) names a row of %s that is not there",
					store_text(&rows, 0), (long long)store_int(&rows, 1), store_text(&rows, 2)));
	store_done(&rows);
	return more;
}

/* Rows of (what it is, its hash, its bytes). */
static int check_hashes(struct store *store, const char *sql, const struct upkeep_listener *listener, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(store, &rows, err, sql, "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		char hash[DIGEST_HEX_SIZE];
		size_t len;
		const void *document = store_blob(&rows, 2, &len);

		digest_hex(document, len, hash);
		if (strcmp(hash, store_text(&rows, 1)) != 0)
			say(listener, xasprintf("hash: %s was changed: its hash is %.12s, its bytes give %.12s",
						store_text(&rows, 0), store_text(&rows, 1), hash));
	}
	store_done(&rows);
	return more;
}

int upkeep_check(struct store *store, const struct upkeep_listener *listener, struct error *err)
{
	if (check_structure(store, listener, err) < 0 || check_references(store, listener, err) < 0 ||
	    check_hashes(store,
			 "SELECT 'config ' || c.name || '@' || v.version, v.sha256, v.document FROM config_versions v "
			 "JOIN configs c ON c.id = v.config",
			 listener, err) < 0 ||
	    check_hashes(store,
			 "SELECT 'the CSV of config ' || c.name || '@' || v.version, v.csv_sha256, v.csv "
			 "FROM config_versions v JOIN configs c ON c.id = v.config WHERE v.csv IS NOT NULL",
			 listener, err) < 0)
		return -1;
	return check_hashes(store, "SELECT 'plan ' || hash, hash, document FROM plans", listener, err);
}

/* ---- backup */

/* SQLite would give the file the umask's mode. */
static int create_private(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot be created", path);
	close(fd);
	return 0;
}

/* All pages in one step: one moment's picture, from a reader's snapshot that holds no writer up. */
static int copy_pages(struct store *store, struct store *target, struct error *err)
{
	sqlite3_backup *backup;

	if (sqlite3_open_v2(target->path, &target->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return store_fail(target, err, "copying to it");
	sqlite3_extended_result_codes(target->handle, 1);
	backup = sqlite3_backup_init(target->handle, "main", store->handle, "main");
	if (!backup)
		return store_fail(target, err, "copying to it");
	sqlite3_backup_step(backup, -1);
	return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : store_fail(target, err, "copying to it");
}

/* Pages are copied as they are: a damaged database has a damaged copy, which must not pass for a backup. */
static int check_copy(struct store *store, struct store *target, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	const char *found = NULL;
	int result = 0;

	if (sqlite3_prepare_v2(target->handle, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		found = (const char *)sqlite3_column_text(statement, 0);
	if (!found || strcmp(found, "ok") != 0)
		result =
			error_set(err, ERROR_CORRUPT,
				  "%s: damaged (%.200s), and so would be a copy, which was not kept; `rollcall "
				  "inventory check` says what is wrong. Put an earlier backup in its place, or move it "
				  "away and sync anew",
				  store->path, found ? found : sqlite3_errmsg(target->handle));
	sqlite3_finalize(statement);
	return result;
}

/* Gives the finished copy its name, unless a file has that by now. */
static int publish(const char *part, const char *path, int64_t *bytes, struct error *err)
{
	char *folder = path_dir(path);
	struct stat st;
	int result = stat(part, &st);

	if (result < 0)
		error_errno(err, ERROR_SYSTEM, errno, "%s", part);
	if (result == 0 && link(part, path) < 0)
		result = errno == EEXIST
				 ? error_set(err, ERROR_REFUSED,
					     "%s: is there already and was left as it is; name another file", path)
				 : error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be created", path);
	if (result == 0)
		result = file_sync_dir(folder, err);
	if (result == 0)
		*bytes = (int64_t)st.st_size;
	free(folder);
	return result;
}

int upkeep_backup(struct store *store, const char *path, int64_t *bytes, struct error *err)
{
	char id[RANDOM_ID_SIZE], *part;
	struct store target = {.handle = NULL};
	int result;

	if (file_exists(path))
		return error_set(err, ERROR_REFUSED, "%s: is there already and was left as it is; name another file",
				 path);
	random_id(id);
	part = xasprintf("%s.%.8s.part", path, id);
	target.path = part;
	result = create_private(part, err);
	if (result == 0) {
		result = copy_pages(store, &target, err);
		if (result == 0)
			result = check_copy(store, &target, err);
		sqlite3_close(target.handle);
		if (result == 0)
			result = publish(part, path, bytes, err);
		unlink(part);
	}
	free(part);
	return result;
}
