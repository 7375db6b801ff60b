/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_TASKS_H
#define LAB_MASTER_TASKS_H
/* What tasks.c and tasks_lost.c share. */
#include "lab/master/master.h"

/* From its agent's tasks to the completed ones; the oldest of its framework may be forgotten for it. */
void master_task_complete(struct master *master, struct master_task *task);
void master_task_count(struct master *master, Mesos__TaskState state);     /* for the metrics, if it is an end */
void master_task_dropped(struct master *master, struct master_task *task); /* its agent does not know it */
/* A status of the master's own, of now, without a reason yet. The caller's. */
Mesos__TaskStatus *master_word(const Mesos__Task *task, Mesos__TaskState state);

#endif
