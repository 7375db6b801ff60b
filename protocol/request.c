/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/request_internal.h"

#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "mesos/recovery.h"

static const char *const mechanism_names[] = {"restart", "relax", "native", "discard"};
static const char *const kind_names[] = {"inspect", "apply", "settle", "rescue"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Long enough for a UUID or any other name a database gives itself. */
#define DATABASE_MAX 64

const char *mechanism_name(enum mechanism mechanism)
{
	return mechanism_names[mechanism];
}

static int find_name(const char *const names[], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

int mechanism_parse(const char *text, enum mechanism *out, struct error *err)
{
	int index = find_name(mechanism_names, COUNT(mechanism_names), text);

	if (index < 0)
		return error_set(err, ERROR_USAGE, "'%s' is no mechanism; restart, relax, native and discard are",
				 text);
	*out = (enum mechanism)index;
	return 0;
}

void request_init(struct request *request, enum request_kind kind)
{
	memset(request, 0, sizeof *request);
	request->kind = kind;
	request->recover_state = true;
	host_settings_init(&request->host);
}

static void expectation_clear(struct request_expectation *expect)
{
	free(expect->agent_id);
	free(expect->boot_id);
	free(expect->agent_version);
	free(expect->checkpoint_sha256);
	free(expect->store_sha256);
}

void request_clear(struct request *request)
{
	host_settings_clear(&request->host);
	free(request->database);
	free(request->run);
	free(request->chain_head);
	expectation_clear(&request->expect);
	for (size_t i = 0; i < request->edit_count; i++) {
		free(request->edits[i].name);
		free(request->edits[i].value);
	}
	free(request->edits);
	slaveinfo_free(request->target);
	request_clear_options(request);
	memset(request, 0, sizeof *request);
}

/* ---- reading */

static bool is_hex(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

static int take_string(const json_t *object, const char *key, char **out, const struct json_place *place,
		       struct error *err)
{
	const char *text = NULL;

	if (json_optional_string(object, key, &text, place, err) != 0)
		return -1;
	*out = text == NULL ? NULL : xstrdup(text);
	return 0;
}

static int take_hex(const json_t *object, const char *key, char **out, const struct json_place *place,
		    struct error *err)
{
	struct json_place at = {.parent = place, .key = key};

	if (take_string(object, key, out, place, err) != 0)
		return -1;
	if (*out != NULL && !is_hex(*out, DIGEST_HEX_SIZE - 1))
		return json_error(&at, err, "must be the 64 hex digits of a SHA-256");
	return 0;
}

static int read_identity(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	struct json_place at_operation = {.parent = place, .key = "operation"};
	struct json_place at_database = {.parent = place, .key = "database"};
	struct json_place at_epoch = {.parent = place, .key = "epoch"};
	const char *operation = NULL;
	const char *database = NULL;

	if (json_required_string(object, "operation", &operation, place, err) != 0 ||
	    json_required_string(object, "database", &database, place, err) != 0 ||
	    json_required_int(object, "epoch", &out->epoch, place, err) != 0)
		return -1;
	if (!is_hex(operation, RANDOM_ID_SIZE - 1))
		return json_error(&at_operation, err, "must be %d hex digits", RANDOM_ID_SIZE - 1);
	memcpy(out->operation, operation, RANDOM_ID_SIZE);
	if (database[0] == '\0' || strlen(database) > DATABASE_MAX)
		return json_error(&at_database, err, "must have 1 to %d characters", DATABASE_MAX);
	out->database = xstrdup(database);
	if (out->epoch < 1)
		return json_error(&at_epoch, err, "must be 1 or more");
	if (json_optional_bool(object, "adopt", &out->adopt, place, err) != 0 ||
	    take_string(object, "run", &out->run, place, err) != 0)
		return -1;
	return take_hex(object, "chain_head", &out->chain_head, place, err);
}

static int read_expectation(const json_t *object, struct request_expectation *out, const struct json_place *place,
			    struct error *err)
{
	static const char *const keys[] = {"agent_id",          "boot_id",      "agent_version",
					   "checkpoint_sha256", "store_sha256", NULL};
	struct json_place at = {.parent = place, .key = "expect"};
	const json_t *expect = NULL;

	if (json_optional_object(object, "expect", &expect, place, err) != 0)
		return -1;
	if (expect == NULL)
		return 0;
	if (json_check_keys(expect, keys, &at, err) != 0 ||
	    take_string(expect, "agent_id", &out->agent_id, &at, err) != 0 ||
	    take_string(expect, "boot_id", &out->boot_id, &at, err) != 0 ||
	    take_string(expect, "agent_version", &out->agent_version, &at, err) != 0 ||
	    take_hex(expect, "checkpoint_sha256", &out->checkpoint_sha256, &at, err) != 0)
		return -1;
	return take_hex(expect, "store_sha256", &out->store_sha256, &at, err);
}

static bool is_flag_name(const char *name)
{
	return name[0] != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static int read_edit(const json_t *object, struct flag_edit *out, const struct json_place *place, struct error *err)
{
	static const char *const keys[] = {"name", "value", NULL};
	const char *name = NULL;

	if (!json_is_object(object))
		return json_error(place, err, "must be an object");
	if (json_check_keys(object, keys, place, err) != 0 ||
	    json_required_string(object, "name", &name, place, err) != 0)
		return -1;
	if (json_object_get(object, "value") == NULL)
		return json_error(place, err, "lacks 'value' (null removes the flag)");
	if (!is_flag_name(name))
		return json_error(place, err, "'%s' is no name of an agent's flag", name);
	if (take_string(object, "value", &out->value, place, err) != 0)
		return -1;
	out->name = xstrdup(name);
	return 0;
}

static int read_edits(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	struct json_place at = {.parent = place, .key = "edits"};
	const json_t *edits = NULL;

	if (json_optional_array(object, "edits", &edits, place, err) != 0)
		return -1;
	out->edits = xcalloc(json_array_size(edits) + 1, sizeof *out->edits);
	for (size_t i = 0; i < json_array_size(edits); i++) {
		struct json_place item = {.parent = &at, .index = i};

		if (read_edit(json_array_get(edits, i), &out->edits[i], &item, err) != 0)
			return -1;
		out->edit_count = i + 1;
		for (size_t k = 0; k < i; k++)
			if (strcmp(out->edits[k].name, out->edits[i].name) == 0)
				return json_error(&item, err, "the flag '%s' is edited twice", out->edits[i].name);
	}
	return 0;
}

static int read_target(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	struct json_place at = {.parent = place, .key = "target"};
	struct error why = ERROR_INIT;
	const char *text = NULL;
	unsigned char *bytes = NULL;
	size_t len = 0;

	if (json_optional_string(object, "target", &text, place, err) != 0)
		return -1;
	if (text == NULL && out->mechanism == MECHANISM_RESTART)
		return 0;
	if (text == NULL)
		return json_error(place, err, "lacks 'target': the mechanism '%s' needs the SlaveInfo to become",
				  mechanism_name(out->mechanism));
	if (base64_decode(text, &bytes, &len, &why) == 0)
		out->target = slaveinfo_unpack(bytes, len, &why);
	free(bytes);
	return out->target != NULL ? 0 : json_error(&at, err, "is no SlaveInfo: %s", why.text);
}

static int read_timeout(const json_t *object, const char *key, int64_t *out, const struct json_place *place,
			struct error *err)
{
	struct json_place at = {.parent = place, .key = key};

	if (json_required_int(object, key, out, place, err) != 0)
		return -1;
	if (*out < 1 || *out > 24LL * 3600 * 1000)
		return json_error(&at, err, "must be 1 ms to 24 h");
	return 0;
}

static int read_ignore(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	struct buffer text = BUFFER_INIT(REQUEST_MAX);
	const json_t *ignore = NULL;
	int result;

	if (json_optional_array(object, "ignore", &ignore, place, err) != 0)
		return -1;
	if (ignore == NULL)
		return 0;
	json_write(ignore, false, &text);
	result = recovery_ignore_parse(buffer_text(&text), &out->ignore, err);
	buffer_clear(&text);
	return result == 0 ? 0 : error_prefix(err, "%s: ignore", place->source);
}

static int read_apply(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	const char *mechanism = NULL;

	if (json_required_string(object, "mechanism", &mechanism, place, err) != 0 ||
	    mechanism_parse(mechanism, &out->mechanism, err) != 0 || read_ignore(object, out, place, err) != 0 ||
	    read_expectation(object, &out->expect, place, err) != 0 || read_edits(object, out, place, err) != 0 ||
	    read_target(object, out, place, err) != 0)
		return -1;
	if (request_read_options(object, out, place, err) != 0 ||
	    read_timeout(object, "start_timeout_ms", &out->start_timeout_ms, place, err) != 0)
		return -1;
	return read_timeout(object, "verdict_timeout_ms", &out->verdict_timeout_ms, place, err);
}

static int read_rescue(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	if (json_optional_bool(object, "by_flags", &out->by_flags, place, err) != 0 ||
	    read_expectation(object, &out->expect, place, err) != 0 ||
	    read_timeout(object, "start_timeout_ms", &out->start_timeout_ms, place, err) != 0)
		return -1;
	return read_timeout(object, "verdict_timeout_ms", &out->verdict_timeout_ms, place, err);
}

static const char *const inspect_keys[] = {"format", "kind", "host", NULL};
static const char *const settle_keys[] = {"format", "kind", "host",       "operation",   "database", "epoch",
					  "adopt",  "run",  "chain_head", "status_only", NULL};
static const char *const apply_keys[] = {"format",
					 "kind",
					 "host",
					 "operation",
					 "database",
					 "epoch",
					 "adopt",
					 "run",
					 "target",
					 "chain_head",
					 "mechanism",
					 "ignore",
					 "expect",
					 "edits",
					 "allow_task_loss",
					 "allow_port_change",
					 "hold_configuration_management",
					 "recover_state",
					 "master",
					 "start_timeout_ms",
					 "verdict_timeout_ms",
					 NULL};

static const char *const rescue_keys[] = {
	"format",     "kind",     "host",   "operation",        "database",           "epoch", "adopt", "run",
	"chain_head", "by_flags", "expect", "start_timeout_ms", "verdict_timeout_ms", NULL};

static int read_kind(const json_t *object, struct request *out, const struct json_place *place, struct error *err)
{
	static const char *const *const keys[] = {inspect_keys, apply_keys, settle_keys, rescue_keys};
	const char *kind = NULL;
	int64_t format = 0;
	int index;

	if (json_required_int(object, "format", &format, place, err) != 0)
		return -1;
	if (format != REQUEST_FORMAT)
		return json_error(place, err, "format %lld is not known here; this agentctl knows %d",
				  (long long)format, REQUEST_FORMAT);
	if (json_required_string(object, "kind", &kind, place, err) != 0)
		return -1;
	index = find_name(kind_names, COUNT(kind_names), kind);
	if (index < 0)
		return json_error(place, err, "'%s' is no kind of request", kind);
	out->kind = (enum request_kind)index;
	return json_check_keys(object, keys[index], place, err);
}

static int read_request(const json_t *object, struct request *out, struct error *err)
{
	struct json_place place = {.source = "request"};
	struct json_place at_host = {.parent = &place, .key = "host"};
	const json_t *host = NULL;

	if (!json_is_object(object))
		return json_error(&place, err, "must be an object");
	if (read_kind(object, out, &place, err) != 0 || json_optional_object(object, "host", &host, &place, err) != 0 ||
	    (host != NULL && host_settings_from_json(host, &at_host, &out->host, err) != 0))
		return -1;
	if (out->kind != REQUEST_INSPECT && read_identity(object, out, &place, err) != 0)
		return -1;
	if (out->kind == REQUEST_SETTLE)
		return json_optional_bool(object, "status_only", &out->status_only, &place, err);
	if (out->kind == REQUEST_RESCUE)
		return read_rescue(object, out, &place, err);
	return out->kind == REQUEST_APPLY ? read_apply(object, out, &place, err) : 0;
}

int request_parse(const void *bytes, size_t len, struct request *out, struct error *err)
{
	struct request request;
	json_t *object;
	int result;

	if (len > REQUEST_MAX)
		return error_set(err, ERROR_USAGE, "the request has %zu bytes; at most %u are taken", len, REQUEST_MAX);
	object = json_parse("request", bytes, len, err);
	if (object == NULL)
		return -1;
	request_init(&request, REQUEST_INSPECT);
	result = read_request(object, &request, err);
	json_decref(object);
	if (result == 0)
		*out = request;
	else
		request_clear(&request);
	return result;
}
