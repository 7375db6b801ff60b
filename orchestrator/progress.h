/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PROGRESS_H
#define ORCHESTRATOR_PROGRESS_H
/*
 * What an operator sees while a run is driven, on stderr. On a terminal: a line for each agent under way and a bar, redrawn
 * in place, with what is settled scrolling by above them. Elsewhere: one plain line for each step.
 */
#include <stdbool.h>

#include "orchestrator/driver/driver.h"

struct progress;

/* plan is borrowed. quiet: nothing is shown. While it lives on a terminal, log lines go through it. */
struct progress *progress_new(const struct plan *plan, bool quiet);
/* Takes the live lines away; NULL is fine. */
void progress_free(struct progress *progress);
/* For driver_run; borrowed. */
const struct driver_observer *progress_observer(const struct progress *progress);

/* Columns for the names of live lines: as wide as the plan's longest, up to 28. */
int progress_name_width(const struct plan *plan);

/* "same ID, 3 tasks kept, away 3.1 s": what a step's row says in a few words. The caller's; tests use it. */
char *progress_detail(const struct run_agent *row, enum agent_state state);

#endif
