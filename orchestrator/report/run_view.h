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
	json_t *tasks;                    /* what became of them, by fate; NULL: not judged (yet) */
	/* Of the tasks that ran on it before: unproven ones are listed as running on an agent that is not back. 0 while
	 * the agent is under way. */
	size_t kept, lost, unproven, ended;
	size_t appeared;
	int64_t away_ms; /* -1: never; until now while it is away */
	struct view_step *steps;
	size_t step_count;
	char *rescued; /* what a rescue said of it last, see run_view_load_later; NULL: none did */
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
	struct view_gate *gates; /* every answer, in the order in which they came */
	size_t gate_count;
	struct view_note *notes;
	size_t note_count;
	char *rolled_back_by;           /* the run that takes this one back; NULL: none */
	int64_t now_ms;                 /* when it was read */
	char head[DIGEST_HEX_SIZE];     /* of the ledger, when it was read */
	char run_hash[DIGEST_HEX_SIZE]; /* of the run's last event; "" before the first */
};

/* name: a run's ID or "latest". *out is set only on success. */
int run_view_load(struct store *store, const char *name, int64_t now_ms, struct run_view *out, struct error *err);
void run_view_clear(struct run_view *view);
/* For reports: what rescues did to its agents since it began becomes steps of theirs. */
int run_view_load_later(struct store *store, struct run_view *view, struct error *err);

/* Agents that ended otherwise than done. */
int run_view_failures(const struct run_view *view);
/* Gates whose last answer was not a pass. */
int run_view_gates_failed(const struct run_view *view);
/* "running", "paused", "done", or "done, 2 stuck": a run that has nothing left to do and still needs a person. The
 * caller's. */
char *run_state_text(const char *state, int64_t stuck);
/* What a person does about a stuck agent, in a sentence or three; NULL for others. The caller's. */
char *next_steps(const struct run_view *view, const struct agent_result *agent);
/* What rollcall and agentctl have done about an agent that failed, in a sentence. */
const char *what_was_done(const struct run_view *view, const struct agent_result *agent);
/* "checking → changing (checked): note". The caller's. */
char *view_step_text(const struct view_step *step);
/* "12 of 12: same ID, SlaveInfo as planned, every task (24) still running." The caller's. */
char *run_view_verdict(const struct run_view *view);
/* "1 agent", "2 agents". The caller's. */
char *count_text(int64_t count, const char *what);
/* A line of the proof by its name ("id", "slave_info"); NULL: not judged. Borrowed. */
const json_t *agent_result_line(const struct agent_result *agent, const char *what);

/* schema/rollout-status.schema.json. The caller's. */
json_t *run_view_status(const struct run_view *view);

/* One line per stage with how far it is and what its gate said; nothing when the run has one stage and no gates. */
void run_view_print_stages(const struct run_view *view, FILE *stream);
/* Every order, pause, leader and gate of the run, for the report. */
void run_view_print_events(const struct run_view *view, FILE *stream);
json_t *run_view_stages_to_json(const struct run_view *view);
json_t *run_view_gates_to_json(const struct run_view *view);
json_t *run_view_notes_to_json(const struct run_view *view);

/* The roll: a table of all agents and the verdict in a sentence. */
void run_view_print_roll(const struct run_view *view, FILE *stream);

/* The audit report. schema/audit-report.schema.json. */
json_t *run_view_report(const struct run_view *view);
void run_view_print_report(const struct run_view *view, FILE *stream);

#endif
