/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_TASK_STATE_H
#define MESOS_TASK_STATE_H
/* What a task's state means. */
#include <stdbool.h>

#include "schema/mesos.pb-c.h"

/* Does the task never run again? Neither UNREACHABLE nor UNKNOWN says so: the task may come back with its agent. */
bool task_state_is_terminal(Mesos__TaskState state);

#endif
