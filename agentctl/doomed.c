/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/doomed.h"

#include <string.h>

#include "base/alloc.h"

/* Of more, the first are named. */
#define NAMED_MAX 3
#define NAMES_MAX 4096

static void names_add(struct doomed_names *names, char *name)
{
	names->items = xreallocarray(names->items, names->count + 1, sizeof *names->items);
	names->items[names->count++] = name;
}

static void names_clear(struct doomed_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	memset(names, 0, sizeof *names);
}

static void names_list(const struct doomed_names *names, struct buffer *out)
{
	for (size_t i = 0; i < names->count && i < NAMED_MAX; i++)
		buffer_printf(out, "%s%.200s", i == 0 ? "" : ", ", names->items[i]);
	if (names->count > NAMED_MAX)
		buffer_puts(out, ", …");
}

void doomed_add(struct doomed *doomed, const char *framework, const char *executor, const char *task)
{
	char *name = xasprintf("%s/%s", framework == NULL ? "?" : framework, executor == NULL ? "?" : executor);

	if (task != NULL)
		names_add(&doomed->tasks, xstrdup(task));
	doomed->unknown_tasks = doomed->unknown_tasks || task == NULL;
	for (size_t i = 0; i < doomed->executors.count; i++) {
		if (strcmp(doomed->executors.items[i], name) == 0) {
			free(name);
			return;
		}
	}
	names_add(&doomed->executors, name);
}

void doomed_add_task(struct doomed *doomed, const struct checkpoint_task *task)
{
	doomed_add(doomed, task->framework_id, task->executor_id, task->task_id);
}

void doomed_report(struct doomed *doomed, const char *code, enum finding_severity severity, const char *why,
		   struct findings *out)
{
	struct buffer executors = BUFFER_INIT(NAMES_MAX);
	struct buffer tasks = BUFFER_INIT(NAMES_MAX);
	size_t count = doomed->executors.count;

	names_list(&doomed->executors, &executors);
	if (doomed->unknown_tasks)
		buffer_puts(&tasks, count == 1 ? "its tasks" : "their tasks");
	else
		buffer_printf(&tasks, "%zu task%s (", doomed->tasks.count, doomed->tasks.count == 1 ? "" : "s");
	if (!doomed->unknown_tasks)
		names_list(&doomed->tasks, &tasks);
	if (count > 0)
		findings_add(out, code, severity, "%zu executor%s would end with %s%s: %s (%s)", count,
			     count == 1 ? "" : "s", buffer_text(&tasks), doomed->unknown_tasks ? "" : ")", why,
			     buffer_text(&executors));
	buffer_clear(&tasks);
	buffer_clear(&executors);
	names_clear(&doomed->executors);
	names_clear(&doomed->tasks);
	doomed->unknown_tasks = false;
}
