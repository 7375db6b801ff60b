/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/message.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "orchestrator/outgoing/project.h"

#define MESSAGE_VERSION 1

static json_t *find_by_id(const json_t *items, const char *id, const char *framework)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)items, i, item)
	{
		const char *of = json_string_value(json_object_get(item, "framework"));

		if (strcmp(json_string_value(json_object_get(item, "id")), id) == 0 &&
		    (!framework || (of && strcmp(of, framework) == 0)))
			return item;
	}
	return NULL;
}

/* id, and what the event knows beside it. */
static json_t *named(const json_t *items, const char *id, const char *framework)
{
	const json_t *item = find_by_id(items, id, framework);
	json_t *out = json_pack("{s:s}", "id", id);

	if (json_object_get(item, "name"))
		json_object_set(out, "name", json_object_get(item, "name"));
	if (json_object_get(item, "role"))
		json_object_set(out, "role", json_object_get(item, "role"));
	return out;
}

static json_t *envelope(const char *id, const char *kind, int64_t time_ms)
{
	char time[CLOCK_TEXT_MAX];

	return json_pack("{s:i, s:s, s:s, s:s}", "version", MESSAGE_VERSION, "id", id, "kind", kind, "time",
			 clock_format(time_ms, time));
}

static void copy_member(json_t *to, const json_t *from, const char *key)
{
	if (json_object_get(from, key) && !json_is_null(json_object_get(from, key)))
		json_object_set(to, key, json_object_get(from, key));
}

static json_t *of_agent(const struct outgoing *message, int64_t time_ms, const char *run, const json_t *event)
{
	json_t *document = envelope(message->id, message->kind, time_ms);

	json_object_set_new(document, "observer", json_string(message->receiver_name));
	copy_member(document, event, "cluster");
	if (run)
		json_object_set_new(document, "run", json_string(run));
	copy_member(document, event, "operation");
	json_object_set_new(document, "framework",
			    named(json_object_get(event, "frameworks"), message->framework, NULL));
	json_object_set_new(document, "task",
			    named(json_object_get(event, "tasks"), message->task, message->framework));
	json_object_set_new(document, "agent", json_pack("{s:s}", "id", message->lane));
	copy_member(json_object_get(document, "agent"), event, "hostname");
	json_object_set_new(document, "state", json_string("TASK_RUNNING"));
	json_object_set_new(document, "reason", json_string("REASON_SLAVE_STATE_CHANGED"));
	copy_member(document, event, "changed");
	json_object_set_new(document, "reverted", json_boolean(json_is_true(json_object_get(event, "reverted"))));
	json_object_set(document, "data", json_object_get(event, "slave_info"));
	return document;
}

/* Plans never change, so what is read here is the same at every attempt. */
static int add_plan(struct store *store, const char *run, json_t *document, struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err,
			"SELECT p.cluster, p.config, p.config_version, p.hash FROM runs r JOIN plans p ON "
			"p.hash = r.plan WHERE r.id = ?1",
			"t", run) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0) {
		json_object_set_new(document, "cluster", json_string(store_text(&rows, 0)));
		json_object_set_new(document, "config", json_string(store_text(&rows, 1)));
		json_object_set_new(document, "config_version", json_integer(store_int(&rows, 2)));
		json_object_set_new(document, "plan", json_string(store_text(&rows, 3)));
	}
	store_done(&rows);
	return found < 0 ? -1 : 0;
}

static void add_counts(json_t *document, const json_t *event)
{
	const json_t *agents = json_object_get(event, "agents");

	/* The event that begins a run counts them, later ones count them by state. */
	if (json_is_object(agents))
		json_object_set(document, "agents", (json_t *)(uintptr_t)agents);
	else if (json_is_integer(agents))
		json_object_set_new(document, "agents", json_pack("{s:O}", "waiting", agents));
}

static int of_run(struct store *store, const struct outgoing *message, const struct store_cursor *row,
		  const json_t *event, json_t **document, struct error *err)
{
	json_t *made = envelope(message->id, message->kind, store_int(row, 0));

	json_object_set_new(made, "webhook", json_string(message->receiver_name));
	json_object_set_new(made, "run", json_string(message->lane));
	json_object_set_new(made, "actor", json_string(store_text(row, 1)));
	copy_member(made, event, "state");
	copy_member(made, event, "reason");
	copy_member(made, event, "rolls_back");
	if (json_object_get(event, "by"))
		json_object_set(made, "rolled_back_by", json_object_get(event, "by"));
	add_counts(made, event);
	if (add_plan(store, message->lane, made, err) < 0) {
		json_decref(made);
		return -1;
	}
	*document = made;
	return 0;
}

static int compose(struct store *store, const struct outgoing *message, const struct store_cursor *row,
		   struct buffer *out, struct error *err)
{
	size_t len;
	const char *bytes = store_blob(row, 3, &len);
	json_t *event = json_loadb(bytes ? bytes : "", bytes ? len : 0, 0, NULL), *document = NULL;
	int result = 0;

	if (!event)
		return error_set(err, ERROR_CORRUPT, "ledger: the body of event %" PRId64 " is no JSON", message->seq);
	if (message->task)
		document = of_agent(message, store_int(row, 0), store_text(row, 2), event);
	else
		result = of_run(store, message, row, event, &document, err);
	if (result == 0 && json_write(document, false, out) < 0)
		result = error_set(err, ERROR_BUG, "event %s is too large to be sent", message->id);
	json_decref(document);
	json_decref(event);
	return result;
}

int message_compose(struct store *store, const struct outgoing *message, struct buffer *out, struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err, "SELECT time_ms, actor, run, body FROM events WHERE seq = ?1", "i",
			message->seq) < 0)
		return -1;
	int found = store_next(&rows, err);
	int result = found > 0 ? compose(store, message, &rows, out, err) : found;
	store_done(&rows);
	if (found == 0)
		return error_set(err, ERROR_CORRUPT, "ledger: event %" PRId64 " is not there", message->seq);
	return result;
}

void message_compose_test(const struct receiver *receiver, const char *id, int64_t now_ms, struct buffer *out)
{
	json_t *document = envelope(id, KIND_TEST, now_ms);

	json_object_set_new(document, receiver->kind, json_string(receiver->name));
	json_object_set_new(document, "cluster", json_string(receiver->cluster));
	json_write(document, false, out);
	json_decref(document);
}

void message_sign(const char *secret, int64_t now_ms, const char *body, size_t len, char out[SIGNATURE_MAX])
{
	struct buffer text = BUFFER_INIT(MESSAGE_MAX + 64);
	unsigned char raw[DIGEST_SIZE];
	char hex[DIGEST_HEX_SIZE];

	buffer_printf(&text, "%" PRId64 ".", now_ms / 1000);
	buffer_append(&text, body, len);
	digest_hmac(secret, strlen(secret), buffer_text(&text), text.len, raw);
	hex_encode(raw, sizeof(raw), hex);
	snprintf(out, SIGNATURE_MAX, "t=%" PRId64 ",v1=%s", now_ms / 1000, hex);
	buffer_clear(&text);
}
