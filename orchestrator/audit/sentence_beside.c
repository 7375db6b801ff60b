/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about what happens beside runs: rescues, who is told, the database itself. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/audit/sentence.h"
#include "orchestrator/audit/sentence_internal.h"

#define CHANGES_MAX 65536

/* ---- rescues */

static void say_rescue(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "a rescue of %lld host%s begins, as shown under %.*s", number_of(body, "hosts"),
		      number_of(body, "hosts") == 1 ? "" : "s", HASH_SHOWN, text_of(body, "proposal"));
	add_text(out, ", where ", body, "where");
}

char *rescue_change_text(const json_t *intent)
{
	const char *gives_way = text_of(intent, "gives_way");
	struct buffer out = BUFFER_INIT(CHANGES_MAX);
	const json_t *change;
	size_t i;

	if (!*gives_way)
		return NULL;
	buffer_puts(&out, strcmp(gives_way, "flags") == 0 ? "flags fit the checkpoint" : "checkpoint fits the flags");
	json_array_foreach(json_object_get(intent, "changes"), i, change)
	{
		const char *before = text_of(change, "before"), *after = text_of(change, "after");

		buffer_printf(&out, "%s%s %s \u2192 %s", i ? ", " : ": ", text_of(change, "what"),
			      *before ? before : "(none)", *after ? after : "(none)");
	}
	return buffer_take(&out);
}

static void say_rescue_intent(const json_t *body, struct buffer *out)
{
	char *change = rescue_change_text(body);

	if (strcmp(text_of(body, "act"), "settle") == 0)
		buffer_printf(out, "operation %.*s, which was left open on its host, is to be settled", HASH_SHOWN,
			      text_of(body, "operation"));
	else
		buffer_printf(out, "its agent is to be started again with its ID (operation %.*s)", HASH_SHOWN,
			      text_of(body, "operation"));
	if (change)
		buffer_printf(out, "; %s", change);
	free(change);
}

static void say_rescue_done(const json_t *body, struct buffer *out)
{
	buffer_puts(out, "its host is done");
	add_text(out, ": ", body, "said");
}

static void say_rescue_failed(const json_t *body, struct buffer *out)
{
	buffer_puts(out, "the rescue failed");
	add_text(out, ": ", body, "said");
}

static void say_rescue_lost(const json_t *body, struct buffer *out)
{
	buffer_puts(out, "nobody knows what became of it");
	add_text(out, ": ", body, "said");
}

static void say_rescue_refused(const json_t *body, struct buffer *out)
{
	buffer_puts(out, "nothing was done there");
	add_text(out, ": ", body, "said");
}

static void say_rescue_returned(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "the master shows it again, as %s", text_of(body, "id"));
}

static void say_rescue_proof(const json_t *body, struct buffer *out)
{
	bool pass = json_is_true(json_object_get(body, "pass"));

	buffer_printf(out, "%s: ", pass ? "proven to be rescued" : "NOT proven to be rescued");
	add_text(out, "it runs as ", body, "id_after");
	if (!*text_of(body, "id_after"))
		buffer_puts(out, "the master does not show it");
	buffer_printf(out, "; %lld of its %lld tasks run", number_of(body, "tasks_running"), number_of(body, "tasks"));
}

/* ---- who is told */

static void say_receiver(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "%s is told from now on: %s", text_of(body, "name"), text_of(body, "url"));
	add_text(out, ", of ", body, "wants");
	buffer_puts(out, *text_of(body, "secret_file") ? ", signed" : ", not signed");
}

static void say_no_receiver(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "%s is told no more", text_of(body, "name"));
	if (number_of(body, "dropped") > 0)
		buffer_printf(out, "; %lld messages that waited are dropped", number_of(body, "dropped"));
}

static void say_delivered(const json_t *body, struct buffer *out)
{
	const json_t *messages = json_object_get(body, "messages"), *message;
	size_t i, count = json_array_size(messages);

	buffer_printf(out, "%zu message%s delivered", count, count == 1 ? "" : "s");
	json_array_foreach(messages, i, message)
	{
		if (i == 3)
			break;
		buffer_printf(out, "%s%.8s to %s", i ? ", " : ": ", text_of(message, "id"), text_of(message, "to"));
	}
	if (count > 3)
		buffer_puts(out, "…");
}

static void say_dropped(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "message %.8s to %s is dropped: %s of %s", text_of(body, "id"), text_of(body, "name"),
		      text_of(body, "kind"), text_of(body, "of"));
	add_text(out, ", not delivered: ", body, "error");
}

/* ---- the database */

static void say_init(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "the cluster file %s was written (SHA-256 %.*s)", text_of(body, "file"), HASH_SHOWN,
		      text_of(body, "sha256"));
}

static void say_begun(const json_t *body, struct buffer *out)
{
	size_t configs = json_array_size(json_object_get(body, "configs")),
	       ignores = json_array_size(json_object_get(body, "ignores"));

	buffer_printf(out, "the ledger of database %.*s begins", HASH_SHOWN, text_of(body, "database"));
	if (configs + ignores > 0)
		buffer_printf(
			out,
			"; without an event of their own were there: %zu config version%s, %zu entr%s of ignored agents",
			configs, configs == 1 ? "" : "s", ignores, ignores == 1 ? "y" : "ies");
}

static void say_found(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "run %s was there before its events had digests of its rows", text_of(body, "run"));
}

static void say_import(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "the database was made from %s, %lld rows, and all events before this one",
		      text_of(body, "file"), number_of(body, "rows"));
}

const struct sentence sentences_beside_runs[] = {
	{"rescue.begun", say_rescue},
	{"rescue.intent", say_rescue_intent},
	{"rescue.done", say_rescue_done},
	{"rescue.failed", say_rescue_failed},
	{"rescue.lost", say_rescue_lost},
	{"rescue.refused", say_rescue_refused},
	{"rescue.returned", say_rescue_returned},
	{"rescue.proof", say_rescue_proof},
	{"observer.added", say_receiver},
	{"webhook.added", say_receiver},
	{"observer.removed", say_no_receiver},
	{"webhook.removed", say_no_receiver},
	{"outgoing.delivered", say_delivered},
	{"outgoing.dropped", say_dropped},
	{"database.init", say_init},
	{"database.imported", say_import},
	{"database.begun", say_begun},
	{"database.found", say_found},
};
const size_t sentences_beside_runs_count = sizeof(sentences_beside_runs) / sizeof(sentences_beside_runs[0]);
