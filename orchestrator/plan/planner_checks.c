/* SPDX-License-Identifier: Apache-2.0 */
/* Why an agent is not changed. Each reason says what to do about it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "mesos/executor.h"
#include "orchestrator/plan/planner_internal.h"
#include "orchestrator/plan/planner_masters.h"

#define SURVEY_AGAIN "`rollcall inventory survey` asks the host"

int planner_check_survey(const struct planner_work *work, struct error *err)
{
	const struct survey_record *row = &work->survey_row;
	const struct agent_view *view = &work->record->view;
	char when[CLOCK_TEXT_MAX];
	if (row->failed_ms != 0)
		return error_set(err, ERROR_REFUSED, "its host could not be surveyed at %s: %s",
				 clock_format(row->failed_ms, when), row->failure ? row->failure : row->failure_kind);
	if (row->time_ms == 0)
		return error_set(err, ERROR_REFUSED, "its host was never surveyed; " SURVEY_AGAIN);
	if (work->survey.checkpoint_error)
		return error_set(err, ERROR_REFUSED, "its checkpoint cannot be read: %s",
				 work->survey.checkpoint_error);
	if (!work->survey.agent_id)
		return error_set(
			err, ERROR_REFUSED,
			"%s: there is no checkpointed agent on the host; is work_dir right in the cluster file?",
			work->survey.work_dir ? work->survey.work_dir : "work_dir is not known");
	if (strcmp(work->survey.agent_id, view->id) != 0)
		return error_set(err, ERROR_REFUSED, "the agent on its host has the ID %s; " SURVEY_AGAIN,
				 work->survey.agent_id);
	if (row->time_ms < view->reregistered_ns / 1000000)
		return error_set(err, ERROR_REFUSED,
				 "the agent has reregistered since its host was surveyed at %s; " SURVEY_AGAIN,
				 clock_format(row->time_ms, when));
	return 0;
}

static int check_operations(const struct planner_work *work, struct error *err)
{
	const struct survey *survey = &work->survey;

	for (size_t i = 0; i < survey->operation_count; i++) {
		const struct survey_operation *operation = &survey->operations[i];
		if (strcmp(operation->state, "done") == 0 || strcmp(operation->state, "undone") == 0)
			continue;
		if (operation->database && strcmp(operation->database, store_uuid(work->input->store)) != 0)
			return error_set(err, ERROR_REFUSED,
					 "operation %s of run %s is %s on its host, and belongs to another database "
					 "(%s): it finishes it, or when it is lost, `rollcall rescue` settles it",
					 operation->operation, operation->run ? operation->run : "?", operation->state,
					 operation->database);
		if (operation->run && strncmp(operation->run, "rescue-", 7) == 0)
			return error_set(
				err, ERROR_REFUSED,
				"operation %s of a rescue is %s on its host; it ends by itself within minutes, "
				"or `rollcall rescue` settles it",
				operation->operation, operation->state);
		return error_set(
			err, ERROR_REFUSED,
			"operation %s of run %s is %s on its host; `rollcall rollout settle %s` settles it, or "
			"`rollcall rescue` where this database was restored from an older copy",
			operation->operation, operation->run ? operation->run : "?", operation->state,
			operation->run ? operation->run : "RUN");
	}
	return 0;
}

int planner_check_host(const struct planner_work *work, struct error *err)
{
	const struct survey *survey = &work->survey;
	if (!survey->info || !survey->checkpoint_sha256)
		return error_set(err, ERROR_REFUSED, "it has no slave.info on its host; " SURVEY_AGAIN);
	if (!survey->running || survey->flags_from_store)
		return error_set(
			err, ERROR_REFUSED,
			"no agent runs on its host: there would be nothing to prove the change on; start it first");
	if (survey->store_error)
		return error_set(err, ERROR_REFUSED, "its flag store cannot be read: %s", survey->store_error);
	if (survey->store_kind == FLAG_STORE_UNKNOWN)
		return error_set(
			err, ERROR_REFUSED,
			"where its host keeps the agent's flags is not known; name the flag_store in the cluster file");
	if (survey->control == CONTROL_UNKNOWN)
		return error_set(
			err, ERROR_REFUSED,
			"how its agent is started and stopped is not known; name the control in the cluster file");
	return check_operations(work, err);
}

/* ---- what agentctl found */

static bool costs_tasks(const char *code)
{
	return strncmp(code, "tasks-", 6) == 0;
}

/* How many tasks run in a containerizer that the new flags leave out. agentctl refuses for the same reason, with their names; only who
 * knows the new flags can tell. What frameworks lose by themselves is not counted. */
