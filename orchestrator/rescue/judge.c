/* SPDX-License-Identifier: Apache-2.0 */
/* What a rescue would do on one host, or why nothing, by what its survey says. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "inventory/survey.h"
#include "orchestrator/driver/order.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/plan/planner.h"
#include "orchestrator/rescue/rescue.h"

static void refuse(struct rescue_host *host, const char *why)
{
	host->act = RESCUE_NONE;
	free(host->why);
	host->why = xstrdup(why);
}

static const struct survey_operation *find_open(const struct survey *survey)
{
	for (size_t i = 0; i < survey->operation_count; i++) {
		const char *state = survey->operations[i].state;

		if (strcmp(state, "done") != 0 && strcmp(state, "undone") != 0 && strcmp(state, "stuck") != 0)
			return &survey->operations[i];
	}
	return NULL;
}

/* One that came up with neither state, of an agent that still does not run, although its flags and its checkpoint fit: it is
 * settled by starting it once more. */
static const struct survey_operation *find_stuck(const struct survey *survey)
{
	if (survey->running || (survey->has_verdict && !survey->verdict_accepted))
		return NULL;
	for (size_t i = 0; i < survey->operation_count; i++)
		if (strcmp(survey->operations[i].state, "stuck") == 0)
			return &survey->operations[i];
	return NULL;
}

static bool is_foreign(const struct survey_operation *operation, const char *database)
{
	return operation->database && strcmp(operation->database, database) != 0;
}

/* 1: nobody drives it from here. */
static int is_orphan(struct store *store, const struct survey_operation *operation, struct error *err)
{
	if (is_foreign(operation, store_uuid(store)))
		return 1;
	int known = ledger_knows_operation(store, operation->operation, err);
	return known < 0 ? -1 : !known;
}

int rescue_has_orphan(struct store *store, const struct survey *survey, struct error *err)
{
	const struct survey_operation *open = find_open(survey);

	return open ? is_orphan(store, open, err) : 0;
}

/* ---- what is shown */

static void take_tasks(struct rescue_host *host, const struct survey *survey)
{
	host->task_ids = xcalloc(survey->task_count + 1, sizeof(*host->task_ids));
	for (size_t i = 0; i < survey->task_count; i++)
		if (survey->tasks[i].alive && survey->tasks[i].task)
			host->task_ids[host->task_count++] = xstrdup(survey->tasks[i].task);
}

