/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proposal for relaxed recovery, in an agent of the dialect `proposal`: which differences it accepts, how loudly it
 * says so, what it does with the old state, and whom it tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/agent/agent.h"
#include "mesos/recovery.h"

#define IGNORE_FLAG  "ignore_checkpointed_state"
#define RECOVER_FLAG "recover_state"

int agent_proposal_check(const struct flags *flags, struct error *err)
{
	struct error why = ERROR_INIT;
	unsigned parts;
	const char *given = flags_get(flags, IGNORE_FLAG);
	if (given == NULL || recovery_ignore_parse(given, &parts, &why) == 0)
		return 0;
	return error_set(err, ERROR_USAGE, "Failed to load flag '" IGNORE_FLAG "': %s", why.text);
}

unsigned agent_proposal_ignores(const struct agent *agent)
{
	unsigned parts = 0;
	if (agent->release.proposal)
		recovery_ignore_parse(agent_flag(&agent->flags, IGNORE_FLAG), &parts, NULL);
	return parts;
}

bool agent_proposal_discards(const struct agent *agent)
{
	const char *value = agent_flag(&agent->flags, RECOVER_FLAG);
	return agent->release.proposal && (strcmp(value, "false") == 0 || strcmp(value, "0") == 0);
}

void agent_proposal_warn(const struct agent *agent, const char *text)
{
	static const char bar[] = "**************************************************************";
	char *said = xasprintf("%s\n%s\n%s", bar, text, bar);
	fprintf(stderr, "%s\n", said);
	agent_say(agent, 'W', "slave.cpp:7790", said);
	free(said);
}

int agent_proposal_discard(struct agent *agent, struct error *err)
{
	struct error ignored = ERROR_INIT;
	if (!agent->discards)
		return 0;
	agent->discards = false;
	agent_updates_clear(agent);
	while (agent->tasks != NULL) {
		struct agent_task *task = agent->tasks;
		if (agent_executor_lives(task))
			agent_kill_executor(task);
		agent_checkpoint_sentinel(agent, task, &ignored);
		agent->tasks = task->next;
		agent_task_free(task);
	}
	/* In this order an interruption never leaves a task alive under the new state. */
	return agent_checkpoint_self(agent, err);
}

static bool is_observer(const Mesos__FrameworkInfo *framework)
{
	for (size_t i = 0; i < framework->n_capabilities; i++) {
		if (framework->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__SLAVE_STATE_OBSERVER)
			return true;
	}
	return false;
}

int agent_proposal_settle(struct agent *agent, struct error *err)
{
	if (!agent->news)
		return 0;
	/* The updates are on disk before the new state is: whatever crashes in between, nobody is left out. */
	for (struct agent_task *task = agent->tasks; task != NULL; task = task->next) {
		if (task->task->state == MESOS__TASK_STATE__TASK_RUNNING && is_observer(task->framework))
			agent_task_tell_state(task);
	}
	agent->news = false;
	return agent_checkpoint_self(agent, err);
}

static bool wants_new_master(const struct agent *agent)
{
	bool default_values = agent_proposal_ignores(agent) == PART_DOMAIN && !agent_proposal_discards(agent);
	return agent->release.proposal && !default_values;
}

bool agent_proposal_waits(const struct agent *agent)
{
	return wants_new_master(agent) && !agent->master_met;
}

const char *agent_proposal_refusal(const struct agent *agent)
{
	if (!wants_new_master(agent) || !agent->master_met || agent->master_updates)
		return NULL;
	return "The detected master lacks the AGENT_UPDATE capability: it is older than Mesos 1.5 and cannot store the "
	       "changed state that --" IGNORE_FLAG " or --" RECOVER_FLAG " of this agent allows. Refusing to connect. "
	       "Upgrade the master, or start the agent without these flags.";
}
