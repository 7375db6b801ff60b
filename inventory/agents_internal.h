/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENTS_INTERNAL_H
#define INVENTORY_AGENTS_INTERNAL_H
/* What the files behind agents.h share. */
#include "base/buffer.h"
#include "base/error.h"
#include "inventory/agents.h"
#include "mesos/resources.h"

/* How resources are kept in the database: a SlaveInfo that holds nothing else, so that one wire format is enough. */
void agents_pack_resources(const struct resources *resources, struct buffer *out);
/* out must be empty. */
int agents_unpack_resources(const void *data, size_t len, struct resources *out, struct error *err);

/* Parts of a sync; a transaction is open. */
int agents_sync_tasks(struct store *store, int64_t cluster, const struct agents_answer *answer, struct error *err);
int agents_sync_frameworks(struct store *store, int64_t cluster, const struct agents_answer *answer, struct error *err);

#endif
