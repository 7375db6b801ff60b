/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for drift, agent by agent, in what the database has of it. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "inventory/config.h"
#include "orchestrator/choose.h"
#include "orchestrator/commands/inventory_drift.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/refresh.h"
#include "orchestrator/survey_hosts.h"

/* After so long an agent that is gone was given away. */
#define GONE_FOR_GOOD_MS (INT64_C(30) * 24 * 3600 * 1000)

void drift_clear(struct drift *drift)
{
	for (size_t i = 0; i < drift->count; i++)
		drift_findings_clear(&drift->agents[i].findings);
	free(drift->agents);
	for (size_t i = 0; drift->ignored && i < drift->ignores.count; i++)
		selector_free(drift->ignored[i]);
	free(drift->ignored);
	ignore_list_clear(&drift->ignores);
	agent_list_clear(&drift->listed);
	agent_list_clear(&drift->gone);
}

static void append_findings(struct drift_findings *to, struct drift_findings *from)
{
	if (from->count == 0)
		return;
	to->items = xreallocarray(to->items, to->count + from->count, sizeof(*to->items));
	memcpy(&to->items[to->count], from->items, from->count * sizeof(*to->items));
	to->count += from->count;
	free(from->items);
	*from = (struct drift_findings){NULL, 0};
}

/* What one config still asks of the agent's running flags. When that cannot be said of this agent, why says so: the others
 * are to be looked at all the same. */
static int resolve(struct drift *drift, const char *reference, const struct drift_input *input,
		   struct config_edits *edits, struct error *why)
{
	struct error *err = &drift->session->error;
	struct store *store = session_store(drift->session);
	struct config_version version = {.name = NULL};
	struct mesos_version mesos = mesos_version_newest;
	struct config *config;
	int result = -1;

	if (config_find(store, reference, &version, err) < 0)
		return -1;
	if (input->survey->version)
		mesos_version_parse(input->survey->version, &mesos, NULL);
	config = config_open(&version, err);
	if (config)
		result = config_resolve(config, store, input->agent, &input->survey->flags, &mesos, edits, why);
	if (result < 0 && config && why->kind != ERROR_USAGE)
		error_set(err, why->kind, "%s", why->text);
	if (result < 0 && config && why->kind == ERROR_USAGE)
		result = 0;
	config_free(config);
	config_version_clear(&version);
	return result;
}

static int find_config_drift(struct drift *drift, const struct drift_input *input, const char *reference,
			     struct drift_findings *out)
{
	struct config_edits edits = {.items = NULL};
	struct error why = ERROR_INIT;
	struct drift_findings found;

	if (resolve(drift, reference, input, &edits, &why) < 0)
		return -1;
	if (why.kind == ERROR_USAGE)
		drift_find_config_failure(reference, why.text, &found);
	else
		drift_find_config(reference, &edits, &found);
	append_findings(out, &found);
	config_edits_clear(&edits);
	return 0;
}

static int find_configs(struct drift *drift, const struct drift_input *input, struct drift_findings *out)
{
	struct drift_configs configs = {NULL, 0};
	int result = 0;

	if (drift_is_blind(input))
		return 0;
	if (drift->wish->config)
		return find_config_drift(drift, input, drift->wish->config, out);
	if (drift_configs_load(session_store(drift->session), input->agent->view.id, &configs, &drift->session->error) <
	    0)
		return -1;
	for (size_t i = 0; i < configs.count && result == 0; i++)
		result = find_config_drift(drift, input, configs.items[i], out);
	drift_configs_clear(&configs);
	return result;
}

/* The first entry of the ignore list that leaves this agent out. */
static int find_ignored(struct drift *drift, struct drift_input *input)
{
	int matches = 0;

	for (size_t i = 0; i < drift->ignores.count && matches == 0; i++) {
		matches = selector_matches(drift->ignored[i], session_store(drift->session), input->agent->row,
					   &drift->session->error);
		if (matches > 0)
			input->ignored = drift->ignores.items[i].reason;
	}
	return matches < 0 ? -1 : 0;
}

