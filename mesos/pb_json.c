/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to messages and back. Reading goes by the rules of the agent (stout's protobuf::parse): keys in alphabetical
 * order, so that of two mistakes the same one is reported; null is "not set"; required fields are looked for last, in
 * the whole tree.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "mesos/pb.h"
#include "mesos/text_json.h"

#define TWO_POW_63 9223372036854775808.0

/* ---- messages from JSON */

static int read_object(ProtobufCMessage *message, const json_t *object, struct error *err);

static int wrong_type(const ProtobufCFieldDescriptor *field, const char *what, struct error *err)
{
	return error_set(err, ERROR_USAGE, "Not expecting a JSON %s for field '%s'", what, field->name);
}

static uint64_t number_as_unsigned(const json_t *number)
{
	double value;

	if (json_is_integer(number))
		return (uint64_t)json_integer_value(number);
	/* What does not fit becomes what the agent's conversion gives on x86-64. */
	value = json_real_value(number);
	if (value < 0)
		return value <= -TWO_POW_63 ? UINT64_C(1) << 63 : (uint64_t)(int64_t)value;
	return value >= 2 * TWO_POW_63 ? 0 : (uint64_t)value;
}

static int read_number(const ProtobufCFieldDescriptor *field, const json_t *number, void *slot, struct error *err)
{
	uint64_t whole = number_as_unsigned(number);

	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)slot = json_number_value(number);
		return 0;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(slot, &whole, sizeof(whole));
		return 0;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)slot = (uint32_t)whole;
		return 0;
	default:
		return wrong_type(field, "number", err);
	}
}

static int read_quoted_number(const ProtobufCFieldDescriptor *field, const char *text, void *slot, struct error *err)
{
	struct error cause = ERROR_INIT;
	bool boolean = field->type == PROTOBUF_C_TYPE_BOOL;
	json_t *value = text_json_parse(text, &cause);
	int rc = -1;

	if (value != NULL && (boolean ? json_is_boolean(value) : json_is_number(value))) {
		if (boolean)
			*(protobuf_c_boolean *)slot = json_is_true(value);
		rc = boolean ? 0 : read_number(field, value, slot, err);
	} else {
		error_set(err, ERROR_USAGE, "Failed to parse '%s' as a JSON %s for field '%s': %s", text,
			  boolean ? "boolean" : "number", field->name,
			  value != NULL ? "Unexpected JSON type parsed" : cause.text);
	}
	json_decref(value);
	return rc;
}

static int read_enum(const ProtobufCFieldDescriptor *field, const char *text, void *slot, bool *set, struct error *err)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text);

	if (value != NULL) {
		*(int *)slot = value->value;
		return 0;
	}
	*set = false;
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return error_set(err, ERROR_USAGE, "Failed to find enum for '%s'", text);
	return 0;
}

static int read_string(const ProtobufCFieldDescriptor *field, const json_t *string, void *slot, bool *set,
		       struct error *err)
{
	const char *text = json_string_value(string);

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		if (strlen(text) != json_string_length(string))
			return error_set(err, ERROR_USAGE, "Field '%s' holds a NUL character; remove it", field->name);
		*(char **)slot = xstrdup(text);
		return 0;
	case PROTOBUF_C_TYPE_BYTES: {
		ProtobufCBinaryData *bytes = slot;
		struct error cause = ERROR_INIT;

		if (base64_decode(text, &bytes->data, &bytes->len, &cause) != 0)
			return error_set(err, ERROR_USAGE, "Failed to base64 decode bytes field '%s': %s", field->name,
					 cause.text);
		return 0;
	}
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(field, text, slot, set, err);
	case PROTOBUF_C_TYPE_MESSAGE:
		return wrong_type(field, "string", err);
	default:
		return read_quoted_number(field, text, slot, err);
	}
}

static int read_message(const ProtobufCFieldDescriptor *field, const json_t *object, void *slot, struct error *err)
{
	ProtobufCMessage *message;

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return wrong_type(field, "object", err);
	message = pb_new(field->descriptor);
	*(ProtobufCMessage **)slot = message;
	return read_object(message, object, err);
}

/* slot is zeroed memory of the field's type; *set becomes false when the value is to be passed over. */
static int read_value(const ProtobufCFieldDescriptor *field, const json_t *value, void *slot, bool *set,
		      struct error *err)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return read_message(field, value, slot, err);
	case JSON_STRING:
		return read_string(field, value, slot, set, err);
	case JSON_INTEGER:
	case JSON_REAL:
		return read_number(field, value, slot, err);
	case JSON_TRUE:
	case JSON_FALSE:
		if (field->type != PROTOBUF_C_TYPE_BOOL)
			return wrong_type(field, "boolean", err);
		*(protobuf_c_boolean *)slot = json_is_true(value);
		return 0;
	default:
		*set = false;
		return 0;
	}
}

static int read_repeated(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const json_t *value,
			 struct error *err)
{
	char *base = (char *)message;
	size_t *count = (size_t *)(void *)(base + field->quantifier_offset);
	char **array = (char **)(void *)(base + field->offset);
	size_t size = pb_field_size(field);
	bool set = true;

	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			if (read_repeated(message, field, json_array_get(value, i), err) != 0)
				return -1;
		return 0;
	}
	if (json_is_null(value))
		return 0;
	*array = xreallocarray(*array, *count + 1, size);
	memset(*array + *count * size, 0, size);
	if (read_value(field, value, *array + *count * size, &set, err) != 0) {
		/* A half-built message is the caller's to free with the rest. */
		*count += field->type == PROTOBUF_C_TYPE_MESSAGE && *(void **)(void *)(*array + *count * size) != NULL;
		return -1;
	}
	*count += set;
	return 0;
}

