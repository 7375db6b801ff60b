/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan says of an agent that passed every check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "orchestrator/plan/planner_internal.h"

bool planner_discards(const struct planner_work *work, unsigned differs)
{
	return work->options->discard && differs != 0;
}

/* ---- mechanism */

bool planner_can_native(const struct planner_work *work, unsigned differs, const char *flag)
{
	const struct survey *survey = &work->survey;
	bool known = false;

	for (size_t i = 0; i < survey->known_flag_count; i++)
		known = known || strcmp(survey->known_flags[i], flag) == 0;
	return known && differs != 0 && (differs & ~(unsigned)(PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN)) == 0 &&
	       survey->store_kind != FLAG_STORE_EXTERNAL &&
	       flags_same_value(flag, flags_get(&survey->flags, flag), flags_get(&survey->store_flags, flag));
}

static bool choose_native(const struct planner_work *work, const char *parts, struct plan_agent *out)
{
	const char *verb = out->differs == PART_DOMAIN ? "differs" : "differ";
	bool ignore = planner_can_native(work, out->differs, "ignore_checkpointed_state");

	if (!ignore ||
	    (planner_discards(work, out->differs) && !planner_can_native(work, out->differs, "recover_state")))
		return false;
	out->mechanism = MECHANISM_NATIVE;
	out->native_discard = planner_discards(work, out->differs);
	out->why = xasprintf("%s %s, and this agent knows --%s: it is started with it once, which %s", parts, verb,
			     out->native_discard ? "recover_state" : "ignore_checkpointed_state",
			     out->native_discard ? "ends its tasks and keeps its ID" : "keeps its ID and its tasks");
	return true;
}

static void choose_mechanism(const struct planner_work *work, struct plan_agent *out)
{
	struct buffer parts = BUFFER_INIT(256);
	planner_name_parts(out->differs, &parts);
	if (out->differs == 0) {
		out->mechanism = MECHANISM_RESTART;
		out->why = xstrdup("the SlaveInfo stays as it is; one restart with the new flags is enough");
	} else if (choose_native(work, buffer_text(&parts), out)) {
		/* why is there */
	} else if (planner_discards(work, out->differs)) {
		out->mechanism = MECHANISM_DISCARD;
		out->why =
			xasprintf("%s %s; agentctl stops the agent, has it end its tasks, rewrites the checkpoint and "
				  "the flags, and starts it with the ID it has",
				  buffer_text(&parts), out->differs == PART_DOMAIN ? "differs" : "differ");
	} else {
		out->mechanism = MECHANISM_RELAX;
		out->why = xasprintf("%s %s; agentctl rewrites the checkpoint and the flags, then one restart",
				     buffer_text(&parts), out->differs == PART_DOMAIN ? "differs" : "differ");
	}
	buffer_clear(&parts);
}

static const char *domain_attribute(const struct planner_work *work, struct buffer *value)
{
	const char *wanted = work->options->domain_attribute ? work->options->domain_attribute : "zone";
	const Mesos__SlaveInfo *info = work->survey.info;
	for (size_t i = 0; i < info->n_attributes; i++) {
		if (strcmp(info->attributes[i]->name, wanted) == 0) {
			attribute_value_text(info->attributes[i], value);
			return buffer_text(value);
		}
	}
	return NULL;
}

/* The failure domain it is in now: that is what fails together while it is away. */
static char *failure_domain(const struct planner_work *work)
{
	const Mesos__DomainInfo *domain = work->survey.info->domain;
	struct buffer value = BUFFER_INIT(4096);
	if (domain && domain->fault_domain && !work->options->domain_attribute)
		return xasprintf("%s/%s", domain->fault_domain->region->name, domain->fault_domain->zone->name);
	const char *attribute = domain_attribute(work, &value);
	char *name = attribute ? xstrdup(attribute) : NULL;
	buffer_clear(&value);
	return name;
}

static bool ends_tasks(const struct plan_agent *agent)
{
	return agent->mechanism == MECHANISM_DISCARD || agent->native_discard;
}

static void copy_tasks(const struct planner_work *work, struct plan_agent *out)
{
	out->tasks = xcalloc(work->tasks.count + 1, sizeof(*out->tasks));
	for (size_t i = 0; i < work->tasks.count; i++) {
		const struct agent_task *task = &work->tasks.items[i];
		out->tasks[out->task_count++] = (struct plan_task){
			.id = xstrdup(task->task.id),
			.name = xstrdup(task->task.name ? task->task.name : ""),
			.framework_id = xstrdup(task->task.framework_id),
			.framework_name = xstrdup(task->framework_name ? task->framework_name
								       : task->task.framework_id),
			.survives = task->framework_checkpoints && !ends_tasks(out) && !planner_executors_end(work),
		};
	}
}

static void copy_edits(const struct planner_work *work, struct plan_agent *out)
{
	out->edits = xcalloc(work->edits.count + 1, sizeof(*out->edits));
	for (size_t i = 0; i < work->edits.count; i++) {
		const struct config_edit *edit = &work->edits.items[i];
		const char *before = flags_get(&work->survey.flags, edit->flag);
		out->edits[out->edit_count++] = (struct flag_edit){
			.name = xstrdup(edit->flag),
			.value = edit->after ? xstrdup(edit->after) : NULL,
		};
		if (before)
			flags_set(&out->before_flags, edit->flag, before);
	}
}

