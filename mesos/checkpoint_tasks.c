/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/checkpoint_tasks.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/pb.h"

/* A status is below a KB, and a long-lived task with health checks has thousands of them. */
#define UPDATES_MAX (64u << 20)
#define PID_MAX     32

/* Where the walk is. */
struct walk {
	struct checkpoint_task **tasks;
	size_t *count;
	const char *framework, *executor, *container;
	bool framework_checkpoints;
	bool executor_done;
	long executor_pid;
};

void checkpoint_tasks_free(struct checkpoint_task *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(tasks[i].framework_id);
		free(tasks[i].executor_id);
		free(tasks[i].container_id);
		free(tasks[i].task_id);
	}
	free(tasks);
}

/* Calls visit for every folder in the folder `name` of dir; that there is none is fine. */
static int each_folder(const struct meta_dir *dir, const char *name, struct walk *walk,
		       int (*visit)(const struct meta_dir *dir, const char *name, struct walk *walk, struct error *err),
		       struct error *err)
{
	struct meta_dir parent, child;
	enum meta_found found = meta_open_in(dir, name, &parent, err);
	char **names = NULL;
	size_t count = 0;
	int rc = 0;

	if (found != META_FOUND)
		return found == META_FAILED ? -1 : 0;
	rc = meta_list(&parent, &names, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		found = meta_open_in(&parent, names[i], &child, err);
		if (found == META_FAILED)
			rc = -1;
		if (found != META_FOUND)
			continue; /* the agent took it away meanwhile */
		rc = visit(&child, names[i], walk, err);
		meta_close(&child);
	}
	meta_list_free(names, count);
	meta_close(&parent);
	return rc;
}

/* ---- one task */

static bool is_terminal(Mesos__TaskState state)
{
	switch (state) {
	case MESOS__TASK_STATE__TASK_FINISHED:
	case MESOS__TASK_STATE__TASK_FAILED:
	case MESOS__TASK_STATE__TASK_KILLED:
	case MESOS__TASK_STATE__TASK_ERROR:
	case MESOS__TASK_STATE__TASK_LOST:
	case MESOS__TASK_STATE__TASK_DROPPED:
	case MESOS__TASK_STATE__TASK_GONE:
	case MESOS__TASK_STATE__TASK_GONE_BY_OPERATOR:
		return true;
	default:
		return false;
	}
}

/* One record after the other, each with its length; an unfinished one at the end is what a crash leaves. */
static bool last_update_is_terminal(const struct buffer *bytes)
{
	bool terminal = false;
	size_t at = 0;
	uint32_t size;

	while (bytes->len - at >= sizeof(size)) {
		Mesos__StatusUpdateRecord *record;

		memcpy(&size, bytes->data + at, sizeof(size));
		at += sizeof(size);
		if (size > bytes->len - at)
			break;
		record = pb_unpack(&mesos__status_update_record__descriptor, bytes->data + at, size);
		if (record == NULL)
			break;
		if (record->type == MESOS__STATUS_UPDATE_RECORD__TYPE__UPDATE && record->update != NULL)
			terminal = is_terminal(record->update->status->state);
		pb_free(record);
		at += size;
	}
	return terminal;
}

static bool task_is_done(const struct meta_dir *dir)
{
	struct buffer updates = BUFFER_INIT(UPDATES_MAX);
	bool done = meta_read(dir, "task.updates", &updates, NULL) == META_FOUND && last_update_is_terminal(&updates);

	buffer_clear(&updates);
	return done;
}

static int visit_task(const struct meta_dir *dir, const char *name, struct walk *walk, struct error *err)
{
	struct checkpoint_task task = {
		.framework_checkpoints = walk->framework_checkpoints,
		.executor_pid = walk->executor_pid,
	};

	(void)err;
	if (!meta_has(dir, "task.info"))
		return 0;
	task.completed = walk->executor_done || task_is_done(dir);
	task.framework_id = xstrdup(walk->framework);
	task.executor_id = xstrdup(walk->executor);
	task.container_id = xstrdup(walk->container);
	task.task_id = xstrdup(name);
	PB_APPEND(*walk->tasks, *walk->count, task);
	return 0;
}

/* ---- runs, executors, frameworks */

static long read_pid(const struct meta_dir *run)
{
	struct meta_dir pids;
	struct buffer text = BUFFER_INIT(PID_MAX);
	long pid = 0;
	char *end;

	if (meta_open_in(run, "pids", &pids, NULL) != META_FOUND)
		return 0;
	if (meta_read(&pids, "forked.pid", &text, NULL) == META_FOUND)
		pid = strtol(buffer_text(&text), &end, 10);
	buffer_clear(&text);
	meta_close(&pids);
	return pid > 0 ? pid : 0;
}

static int visit_run(const struct meta_dir *dir, const char *name, struct walk *walk, struct error *err)
{
	walk->container = name;
	walk->executor_done = meta_has(dir, "executor.sentinel");
	walk->executor_pid = read_pid(dir);
	return each_folder(dir, "tasks", walk, visit_task, err);
}

static int visit_executor(const struct meta_dir *dir, const char *name, struct walk *walk, struct error *err)
{
	walk->executor = name;
	return each_folder(dir, "runs", walk, visit_run, err);
}

/* An empty framework.info is what a crash leaves: the agent passes the framework over. */
static int visit_framework(const struct meta_dir *dir, const char *name, struct walk *walk, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	enum meta_found found = meta_read(dir, "framework.info", &bytes, err);
	Mesos__FrameworkInfo *info = NULL;
	uint32_t size = 0;
	int rc = found == META_FAILED ? -1 : 0;

	if (bytes.len >= sizeof(size))
		memcpy(&size, bytes.data, sizeof(size));
	if (bytes.len >= sizeof(size) && size <= bytes.len - sizeof(size))
		info = pb_unpack(&mesos__framework_info__descriptor, bytes.data + sizeof(size), size);
	if (bytes.len > 0 && info == NULL)
		rc = error_set(err, ERROR_CORRUPT, "%s/framework.info is truncated or no FrameworkInfo", dir->path);
	if (rc == 0 && info != NULL) {
		walk->framework = name;
		walk->framework_checkpoints = info->has_checkpoint && info->checkpoint;
		rc = each_folder(dir, "executors", walk, visit_executor, err);
	}
	pb_free(info);
	buffer_clear(&bytes);
	return rc;
}

int checkpoint_tasks_read(const struct meta_dir *agent, struct checkpoint_task **tasks, size_t *count,
			  struct error *err)
{
	struct walk walk = {.tasks = tasks, .count = count};

	return each_folder(agent, "frameworks", &walk, visit_framework, err);
}
