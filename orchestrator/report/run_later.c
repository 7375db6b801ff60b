/* SPDX-License-Identifier: Apache-2.0 */
/* What was done to a run's agents outside of it, after it had begun: rescues, and operations that a rescue settled. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/audit/sentence.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "orchestrator/report/run_view.h"

static struct agent_result *find_agent(const struct run_view *view, const char *agent_id)
{
	for (size_t i = 0; i < view->count; i++)
		if (strcmp(view->agents[i].row->agent_id, agent_id) == 0)
			return &view->agents[i];
	return NULL;
}

/* Among the steps of the run, where it was. */
static void insert_step(struct agent_result *agent, const struct view_step *step)
{
	size_t at = agent->step_count;

	agent->steps = xreallocarray(agent->steps, agent->step_count + 1, sizeof *agent->steps);
	while (at > 0 && agent->steps[at - 1].time_ms > step->time_ms)
		at--;
	memmove(&agent->steps[at + 1], &agent->steps[at], (agent->step_count - at) * sizeof *agent->steps);
	agent->steps[at] = *step;
	agent->step_count++;
}

static int take(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct agent_result *agent = find_agent(ctx, entry->agent_id);
	json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);
	char *sentence = event_sentence(entry->kind, body);
	struct view_step step = {.time_ms = entry->time_ms, .event = xstrdup(entry->kind)};

	(void)err;
	step.note = xasprintf("%s by %s: %s", entry->run ? entry->run : "rescue", entry->actor, sentence);
	if (strcmp(entry->kind, "rescue.intent") != 0) {
		free(agent->rescued);
		agent->rescued = xstrdup(step.note);
	}
	insert_step(agent, &step);
	json_decref(body);
	free(sentence);
	return 0;
}

int run_view_load_later(struct store *store, struct run_view *view, struct error *err)
{
	struct store_cursor rows;
	int result;

	if (store_query(
		    store, &rows, err,
		    "SELECT e.seq, e.time_ms, e.actor, e.run, e.agent, e.kind, e.body, e.hash FROM run_agents a CROSS JOIN "
		    "events e ON e.agent = a.agent WHERE a.run = ?1 AND e.kind GLOB 'rescue.*' AND e.seq > (SELECT min(seq) "
		    "FROM events WHERE run = ?1) ORDER BY e.seq",
		    "t", view->run.id) < 0)
		return -1;
	result = ledger_visit_rows(&rows, take, view, err);
	store_done(&rows);
	return result;
}
