/* SPDX-License-Identifier: Apache-2.0 */
/* A run that another one takes back: what it says of its success was so once. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/output.h"
#include "orchestrator/report/run_view.h"

const char *taken_back_words(const struct taken_back *back)
{
	bool open = strcmp(back->state, run_state_name(RUN_RUNNING)) == 0 ||
		    strcmp(back->state, run_state_name(RUN_PAUSED)) == 0;

	return open ? "not yet" : "NOT";
}

static const struct run_agent *find_row(const struct run_agent *rows, size_t count, const char *agent_id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].agent_id, agent_id) == 0)
			return &rows[i];
	return NULL;
}

static bool is_changed(const struct agent_result *agent)
{
	return agent->state == AGENT_DONE || agent->state == AGENT_REJECTED;
}

static char *why_not(const struct run_agent *row)
{
	if (!row)
		return xstrdup("that run leaves it out");
	return xasprintf("it is %s there%s%s", row->state, row->error ? ": " : "", row->error ? row->error : "");
}

static int compare(struct store *store, struct run_view *view, const struct run_agent *rows, size_t count,
		   struct error *err)
{
	for (size_t i = 0; i < view->count; i++) {
		struct agent_result *agent = &view->agents[i];
		const char *id = agent->row->agent_id;

		if (!is_changed(agent))
			continue;
		int back = ledger_put_back_by(store, view->run.id, view->taken_back.run, id, &agent->back_by, err);
		if (back < 0)
			return -1;
		agent->taken_back = back > 0;
		view->taken_back.changed++;
		view->taken_back.back += agent->taken_back;
		if (!agent->taken_back)
			agent->not_back = why_not(find_row(rows, count, id));
	}
	return 0;
}

static int load_undone(struct store *store, struct run_view *view, struct error *err)
{
	struct run_row other;
	int found = ledger_find_rollback_of(store, view->taken_back.run, &other, err);

	if (found > 0) {
		view->taken_back.undone_by = xstrdup(other.id);
		run_row_clear(&other);
	}
	return found < 0 ? -1 : 0;
}

static int load(struct store *store, struct ledger *ledger, struct run_view *view, struct error *err)
{
	struct run_agent *rows;
	size_t count;

	if (ledger_load_agents(ledger, view->taken_back.run, &rows, &count, err) < 0)
		return -1;
	int result = compare(store, view, rows, count, err);
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&rows[i]);
	free(rows);
	return result < 0 ? -1 : load_undone(store, view, err);
}

int run_view_load_taken_back(struct store *store, struct ledger *ledger, struct run_view *view, struct error *err)
{
	struct run_row other;
	int found = ledger_find_rollback_of(store, view->run.id, &other, err);

	if (found <= 0)
		return found;
	view->taken_back.run = xstrdup(other.id);
	view->taken_back.state = xstrdup(other.state);
	run_row_clear(&other);
	return load(store, ledger, view, err);
}

json_t *run_view_taken_back_to_json(const struct run_view *view)
{
	const struct taken_back *back = &view->taken_back;

	if (!back->run)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:I, s:o}", "run", back->run, "state", back->state, "changed",
			 (json_int_t)back->changed, "back", (json_int_t)back->back, "undone_by",
			 output_text(back->undone_by));
}

json_t *run_view_left_out_to_json(const struct run_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->plan.left_out_count; i++) {
		const struct plan_left_out *left = &view->plan.left_out[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:o}", "hostname", left->hostname, "why",
						plan_left_why_name(left->why), "reason", output_text(left->reason)));
	}
	return array;
}
