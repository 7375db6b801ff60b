/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_UPKEEP_H
#define INVENTORY_UPKEEP_H
/* The database's health, and copies of it. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/store.h"

/* Who is told of each problem, as a sentence. */
struct upkeep_listener {
	void (*say)(void *ctx, const char *problem);
	void *ctx;
};

/* Reads every page and checks it: SQLite's own structure and indices, foreign keys, and the hashes of what is never
 * changed (config versions and plans). The chain of events is the ledger's to verify. -1: it could not even be read. */
int upkeep_check(struct store *store, const struct upkeep_listener *listener, struct error *err);

/* A complete copy of this moment at path, mode 0600, while others read and write the database. A file that is there
 * already is left alone (ERROR_REFUSED); a copy that fails leaves nothing. *bytes is its size. */
int upkeep_backup(struct store *store, const char *path, int64_t *bytes, struct error *err);

#endif