static void add_note(struct plan_agent *out, char *note)
{
	out->notes = xreallocarray(out->notes, out->note_count + 1, sizeof(*out->notes));
	out->notes[out->note_count++] = note;
}

static void warn_kill_mode(const struct planner_work *work, const struct plan_agent *out)
{
	const char *mode = work->survey.kill_mode;

	if (ends_tasks(out))
		return;
	if (work->survey.control == CONTROL_SYSTEMD && mode && strcmp(mode, "process") != 0 && out->task_count > 0)
		planner_warn(work, xasprintf("its unit has KillMode=%s: a restart kills executors that live in its "
					     "cgroup",
					     mode));
}

static void note_raised_timeout(const struct planner_work *work, struct plan_agent *out)
{
	if (work->raised)
		add_note(out, xstrdup("executor_reregistration_timeout is raised, so that executors of a busy host are "
				      "back in time (--keep-reregistration-timeout leaves it alone)"));
}

/* It would refuse our requests. */
static void warn_other_database(const struct planner_work *work)
{
	const char *database = work->survey.driver_database;
	if (database && strcmp(database, store_uuid(work->input->store)) != 0)
		planner_warn(work, xasprintf("its host is driven by another database (%s): only `rollout start "
					     "--adopt` takes it over",
					     database));
}

/* Checks that the options leave out, where they would have said something. */
static void warn_unchecked(const struct planner_work *work, const struct plan_agent *out)
{
	if (work->guessed_version)
		planner_warn(work,
			     xasprintf("it runs Mesos %s, whose recovery rules were never checked: planned by those "
				       "of the newest version that were (--allow-unknown-version)",
				       work->survey.version ? work->survey.version : work->record->view.version));
	if (work->short_timeout)
		planner_warn(work,
			     xstrdup("executor_reregistration_timeout stays below 15secs: executors of a busy host "
				     "that are not back by then are killed with their tasks "
				     "(--keep-reregistration-timeout)"));
	if (out->differs & PART_PORT)
		planner_warn(work,
			     xstrdup("its port changes: whoever finds agents by their port looks at the wrong one "
				     "(--allow-port-change)"));
}

/* What agentctl found on its host and does not refuse for, or was told to accept. What only costs tasks says nothing where they are
 * ended, and of frameworks that do not checkpoint the tasks are named one by one. */
static void warn_findings(const struct planner_work *work, const struct plan_agent *out)
{
	for (size_t i = 0; i < work->survey.finding_count; i++) {
		const struct survey_finding *finding = &work->survey.findings[i];
		bool tasks = strncmp(finding->code, "tasks-", 6) == 0;

		if ((tasks && ends_tasks(out)) || strcmp(finding->code, "tasks-not-checkpointed") == 0)
			continue;
		planner_warn(work, xasprintf("%s: %s", finding->code, finding->text));
	}
}

/* ---- what others have reserved on it */

static void copy_reservations(const struct planner_work *work, struct plan_agent *out)
{
	const struct resources *reserved = &work->survey.reserved;

	out->reservations = xcalloc(reserved->count + 1, sizeof(*out->reservations));
	for (size_t i = 0; i < reserved->count; i++) {
		const struct resources one = {.items = &reserved->items[i], .count = 1};
		struct buffer text = BUFFER_INIT(1u << 20);

		resources_to_text(&one, &text);
		out->reservations[out->reservation_count++] = buffer_take(&text);
	}
}

static void fill_expectation(const struct planner_work *work, struct request_expectation *out)
{
	const struct survey *survey = &work->survey;
	out->agent_id = xstrdup(work->record->view.id);
	out->boot_id = survey->boot_id ? xstrdup(survey->boot_id) : NULL;
	out->agent_version = survey->version ? xstrdup(survey->version) : NULL;
	out->checkpoint_sha256 = survey->checkpoint_sha256 ? xstrdup(survey->checkpoint_sha256) : NULL;
	out->store_sha256 = survey->store_sha256 ? xstrdup(survey->store_sha256) : NULL;
}

static int fill_host(const struct planner_work *work, struct plan_agent *out, struct error *err)
{
	struct cluster_host host = {.address = NULL};
	if (cluster_host(work->input->cluster, work->input->store, work->record, &host, err) < 0)
		return -1;
	host_settings_copy(&out->host, &host.settings);
	cluster_host_clear(&host);
	return 0;
}

int planner_fill(const struct planner_work *work, struct plan_agent *out, struct error *err)
{
	out->agent_id = xstrdup(work->record->view.id);
	out->hostname = xstrdup(work->record->view.hostname);
	out->ip = xstrdup(work->record->view.ip);
	out->port = work->record->view.port;
	out->domain = failure_domain(work);
	out->before = slaveinfo_copy(work->survey.info);
	out->after = slaveinfo_copy(work->after);
	choose_mechanism(work, out);
	copy_edits(work, out);
	copy_tasks(work, out);
	copy_reservations(work, out);
	fill_expectation(work, &out->expect);
	out->start_ticks = work->survey.start_ticks;
	note_raised_timeout(work, out);
	warn_kill_mode(work, out);
	warn_other_database(work);
	warn_unchecked(work, out);
	warn_findings(work, out);
	return fill_host(work, out, err);
}
