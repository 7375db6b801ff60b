/* SPDX-License-Identifier: Apache-2.0 */
/* What happened with an agent, in words that need no knowledge of the machine behind them. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/report/attempts.h"
#include "orchestrator/report/run_view.h"

/* Tasks that it was to keep are lost, and a person has settled it all the same. */
static bool has_accepted_losses(const struct agent_result *agent)
{
	const json_t *task;
	size_t i;

	json_array_foreach(json_object_get(agent->tasks, "killed"), i, task)
	{
		if (json_object_get(task, "accepted_by"))
			return true;
	}
	return false;
}

/* Who was stuck is settled without another attempt; and of an aborted run there is never one. */
static const char *what_followed(const struct run_view *view, const struct agent_result *agent)
{
	bool tried = attempts_was_tried(agent), done = agent->state == AGENT_DONE;

	if (agent->state == AGENT_WAITING)
		return strcmp(view->run.state, run_state_name(RUN_ABORTED)) == 0
			       ? "another attempt was wanted; the run was aborted before it began, and it never will"
			       : "another attempt is to be made";
	if (!tried)
		return done ? "the host was asked again, and all is proven as planned: no other attempt was needed"
			    : "the host is asked again; no other attempt was made";
	return done ? "another attempt was made, and is proven to be as planned"
		    : "another attempt was made; it has not ended yet";
}

const char *what_was_done(const struct run_view *view, const struct agent_result *agent)
{
	if (attempts_mended(agent) && has_accepted_losses(agent))
		return "it was settled with --accept-losses: tasks that it was to keep are lost, and a person has "
		       "accepted that";
	if (attempts_mended(agent))
		return what_followed(view, agent);
	switch (agent->state) {
	case AGENT_REVERTED:
		return "agentctl put the old flags and checkpoint back and started the agent; the master shows it as "
		       "it was";
	case AGENT_FAILED:
		return "nothing: the agent was not touched";
	case AGENT_STUCK:
		return strcmp(view->run.state, run_state_name(RUN_PAUSED)) == 0
			       ? "left as it is for a person; the run has paused"
			       : "left as it is for a person";
	case AGENT_REJECTED:
		return "it stays changed, and is proven to be as planned; a gate after it has failed";
	default:
		return "nothing yet";
	}
}

const char *agent_id_word(const struct agent_result *agent)
{
	if (!agent->id_after)
		return NULL;
	return strcmp(agent->id_after, agent->row->agent_id) == 0 ? "same" : "NEW";
}

bool agent_master_is_behind(const struct agent_result *agent)
{
	return agent->proven && agent_result_line(agent, "slave_info at the master");
}

size_t run_view_behind(const struct run_view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->count; i++)
		count += agent_master_is_behind(&view->agents[i]);
	return count;
}

const char *agent_info_word(const struct agent_result *agent)
{
	const json_t *line = agent_result_line(agent, "slave_info");
	const char *of = json_string_value(json_object_get(agent->proof, "of"));

	if (!line && !agent_master_is_behind(agent))
		return NULL;
	if (agent->taken_back)
		return "taken back";
	if (!line)
		return "host only";
	if (!json_is_true(json_object_get(line, "ok")))
		return "differs";
	return of && strcmp(of, "the planned state") == 0 ? "as planned" : "as before";
}

const char *mechanism_words(enum mechanism mechanism)
{
	switch (mechanism) {
	case MECHANISM_RESTART:
		return "a restart with other flags; the SlaveInfo stays";
	case MECHANISM_RELAX:
		return "agentctl rewrites checkpoint and flags, one restart";
	case MECHANISM_NATIVE:
		return "the agent's own recovery flags, one restart";
	default:
		return "its tasks are ended, then agentctl rewrites checkpoint and flags";
	}
}

/* Why the machine went this way; the table that it walks says so. */
static const char *why_of(const struct view_step *step)
{
	int from = agent_state_parse(step->from);

	for (size_t i = 0; i < engine_table_size; i++)
		if ((int)engine_table[i].state == from && step->event &&
		    strcmp(agent_event_name(engine_table[i].event), step->event) == 0)
			return engine_table[i].why;
	return step->event;
}

char *view_step_text(const struct view_step *step)
{
	const char *note = step->note ? step->note : "", *colon = step->note ? ": " : "";

	if (!step->from || !step->to)
		return xstrdup(*note ? note : step->event);
	if (strcmp(step->from, step->to) == 0)
		return xasprintf("%s%s%s", why_of(step), colon, note);
	return xasprintf("%s \u2192 %s: %s%s%s", step->from, step->to, why_of(step), colon, note);
}

static bool has_gate_between(const struct run_view *view, int64_t from_ms, int64_t until_ms)
{
	for (size_t i = 0; i < view->gate_count; i++)
		if (view->gates[i].time_ms >= from_ms && view->gates[i].time_ms < until_ms)
			return true;
	return false;
}

char *run_view_note_text(const struct run_view *view, size_t first, size_t *count)
{
	const struct view_note *notes = view->notes;
	char time[CLOCK_TEXT_MAX];
	size_t last = first;

	while (last + 1 < view->note_count && strcmp(notes[last + 1].text, notes[first].text) == 0 &&
	       strcmp(notes[last + 1].actor, notes[first].actor) == 0 &&
	       !has_gate_between(view, notes[last].time_ms, notes[last + 1].time_ms))
		last++;
	*count = last - first + 1;
	if (*count == 1)
		return xstrdup(notes[first].text);
	return xasprintf("%s (%zu times, the last at %s)", notes[first].text, *count,
			 clock_format(notes[last].time_ms, time));
}
