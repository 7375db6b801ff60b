/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_ENGINE_ENGINE_H
#define ORCHESTRATOR_ENGINE_ENGINE_H
/*
 * The rollout as a machine: which agent is in which state, who may start next, when the run stops. Pure: no I/O, no
 * clock, no documents. The driver turns what happens outside into events, gives them to engine_step, commits the
 * records it returns, and only then performs the effects it returns. The simulator does the same.
 *
 *   engine_init → [engine_restore per agent, engine_restore_memory, after a crash or a pause] → engine_begin →
 *   loop: engine_step(event) … engine_schedule(now) → output: records, effects, a stage's gate to be asked
 *
 * table.c is the agents' machine, schedule.c who may start next, stages.c the stages and their gates, budget.c the failure
 * budgets, holds.c what keeps everybody from starting for a while, memory.c what a restart must know of the run itself.
 *
 * Whoever is away is counted against the window from the intent until proven; an agent whose gates are being asked keeps its
 * place in the window although it is back. Nothing starts while the run is not RUN_RUNNING, while a budget is spent, while
 * a hold is on, or while a host with an open intent from before the last start was not asked yet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

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
	AGENT_STUCK,    /* needs a person: neither proven as meant nor as it was */
	AGENT_UNKNOWN,  /* its host must be asked */
	AGENT_GATING,   /* proven, kept, soaked: back; the gates after it are being asked, or wait for a resume */
	AGENT_REJECTED, /* changed and proven, but a gate after it has failed */
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
	EVENT_RESUME,    /* the engine's own: a state that was left by a crash or a pause */
	EVENT_GATES,     /* the engine's own: soaked, and there are gates to ask */
	EVENT_GATE_PASSED,
	EVENT_GATE_FAILED,
	EVENT_GATE_OPEN, /* inconclusive: a person must look, and a resume asks again */
	EVENT_RETRY,     /* the operator: once more */
	AGENT_EVENT_COUNT,
};
const char *agent_event_name(enum agent_event event);

enum engine_effect_kind {
	EFFECT_NONE,
	EFFECT_LOOK,  /* take the before-picture from a master's answer asked for after now */
	EFFECT_APPLY, /* send agentctl the request that was stored with the intent */
	EFFECT_KEEP,  /* tell agentctl that the new state stays */
	EFFECT_ASK,   /* settle: ask the host for the operation's fate, with a newer epoch */
	EFFECT_GATE,  /* ask the gates after this agent; an answer to an earlier asking is void */
};

enum run_state {
	RUN_RUNNING,
	RUN_PAUSED, /* nothing starts; what is under way finishes */
	/* Every agent is in a final state, none is stuck, those that are done are there, and the last stage's gate has passed. */
	RUN_DONE,
	RUN_ABORTED, /* nothing starts ever again; what is under way finishes */
	RUN_STATE_COUNT,
};
const char *run_state_name(enum run_state state);
int run_state_parse(const char *name);

/* A part of the run, in order of position. The next one begins when every agent of this one and of those before it is in a
 * final state, and its gate has passed. */
struct engine_stage {
	size_t end; /* positions [end of the stage before, end); the last one's is the number of agents */
	int window; /* at most so many agents away at once in the run while this stage is the current one; >= 1 */
};

/* What a spent budget, or a stage's gate that fails, does when what is under way has finished. */
enum engine_on_failure { ON_FAILURE_PAUSE, ON_FAILURE_ROLLBACK, ON_FAILURE_ABORT, ON_FAILURE_COUNT };
const char *engine_on_failure_name(enum engine_on_failure what); /* "pause", "rollback", "abort" */
int engine_on_failure_parse(const char *name);                   /* -1 when there is no such */

enum gate_answer { GATE_PASS, GATE_FAIL, GATE_INCONCLUSIVE };

/* Why nothing starts for a while although the run is running; bits. */
enum engine_hold {
	HOLD_LEADER = 1 << 0, /* another master leads, and agents are not back at it yet */
	HOLD_MASTER = 1 << 1, /* no master has answered for long */
};

