/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENTS_INTERNAL_H
#define INVENTORY_AGENTS_INTERNAL_H
/* What the files behind agents.h share. */
#include "base/error.h"
#include "base/siphash.h"
#include "inventory/agents.h"
#include "mesos/agent_packed.h"
#include "mesos/resources.h"

/* How resources are kept in the database: a SlaveInfo that holds nothing else, so that one wire format is enough. out must be
 * empty. */
int agents_unpack_resources(const void *data, size_t len, struct resources *out, struct error *err);

/* ---- writing one agent; a transaction is open. answer: QUICKHASH_SIZE bytes, NULL: not known. */

struct agents_write {
	struct store *store;
	int64_t cluster;
	int64_t time_ms;
};
/* *row: its key. */
int agents_insert(const struct agents_write *write, const struct agent_packed *agent, const unsigned char *answer,
		  int64_t *row, struct error *err);
/* An agent that is there in another state, or gone. changed: not only in what is used of it. */
int agents_update(const struct agents_write *write, const struct agent_packed *agent, const unsigned char *answer,
		  int64_t row, bool *changed, struct error *err);
/* It came in other bytes that say the same. */
int agents_remember(const struct agents_write *write, const unsigned char *answer, int64_t row, struct error *err);
/* 1: the agent is there; 0: it is new; -1. same: as it was last, in all that is kept. */
int agents_compare(const struct agents_write *write, const struct agent_packed *agent, int64_t *row, bool *same,
		   bool *gone, struct error *err);

/* When the cluster was synced, with whom, and what that master said of itself. */
int agents_write_cluster(const struct agents_write *write, const struct agents_feed *feed, struct error *err);

/* ---- indexes, which are quicker made at the end than kept while a whole fleet comes in; a transaction is open */

struct agents_indexes {
	char **statements; /* that make them again */
	size_t count;
};
int agents_indexes_drop(struct agents_indexes *indexes, struct store *store, struct error *err);
/* ERROR_CONFLICT: an agent is there twice. */
int agents_indexes_make(struct agents_indexes *indexes, struct store *store, struct error *err);
void agents_indexes_clear(struct agents_indexes *indexes);

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
