/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ENGINE_ENGINE_H
#define ORCHESTRATOR_ENGINE_ENGINE_H
/*
 * The rollout as a machine: which agent is in which state, who may start next, when the run stops. Pure: no I/O, no
 * clock, no documents. The driver turns what happens outside into events, gives them to engine_step, commits the
 * records it returns, and only then performs the effects it returns. The simulator does the same.
 *
 *   engine_init → [engine_restore per agent, after a crash] → engine_begin →
 *   loop: engine_step(event) … engine_schedule(now) → output: records, effects
 *
 * The agents' machine is the table in table.c; engine_state_* name its states. Whoever is away is counted against the
 * window from the intent until proven. Nothing starts while the run is not RUN_RUNNING, while the failure budget is
 * spent, or while a host with an open intent from before the last start was not asked yet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum agent_state {
	AGENT_WAITING,
	AGENT_CHECKING, /* a fresh before-picture is being taken */
	AGENT_DRAINING,
	AGENT_CHANGING,  /* the intent is durable, agentctl was sent for */
	AGENT_RETURNING, /* its new process runs; the master has not seen it yet */
	AGENT_PROVING,   /* reregistered; the evidence is being collected */
	AGENT_SOAKING,   /* proven; waiting for agentctl's word that it was kept, and for the soak time */
	AGENT_DONE,
	AGENT_FAILED,    /* nothing was changed */
	AGENT_REVERTING, /* agentctl took it back; to be proven that it is as it was */
	AGENT_REVERTED,
	AGENT_STUCK, /* needs a person: neither proven as meant nor as it was */
	AGENT_SKIPPED,
	AGENT_UNKNOWN, /* its host must be asked */
	AGENT_STATE_COUNT,
};
const char *agent_state_name(enum agent_state state);
/* -1 when there is no such state. */
int agent_state_parse(const char *name);

enum agent_event {
	EVENT_TURN,       /* the engine's own: a slot is free */
	EVENT_CLEAR,      /* the before-picture is taken and fits the plan */
	EVENT_UNFIT,      /* it does not */
	EVENT_STARTED,    /* agentctl: the agent's new process is there */
	EVENT_REFUSED,    /* agentctl: nothing was changed */
	EVENT_UNDONE,     /* agentctl: the old state is back */
	EVENT_HOST_DONE,  /* agentctl: kept */
	EVENT_HOST_STUCK, /* agentctl: neither state comes up */
	EVENT_UNSENT,     /* the connection failed before agentctl had the whole request */
	EVENT_LOST,       /* the connection ended without a final line */
	EVENT_OPEN,       /* asked: the operation is under way there */
	EVENT_ABSENT,     /* asked: it never arrived, and with the newer epoch never will */
	EVENT_NEVER,      /* the engine's own: absent once too often */
	EVENT_RETURNED,   /* the master has a new reregistered_time */
	EVENT_PROVEN,
	EVENT_DISPROVEN, /* the evidence says that something is not as meant */
	EVENT_TIMEOUT,   /* the engine's own: the state's time is up */
	EVENT_SOAKED,    /* the engine's own: kept, and the soak time is over */
	EVENT_HALT,      /* the engine's own: the run stopped, or lost its room, before the intent */
	EVENT_RESUME,    /* the engine's own: a state that was left by a crash */
	AGENT_EVENT_COUNT,
};
const char *agent_event_name(enum agent_event event);

enum engine_effect_kind {
	EFFECT_NONE,
	EFFECT_LOOK,  /* take the before-picture from a master's answer asked for after now */
	EFFECT_APPLY, /* send agentctl the request that was stored with the intent */
	EFFECT_KEEP,  /* tell agentctl that the new state stays */
	EFFECT_ASK,   /* settle: ask the host for the operation's fate, with a newer epoch */
};

enum run_state {
	RUN_RUNNING,
	RUN_PAUSED, /* nothing starts; what is under way finishes */
	RUN_DONE,   /* every agent is in a final state */
	RUN_STATE_COUNT,
};
const char *run_state_name(enum run_state state);
int run_state_parse(const char *name);

struct engine_options {
	int window;         /* at most so many agents away at once; >= 1 */
	int domain_window;  /* the same within each failure domain; 0: no limit */
	int max_failures;   /* the run pauses when more agents than this have failed */
	int64_t check_ms;   /* longest time in CHECKING */
	int64_t change_ms;  /* … in CHANGING: agentctl says nothing */
	int64_t return_ms;  /* … in RETURNING */
	int64_t prove_ms;   /* … in PROVING and REVERTING */
	int64_t unknown_ms; /* … in UNKNOWN */
	int64_t soak_ms;
	int64_t keep_ms; /* agentctl's answer to keep */
};
extern const struct engine_options engine_default_options;

