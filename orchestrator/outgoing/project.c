/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/project.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/outgoing/queue.h"
#include "orchestrator/outgoing/queue_rows.h"

const char *const webhook_kinds[] = {"rollout.started", "rollout.paused",   "rollout.resumed",     "rollout.failed",
				     "rollout.aborted", "rollout.finished", "rollout.rolled_back", NULL};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* ---- one message */

struct message {
	const struct ledger_entry *entry;
	int64_t receiver;
	const char *lane, *kind, *operation;
	const char *framework, *task; /* NULL: of a run */
};

/* The same for the same event, whoever works it out: receivers drop what comes again. */
static void message_id(const struct message *message, char out[33])
{
	char text[DIGEST_HEX_SIZE + 24], hex[DIGEST_HEX_SIZE];
	const char *parts[] = {text, message->framework ? message->framework : "", message->task ? message->task : ""};
	unsigned char raw[DIGEST_SIZE];
	struct digest_state state;

	snprintf(text, sizeof(text), "%s %" PRId64, message->entry->hash, message->receiver);
	digest_start(&state);
	for (size_t i = 0; i < 3; i++)
		digest_add(&state, parts[i], strlen(parts[i]) + 1);
	digest_finish(&state, raw);
	hex_encode(raw, sizeof(raw), hex);
	memcpy(out, hex, 32);
	out[32] = '\0';
}

static int put(struct store *store, const struct message *message, struct error *err)
{
	char id[33];

	message_id(message, id);
	return store_run(
		store, err,
		"INSERT INTO outgoing (id, receiver, lane, seq, kind, operation, framework, task, created_ms, next_ms) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, CASE WHEN EXISTS (SELECT 1 FROM outgoing WHERE receiver = "
		"?2 AND lane = ?3 AND ended_ms IS NULL) THEN NULL ELSE ?9 END) ON CONFLICT (id) DO NOTHING",
		"tititttti", id, message->receiver, message->lane, message->entry->seq, message->kind,
		message->operation, message->framework, message->task, message->entry->time_ms);
}

/* ---- observers */

static bool matches(const char *wants, const char *prefix, const char *value)
{
	size_t len = strlen(prefix);

	return value && strncmp(wants, prefix, len) == 0 && strcmp(wants + len, value) == 0;
}

bool observer_wants(const char *wants, const char *id, const char *name, const char *role)
{
	const char *const values[] = {id, name, role};
	static const char *const prefixes[] = {"id:", "name:", "role:"};

	for (size_t i = 0; i < 3; i++)
		if (matches(wants, "", values[i]) || matches(wants, prefixes[i], values[i]))
			return true;
	return false;
}

static const json_t *find_framework(const json_t *body, const char *id)
{
	const json_t *framework;
	size_t i;

	json_array_foreach(json_object_get(body, "frameworks"), i,
			   framework) if (text_of(framework, "id") &&
					  strcmp(text_of(framework, "id"), id) == 0) return framework;
	return NULL;
}

/* 1: it was told of the operation (or of its undo); 0: not; -1. */
static int was_told(struct store *store, int64_t receiver, const char *operation, struct error *err)
{
	int64_t one;

	return store_find_int(store, &one, err, "SELECT 1 FROM outgoing WHERE receiver = ?1 AND operation = ?2 LIMIT 1",
			      "it", receiver, operation);
}

/* As it stands in the queue: an operation and its undo are two things to tell. */
#define UNDO_SUFFIX   ", undone"
#define OPERATION_MAX 128

/* A proof that is made once more, after a crash, is no news; and who was never told of a change is not told that it was taken
 * back. 1: it is to be told; 0: not; -1. */
static int is_news(struct store *store, int64_t receiver, const json_t *body, char operation[OPERATION_MAX],
		   struct error *err)
{
	const char *name = text_of(body, "operation");
	bool undone = json_is_true(json_object_get(body, "reverted"));
	int told = undone ? was_told(store, receiver, name ? name : "", err) : 1;

