/* SPDX-License-Identifier: Apache-2.0 */
/* A stuck agent, and what a person does about it: that depends on where it got stuck, which its last step says. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/report/run_view.h"
#include "orchestrator/report/todo.h"

/* Where things stand, and what to look at. After each the command follows that settles it. */
static const char still_open[] =
	"its operation is still open on the host, and the guard is in place: restarting the agent's unit puts the old "
	"state back, and left alone agentctl decides at its deadline by whether the agent runs. Find out why it does "
	"not reregister (its log, the master's log); a process that hangs does so until its unit is restarted";
static const char kept_silent[] =
	"its operation is over: agentctl has kept the new state on its host by itself, since the agent's process runs. "
	"Find out why it does not reregister (its log, the master's log); a process that hangs does so until its unit is "
	"restarted";
static const char kept_incomplete[] =
	"the new state is kept on its host, and what is missing from the proof may still come";
static const char kept_wrong[] = "the new state is kept on its host. Compare the lines of the proof that are wrong";
static const char neither_starts[] =
	"agentctl has put the old flags and checkpoint back, and the agent does not come up with them either: read its "
	"log on the host for what keeps it (it is started once more when it is settled)";
static const char refuses[] =
	"its host refuses to answer, and has said why (--adopt is for one that obeys another database by now, or a newer "
	"copy of this one)";
static const char silent[] =
	"nobody knows yet what became of its operation: its host could not be asked, or could not answer";
static const char not_as_before[] =
	"the old flags and checkpoint are back on its host, and the master does not show it as it was. Look at the "
	"agent's log and at what the master says of it";

static const struct {
	enum agent_state from;  /* the state it was in … */
	enum agent_event event; /* … and what happened there */
	const char *situation;
} causes[] = {
	{AGENT_RETURNING, EVENT_TIMEOUT, still_open},      {AGENT_RETURNING, EVENT_DISPROVEN, kept_wrong},
	{AGENT_PROVING, EVENT_DISPROVEN, kept_wrong},      {AGENT_PROVING, EVENT_TIMEOUT, kept_incomplete},
	{AGENT_UNKNOWN, EVENT_REFUSED, refuses},           {AGENT_UNKNOWN, EVENT_TIMEOUT, silent},
	{AGENT_REVERTING, EVENT_DISPROVEN, not_as_before}, {AGENT_REVERTING, EVENT_TIMEOUT, not_as_before},
};

static bool is(const char *name, const char *text)
{
	return text && strcmp(name, text) == 0;
}

/* The step that made it stuck; NULL when its events are not there. */
static const struct view_step *last_step(const struct agent_result *agent)
{
	for (size_t i = agent->step_count; i-- > 0;)
		if (is(agent_state_name(AGENT_STUCK), agent->steps[i].to))
			return &agent->steps[i];
	return NULL;
}

static const char *situation_of(const struct agent_result *agent)
{
	const struct view_step *step = last_step(agent);

	if (!step)
		return silent;
	if (is(agent_event_name(EVENT_HOST_STUCK), step->event))
		return neither_starts;
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
		if (is(agent_state_name(causes[i].from), step->from) &&
		    is(agent_event_name(causes[i].event), step->event))
			return causes[i].situation == still_open && agent->host_kept ? kept_silent
										     : causes[i].situation;
	return silent;
}

/* Nothing settles that: it is another agent now. */
static char *as_another(const struct run_view *view, const struct agent_result *agent)
{
	bool open = strcmp(view->run.state, run_state_name(RUN_PAUSED)) == 0;
	char *end = open ? xasprintf("; with it the run cannot be done, and `%s rollout abort %s` ends it",
				     view->program, view->run.id)
			 : xstrdup("");
	char *text = xasprintf("it runs as the new agent %s, and nothing is open on its host: `%s inventory "
			       "sync` takes it in under its new ID, and it can be planned for again%s",
			       agent->id_after, view->program, end);

	free(end);
	return text;
}

char *next_steps(const struct run_view *view, const struct agent_result *agent)
{
	const char *situation;

	if (agent->state != AGENT_STUCK)
		return NULL;
	if (agent->id_after && strcmp(agent->id_after, agent->row->agent_id) != 0)
		return as_another(view, agent);
	situation = situation_of(agent);
	bool replan = situation == kept_wrong && !view->plan.rolls_back;
	char *plan = replan ? todo_plan_words(&view->plan) : NULL;
	char *shows = replan ? xasprintf("; `%s %s` shows what is left to change", view->program, plan) : xstrdup("");
	char *text = xasprintf(
		"%s%s. When that is mended, `%s rollout settle %s%s%s` asks its host, settles the operation and "
		"proves the agent anew%s",
		situation, shows, view->program, view->run.id, situation == refuses ? " --adopt" : "",
		agent->lost > 0 ? " --accept-losses" : "",
		agent->lost > 0 ? "; without --accept-losses the tasks that are lost keep it stuck" : "");

	free(shows);
	free(plan);
	return text;
}
