/* SPDX-License-Identifier: Apache-2.0 */
/* What is hashed: events, each over the one before it; and rows, whose digests stand in the events that they follow from. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/ledger/ledger_backend.h"

/* NULL and "" are different: "-" and "0:". */
static void hash_text(struct digest_state *state, const char *text, size_t len)
{
	char length[32];
	int n = snprintf(length, sizeof(length), "%zu:", len);
	if (text == NULL) {
		digest_add(state, "-", 1);
		return;
	}
	digest_add(state, length, (size_t)n);
	digest_add(state, text, len);
}

static void hash_string(struct digest_state *state, const char *text)
{
	hash_text(state, text, text == NULL ? 0 : strlen(text));
}

static void hash_number(struct digest_state *state, int64_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, number);
	hash_string(state, text);
}

void ledger_hash(const char *previous, const struct ledger_entry *entry, char out[DIGEST_HEX_SIZE])
{
	struct digest_state state;
	unsigned char digest[DIGEST_SIZE];
	digest_start(&state);
	hash_string(&state, previous);
	hash_number(&state, entry->seq);
	hash_number(&state, entry->time_ms);
	hash_string(&state, entry->actor);
	hash_string(&state, entry->run);
	hash_string(&state, entry->agent_id);
	hash_string(&state, entry->kind);
	hash_text(&state, entry->body, entry->body_len);
	digest_finish(&state, digest);
	hex_encode(digest, sizeof(digest), out);
}

static void finish(struct digest_state *state, char out[DIGEST_HEX_SIZE])
{
	unsigned char digest[DIGEST_SIZE];
	digest_finish(state, digest);
	hex_encode(digest, sizeof(digest), out);
}

/* Texts, then numbers, each in the order given: a digest that was written stays what it was. */
static void row_digest(const char *const texts[], size_t text_count, const int64_t numbers[], size_t number_count,
		       char out[DIGEST_HEX_SIZE])
{
	struct digest_state state;
	digest_start(&state);
	for (size_t i = 0; i < text_count; i++)
		hash_string(&state, texts[i]);
	for (size_t i = 0; i < number_count; i++)
		hash_number(&state, numbers[i]);
	finish(&state, out);
}

void run_agent_digest(const struct run_agent *agent, char out[DIGEST_HEX_SIZE])
{
	const char *texts[] = {agent->run,     agent->agent_id, agent->hostname, agent->state, agent->operation,
			       agent->request, agent->before,   agent->started,  agent->proof, agent->error};
	const int64_t numbers[] = {agent->position, agent->attempt, agent->epoch, agent->away_from_ms,
				   agent->away_until_ms};
	row_digest(texts, sizeof(texts) / sizeof(texts[0]), numbers, sizeof(numbers) / sizeof(numbers[0]), out);
}

void run_row_digest(const struct run_row *run, char out[DIGEST_HEX_SIZE])
{
	const char *texts[] = {run->id, run->plan, run->state, run->reason, run->rolls_back, run->memory};
	const int64_t numbers[] = {run->epoch,       run->forgiven,     run->created_ms,
				   run->finished_ms, run->rollback_due, run->stages_passed};
	row_digest(texts, sizeof(texts) / sizeof(texts[0]), numbers, sizeof(numbers) / sizeof(numbers[0]), out);
}
