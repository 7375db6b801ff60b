/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_LEDGER_BACKEND_H
#define ORCHESTRATOR_LEDGER_BACKEND_H
/*
 * Inside of the ledger: what its two peers (over the store, and in memory) do for it. ledger.c buffers, chains and
 * decides when to commit; a backend only keeps rows.
 */
#include "base/buffer.h"
#include "orchestrator/ledger/ledger.h"

/* Where the database stands: the last event of the chain, and the last epoch anybody took. */
struct ledger_end {
	int64_t seq; /* 0: no event yet */
	char hash[DIGEST_HEX_SIZE];
	int64_t epoch; /* 0: none yet */
};

struct ledger_backend {
	/* Opens a transaction that excludes every other writer, and says where the database stands. */
	int (*begin)(struct ledger *ledger, struct ledger_end *end, struct error *err);
	int (*append)(struct ledger *ledger, const struct ledger_entry *entry, struct error *err);
	int (*put_plan)(struct ledger *ledger, const struct plan_row *plan, struct error *err);
	int (*put_run)(struct ledger *ledger, const struct run_row *run, struct error *err);
	int (*put_agent)(struct ledger *ledger, const struct run_agent *agent, struct error *err);
	int (*put_order)(struct ledger *ledger, const struct run_order *order, struct error *err);
	int (*new_epoch)(struct ledger *ledger, const char *run, int64_t time_ms, int64_t *epoch, struct error *err);
	int (*commit)(struct ledger *ledger, struct error *err);
	void (*rollback)(struct ledger *ledger);

	int (*load_run)(struct ledger *ledger, const char *run, struct run_row *row, struct error *err);
	int (*load_agents)(struct ledger *ledger, const char *run, struct run_agent **agents, size_t *count,
			   struct error *err);
	/* As ledger_next_order. */
	int (*next_order)(struct ledger *ledger, const char *run, struct run_order *out, struct error *err);
	/* Calls visit for every event in order of seq until it returns non-zero, and returns that (or -1). */
	int (*walk)(struct ledger *ledger, int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err),
		    void *ctx, struct error *err);
	void (*close)(struct ledger *ledger); /* frees the backend's own */
};

struct pending_event {
	int64_t time_ms;
	char *run, *agent_id, *kind;
	struct buffer body;
	char row[DIGEST_HEX_SIZE];        /* of the row that follows from it; "": none does */
	char row_before[DIGEST_HEX_SIZE]; /* of a run's `before`; "": it stays */
};

struct ledger {
	const struct ledger_backend *backend;
	void *data; /* the backend's own */
	char *database;
	char *actor;
	json_t *origin; /* NULL: not said */
	bool within;    /* somebody else's transaction is open, and stays so */
	char head[DIGEST_HEX_SIZE];
	int64_t epoch;       /* ours, once we drive; 0: we do not */
	int64_t epoch_floor; /* a new one is greater than this, too */

	struct pending_event *events;
	size_t event_count, event_cap;
	struct run_agent *agents;
	size_t agent_count, agent_cap;
	struct run_row *runs;
	size_t run_count, run_cap;
	struct plan_row *plans;
	size_t plan_count, plan_cap;
	struct run_order *orders;
	size_t order_count, order_cap;
	int64_t ordered;      /* the number that the newest order of ours got */
	int64_t seen_version; /* of the database, when there was no order for seen_run; 0: to be looked at */
	char seen_run[64];

	int (*hook)(void *ctx, bool durable);
	void *hook_ctx;
	int64_t (*wall_ms)(void *ctx);
	void *clock_ctx;
};

/* Of a ledger in memory: a run's row as it was committed last, without a copy; borrowed until the next commit. NULL: none. */
const struct run_row *ledger_memory_run(struct ledger *ledger, const char *run);

/* backend and data are set; everything else is fresh. */
struct ledger *ledger_new(const struct ledger_backend *backend, void *data, const char *database, const char *actor);

/* The hash of an event that comes after `previous`: SHA-256 over every field with its length before it, so that no two
 * different events give the same bytes. */
void ledger_hash(const char *previous, const struct ledger_entry *entry, char out[DIGEST_HEX_SIZE]);

/* Calls visit for every row of a query of seq, time_ms, actor, run, agent, kind, body, hash. */
struct store_cursor;
int ledger_visit_rows(struct store_cursor *rows,
		      int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err), void *ctx,
		      struct error *err);

/* ERROR_CONFLICT: this order is carried out, or void, already. */
int ledger_order_is_over(const struct run_order *order, struct error *err);

char *ledger_copy_text(const char *text);                                /* NULL stays NULL */
void run_agent_copy(struct run_agent *to, const struct run_agent *from); /* to is overwritten */
void plan_row_copy(struct plan_row *to, const struct plan_row *from);
void run_row_copy(struct run_row *to, const struct run_row *from);
void run_order_copy(struct run_order *to, const struct run_order *from);

#endif
