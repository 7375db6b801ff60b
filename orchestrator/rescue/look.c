/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts, and in what state: the first half of a rescue. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "inventory/selector.h"
#include "orchestrator/ledger/ledger_query.h"
#include "orchestrator/refresh.h"
#include "orchestrator/rescue/rescue.h"
#include "orchestrator/survey_hosts.h"

#define PROPOSAL_MAX (64u << 20)

static void host_clear(struct rescue_host *host)
{
	cluster_host_clear(&host->host);
	slaveinfo_changes_clear(&host->changes);
	free(host->expect.agent_id);
	free(host->expect.boot_id);
	free(host->expect.agent_version);
	free(host->expect.checkpoint_sha256);
	free(host->expect.store_sha256);
	for (size_t i = 0; i < host->task_count; i++)
		free(host->task_ids[i]);
	free(host->task_ids);
	free(host->why);
	free(host->foreign);
	free(host->said);
	free(host->id_after);
	json_decref(host->changed);
}

void rescue_clear(struct rescue *rescue)
{
	for (size_t i = 0; i < rescue->count; i++)
		host_clear(&rescue->hosts[i]);
	free(rescue->hosts);
	agent_list_clear(&rescue->listed);
	agent_list_clear(&rescue->gone);
	if (rescue->has_facts)
		master_facts_clear(&rescue->facts);
	memset(rescue, 0, sizeof(*rescue));
}

size_t rescue_count_acts(const struct rescue *rescue)
{
	size_t count = 0;

	for (size_t i = 0; i < rescue->count; i++)
		count += rescue->hosts[i].act != RESCUE_NONE;
	return count;
}

bool rescue_host_is_refused(const struct rescue_host *host)
{
	return host->act == RESCUE_NONE && !host->runs;
}

size_t rescue_count_refused(const struct rescue *rescue)
{
	size_t count = 0;

	for (size_t i = 0; i < rescue->count; i++)
		count += rescue_host_is_refused(&rescue->hosts[i]);
	return count;
}

size_t rescue_count_foreign(const struct rescue *rescue)
{
	size_t count = 0;

	for (size_t i = 0; i < rescue->count; i++)
		count += rescue->hosts[i].act != RESCUE_NONE && rescue->hosts[i].foreign;
	return count;
}

size_t rescue_count_ahead(const struct rescue *rescue)
{
	size_t count = 0;

	for (size_t i = 0; i < rescue->count; i++)
		count += rescue->hosts[i].act != RESCUE_NONE && rescue->hosts[i].ahead;
	return count;
}

/* ---- choosing */

/* 1: by its last survey a database left an operation open there that is lost since, or that has forgotten it. */
static int was_left_open(struct store *store, const struct agent_record *agent, struct error *err)
{
	struct survey_record record = {.time_ms = 0};
	struct survey survey = {.agentctl = NULL};
	int found = survey_load(store, agent->row, &record, err);

	/* Most documents name no operation, and need not be parsed to know it. */
	if (found > 0 && record.document && strstr(record.document, "\"operation\"") &&
	    survey_parse(agent->view.hostname, record.document, record.document_len, &survey, NULL) == 0) {
		found = rescue_has_orphan(store, &survey, err);
		survey_clear(&survey);
	} else if (found > 0) {
		found = 0;
	}
	survey_record_clear(&record);
	return found;
}

/* Else an active agent has nothing to be rescued from. A deactivated one is never active, whether it runs or not: its host knows. */
static int keep_broken(struct store *store, struct agent_list *list, struct error *err)
{
	size_t kept = 0;
	int wanted = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (wanted >= 0)
			wanted = list->items[i].view.active ? was_left_open(store, &list->items[i], err) : 1;
		if (wanted > 0)
			list->items[kept++] = list->items[i];
		else
			agent_record_clear(&list->items[i]);
	}
	list->count = kept;
	return wanted < 0 ? -1 : 0;
}

