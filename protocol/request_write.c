/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "mesos/recovery.h"
#include "protocol/request_internal.h"

static const char *const kind_names[] = {"inspect", "apply", "settle", "rescue"};

static void put(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(object, key, json_string(value));
}

static json_t *expectation_to_json(const struct request_expectation *expect)
{
	json_t *object = json_object();

	put(object, "agent_id", expect->agent_id);
	put(object, "boot_id", expect->boot_id);
	put(object, "agent_version", expect->agent_version);
	put(object, "checkpoint_sha256", expect->checkpoint_sha256);
	put(object, "store_sha256", expect->store_sha256);
	return object;
}

static json_t *edits_to_json(const struct request *request)
{
	json_t *array = json_array();

	for (size_t i = 0; i < request->edit_count; i++) {
		const struct flag_edit *edit = &request->edits[i];
		json_t *object = json_object();

		put(object, "name", edit->name);
		json_object_set_new(object, "value", edit->value == NULL ? json_null() : json_string(edit->value));
		json_array_append_new(array, object);
	}
	return array;
}

static void put_target(json_t *object, const Mesos__SlaveInfo *target)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	char *text;

	if (target == NULL)
		return;
	slaveinfo_pack(target, &bytes);
	text = base64_encode(bytes.data, bytes.len);
	put(object, "target", text);
	free(text);
	buffer_clear(&bytes);
}

static void put_timeouts(json_t *object, const struct request *request)
{
	json_object_set_new(object, "start_timeout_ms", json_integer(request->start_timeout_ms));
	json_object_set_new(object, "verdict_timeout_ms", json_integer(request->verdict_timeout_ms));
}

static void put_apply(json_t *object, const struct request *request)
{
	put(object, "mechanism", mechanism_name(request->mechanism));
	json_object_set_new(object, "ignore", recovery_ignore_to_json(request->ignore));
	json_object_set_new(object, "expect", expectation_to_json(&request->expect));
	json_object_set_new(object, "edits", edits_to_json(request));
	put_target(object, request->target);
	request_put_options(object, request);
	put_timeouts(object, request);
}

static void put_rescue(json_t *object, const struct request *request)
{
	json_object_set_new(object, "expect", expectation_to_json(&request->expect));
	json_object_set_new(object, "by_flags", json_boolean(request->by_flags));
	put_timeouts(object, request);
}

void request_write(const struct request *request, struct buffer *out)
{
	json_t *object = json_object();

	json_object_set_new(object, "format", json_integer(REQUEST_FORMAT));
	put(object, "kind", kind_names[request->kind]);
	json_object_set_new(object, "host", host_settings_to_json(&request->host));
	if (request->kind != REQUEST_INSPECT) {
		put(object, "operation", request->operation);
		put(object, "database", request->database);
		json_object_set_new(object, "epoch", json_integer(request->epoch));
		json_object_set_new(object, "adopt", json_boolean(request->adopt));
		put(object, "run", request->run);
		put(object, "chain_head", request->chain_head);
	}
	if (request->kind == REQUEST_SETTLE)
		json_object_set_new(object, "status_only", json_boolean(request->status_only));
	if (request->kind == REQUEST_APPLY)
		put_apply(object, request);
	if (request->kind == REQUEST_RESCUE)
		put_rescue(object, request);
	json_write(object, false, out);
	json_decref(object);
}
