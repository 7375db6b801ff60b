/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/agent/agent.h"
#include "lab/core/faults.h"
#include "lab/core/files.h"
#include "mesos/recovery.h"

char *agent_boot_id(const struct agent *agent)
{
	char *path = path_join(agent->root, "proc/sys/kernel/random/boot_id");
	char *boot_id = files_read_line(path);
	free(path);
	return boot_id;
}

static bool rebooted(const struct agent *agent, const struct checkpoint_state *state)
{
	char *now = agent_boot_id(agent);
	bool differs = now != NULL && state->boot_id != NULL && strcmp(now, state->boot_id) != 0;
	free(now);
	return differs;
}

static void forget_latest(const struct agent *agent)
{
	char *path = agent_meta_path(agent, "slaves/latest");
	unlink(path);
	free(path);
}

/* The agent takes an empty slave.info for one it never wrote. */
static bool is_empty(const struct agent *agent)
{
	struct stat st;
	char *path = agent_meta_path(agent, "slaves/latest/slave.info");
	bool empty = stat(path, &st) == 0 && st.st_size == 0;
	free(path);
	return empty;
}

static void say_recovering(const struct agent *agent, const struct agent_task *task)
{
	char *text = xasprintf("Recovering executor '%s' of framework %s", task->executor->executor_id->value,
			       task->framework->id->value);
	agent_say(agent, 'I', "slave.cpp:10509", text);
	free(text);
}

static void read_tasks(struct agent *agent, const struct checkpoint_state *state)
{
	for (size_t i = 0; i < state->task_count; i++) {
		struct agent_task *task = agent_checkpoint_read_task(agent, &state->tasks[i]);
		if (task == NULL)
			continue;
		if (state->tasks[i].completed) {
			agent_task_complete(agent, task);
			continue;
		}
		task->next = agent->tasks;
		agent->tasks = task;
		say_recovering(agent, task);
	}
	agent_drain_recover(agent);
}

/* discard: any SlaveInfo goes, and what can still refuse are reservations that no longer fit. */
static bool judge(struct agent *agent, const struct checkpoint_state *state, bool discard, struct buffer *message)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false};
	const char *policy = agent_flag(&agent->flags, "reconfiguration_policy");
	rules.policy = strcmp(policy, "additive") == 0 ? POLICY_ADDITIVE : POLICY_EQUAL;
	rules.recover_state = !discard;
	rules.ignore = agent_proposal_ignores(agent);
	rules.version = agent->release.version;
	recovery_check(state->info, agent->info, &state->reserved, &rules, &verdict);
	bool accepted = verdict.accepted;
	agent->changed = !discard && accepted && verdict.differs != 0;
	if (!accepted && message != NULL)
		buffer_append(message, verdict.message.data, verdict.message.len);
	else if (accepted && message != NULL && verdict.message.len > 0 && discard == agent_proposal_discards(agent))
		agent_proposal_warn(agent, buffer_text(&verdict.message));
	verdict_clear(&verdict);
	return accepted;
}

/* --recover_state=false: the old state counts for nothing but the ID, also after a reboot. Its tasks are only known so
 * that they can be ended, as soon as there is a master that can store the new state. */
static void take_id_only(struct agent *agent, struct checkpoint_state *state)
{
	slaveinfo_set_id(agent->info, state->agent_id);
	read_tasks(agent, state);
	agent->changed = slaveinfo_diff(state->info, agent->info) != 0;
	agent->discards = true;
}

static int take_over(struct agent *agent, struct checkpoint_state *state, struct buffer *refusal)
{
	struct fault fault;
	bool forget = fault_is_armed(agent->lab, agent->host, "new-id", &fault) &&
		      fault_strikes(agent->lab, agent->host, &fault);
	if (!judge(agent, state, true, refusal))
		return -1;
	if (agent_proposal_discards(agent) && !forget) {
		take_id_only(agent, state);
		return 0;
	}
	if (forget || (rebooted(agent, state) && !judge(agent, state, false, NULL))) {
		forget_latest(agent);
		return 0;
	}
	if (!judge(agent, state, false, refusal))
		return -1;
	slaveinfo_set_id(agent->info, state->agent_id);
	read_tasks(agent, state);
	agent->news = agent->changed && agent->release.proposal;
	return 0;
}

static void say_state(const struct agent *agent, const char *place, const char *before, const char *after)
{
	char *text = xasprintf("%s '%s/meta'%s", before, agent->work_dir, after);
	agent_say(agent, 'I', place, text);
	free(text);
}

int agent_recover(struct agent *agent, struct buffer *refusal, struct error *err)
{
	struct checkpoint_state state = {.agent_id = NULL};
	say_state(agent, "state.cpp:68", "Recovering state from", "");
	if (is_empty(agent))
		return 0;
	if (checkpoint_read(agent->root, agent->work_dir, &state, err) < 0)
		return error_prefix(err, "Failed to perform recovery: Failed to recover agent state");
	resources_copy(&agent->reserved, state.reserved.items, state.reserved.count);
	say_state(agent, "slave.cpp:7753", "Finished recovering checkpointed state from", ", beginning agent recovery");
	int result = state.agent_id != NULL && state.info != NULL ? take_over(agent, &state, refusal) : 0;
	checkpoint_state_clear(&state);
	return result;
}
