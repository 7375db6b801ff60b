/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENTS_INTERNAL_H
#define INVENTORY_AGENTS_INTERNAL_H
/* What the files behind agents.h share. */
#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/siphash.h"
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

/* view is borrowed, also by out. */
void agents_pack(const struct agent_view *view, struct agent_packed *out);
void agents_packed_clear(struct agent_packed *packed);

/* New and changed agents go the same way; *row: its key, 0 when it is new and then set. view's resources are normalised meanwhile.
 * A transaction is open. */
int agents_write(struct store *store, int64_t cluster, const struct agent_packed *packed, struct agent_view *view,
		 int64_t *row, int64_t time_ms, struct error *err);

/* Attributes and scalar resources alone, of a row that is there. */
int agents_write_details(struct store *store, int64_t row, struct agent_view *view, struct error *err);

/* ---- parts of a sync; a transaction is open */

/* Hashes of 16 bytes, each with a mark. */
struct hash_entry {
	unsigned char hash[SIPHASH_SIZE];
	unsigned char more[SIPHASH_SIZE];
	int64_t row;
	bool used, marked;
};
struct hash_set {
	struct hash_entry *slots; /* a power of two; NULL: empty */
	size_t capacity, count;
};
void hash_set_clear(struct hash_set *set);
struct hash_entry *hash_set_find(const struct hash_set *set, const unsigned char hash[SIPHASH_SIZE]);
/* The hash must not be there yet. The entry is good until the next one is added. */
struct hash_entry *hash_set_add(struct hash_set *set, const unsigned char hash[SIPHASH_SIZE]);

/* Tasks and frameworks: those that are there are loaded once, those that come are compared, those that did not come are
 * dropped at the end. */
struct tasks_sync {
	struct store *store;
	int64_t cluster;
	unsigned char key[SIPHASH_SIZE];
	struct hash_set tasks; /* by agent, framework and ID; more: the rest; marked: it came */
	char **frameworks;     /* IDs that came */
	size_t framework_count;
};
int tasks_sync_begin(struct tasks_sync *sync, struct error *err);
int tasks_sync_task(struct tasks_sync *sync, const struct task_view *task, struct error *err);
int tasks_sync_framework(struct tasks_sync *sync, const struct framework_view *framework, struct error *err);
int tasks_sync_end(struct tasks_sync *sync, struct error *err);
void tasks_sync_clear(struct tasks_sync *sync);

#endif