static size_t count_without_containerizer(const struct planner_work *work)
{
	const char *before = flags_get(&work->survey.flags, "containerizers");
	const char *after = before;
	size_t count = 0;

	for (size_t i = 0; i < work->edits.count; i++) {
		if (strcmp(work->edits.items[i].flag, "containerizers") == 0)
			after = work->edits.items[i].after;
	}
	for (size_t i = 0; i < work->survey.task_count; i++) {
		const struct survey_task *task = &work->survey.tasks[i];
		const char *name = task->docker ? "docker" : "mesos";

		if (task->checkpoint && containerizers_have(before, name) && !containerizers_have(after, name))
			count++;
	}
	return count;
}

/* What frameworks lose by themselves is known task by task; every other loss is told of all tasks of the host. */
bool planner_executors_end(const struct planner_work *work)
{
	for (size_t i = 0; i < work->survey.finding_count; i++) {
		const struct survey_finding *finding = &work->survey.findings[i];
		if (finding->refuses && costs_tasks(finding->code) &&
		    strcmp(finding->code, "tasks-not-checkpointed") != 0)
			return true;
	}
	return count_without_containerizer(work) > 0;
}

int planner_check_findings(const struct planner_work *work, unsigned differs, struct error *err)
{
	bool loss_allowed = work->options->allow_task_loss || planner_discards(work, differs);
	for (size_t i = 0; i < work->survey.finding_count; i++) {
		const struct survey_finding *finding = &work->survey.findings[i];
		bool tasks = costs_tasks(finding->code);
		if (!finding->refuses || (tasks && loss_allowed))
			continue;
		return error_set(err, ERROR_REFUSED, "%s: %s%s", finding->code, finding->text,
				 tasks ? "; --allow-task-loss accepts that" : "");
	}
	if (!loss_allowed && count_without_containerizer(work) > 0)
		return error_set(
			err, ERROR_REFUSED,
			"tasks-containerizer: the new --containerizers no longer name the one that runs %zu of "
			"its tasks, which would end; --allow-task-loss accepts that",
			count_without_containerizer(work));
	return 0;
}

/* ---- flags */

static bool is_known(const struct survey *survey, const char *flag)
{
	for (size_t i = 0; i < survey->known_flag_count; i++) {
		if (strcmp(survey->known_flags[i], flag) == 0)
			return true;
	}
	return survey->known_flag_count == 0;
}

/* user:password in a URL. */
static bool holds_password(const char *value)
{
	char *shown = value ? redact_urls(value) : NULL;
	bool holds = shown && strcmp(shown, value) != 0;

	free(shown);
	return holds;
}

static int check_edit(const struct planner_work *work, const struct config_edit *edit, struct error *err)
{
	const char *running = flags_get(&work->survey.flags, edit->flag);
	const char *stored = flags_get(&work->survey.store_flags, edit->flag);
	if (edit->after && !is_known(&work->survey, edit->flag))
		return error_set(err, ERROR_REFUSED,
				 "its agent (Mesos %s) does not know the flag --%s: its --help does not list it",
				 work->survey.version ? work->survey.version : "?", edit->flag);
	if (flag_is_secret(edit->flag) || holds_password(edit->after))
		return error_set(err, ERROR_REFUSED, "--%s holds a secret, which a plan must not carry", edit->flag);
	if (running && strncmp(running, "file://", 7) == 0)
		return error_set(err, ERROR_REFUSED, "--%s is kept in %s; edit that file, or give the flag its value",
				 edit->flag, running);
	/* Whoever writes an external store has done so, or agentctl will refuse. */
	if (work->survey.store_kind == FLAG_STORE_EXTERNAL || flags_same_value(edit->flag, running, stored))
		return 0;
	return error_set(
		err, ERROR_REFUSED,
		"its agent runs with --%s %s%s, and %s says %s%s: the flag comes from elsewhere (the command line?) "
		"or was edited since the start; editing the store would not give what the plan promises",
		edit->flag, running ? "= " : "not set", running ? running : "",
		work->survey.store_path ? work->survey.store_path : "the flag store", stored ? "" : "nothing",
		stored ? stored : "");
}

