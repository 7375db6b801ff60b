/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master.h"

#include <stdlib.h>
#include <string.h>

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
	free(snapshot->agents);
	free(snapshot->tasks);
	free(snapshot->completed);
	free(snapshot->frameworks);
	master_facts_clear(&snapshot->facts);
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
