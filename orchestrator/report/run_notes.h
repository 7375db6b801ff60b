/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_RUN_NOTES_H
#define ORCHESTRATOR_REPORT_RUN_NOTES_H
/* What the events say of a run as a whole: gates, orders, leaders, pauses. */
#include "orchestrator/report/run_view.h"

/* agent: the one the event is about, NULL: none. */
void run_view_take_note(struct run_view *view, const struct agent_result *agent, const struct ledger_entry *entry);
void run_view_clear_notes(struct run_view *view);

/* What an event of the run as a whole says, for people; NULL: nothing that is worth a line. body: the event's. The
 * caller's. */
char *run_note_text(const char *kind, const json_t *body);

#endif