static int read_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const json_t *value,
		      struct error *err)
{
	char *base = (char *)message;
	bool set = true;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return read_repeated(message, field, value, err);
	if (json_is_array(value))
		return wrong_type(field, "array", err);
	if (read_value(field, value, base + field->offset, &set, err) != 0)
		return -1;
	if (set && field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
	    field->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)(base + field->quantifier_offset) = 1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_object(ProtobufCMessage *message, const json_t *object, struct error *err)
{
	const char **keys = xmalloc((json_object_size(object) + 1) * sizeof(*keys));
	const char *key;
	json_t *value;
	size_t count = 0;
	int rc = 0;

	json_object_foreach((json_t *)object, key, value) keys[count++] = key;
	qsort(keys, count, sizeof(*keys), by_name);
	for (size_t i = 0; i < count && rc == 0; i++) {
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(message->descriptor, keys[i]);

		if (field != NULL)
			rc = read_field(message, field, json_object_get(object, keys[i]), err);
	}
	free(keys);
	return rc;
}

/* ---- required fields, which the message itself cannot tell from zero */

static void find_missing(const ProtobufCMessageDescriptor *descriptor, const json_t *object, const char *prefix,
			 struct buffer *out);

static void find_missing_below(const ProtobufCFieldDescriptor *field, const json_t *value, const char *prefix,
			       size_t *index, struct buffer *out)
{
	char *below;

	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			find_missing_below(field, json_array_get(value, i), prefix, index, out);
		return;
	}
	if (!json_is_object(value))
		return;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		below = xasprintf("%s%s[%zu].", prefix, field->name, (*index)++);
	else
		below = xasprintf("%s%s.", prefix, field->name);
	find_missing(field->descriptor, value, below, out);
	free(below);
}

static void find_missing(const ProtobufCMessageDescriptor *descriptor, const json_t *object, const char *prefix,
			 struct buffer *out)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		const json_t *value = json_object_get(object, field->name);

		if (field->label == PROTOBUF_C_LABEL_REQUIRED && (value == NULL || json_is_null(value)))
			buffer_printf(out, "%s%s%s", out->len > 0 ? ", " : "", prefix, field->name);
	}
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		size_t index = 0;

		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			find_missing_below(field, json_object_get(object, field->name), prefix, &index, out);
	}
}

void *pb_from_json(const ProtobufCMessageDescriptor *descriptor, const json_t *object, struct error *err)
{
	struct buffer missing = BUFFER_INIT(ERROR_TEXT_MAX);
	ProtobufCMessage *message;

	if (!json_is_object(object)) {
		error_set(err, ERROR_USAGE, "Expecting a JSON object");
		return NULL;
	}
	message = pb_new(descriptor);
	if (read_object(message, object, err) == 0) {
		find_missing(descriptor, object, "", &missing);
		if (missing.len == 0) {
			buffer_clear(&missing);
			return message;
		}
		error_set(err, ERROR_USAGE, "Missing required fields: %s", buffer_text(&missing));
	}
	buffer_clear(&missing);
	pb_free(message);
	return NULL;
}

/* ---- messages to JSON */

static json_t *write_bytes(const ProtobufCBinaryData *bytes)
{
	char *text = base64_encode(bytes->data, bytes->len);
	json_t *value = json_string_nocheck(text);

	free(text);
	return value;
}

static json_t *write_value(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		return isfinite(*(const double *)member) ? json_real(*(const double *)member) : json_null();
	case PROTOBUF_C_TYPE_ENUM: {
		const char *name = pb_enum_name(field->descriptor, *(const int *)member);

		return name != NULL ? json_string(name) : json_integer(*(const int *)member);
	}
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)member);
	case PROTOBUF_C_TYPE_INT32:
		return json_integer(*(const int32_t *)member);
	case PROTOBUF_C_TYPE_UINT32:
		return json_integer(*(const uint32_t *)member);
	case PROTOBUF_C_TYPE_INT64:
		return json_integer(*(const int64_t *)member);
	case PROTOBUF_C_TYPE_UINT64:
		return json_integer((json_int_t) * (const uint64_t *)member);
	case PROTOBUF_C_TYPE_STRING:
		return json_string_nocheck(*(char *const *)member);
	case PROTOBUF_C_TYPE_BYTES:
		return write_bytes(member);
	case PROTOBUF_C_TYPE_MESSAGE:
		return pb_to_json(*(void *const *)member);
	default:
		return json_null();
	}
}

static json_t *write_repeated(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *base = (const char *)message;
	size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
	const char *array = *(char *const *)(const void *)(base + field->offset);
	json_t *values = count > 0 ? json_array() : NULL;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(values, write_value(field, array + i * pb_field_size(field)));
	return values;
}

json_t *pb_to_json(const void *message)
{
	const ProtobufCMessage *from = message;
	json_t *object = json_object();

	for (unsigned i = 0; i < from->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &from->descriptor->fields[i];
		json_t *value = NULL;

		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			value = write_repeated(from, field);
		else if (pb_field_is_set(from, field))
			value = write_value(field, (const char *)from + field->offset);
		if (value != NULL)
			json_object_set_new_nocheck(object, field->name, value);
	}
	return object;
}
