/* SPDX-License-Identifier: Apache-2.0 */
/* One agent's part of a plan: config and survey give flag edits, those a SlaveInfo, that a verdict and a mechanism. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "mesos/recovery.h"
#include "orchestrator/plan/planner_internal.h"
#include "orchestrator/plan/planner_masters.h"

/* The most an agent takes, and what executors of a busy host need to come back. */
#define REREGISTRATION_FLAG    "executor_reregistration_timeout"
#define REREGISTRATION_WANTED  "15secs"
#define REREGISTRATION_MS      15000
/* A refusal with two SlaveInfos in it. */
#define VERDICT_MAX            (16u << 20)
/* What an agent uses when the flag is not given. */
#define REREGISTRATION_DEFAULT 2000

void planner_work_clear(struct planner_work *work)
{
	survey_record_clear(&work->survey_row);
	survey_clear(&work->survey);
	config_edits_clear(&work->edits);
	flags_clear(&work->flags);
	slaveinfo_free(work->after);
	agent_tasks_clear(&work->tasks);
}

void planner_name_parts(unsigned parts, struct buffer *out)
{
	unsigned left = parts;
	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1) {
		if (!(left & bit))
			continue;
		left &= ~bit;
		buffer_printf(out, "%s%s",
			      left == parts - bit ? ""
			      : left              ? ", "
						  : " and ",
			      slaveinfo_part_name((enum slaveinfo_part)bit));
	}
}

/* ---- what we know */

int planner_read_survey(struct planner_work *work, struct error *err)
{
	struct store *store = work->input->store;
	int found = survey_load(store, work->record->row, &work->survey_row, err);
	if (found < 0)
		return -1;
	if (found == 0 || work->survey_row.time_ms == 0)
		return 0;
	return survey_parse(work->record->view.hostname, work->survey_row.document, work->survey_row.document_len,
			    &work->survey, err);
}

static int read_version(struct planner_work *work, struct error *err)
{
	const char *text = work->survey.version ? work->survey.version : work->record->view.version;
	struct error why = ERROR_INIT;
	if (mesos_version_parse(text ? text : "", &work->version, &why) < 0)
		return error_set(err, ERROR_REFUSED, "the agent's version is not known (%s)", why.text);
	if (mesos_version_is_known(&work->version))
		return 0;
	if (!work->options->allow_unknown_version)
		return error_set(err, ERROR_REFUSED,
				 "Mesos %s is a version whose recovery rules were never checked; "
				 "--allow-unknown-version plans it by the newest rules that were",
				 text);
	work->version = mesos_version_newest;
	work->guessed_version = true;
	return 0;
}

/* ---- flags */

static unsigned part_of_flag(const char *name)
{
	if (strcmp(name, "attributes") == 0)
		return PART_ATTRIBUTES;
	if (strcmp(name, "resources") == 0 || strcmp(name, "default_role") == 0)
		return PART_RESOURCES;
	if (strcmp(name, "port") == 0)
		return PART_PORT;
	return strcmp(name, "domain") == 0 ? PART_DOMAIN : 0;
}

static void add_edit(struct planner_work *work, const char *flag, const char *before, const char *after)
{
	work->edits.items = xreallocarray(work->edits.items, work->edits.count + 1, sizeof(*work->edits.items));
	work->edits.items[work->edits.count++] = (struct config_edit){
		.flag = xstrdup(flag),
		.before = before ? xstrdup(before) : NULL,
		.after = after ? xstrdup(after) : NULL,
	};
}

static bool is_edited(const struct planner_work *work, const char *flag)
{
	for (size_t i = 0; i < work->edits.count; i++) {
		if (strcmp(work->edits.items[i].flag, flag) == 0)
			return true;
	}
	return false;
}

static bool keeps_tasks(const struct planner_work *work)
{
	for (size_t i = 0; i < work->tasks.count; i++) {
		if (work->tasks.items[i].framework_checkpoints)
			return true;
	}
	return false;
}

/* Executors that are not back in time are killed; two seconds are too short on a busy host. Where they are ended there is nobody to
 * wait for. */
