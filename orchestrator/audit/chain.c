/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/audit/chain_trace.h"
#include "orchestrator/ledger/ledger_backend.h"

static const char no_event[] = "0000000000000000000000000000000000000000000000000000000000000000";

struct stored_hash {
	char hash[DIGEST_HEX_SIZE];
	int64_t seq;
};

struct walk {
	struct chain chain;
	struct stored_hash *hashes;
	size_t count, cap;
	bool broken;
	struct trace trace; /* where it broke */
};

void chain_clear(struct chain *chain)
{
	free(chain->hashes);
	free(chain->seqs);
	*chain = (struct chain){.hashes = NULL};
}

static void keep_hash(struct walk *walk, const struct ledger_entry *entry)
{
	if (walk->count == walk->cap) {
		walk->cap = walk->cap ? walk->cap * 2 : 1024;
		walk->hashes = xreallocarray(walk->hashes, walk->cap, sizeof(*walk->hashes));
	}
	walk->hashes[walk->count].seq = entry->seq;
	memcpy(walk->hashes[walk->count++].hash, entry->hash, DIGEST_HEX_SIZE);
}

/* Goes on after the first break: the hashes behind it are wanted all the same. */
static int visit(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct walk *walk = ctx;
	struct chain *chain = &walk->chain;
	char hash[DIGEST_HEX_SIZE];

	(void)err;
	if (!walk->broken) {
		ledger_hash(chain->head, entry, hash);
		walk->broken = entry->seq != chain->seq + 1 || strcmp(hash, entry->hash) != 0;
		if (walk->broken)
			walk->trace =
				(struct trace){.seq = entry->seq, .last_seq = chain->seq, .last_ms = chain->time_ms};
		if (walk->broken)
			memcpy(walk->trace.last_hash, chain->head, sizeof(walk->trace.last_hash));
	}
	keep_hash(walk, entry);
	if (chain->events > 0 && chain->time_ms - entry->time_ms > chain->back_ms) {
		chain->back_ms = chain->time_ms - entry->time_ms;
		chain->back_seq = entry->seq;
	}
	chain->events++;
	chain->seq = entry->seq;
	chain->time_ms = entry->time_ms;
	memcpy(chain->head, entry->hash, sizeof(chain->head));
	return 0;
}

static int by_hash(const void *left, const void *right)
{
	const struct stored_hash *one = left, *other = right;

	return strcmp(one->hash, other->hash);
}

static void sort_hashes(struct walk *walk)
{
	struct chain *chain = &walk->chain;

	if (walk->count)
		qsort(walk->hashes, walk->count, sizeof(*walk->hashes), by_hash);
	chain->hashes = xcalloc(walk->count + 1, sizeof(*chain->hashes));
	chain->seqs = xcalloc(walk->count + 1, sizeof(*chain->seqs));
	for (size_t i = 0; i < walk->count; i++) {
		memcpy(chain->hashes[i], walk->hashes[i].hash, DIGEST_HEX_SIZE);
		chain->seqs[i] = walk->hashes[i].seq;
	}
}

int chain_check(struct store *store, struct chain *out, struct findings_list *findings, struct error *err)
{
	struct walk walk = {.broken = false};
	struct store_cursor rows;
	int result;

	memcpy(walk.chain.head, no_event, sizeof(no_event));
	if (store_query(store, &rows, err,
			"SELECT seq, time_ms, actor, run, agent, kind, body, hash FROM events ORDER BY seq", "") < 0)
		return -1;
	result = ledger_visit_rows(&rows, visit, &walk, err);
	store_done(&rows);
	if (result == 0 && walk.broken)
		result = trace_explain(store, &walk.trace, findings, err);
	if (result == 0) {
		sort_hashes(&walk);
		walk.chain.whole = !walk.broken;
		*out = walk.chain;
	}
	free(walk.hashes);
	return result;
}

int64_t chain_find(const struct chain *chain, const char *hash)
{
	size_t low = 0, high = (size_t)chain->events;

	if (strcmp(hash, no_event) == 0)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(chain->hashes[middle], hash);

		if (order == 0)
			return chain->seqs[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}
