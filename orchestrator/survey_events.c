/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/survey_events.h"

#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"

void survey_events_clear(struct survey_events *events)
{
	json_decref(events->hosts);
	events->hosts = NULL;
}

void survey_events_note(struct survey_events *events, const struct agent_record *agent, json_t *what)
{
	json_object_set_new(what, "agent", output_text(agent->view.id));
	json_object_set_new(what, "hostname", output_text(agent->view.hostname));
	if (!events->hosts)
		events->hosts = json_array();
	json_array_append_new(events->hosts, what);
}

/* What the deed is told of. */
struct committing {
	struct survey_events *events;
	const char *cluster;
};

static int describe(void *ctx, struct ledger *ledger, struct error *err)
{
	struct committing *committing = ctx;
	json_t *host;
	size_t i;

	(void)err;
	json_array_foreach(committing->events->hosts, i, host)
	{
		json_object_set_new(host, "cluster", json_string(committing->cluster));
		ledger_event(ledger, "inventory.survey", NULL, json_string_value(json_object_get(host, "agent")),
			     json_incref(host));
	}
	survey_events_clear(committing->events);
	return 0;
}

int survey_events_commit(struct survey_events *events, struct session *session)
{
	struct committing committing = {.events = events, .cluster = session->cluster->name};
	struct deed deed = {.session = session, .describe = describe, .ctx = &committing};

	deed_announce(&deed);
	int result = store_commit(session->store, &session->error);
	deed_end(&deed);
	return result;
}
