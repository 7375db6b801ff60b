/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_JUDGE_H
#define TESTS_SIM_JUDGE_H
/*
 * The judge: the invariants, and what follows from them, after every event. What is so is read from the simulated hosts and the
 * simulated master; the ledger is read only as what it promises to be, durable; the engine's own state is never looked at.
 */
#include "tests/sim/world.h"

/* ---- judge.c: invariants, from the hosts' disks and processes */
/* An operation begins on a host. */
void judge_intent(struct world *world, struct sim_host *host, const char *operation, const char *request);
/* The agent is spawned. */
void judge_start(struct world *world, struct sim_host *host);
/* The ledger's final word on each agent. */
void judge_end(struct world *world, enum family family);

/* How many may be away at once. */
int judge_window_now(const struct world *world);

/* ---- judge_rescue.c */
/* It is over: the checkpoint is the one that fits, or the one there was. */
void judge_rescue(struct sim_host *host, const struct sim_operation *op, enum operation_step step);
/* While it is open the agent is spawned, or a guard that has the lock refuses that; or it stops what runs. */
void judge_rescued_start(struct world *world, const struct sim_host *host, struct sim_operation *op);
void judge_refused_start(struct sim_host *host);
void judge_rescue_stops(const struct sim_host *host, const struct sim_operation *op);
/* All have had time to end. */
void judge_last_visit(struct world *world);

/* ---- judge_word.c */
/* The ledger says that the agent is in this state: is what that promises so on its host? */
void judge_state(struct world *world, struct sim_host *host, enum agent_state state, const struct run_agent *row);

/* The ledger's word on the run. */
bool judge_run_is(struct world *world, enum run_state state);

/* ---- judge_budget.c: failures, as the judge counts them */
/* Rollcall hears that it has failed. */
void judge_failed(struct sim_host *host);
/* Does what rollcall was told allow another beginning? */
void judge_budgets(struct world *world);
/* An agent has come to its end: what that is in failures one after the other, in the run and its parts. */
void judge_count_row(const struct sim_host *host, bool done, bool failed);
/* Is the reason for which the run stopped so? */
void judge_reason(struct world *world, const char *reason);
/* A person orders the run to go on, and has seen everything that failed until now; certain: the run had paused. */
void judge_seen(struct world *world, bool certain);

/* ---- judge_time.c: what may not be left lying */
/* Something has happened to it: from now on it is looked at, until it is at rest. */
void judge_watch(struct sim_host *host);
/* Its host may have answered in the very moment of the order, before it: what is under way there is nobody's failure yet. */
void judge_answered_first(struct world *world, struct sim_host *host, enum agent_state from, enum agent_state to);
/* A person orders that what has failed is tried again. */
void judge_ordered_again(struct world *world);
void judge_tick(struct world *world); /* time passes */
/* Does the ledger say what rollcall was told? */
bool judge_is_heard(const struct sim_host *host);

/* ---- judge_life.c: a process of rollcall */
void judge_forget(struct sim_host *host);          /* what the one before was told, asked, or owed */
void judge_life(struct world *world);              /* it was started */
void judge_death(struct world *world);             /* it has ended */
void judge_stall(struct world *world, int64_t ms); /* it was stopped for so long */

/* ---- judge_restored.c: the ledger is the one of some commits ago */
void judge_restored(struct world *world);
/* What is on its disk may be the work of an operation that nobody knows of any more. */
bool judge_is_lost(const struct sim_host *host);

/* ---- judge_begin.c: rollcall begins an agent */
void judge_apply(struct world *world, const struct sim_host *begun);

/* ---- judge_run.c: what rollcall says and does, while it runs */
void judge_commit(struct world *world); /* something became durable */
void judge_exec(struct world *world, struct sim_host *host, uint64_t exec, const char *word); /* it talks to a host */
void judge_told(struct world *world, struct sim_host *host, const struct told *told); /* it was told something */
void judge_effect(struct world *world); /* it does something outside: it must be the one who drives */
void judge_hung_up(struct world *world, struct sim_host *host, uint64_t exec); /* a conversation is over */
void judge_order_is_durable(struct world *world); /* whoever gave it has seen what there was to see */
void judge_run(struct world *world);              /* after the transitions of a commit that changed the run */
void judge_transition(struct world *world, const struct engine_record *record, const struct run_agent *row);
/* What the master shows does not tell the operation's process from the one before it. */
bool judge_is_veiled(const struct sim_host *host, const struct sim_operation *op);
/* It is over with it, by all that the master shows; but the master's answers stand still. */
bool judge_is_hidden(const struct sim_host *host);
/* Is the agent as the ledger's word `proven` or `reverted` promises? NULL, or what is missing. */
const char *judge_back(const struct sim_host *host, const struct sim_operation *op, enum side side);

#endif
