/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/choose.h"

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
		result = agents_load(session_store(session), cluster, selector, out, &session->error);
	selector_free(selector);
	return result;
}
