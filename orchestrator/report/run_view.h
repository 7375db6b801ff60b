/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_RUN_VIEW_H
#define ORCHESTRATOR_REPORT_RUN_VIEW_H
/* A run as its readers need it: status, the roll at its end, the audit report. Read from the database alone. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "orchestrator/engine/engine.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/plan/plan.h"

/* One step of an agent, from its event; or something else that happened with it: from and to are NULL then, event is the event's kind and
 * note a sentence. */
struct view_step {
	int64_t time_ms;
	char *from, *to; /* states */
	char *event;
	char *note; /* NULL: none */
};

struct agent_result {
	const struct run_agent *row;
	const struct plan_agent *planned;
	enum agent_state state;
	json_t *before, *started, *proof; /* parsed; NULL: none */
	const char *id_after;             /* as the master showed it; NULL: not proven */
	bool proven;                      /* the proof passed: as planned, or as before */
	bool host_kept;                   /* its host has said that its last operation is done: the new state is kept */
	json_t *tasks;                    /* what became of them, by fate; NULL: not judged (yet) */
	/* Of the tasks that ran on it before: unproven ones are listed as running on an agent that is not back. 0 while
	 * the agent is under way. */
	size_t kept, lost, unproven, ended;
	size_t appeared;
	json_t *killed_before; /* tasks that attempts before the last have killed; lost counts them too. NULL: none */
	json_t *killed_now;    /* while its events are read: those of the attempt so far */
	int64_t away_ms;       /* -1: never; until now while it is away */
	struct view_step *steps;
	size_t step_count;
	char *rescued; /* what a rescue said of it last, see run_view_load_later; NULL: none did */
	/* Of an agent that was changed, when another run has taken back this one: */
	bool taken_back;
	char *back_by;  /* the run that did so; NULL: none */
	char *not_back; /* why it is still changed; NULL: it is not, or no run takes it back */
};

/* What became of a run that another one takes back. */
struct taken_back {
	char *run;       /* that other one, the newest if there are several; NULL: there is none */
	char *state;     /* its state */
	char *undone_by; /* the run that took that one back in turn; NULL: none */
	size_t changed;  /* agents that this run had changed */
	size_t back;     /* … of which that one, or one before it, has proven so many to be as they were */
};

/* A gate's answer, from its event. */
struct view_gate {
	int64_t time_ms;
	char *hostname; /* NULL: it is one after a stage */
	int64_t stage;  /* from 1 */
	char *stage_name;
	char *gate; /* the question, as a sentence */
	char *answer;
	char *seen;
	char *kind;
};

/* Something else of the run as a whole: an order, another leader, a pause. */
struct view_note {
	int64_t time_ms;
	char *actor;
	char *text;
};

struct run_view {
	struct run_row run;
	struct plan plan;
	char *author; /* of the plan */
	char *actor;  /* who started the run */
	struct run_agent *rows;
	struct agent_result *agents; /* as many as rows, in the order of the plan */
	size_t count;
	int by_state[AGENT_STATE_COUNT];
	size_t resumed;          /* how often */
	bool settling;           /* a person has settled what was left; while its events are read */
	int64_t settled_ms;      /* when an agent last moved by that, after the run's end; 0: none did */
	struct view_gate *gates; /* every answer, in the order in which they came */
	size_t gate_count;
	struct view_note *notes;
	size_t note_count;
	struct taken_back taken_back;
	bool goes_back; /* whoever drives it takes it back now: nobody is to do anything */
	bool driven;    /* somebody drives it just now; set by who asks */
	/* What its commands begin with. "rollcall", also in reports, which others read and verify; set by whoever shows it to
	 * one who is to paste them (session_program). Borrowed. */
	const char *program;
	int64_t now_ms;                 /* when it was read */
	struct rescue_view *rescue;     /* it is no rollout but a rescue (rescue_view.h); NULL: a rollout */
	char head[DIGEST_HEX_SIZE];     /* of the ledger, when it was read */
	char run_hash[DIGEST_HEX_SIZE]; /* of the run's last event; "" before the first */
};

/* name: a run's ID or "latest". *out is set only on success. */
int run_view_load(struct store *store, const char *name, int64_t now_ms, struct run_view *out, struct error *err);
void run_view_clear(struct run_view *view);
/* For reports: what rescues did to its agents since it began becomes steps of theirs. */
int run_view_load_later(struct store *store, struct run_view *view, struct error *err);