struct engine_options {
	int window;         /* at most so many agents away at once; >= 1; stages have their own */
	int domain_window;  /* the same within each failure domain; 0: no limit */
	int max_failures;   /* the run stops when more agents than this have failed; -1: no limit */
	int64_t check_ms;   /* longest time in CHECKING */
	int64_t change_ms;  /* … in CHANGING: agentctl says nothing */
	int64_t return_ms;  /* … in RETURNING and REVERTING */
	int64_t prove_ms;   /* … in PROVING */
	int64_t unknown_ms; /* … in UNKNOWN */
	int64_t soak_ms;
	int64_t keep_ms; /* agentctl's answer to keep */
	/* After each stage, before its gates: so long nothing starts; 0: not at all. */
	int64_t stage_soak_ms;

	int stage_max_failures;  /* … when more than this have failed in one stage; -1: no limit */
	int domain_max_failures; /* … in one failure domain; -1: no limit */
	int max_consecutive; /* … when so many have failed in a row, in the order in which they ended: reaching it stops;
				  * 0: no limit */
	/* The same within one stage, and one failure domain, each counting its own; reaching it stops; 0: no limit. */
	int stage_max_consecutive, domain_max_consecutive;
	/* In place of the numbers above: more than this share of each stage's, or each failure domain's, own agents, rounded down
	 * (engine_share); 1 to 100; 0: the numbers hold. */
	int stage_max_percent, domain_max_percent;
	enum engine_on_failure on_failure;
	int meltdown_percent; /* the run pauses when more than this of the cluster's agents are not active; 0: no guard */
	bool agent_gates;     /* there are gates after each agent */
	bool stage_gates;     /* … after each stage */
	int64_t gate_ms;      /* longest time that asking the gates of one agent or stage may take */
	int64_t hold_ms;      /* a hold that lasts longer pauses the run */
};
/* Without stages, gates, guards and budgets other than max_failures: the base of whoever fills in options. */
extern const struct engine_options engine_default_options;
/* So many of a part's agents a percentage comes to, rounded down. */
int engine_share(size_t agents, int percent);

struct engine_agent {
	int domain; /* failure domain, 0..domain_count-1; -1: none */
	enum agent_state state;
	int64_t since_ms;
	int attempt;  /* operations so far */
	int absences; /* of them, those that never began on the host, since the driver was started */
	int asks;     /* questions since the last conversation that lasted */
	int64_t ask_at_ms;
	int stage;
	size_t place;   /* in engine->members */
	size_t busy_at; /* in engine->under_way, while it is in it */
	bool kept;      /* agentctl said done */
	bool must_ask;  /* open from before the last start: nothing starts until its host has answered */
	bool was_stuck; /* already known when the operator resumed: what becomes of this operation neither stops the
			 * others nor counts against the budget; still stuck when they have ended, it pauses the run */
	bool again;     /* an operator wants it once more as soon as it is settled, unless it is stuck then */
	bool seen;      /* its failure was known when the operator resumed: it no longer counts against any budget */
	bool absent;    /* not active at the master for a reason that is not this run's: counted as away too */
	bool unlisted;  /* the master does not list it: for those who show it, the engine itself does not ask */
	bool parked;    /* GATING, and its gates gave no answer: a resume asks them again */
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
	bool run_changed;    /* state, reason or memory of the run */
	bool ask_stage_gate; /* the gate of stage_gate is to be asked, after the commit; answer: engine_stage_answer */
	int stage_gate;
};
void engine_output_reset(struct engine_output *output);
void engine_output_clear(struct engine_output *output);

struct engine {
	struct engine_options options;
	struct engine_agent *agents;
	size_t count;
	enum run_state state;
	char reason[240];    /* why it is paused or aborted; "" */
	int forgiven;        /* failures an operator has seen before resuming (seen), stuck agents (was_stuck) aside */
	bool wants_rollback; /* it is paused because a budget is spent or a stage's gate failed, and on_failure says so */