static int load_agents(struct rescue *rescue, size_t *matched)
{
	struct session *session = rescue->session;
	struct store *store = session_store(session);
	const char *where = rescue->options.where;
	struct selector *selector = where ? selector_parse("EXPR", where, &session->error) : NULL;
	int64_t cluster = 0;
	int result = (selector || !where) && session_cluster_id(session, &cluster) == 0 ? 0 : -1;

	if (result == 0)
		result = agents_load(store, cluster, selector, &rescue->listed, &session->error);
	if (result == 0)
		result = agents_load_gone(store, cluster, selector, rescue->options.since_ms, &rescue->gone,
					  &session->error);
	selector_free(selector);
	if (result < 0)
		return -1;
	*matched = rescue->listed.count + rescue->gone.count;
	if (keep_broken(store, &rescue->listed, &session->error) < 0)
		return -1;
	return agents_facts(store, cluster, &rescue->facts, &session->error);
}

static int choose(struct rescue *rescue)
{
	struct session *session = rescue->session;
	size_t matched = 0;
	int known = load_agents(rescue, &matched);

	if (known < 0)
		return -1;
	rescue->has_facts = known > 0;
	if (matched == 0 && !rescue->options.where)
		return error_set(&session->error, ERROR_USAGE,
				 "the master lists no agent, and has listed none lately; `rollcall inventory list "
				 "--at TIME` shows those of another day");
	if (matched == 0)
		return error_set(&session->error, ERROR_USAGE,
				 "\"%s\" matches no agent, neither among those the master lists nor among those it has "
				 "listed lately; `rollcall inventory list` shows the former",
				 rescue->options.where);
	rescue->hosts = xcalloc(rescue->listed.count + rescue->gone.count + 1, sizeof(*rescue->hosts));
	for (size_t i = 0; i < rescue->listed.count; i++)
		rescue->hosts[rescue->count++].agent = &rescue->listed.items[i];
	for (size_t i = 0; i < rescue->gone.count; i++)
		rescue->hosts[rescue->count++].agent = &rescue->gone.items[i];
	return 0;
}

static int by_hostname(const void *a, const void *b)
{
	const struct rescue_host *left = a, *right = b;
	int order = strcmp(left->agent->view.hostname, right->agent->view.hostname);

	return order ? order : strcmp(left->agent->view.id, right->agent->view.id);
}

/* ---- asking */

static int survey(struct rescue *rescue, const struct agent_list *agents)
{
	struct survey_counts counts;

	return agents->count == 0
		       ? 0
		       : survey_hosts(rescue->session, agents, (size_t)rescue->options.parallel, NULL, &counts);
}

/* What the proposal rests on, and nothing that passes by itself. */
static json_t *basis(const struct rescue *rescue)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rescue->count; i++) {
		const struct rescue_host *host = &rescue->hosts[i];
		json_t *item;

		if (host->act == RESCUE_NONE)
			continue;
		item = json_pack("{s:s,s:s,s:b}", "agent", host->agent->view.id, "act",
				 host->act == RESCUE_START ? "rescue" : "settle", "by_flags", rescue->options.by_flags);
		if (host->act == RESCUE_SETTLE)
			json_object_set_new(item, "operation", json_string(host->operation));
		if (host->expect.checkpoint_sha256)
			json_object_set_new(item, "checkpoint", json_string(host->expect.checkpoint_sha256));
		if (host->expect.store_sha256)
			json_object_set_new(item, "store", json_string(host->expect.store_sha256));
		json_array_append_new(array, item);
	}
	return array;
}

static void hash_proposal(struct rescue *rescue)
{
	struct buffer text = BUFFER_INIT(PROPOSAL_MAX);
	json_t *array = basis(rescue);

	json_write(array, false, &text);
	digest_hex(buffer_text(&text), text.len, rescue->hash);
	json_decref(array);
	buffer_clear(&text);
}

int rescue_look(struct rescue *rescue, struct session *session, const struct rescue_options *options)
{
	*rescue = (struct rescue){.session = session, .options = *options};
	if (refresh_agents(session, NULL) < 0 || choose(rescue) < 0 || survey(rescue, &rescue->listed) < 0 ||
	    survey(rescue, &rescue->gone) < 0 ||
	    ledger_newest_epoch(session_store(session), &rescue->newest_epoch, &session->error) < 0)
		return -1;
	qsort(rescue->hosts, rescue->count, sizeof(*rescue->hosts), by_hostname);
	for (size_t i = 0; i < rescue->count; i++)
		if (rescue_judge(rescue, &rescue->hosts[i]) < 0)
			return -1;
	hash_proposal(rescue);
	return 0;
}
