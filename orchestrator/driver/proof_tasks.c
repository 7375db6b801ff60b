/* SPDX-License-Identifier: Apache-2.0 */
/* The proof's tasks: which survived, which were killed, which ended by themselves. */
#include "orchestrator/driver/proof_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* The agent's own among all tasks of the cluster. */
static void take_own(struct judge *judge)
{
	const struct task_view *task;
	uint32_t place = 0;

	while ((task = snapshot_index_task(judge->shown, judge->agent->agent_id, &place))) {
		judge->tasks = xreallocarray(judge->tasks, judge->task_count + 1, sizeof(*judge->tasks));
		judge->tasks[judge->task_count++] = task;
	}
}

/* NULL when the master does not know it (any more): its list of completed tasks has an end. */
static const struct task_view *find_task(const struct judge *judge, const struct plan_task *task)
{
	for (size_t i = 0; i < judge->task_count; i++)
		if (strcmp(judge->tasks[i]->id, task->id) == 0 &&
		    strcmp(judge->tasks[i]->framework_id, task->framework_id) == 0)
			return judge->tasks[i];
	return NULL;
}

static bool is_running(const char *state)
{
	return strcmp(state, "TASK_RUNNING") == 0 || strcmp(state, "TASK_STARTING") == 0 ||
	       strcmp(state, "TASK_STAGING") == 0 || strcmp(state, "TASK_KILLING") == 0;
}

/* Ended, but not by the restart: the task itself was done, or somebody killed it. */
static bool ended_by_itself(const struct task_view *task)
{
	return strcmp(task->state, "TASK_FINISHED") == 0 ||
	       (strcmp(task->state, "TASK_KILLED") == 0 && strcmp(task->reason, "REASON_SLAVE_DRAINING") != 0) ||
	       (strcmp(task->state, "TASK_FAILED") == 0 && strcmp(task->reason, "REASON_COMMAND_EXECUTOR_FAILED") == 0);
}

/* The master goes on to list the tasks of an agent that is away as running: until it is back they only may be. */
static bool is_back(const struct judge *judge)
{
	const struct agent_view *view = judge->view;

	return view && (view->active || view->deactivated) &&
	       (!proof_was_restarted(judge) || view->reregistered_ns != judge->before->reregistered_ns);
}

/* The tasks of an agent that was gone for long may be TASK_LOST and run again when it is back. */
static bool may_come_back(const struct judge *judge, const struct task_view *task)
{
	return !task || strcmp(task->state, "TASK_UNREACHABLE") == 0 || !is_back(judge);
}

/* It was to survive: only a person can say that the agent is settled all the same. */
static void judge_loss(struct judge *judge, const struct plan_task *task, const struct task_view *found, json_t *entry)
{
	const struct before_picture *before = judge->before;

	/* While the agent is not back, and no other in its place, nobody knows. */
	json_array_append_new(is_back(judge) || judge->succeeded ? judge->killed : judge->unproven, entry);
	if (!task->survives)
		return;
	if (before->accepted_by && is_back(judge)) {
		json_object_set_new(entry, "accepted_by", json_string(before->accepted_by));
		json_object_set_new(entry, "accepted_ms", json_integer((json_int_t)before->accepted_ms));
		return;
	}
	proof_object(judge, may_come_back(judge, found) ? PROOF_NOT_YET : PROOF_FAIL, "task %s of %s is %s", task->id,
		     task->framework_name ? task->framework_name : task->framework_id,
		     found ? found->state : "not there");
}

static void judge_task(struct judge *judge, const struct plan_task *task)
{
	const struct task_view *found = find_task(judge, task);
	json_t *entry = json_pack("{s:s, s:s, s:s}", "task", task->id, "framework", task->framework_id, "state",
				  found ? found->state : "not listed");

	if (found && is_running(found->state) && !judge->succeeded) {
		json_array_append_new(is_back(judge) ? judge->survived : judge->unproven, entry);
		if (judge->agent->mechanism == MECHANISM_DISCARD && !judge->reverted)
			proof_object(judge, PROOF_NOT_YET, "task %s of %s still runs, and was to be ended", task->id,
				     task->framework_name ? task->framework_name : task->framework_id);
	} else if (found && ended_by_itself(found)) {
		json_array_append_new(judge->ended, entry);
	} else {
		judge_loss(judge, task, found, entry);
	}
}

static bool was_there(const struct before_picture *before, const struct task_view *task)
{
	for (size_t i = 0; i < before->task_count; i++)
		if (strcmp(before->tasks[i].id, task->id) == 0 &&
		    strcmp(before->tasks[i].framework_id, task->framework_id) == 0)
			return true;
	return false;
}

static void list_new_tasks(struct judge *judge)
{
	for (size_t i = 0; i < judge->task_count; i++) {
		const struct task_view *task = judge->tasks[i];

		if (is_running(task->state) && !was_there(judge->before, task))
			json_array_append_new(judge->appeared,
					      json_pack("{s:s, s:s, s:s}", "task", task->id, "framework",
							task->framework_id, "state", task->state));
	}
}

/* Judged whatever became of the agent: who has lost its agent wants to know what else was lost. */
void proof_judge_tasks(struct judge *judge)
{
	take_own(judge);
	for (size_t i = 0; i < judge->before->task_count; i++)
		judge_task(judge, &judge->before->tasks[i]);
	list_new_tasks(judge);
	free(judge->tasks);
}
