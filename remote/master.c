/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/master_spool.h"

void master_ask(struct master_source *source, unsigned want, uint64_t tag)
{
	source->ops->ask(source, want, tag);
}

bool master_next(struct master_source *source, struct master_event *event)
{
	return source->ops->next(source, event);
}

void master_source_free(struct master_source *source)
{
	if (source != NULL)
		source->ops->free(source);
}

/* ---- snapshots */

void master_snapshot_free(struct master_snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	for (size_t i = 0; i < snapshot->agent_count; i++)
		agent_view_clear(&snapshot->agents[i]);
	for (size_t i = 0; i < snapshot->task_count; i++)
		task_view_clear(&snapshot->tasks[i]);
	for (size_t i = 0; i < snapshot->completed_count; i++)
		task_view_clear(&snapshot->completed[i]);
	for (size_t i = 0; i < snapshot->framework_count; i++)
		framework_view_clear(&snapshot->frameworks[i]);
	for (size_t i = 0; i < snapshot->recovered_count; i++)
		free(snapshot->recovered[i]);
	free(snapshot->agents);
	free(snapshot->recovered);
	free(snapshot->tasks);
	free(snapshot->completed);
	free(snapshot->frameworks);
	master_facts_clear(&snapshot->facts);
	master_spool_free(snapshot->spool);
	free(snapshot->master);
	free(snapshot);
}

static int compare_with_id(const void *id, const void *agent)
{
	return strcmp(id, ((const struct agent_view *)agent)->id);
}

const struct agent_view *master_snapshot_agent(const struct master_snapshot *snapshot, const char *id)
{
	if (snapshot->agent_count == 0)
		return NULL;
	return bsearch(id, snapshot->agents, snapshot->agent_count, sizeof(*snapshot->agents), compare_with_id);
}

/* Room for one more behind count, which doubles when it is full. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return array;
	return xreallocarray(array, count > 0 ? 2 * count : 1, size);
}

static int keep_agent(void *ctx, struct agent_view *view, const void *raw, size_t len, struct error *err)
{
	struct master_snapshot *snapshot = ctx;
	(void)raw;
	(void)len;
	(void)err;
	snapshot->agents = grow(snapshot->agents, snapshot->agent_count, sizeof(*view));
	snapshot->agents[snapshot->agent_count++] = *view;
	*view = (struct agent_view){.id = NULL};
	return 0;
}

static int keep_task(void *ctx, struct task_view *task, bool completed, struct error *err)
{
	struct master_snapshot *snapshot = ctx;
	struct task_view **tasks = completed ? &snapshot->completed : &snapshot->tasks;
	size_t *count = completed ? &snapshot->completed_count : &snapshot->task_count;
	(void)err;
	*tasks = grow(*tasks, *count, sizeof(*task));
	(*tasks)[(*count)++] = *task;
	*task = (struct task_view){.id = NULL};
	return 0;
}

static int keep_framework(void *ctx, struct framework_view *framework, struct error *err)
{
	struct master_snapshot *snapshot = ctx;
	(void)err;
	snapshot->frameworks = grow(snapshot->frameworks, snapshot->framework_count, sizeof(*framework));
	snapshot->frameworks[snapshot->framework_count++] = *framework;
	*framework = (struct framework_view){.id = NULL};
	return 0;
}

static int keep_recovered(void *ctx, const char *id, struct error *err)
{
	struct master_snapshot *snapshot = ctx;
	size_t count = snapshot->recovered_count;

	(void)err;
	if ((count & (count + 1)) == 0) /* room for 1, 3, 7, 15… */
		snapshot->recovered = xreallocarray(snapshot->recovered, 2 * count + 1, sizeof(*snapshot->recovered));
	snapshot->recovered[snapshot->recovered_count++] = xstrdup(id);
	return 0;
}

struct master_taker master_snapshot_taker(struct master_snapshot *snapshot)
{
	return (struct master_taker){.ctx = snapshot,
				     .agent = keep_agent,
				     .task = keep_task,
				     .framework = keep_framework,
				     .recovered = keep_recovered};
}

static int compare_agents(const void *a, const void *b)
{
	return strcmp(((const struct agent_view *)a)->id, ((const struct agent_view *)b)->id);
}

int master_snapshot_settle(struct master_snapshot *snapshot, struct error *err)
{
	if (snapshot->agent_count == 0)
		return 0;
	qsort(snapshot->agents, snapshot->agent_count, sizeof(*snapshot->agents), compare_agents);
	for (size_t i = 1; i < snapshot->agent_count; i++) {
		const char *id = snapshot->agents[i].id;
		if (strcmp(id, snapshot->agents[i - 1].id) == 0)
			return error_set(err, ERROR_CORRUPT, "the answer lists agent %s twice", id);
	}
	return 0;
}

/* ---- asking and waiting */

struct master_snapshot *master_ask_now(struct master_source *source, struct loop *loop, unsigned want,
				       struct error *err)
{
	const uint64_t tag = UINT64_MAX;
	struct master_event event;
	master_ask(source, want, tag);
	for (;;) {
		while (master_next(source, &event)) {
			if (event.tag != tag) {
				master_snapshot_free(event.snapshot);
				continue;
			}
			if (event.snapshot == NULL)
				error_set(err, event.error.kind, "%s", event.error.text);
			return event.snapshot;
		}
		loop_wait(loop, -1);
	}
}

static void report_clear(struct master_report *report)
{
	free(report->url);
	master_facts_clear(&report->facts);
}

void master_roll_clear(struct master_roll *roll)
{
	for (size_t i = 0; i < roll->count; i++)
		report_clear(&roll->items[i]);
	free(roll->items);
	*roll = (struct master_roll){NULL, 0};
}

/* What the leader says of itself, moved out of the snapshot. */
static void report_leader(struct master_snapshot *snapshot, struct master_report *out)
{
	*out = (struct master_report){.leads = true, .url = snapshot->master, .facts = snapshot->facts};
	snapshot->master = NULL;
	snapshot->facts = (struct master_facts){.version = NULL};
}

int master_ask_all(struct master_source *source, struct loop *loop, struct master_roll *out, struct error *err)
{
	struct master_report leader = {.url = NULL};
	struct master_snapshot *snapshot = master_ask_now(source, loop, WANT_FACTS | WANT_COUNTS, &leader.error);
	if (snapshot != NULL)
		report_leader(snapshot, &leader);
	master_snapshot_free(snapshot);
	if (source->ops->ask_others != NULL) {
		int result = source->ops->ask_others(source, loop, &leader, out, err);
		report_clear(&leader);
		return result;
	}
	if (leader.url == NULL)
		return error_set(err, leader.error.kind, "%s", leader.error.text);
	*out = (struct master_roll){.items = xmemdup(&leader, sizeof(leader)), .count = 1};
	return 0;
}
