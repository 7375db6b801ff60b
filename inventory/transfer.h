/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_TRANSFER_H
#define INVENTORY_TRANSFER_H
/*
 * The whole database as JSON lines, and back: what goes out comes in the same, its name (UUID) included.
 *
 *	{"rollcall_export": 1, "schema": 3, "database": "<UUID>"}
 *	{"table": "agents", "row": {"row": 1, "id": "…", "info": {"base64": "…"}, …}}    one for each row
 *	{"end": true, "rows": 4711, "sha256": "<of every byte before this line>"}
 *
 * Text that is no UTF-8 is {"text_base64": "…"}. An export of an earlier schema is brought up to date when it is read.
 */
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "inventory/store.h"

/* One moment's picture; nobody else may write while it is taken. */
int transfer_export(struct store *store, FILE *out, int64_t *rows, struct error *err);

/* Makes the database at path, which must not exist (ERROR_REFUSED). source names the input. ERROR_CORRUPT when it is
 * cut short or was changed, ERROR_USAGE when it is no export or a newer rollcall's. A failure leaves nothing. */
int transfer_import(const char *source, FILE *in, const char *path, int64_t *rows, struct error *err);

#endif
