/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_LEDGER_QUERY_H
#define ORCHESTRATOR_LEDGER_QUERY_H
/* Questions about plans, runs and their events. Reads only: everything is written through ledger.h. */
#include "inventory/store.h"
#include "orchestrator/ledger/ledger.h"

/* A plan by its hash or by a beginning of it that is unique and has at least 6 digits. ERROR_USAGE otherwise. */
#define PLAN_PREFIX_MIN 6
int ledger_find_plan(struct store *store, const char *name, struct plan_row *out, struct error *err);

/* A run by its ID, or "latest". ERROR_USAGE when there is none. */
int ledger_find_run(struct store *store, const char *name, struct run_row *out, struct error *err);

/* A run of the cluster whose driver ended while agents were under way: nothing else may start before it is resumed. 1:
 * *run is its ID, the caller's; 0: there is none; -1. */
int ledger_find_unfinished(struct store *store, const char *cluster, char **run, struct error *err);

/* The newest run that takes this one back. 1: *out is it; 0: there is none; -1. */
int ledger_find_rollback_of(struct store *store, const char *run, struct run_row *out, struct error *err);

/* Has a run that takes this one back changed the agent, as far as anybody knows? 1, 0, or -1. */
int ledger_is_taken_back(struct store *store, const char *run, const char *agent_id, struct error *err);
/* Which run has put the agent back: the newest that is not taken back in turn, or newest, the one of ledger_find_rollback_of. 1 with
 * *by, the caller's; 0: none has; -1. */
int ledger_put_back_by(struct store *store, const char *run, const char *newest, const char *agent_id, char **by,
		       struct error *err);
/* Has an agent of the run been taken another step since that plan was made, by the plan's whole hash? 1, 0, or -1. */
int ledger_has_gone_on(struct store *store, const char *run, const char *plan, struct error *err);

/* Was an order carried out? 1 with *answer, the caller's and possibly NULL; 0: not yet. */
int ledger_order_is_done(struct store *store, int64_t seq, char **answer, struct error *err);

/* The greatest epoch that an agent's host had seen from this very database when it was surveyed last; 0: none. It is greater than every
 * one that is known here when the database is an older copy of the one that drove the host. ERROR_CONFLICT when it is so much greater
 * that no copy explains it: one host must not lift everybody's. */
#define EPOCH_LIFT INT64_C(1000000)
int ledger_seen_epoch_by(struct store *store, int64_t agent_row, int64_t *epoch, struct error *err);
/* The greatest that this database has taken; 0: none. */
int ledger_newest_epoch(struct store *store, int64_t *epoch, struct error *err);

/* Was an operation that is open on a host asked for from here? 1, or 0: not as far as this database goes back, like a copy from before
 * it; -1. By its own ID: runs of two copies have the same IDs. */
int ledger_knows_operation(struct store *store, const char *operation, struct error *err);

/* Another number after every commit of another process. */
int ledger_version(struct store *store, int64_t *version, struct error *err);

/* Is there an event of the run, or of the rescue, by that ID? Also false when the database does not say. */
bool ledger_has_events_of(struct store *store, const char *run);

/* The newest run of a plan, by the plan's whole hash. 1: *out is it; 0: it was never started; -1. */
int ledger_find_run_of(struct store *store, const char *plan, struct run_row *out, struct error *err);

/* The ID the next run gets: "r-20261123-4". To be used while the driver's lock is held. */
#define RUN_ID_SIZE 40
int ledger_next_run_id(struct store *store, int64_t wall_ms, char out[RUN_ID_SIZE], struct error *err);

/* How many agents of a run are in which state: states by name, in no order. */
struct state_count {
	char *state;
	int64_t count;
};

struct run_summary {
	struct run_row row;
	char *cluster;
	char *config;
	int64_t config_version;
	struct state_count *counts;
	size_t count_count;
};
struct run_list {
	struct run_summary *items; /* the newest first */
	size_t count;
};
void run_summary_clear(struct run_summary *run);
void run_list_clear(struct run_list *list);
int ledger_list_runs(struct store *store, struct run_list *out, struct error *err);

/* The events of a run in their order; visit returns non-zero to stop, which is then returned. */
int ledger_run_events(struct store *store, const char *run,
		      int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err), void *ctx,
		      struct error *err);

#endif
