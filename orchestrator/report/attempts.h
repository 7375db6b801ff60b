/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_ATTEMPTS_H
#define ORCHESTRATOR_REPORT_ATTEMPTS_H
/* An agent's earlier attempts, from its steps: a row knows only of the last. */
#include "orchestrator/report/run_view.h"

/* The step in which an earlier attempt ended otherwise than done, when the agent's state does not say so any more: a retry has mended
 * it, or tries to. NULL: there is none. Borrowed. */
const struct view_step *attempts_mended(const struct agent_result *agent);
/* The state it was in then. */
enum agent_state attempts_mended_state(const struct agent_result *agent);

/* Was another attempt made since then? One that was stuck is also settled without. */
bool attempts_was_tried(const struct agent_result *agent);
/* What follows its outcome of then: ", and tried again", ", and settled since"… "": nothing, or nothing was mended. */
const char *attempts_sequel(const struct run_view *view, const struct agent_result *agent);

/* An earlier attempt's time away: from its intent until the agent was proven, put back, or left. */
struct attempt {
	int64_t from_ms, until_ms;
	enum agent_state state; /* how it ended */
};
/* *out is the caller's to free; NULL when there is none. */
size_t attempts_earlier(const struct agent_result *agent, struct attempt **out);

/* How long it was away in the attempts before the last; 0: it was not. */
int64_t attempts_away_before(const struct agent_result *agent);

/* Why it failed: now, or before it was mended. NULL: it did not, or nobody said. Borrowed. */
const char *attempts_error(const struct agent_result *agent);

#endif
