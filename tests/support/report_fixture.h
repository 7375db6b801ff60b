/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_REPORT_FIXTURE_H
#define TESTS_SUPPORT_REPORT_FIXTURE_H
/* A database with one run in it, whose agents end as a test says; and reports of it as texts. */
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/report/reports.h"

#define REPORT_RUN    "r-20261123-1"
#define REPORT_NOW_MS 1700000100000

struct report_fixture {
	char *folder;
	struct store *store;
	struct ledger *ledger;
	struct plan plan;
	struct report_runs runs; /* after report_fixture_load */
};

/* What became of an agent; NULL: a default that goes with the state. */
struct report_agent {
	const char *state;         /* "done", "reverted", "stuck"… */
	const char *error;         /* NULL: none */
	const char *found_id;      /* NULL: its own; "": no proof was taken */
	const char *task;          /* its name */
	const char *accepted_by;   /* it has lost its task, and this person has accepted that */
	const char *said;          /* the agent's own words */
	bool behind;               /* proven while the master kept the old SlaveInfo */
	int64_t from_ms, until_ms; /* away, after the run's start; 0: never, not back */
};

/* actor: who started it. The plan has count agents, S0 at node0.example.com and so on, and may be changed before report_fixture_begin. */
void report_fixture_open(struct report_fixture *fixture, size_t count, const char *actor);
void report_fixture_begin(struct report_fixture *fixture, const char *run_state, const char *reason);
void report_fixture_put(struct report_fixture *fixture, size_t position, const struct report_agent *agent);
void report_fixture_load(struct report_fixture *fixture);
void report_fixture_close(struct report_fixture *fixture);

/* As text; the caller's. */
char *report_fixture_text(const struct report_fixture *fixture);
/* How often the words stand in the text. */
size_t text_count(const char *text, const char *words);
/* The whole document; the caller's. */
char *report_fixture_write(const struct report_fixture *fixture,
			   void (*write)(const struct report_runs *runs, struct buffer *out));

#endif