	snprintf(operation, OPERATION_MAX, "%s%s", name ? name : "", undone ? UNDO_SUFFIX : "");
	if (told <= 0 || !name)
		return told;
	told = was_told(store, receiver, operation, err);
	return told < 0 ? -1 : !told;
}

static int tell_tasks(struct store *store, const struct ledger_entry *entry, const struct receiver *receiver,
		      const json_t *body, const char *operation, struct error *err)
{
	const json_t *task;
	size_t i;

	json_array_foreach(json_object_get(body, "tasks"), i, task)
	{
		const char *id = text_of(task, "framework");
		const json_t *framework = id ? find_framework(body, id) : NULL;
		const struct message message = {.entry = entry,
						.receiver = receiver->number,
						.lane = entry->agent_id,
						.kind = KIND_AGENT_CHANGED,
						.operation = operation,
						.framework = id,
						.task = text_of(task, "id")};

		if (id && observer_wants(receiver->wants, id, text_of(framework, "name"), text_of(framework, "role")) &&
		    put(store, &message, err) < 0)
			return -1;
	}
	return 0;
}

static int tell_observer(struct store *store, const struct ledger_entry *entry, const struct receiver *receiver,
			 const json_t *body, struct error *err)
{
	char operation[OPERATION_MAX];
	int news = is_news(store, receiver->number, body, operation, err);

	return news > 0 ? tell_tasks(store, entry, receiver, body, operation, err) : news;
}

