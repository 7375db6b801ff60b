/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant 5, line by line. A line that cannot be judged yet makes the whole proof NOT_YET; a line that is wrong for
 * good makes it FAIL; only all lines together PASS.
 */
#include "orchestrator/driver/proof.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

struct judge {
	const struct plan_agent *agent;
	const struct before_picture *before;
	const struct answer *started;
	const struct master_snapshot *snapshot;
	const struct agent_view *view; /* NULL: the master does not show it */
	bool reverted;
	bool succeeded; /* another agent runs in its place: nobody runs what the master still lists under its ID */
	enum proof_result result;
	const struct task_view **tasks; /* of this agent: those it shows first, then those that ended */
	size_t task_count;
	json_t *lines, *survived, *killed, *unproven, *ended, *appeared;
	struct buffer reason; /* the first thing that keeps it from PASS */
};

static void object(struct judge *judge, enum proof_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void object(struct judge *judge, enum proof_result result, const char *format, ...)
{
	va_list args;
	char text[1024];

	/* FAIL outweighs NOT_YET, and its reason is the one to tell. */
	if (judge->result == PROOF_FAIL || (judge->result == PROOF_NOT_YET && result == PROOF_NOT_YET))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buffer_reset(&judge->reason);
	buffer_puts(&judge->reason, text);
	judge->result = result;
}

static void add_line(struct judge *judge, const char *what, json_t *planned, json_t *found, bool ok)
{
	json_array_append_new(judge->lines, json_pack("{s:s, s:o, s:o, s:b}", "what", what, "planned", planned, "found",
						      found, "ok", ok));
}

/* ---- the lines */

static const struct agent_view *find_successor(const struct judge *judge)
{
	for (size_t i = 0; i < judge->snapshot->agent_count; i++) {
		const struct agent_view *other = &judge->snapshot->agents[i];

		if (strcmp(other->id, judge->agent->agent_id) != 0 && other->active &&
		    other->port == judge->agent->port && strcmp(other->hostname, judge->agent->hostname) == 0 &&
		    strcmp(other->ip, judge->agent->ip) == 0)
			return other;
	}
	return NULL;
}

static void judge_id(struct judge *judge)
{
	const struct agent_view *successor = find_successor(judge);
	const char *found = judge->view ? judge->view->id : NULL;

	judge->succeeded = successor && !(judge->view && judge->view->active);
	if (judge->succeeded) {
		found = successor->id;
		object(judge, PROOF_FAIL, "it came back with a new ID, %s; its tasks under %s are lost", found,
		       judge->agent->agent_id);
	} else if (!judge->view) {
		object(judge, PROOF_NOT_YET, "the master does not list it");
	}
	add_line(judge, "id", json_string(judge->agent->agent_id), found ? json_string(found) : json_null(),
		 judge->view != NULL && found == judge->view->id);
}

/* An agent whose operation was undone before any restart has nothing to reregister for. */
static bool was_restarted(const struct judge *judge)
{
	return !judge->reverted || judge->started->restarted;
}

static void judge_reregistered(struct judge *judge)
{
	int64_t found = judge->view->reregistered_ns, before = judge->before->reregistered_ns;
	bool ok = !was_restarted(judge) || (found != 0 && found != before);

	if (!ok)
		object(judge, PROOF_NOT_YET, "it has not reregistered with the master since it was started");
	add_line(judge, "reregistered_time", json_pack("{s:I}", "other_than", (json_int_t)before),
		 json_integer((json_int_t)found), ok);
}

static void judge_active(struct judge *judge)
{
	const struct agent_view *view = judge->view;

	if (view->active != judge->before->active)
		object(judge, PROOF_NOT_YET, "the master shows it as %s", view->active ? "active" : "not active");
	if (view->deactivated != judge->before->deactivated)
		object(judge, PROOF_FAIL, "it is %s, and was not before",
		       view->deactivated ? "deactivated" : "no longer deactivated");
	add_line(judge, "active", json_boolean(judge->before->active), json_boolean(view->active),
		 view->active == judge->before->active);
	add_line(judge, "deactivated", json_boolean(judge->before->deactivated), json_boolean(view->deactivated),
		 view->deactivated == judge->before->deactivated);
}

static void name_parts(unsigned parts, struct buffer *out)
{
	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1)
		if (parts & bit)
			buffer_printf(out, "%s%s", out->len ? ", " : "", slaveinfo_part_name((enum slaveinfo_part)bit));
}