	/* Stages; without any given there is one. */
	struct engine_stage *stages;
	int stage_count;
	int stage;         /* the current one: agents of this one and those before may start */
	int stages_passed; /* so many are complete, and their gates have passed */
	bool gate_asked;   /* the current stage's gate is being asked */
	bool gate_parked;  /* it failed or gave no answer: a resume asks it again */
	int64_t gate_since_ms;
	int64_t soak_since_ms; /* the current stage has ended, and nothing starts for stage_soak_ms; -1: not so */
	int stages_soaked;     /* of so many that is over */

	unsigned holds; /* enum engine_hold */
	int64_t hold_since_ms;
	int in_a_row;                    /* failures in a row, in the order in which they ended */
	int *stage_rows, *domain_rows;   /* … within each stage and failure domain */
	bool remembers;                  /* its memory was restored */
	bool settles;                    /* set before engine_begin_settling: gates are left for a resume */
	const char *const *domain_names; /* NULL: they have none */

	/* Kept up to date by every transition, so that a step costs what is under way, not the fleet. */
	int by_state[AGENT_STATE_COUNT];
	int away;          /* agents away, in the run */
	int slots;         /* places of the window that are taken: away, or being asked for by gates */
	int left;          /* done, and not active at the master any more */
	bool unseen;       /* no master has said yet which agents are there */
	int *domain_slots; /* … by domain; domain_slots[domain_count] counts those of no domain */
	int domain_count;
	size_t *domain_sizes; /* agents of each domain */
	int fresh_failures;   /* failures that count against the run's budget */
	int *stage_failures;  /* … by stage */
	int *domain_failures; /* … by domain; one more, as above */
	int *stage_open;      /* agents not in a final state, by stage */
	int open;             /* … in the current stage and those before */
	int must_ask;         /* agents with must_ask */
	size_t *under_way;    /* indices of the agents under way */
	size_t under_way_count;
	int64_t due_ms;  /* the time of nobody under way is up before this; INT64_MAX: of nobody ever */
	size_t *members; /* indices of all agents, domain after domain, each in order of position; without a limit for
				   * domains as if all were of none */
	size_t *domain_first;     /* where a domain's begin in members; domain_count + 2 of them */
	size_t *domain_next;      /* none of a domain's members before this one is WAITING */
	int64_t left_since_ms;    /* nothing is left to do but to see those that have left again; -1: not so */
	int64_t blocked_since_ms; /* nobody under way, somebody waiting, no room; -1: not so */
};

/* domains[i] is agent i's failure domain, -1 for none. stages are copied; stage_count 0: one stage with options->window. */
void engine_init(struct engine *engine, const struct engine_options *options, const struct engine_stage *stages,
		 size_t stage_count, const int *domains, size_t count);
void engine_clear(struct engine *engine);
/* What failure domains are called in reasons; by domain, borrowed until engine_clear. Optional. */
void engine_set_domain_names(struct engine *engine, const char *const *names);

/* After a crash or a pause: what the ledger says of agent i. Before engine_begin. */
void engine_restore(struct engine *engine, size_t agent, enum agent_state state, int attempt);

/* The run's own memory (stage, which failures were seen, failures in a row everywhere, whether a rollback is due) as one line of text,
 * written whenever run_changed and restored between engine_restore and engine_begin. The text is the engine's own affair;
 * NULL or "" restores nothing. ERROR_CORRUPT when it is not one of this run. */
void engine_write_memory(const struct engine *engine, struct buffer *out);
int engine_restore_memory(struct engine *engine, const char *text, struct error *err);
/* For who keeps only that: so many stages are complete and their gates have passed. */
void engine_restore_stage(struct engine *engine, int stages_passed);

/* Starts or resumes. Agents that were under way, and stuck ones, become UNKNOWN and are asked; gates that gave no answer are
 * asked again. forgiven: -1: all failures so far are seen, because whoever resumes a paused run knows them; else what the
 * memory says, and without memory so many of them. */
void engine_begin(struct engine *engine, int forgiven, int64_t now_ms, struct engine_output *output);

