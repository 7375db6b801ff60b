/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVER_INTERNAL_H
#define ORCHESTRATOR_DRIVER_INTERNAL_H
/* What the driver's own files share: driver.c (the loop), driver_host.c (what hosts say), driver_master.c (what the
 * master says), driver_record.c (transitions made durable). */
#include "orchestrator/driver/driver.h"
#include "orchestrator/driver/proof.h"
#include "protocol/answer.h"

/* One agent of the run, as the driver knows it beside the engine. */
struct driver_agent {
	struct run_agent row;
	struct before_picture before; /* of the row's operation; info NULL when there is none */
	struct answer started;        /* the evidence of the process that runs; valid when has_started */
	bool has_started;
	int64_t back_ms;    /* when the master showed it again after it was away; 0: it was not */
	int64_t started_ms; /* when we heard of it: an answer asked for later sees it */
	uint64_t exec;      /* the open conversation, 0: none */
	bool spoke;         /* agentctl has said anything on it: it had the request */
	bool final_line;    /* agentctl has said its last word on it */
	bool keep_sent;
	json_t *proof; /* the last one that was tried, complete or not; the row gets it with the next transition */
	char *note;    /* why, for the next transition's row */
};

struct driver {
	const struct plan *plan;
	const struct transport_target *targets;
	const struct driver_backends *back;
	const struct driver_observer *observer;
	struct engine engine;
	struct engine_output output;
	struct run_row run;
	int64_t epoch;
	struct driver_agent *agents;
	size_t *by_id; /* plan positions sorted by agent ID */

	uint64_t master_tag; /* of the question under way, 0: none */
	int64_t master_next_ms;
	int64_t master_cost_ms; /* how long the last answer took */
	char *master_note;      /* why the last question failed */

	int64_t woke_ms; /* when the loop last came back from waiting, or began */
	int interrupts;
	bool failed; /* the ledger or this process failed: nothing more may be done */
};

int64_t driver_now(const struct driver *driver);
/* text is copied, what cannot be printed is replaced (it may be a host's stderr); NULL forgets. */
void driver_note(struct driver *driver, size_t agent, const char *text);
void driver_step(struct driver *driver, size_t agent, enum agent_event event);

/* driver_host.c */
void driver_host_apply(struct driver *driver, size_t agent);
int driver_host_ask(struct driver *driver, size_t agent, struct error *err);
void driver_host_keep(struct driver *driver, size_t agent);
void driver_host_events(struct driver *driver);
void driver_host_close_all(struct driver *driver);
/* Conversations that were told to keep and have not said their last word. */
bool driver_host_lingers(const struct driver *driver);

/* driver_master.c */
void driver_master_events(struct driver *driver);
/* Asks if it is time to; returns when to ask next (monotonic), -1: nothing to ask for. */
int64_t driver_master_poll(struct driver *driver);

/* driver_record.c */
/* Makes everything in driver->output durable; the rows and the ledger's events are brought up to date. */
int driver_commit(struct driver *driver, struct error *err);

#endif
