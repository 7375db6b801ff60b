/* SPDX-License-Identifier: Apache-2.0 */
/* The agents of runs: each row against the events of its agent, and the heads that its requests carried against the chain. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "orchestrator/audit/beginning.h"
#include "orchestrator/audit/projections.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "orchestrator/ledger/ledger_query.h"

/* What the events have said of one agent so far. */
struct told {
	const struct run_agent *row;
	int64_t seq; /* of its last event; 0: there is none */
	char *state, *operation;
	char *request_sha256;
	char *row_digest; /* of its row; NULL: its last event was written before events had one */
	json_t *before, *started, *proof;
};

struct reading {
	struct told *agents; /* by ID */
	size_t count;
};

static int by_id(const void *left, const void *right)
{
	const struct told *one = left, *other = right;

	return strcmp(one->row->agent_id, other->row->agent_id);
}

static struct told *find(const struct reading *reading, const char *agent_id)
{
	const struct run_agent row = {.agent_id = (char *)(uintptr_t)agent_id};
	const struct told wanted = {.row = &row};

	return reading->count ? bsearch(&wanted, reading->agents, reading->count, sizeof(wanted), by_id) : NULL;
}

static void take_text(char **to, const json_t *body, const char *key)
{
	free(*to);
	*to = ledger_copy_text(json_string_value(json_object_get(body, key)));
}

static void take_value(json_t **to, const json_t *body, const char *key)
{
	json_t *value = json_object_get(body, key);

	if (!value)
		return;
	json_decref(*to);
	*to = json_incref(value);
}

static void forget_evidence(struct told *told)
{
	json_decref(told->started);
	json_decref(told->proof);
	told->started = told->proof = NULL;
}

static int hear(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct told *told = entry->agent_id && strcmp(entry->kind, "agent") == 0 ? find(ctx, entry->agent_id) : NULL;
	json_t *body = told ? json_loadb(entry->body, entry->body_len, 0, NULL) : NULL;

	(void)err;
	if (!body)
		return 0;
	told->seq = entry->seq;
	take_text(&told->state, body, "to");
	take_text(&told->operation, body, "operation");
	take_text(&told->row_digest, body, "row");
	if (json_object_get(body, "request_sha256")) { /* the intent: a new operation */
		take_text(&told->request_sha256, body, "request_sha256");
		forget_evidence(told);
	}
	take_value(&told->before, body, "before");
	take_value(&told->started, body, "host_said");
	take_value(&told->proof, body, "proof");
	json_decref(body);
	return 0;
}

static bool is_same_json(const char *text, json_t *said)
{
	json_t *value = text ? json_loads(text, 0, NULL) : NULL;
	bool same = value ? json_equal(value, said) : text == NULL && said == NULL;

	json_decref(value);
	return same;
}

