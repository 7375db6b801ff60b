/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_AGENTS_H
#define INVENTORY_AGENTS_H
/*
 * Agents, their tasks and frameworks as the master showed them last. A sync writes only what changed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/quickhash.h"
#include "inventory/selector.h"
#include "inventory/store.h"
#include "mesos/agent_packed.h"

/* What a master said, to be put into the database. Borrowed for the call. */
struct agents_answer {
	const char *master; /* URL of the leader */
	const struct agent_view *agents;
	size_t agent_count;
	const struct task_view *tasks;
	size_t task_count;
	const struct framework_view *frameworks;
	size_t framework_count;
	const struct master_facts *facts; /* may be NULL */
};

struct agents_summary {
	size_t total;    /* agents the master lists */
	size_t added;    /* never seen before */
	size_t gone;     /* no longer listed */
	size_t returned; /* listed again after they were gone */
	size_t changed;  /* anything about them, the two above and what is used of them aside */
	size_t unchanged;
	size_t tasks;
	size_t frameworks;
};

/* All of it in one transaction (of its own, none may be open). time_ms: clock_wall_ms. */
int agents_sync(struct store *store, int64_t cluster, const struct agents_answer *answer, int64_t time_ms,
		struct agents_summary *summary, struct error *err);

/*
 * The same for an answer that is too large to be in memory: read is called within the transaction and hands it over, part by part.
 * When read fails nothing has changed. read is not called at all when hash (over everything the master said, NULL: not known) is that
 * of the last sync.
 */
struct agents_sink;
struct agents_feed {
	const char *master;
	const struct master_facts *facts; /* may be NULL */
	const unsigned char *hash;        /* QUICKHASH_SIZE bytes */
	int (*read)(void *ctx, struct agents_sink *sink, struct error *err);
	void *ctx;
};
int agents_sync_feed(struct store *store, int64_t cluster, const struct agents_feed *feed, int64_t time_ms,
		     struct agents_summary *summary, struct error *err);
/* The key for feed.hash: the database's own. */
void agents_hash_key(const struct store *store, struct quickhash_key *key);

/* For read. true: the cluster had no agents until now. Then there is nothing to be found in the database yet, and no index to find it by. */
bool agents_sink_is_first(const struct agents_sink *sink);
/* true: in these very bytes the agent came last time; it is listed and unchanged, and need not be parsed. */
bool agents_sink_knows(struct agents_sink *sink, const void *raw, size_t len);
/* raw: its bytes, NULL: not at hand. */
int agents_sink_agent(struct agents_sink *sink, const struct agent_view *view, const void *raw, size_t len,
		      struct error *err);
int agents_sink_packed(struct agents_sink *sink, const struct agent_packed *agent, const void *raw, size_t len,
		       struct error *err);
/* Tasks that are not completed. */
int agents_sink_task(struct agents_sink *sink, const struct task_view *task, struct error *err);
int agents_sink_framework(struct agents_sink *sink, const struct framework_view *framework, struct error *err);

/* An agent as the database has it. */
struct agent_record {
	int64_t row; /* its key in the database */
	struct agent_view view;
	char *region, *zone; /* NULL without domain */
	int64_t first_seen_ms;
	int64_t changed_ms; /* as it is counted in struct agents_summary */
	int64_t gone_ms;    /* 0: the master lists it */
	size_t tasks;       /* tasks the master lists on it */
};
void agent_record_clear(struct agent_record *record);

struct agent_list {
	struct agent_record *items; /* by hostname, then ID */
	size_t count;
};
void agent_list_clear(struct agent_list *list);

/* The agents of a cluster that the master lists and that selector (NULL: all) matches. *out is set only on success. */
int agents_load(struct store *store, int64_t cluster, const struct selector *selector, struct agent_list *out,
		struct error *err);

/* The agents that selector matches as the master listed them last, which it does no longer, since a moment after
 * since_ms; without those on whose host another agent is listed since. */
int agents_load_gone(struct store *store, int64_t cluster, const struct selector *selector, int64_t since_ms,
		     struct agent_list *out, struct error *err);

/* The keys (agent_record.row) of the same agents, in no order: what choosing alone costs. The caller frees *rows. */
int agents_choose(struct store *store, int64_t cluster, const struct selector *selector, int64_t **rows, size_t *count,
		  struct error *err);

/* One agent by ID, by a unique beginning of its ID, by what follows the last dash ("S12"), or by hostname; also one
 * that is gone. ERROR_USAGE when there is none or more than one. */
int agents_find(struct store *store, int64_t cluster, const char *name, struct agent_record *out, struct error *err);

/* The tasks on an agent, with the framework of each. */
struct agent_task {
	struct task_view task;
	char *framework_name;
	bool framework_checkpoints; /* false: a restart of the agent ends it */
};
struct agent_tasks {
	struct agent_task *items;
	size_t count;
};
void agent_tasks_clear(struct agent_tasks *tasks);
int agents_tasks(struct store *store, int64_t cluster, const char *agent_id, struct agent_tasks *out,
		 struct error *err);

/* What the leading master said of itself at the last sync. 1: known; 0: never asked; -1. */
int agents_facts(struct store *store, int64_t cluster, struct master_facts *out, struct error *err);

/* When the cluster was last synced; 0: never. */
int agents_synced_ms(struct store *store, int64_t cluster, int64_t *time_ms, struct error *err);

#endif
