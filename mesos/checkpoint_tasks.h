/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_CHECKPOINT_TASKS_H
#define MESOS_CHECKPOINT_TASKS_H
/* The tasks below an agent's folder: frameworks/<id>/executors/<id>/runs/<container>/tasks/<id>. */
#include <stddef.h>

#include "base/error.h"
#include "mesos/checkpoint.h"
#include "mesos/checkpoint_files.h"

int checkpoint_tasks_read(const struct meta_dir *agent, struct checkpoint_task **tasks, size_t *count,
			  struct error *err);
void checkpoint_tasks_free(struct checkpoint_task *tasks, size_t count);

#endif