/* The same for who only settles what is open: hosts are asked, nothing starts, and the run stays in its state with its reason.
 * One that was running, with nobody who drove it, is paused. With engine->settles no gate is asked either, while a resume can still
 * do that: who is GATING, or comes that far, is parked there. */
void engine_begin_settling(struct engine *engine, enum run_state state, const char *reason, int forgiven,
			   int64_t now_ms, struct engine_output *output);

/* One event of one agent. An event that its state has no row for is ignored (late words of a closed conversation). */
void engine_step(struct engine *engine, size_t agent, enum agent_event event, int64_t now_ms,
		 struct engine_output *output);

/* Timeouts, questions that are due, and new starts. After every batch of events and at engine_next_ms. */
void engine_schedule(struct engine *engine, int64_t now_ms, struct engine_output *output);

/* When engine_schedule must be called next if nothing happens, -1: never. It may be a time at which there is nothing to do
 * yet, because whose deadline it was has moved on since. */
int64_t engine_next_ms(const struct engine *engine);

/* The operator's or the driver's word: nothing starts any more, what is under way finishes. */
void engine_pause(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output);

/* The same for ever: running or paused, the run is aborted. A run that is done stays so. */
void engine_abort(struct engine *engine, const char *reason, int64_t now_ms, struct engine_output *output);

/* `resume`, ordered while the driver still finishes what was under way when the run paused: it goes on, and every failure so
 * far is seen. Nothing happens when the run is not paused. */
void engine_unpause(struct engine *engine, int64_t now_ms, struct engine_output *output);

/* `retry`: agents that failed or were put back wait again, and the gates of rejected ones are asked again; those whose
 * fate is open, and stuck ones, whose hosts are asked, follow as soon as they are settled. A run that had paused goes on.
 * Returns how many. */
size_t engine_retry(struct engine *engine, int64_t now_ms, struct engine_output *output);

/* `settle`: the hosts of stuck agents are asked once more, and nothing else is done, whatever state the run is in. Returns of how
 * many agents the fate is being asked for now. */
size_t engine_settle(struct engine *engine, int64_t now_ms, struct engine_output *output);
/* Agents that were stuck, whose hosts have answered, and that are not settled yet. */
size_t engine_count_settling(const struct engine *engine);

/* While a hold is on nothing starts; what is under way goes on. After options.hold_ms with somebody waiting the run pauses. */
void engine_hold(struct engine *engine, enum engine_hold hold, bool on, int64_t now_ms, struct engine_output *output);
const char *engine_hold_name(enum engine_hold hold); /* for people; of several, the first */

/* Of `total` agents that the master knows, active, inactive or unreachable, `bad` are not active, for whatever reason; of these,
 * operations of this run are open on `own`. Before the events of the same answer. More than meltdown_percent pauses the run at once,
 * unless all of them are its own. names: the first of those that are not, for the reason. */
void engine_set_cluster(struct engine *engine, int total, int bad, int own, const char *names, int64_t now_ms,
			struct engine_output *output);
/* Is that the reason of a run that this has paused? */
bool engine_is_meltdown(const char *reason);

/* The current stage has ended, and the time it is given before its gates is not over. A run that stops does not wait for that. */
bool engine_is_soaking(const struct engine *engine);

/* The answer of a stage's gate; void unless it is being asked; while the stage soaks it can fail already. reason: what it said, NULL: nothing. */
void engine_stage_answer(struct engine *engine, int stage, enum gate_answer answer, const char *reason, int64_t now_ms,
			 struct engine_output *output);

/* How many agents may be away at once just now, in the run. */
int engine_window(const struct engine *engine);

/* The driver was held up for so long and heard nothing (its process was stopped): nobody's time ran meanwhile. */
void engine_lost_time(struct engine *engine, int64_t ms);

/* The master shows the agent as away (or back) although this run has nothing to do with it just now. */
void engine_set_absent(struct engine *engine, size_t agent, bool absent);

/* Nobody is under way, no gate is being asked, and no stage soaks: the driver may return. */
bool engine_is_idle(const struct engine *engine);

bool agent_state_is_final(enum agent_state state);     /* done, failed, reverted, rejected, stuck */
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
