/* SPDX-License-Identifier: Apache-2.0 */
/* What the master says of agents that were started: they are listed again, with their ID and their tasks. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/outgoing/changed.h"
#include "orchestrator/rescue/carry_out.h"

#define ASK_EVERY_MS    1000
/* After its agent is back, executors reconnect and the master hears of each task. */
#define TASKS_WITHIN_MS 30000

static bool is_awaited(const struct rescue_host *host)
{
	return (host->started || host->settled) && (host->end == RESCUE_PENDING || host->end == RESCUE_DONE) &&
	       (!host->returned || host->tasks_running < host->task_count);
}

static size_t count_running(const struct rescue_host *host, const struct master_snapshot *snapshot)
{
	size_t running = 0;

	for (size_t i = 0; i < snapshot->task_count; i++) {
		const struct task_view *task = &snapshot->tasks[i];

		if (strcmp(task->agent_id, host->agent->view.id) != 0 || strcmp(task->state, "TASK_RUNNING") != 0)
			continue;
		for (size_t j = 0; j < host->task_count; j++)
			if (strcmp(host->task_ids[j], task->id) == 0) {
				running++;
				break;
			}
	}
	return running;
}

/* Listed and active; or deactivated, which is never active, and registered anew, or never away. */
static bool is_back(const struct rescue_host *host, const struct agent_view *now)
{
	const struct agent_view *before = &host->agent->view;

	if (now->active)
		return true;
	if (now->deactivated && host->settled && host->remains)
		return true;
	return now->deactivated && (host->agent->gone_ms != 0 || now->reregistered_ns != before->reregistered_ns ||
				    now->registered_ns != before->registered_ns);
}

/* The flags may have won, and the agent then has another SlaveInfo than the master knew. */
static void note_changed(const struct carrying *carrying, struct rescue_host *host, const struct agent_view *now,
			 const struct master_snapshot *snapshot)
{
	const struct changed_agent changed = {
		.cluster = carrying->rescue->session->cluster->name,
		.agent_id = now->id,
		.hostname = host->agent->view.hostname,
		.operation = host->operation,
		.before = host->agent->view.info,
		.after = now->info,
	};

	json_decref(host->changed);
	host->changed = changed.before && changed.after ? changed_agent_event(&changed, snapshot) : NULL;
}

static int judge(struct carrying *carrying, struct rescue_host *host, const struct master_snapshot *snapshot)
{
	const struct agent_view *now = master_snapshot_agent(snapshot, host->agent->view.id);

	if (!now || snapshot->asked_ms < host->started_ms || !is_back(host, now))
		return 0;
	host->tasks_running = count_running(host, snapshot);
	note_changed(carrying, host, now, snapshot);
	if (host->returned)
		return 0;
	host->returned = true;
	host->started_ms = clock_monotonic_ms();
	host->id_after = xstrdup(now->id);
	if (host->end == RESCUE_PENDING)
		transport_send(carrying->transport, host->exec, "keep\n");
	if (!carrying->rescue->session->quiet)
		log_info("%s: back with its ID", host->agent->view.hostname);
	return rescue_note(carrying, host, "rescue.returned",
			   json_pack("{s:s,s:s}", "operation", host->operation, "id", now->id));
}

int rescue_take_snapshot(struct carrying *carrying, struct master_event *event)
{
	int result = 0;

	carrying->asking = false;
	carrying->asked_ms = clock_monotonic_ms();
	for (size_t i = 0; result == 0 && event->snapshot && i < carrying->rescue->count; i++)
		if (is_awaited(&carrying->rescue->hosts[i]))
			result = judge(carrying, &carrying->rescue->hosts[i], event->snapshot);
	master_snapshot_free(event->snapshot);
	return result;
}

/* Somebody is waited for, and not for too long. */
static bool is_patient(const struct rescue_host *host, int64_t now_ms)
{
	if (!is_awaited(host))
		return false;
	return host->end == RESCUE_PENDING || now_ms - host->started_ms < TASKS_WITHIN_MS;
}

void rescue_ask_master(struct carrying *carrying, int64_t now_ms)
{
	bool wanted = false;

	for (size_t i = 0; i < carrying->rescue->count; i++)
		wanted = wanted || is_patient(&carrying->rescue->hosts[i], now_ms);
	carrying->waiting = wanted;
	if (!wanted || carrying->asking || now_ms - carrying->asked_ms < ASK_EVERY_MS)
		return;
	carrying->asking = true;
	master_ask(carrying->master, WANT_AGENTS | WANT_TASKS, 0);
}

/* Its host was content, and the master is not. */
static void note_failure(struct rescue_host *host)
{
	char *said = NULL;

	host->end = RESCUE_FAILED;
	if (host->returned)
		said = xasprintf("its agent is back, and the master lists %zu of its %zu tasks as running",
				 host->tasks_running, host->task_count);
	else if (host->settled)
		said = xasprintf("%s; the master does not list its agent as running", host->said);
	if (!said)
		return;
	free(host->said);
	host->said = said;
}

int rescue_prove(struct carrying *carrying)
{
	for (size_t i = 0; i < carrying->rescue->count; i++) {
		struct rescue_host *host = &carrying->rescue->hosts[i];

		if (host->end != RESCUE_DONE)
			continue;
		host->judged = true;
		if (!host->returned || host->tasks_running < host->task_count)
			note_failure(host);
		/* In the commit of the proof. */
		if (host->end == RESCUE_DONE && host->changed)
			ledger_event(carrying->ledger, "agent.changed", carrying->run, host->id_after,
				     json_incref(host->changed));
		if (rescue_note(carrying, host, "rescue.proof",
				json_pack("{s:s,s:b,s:s?,s:I,s:I}", "operation", host->operation, "pass",
					  host->end == RESCUE_DONE, "id_after", host->id_after, "tasks",
					  (json_int_t)host->task_count, "tasks_running",
					  (json_int_t)host->tasks_running)) < 0)
			return -1;
	}
	return 0;
}