/* what: "slave_info", the master's, or "checkpoint"; otherwise: the result when it differs. */
static void judge_info(struct judge *judge, const char *what, const Mesos__SlaveInfo *planned,
		       const Mesos__SlaveInfo *found, enum proof_result otherwise)
{
	const char *whose = strcmp(what, "checkpoint") == 0 ? "the checkpoint on disk" : "the master's SlaveInfo";
	unsigned differs = slaveinfo_diff(planned, found);

	if (differs) {
		struct buffer parts = BUFFER_INIT(256);

		name_parts(differs, &parts);
		object(judge, otherwise, "%s is not as %s: %s", whose, judge->reverted ? "before" : "planned",
		       buffer_text(&parts));
		buffer_clear(&parts);
	}
	add_line(judge, what, slaveinfo_to_json(planned), slaveinfo_to_json(found), differs == 0);
}

/* May the new reregistered_time be one of an earlier process? After an undo that of the new state's; after a failover that
 * of the old one, which reregistered with the new master. */
static bool may_be_stale(const struct judge *judge)
{
	const char *master = judge->snapshot->facts.id, *before = judge->before->master_id;

	return judge->reverted || (master && before && strcmp(master, before) != 0);
}

static void judge_master_info(struct judge *judge)
{
	/* The record is replaced when it reregisters; before that it says nothing about the new process. */
	bool current = !was_restarted(judge) || judge->view->reregistered_ns != judge->before->reregistered_ns;

	if (!judge->view->attributes_complete || !judge->view->info)
		object(judge, PROOF_NOT_YET,
		       "the master answers only /slaves, which hides one of two attributes with the same name; "
		       "GET_AGENTS is needed for a proof");
	else if (current)
		judge_info(judge, "slave_info", judge->reverted ? judge->before->info : judge->agent->after,
			   judge->view->info, may_be_stale(judge) ? PROOF_NOT_YET : PROOF_FAIL);
}

static void judge_checkpoint(struct judge *judge)
{
	const Mesos__SlaveInfo *found = judge->started->info;

	/* It had none at that moment: the agent may just be forgetting who it was, and the master will say so. */
	if (!found) {
		object(judge, PROOF_NOT_YET, "agentctl did not say what the checkpoint on disk holds");
		return;
	}
	if (strcmp(slaveinfo_id(found), judge->agent->agent_id) != 0)
		object(judge, PROOF_FAIL, "the checkpoint on disk has another ID, '%s'", slaveinfo_id(found));
	judge_info(judge, "checkpoint", judge->reverted ? judge->agent->before : judge->agent->after, found,
		   PROOF_FAIL);
}

/* On the boot the plan saw, a process is named by when it started: the surveyed one must have made way. On a later boot
 * every process is younger. */
static bool is_younger(const struct judge *judge)
{
	const char *boot = judge->agent->expect.boot_id;
	bool same_boot = boot && judge->started->boot_id && strcmp(boot, judge->started->boot_id) == 0;

	return !same_boot || judge->agent->start_ticks == 0 || judge->started->start_ticks > judge->agent->start_ticks;
}

static void judge_process(struct judge *judge)
{
	const struct answer *started = judge->started;
	bool ok = started->pid > 0 && (judge->reverted || is_younger(judge));

	if (started->pid <= 0)
		object(judge, PROOF_FAIL, "agentctl named no process of the agent");
	else if (!ok)
		object(judge, PROOF_FAIL, "the process agentctl named is not younger than the operation");
	add_line(judge, "process", json_string(judge->reverted ? "there" : "younger than the operation"),
		 json_pack("{s:I, s:I, s:s*}", "pid", (json_int_t)started->pid, "start_ticks",
			   (json_int_t)started->start_ticks, "boot_id", started->boot_id),
		 ok);
}

static void judge_flag(struct judge *judge, const char *name, const char *planned)
{
	const char *found = flags_get(&judge->started->flags, name);
	bool ok = flags_same_value(name, found, planned);

	if (flag_is_secret(name)) { /* only whether it is there leaves the host; what was there before is not kept */
		ok = judge->reverted || (planned != NULL) == (found != NULL);
		planned = planned ? "<redacted>" : NULL;
	}
	if (!ok)
		object(judge, PROOF_FAIL, "its process runs with %s%s%s, not as %s", name, found ? "=" : " unset",
		       found ? found : "", judge->reverted ? "before" : "planned");
	json_array_append_new(judge->lines, json_pack("{s:s+, s:s?, s:s?, s:b}", "what", "flag ", name, "planned",
						      planned, "found", found, "ok", ok));
}

