/* SPDX-License-Identifier: Apache-2.0 */
/* Is the fleet still what the plan saw? */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "inventory/agents.h"
#include "orchestrator/driver/drive.h"
#include "orchestrator/plan/planner.h"
#include "orchestrator/refresh.h"

static int check_identity(const struct plan_agent *agent, const struct agent_record *record, struct error *err)
{
	const struct agent_view *view = &record->view;
	char when[CLOCK_TEXT_MAX];

	if (record->gone_ms != 0)
		return error_set(err, ERROR_CONFLICT, "the master does not list agent %s any more (since %s)",
				 agent->agent_id, clock_format(record->gone_ms, when));
	if (strcmp(view->hostname, agent->hostname) != 0 || strcmp(view->ip, agent->ip) != 0 ||
	    view->port != agent->port)
		return error_set(err, ERROR_CONFLICT, "it is %s at %s:%d now, the plan saw %s at %s:%d", view->hostname,
				 view->ip, view->port, agent->hostname, agent->ip, agent->port);
	return 0;
}

static int check_info(const struct plan_agent *agent, const struct agent_record *record, struct error *err)
{
	unsigned differs = slaveinfo_diff(agent->before, record->view.info);
	struct buffer parts = BUFFER_INIT(256);

	if (!record->view.attributes_complete)
		differs &= ~(unsigned)PART_ATTRIBUTES;
	if (!differs)
		return 0;
	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1) {
		if (differs & bit)
			buffer_printf(&parts, "%s%s", parts.len ? ", " : "",
				      slaveinfo_part_name((enum slaveinfo_part)bit));
	}
	error_set(err, ERROR_CONFLICT, "its SlaveInfo is no longer what the plan saw (%s)", buffer_text(&parts));
	buffer_clear(&parts);
	return -1;
}

static int check_agent(struct drive *drive, const struct plan_agent *agent, const struct master_facts *facts,
		       struct error *err)
{
	struct session *session = drive->session;
	struct agent_record record = {.row = 0};

	if (agents_find(session_store(session), session->cluster_id, agent->agent_id, &record, err) < 0)
		return -1;
	int result = check_identity(agent, &record, err);
	if (result == 0)
		result = check_info(agent, &record, err);
	if (result == 0)
		result = planner_check_master(facts, agent->differs, agent->after, err);
	agent_record_clear(&record);
	return result;
}

static int check_all(struct drive *drive, const struct master_facts *facts)
{
	const struct plan *plan = drive->plan;
	struct error *err = &drive->session->error;
	size_t drifted = 0;
	char first[ERROR_TEXT_MAX / 2] = "";
	enum error_kind kind = ERROR_CONFLICT;

	for (size_t i = 0; i < plan->agent_count; i++) {
		struct error why = ERROR_INIT;

		if (check_agent(drive, &plan->agents[i], facts, &why) == 0)
			continue;
		if (drifted++ == 0) {
			kind = why.kind;
			snprintf(first, sizeof(first), "%s: %.400s", plan->agents[i].hostname, why.text);
		} else {
			log_error("%s: %s", plan->agents[i].hostname, why.text);
		}
	}
	if (drifted == 0)
		return 0;
	return error_set(err, kind, "%zu of %zu agent%s %s not as the plan saw %s: %s. Nothing was changed; plan again",
			 drifted, plan->agent_count, plan->agent_count == 1 ? "" : "s", drifted == 1 ? "is" : "are",
			 drifted == 1 ? "it" : "them", first);
}

int drive_check_drift(struct drive *drive)
{
	struct session *session = drive->session;
	struct master_facts facts = {.version = NULL};

	if (refresh_agents(session, NULL) < 0)
		return -1;
	int found = agents_facts(session_store(session), session->cluster_id, &facts, &session->error);
	if (found <= 0)
		return found < 0 ? -1 : error_set(&session->error, ERROR_BUG, "the master's facts were not kept");
	int result = check_all(drive, &facts);
	master_facts_clear(&facts);
	return result;
}