int planner_check_flags(const struct planner_work *work, struct error *err)
{
	for (size_t i = 0; i < work->edits.count; i++) {
		if (check_edit(work, &work->edits.items[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- SlaveInfos */

static int refuse_drift(unsigned parts, const char *whose, const char *remedy, struct error *err)
{
	struct buffer names = BUFFER_INIT(256);
	planner_name_parts(parts, &names);
	error_set(
		err, ERROR_REFUSED,
		"its checkpoint and %s disagree already (%s), and this config does not replace that: the next restart "
		"would not do what a plan could promise; %s",
		whose, buffer_text(&names), remedy);
	buffer_clear(&names);
	return -1;
}

static int check_record(const struct planner_work *work, struct error *err)
{
	const struct planner_input *input = work->input;
	const struct agent_view *view = &work->record->view;
	unsigned differs = slaveinfo_diff(work->survey.info, view->info) & ~work->edited;
	bool keeps = input->facts && !input->facts->agent_update;
	if (!view->attributes_complete)
		differs &= ~(unsigned)PART_ATTRIBUTES;
	if (!differs || planner_record_is_void(input, work->options->accept_stale_master))
		return 0;
	return refuse_drift(
		differs, "the master's record",
		keeps ? "the leading master does not store changed agents: restart it, and the one that takes "
			"over stores them as they reregister; then `rollcall inventory sync`, and plan again"
		      : "`rollcall inventory sync` asks the master again; if they stay apart, the agent has not "
			"reregistered since its checkpoint was written, and `rollcall inventory drift --refresh` "
			"names what differs",
		err);
}

int planner_check_drift(const struct planner_work *work, struct error *err)
{
	struct error why = ERROR_INIT;
	Mesos__SlaveInfo *now = slaveinfo_from_flags(&work->survey.flags, &work->detected, &work->version, &why);
	if (!now)
		return error_set(err, ERROR_REFUSED, "its running flags give no SlaveInfo: %s", why.text);
	unsigned drift = slaveinfo_diff(work->survey.info, now) & ~work->edited;
	slaveinfo_free(now);
	if (drift)
		return refuse_drift(
			drift, "its running flags",
			"bring them together first: `rollcall inventory drift --refresh` names what differs, "
			"and what would settle it",
			err);
	return check_record(work, err);
}

int planner_check_difference(const struct planner_work *work, unsigned differs, struct error *err)
{
	unsigned port = work->options->allow_port_change ? PART_PORT : 0;
	unsigned fixed = differs & ~port & (PART_HOSTNAME | PART_PORT | PART_ID | PART_CHECKPOINT);
	unsigned outside = differs & ~(work->options->ignore | port);
	struct buffer names = BUFFER_INIT(256);
	if (!outside)
		return 0;
	planner_name_parts(fixed ? fixed : outside, &names);
	if (fixed & PART_HOSTNAME)
		error_set(err, ERROR_REFUSED,
			  "its hostname would change from %s to %s, and the master would shut the agent down",
			  work->survey.info->hostname, work->after->hostname);
	else if (fixed == PART_PORT)
		error_set(err, ERROR_REFUSED,
			  "its port would change from %d to %d: whoever finds agents by their port (health checks, "
			  "monitoring) would look at the wrong one; --allow-port-change allows it",
			  slaveinfo_port(work->survey.info), slaveinfo_port(work->after));
	else if (fixed)
		error_set(err, ERROR_REFUSED, "its %s would change, which no rollout does", buffer_text(&names));
	else
		error_set(err, ERROR_REFUSED, "its %s would change, and --ignore does not allow that",
			  buffer_text(&names));
	buffer_clear(&names);
	return -1;
}

int planner_check_tasks(const struct planner_work *work, unsigned differs, struct error *err)
{
	size_t lost = 0;
	const struct agent_task *first = NULL;
	for (size_t i = 0; i < work->tasks.count; i++) {
		if (work->tasks.items[i].framework_checkpoints)
			continue;
		first = first ? first : &work->tasks.items[i];
		lost++;
	}
	if (!first || work->options->allow_task_loss || planner_discards(work, differs))
		return 0;
	return error_set(err, ERROR_REFUSED,
			 "%zu of its %zu tasks would die with any restart, because their framework does not checkpoint "
			 "(%s of %s); --allow-task-loss accepts that",
			 lost, work->tasks.count, first->task.id,
			 first->framework_name ? first->framework_name : first->task.framework_id);
}

/* ---- the master */

int planner_check_master(const struct master_facts *facts, unsigned differs, const Mesos__SlaveInfo *after,
			 struct error *err)
{
	bool domain = after->domain != NULL && after->domain->fault_domain != NULL;
	if (differs && !facts->agent_update)
		return error_set(
			err, ERROR_REFUSED,
			"the master (Mesos %s) lacks the capability AGENT_UPDATE: it would keep the old SlaveInfo "
			"until its next failover; upgrade the masters first, or carry that knowingly with "
			"--accept-stale-master",
			facts->version ? facts->version : "of unknown version");
	if (domain && !facts->has_domain)
		return error_set(
			err, ERROR_REFUSED,
			"it would have a domain and the master has none: the master would ignore the agent; give "
			"every master a --domain first");
	if (!domain && facts->require_agent_domain)
		return error_set(err, ERROR_REFUSED,
				 "it would have no domain and the master runs with --require_agent_domain: the master "
				 "would ignore the agent; let the config give it one");
	return 0;
}
