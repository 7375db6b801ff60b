/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_LEDGER_H
#define ORCHESTRATOR_LEDGER_H
/*
 * The one event table. Everything that happens in a run is an event in a SHA-256 chain, and in the same transaction the
 * rows the driver restarts from are brought up to date: they are a projection of it.
 *
 *   ledger_event(…); ledger_put_agent(…); …   buffered
 *   ledger_commit(…)                           one transaction; durable when it returns
 *
 * Two peers: over the inventory's store, and in memory for the simulator (which also crashes at commits).
 * Each event's hash is SHA-256 over previous hash, sequence number, time, actor, run, agent, kind and the body's bytes as stored.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;
struct ledger;

struct ledger *ledger_open(struct store *store, const char *actor, struct error *err);
struct ledger *ledger_open_memory(const char *database_uuid);
/* One more ledger on the same memory, as another process has the same database open. */
struct ledger *ledger_share_memory(struct ledger *other);
void ledger_close(struct ledger *ledger);

const char *ledger_database(const struct ledger *ledger); /* UUID; borrowed */
/* SHA-256 hex of the last committed event; 64 zeros before the first. */
const char *ledger_head(const struct ledger *ledger);

/* From where whoever acts does so ({"pid", "terminal", …}): put into the body of every event from now on, as "origin". Takes
 * the reference; NULL: nothing is. */
void ledger_set_origin(struct ledger *ledger, json_t *origin);

/* One row per agent of a run: what a restart must know. Strings are borrowed by ledger_put_agent, owned by ledger_load. */
struct run_agent {
	char *run;
	int64_t position;
	char *agent_id;
	char *hostname;
	char *state; /* agent_state_name */
	int64_t attempt;
	char *operation;       /* NULL before the first intent */
	int64_t epoch;         /* of the request */
	char *request;         /* the request's bytes (a JSON document) */
	char *before;          /* before-picture, JSON; taken once per operation */
	char *started;         /* evidence of the new process, JSON (an ANSWER_STARTED line) */
	char *proof;           /* JSON, see proof.h */
	char *error;           /* for people; NULL when all is well */
	int64_t away_from_ms;  /* wall clock; 0: never away */
	int64_t away_until_ms; /* 0: still away */
};
void run_agent_clear(struct run_agent *agent);

struct run_row {
	char *id;     /* "r-20261123-1" style: date and number, unique in the database */
	char *plan;   /* hash */
	char *state;  /* run_state_name */
	char *reason; /* NULL or why it is paused */
	int64_t epoch;
	int64_t forgiven;
	int64_t created_ms, finished_ms; /* wall clock; 0: not yet */
	char *rolls_back;                /* the run that this one takes back; NULL: none */
	int64_t rollback_due;            /* 1: it is to be taken back, as its plan says, and no run does so yet */
	int64_t stages_passed;           /* stages that are behind it, their gates included */
	char *memory;                    /* the engine's own (engine_write_memory); NULL: none yet */
	/* The cluster when the run began (figures.h), JSON. ledger_load_run gives it, lists do not; a row that is put
	 * with NULL leaves what is there. */
	char *before;
};
void run_row_clear(struct run_row *run);

/* SHA-256 over every column (of a run's row without `before`): the event that a row follows from has it as "row". An agent's row follows
 * from the last event of kind "agent" in its run, a run's from the last one about no agent that has such a member; `before` has "row_before" in the event that it follows from. */
void run_agent_digest(const struct run_agent *agent, char out[DIGEST_HEX_SIZE]);
void run_row_digest(const struct run_row *run, char out[DIGEST_HEX_SIZE]);

/* What an operator tells whoever drives the run. */
struct run_order {
	int64_t seq; /* 0: a new one, which gets the next number */
	char *run;
	char *verb; /* "pause", "resume", "abort", "retry", "settle", "settle --accept-losses" */
	char *actor;
	int64_t time_ms;
	int64_t done_ms; /* 0: not carried out yet */
	char *answer;    /* what became of it, for people; NULL: nothing to say */
};
/* How the answer of an order begins that nobody carried out, and of one that whoever drives the run would not carry out. */
#define ORDER_VOID     "void: "
#define ORDER_DECLINED "declined: "
void run_order_clear(struct run_order *order);

