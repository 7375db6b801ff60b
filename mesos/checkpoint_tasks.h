/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_CHECKPOINT_TASKS_H
#define MESOS_CHECKPOINT_TASKS_H
/* The tasks below an agent's folder: frameworks/<id>/executors/<id>/runs/<container>/tasks/<id>. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "mesos/checkpoint.h"
#include "mesos/checkpoint_files.h"

/* written_ms: the newest time of a folder there (files come and go by renaming) and of task.updates (which grows). */
int checkpoint_tasks_read(const struct meta_dir *agent, struct checkpoint_task **tasks, size_t *count,
			  int64_t *written_ms, struct error *err);
void checkpoint_tasks_free(struct checkpoint_task *tasks, size_t count);

#endif