static bool is_same_text(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

/* Nothing was recorded of it yet: it is as the run's beginning made it. */
static bool is_untouched(const struct run_agent *row)
{
	return strcmp(row->state, "waiting") == 0 && row->attempt == 0 && row->epoch == 0 && !row->operation &&
	       !row->request && !row->before && !row->started && !row->proof && !row->error && row->away_from_ms == 0 &&
	       row->away_until_ms == 0;
}

/* The columns that the events name; NULL: none of them. Evidence moves on while an agent is under way. */
static const char *named_disagreement(const struct told *told)
{
	const struct run_agent *row = told->row;
	bool over = strcmp(row->state, "done") == 0 || strcmp(row->state, "reverted") == 0;
	char sha256[DIGEST_HEX_SIZE] = "";

	if (row->request)
		digest_hex(row->request, strlen(row->request), sha256);
	if (!is_same_text(row->state, told->state))
		return "state";
	if (!is_same_text(row->operation, told->operation))
		return "operation";
	if (told->request_sha256 && strcmp(sha256, told->request_sha256) != 0)
		return "request";
	if (told->before && !is_same_json(row->before, told->before))
		return "picture of before";
	if (over && told->started && !is_same_json(row->started, told->started))
		return "evidence of its process";
	if (over && told->proof && !is_same_json(row->proof, told->proof))
		return "proof";
	return NULL;
}

/* What is the row's, and is not what was recorded; NULL: nothing. */
static const char *disagreement(const struct told *told)
{
	char digest[DIGEST_HEX_SIZE];
	const char *what;

	if (!told->seq)
		return is_untouched(told->row) ? NULL : "state";
	what = named_disagreement(told);
	run_agent_digest(told->row, digest);
	if (!what && told->row_digest && strcmp(digest, told->row_digest) != 0)
		return "hostname, attempt, epoch, error, evidence or time away";
	return what;
}

/* A head that a request carried was the chain's when it was sent. */
static void check_head(struct store *store, const struct chain *chain, const struct run_agent *row,
		       struct findings_list *findings)
{
	json_t *request = row->request ? json_loads(row->request, 0, NULL) : NULL;
	const char *head = json_string_value(json_object_get(request, "chain_head"));
	const char *database = json_string_value(json_object_get(request, "database"));

	/* Hosts remember heads by the database's name: under another one they would not bear witness against it. */
	if (database && strcmp(database, store_uuid(store)) != 0)
		findings_add(
			findings, "cut", 0,
			"run %s, %s (%s): its request was sent by database %.12s, and this one calls itself %.12s: it was "
			"renamed, or the run is another database's",
			row->run, row->agent_id, row->hostname, database, store_uuid(store));

	if (head && chain_find(chain, head) < 0)
		findings_add(
			findings, "cut", 0,
			"run %s, %s (%s): its request carries the head %.12s, which is the hash of no event: the chain "
			"was cut off or rewritten after that",
			row->run, row->agent_id, row->hostname, head);
	json_decref(request);
}

/* Its last event was written before events had the digest of its row: it was recorded when the ledger began. */
static void take_found_digest(struct told *told, const json_t *found)
{
	char position[32];

	snprintf(position, sizeof(position), "%" PRId64, told->row->position);
	if (told->seq && !told->row_digest)
		take_text(&told->row_digest, json_object_get(found, "agents"), position);
}

static void judge(struct store *store, const struct chain *chain, const struct told *told,
		  struct findings_list *findings)
{
	const struct run_agent *row = told->row;
	const char *what = disagreement(told);

	if (what)
		findings_add(findings, "projection", told->seq,
			     "run %s, %s (%s): its %s in the table (state %s) is not what the events say (state %s): "
			     "the table was edited, or events are missing",
			     row->run, row->agent_id, row->hostname, what, row->state,
			     told->state ? told->state : "none");
	check_head(store, chain, row, findings);
}

static void told_clear(struct told *told)
{
	free(told->state);
	free(told->operation);
	free(told->request_sha256);
	free(told->row_digest);
	json_decref(told->before);
	forget_evidence(told);
}

static int check_run(struct store *store, struct ledger *ledger, const char *run, const struct chain *chain,
		     struct findings_list *findings, struct error *err)
{
	struct run_agent *rows = NULL;
	struct reading reading = {NULL, 0};
	json_t *found;
	int result;

	if (ledger_load_agents(ledger, run, &rows, &reading.count, err) < 0)
		return -1;
	reading.agents = xcalloc(reading.count + 1, sizeof(*reading.agents));
	for (size_t i = 0; i < reading.count; i++)
		reading.agents[i].row = &rows[i];
	if (reading.count)
		qsort(reading.agents, reading.count, sizeof(*reading.agents), by_id);
	result = ledger_run_events(store, run, hear, &reading, err);
	found = beginning_of_run(store, run);
	for (size_t i = 0; i < reading.count; i++) {
		take_found_digest(&reading.agents[i], found);
		if (result == 0)
			judge(store, chain, &reading.agents[i], findings);
		told_clear(&reading.agents[i]);
	}
	for (size_t i = 0; i < reading.count; i++)
		run_agent_clear(&rows[i]);
	json_decref(found);
	free(rows);
	free(reading.agents);
	return result;
}

int projections_check_agents(struct store *store, const struct chain *chain, struct findings_list *findings,
			     struct error *err)
{
	struct ledger *ledger = ledger_open(store, "reader", err);
	struct run_list runs = {NULL, 0};
	int result = ledger ? ledger_list_runs(store, &runs, err) : -1;

	for (size_t i = runs.count; result == 0 && i-- > 0;)
		result = check_run(store, ledger, runs.items[i].row.id, chain, findings, err);
	run_list_clear(&runs);
	ledger_close(ledger);
	return result;
}
