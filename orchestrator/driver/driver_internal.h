/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVER_INTERNAL_H
#define ORCHESTRATOR_DRIVER_INTERNAL_H
/* What the driver's own files share: driver.c (the loop), driver_open.c (from the ledger's rows), driver_host.c (what hosts
 * say), driver_master.c (what the master says of agents), driver_cluster.c (… of itself and of the fleet), driver_gates.c
 * (gates), driver_orders.c (what operators say), driver_record.c (transitions made durable). */
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
	int64_t disproved_ms; /* when the first of these answers came */
	int disproofs;        /* answers of the master, since the evidence, that show something wrong */
	json_t *proof; /* the last one that was tried, complete or not; the row gets it with the next transition */
	char *note;    /* why, for the next transition's row */
};

/* The gates of one agent or one stage, asked one after the other. */
struct asking {
	size_t agent; /* SIZE_MAX: of a stage */
	int stage;
	size_t next;   /* the gate that is being asked */
	uint64_t tag;  /* it is asked outside; 0: judged here */
	bool deferred; /* until a leader is known, and its agents are back at it */
	int64_t began_ms;
};

/* Which master leads, and whether its agents are back. */
struct leadership {
	char *id;     /* of the leader; NULL: not known yet */
	char *url;    /* of the one that answered last */
	bool holds;   /* agents are awaited */
	bool gave_up; /* some have not come back in time */
	char **awaited;
	size_t awaited_count;
	int64_t since_ms;
	int64_t reregister_ms; /* they have so long; 0: not known */
	int64_t elected_ms;    /* by the leader's own clock; 0: not known */
	int64_t clock_ms;      /* that clock when it answered last; 0: not known */
	bool seen_elected;     /* another one led when this driver was told of it last */
	bool wants_facts;
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
	int64_t master_asked_ms;      /* when the last question was asked */
	int64_t master_cost_ms;       /* how long the last answer took */
	int64_t master_silent_ms;     /* since when no question was answered; 0: the last one was */
	struct master_snapshot *last; /* the last answer; NULL: none yet */
	struct leadership leader;
	struct figures figures; /* master_id NULL: not taken yet */
	bool figures_are_new;   /* not in the row yet */
	bool run_dirty;         /* the run's row or an event waits for a commit, whatever the engine says */

	bool asks_launches; /* some gate asks what was launched since */
	struct asking *asking;
	size_t asking_count;
	uint64_t last_gate_tag;
	/* By gate after a stage, while one soaks: since when the master's answers show what will not pass. */
	struct {
		bool is_wrong;
		int64_t since_ms;
	} soak[GATES_MAX];
	int soak_told; /* stage, from 1, whose soak the operator was told of */
	int64_t orders_next_ms;
	bool order_pending;  /* one is carried out, and that is not durable yet: until then it looks open */
	char **domain_names; /* of failure domains, as the engine counts them; borrowed from the plan */
	char *master_note;   /* why the last question failed */

	int64_t woke_ms;           /* when the loop last came back from waiting, or began */
	int interrupts;            /* that count */
	int interrupts_taken_back; /* an operator has said `resume` since */
	bool failed;               /* the ledger or this process failed: nothing more may be done */
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

/* Somebody is to be looked at: the next question is asked soon, one for all who come until then. */
void driver_master_hurry(struct driver *driver);

/* The position of an agent in the plan, SIZE_MAX: not in it. */
size_t driver_find(const struct driver *driver, const char *agent_id);
void driver_say(struct driver *driver, const char *text);

/* driver_open.c */
int driver_open(struct driver *driver, const char *run, struct error *err);
void driver_close(struct driver *driver);

/* driver_cluster.c: before the events of the same answer */
void driver_cluster_answered(struct driver *driver, const struct master_snapshot *snapshot);
void driver_cluster_silent(struct driver *driver);

/* driver_gates.c */
void driver_gates_ask_agent(struct driver *driver, size_t agent);
void driver_gates_ask_stage(struct driver *driver, int stage);
/* Answers from outside, and questions that nobody waits for any more. */
void driver_gates_events(struct driver *driver);
void driver_gates_answered(struct driver *driver, struct snapshot_index *shown);
/* Does a gate wait for the master's next answer? */
bool driver_gates_want_master(const struct driver *driver);
/* Another master leads: what is asked of the cluster waits. A master has answered: what has waited long enough is asked. */
void driver_gates_defer(struct driver *driver);
void driver_gates_ask_again(struct driver *driver);
void driver_gates_close(struct driver *driver);
/* Does any gate of the plan ask what was launched since an agent was changed? */
bool driver_gates_ask_launches(const struct plan *plan);

/* Judges a gate about the cluster by this answer, as gate_judge. waited_ms: for how long it may have been wrong. */
bool driver_gates_judge(const struct driver *driver, const struct asking *asking, int64_t waited_ms,
			struct snapshot_index *shown, enum gate_answer *answer, char **seen);
/* A stage's gate has failed before it was asked. */
void driver_gates_fail(struct driver *driver, const struct asking *asking, const char *seen);

/* driver_soak.c: while a stage soaks, its gates about the cluster look on */
/* Do they? */
bool driver_soak_watches(const struct driver *driver);
void driver_soak_answered(struct driver *driver, struct snapshot_index *shown);
/* Tells the operator once that a stage soaks. */
void driver_soak_tell(struct driver *driver);

/* driver_orders.c: twice a second; now: whatever the time */
int driver_orders(struct driver *driver, bool now, struct error *err);

/* driver_record.c */
/* Makes everything in driver->output durable; the rows and the ledger's events are brought up to date. */
int driver_commit(struct driver *driver, struct error *err);

#endif
