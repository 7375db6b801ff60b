/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENTS_INTERNAL_H
#define INVENTORY_AGENTS_INTERNAL_H
/* What the files behind agents.h share. */
#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "inventory/agents.h"
#include "mesos/resources.h"

/* How resources are kept in the database: a SlaveInfo that holds nothing else, so that one wire format is enough. */
void agents_pack_resources(const struct resources *resources, struct buffer *out);
/* out must be empty. */
int agents_unpack_resources(const void *data, size_t len, struct resources *out, struct error *err);

/* A SlaveInfo is a few KB; this bound only stops runaway growth. */
#define PACKED_MAX (64u << 20)

/* An agent in the form in which it is stored. */
struct agent_packed {
	const struct agent_view *view;
	const char *region, *zone;
	struct buffer info, total, used;
	unsigned char digest[DIGEST_SIZE];
};

/* New and changed agents go the same way; row: its key, or 0 when it is new. A transaction is open. */
int agents_write(struct store *store, int64_t cluster, const struct agent_packed *packed, int64_t row, int64_t time_ms,
		 struct error *err);
/* Attributes and scalar resources, in the place of those that were there. */
int agents_write_details(struct store *store, int64_t row, const struct agent_view *view, struct error *err);

/* Parts of a sync; a transaction is open. */
int agents_sync_tasks(struct store *store, int64_t cluster, const struct agents_answer *answer, struct error *err);
int agents_sync_frameworks(struct store *store, int64_t cluster, const struct agents_answer *answer, struct error *err);

#endif
