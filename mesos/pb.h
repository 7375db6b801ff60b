/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_PB_H
#define MESOS_PB_H
/*
 * What protobuf-c leaves out, for any message of schema/mesos.proto: copies, the text form, and JSON in the way Mesos
 * maps it (enums by name, bytes in base64, unknown keys ignored). Everything is allocated with malloc.
 */
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

/* An empty message; free with pb_free. */
void *pb_new(const ProtobufCMessageDescriptor *descriptor);
void pb_free(void *message); /* NULL and half-built ones are fine */
void *pb_copy(const void *message);
bool pb_equal(const void *a, const void *b); /* the same bytes, unknown fields included */

void pb_pack(const void *message, struct buffer *out);
/* NULL when data is no such message. */
void *pb_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len);

/* Whether data is such a message in the spelling that pb_pack gives it, known to the last field, with texts in ASCII: then its bytes
 * can be read where they lie and stored as they are. false says nothing: ask pb_unpack. */
bool pb_is_plain(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len);

/* Appends a pointer to a repeated field: PB_APPEND(info->resources, info->n_resources, resource). */
#define PB_APPEND(array, count, item)                                                                                  \
	do {                                                                                                           \
		(array) = xreallocarray((array), (count) + 1, sizeof(*(array)));                                       \
		(array)[(count)++] = (item);                                                                           \
	} while (0)

/* Replaces a string that was allocated with malloc; value may be NULL. */
void pb_set_string(char **slot, const char *value);

/* The name of an enum's value, NULL when it has none. */
const char *pb_enum_name(const ProtobufCEnumDescriptor *descriptor, int value);

/* How much memory one value of a field takes; whether a field that is not repeated has a value. */
size_t pb_field_size(const ProtobufCFieldDescriptor *field);
bool pb_field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The text form, as DebugString prints it; unknown fields by number. */
void pb_to_text(const void *message, struct buffer *out);
/* Appends data as the text form escapes strings, without the quotes. */
void pb_escape(const void *data, size_t len, struct buffer *out);

/* A message from a JSON object. The errors are in the agent's own words ("Missing required fields: type"), kind
 * ERROR_USAGE. */
void *pb_from_json(const ProtobufCMessageDescriptor *descriptor, const json_t *object, struct error *err);
/* What is set, by field number. */
json_t *pb_to_json(const void *message);

#endif
