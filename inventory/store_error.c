/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite says, in words that tell what happened and what to do. */
#include <errno.h>
#include <string.h>

#include "inventory/store_internal.h"

static int fail_full(struct store *store, struct error *err, const char *doing)
{
	return error_set(err, ERROR_SYSTEM,
			 "%s: disk full while %s; nothing of it was kept: free some space there and repeat the command",
			 store->path, doing);
}

/* SQLite tells the errno of a failed write to the log only through the log's own file. */
static int last_errno(struct store *store)
{
	sqlite3_file *log = NULL;
	int errnum = sqlite3_system_errno(store->handle);

	if (!errnum)
		sqlite3_file_control(store->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &errnum);
	if (!errnum && sqlite3_file_control(store->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
	    log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &errnum);
	return errnum;
}

static int fail_io(struct store *store, struct error *err, const char *doing)
{
	int errnum = last_errno(store);

	if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG)
		return error_errno(err, ERROR_SYSTEM, errnum,
				   "%s: no room while %s; nothing of it was kept: make room there and repeat the "
				   "command",
				   store->path, doing);
	return error_set(err, ERROR_SYSTEM, "%s: the disk failed while %s: %s%s%s", store->path, doing,
			 sqlite3_errmsg(store->handle), errnum ? ": " : "", errnum ? strerror(errnum) : "");
}

static int fail_damaged(struct store *store, struct error *err, const char *doing)
{
	return error_set(
		err, ERROR_CORRUPT,
		"%s: damaged or no database (%s) while %s; put a backup in its place, or move it away and sync anew",
		store->path, sqlite3_errmsg(store->handle), doing);
}

int store_fail(struct store *store, struct error *err, const char *doing)
{
	int code = sqlite3_extended_errcode(store->handle);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, ERROR_CONFLICT,
				 "%s: locked by another process for more than %.1f s while %s; repeat the command when "
				 "the other is done",
				 store->path, store->patience_ms / 1000.0, doing);
	case SQLITE_FULL:
		return fail_full(store, err, doing);
	case SQLITE_IOERR:
		return fail_io(store, err, doing);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return fail_damaged(store, err, doing);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return error_set(err, ERROR_UNREACHABLE, "%s: cannot be written while %s: %s", store->path, doing,
				 sqlite3_errmsg(store->handle));
	case SQLITE_CONSTRAINT:
		if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
			return error_set(err, ERROR_CONFLICT, "%s: exists already while %s: %s", store->path, doing,
					 sqlite3_errmsg(store->handle));
		break;
	}
	return error_set(err, ERROR_BUG, "%s: %s while %s", store->path, sqlite3_errmsg(store->handle), doing);
}
