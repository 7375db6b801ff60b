/* SPDX-License-Identifier: Apache-2.0 */
/* rollout status: how far a run is, from the database alone. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/driver/order.h"
#include "orchestrator/output.h"
#include "orchestrator/report/prometheus.h"
#include "orchestrator/report/run_view.h"

/* A run that is over is only settled; one that has paused goes on. */
void rollout_say_left(const struct session *session, const struct run_view *view)
{
	bool paused = strcmp(view->run.state, run_state_name(RUN_PAUSED)) == 0;
	int left = 0;

	for (int state = 0; state < AGENT_STATE_COUNT; state++)
		if (state != AGENT_STUCK && agent_state_is_open((enum agent_state)state))
			left += view->by_state[state];
	if (left > 0 && strcmp(view->run.state, run_state_name(RUN_RUNNING)) != 0)
		output_told(session, stdout,
			    "Nobody drives it, and %d agent%s left under way: `rollcall rollout %s %s` asks %s\n", left,
			    left == 1 ? " was" : "s were", paused ? "resume" : "settle", view->run.id,
			    left == 1 ? "its host" : "their hosts");
}

static void print_driver(struct session *session, const struct run_view *view)
{
	struct driver_holder holder;
	bool running = strcmp(view->run.state, run_state_name(RUN_RUNNING)) == 0;

	if (order_is_driven(session, view->run.id, &holder)) {
		printf("Driven by %s, process %ld on %s, since %s%s\n", holder.actor ? holder.actor : "?", holder.pid,
		       holder.host ? holder.host : "?", holder.since ? holder.since : "?",
		       holder.stopped ? "; that process is stopped" : "");
		driver_holder_clear(&holder);
	} else if (running || view->run.rollback_due) {
		output_told(session, stdout, "It is %s, but nobody drives it: `rollcall rollout resume %s`\n",
			    running ? "running" : "to be rolled back", view->run.id);
	} else {
		rollout_say_left(session, view);
	}
}

static void print_head(struct session *session, const struct run_view *view)
{
	char *state = run_state_text(view->run.state, view->by_state[AGENT_STUCK]);

	if (view->plan.rolls_back)
		printf("Run %s: %s. Plan %.12s, %s on cluster %s\n", view->run.id, state, view->run.plan,
		       view->plan.config, view->plan.cluster);
	else
		printf("Run %s: %s. Plan %.12s, %s@%d on cluster %s\n", view->run.id, state, view->run.plan,
		       view->plan.config, view->plan.config_version, view->plan.cluster);
	print_driver(session, view);
	putchar('\n');
	free(state);
}

static json_t *driver_to_json(struct session *session, const char *run)
{
	struct driver_holder holder;
	json_t *object;

	if (!order_is_driven(session, run, &holder))
		return json_null();
	object = json_pack("{s:I, s:o, s:o, s:o, s:b}", "process", (json_int_t)holder.pid, "host",
			   output_text(holder.host), "operator", output_text(holder.actor), "since",
			   output_text(holder.since), "stopped", holder.stopped);
	driver_holder_clear(&holder);
	return object;
}

static int show_metrics(struct session *session, const struct run_view *view)
{
	struct buffer text = BUFFER_INIT(PROMETHEUS_MAX);
	struct run_metrics metrics;

	if (run_metrics_of_view(view, session_store(session), &metrics, &session->error) < 0)
		return -1;
	prometheus_write(&metrics, &text);
	fputs(buffer_text(&text), stdout);
	buffer_clear(&text);
	free(metrics.agents);
	return 0;
}

static int show(struct session *session, const char *name, bool prometheus, bool all)
{
	struct run_view view;
	int result = 0;

	if (!session_run_store(session) ||
	    run_view_load(session_store(session), name, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	view.driven = order_is_driven(session, view.run.id, NULL);
	view.program = session_program(session);
	if (prometheus) {
		result = show_metrics(session, &view);
	} else if (session->json) {
		json_t *status = run_view_status(&view);

		json_object_set_new(status, "driver", driver_to_json(session, view.run.id));
		output_json(status);
	} else {
		print_head(session, &view);
		run_view_print_roll(&view, all, stdout);
	}
	run_view_clear(&view);
	return result;
}

int command_rollout_status(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	bool prometheus = false, all = false;
	const struct option own[] = {
		{"all", 0, OPTION_FLAG, &all, NULL,
		 "list every agent; of more than 40 those that are done or not begun are counted otherwise", 0, 0},
		{"prometheus", 0, OPTION_FLAG, &prometheus, NULL,
		 "metrics, in Prometheus's text exposition format (docs/observers.md)", 0, 0},
		{.name = NULL}};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = show(session, operands.items[0], prometheus, all);
	arguments_clear(&operands);
	return result;
}