static int load_ignores(struct drift *drift)
{
	struct error *err = &drift->session->error;
	int64_t cluster;

	if (session_cluster_id(drift->session, &cluster) < 0 ||
	    ignores_load(session_store(drift->session), cluster, clock_wall_ms(), &drift->ignores, err) < 0)
		return -1;
	drift->ignored = xcalloc(drift->ignores.count + 1, sizeof(*drift->ignored));
	for (size_t i = 0; i < drift->ignores.count; i++) {
		drift->ignored[i] = selector_parse("the ignore list", drift->ignores.items[i].selector, err);
		if (!drift->ignored[i])
			return -1;
	}
	return 0;
}

/* When the database does not say, the run is named all the same. */
static bool knows_operation(void *ctx, const char *operation)
{
	struct error ignored = ERROR_INIT;

	return ledger_knows_operation(ctx, operation, &ignored) != 0;
}

static int look_at(struct drift *drift, const struct agent_record *agent)
{
	struct drifted *drifted = &drift->agents[drift->count];
	struct error *err = &drift->session->error;
	struct survey_record row = {.time_ms = 0};
	struct survey survey = {.agent_id = NULL};
	struct store *store = session_store(drift->session);
	struct drift_input input = {
		.agent = agent, .database = store_uuid(store), .knows_operation = knows_operation, .ctx = store};
	struct drift_findings others;
	int found = survey_load(session_store(drift->session), agent->row, &row, err);
	int result = found < 0 ? -1 : 0;

	input.row = found > 0 ? &row : NULL;
	if (result == 0 && row.document) {
		result = survey_parse(agent->view.hostname, row.document, row.document_len, &survey, err);
		input.survey = result == 0 ? &survey : NULL;
	}
	*drifted = (struct drifted){.agent = agent, .surveyed_ms = row.time_ms};
	if (result == 0)
		drift->count++;
	if (result == 0)
		result = drift_neighbours(session_store(drift->session), agent->row, &input.neighbours, err);
	if (result == 0)
		result = find_ignored(drift, &input);
	if (result == 0)
		result = find_configs(drift, &input, &drifted->findings);
	if (result == 0) {
		drift_find(&input, &others);
		append_findings(&drifted->findings, &others);
		if (drift_findings_has_drift(&drifted->findings))
			drift->drifted++;
		else if (drift_is_blind(&input))
			drift->unknown++;
	}
	survey_clear(&survey);
	survey_record_clear(&row);
	return result;
}

static int load_gone(struct drift *drift)
{
	struct error *err = &drift->session->error;
	struct selector *selector = NULL;
	int64_t cluster;
	int result;

	if (drift->wish->where) {
		selector = selector_parse("--where", drift->wish->where, err);
		if (!selector)
			return -1;
	}
	result = session_cluster_id(drift->session, &cluster);
	if (result == 0)
		result = agents_load_gone(session_store(drift->session), cluster, selector,
					  clock_wall_ms() - GONE_FOR_GOOD_MS, &drift->gone, err);
	selector_free(selector);
	return result;
}

static int refresh(struct drift *drift)
{
	struct survey_counts counts;

	if (refresh_agents(drift->session, NULL) < 0 ||
	    choose_agents(drift->session, drift->wish->where, &drift->listed) < 0)
		return -1;
	int result = survey_hosts(drift->session, &drift->listed, SURVEY_PARALLEL, NULL, &counts);
	agent_list_clear(&drift->listed);
	return result;
}

/* Also where no agent can be compared with it, a config that is not there is a mistake. */
static int check_config(struct drift *drift)
{
	struct store *store = drift->wish->config ? session_store(drift->session) : NULL;
	struct config_version version;

	if (!drift->wish->config)
		return 0;
	if (!store || config_find(store, drift->wish->config, &version, &drift->session->error) < 0)
		return -1;
	config_version_clear(&version);
	return 0;
}

int drift_look(struct drift *drift)
{
	int result = check_config(drift);

	if (result == 0 && drift->wish->refresh)
		result = refresh(drift);

	if (result == 0)
		result = choose_agents(drift->session, drift->wish->where, &drift->listed);
	if (result == 0)
		result = load_gone(drift);
	if (result == 0)
		result = load_ignores(drift);
	if (result < 0)
		return -1;
	drift->agents = xcalloc(drift->listed.count + drift->gone.count + 1, sizeof(*drift->agents));
	for (size_t i = 0; i < drift->listed.count && result == 0; i++)
		result = look_at(drift, &drift->listed.items[i]);
	for (size_t i = 0; i < drift->gone.count && result == 0; i++)
		result = look_at(drift, &drift->gone.items[i]);
	return result;
}