static int agent_changed(struct store *store, const struct ledger_entry *entry, const json_t *body, struct error *err)
{
	const char *cluster = text_of(body, "cluster");
	struct receiver_list list;
	int result = 0;

	if (!cluster || !entry->agent_id)
		return 0;
	if (receivers_load(store, cluster, "observer", &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count && result == 0; i++)
		result = tell_observer(store, entry, &list.items[i], body, err);
	receiver_list_clear(&list);
	return result;
}

/* ---- webhooks */

bool webhook_wants(const char *wants, const char *kind)
{
	size_t len = strlen(kind);

	if (!wants)
		return true;
	for (const char *at = wants; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, kind, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

static bool has_failures(const json_t *body)
{
	const json_t *agents = json_object_get(body, "agents"), *count;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)agents, name, count)
	{
		int state = agent_state_parse(name);

		if (state >= 0 && state != AGENT_DONE && json_integer_value(count) > 0)
			return true;
	}
	return false;
}

static const char *kind_of_state(const json_t *body, const char *state, const char *old, const char *old_reason)
{
	const char *reason = text_of(body, "reason");
	bool same = strcmp(state, old) == 0;

	if (strcmp(state, run_state_name(RUN_PAUSED)) == 0)
		return same && strcmp(reason ? reason : "", old_reason) == 0 ? NULL : "rollout.paused";
	if (same)
		return NULL;
	if (strcmp(state, run_state_name(RUN_RUNNING)) == 0)
		return "rollout.resumed";
	if (strcmp(state, run_state_name(RUN_ABORTED)) == 0)
		return "rollout.aborted";
	if (strcmp(state, run_state_name(RUN_DONE)) == 0)
		return has_failures(body) ? "rollout.failed" : "rollout.finished";
	return NULL;
}

/* The run's row is still as it was before the event: events of one transaction come first. */
static int find_kind(struct store *store, const struct ledger_entry *entry, const json_t *body, const char **kind,
		     struct error *err)
{
	const char *state = text_of(body, "state");
	struct store_cursor rows;

	*kind = NULL;
	if (strcmp(entry->kind, "run.created") == 0)
		*kind = "rollout.started";
	if (strcmp(entry->kind, "run.rolled_back") == 0)
		*kind = "rollout.rolled_back";
	if (*kind || !state)
		return 0;
	if (store_query(store, &rows, err, "SELECT state, coalesce(reason, '') FROM runs WHERE id = ?1", "t",
			entry->run) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0)
		*kind = kind_of_state(body, state, store_text(&rows, 0), store_text(&rows, 1));
	store_done(&rows);
	return found < 0 ? -1 : 0;
}

static int tell_webhooks(struct store *store, const struct ledger_entry *entry, const char *cluster, const char *kind,
			 struct error *err)
{
	struct receiver_list list;
	int result = 0;

	if (receivers_load(store, cluster, "webhook", &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count && result == 0; i++) {
		const struct message message = {
			.entry = entry, .receiver = list.items[i].number, .lane = entry->run, .kind = kind};

		if (webhook_wants(list.items[i].wants, kind))
			result = put(store, &message, err);
	}
	receiver_list_clear(&list);
	return result;
}

static int run_changed(struct store *store, const struct ledger_entry *entry, const json_t *body, struct error *err)
{
	char *cluster = NULL;
	const char *kind;

	if (!entry->run || find_kind(store, entry, body, &kind, err) < 0)
		return entry->run ? -1 : 0;
	if (!kind)
		return 0;
	/* A plan may be written in the same transaction, and rows come after the events: the event that begins a run names it. */
	int found = store_find_text(store, &cluster, err,
				    "SELECT coalesce(?1, (SELECT p.cluster FROM runs r JOIN plans p ON p.hash = r.plan "
				    "WHERE r.id = ?2))",
				    "tt", text_of(body, "cluster"), entry->run);
	int result = found > 0 && cluster ? tell_webhooks(store, entry, cluster, kind, err) : found < 0 ? -1 : 0;
	free(cluster);
	return result;
}

/* ---- receivers and dropped messages */

static int add_receiver(struct store *store, const struct ledger_entry *entry, const json_t *body, struct error *err)
{
	const char *kind = strcmp(entry->kind, "observer.added") == 0 ? "observer" : "webhook";

	return store_run(store, err,
			 "INSERT INTO receivers (kind, cluster, name, url, wants, secret_file, ca, timeout_ms, author, "
			 "created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
			 "tttttttiti", kind, text_of(body, "cluster"), text_of(body, "name"), text_of(body, "url"),
			 text_of(body, "wants"), text_of(body, "secret_file"), text_of(body, "ca"),
			 (int64_t)json_integer_value(json_object_get(body, "timeout_ms")), entry->actor,
			 entry->time_ms);
}

static int remove_receiver(struct store *store, const struct ledger_entry *entry, const json_t *body, struct error *err)
{
	int64_t number = json_integer_value(json_object_get(body, "number"));

	if (store_run(store, err,
		      "UPDATE outgoing SET ended_ms = ?2, outcome = 'dropped' WHERE receiver = ?1 AND ended_ms IS NULL",
		      "ii", number, entry->time_ms) < 0)
		return -1;
	return store_run(store, err, "UPDATE receivers SET removed_ms = ?2 WHERE number = ?1 AND removed_ms IS NULL",
			 "ii", number, entry->time_ms);
}

static int drop(struct store *store, const struct ledger_entry *entry, const json_t *body, struct error *err)
{
	return outgoing_end(store, json_integer_value(json_object_get(body, "number")), "dropped", entry->time_ms, err);
}

int outgoing_project(struct store *store, const struct ledger_entry *entry, struct error *err)
{
	static const struct {
		const char *kind;
		int (*follow)(struct store *store, const struct ledger_entry *entry, const json_t *body,
			      struct error *err);
	} table[] = {
		{"agent.changed", agent_changed},
		{"run", run_changed},
		{"run.created", run_changed},
		{"run.rolled_back", run_changed},
		{"observer.added", add_receiver},
		{"webhook.added", add_receiver},
		{"observer.removed", remove_receiver},
		{"webhook.removed", remove_receiver},
		{"outgoing.dropped", drop},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(entry->kind, table[i].kind) != 0)
			continue;
		json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);
		int result = body ? table[i].follow(store, entry, body, err) : 0;
		json_decref(body);
		return result;
	}
	return 0;
}
