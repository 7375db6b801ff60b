/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/attempts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int state_of(const char *name)
{
	return name ? agent_state_parse(name) : -1;
}

static bool is_trouble(int state)
{
	return state >= 0 && agent_state_is_failure((enum agent_state)state);
}

const struct view_step *attempts_mended(const struct agent_result *agent)
{
	if (is_trouble((int)agent->state))
		return NULL;
	for (size_t i = agent->step_count; i-- > 0;)
		if (is_trouble(state_of(agent->steps[i].to)))
			return &agent->steps[i];
	return NULL;
}

enum agent_state attempts_mended_state(const struct agent_result *agent)
{
	const struct view_step *step = attempts_mended(agent);

	return step ? (enum agent_state)state_of(step->to) : agent->state;
}

bool attempts_was_tried(const struct agent_result *agent)
{
	const struct view_step *trouble = attempts_mended(agent);

	for (const struct view_step *step = trouble; step && step < agent->steps + agent->step_count; step++)
		if (state_of(step->to) == AGENT_CHECKING)
			return true;
	return false;
}

const char *attempts_sequel(const struct run_view *view, const struct agent_result *agent)
{
	if (!attempts_mended(agent))
		return "";
	if (agent->state == AGENT_WAITING)
		return strcmp(view->run.state, run_state_name(RUN_ABORTED)) == 0 ? "" : ", and to be tried again";
	if (attempts_was_tried(agent))
		return ", and tried again";
	return agent->state == AGENT_DONE ? ", and settled since" : ", and its host asked again";
}

size_t attempts_earlier(const struct agent_result *agent, struct attempt **out)
{
	int64_t from_ms = 0;
	size_t count = 0;

	*out = NULL;
	for (size_t i = 0; i < agent->step_count; i++) {
		const struct view_step *step = &agent->steps[i];
		int to = state_of(step->to);

		/* The last attempt is the row's. */
		if (to == AGENT_CHANGING && state_of(step->from) != AGENT_CHANGING) {
			from_ms = step->time_ms < agent->row->away_from_ms ? step->time_ms : 0;
		} else if (from_ms && to >= 0 && agent_state_is_final((enum agent_state)to)) {
			*out = xreallocarray(*out, count + 1, sizeof **out);
			(*out)[count++] = (struct attempt){from_ms, step->time_ms, (enum agent_state)to};
			from_ms = 0;
		}
	}
	return count;
}

int64_t attempts_away_before(const struct agent_result *agent)
{
	struct attempt *attempts;
	size_t count = attempts_earlier(agent, &attempts);
	int64_t sum_ms = 0;

	for (size_t i = 0; i < count; i++)
		sum_ms += attempts[i].until_ms - attempts[i].from_ms;
	free(attempts);
	return sum_ms;
}

/* What it was told when it began to go wrong; the step that ends it may have no words of its own. */
static const char *words_of(const struct agent_result *agent, const struct view_step *step)
{
	for (size_t i = (size_t)(step - agent->steps) + 1; i-- > 0;) {
		if (agent->steps[i].to && agent->steps[i].note)
			return agent->steps[i].note;
		if (state_of(agent->steps[i].to) == AGENT_CHECKING)
			break;
	}
	return NULL;
}

const char *attempts_error(const struct agent_result *agent)
{
	const struct view_step *step = attempts_mended(agent);

	return step ? words_of(agent, step) : agent->row->error;
}
