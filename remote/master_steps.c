/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master_steps.h"

#include <stddef.h>

const struct master_step master_steps[] = {
	{STEP_GET_AGENTS, "/api/v1", "{\"type\":\"GET_AGENTS\"}", false, master_parse_get_agents},
	/* In protobuf a master leaves the tasks of completed frameworks out (seen at 1.12). */
	{STEP_GET_TASKS, "/api/v1", "{\"type\":\"GET_TASKS\"}", true, master_parse_get_tasks},
	{STEP_GET_FRAMEWORKS, "/api/v1", "{\"type\":\"GET_FRAMEWORKS\"}", false, master_parse_get_frameworks},
	{STEP_GET_MASTER, "/api/v1", "{\"type\":\"GET_MASTER\"}", false, master_parse_get_master},
	{STEP_SLAVES, "/slaves", NULL, true, master_parse_slaves},
	{STEP_STATE, "/state", NULL, true, NULL}, /* it also depends on what is wanted */
	{STEP_FLAGS, "/flags", NULL, true, master_parse_flags},
};

unsigned master_steps_for(unsigned want, enum form form)
{
	unsigned todo = 0;
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