/* A plan as it was shown. Immutable: putting one whose hash is there changes nothing. */
struct plan_row {
	char *hash;
	char *cluster;
	char *config;
	int64_t config_version;
	char *author;
	int64_t created_ms;
	int64_t agents; /* how many it changes */
	char *document; /* its bytes, and a NUL */
	size_t document_len;
};
void plan_row_clear(struct plan_row *plan);

/* body is taken (one reference); NULL: an empty object. run and agent_id may be NULL. */
void ledger_event(struct ledger *ledger, const char *kind, const char *run, const char *agent_id, json_t *body);
void ledger_put_plan(struct ledger *ledger, const struct plan_row *plan);
/* Rows come behind the events that they follow from. */
void ledger_put_agent(struct ledger *ledger, const struct run_agent *agent);
void ledger_put_run(struct ledger *ledger, const struct run_row *run);
/* With its event, which says who ordered what: "run.ordered" for a new one, "run.obeyed" for one that is carried out. An order is
 * carried out once: when it was carried out or made void already, the commit fails with ERROR_CONFLICT. */
void ledger_put_order(struct ledger *ledger, const struct run_order *order);
/* The number that the newest order got which this ledger has put, once that is committed. */
int64_t ledger_ordered(const struct ledger *ledger);
/* After it, failed or not, nothing is buffered. Without anything buffered it does nothing. */
int ledger_commit(struct ledger *ledger, struct error *err);
/* Writes nothing: is the database still ours to drive from? ERROR_CONFLICT as from ledger_commit when somebody has taken a newer
 * epoch. Before an effect that leaves nothing to write. */
int ledger_confirm(struct ledger *ledger, struct error *err);
/* The same within the transaction that is open on the store: durable when that is. Events only; the ledger is to be closed
 * then, because it does not learn what becomes of them. */
int ledger_commit_within(struct ledger *ledger, struct error *err);
/* Forgets what is buffered: a driver that dies between two commits takes it along. */
void ledger_discard(struct ledger *ledger);

/* A new epoch, durable when it returns: greater than every one before in this database. What is buffered goes into the
 * same transaction. -1 on failure. */
int64_t ledger_new_epoch(struct ledger *ledger, const char *run, struct error *err);
/* From now on also greater than this one, which a host has seen: a database that was restored from an older copy has forgotten how
 * far it had counted. */
void ledger_set_epoch_floor(struct ledger *ledger, int64_t epoch);

/* Called before (durable false) and after (durable true) each commit; returning -1 makes ledger_commit fail as if the process had died
 * there. For the simulator and crash tests. */
void ledger_set_commit_hook(struct ledger *ledger, int (*hook)(void *ctx, bool durable), void *ctx);

/* Where the times of events come from; clock_wall_ms when not set. */
void ledger_set_clock(struct ledger *ledger, int64_t (*wall_ms)(void *ctx), void *ctx);

/* ERROR_USAGE when there is no such run. */
int ledger_load_run(struct ledger *ledger, const char *run, struct run_row *row, struct error *err);
/* Ordered by position; the caller clears each and frees the array. */
int ledger_load_agents(struct ledger *ledger, const char *run, struct run_agent **agents, size_t *count,
		       struct error *err);

/* The oldest order of the run that was not carried out. 1: *out is it, the caller's to clear; 0: there is none. Cheap
 * when nobody else has written to the database since the last call. */
int ledger_next_order(struct ledger *ledger, const char *run, struct run_order *out, struct error *err);

/* One event, as stored. Borrowed during the call. */
struct ledger_entry {
	int64_t seq; /* 1, 2, 3… without gaps */
	int64_t time_ms;
	const char *actor;
	const char *run;      /* NULL: of none */
	const char *agent_id; /* NULL: of none */
	const char *kind;
	const char *body; /* bytes, and a NUL */
	size_t body_len;
	char hash[DIGEST_HEX_SIZE];
};

/* Walks the whole chain. ERROR_CORRUPT names the first event that was changed, removed or inserted; *checked (may be
 * NULL) is how many before it hold. */
int ledger_verify(struct ledger *ledger, int64_t *checked, struct error *err);

#endif
