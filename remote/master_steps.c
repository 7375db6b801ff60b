/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master_steps.h"

#include <stddef.h>

const struct master_step master_steps[] = {
	{STEP_GET_AGENTS, "/api/v1", "{\"type\":\"GET_AGENTS\"}", false, true, ANSWER_GET_AGENTS},
	/* In protobuf a master leaves the tasks of completed frameworks out (seen at 1.12). They have ended, all of them: a
	 * proof asks for them, an inventory (which spools) does not. */
	{STEP_GET_TASKS, "/api/v1", "{\"type\":\"GET_TASKS\"}", true, true, ANSWER_GET_TASKS},
	{STEP_GET_FRAMEWORKS, "/api/v1", "{\"type\":\"GET_FRAMEWORKS\"}", false, true, ANSWER_GET_FRAMEWORKS},
	{STEP_GET_MASTER, "/api/v1", "{\"type\":\"GET_MASTER\"}", false, false, ANSWER_GET_MASTER},
	{STEP_SLAVES, "/slaves", NULL, true, true, ANSWER_SLAVES},
	{STEP_STATE, "/state", NULL, true, true, ANSWER_STATE},
	{STEP_FLAGS, "/flags", NULL, true, false, ANSWER_FLAGS},
	{STEP_METRICS, "/metrics/snapshot", NULL, true, false, ANSWER_METRICS},
};

unsigned master_steps_for(unsigned want, enum form form)
{
	unsigned todo = want & WANT_COUNTS ? STEP_METRICS : 0;
	if (form == FORM_ENDPOINTS) {
		todo |= want & WANT_AGENTS ? STEP_SLAVES : 0;
		todo |= want & (WANT_TASKS | WANT_FACTS) ? STEP_STATE : 0;
		return todo;
	}
	todo |= want & WANT_AGENTS ? STEP_GET_AGENTS : 0;
	todo |= want & WANT_TASKS ? STEP_GET_TASKS | STEP_GET_FRAMEWORKS | STEP_GET_MASTER : 0;
	todo |= want & WANT_FACTS ? STEP_GET_MASTER | STEP_FLAGS : 0;
	return todo;
}
