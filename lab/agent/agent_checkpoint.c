/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "mesos/pb.h"

#define RECORD_MAX (4u << 20)

char *agent_meta_path(const struct agent *agent, const char *format, ...)
{
	char rest[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	char *inside = xasprintf("%s/meta/%s", agent->work_dir, rest), *path = path_under(agent->root, inside);
	free(inside);
	return path;
}

/* A 4-byte length in host byte order, then the message. */
static void put_record(struct buffer *out, const void *message)
{
	struct buffer bytes = BUFFER_INIT(RECORD_MAX);
	pb_pack(message, &bytes);
	uint32_t len = (uint32_t)bytes.len;
	buffer_append(out, &len, sizeof(len));
	buffer_append(out, bytes.data, bytes.len);
	buffer_clear(&bytes);
}

/* Takes path. */
static int write_record(char *path, const void *message, struct error *err)
{
	struct buffer record = BUFFER_INIT(RECORD_MAX + 4);
	put_record(&record, message);
	int result = files_write(path, record.data, record.len, 0644, err);
	buffer_clear(&record);
	free(path);
	return result;
}

/* Takes path. */
static int write_text(char *path, const char *text, struct error *err)
{
	int result = files_write(path, text, strlen(text), 0644, err);
	free(path);
	return result;
}

int agent_checkpoint_boot_id(const struct agent *agent, struct error *err)
{
	char *boot_id = agent_boot_id(agent);
	int result = write_text(agent_meta_path(agent, "boot_id"), boot_id != NULL ? boot_id : "", err);
	free(boot_id);
	return result;
}

int agent_checkpoint_self(const struct agent *agent, struct error *err)
{
	const char *id = agent->info->id->value;
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	checkpoint_build(agent->info, &bytes);
	char *path = agent_meta_path(agent, "slaves/%s/slave.info", id);
	int result = files_write(path, bytes.data, bytes.len, 0644, err);
	buffer_clear(&bytes);
	free(path);
	if (result < 0)
		return -1;
	/* On a real host the link is absolute. Here that would name a path outside the host's root. */
	path = agent_meta_path(agent, "slaves/latest");
	result = files_link(id, path, err);
	free(path);
	return result < 0 ? -1 : agent_checkpoint_boot_id(agent, err);
}

static char *executor_path(const struct agent *agent, const struct agent_task *task, const char *rest)
{
	return agent_meta_path(agent, "slaves/%s/frameworks/%s/executors/%s/%s", agent->info->id->value,
			       task->framework->id->value, task->executor->executor_id->value, rest);
}

static char *run_path(const struct agent *agent, const struct agent_task *task, const char *rest)
{
	char *inside = xasprintf("runs/%s/%s", task->container, rest), *path = executor_path(agent, task, inside);
	free(inside);
	return path;
}

static char *task_path(const struct agent *agent, const struct agent_task *task, const char *name)
{
	char *inside = xasprintf("tasks/%s/%s", task->task->task_id->value, name),
	     *path = run_path(agent, task, inside);
	free(inside);
	return path;
}

/* task.info is the task as it was launched: without the statuses it got since. */
static int write_task_info(const struct agent *agent, const struct agent_task *task, struct error *err)
{
	Mesos__Task bare = *task->task;
	bare.n_statuses = 0;
	bare.statuses = NULL;
	bare.state = MESOS__TASK_STATE__TASK_STAGING;
	bare.has_status_update_state = bare.has_status_update_uuid = false;
	return write_record(task_path(agent, task, "task.info"), &bare, err);
}

int agent_checkpoint_framework(const struct agent *agent, const Mesos__FrameworkInfo *framework, struct error *err)
{
	if (!framework->checkpoint)
		return 0;
	return write_record(agent_meta_path(agent, "slaves/%s/frameworks/%s/framework.info", agent->info->id->value,
					    framework->id->value),
			    framework, err);
}

int agent_checkpoint_task(const struct agent *agent, const struct agent_task *task, struct error *err)
{
	const char *slave = agent->info->id->value, *framework = task->framework->id->value;
	if (!task->framework->checkpoint)
		return 0;
	if (agent_checkpoint_framework(agent, task->framework, err) < 0 ||
	    write_text(agent_meta_path(agent, "slaves/%s/frameworks/%s/framework.pid", slave, framework), "@0.0.0.0:0",
		       err) < 0 ||
	    write_record(executor_path(agent, task, "executor.info"), task->executor, err) < 0 ||
	    (mesos_version_at_least(&agent->release.version, 1, 10) &&
	     write_text(executor_path(agent, task, "executor_generated_for_command_task"), "1", err) < 0) ||
	    write_task_info(agent, task, err) < 0)
		return -1;
	char *link = executor_path(agent, task, "runs/latest");
	int result = files_link(task->container, link, err);
	free(link);
	return result;
}

int agent_checkpoint_pid(const struct agent *agent, const struct agent_task *task, struct error *err)
{
	char pid[32];
	if (!task->framework->checkpoint)
		return 0;
	snprintf(pid, sizeof(pid), "%ld", (long)task->pid);
	if (write_text(run_path(agent, task, "pids/forked.pid"), pid, err) < 0)
		return -1;
	char *address = xasprintf("executor(1)@%s:%d", agent->ip, 30000 + (int)(task->pid % 30000));
	int result = write_text(run_path(agent, task, "pids/libprocess.pid"), address, err);
	free(address);
	return result;
}

static int append_file(char *path, const struct buffer *bytes, struct error *err)
{
	FILE *file = fopen(path, "ae");
	bool fine = file != NULL && fwrite(bytes->data, 1, bytes->len, file) == bytes->len;
	if (file != NULL && fclose(file) != 0)
		fine = false;
	int result = fine ? 0 : error_set(err, ERROR_SYSTEM, "cannot write %s", path);
	free(path);
	return result;
}

static void put_acknowledgement(const ProtobufCBinaryData *uuid, struct buffer *out)
{
	Mesos__StatusUpdateRecord record = MESOS__STATUS_UPDATE_RECORD__INIT;
	record.type = MESOS__STATUS_UPDATE_RECORD__TYPE__ACK;
	record.has_uuid = true;
	record.uuid = *uuid;
	put_record(out, &record);
}

int agent_checkpoint_acknowledgement(const struct agent *agent, const struct agent_task *task,
				     const ProtobufCBinaryData *uuid, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(RECORD_MAX);
	if (!task->framework->checkpoint)
		return 0;
	put_acknowledgement(uuid, &bytes);
	int result = append_file(task_path(agent, task, "task.updates"), &bytes, err);
	buffer_clear(&bytes);
	return result;
}

/* The lab's frameworks acknowledge at once. */
int agent_checkpoint_update(const struct agent *agent, const struct agent_task *task, const Mesos__TaskStatus *status,
			    struct error *err)
{
	Mesos__StatusUpdate update = MESOS__STATUS_UPDATE__INIT;
	Mesos__StatusUpdateRecord record = MESOS__STATUS_UPDATE_RECORD__INIT;
	struct buffer bytes = BUFFER_INIT(RECORD_MAX);
	Mesos__TaskStatus copy = *status;
	if (!task->framework->checkpoint)
		return 0;
	update.framework_id = task->framework->id;
	update.executor_id = task->executor->executor_id;
	update.slave_id = agent->info->id;
	update.status = &copy;
	update.timestamp = status->timestamp;
	update.has_uuid = status->has_uuid;
	update.uuid = status->uuid;
	record.type = MESOS__STATUS_UPDATE_RECORD__TYPE__UPDATE;
	record.update = &update;
	put_record(&bytes, &record);
	if (!agent_update_is_acknowledged(task->framework))
		put_acknowledgement(&status->uuid, &bytes);
	int result = append_file(task_path(agent, task, "task.updates"), &bytes, err);
	buffer_clear(&bytes);
	return result;
}

int agent_checkpoint_sentinel(const struct agent *agent, const struct agent_task *task, struct error *err)
{
	if (!task->framework->checkpoint)
		return 0;
	return write_text(run_path(agent, task, "executor.sentinel"), "", err);
}

/* ---- the drain */

static char *drain_path(const struct agent *agent)
{
	return agent_meta_path(agent, "slaves/%s/drain.config", agent->info->id->value);
}

int agent_checkpoint_drain(const struct agent *agent, struct error *err)
{
	char *path = drain_path(agent);
	if (agent->drain != NULL)
		return write_record(path, agent->drain, err);
	int result = unlink(path) == 0 || errno == ENOENT
			     ? 0
			     : error_errno(err, ERROR_SYSTEM, errno, "cannot remove %s", path);
	free(path);
	return result;
}

/* ---- and back */

/* Takes path. The first record of a file as a message. */
static void *read_record(char *path, const ProtobufCMessageDescriptor *descriptor)
{
	struct buffer bytes = BUFFER_INIT(RECORD_MAX + 4);
	uint32_t len = 0;
	void *message = NULL;
	if (file_read(path, &bytes, NULL) == 0 && bytes.len >= sizeof(len)) {
		memcpy(&len, bytes.data, sizeof(len));
		if (len <= bytes.len - sizeof(len))
			message = pb_unpack(descriptor, bytes.data + sizeof(len), len);
	}
	buffer_clear(&bytes);
	free(path);
	return message;
}

static void take_update(struct agent_task *task, Mesos__StatusUpdateRecord *record)
{
	if (record->update == NULL) {
		if (record->has_uuid)
			agent_update_forget(task->agent, &record->uuid);
		return;
	}
	if (agent_update_is_acknowledged(task->framework))
		agent_update_queue(task->agent, task, record->update->status);
	Mesos__TaskStatus *status = pb_copy(record->update->status);
	task->task->state = status->state;
	PB_APPEND(task->task->statuses, task->task->n_statuses, status);
}

static void read_updates(struct agent *agent, struct agent_task *task)
{
	struct buffer bytes = BUFFER_INIT(64u << 20);
	char *path = task_path(agent, task, "task.updates");
	if (file_exists(path) && file_read(path, &bytes, NULL) == 0) {
		for (size_t at = 0; at + sizeof(uint32_t) <= bytes.len;) {
			uint32_t len;
			memcpy(&len, bytes.data + at, sizeof(len));
			at += sizeof(len);
			if (len > bytes.len - at)
				break;
			Mesos__StatusUpdateRecord *record = pb_unpack(&mesos__status_update_record__descriptor,
								      bytes.data + at, len);
			if (record != NULL)
				take_update(task, record);
			pb_free(record);
			at += len;
		}
	}
	buffer_clear(&bytes);
	free(path);
}

struct agent_task *agent_checkpoint_read_task(struct agent *agent, const struct checkpoint_task *from)
{
	const char *slave = agent->info->id->value;
	struct agent_task *task = xcalloc(1, sizeof(*task));
	task->agent = agent;
	task->container = xstrdup(from->container_id);
	task->pid = (pid_t)from->executor_pid;
	task->framework =
		read_record(agent_meta_path(agent, "slaves/%s/frameworks/%s/framework.info", slave, from->framework_id),
			    &mesos__framework_info__descriptor);
	task->executor = read_record(agent_meta_path(agent, "slaves/%s/frameworks/%s/executors/%s/executor.info", slave,
						     from->framework_id, from->executor_id),
				     &mesos__executor_info__descriptor);
	task->task = read_record(
		agent_meta_path(agent, "slaves/%s/frameworks/%s/executors/%s/runs/%s/tasks/%s/task.info", slave,
				from->framework_id, from->executor_id, from->container_id, from->task_id),
		&mesos__task__descriptor);
	if (task->framework == NULL || task->framework->id == NULL || task->executor == NULL || task->task == NULL) {
		agent_task_free(task);
		return NULL;
	}
	read_updates(agent, task);
	return task;
}

Mesos__DrainInfo__Config *agent_checkpoint_read_drain(const struct agent *agent)
{
	return read_record(drain_path(agent), &mesos__drain_info__config__descriptor);
}
