/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_AGENT_SHEET_H
#define ORCHESTRATOR_REPORT_AGENT_SHEET_H
/*
 * Everything a report says of one agent, as texts in an order: the same sheet is written into the page and into the data from which the
 * page makes it when it is asked for. Nothing in it is escaped.
 */
#include "orchestrator/report/run_view.h"

struct sheet_fact {
	const char *name; /* a literal */
	char *value;
};

/* A part of the SlaveInfo, or a flag. */
struct sheet_field {
	char *name;
	char *before, *planned, *found; /* NULL: not known */
	bool changes, wrong;            /* planned is not as before; found is not as it should be */
};

/* The others are parts of the SlaveInfo. */
bool sheet_field_is_flag(const struct sheet_field *field);

struct sheet_line { /* of the proof */
	char *what;
	char *detail; /* "" when the name says all */
	bool ok;
};

struct sheet_step {
	int64_t time_ms;
	char *text;
};

struct agent_sheet {
	struct sheet_fact *facts;
	size_t fact_count;
	struct sheet_field *fields;
	size_t field_count;
	char *verdict; /* "of the planned state: pass"; NULL: no proof was taken */
	struct sheet_line *lines;
	size_t line_count;
	struct sheet_step *steps;
	size_t step_count;
	char *said; /* the agent's own words when it ended; NULL: none */
};

/* Surviving and new tasks are named up to so many, the others are counted; those that did not survive are all named. */
#define SHEET_TASKS_NAMED 20

void agent_sheet_make(const struct run_view *view, const struct agent_result *agent, struct agent_sheet *out);
void agent_sheet_clear(struct agent_sheet *sheet);

#endif