struct engine_agent {
	int domain; /* failure domain, 0..domain_count-1; -1: none */
	enum agent_state state;
	int64_t since_ms;
	int attempt;  /* operations so far */
	int absences; /* of them, those that never began on the host, since the driver was started */
	int asks;     /* questions since the last conversation that lasted */
	int64_t ask_at_ms;
	bool kept;      /* agentctl said done */
	bool must_ask;  /* open from before the last start: nothing starts until its host has answered */
	bool was_stuck; /* already known when the operator resumed: what becomes of this operation neither pauses the
			 * run again nor counts against the budget */
	bool absent;    /* not active at the master for a reason that is not this run's: counted as away too */
};

struct engine_record { /* one transition, to be made durable */
	size_t agent;
	enum agent_state from, to;
	enum agent_event event;
	int attempt;
};

struct engine_effect {
	enum engine_effect_kind kind;
	size_t agent;
};

struct engine_output {
	struct engine_record *records;
	size_t record_count, record_cap;
	struct engine_effect *effects;
	size_t effect_count, effect_cap;
	bool run_changed; /* state or reason of the run */
};
void engine_output_reset(struct engine_output *output);
void engine_output_clear(struct engine_output *output);

struct engine {
	struct engine_options options;
	struct engine_agent *agents;
	size_t count;
	enum run_state state;
	char reason[160]; /* why it is paused; "" */
	int forgiven;     /* failures an operator has seen before resuming, stuck agents (was_stuck) aside */

	/* Kept up to date by every transition, so that a step costs what is under way, not the fleet. */
	int by_state[AGENT_STATE_COUNT];
	int away;         /* agents away, in the run */
	int *domain_away; /* … by domain */
	int domain_count;
	int must_ask;      /* agents with must_ask */
	int seen_failures; /* agents that failed and were stuck already when the operator resumed */
	size_t *under_way; /* indices of the agents under way */
	size_t under_way_count;
	size_t next_waiting;      /* no agent before this one is WAITING */
	int64_t blocked_since_ms; /* nobody under way, somebody waiting, no room; -1: not so */
};

/* domains[i] is agent i's failure domain, -1 for none. */
void engine_init(struct engine *engine, const struct engine_options *options, const int *domains, size_t count);
void engine_clear(struct engine *engine);

/* After a crash or a pause: what the ledger says of agent i. Before engine_begin. */
void engine_restore(struct engine *engine, size_t agent, enum agent_state state, int attempt);

/* Starts or resumes. Agents that were under way, and stuck ones, become UNKNOWN and are asked. forgiven: so many failures
 * no longer count against the budget (-1: all so far, because whoever resumes a paused run has seen them). */
void engine_begin(struct engine *engine, int forgiven, int64_t now_ms, struct engine_output *output);

/* One event of one agent. An event that its state has no row for is ignored (late words of a closed conversation). */
void engine_step(struct engine *engine, size_t agent, enum agent_event event, int64_t now_ms,
		 struct engine_output *output);

/* Timeouts, questions that are due, and new starts. After every batch of events and at engine_next_ms. */
void engine_schedule(struct engine *engine, int64_t now_ms, struct engine_output *output);

/* When engine_schedule must be called next if nothing happens, -1: never. */
int64_t engine_next_ms(const struct engine *engine);

/* The operator's or the driver's word: nothing starts any more, what is under way finishes. */
void engine_pause(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output);

/* The driver was held up for so long and heard nothing (its process was stopped): nobody's time ran meanwhile. */
void engine_lost_time(struct engine *engine, int64_t ms);

/* The master shows the agent as away (or back) although this run has nothing to do with it just now. */
void engine_set_absent(struct engine *engine, size_t agent, bool absent);

/* Nobody is under way: the driver may return. */
bool engine_is_idle(const struct engine *engine);

bool agent_state_is_final(enum agent_state state);     /* done, failed, reverted, stuck, skipped */
bool agent_state_is_away(enum agent_state state);      /* counted against the window */
bool agent_state_is_failure(enum agent_state state);   /* counted against the budget */
bool agent_state_is_open(enum agent_state state);      /* has an intent whose fate is not settled */
bool agent_state_is_under_way(enum agent_state state); /* the driver is busy with it */
int engine_failures(const struct engine *engine);

/* The table, for documents and tests. */
struct engine_row {
	enum agent_state state;
	enum agent_event event;
	enum agent_state next;
	enum engine_effect_kind effect;
	bool pause; /* the run pauses: a person must look */
	const char *why;
};
extern const struct engine_row engine_table[];
extern const size_t engine_table_size;

#endif
