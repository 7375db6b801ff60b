/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/checkpoint_tasks.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/pb.h"
#include "mesos/task_state.h"

/* A status is below a KB, and a long-lived task with health checks has thousands of them. */
#define UPDATES_MAX (64u << 20)
#define PID_MAX     32

/* Where the walk is. */
struct walk {
	struct checkpoint_task **tasks;
	size_t *count;
	int64_t *written_ms;
	const char *framework, *executor, *container;
	bool framework_checkpoints;
	bool executor_done;
	long executor_pid;
	enum executor_api executor_api;
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

static void note_time(struct walk *walk, int64_t ms)
{
	if (ms > *walk->written_ms)
		*walk->written_ms = ms;
}

typedef int visit_folder(const struct meta_dir *parent, const char *name, struct walk *walk, struct error *err);

/* Calls visit for every folder in the folder `name` of dir; that there is none is fine (the agent may have taken it away meanwhile). What
 * is inside is reached from the parent, by a path of at most three names: a large host has a thousand of each, and every folder
 * that is opened for one file counts. */
static int each_folder(const struct meta_dir *dir, const char *name, struct walk *walk, visit_folder *visit,
		       struct error *err)
{
	struct meta_dir parent;
	enum meta_found found = meta_open_in(dir, name, &parent, err);
	char **names = NULL;
	size_t count = 0;
	int rc = 0;

	if (found != META_FOUND)
		return found == META_FAILED ? -1 : 0;
	note_time(walk, meta_time(&parent, NULL));
	rc = meta_list(&parent, &names, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = visit(&parent, names[i], walk, err);
	meta_list_free(names, count);
	meta_close(&parent);
	return rc;
}

/* Folders that a listing has named are no links; of the rest only the last name is, and that is not followed. */
static int each_folder_in(const struct meta_dir *parent, const char *folder, const char *name, struct walk *walk,
			  visit_folder *visit, struct error *err)
{
	char *path = path_join(folder, name);
	int rc = each_folder(parent, path, walk, visit, err);

	free(path);
	return rc;
}

static bool has(const struct meta_dir *parent, const char *folder, const char *name)
{
	char *path = path_join(folder, name);
	bool there = meta_has(parent, path);

	free(path);
	return there;
}

/* ---- one task */

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
			terminal = task_state_is_terminal(record->update->status->state);
		pb_free(record);
		at += size;
	}
	return terminal;
}

static bool task_is_done(const struct meta_dir *parent, const char *name, struct walk *walk)
{
	struct buffer updates = BUFFER_INIT(UPDATES_MAX);
	char *path = path_join(name, "task.updates");
	bool done = walk->executor_done;
	int64_t written_ms = 0;

	if (done)
		written_ms = meta_time(parent, path);
	else
		done = meta_read(parent, path, &updates, &written_ms, NULL) == META_FOUND &&
		       last_update_is_terminal(&updates);
	note_time(walk, written_ms);
	free(path);
	buffer_clear(&updates);
	return done;
}

static int visit_task(const struct meta_dir *parent, const char *name, struct walk *walk, struct error *err)
{
	struct checkpoint_task task = {
		.framework_checkpoints = walk->framework_checkpoints,
		.executor_pid = walk->executor_pid,
		.executor_api = walk->executor_api,
	};

	(void)err;
	if (!has(parent, name, "task.info"))
		return 0;
	task.completed = task_is_done(parent, name, walk);
	task.framework_id = xstrdup(walk->framework);
	task.executor_id = xstrdup(walk->executor);
	task.container_id = xstrdup(walk->container);
	task.task_id = xstrdup(name);
	PB_APPEND(*walk->tasks, *walk->count, task);
	return 0;
}

/* ---- runs, executors, frameworks */

static long read_pid(const struct meta_dir *parent, const char *run)
{
	struct buffer text = BUFFER_INIT(PID_MAX);
	char *path = path_join(run, "pids/forked.pid");
	long pid = 0;

	if (meta_read(parent, path, &text, NULL, NULL) == META_FOUND)
		pid = strtol(buffer_text(&text), NULL, 10);
	buffer_clear(&text);
	free(path);
	return pid > 0 ? pid : 0;
}

/* As the agent decides it: who has a libprocess.pid is not asked for the marker. */
static enum executor_api api_of(const struct meta_dir *parent, const char *run)
{
	if (has(parent, run, "pids/libprocess.pid"))
		return EXECUTOR_DRIVER;
	return has(parent, run, "http.marker") ? EXECUTOR_HTTP : EXECUTOR_UNREGISTERED;
}

static int visit_run(const struct meta_dir *parent, const char *name, struct walk *walk, struct error *err)
{
	walk->container = name;
	walk->executor_done = has(parent, name, "executor.sentinel");
	walk->executor_pid = read_pid(parent, name);
	walk->executor_api = walk->executor_done ? EXECUTOR_UNREGISTERED : api_of(parent, name);
	return each_folder_in(parent, name, "tasks", walk, visit_task, err);
}

static int visit_executor(const struct meta_dir *parent, const char *name, struct walk *walk, struct error *err)
{
	walk->executor = name;
	return each_folder_in(parent, name, "runs", walk, visit_run, err);
}

/* An empty framework.info is what a crash leaves: the agent passes the framework over. */
static int visit_framework(const struct meta_dir *parent, const char *name, struct walk *walk, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	char *path = path_join(name, "framework.info");
	enum meta_found found = meta_read(parent, path, &bytes, NULL, err);
	Mesos__FrameworkInfo *info = NULL;
	uint32_t size = 0;
	int rc = found == META_FAILED ? -1 : 0;

	if (bytes.len >= sizeof(size))
		memcpy(&size, bytes.data, sizeof(size));
	if (bytes.len >= sizeof(size) && size <= bytes.len - sizeof(size))
		info = pb_unpack(&mesos__framework_info__descriptor, bytes.data + sizeof(size), size);
	if (bytes.len > 0 && info == NULL)
		rc = error_set(err, ERROR_CORRUPT, "%s/%s is truncated or no FrameworkInfo", parent->path, path);
	if (rc == 0 && info != NULL) {
		walk->framework = name;
		walk->framework_checkpoints = info->has_checkpoint && info->checkpoint;
		rc = each_folder_in(parent, name, "executors", walk, visit_executor, err);
	}
	pb_free(info);
	free(path);
	buffer_clear(&bytes);
	return rc;
}

int checkpoint_tasks_read(const struct meta_dir *agent, struct checkpoint_task **tasks, size_t *count,
			  int64_t *written_ms, struct error *err)
{
	struct walk walk = {.tasks = tasks, .count = count, .written_ms = written_ms};

	return each_folder(agent, "frameworks", &walk, visit_framework, err);
}
