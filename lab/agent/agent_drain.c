/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent is drained: every task is killed within the grace that the master allows, and what their frameworks hear
 * says why. It drains until its last task is gone, also when it is restarted meanwhile.
 */
#include "base/clock.h"
#include "base/log.h"
#include "lab/agent/agent.h"
#include "lab/core/wire.h"
#include "mesos/pb.h"

#define GRACE_MS 3000 /* the command executor's own, when nobody names one */

static int64_t grace_ms(const struct agent *agent)
{
	const Mesos__DurationInfo *longest = agent->drain->max_grace_period;
	return lab_scaled_ms(agent->lab, longest != NULL ? longest->nanoseconds / 1000000 : GRACE_MS);
}

static void save(const struct agent *agent)
{
	struct error err = ERROR_INIT;
	if (agent_checkpoint_drain(agent, &err) < 0)
		log_warning("%s", err.text);
}

void agent_drain(struct agent *agent, const json_t *message)
{
	Mesos__DrainInfo__Config *config = wire_unpack(&mesos__drain_info__config__descriptor,
						       json_object_get(message, "config"));
	if (config == NULL || agent->tasks == NULL) {
		agent_say(agent, 'I', "slave.cpp:1082",
			  "Received DrainConfig; agent has no stored frameworks, tasks, or "
			  "operations, so draining is already complete");
		pb_free(config);
		return;
	}
	agent_say(agent, 'I', "slave.cpp:1117", "Initiating drain");
	pb_free(agent->drain);
	agent->drain = config;
	agent->drain_started = (double)clock_wall_ms() / 1000;
	save(agent);
	for (const struct agent_task *task = agent->tasks; task != NULL; task = task->next)
		agent_kill(task, grace_ms(agent));
}

void agent_drain_recover(struct agent *agent)
{
	agent->drain = agent_checkpoint_read_drain(agent);
	agent_drain_check(agent);
}

void agent_drain_check(struct agent *agent)
{
	if (agent->drain == NULL || agent->tasks != NULL)
		return;
	agent_say(agent, 'I', "slave.cpp:10252", "Agent finished draining");
	pb_free(agent->drain);
	agent->drain = NULL;
	agent->drain_started = 0;
	save(agent);
}

static bool partition_aware(const struct agent_task *task)
{
	const Mesos__FrameworkInfo *framework = task->framework;
	for (size_t i = 0; i < framework->n_capabilities; i++) {
		if (framework->capabilities[i]->type == MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE)
			return true;
	}
	return false;
}

/* Where the agent is to be gone afterwards, its tasks are gone already when they are about to be killed. */
void agent_drain_mark(const struct agent_task *task, Mesos__TaskStatus *status)
{
	const Mesos__DrainInfo__Config *drain = task->agent->drain;
	if (drain == NULL ||
	    (status->state != MESOS__TASK_STATE__TASK_KILLING && status->state != MESOS__TASK_STATE__TASK_KILLED))
		return;
	status->has_reason = true;
	status->reason = MESOS__TASK_STATUS__REASON__REASON_SLAVE_DRAINING;
	if (drain->mark_gone && partition_aware(task))
		status->state = MESOS__TASK_STATE__TASK_GONE_BY_OPERATOR;
}