static int raise_reregistration_timeout(struct planner_work *work, unsigned differs, struct error *err)
{
	const char *text = flags_get(&work->survey.flags, REREGISTRATION_FLAG);
	struct error ignored = ERROR_INIT;
	int64_t now_ms = REREGISTRATION_DEFAULT;
	if (!keeps_tasks(work) || planner_discards(work, differs) || is_edited(work, REREGISTRATION_FLAG))
		return 0;
	if (text && clock_parse_duration(text, &now_ms, &ignored) < 0)
		return 0; /* the agent runs with it, so it means something we do not know */
	work->short_timeout = now_ms < REREGISTRATION_MS && work->options->keep_reregistration_timeout;
	work->raised = now_ms < REREGISTRATION_MS && !work->short_timeout;
	if (!work->raised)
		return 0;
	add_edit(work, REREGISTRATION_FLAG, text, REREGISTRATION_WANTED);
	flags_set(&work->flags, REREGISTRATION_FLAG, REREGISTRATION_WANTED);
	return planner_check_flags(work, err);
}

static void apply_edits(struct planner_work *work)
{
	flags_copy(&work->flags, &work->survey.flags);
	for (size_t i = 0; i < work->edits.count; i++) {
		const struct config_edit *edit = &work->edits.items[i];
		work->edited |= part_of_flag(edit->flag);
		if (edit->after)
			flags_set(&work->flags, edit->flag, edit->after);
		else
			flags_remove(&work->flags, edit->flag);
	}
}

/* ---- what the agent will detect by itself */

static bool flag_names(const struct planner_work *work, const char *resource)
{
	const char *text = flags_get(&work->survey.flags, "resources");
	struct resources named = {.items = NULL};
	struct error ignored = ERROR_INIT;
	if (!text || resources_parse(text, NULL, &work->version, &named, &ignored) < 0)
		return false;
	bool found = false;
	for (size_t i = 0; i < named.count; i++)
		found = found || strcmp(named.items[i]->name, resource) == 0;
	resources_clear(&named);
	return found;
}

static double detected_figure(const struct planner_work *work, const char *resource, double surveyed)
{
	struct resources checkpointed = {.items = work->survey.info->resources,
					 .count = work->survey.info->n_resources};
	/* agentctl measures its host as the agent will when it starts. What it cannot say was detected when the checkpoint
	 * was written, by the agent itself. */
	return surveyed >= 0 || flag_names(work, resource) ? surveyed : resources_scalar(&checkpointed, resource);
}

static void fill_detected(struct planner_work *work)
{
	const struct survey *survey = &work->survey;
	work->detected = (struct detected){
		.hostname = flags_get(&survey->flags, "hostname") ? survey->detected_hostname : survey->info->hostname,
		.cpus = detected_figure(work, "cpus", survey->detected.cpus),
		.mem_mb = detected_figure(work, "mem", survey->detected.mem_mb),
		.disk_mb = detected_figure(work, "disk", survey->detected.disk_mb),
		.gpus = detected_figure(work, "gpus", survey->detected.gpus),
	};
}

static int compute_after(struct planner_work *work, struct error *err)
{
	struct error why = ERROR_INIT;
	work->after = slaveinfo_from_flags(&work->flags, &work->detected, &work->version, &why);
	if (!work->after)
		return error_set(err, ERROR_REFUSED, "the agent would not start with the new flags: %s", why.text);
	slaveinfo_set_id(work->after, work->record->view.id);
	return 0;
}

/* ---- the verdict */

static char *first_line(const char *text)
{
	size_t len = strcspn(text, "\n");
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return xstrndup(text, len);
}

/* The policy the agent will start with. */
static int read_policy(const struct planner_work *work, enum recovery_policy *out, struct error *err)
{
	const char *text = flags_get(&work->flags, "reconfiguration_policy");
	struct error why = ERROR_INIT;
	*out = POLICY_EQUAL;
	if (text && recovery_policy_parse(text, out, &why) < 0)
		return error_set(err, ERROR_REFUSED, "--reconfiguration_policy=%s: %s", text, why.text);
	return 0;
}

static int stock_verdict(const struct planner_work *work, struct plan_agent *out, struct error *err)
{
	struct recovery_rules rules = {.recover_state = true, .version = work->version};
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(VERDICT_MAX)};
	if (read_policy(work, &rules.policy, err) < 0)
		return -1;
	recovery_check(work->survey.info, work->after, &work->survey.reserved, &rules, &verdict);
	out->differs = verdict.differs;
	out->stock_accepts = verdict.accepted;
	if (!verdict.accepted)
		out->stock_message = first_line(buffer_text(&verdict.message));
	verdict_clear(&verdict);
	return 0;
}