static void judge_flags(struct judge *judge)
{
	if (judge->started->pid <= 0)
		return;
	for (size_t i = 0; i < judge->agent->edit_count; i++) {
		const struct flag_edit *edit = &judge->agent->edits[i];
		const char *before = flags_get(&judge->agent->before_flags, edit->name);

		judge_flag(judge, edit->name, judge->reverted ? before : edit->value);
	}
}

/* ---- tasks */

/* The agent's own among all tasks of the cluster: gone through once, and not once for each of its tasks. */
static void take_own(struct judge *judge, const struct task_view *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(tasks[i].agent_id, judge->agent->agent_id) != 0)
			continue;
		judge->tasks = xreallocarray(judge->tasks, judge->task_count + 1, sizeof(*judge->tasks));
		judge->tasks[judge->task_count++] = &tasks[i];
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
	       (!was_restarted(judge) || view->reregistered_ns != judge->before->reregistered_ns);
}

/* The tasks of an agent that was gone for long may be TASK_LOST and run again when it is back. */
static bool may_come_back(const struct judge *judge, const struct task_view *task)
{
	return !task || strcmp(task->state, "TASK_UNREACHABLE") == 0 || !is_back(judge);
}

static void judge_task(struct judge *judge, const struct plan_task *task)
{
	const struct task_view *found = find_task(judge, task);
	json_t *entry = json_pack("{s:s, s:s, s:s}", "task", task->id, "framework", task->framework_id, "state",
				  found ? found->state : "not listed");

	if (found && is_running(found->state) && !judge->succeeded) {
		json_array_append_new(is_back(judge) ? judge->survived : judge->unproven, entry);
		if (judge->agent->mechanism == MECHANISM_DISCARD && !judge->reverted)
			object(judge, PROOF_NOT_YET, "task %s of %s still runs, and was to be ended", task->id,
			       task->framework_name ? task->framework_name : task->framework_id);
	} else if (found && ended_by_itself(found)) {
		json_array_append_new(judge->ended, entry);
	} else {
		json_array_append_new(judge->killed, entry);
		if (task->survives)
			object(judge, may_come_back(judge, found) ? PROOF_NOT_YET : PROOF_FAIL, "task %s of %s is %s",
			       task->id, task->framework_name ? task->framework_name : task->framework_id,
			       found ? found->state : "not there");
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
static void judge_tasks(struct judge *judge)
{
	take_own(judge, judge->snapshot->tasks, judge->snapshot->task_count);
	take_own(judge, judge->snapshot->completed, judge->snapshot->completed_count);
	for (size_t i = 0; i < judge->before->task_count; i++)
		judge_task(judge, &judge->before->tasks[i]);
	list_new_tasks(judge);
	free(judge->tasks);
}

static void judge_all(struct judge *judge)
{
	judge_id(judge);
	if (!judge->view) {
		judge_tasks(judge);
		return;
	}
	judge_reregistered(judge);
	judge_active(judge);
	judge_master_info(judge);
	judge_checkpoint(judge);
	judge_process(judge);
	judge_flags(judge);
	judge_tasks(judge);
}

static const char *result_name(enum proof_result result)
{
	return result == PROOF_PASS ? "pass" : result == PROOF_FAIL ? "fail" : "incomplete";
}

enum proof_result proof_judge(const struct plan_agent *agent, const struct before_picture *before,
			      const struct answer *started, bool reverted, const struct master_snapshot *snapshot,
			      json_t **document, char **reason)
{
	struct judge judge = {
		.agent = agent,
		.before = before,
		.started = started,
		.snapshot = snapshot,
		.view = master_snapshot_agent(snapshot, agent->agent_id),
		.reverted = reverted,
		.result = PROOF_PASS,
		.lines = json_array(),
		.survived = json_array(),
		.killed = json_array(),
		.unproven = json_array(),
		.ended = json_array(),
		.appeared = json_array(),
		.reason = BUFFER_INIT(4096),
	};

	judge_all(&judge);
	*document = json_pack("{s:s, s:s, s:s*, s:I, s:o, s:{s:o, s:o, s:o, s:o, s:o}}", "result",
			      result_name(judge.result), "of", reverted ? "the state before" : "the planned state",
			      "master", snapshot->master, "away_ms", (json_int_t)started->away_ms, "lines", judge.lines,
			      "tasks", "survived", judge.survived, "killed", judge.killed, "unproven", judge.unproven,
			      "ended", judge.ended, "new", judge.appeared);
	*reason = judge.result == PROOF_PASS ? NULL : buffer_take(&judge.reason);
	buffer_clear(&judge.reason);
	return judge.result;
}
