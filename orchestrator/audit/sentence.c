/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/sentence.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/audit/sentence_internal.h"
#include "orchestrator/ledger/ledger.h"

#define SENTENCE_MAX (1u << 20)
/* Of what nothing is known of. */
#define BODY_SHOWN   200

static const char *or_nothing(const char *text)
{
	return *text ? text : "nothing";
}

static void add_changes(struct buffer *out, const char *before, const json_t *body)
{
	const json_t *change;
	size_t i;

	json_array_foreach(json_object_get(body, "changes"), i, change)
	{
		buffer_printf(out, "%s%s %s → %s", i ? ", " : before, text_of(change, "what"),
			      or_nothing(text_of(change, "before")), or_nothing(text_of(change, "after")));
	}
}

/* ---- one kind each */

static void say_plan(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "plan %.*s: %s", HASH_SHOWN, text_of(body, "plan"), text_of(body, "config"));
	if (!json_is_string(json_object_get(body, "rolls_back")))
		buffer_printf(out, "@%lld", number_of(body, "version"));
	buffer_printf(out, " on %lld agents", number_of(body, "agents"));
	add_text(out, " where ", body, "where");
	add_text(out, "; takes back run ", body, "rolls_back");
}

static void say_created(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "started, with plan %.*s on %lld agents", HASH_SHOWN, text_of(body, "plan"),
		      number_of(body, "agents"));
	add_text(out, "; takes back run ", body, "rolls_back");
}

static void say_epoch(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "drives from here on (epoch %lld)", number_of(body, "epoch"));
}

static void say_resumed(const json_t *body, struct buffer *out)
{
	int64_t ended_ms = json_integer_value(json_object_get(body, "ended_ms"));
	char time[CLOCK_TEXT_MAX];

	buffer_puts(out, "resumed");
	if (ended_ms)
		buffer_printf(out, "; it had ended at %s", clock_format(ended_ms, time));
}

static void say_run(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "the run is %s", text_of(body, "state"));
	add_text(out, ": ", body, "reason");
}

static void say_ordered(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "ordered to %s", text_of(body, "order"));
}

static void say_obeyed(const json_t *body, struct buffer *out)
{
	const char *answer = text_of(body, "answer");
	bool declined = strncmp(answer, ORDER_DECLINED, strlen(ORDER_DECLINED)) == 0;

	buffer_printf(out, "%s the order to %s of %s", declined ? "declined" : "obeyed", text_of(body, "order"),
		      text_of(body, "by"));
	if (declined)
		buffer_printf(out, ": %s", answer + strlen(ORDER_DECLINED));
	else
		add_text(out, ": ", body, "answer");
}

static void say_rolled_back(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "taken back by run %s", text_of(body, "by"));
}

static void add_fates(const json_t *body, struct buffer *out)
{
	const json_t *tasks = json_object_get(json_object_get(body, "proof"), "tasks");
	size_t survived = json_array_size(json_object_get(tasks, "survived"));
	size_t killed = json_array_size(json_object_get(tasks, "killed"));

	if (survived + killed)
		buffer_printf(out, "; %zu task%s survived, %zu killed", survived, survived == 1 ? "" : "s", killed);
}

static void say_agent(const json_t *body, struct buffer *out)
{
	const char *from = text_of(body, "from"), *to = text_of(body, "to");

	if (strcmp(from, to) == 0)
		buffer_printf(out, "%s: %s", to, text_of(body, "event"));
	else
		buffer_printf(out, "%s → %s (%s)", from, to, text_of(body, "event"));
	add_text(out, ": ", body, "note");
	add_changes(out, "; to change ", body);
	add_fates(body, out);
}

static void say_connected(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "connected to %s, whose host key is %s", text_of(body, "host"), text_of(body, "host_key"));
}

static void say_host(const json_t *body, struct buffer *out)
{
	const json_t *said = json_object_get(body, "host_said");

	buffer_printf(out, "the host said: %s", text_of(said, "event"));
	add_text(out, ", ", said, "state");
	add_text(out, ": ", said, "reason");
}

static void say_gate(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "gate after the %s: %s: %s", text_of(body, "after"), text_of(body, "answer"),
		      text_of(body, "gate"));
	add_text(out, " (", body, "seen");
	buffer_puts(out, *text_of(body, "seen") ? ")" : "");
}

static void say_sync(const json_t *body, struct buffer *out)
{
	const json_t *agents = json_object_get(body, "agents");

	buffer_printf(out, "asked the master of %s: %lld agents, %lld new, %lld gone, %lld changed",
		      text_of(body, "cluster"), number_of(agents, "total"), number_of(agents, "new"),
		      number_of(agents, "gone"), number_of(agents, "changed"));
}

static void say_seen(const json_t *body, struct buffer *out)
{
	const char *event = text_of(body, "event");

	if (strcmp(event, "new-id") == 0)
		buffer_printf(out, "%s came back with a new ID; it was %s", text_of(body, "hostname"),
			      text_of(body, "replaces"));
	else
		buffer_printf(out, "%s: %s", text_of(body, "hostname"), event);
	add_changes(out, ": ", body);
}

