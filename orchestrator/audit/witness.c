/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/witness.h"

#include <string.h>

#include "orchestrator/choose.h"
#include "orchestrator/survey_hosts.h"

struct hearing {
	const char *database;
	const struct chain *chain;
	struct witness_counts counts;
	struct findings_list *findings;
};

static void hear_operation(struct hearing *hearing, const char *hostname, const struct survey_operation *operation)
{
	int64_t seq;

	if (!operation->database || !operation->chain_head)
		return;
	if (strcmp(operation->database, hearing->database) != 0) {
		hearing->counts.others++;
		return;
	}
	hearing->counts.heads++;
	seq = chain_find(hearing->chain, operation->chain_head);
	if (seq >= 0) {
		hearing->counts.known++;
		if (seq > hearing->counts.newest)
			hearing->counts.newest = seq;
		return;
	}
	findings_add(
		hearing->findings, "witness", 0,
		"%s was given the head %.12s with operation %s of run %s, and no event has that hash: the chain was "
		"computed anew, cut off, or put back to an older state since. Find the database that has it before you "
		"trust this one",
		hostname, operation->chain_head, operation->operation ? operation->operation : "?",
		operation->run ? operation->run : "?");
}

static void host_done(void *ctx, const struct agent_record *agent, const struct survey *survey,
		      const struct error *failure, const struct survey_counts *so_far)
{
	struct hearing *hearing = ctx;

	(void)so_far;
	if (failure)
		findings_add(hearing->findings, "unreachable", 0, "%s cannot be asked what it was given: %s",
			     agent->view.hostname, failure->text);
	hearing->counts.answered += survey != NULL;
	for (size_t i = 0; survey && i < survey->operation_count; i++)
		hear_operation(hearing, agent->view.hostname, &survey->operations[i]);
}

int witness_ask(struct session *session, const char *where, const struct chain *chain, struct witness_counts *counts,
		struct findings_list *findings)
{
	struct hearing hearing = {.chain = chain, .findings = findings};
	const struct survey_watch watch = {.host = host_done, .ctx = &hearing};
	struct agent_list agents = {.items = NULL};
	struct survey_counts asked;
	int result;

	if (choose_agents(session, where, &agents) < 0)
		return -1;
	hearing.database = store_uuid(session_store(session));
	hearing.counts.hosts = agents.count;
	if (agents.count == 0)
		result = error_set(&session->error, ERROR_USAGE, "--witness: there is no agent%s%s",
				   where ? " that matches: " : "", where ? where : "");
	else
		result = survey_ask(session, &agents, SURVEY_PARALLEL, &watch, &asked);
	agent_list_clear(&agents);
	if (result == 0 && hearing.counts.answered == 0)
		result = error_set(&session->error, ERROR_UNREACHABLE, "none of the %zu hosts could be asked: %s",
				   hearing.counts.hosts,
				   findings->count ? findings->items[findings->count - 1].text : "");
	if (result == 0)
		*counts = hearing.counts;
	return result;
}