/* Of agents that are not taken back: "NOT", or "not yet" while that run may still go on. */
const char *taken_back_words(const struct taken_back *back);
/* What became of it when another run takes it back. Called by run_view_load. */
int run_view_load_taken_back(struct store *store, struct ledger *ledger, struct run_view *view, struct error *err);

/* Agents that a rollback could not plan for, so that they are still changed. 0: of a run that is none. */
size_t run_view_not_taken_back(const struct run_view *view);
/* Agents that ended otherwise than done. */
int run_view_failures(const struct run_view *view);
/* Gates whose last answer was not a pass. */
int run_view_gates_failed(const struct run_view *view);
/* "running", "paused", "done", or "done, 2 stuck": a run that has nothing left to do and still needs a person. The
 * caller's. */
char *run_state_text(const char *state, int64_t stuck);
/* The same of a view; of a run that another one takes back: "aborted, taken back". The caller's. */
char *run_view_state_text(const struct run_view *view);
/* What a person does about a stuck agent, in a sentence or three; NULL for others. The caller's. */
char *next_steps(const struct run_view *view, const struct agent_result *agent);
/* What rollcall and agentctl have done about an agent that failed, in a sentence. */
const char *what_was_done(const struct run_view *view, const struct agent_result *agent);
/* Proven on its host, while the master kept the old SlaveInfo until its next failover (--accept-stale-master). */
bool agent_master_is_behind(const struct agent_result *agent);
size_t run_view_behind(const struct run_view *view);
/* "same" or "NEW"; NULL: no ID was seen after. "as planned", "as before", "host only" (the master is behind), "differs",
 * "taken back"; NULL: no SlaveInfo was. */
const char *agent_id_word(const struct agent_result *agent);
const char *agent_info_word(const struct agent_result *agent);
/* How it is changed, for who does not know the mechanisms by their names. */
const char *mechanism_words(enum mechanism mechanism);
/* "checking → changing: it is as the plan saw it: note". The caller's. */
char *view_step_text(const struct view_step *step);
/* "12 of 12: same ID, SlaveInfo as planned, every task (24) still running." The caller's. */
char *run_view_verdict(const struct run_view *view);
/* "1 agent", "2 agents". The caller's. */
char *count_text(int64_t count, const char *what);
/* A line of the proof by its name ("id", "slave_info"); NULL: not judged. Borrowed. */
const json_t *agent_result_line(const struct agent_result *agent, const char *what);

/* schema/rollout-status.schema.json. The caller's. */
json_t *run_view_status(const struct run_view *view);

/* One line per stage with how far it is, what is left of its soak, and what its gate said; nothing when the run has one stage, no soak after
 * it and no gates. */
void run_view_print_stages(const struct run_view *view, FILE *stream);
/* Of a note and those after it that say the same with nothing between them, as when a paused run is settled again and again: the
 * text for all, "paused: why (4 times, the last at …)"; the caller's. *count: how many, at least 1. */
char *run_view_note_text(const struct run_view *view, size_t first, size_t *count);
/* Every order, pause, leader and gate of the run, for the report. */
void run_view_print_events(const struct run_view *view, FILE *stream);
json_t *run_view_stages_to_json(const struct run_view *view);
json_t *run_view_gates_to_json(const struct run_view *view);
json_t *run_view_notes_to_json(const struct run_view *view);
/* {"run", "state", "changed", "back", "undone_by"}; null when no run takes it back. */
json_t *run_view_taken_back_to_json(const struct run_view *view);
/* Agents that its plan leaves out: [{"hostname", "why", "reason"}]. */
json_t *run_view_left_out_to_json(const struct run_view *view);

/* The agents, one line each. Of more than ROLL_MAX those that tell something, up to so many, unless all are asked for. */
#define ROLL_MAX 40
void run_view_print_agents(const struct run_view *view, bool all, FILE *stream);
/* What to do about those that are stuck. */
void run_view_print_stuck(const struct run_view *view, FILE *stream);
/* The verdict in a sentence or two, why the run stands, what to do about each stuck agent, and the commands that go on. */
void run_view_print_outcome(const struct run_view *view, FILE *stream);
/* The roll: agents, stages, outcome. */
void run_view_print_roll(const struct run_view *view, bool all, FILE *stream);

/* The audit report. schema/audit-report.schema.json. */
json_t *run_view_report(const struct run_view *view);
void run_view_print_report(const struct run_view *view, FILE *stream);

#endif
