/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database that was restored from a copy has forgotten of a run: hosts that the run has changed since, and that the copy has as
 * not changed yet. Their journals name the operation. It is taken up as one whose fate is not known: then its host is asked, and the
 * agent is proven by what there is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "inventory/agents.h"
#include "inventory/survey.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/driver/proof.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/session_ledger.h"

/* A run of a database that may have been restored. */
struct forgetful {
	struct session *session;
	const struct plan *plan;
	struct ledger *ledger;
};

/* The copy's run would begin with it, or has failed to. */
static bool is_not_changed(const struct run_agent *row)
{
	int state = agent_state_parse(row->state);

	return state == AGENT_WAITING || state == AGENT_CHECKING || state == AGENT_FAILED || state == AGENT_REVERTED;
}

static bool is_same(const char *one, const char *other)
{
	return one && other && strcmp(one, other) == 0;
}

/* The host's last operation, when this run has finished it and the row is not about it; NULL: there is none. */
static const struct survey_operation *find_forgotten(const struct forgetful *run, const struct run_agent *row,
						     const struct survey *survey)
{
	const struct survey_operation *found = NULL;
	int64_t newest = 0;

	for (size_t i = 0; i < survey->operation_count; i++)
		if (survey->operations[i].epoch > newest)
			newest = survey->operations[i].epoch;
	for (size_t i = 0; i < survey->operation_count; i++) {
		const struct survey_operation *one = &survey->operations[i];

		if (one->epoch == newest && one->operation && is_same(one->state, "done") &&
		    is_same(one->run, row->run) && is_same(one->database, ledger_database(run->ledger)) &&
		    !is_same(one->operation, row->operation))
			found = one;
	}
	return found;
}

/* Another run may have had the same name: what that one did is none of this plan's. */
static bool is_as_planned(const struct plan_agent *agent, const struct survey *survey)
{
	if (!survey->info || !agent->after || slaveinfo_diff(agent->after, survey->info) != 0)
		return false;
	for (size_t i = 0; i < agent->edit_count; i++) {
		const struct flag_edit *edit = &agent->edits[i];
		char *planned = edit->value ? redact_urls(edit->value) : NULL;
		bool same = flag_is_secret(edit->name) ||
			    flags_same_value(edit->name, flags_get(&survey->flags, edit->name), planned);

		free(planned);
		if (!same)
			return false;
	}
	return true;
}

/* The operation that the run has forgotten, by what its host said when it was surveyed last: its name (the caller's) and its epoch;
 * NULL: none. */
static char *forgotten_operation(const struct forgetful *run, const struct run_agent *row, int64_t *epoch)
{
	struct session *session = run->session;
	const struct plan_agent *agent = &run->plan->agents[row->position];
	struct agent_record record = {.row = 0};
	struct survey_record kept = {.time_ms = 0};
	struct survey survey;
	struct error ignored = ERROR_INIT;
	char *name = NULL;

	int64_t cluster;

	if (session_cluster_id(session, &cluster) < 0 ||
	    agents_find(session_store(session), cluster, agent->agent_id, &record, &ignored) < 0)
		return NULL;
	if (survey_load(session_store(session), record.row, &kept, &ignored) > 0 && kept.time_ms &&
	    survey_parse(agent->hostname, kept.document, kept.document_len, &survey, &ignored) == 0) {
		const struct survey_operation *found = find_forgotten(run, row, &survey);

		if (found && is_as_planned(agent, &survey)) {
			name = xstrdup(found->operation);
			*epoch = found->epoch;
		}
		survey_clear(&survey);
	}
	survey_record_clear(&kept);
	agent_record_clear(&record);
	return name;
}

/* What was before nobody knows any more, but for what the plan says. */
static char *picture_by_plan(const struct plan_agent *agent)
{
	struct before_picture before = {
		.active = true, .forgotten = true, .master_id = xstrdup(""), .info = slaveinfo_copy(agent->before)};
	json_t *document = before_picture_to_json(&before);
	char *text = json_dumps(document, JSON_COMPACT);

	json_decref(document);
	before_picture_clear(&before);
	return text;
}

static void replace(char **target, char *value)
{
	free(*target);
	*target = value;
}

static int take_up(const struct forgetful *run, struct run_agent *row, char *operation, int64_t epoch)
{
	const char *unknown = agent_state_name(AGENT_UNKNOWN);
	char *picture = picture_by_plan(&run->plan->agents[row->position]);
	char *note =
		xasprintf("this database was restored from a copy that knows nothing of operation %s, by which this "
			  "run has changed it; its host is asked",
			  operation);

	/* Its request is lost. */
	json_t *body = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:n, s:o}", "from", row->state, "to", unknown, "event",
				 agent_event_name(EVENT_RESUME), "attempt", (json_int_t)row->attempt, "operation",
				 operation, "note", note, "request_sha256", "before", json_loads(picture, 0, NULL));
	replace(&row->state, xstrdup(unknown));
	replace(&row->operation, operation);
	replace(&row->before, picture);
	replace(&row->error, note);
	replace(&row->request, NULL);
	replace(&row->started, NULL);
	replace(&row->proof, NULL);
	row->epoch = epoch;
	row->away_from_ms = row->away_until_ms = 0;
	ledger_event(run->ledger, "agent", row->run, row->agent_id, body);
	ledger_put_agent(run->ledger, row);
	return 0;
}

/* Does found with each that was forgotten; -1 stops. */
typedef int found_function(const struct forgetful *run, struct run_agent *row, char *operation, int64_t epoch);

static int for_each_forgotten(const struct forgetful *run, const char *name, found_function *found)
{
	struct run_agent *rows = NULL;
	size_t count = 0;
	int result = ledger_load_agents(run->ledger, name, &rows, &count, &run->session->error);

	for (size_t i = 0; result == 0 && i < count; i++) {
		int64_t epoch = 0;
		bool looks = is_not_changed(&rows[i]) && rows[i].position >= 0 &&
			     (size_t)rows[i].position < run->plan->agent_count;
		char *operation = looks ? forgotten_operation(run, &rows[i], &epoch) : NULL;

		if (operation)
			result = found(run, &rows[i], operation, epoch);
	}
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&rows[i]);
	free(rows);
	return result;
}

static int refuse(const struct forgetful *run, struct run_agent *row, char *operation, int64_t epoch)
{
	(void)epoch;
	error_set(
		&run->session->error, ERROR_CONFLICT,
		"this database was restored from a copy that knows nothing of operation %s, by which run %s has changed %s "
		"(%s): `rollcall rollout settle %s --adopt` asks the hosts of the run and takes up what they have done; "
		"`resume %s --adopt` does so and goes on from there",
		operation, row->run, row->hostname, row->agent_id, row->run, row->run);
	free(operation);
	return -1;
}

int drive_check_forgotten(struct session *session, const struct plan *plan, const char *name)
{
	const struct forgetful run = {.session = session, .plan = plan, .ledger = session_ledger(session)};
	int result = run.ledger ? for_each_forgotten(&run, name, refuse) : -1;

	ledger_close(run.ledger);
	return result;
}

int drive_take_up_forgotten(struct drive *drive, const char *name)
{
	const struct forgetful run = {.session = drive->session, .plan = drive->plan, .ledger = drive->ledger};

	if (for_each_forgotten(&run, name, take_up) < 0)
		return -1;
	return ledger_commit(drive->ledger, &drive->session->error);
}