static void say_survey(const json_t *body, struct buffer *out)
{
	const char *failure = text_of(body, "failure");

	if (*failure)
		buffer_printf(out, "%s could not be surveyed: %s", text_of(body, "hostname"), failure);
	else
		buffer_printf(out, "surveyed %s, whose host key is %s", text_of(body, "hostname"),
			      text_of(body, "host_key"));
}

static void say_reported(const json_t *body, struct buffer *out)
{
	const json_t *part;
	size_t i;

	buffer_puts(out, json_is_true(json_object_get(body, "reverted")) ? "proven to be as before: "
									 : "proven to be changed: ");
	json_array_foreach(json_object_get(body, "changed"), i, part)
		buffer_printf(out, "%s%s", i ? ", " : "", json_string_value(part));
}

static void say_figures(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "the cluster as the run begins: %lld agents, %lld of them active", number_of(body, "agents"),
		      number_of(body, "active"));
}

static void say_ignore(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "plans leave out %s", text_of(body, "selector"));
	add_text(out, ": ", body, "reason");
	add_text(out, ", until ", body, "until");
}

static void say_unignore(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "plans no longer leave out %s", text_of(body, "selector"));
}

static void say_config(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "added %s@%lld (SHA-256 %.*s)", text_of(body, "name"), number_of(body, "version"),
		      HASH_SHOWN, text_of(body, "sha256"));
	add_text(out, ": ", body, "message");
}

static void say_signed(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "signed event %lld, head %.*s", number_of(body, "event"), HASH_SHOWN, text_of(body, "head"));
}

static void say_written(const json_t *body, struct buffer *out)
{
	const json_t *run;
	size_t i;

	json_array_foreach(json_object_get(body, "runs"), i, run)
		buffer_printf(out, "%s%s", i ? ", " : "report of ", json_string_value(run));
	buffer_printf(out, " written to %s (%s, SHA-256 %.*s)", text_of(body, "file"), text_of(body, "format"),
		      HASH_SHOWN, text_of(body, "sha256"));
}

static void say_leader(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "another master leads, %s; %lld agents are to come back to it", text_of(body, "master"),
		      number_of(body, "awaited"));
}

static void say_leader_settled(const json_t *body, struct buffer *out)
{
	buffer_printf(out, "%lld agents have not come back to the new master", number_of(body, "missing"));
}

static void say_anything(const json_t *body, struct buffer *out)
{
	json_t *rest = json_copy((json_t *)(uintptr_t)body);
	char *text;

	json_object_del(rest, "origin");
	text = rest ? json_dumps(rest, JSON_COMPACT) : NULL;
	buffer_printf(out, "%.*s%s", BODY_SHOWN, text ? text : "", text && strlen(text) > BODY_SHOWN ? "…" : "");
	free(text);
	json_decref(rest);
}

static const struct sentence sentences[] = {
	{"plan", say_plan},
	{"run.created", say_created},
	{"run.epoch", say_epoch},
	{"run.resumed", say_resumed},
	{"run", say_run},
	{"run.ordered", say_ordered},
	{"run.obeyed", say_obeyed},
	{"run.rolled_back", say_rolled_back},
	{"agent", say_agent},
	{"agent.changed", say_reported},
	{"run.figures", say_figures},
	{"connected", say_connected},
	{"host", say_host},
	{"gate", say_gate},
	{"inventory.sync", say_sync},
	{"inventory.agent", say_seen},
	{"inventory.survey", say_survey},
	{"inventory.ignore", say_ignore},
	{"inventory.unignore", say_unignore},
	{"config.added", say_config},
	{"audit.signed", say_signed},
	{"audit.reported", say_written},
	{"run.leader", say_leader},
	{"run.leader_settled", say_leader_settled},
};

static const struct sentence *find(const struct sentence *table, size_t count, const char *kind)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(kind, table[i].kind) == 0)
			return &table[i];
	return NULL;
}

static bool has_kind(const struct sentence *table, size_t count, const char *kind)
{
	size_t len = strlen(kind);

	for (size_t i = 0; i < count; i++)
		if (strncmp(table[i].kind, kind, len) == 0 && (!table[i].kind[len] || table[i].kind[len] == '.'))
			return true;
	return false;
}

bool event_kind_has_sentence(const char *kind)
{
	return has_kind(sentences, sizeof sentences / sizeof *sentences, kind) ||
	       has_kind(sentences_beside_runs, sentences_beside_runs_count, kind);
}

char *event_sentence(const char *kind, const json_t *body)
{
	struct buffer out = BUFFER_INIT(SENTENCE_MAX);
	const struct sentence *sentence = find(sentences, sizeof(sentences) / sizeof(sentences[0]), kind);

	if (!body)
		return xstrdup("its content cannot be read");
	if (!sentence)
		sentence = find(sentences_beside_runs, sentences_beside_runs_count, kind);
	if (sentence)
		sentence->say(body, &out);
	else
		say_anything(body, &out);
	return buffer_take(&out);
}
