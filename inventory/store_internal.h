/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_STORE_INTERNAL_H
#define INVENTORY_STORE_INTERNAL_H
/* What store.c (the file) and statement.c (what runs in it) share; nobody else includes this. */
#include <sqlite3.h>

#include "base/digest.h"
#include "inventory/store.h"

/* Statements kept prepared. The program has about a hundred different ones; selectors come on top, so there is a
 * bound. */
#define STATEMENT_SLOTS 256

struct store_statement {
	sqlite3_stmt *handle;
	bool in_use;
	bool kept; /* in the cache; otherwise finalized when done */
};

struct store {
	sqlite3 *handle;
	char *path;
	char uuid[RANDOM_ID_SIZE];
	int patience_ms;
	int (*before_commit)(void *ctx, struct error *err); /* NULL: nobody */
	void *before_commit_ctx;
	int64_t version_limit; /* stop migrating there; 0: go on to the newest */
	struct store_statement cache[STATEMENT_SLOTS];
	size_t cached;
	size_t last; /* found in the cache */
};

/* Turns what SQLite says into an error that names the file. Always returns -1. */
int store_fail(struct store *store, struct error *err, const char *doing);

/* A new database with the schema of an earlier version (ERROR_USAGE: of a newer one) and no rows, not even its name. */
struct store *store_create_at(const char *path, int64_t version, struct error *err);

/* What statements and migrations call beside SQLite's own functions. */
int store_add_functions(struct store *store, struct error *err);

/* The log and the shared memory of an open database become its group's, where it has one. */
void store_share_log(const char *path);

void statements_finalize(struct store *store);

#endif
