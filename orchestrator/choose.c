/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/choose.h"

#include "base/log.h"
#include "inventory/attributes_known.h"

static void warn(const struct session *session, const struct attributes_missing *missing)
{
	for (size_t i = 0; i < missing->count; i++) {
		const struct attribute_missing *item = &missing->items[i];

		log_warning("no agent of cluster %s has an attribute %s%s%s%s", session->cluster->name, item->name,
			    item->near ? "; did you mean " : "", item->near ? item->near : "", item->near ? "?" : "");
	}
}

/* selector, or else names. */
static int check_names(struct session *session, const struct selector *selector, char *const names[], size_t count)
{
	struct attributes_missing missing = {NULL, 0};
	struct store *store = session_store(session);
	int64_t cluster;
	int result = session_cluster_id(session, &cluster);

	if (result == 0)
		result = attributes_find_missing(store, cluster, selector, &missing, &session->error);
	if (result == 0)
		result = attributes_find_missing_columns(store, cluster, names, count, &missing, &session->error);
	if (result == 0)
		warn(session, &missing);
	attributes_missing_clear(&missing);
	return result;
}

int choose_check_names(struct session *session, const struct selector *selector)
{
	return check_names(session, selector, NULL, 0);
}

int choose_check_columns(struct session *session, char *const names[], size_t count)
{
	return check_names(session, NULL, names, count);
}

static int check_synced(struct session *session, int64_t cluster)
{
	int64_t synced = 0;

	if (agents_synced_ms(session_store(session), cluster, &synced, &session->error) < 0)
		return -1;
	if (!synced)
		return error_set(&session->error, ERROR_USAGE,
				 "nothing is known of cluster %s yet; run `rollcall inventory sync` first",
				 session_cluster(session)->name);
	return 0;
}

int choose_agents(struct session *session, const char *where, struct agent_list *out)
{
	struct selector *selector = NULL;
	int64_t cluster;
	int result;

	if (where) {
		selector = selector_parse("--where", where, &session->error);
		if (!selector)
			return -1;
	}
	result = session_cluster_id(session, &cluster);
	if (result == 0)
		result = check_synced(session, cluster);
	if (result == 0)
		result = choose_check_names(session, selector);
	if (result == 0)
		result = agents_load(session_store(session), cluster, selector, out, &session->error);
	selector_free(selector);
	return result;
}