static void take_life(struct rescue_host *host, const struct survey_record *record)
{
	json_t *document = json_loadb(record->document, record->document_len, 0, NULL);
	const json_t *life = json_object_get(document, "life");

	host->has_life = json_is_object(life);
	host->tasks = json_integer_value(json_object_get(life, "tasks"));
	host->alive = json_integer_value(json_object_get(life, "alive"));
	host->left_least_ms = json_integer_value(json_object_get(life, "left_least_ms"));
	host->left_most_ms = json_integer_value(json_object_get(life, "left_most_ms"));
	json_decref(document);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void take_expectation(struct rescue_host *host, const struct survey *survey)
{
	host->expect.agent_id = copy(survey->agent_id);
	host->expect.boot_id = copy(survey->boot_id);
	host->expect.checkpoint_sha256 = copy(survey->checkpoint_sha256);
	host->expect.store_sha256 = copy(survey->store_sha256);
}

/* ---- may it be rescued? */

/* The SlaveInfo that the flags in the store give; NULL with why the agent would not start with them at all. */
static Mesos__SlaveInfo *info_of_flags(const struct survey *survey, struct error *err)
{
	struct mesos_version version = mesos_version_newest;
	struct detected detected = survey->detected;
	Mesos__SlaveInfo *info;

	if (!flags_get(&survey->store_flags, "hostname"))
		detected.hostname = survey->info->hostname;
	info = slaveinfo_from_flags(&survey->store_flags, &detected, &version, err);
	if (info)
		slaveinfo_set_id(info, survey->agent_id);
	return info;
}

/* With --flags the master gets back the SlaveInfo it has. */
static int check_master(const struct rescue *rescue, struct rescue_host *host, const struct survey *survey,
			struct error *err)
{
	Mesos__SlaveInfo *after;
	int result = 0;

	if (rescue->options.by_flags)
		return 0;
	after = info_of_flags(survey, err);
	if (!after)
		return error_prefix(err, "the agent would not start with the flags it has; --flags makes them fit");
	slaveinfo_changes(survey->info, after, &host->changes);
	if (rescue->has_facts)
		result = planner_check_master(&rescue->facts, host->differs, after, err);
	slaveinfo_free(after);
	return result;
}

static int check_survey(const struct rescue_host *host, const struct survey *survey, struct error *err)
{
	if (survey->checkpoint_error)
		return error_set(err, ERROR_REFUSED,
				 "its checkpoint cannot be read: %s; put it right on the host, and run this again",
				 survey->checkpoint_error);
	if (!survey->agent_id || !survey->info)
		return error_set(err, ERROR_REFUSED,
				 "there is no checkpoint on its host: when it is started it registers as a new agent");
	if (strcmp(survey->agent_id, host->agent->view.id) != 0)
		return error_set(err, ERROR_REFUSED,
				 "the agent on its host has the ID %s: `rollcall inventory sync` takes that one in",
				 survey->agent_id);
	if (survey->store_error)
		return error_set(err, ERROR_REFUSED,
				 "its flag store cannot be read: %s; put it right on the host, or say in the cluster "
				 "file where its flags are",
				 survey->store_error);
	if (survey->control == CONTROL_UNKNOWN)
		return error_set(err, ERROR_REFUSED,
				 "how its agent is started and stopped is not known; name the control in the cluster "
				 "file");
	return 0;
}

static int check_verdict(struct rescue_host *host, const struct survey *survey, struct error *err)
{
	if (survey->has_verdict && !survey->verdict_accepted)
		return 0;
	host->runs = survey->running;
	if (survey->running)
		return error_set(err, ERROR_REFUSED, "its agent runs: there is nothing to rescue");
	return error_set(
		err, ERROR_REFUSED,
		"no agent runs, and it would accept its checkpoint with the flags it has: start it. If it ends again, that has "
		"another reason, and its log says which: put flags into its store that it starts with; if it refuses its "
		"checkpoint then, look again, here or with --flags");
}

static const char *rescue_database(const struct rescue *rescue)
{
	return store_uuid(session_store(rescue->session));
}

/* An operation of this database: whoever drives its run is about to end it, and of an agent that runs its run settles it. */
static int check_own(const struct rescue *rescue, const struct rescue_host *host, const struct survey_operation *open,
		     struct error *err)
{
	const char *run = open->run ? open->run : "?";
	int orphan = is_orphan(session_store(rescue->session), open, err);

	if (orphan != 0)
		return orphan < 0 ? -1 : 0;
	if (order_is_driven(rescue->session, run, NULL))
		return error_set(err, ERROR_REFUSED,
				 "operation %.8s of run %s is under way there, and somebody drives that run: `rollcall "
				 "rollout watch %s`",
				 open->operation, run, run);
	if (host->agent->view.active && strncmp(run, "rescue-", 7) != 0)
		return error_set(err, ERROR_REFUSED,
				 "operation %.8s of run %s is open there: `rollcall rollout settle %s` ends it",
				 open->operation, run, run);
	return 0;
}

static int check_host(const struct rescue *rescue, struct rescue_host *host, const struct survey *survey,
		      struct error *err)
{
	const struct survey_operation *open = find_open(survey);

	if (!open)
		open = find_stuck(survey);
	if (check_survey(host, survey, err) < 0)
		return -1;
	if (open && check_own(rescue, host, open, err) < 0)
		return -1;
	if (open) {
		host->act = RESCUE_SETTLE;
		snprintf(host->operation, sizeof(host->operation), "%s", open->operation);
		return 0;
	}
	if (check_verdict(host, survey, err) < 0)
		return -1;
	host->differs = survey->verdict_differs;
	if (check_master(rescue, host, survey, err) < 0)
		return -1;
	host->act = RESCUE_START;
	return 0;
}

static int judge_survey(const struct rescue *rescue, struct rescue_host *host, const struct survey_record *record)
{
	struct survey survey = {.agentctl = NULL};
	struct error why = ERROR_INIT;

	if (survey_parse(host->agent->view.hostname, record->document, record->document_len, &survey, &why) < 0 ||
	    check_host(rescue, host, &survey, &why) < 0)
		refuse(host, why.text);
	if (survey.driver_database && strcmp(survey.driver_database, rescue_database(rescue)) != 0)
		host->foreign = xstrdup(survey.driver_database);
	take_tasks(host, &survey);
	take_life(host, record);
	take_expectation(host, &survey);
	survey_clear(&survey);
	return 0;
}

/* What the host has seen, and whether that was told it from here. */
static void judge_epoch(const struct rescue *rescue, struct rescue_host *host)
{
	struct error why = ERROR_INIT;

	if (ledger_seen_epoch_by(session_store(rescue->session), host->agent->row, &host->seen_epoch, &why) < 0)
		refuse(host, why.text);
	host->ahead = host->seen_epoch > rescue->newest_epoch;
}

int rescue_judge(struct rescue *rescue, struct rescue_host *host)
{
	struct session *session = rescue->session;
	struct survey_record record = {.time_ms = 0};
	struct error why = ERROR_INIT;
	int found = survey_load(session_store(session), host->agent->row, &record, &session->error);
	int result = found < 0 ? -1 : 0;

	if (found >= 0 && (record.failed_ms != 0 || !record.document))
		refuse(host, record.failure ? record.failure : "its host was not asked");
	else if (found >= 0)
		result = judge_survey(rescue, host, &record);
	if (result == 0 && host->act != RESCUE_NONE &&
	    cluster_host(session_cluster(session), session_store(session), host->agent, &host->host, &why) < 0)
		refuse(host, why.text);
	if (result == 0 && host->act != RESCUE_NONE)
		judge_epoch(rescue, host);
	survey_record_clear(&record);
	return result;
}