static int must_accept(const struct planner_work *work, const Mesos__SlaveInfo *before,
		       const struct recovery_rules *rules, struct error *err)
{
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(VERDICT_MAX)};
	recovery_check(before, work->after, &work->survey.reserved, rules, &verdict);
	int result = 0;
	if (!verdict.accepted)
		result = error_set(
			err, ERROR_REFUSED, "the agent would not come back: %.600s%s", buffer_text(&verdict.message),
			work->survey.reserved.count > 0 ? "; what is reserved on it is to be given back first "
							  "(UNRESERVE_RESOURCES, DESTROY_VOLUMES), or "
							  "left in place by the config"
							: "");
	verdict_clear(&verdict);
	return result;
}

/* Reservations and volumes must fit whatever may differ. And the agent must accept its own new SlaveInfo: under
 * `additive` it refuses one with two different values of one attribute name even when nothing changed. */
static int relaxed_verdict(const struct planner_work *work, struct error *err)
{
	struct recovery_rules relaxed = {.policy = POLICY_EQUAL,
					 .ignore = work->options->ignore,
					 .recover_state = true,
					 .version = work->version};
	struct recovery_rules own = {.recover_state = true, .version = work->version};
	Mesos__SlaveInfo *before = slaveinfo_copy(work->survey.info);

	/* A port that may change is agentctl's affair: no policy of an agent allows it. */
	if (work->options->allow_port_change) {
		before->has_port = work->after->has_port;
		before->port = work->after->port;
	}
	int result = read_policy(work, &own.policy, err);
	if (result == 0)
		result = must_accept(work, before, &relaxed, err);
	slaveinfo_free(before);
	return result < 0 ? -1 : must_accept(work, work->after, &own, err);
}

/* ---- the steps */

/* Rules are matched before anything is checked: an agent the config says nothing about is none of the plan's business. */
static int resolve(struct planner_work *work, struct error *err)
{
	return config_resolve(work->config, work->input->store, work->record, &work->survey.flags, &work->version,
			      &work->edits, err);
}

bool planner_is_concerned(struct planner_work *work)
{
	struct error ignored = ERROR_INIT;

	if (planner_read_survey(work, &ignored) < 0 || read_version(work, &ignored) < 0 || resolve(work, &ignored) < 0)
		return true;
	return work->edits.rules > 0;
}

static int plan_change(struct planner_work *work, struct plan_agent *out, struct error *err)
{
	if (agents_tasks(work->input->store, work->input->cluster_id, work->record->view.id, &work->tasks, err) < 0)
		return -1;
	apply_edits(work);
	if (planner_check_host(work, err) < 0 || planner_check_flags(work, err) < 0)
		return -1;
	fill_detected(work);
	if (planner_check_drift(work, err) < 0 || compute_after(work, err) < 0 || stock_verdict(work, out, err) < 0 ||
	    raise_reregistration_timeout(work, out->differs, err) < 0 ||
	    planner_check_difference(work, out->differs, err) < 0 || relaxed_verdict(work, err) < 0 ||
	    planner_check_tasks(work, out->differs, err) < 0 || planner_check_findings(work, out->differs, err) < 0)
		return -1;
	if (planner_fill(work, out, err) < 0 || planner_check_masters(work->input, work->options, out, err) < 0)
		return -1;
	return planner_check_times(work->times, &work->flags, out, err);
}

int planner_agent(struct planner_work *work, struct plan_agent *out, enum planner_outcome *outcome, struct error *err)
{
	if (planner_read_survey(work, err) < 0 || read_version(work, err) < 0)
		return -1;
	if (resolve(work, err) < 0) {
		/* Without the agent's flags the config may well make no sense: say the cause, not that. */
		struct error unsurveyed = ERROR_INIT;
		if (planner_check_survey(work, &unsurveyed) < 0) {
			error_clear(err);
			error_set(err, unsurveyed.kind, "%s", unsurveyed.text);
		}
		return -1;
	}
	*outcome = work->edits.rules == 0 ? PLANNER_NOT_CONCERNED : PLANNER_UNCHANGED;
	if (work->edits.rules == 0)
		return 0;
	if (planner_check_survey(work, err) < 0)
		return -1;
	if (work->edits.count == 0)
		return 0;
	*outcome = PLANNER_CHANGES;
	if (plan_change(work, out, err) == 0)
		return 0;
	plan_agent_clear(out);
	return -1;
}
