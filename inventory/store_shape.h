/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_STORE_SHAPE_H
#define INVENTORY_STORE_SHAPE_H
/* Are the tables, indexes and triggers those that the migrations make? A trigger that was dropped lets rows be changed that never change, and
 * one that was added acts whenever rollcall writes. */
#include "inventory/store.h"

/* Calls differs for each that is not: "the trigger events_are_kept is missing". */
int store_shape_check(struct store *store, void (*differs)(void *ctx, const char *what), void *ctx, struct error *err);

#endif
