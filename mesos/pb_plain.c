/* SPDX-License-Identifier: Apache-2.0 */
/* Most messages come in the one spelling that protobuf's own libraries give them: fields by number, numbers in as few bytes as there
 * can be. That is found out in one pass, without memory. */
#include <string.h>

#include "mesos/pb.h"

struct span {
	const unsigned char *at, *end;
};

/* In as few bytes as it takes. NULL: it is not, or does not end. */
static const unsigned char *take_long_number(const unsigned char *at, const unsigned char *end, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
		unsigned char byte = *at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte >= 0x80)
			continue;
		*out = value;
		return byte != 0 && (shift < 63 || byte == 1) ? at : NULL;
	}
	return NULL;
}

/* Nearly all numbers are a byte long. */
static inline bool take_number(struct span *span, uint64_t *out)
{
	if (span->at < span->end && *span->at < 0x80) {
		*out = *span->at++;
		return true;
	}
	span->at = take_long_number(span->at, span->end, out);
	return span->at != NULL;
}

static inline bool take_bytes(struct span *span, struct span *out)
{
	uint64_t len;

	if (!take_number(span, &len) || len > (uint64_t)(span->end - span->at))
		return false;
	*out = (struct span){span->at, span->at + len};
	span->at += len;
	return true;
}

static inline bool is_ascii(const struct span *text)
{
	const unsigned char *at = text->at;

	for (; text->end - at >= 8; at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		/* A byte above 0x7f, or one that is 0 (the lowest of them is found without fail). */
		if ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080))
			return false;
	}
	for (; at < text->end; at++)
		if (*at == 0 || *at > 0x7f)
			return false;
	return true;
}

static bool is_plain(const ProtobufCMessageDescriptor *descriptor, struct span span);

static inline bool take_delimited(const ProtobufCFieldDescriptor *field, struct span *span)
{
	struct span value;

	if (!take_bytes(span, &value))
		return false;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return is_plain(field->descriptor, value);
	return field->type == PROTOBUF_C_TYPE_BYTES || is_ascii(&value);
}

static inline bool take_varint(const ProtobufCFieldDescriptor *field, struct span *span)
{
	uint64_t value;

	if (!take_number(span, &value))
		return false;
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		return value <= INT32_MAX || value >= (uint64_t)INT64_C(-2147483648);
	case PROTOBUF_C_TYPE_UINT32:
		return value <= UINT32_MAX;
	case PROTOBUF_C_TYPE_BOOL:
		return value <= 1;
	default:
		return true;
	}
}

static inline bool take_value(const ProtobufCFieldDescriptor *field, unsigned wire_type, struct span *span)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && take_delimited(field, span);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return wire_type == PROTOBUF_C_WIRE_TYPE_VARINT && take_varint(field, span);
	case PROTOBUF_C_TYPE_DOUBLE:
		if (wire_type != PROTOBUF_C_WIRE_TYPE_64BIT || span->end - span->at < 8)
			return false;
		span->at += 8;
		return true;
	default: /* none of our messages has any */
		return false;
	}
}

/* Are none of these fields required? */
static bool may_be_left_out(const ProtobufCFieldDescriptor *fields, unsigned from, unsigned to)
{
	while (from < to)
		if (fields[from++].label == PROTOBUF_C_LABEL_REQUIRED)
			return false;
	return true;
}

/* Fields and their descriptors go side by side: both are in order. */
static bool is_plain(const ProtobufCMessageDescriptor *descriptor, struct span span)
{
	const ProtobufCFieldDescriptor *fields = descriptor->fields;
	unsigned next = 0;
	uint64_t tag;

	while (span.at < span.end) {
		unsigned from = next;

		if (!take_number(&span, &tag))
			return false;
		while (next < descriptor->n_fields && fields[next].id < tag >> 3)
			next++;
		if (next == descriptor->n_fields || fields[next].id != tag >> 3 ||
		    !may_be_left_out(fields, from, next) || !take_value(&fields[next], (unsigned)(tag & 7), &span))
			return false;
		if (fields[next].label != PROTOBUF_C_LABEL_REPEATED)
			next++;
	}
	return may_be_left_out(fields, next, descriptor->n_fields);
}

bool pb_is_plain(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t len)
{
	static const unsigned char nothing;
	const unsigned char *at = len > 0 ? data : &nothing;

	return is_plain(descriptor, (struct span){at, at + len});
}
