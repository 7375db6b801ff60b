/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_STORE_H
#define INVENTORY_STORE_H
/*
 * The database: one SQLite file in WAL mode with synchronous=FULL, so that what store_commit has returned for
 * survives a power cut. Foreign keys are enforced. The file is created with mode 0600
 * (store_share.h: for a group).
 *
 * Every value reaches SQLite as a parameter. A statement's parameters are given by a string of types, one letter each:
 *
 *	t  const char *            text; NULL binds NULL
 *	s  const char *, size_t    text that is not terminated; NULL binds NULL
 *	i  int64_t                 integer (cast what is narrower!)
 *	d  int                     integer; also bool and enums
 *	r  double                  real
 *	b  const void *, size_t    bytes; NULL binds NULL
 *
 *	store_run(store, err, "UPDATE runs SET state = ?1 WHERE id = ?2", "tt", state, id);
 *
 *	struct store_cursor rows;
 *	if (store_query(store, &rows, err, "SELECT id, epoch FROM runs WHERE state = ?1", "t", "running") < 0)
 *		return -1;
 *	int more;
 *	while ((more = store_next(&rows, err)) > 0)
 *		use(store_text(&rows, 0), store_int(&rows, 1));
 *	store_done(&rows);
 *
 * Statements are prepared once and kept. Errors: ERROR_CONFLICT when another process holds the database too long or a
 * unique key exists already, ERROR_SYSTEM when the disk is full or fails (nothing of the transaction is kept),
 * ERROR_CORRUPT when the file is damaged, ERROR_BUG when a statement is wrong.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct store;

/* Opens path, creates it when it is missing and create is set, and brings its schema up to date. ERROR_UNREACHABLE:
 * missing or not accessible; ERROR_CORRUPT: no database of rollcall, or damaged; ERROR_USAGE: written by a newer
 * rollcall. */
struct store *store_open(const char *path, bool create, struct error *err);
void store_close(struct store *store); /* NULL is fine; an open transaction is rolled back */

/* Names this database for good (32 hex digits): hosts remember which database drives them. */
const char *store_uuid(const struct store *store);
const char *store_path(const struct store *store);
/* How long a statement waits for another process; 10 s at first. */
void store_set_patience(struct store *store, int ms);

/* A transaction takes the write lock at once. They do not nest. Rolling back without one open does nothing. After a
 * failed commit the transaction is over and nothing of it is kept. */
int store_begin(struct store *store, struct error *err);
/* One for reading alone, which hinders nobody: until store_rollback all queries see one moment, whatever others write. */
int store_begin_reading(struct store *store, struct error *err);
int store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);
bool store_in_transaction(const struct store *store);

/* What the next store_commit calls inside its transaction, once: for rows that must be in the same transaction as those of
 * somebody else. When it returns -1 that commit fails and nothing of it is kept. A rollback forgets it; call NULL: nobody. */
void store_before_commit(struct store *store, int (*call)(void *ctx, struct error *err), void *ctx);

/* Runs a statement that gives no rows. */
int store_run(struct store *store, struct error *err, const char *sql, const char *types, ...);
int64_t store_last_id(const struct store *store); /* rowid of the last INSERT */
int64_t store_changes(const struct store *store); /* rows the last statement changed */

/* Drops the statements that are kept prepared, after tables came or went under their names; no cursor may be open. */
void store_forget_statements(struct store *store);

struct store_statement;
struct store_cursor {
	struct store *store;
	struct store_statement *statement;
};

/* Starts a query. cursor is only valid after success; then store_done must be called. Several cursors, also of the same
 * statement, may be open at once. */
int store_query(struct store *store, struct store_cursor *cursor, struct error *err, const char *sql, const char *types,
		...);
/* 1: there is a row; 0: no more; -1: failed. */
int store_next(struct store_cursor *cursor, struct error *err);
void store_done(struct store_cursor *cursor);

/* Columns of the current row, from 0. Borrowed until the next store_next or store_done. */
const char *store_text(const struct store_cursor *cursor, int column); /* NULL when NULL */
int64_t store_int(const struct store_cursor *cursor, int column);      /* 0 when NULL */
double store_real(const struct store_cursor *cursor, int column);
const void *store_blob(const struct store_cursor *cursor, int column, size_t *len); /* NULL when NULL */
bool store_is_null(const struct store_cursor *cursor, int column);

/* The first column of the first row. 1: found; 0: no row (*out is left alone); -1: failed. */
int store_find_int(struct store *store, int64_t *out, struct error *err, const char *sql, const char *types, ...);
/* The same for text; the caller frees *out. */
int store_find_text(struct store *store, char **out, struct error *err, const char *sql, const char *types, ...);

/* For statements that are put together at run time (selectors): values by number. */
enum store_type { STORE_NULL, STORE_INT, STORE_REAL, STORE_TEXT };
struct store_value {
	enum store_type type;
	int64_t integer;
	double real;
	const char *text; /* must live until store_done */
};
int store_query_values(struct store *store, struct store_cursor *cursor, struct error *err, const char *sql,
		       const struct store_value *values, size_t count);

#endif
