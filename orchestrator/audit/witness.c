/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/witness.h"

#include <string.h>

#include "base/buffer.h"
#include "orchestrator/choose.h"
#include "orchestrator/survey_hosts.h"
#include "protocol/journal.h"

/* Of operations that a journal does not know, in a finding. */
#define UNKNOWN_SHOWN 3
#define UNKNOWN_MAX   4096

struct hearing {
	struct store *store;
	struct error *err; /* the first failure of the database */
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

static bool has(const struct survey *survey, const char *operation)
{
	for (size_t i = 0; i < survey->operation_count; i++)
		if (survey->operations[i].operation && strcmp(survey->operations[i].operation, operation) == 0)
			return true;
	return false;
}

/* What the ledger says was carried out on a host, and its journal does not know. */
struct unknown {
	size_t count;
	struct buffer text; /* the first of them */
};

static void unknown_add(struct unknown *unknown, const char *operation, const char *run)
{
	if (unknown->count++ < UNKNOWN_SHOWN)
		buffer_printf(&unknown->text, "%s%s of %s", unknown->count > 1 ? ", " : "", operation, run);
}

/* Of runs, and of rescues: whichever one says that the operation is done, for one of the same hosts may be attempted again. What a
 * rescue settled without having begun it is an operation of somebody else. */
static const char carried_out[] =
	"SELECT operation, run, away_from_ms AS began FROM run_agents WHERE agent = ?1 AND operation IS NOT NULL AND state IN "
	"('done', 'reverted') UNION ALL SELECT json_extract(CAST(i.body AS TEXT), '$.operation'), i.run, i.time_ms FROM events i "
	"WHERE i.agent = ?1 AND i.kind = 'rescue.intent' AND json_extract(CAST(i.body AS TEXT), '$.act') = 'rescue' AND EXISTS "
	"(SELECT 1 FROM events d WHERE d.agent = ?1 AND d.kind = 'rescue.done' AND d.seq > i.seq AND "
	"json_extract(CAST(d.body AS TEXT), '$.operation') = json_extract(CAST(i.body AS TEXT), '$.operation')) "
	"ORDER BY began DESC";

/* The newest first. A full journal has lost its oldest: behind the last one that it knows nothing is missed. */
static int find_unknown(struct hearing *hearing, const char *agent_id, const struct survey *survey, struct unknown *out)
{
	struct unknown later = {.text = BUFFER_INIT(UNKNOWN_MAX)};
	struct store_cursor rows;
	int more;

	if (store_query(hearing->store, &rows, hearing->err, carried_out, "t", agent_id) < 0)
		return -1;
	while ((more = store_next(&rows, hearing->err)) > 0) {
		const char *operation = store_text(&rows, 0);

		if (!has(survey, operation)) {
			unknown_add(&later, operation, store_text(&rows, 1));
			continue;
		}
		out->count = later.count;
		buffer_clear(&out->text);
		buffer_puts(&out->text, buffer_text(&later.text));
	}
	store_done(&rows);
	if (more == 0 && survey->operation_count < JOURNAL_KEEP) {
		buffer_clear(&out->text);
		out->count = later.count;
		buffer_puts(&out->text, buffer_text(&later.text));
	}
	buffer_clear(&later.text);
	return more;
}

/* A run or a rescue that never was is in no journal. */
static void check_operations(struct hearing *hearing, const struct agent_record *agent, const struct survey *survey)
{
	struct unknown unknown = {.text = BUFFER_INIT(UNKNOWN_MAX)};

	if (find_unknown(hearing, agent->view.id, survey, &unknown) == 0 && unknown.count > 0)
		findings_add(
			hearing->findings, "witness", 0,
			"%s: its journal does not know %zu operation%s that the ledger says %s carried out there (%s%s): "
			"the journal was deleted or the host set up anew since, or what the ledger says never was",
			agent->view.hostname, unknown.count, unknown.count == 1 ? "" : "s",
			unknown.count == 1 ? "was" : "were", buffer_text(&unknown.text),
			unknown.count > UNKNOWN_SHOWN ? ", …" : "");
	buffer_clear(&unknown.text);
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
	if (survey)
		check_operations(hearing, agent, survey);
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
	hearing.store = session_store(session);
	hearing.err = &session->error;
	hearing.database = store_uuid(hearing.store);
	hearing.counts.hosts = agents.count;
	if (agents.count == 0)
		result = error_set(&session->error, ERROR_USAGE, "--witness: there is no agent%s%s",
				   where ? " that matches: " : "", where ? where : "");
	else
		result = survey_ask(session, &agents, SURVEY_PARALLEL, &watch, &asked);
	agent_list_clear(&agents);
	if (result == 0 && session->error.kind != ERROR_NONE)
		result = -1;
	if (result == 0 && hearing.counts.answered == 0)
		result = error_set(&session->error, ERROR_UNREACHABLE, "none of the %zu hosts could be asked: %s",
				   hearing.counts.hosts,
				   findings->count ? findings->items[findings->count - 1].text : "");
	if (result == 0)
		*counts = hearing.counts;
	return result;
}
