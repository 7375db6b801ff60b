/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form of a message. Operators compare an agent's refusal with ours, so every byte has to be as protobuf
 * prints it: two spaces per level, strings C-escaped with octal, doubles in the fewest of 15 or 17 digits, unknown
 * fields last and by number.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/wire.h"

/* Unknown fields are printed as messages when they can be read as one; this is how deep we try. */
#define UNKNOWN_DEPTH_MAX 10

static void indent(struct buffer *out, int level)
{
	for (int i = 0; i < level; i++)
		buffer_puts(out, "  ");
}

void pb_escape(const void *data, size_t len, struct buffer *out)
{
	static const char plain[] = "\n\r\t\"'\\";
	static const char letter[] = "nrt\"'\\";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++) {
		const char *special = bytes[i] != '\0' ? strchr(plain, bytes[i]) : NULL;

		if (special != NULL)
			buffer_printf(out, "\\%c", letter[special - plain]);
		else if (bytes[i] < 0x20 || bytes[i] >= 0x7f)
			buffer_printf(out, "\\%03o", (unsigned)bytes[i]);
		else
			buffer_putc(out, (char)bytes[i]);
	}
}

static void print_quoted(const void *data, size_t len, struct buffer *out)
{
	buffer_putc(out, '"');
	pb_escape(data, len, out);
	buffer_putc(out, '"');
}

static void print_double(double value, struct buffer *out)
{
	char text[40];

	if (isnan(value)) {
		buffer_puts(out, "nan");
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	buffer_puts(out, text);
}

static void print_enum(const ProtobufCFieldDescriptor *field, int value, struct buffer *out)
{
	const char *name = pb_enum_name(field->descriptor, value);

	if (name != NULL)
		buffer_puts(out, name);
	else
		buffer_printf(out, "%d", value);
}

static void print_message(const ProtobufCMessage *message, int level, struct buffer *out);

static void print_scalar(const ProtobufCFieldDescriptor *field, const void *member, struct buffer *out)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_DOUBLE:
		print_double(*(const double *)member, out);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(field, *(const int *)member, out);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		buffer_puts(out, *(const protobuf_c_boolean *)member ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_INT32:
		buffer_printf(out, "%" PRId32, *(const int32_t *)member);
		break;
	case PROTOBUF_C_TYPE_UINT32:
		buffer_printf(out, "%" PRIu32, *(const uint32_t *)member);
		break;
	case PROTOBUF_C_TYPE_INT64:
		buffer_printf(out, "%" PRId64, *(const int64_t *)member);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		buffer_printf(out, "%" PRIu64, *(const uint64_t *)member);
		break;
	case PROTOBUF_C_TYPE_STRING: {
		const char *text = *(char *const *)member;

		print_quoted(text, strlen(text), out);
		break;
	}
	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *bytes = member;

		print_quoted(bytes->data, bytes->len, out);
		break;
	}
	default: /* no other type occurs in schema/mesos.proto */
		break;
	}
}

static void print_field(const ProtobufCFieldDescriptor *field, const void *member, int level, struct buffer *out)
{
	indent(out, level);
	buffer_puts(out, field->name);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		buffer_puts(out, " {\n");
		print_message(*(ProtobufCMessage *const *)member, level + 1, out);
		indent(out, level);
		buffer_puts(out, "}\n");
		return;
	}
	buffer_puts(out, ": ");
	print_scalar(field, member, out);
	buffer_putc(out, '\n');
}

static void print_repeated(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int level,
			   struct buffer *out)
{
	const char *base = (const char *)message;
	size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
	const char *array = *(char *const *)(const void *)(base + field->offset);

	for (size_t i = 0; i < count; i++)
		print_field(field, array + i * pb_field_size(field), level, out);
}

/* ---- unknown fields */

static bool print_unknown_row(const unsigned char *at, size_t len, int level, int depth, struct buffer *out);

static void print_unknown_bytes(const struct wire_record *record, int level, int depth, struct buffer *out)
{
	struct buffer nested = BUFFER_INIT(out->max);

	indent(out, level);
	if (record->payload_len > 0 && depth < UNKNOWN_DEPTH_MAX &&
	    print_unknown_row(record->payload, record->payload_len, level + 1, depth + 1, &nested)) {
		buffer_printf(out, "%" PRIu32 " {\n", record->number);
		buffer_append(out, buffer_text(&nested), nested.len);
		indent(out, level);
		buffer_puts(out, "}\n");
	} else {
		buffer_printf(out, "%" PRIu32 ": ", record->number);
		print_quoted(record->payload, record->payload_len, out);
		buffer_putc(out, '\n');
	}
	buffer_clear(&nested);
}

static void print_unknown(const struct wire_record *record, int level, int depth, struct buffer *out)
{
	if (record->type == WIRE_BYTES) {
		print_unknown_bytes(record, level, depth, out);
		return;
	}
	indent(out, level);
	if (record->type == WIRE_VARINT)
		buffer_printf(out, "%" PRIu32 ": %" PRIu64 "\n", record->number, record->value);
	else
		buffer_printf(out, "%" PRIu32 ": 0x%0*" PRIx64 "\n", record->number,
			      record->type == WIRE_64BIT ? 16 : 8, record->value);
}

static bool print_unknown_row(const unsigned char *at, size_t len, int level, int depth, struct buffer *out)
{
	const unsigned char *end = at + len;
	struct wire_record record;

	while (at < end) {
		if (!wire_next(&at, end, &record))
			return false;
		print_unknown(&record, level, depth, out);
	}
	return true;
}

/* protobuf-c keeps the bytes behind the tag; put back together they are a record. */
static void print_unknown_field(const ProtobufCMessageUnknownField *unknown, int level, struct buffer *out)
{
	struct buffer whole = BUFFER_INIT(unknown->len + 16);

	wire_put_varint(&whole, (uint64_t)unknown->tag << 3 | (uint64_t)unknown->wire_type);
	buffer_append(&whole, unknown->data, unknown->len);
	print_unknown_row((const unsigned char *)whole.data, whole.len, level, 0, out);
	buffer_clear(&whole);
}

static void print_message(const ProtobufCMessage *message, int level, struct buffer *out)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			print_repeated(message, field, level, out);
		else if (pb_field_is_set(message, field))
			print_field(field, (const char *)message + field->offset, level, out);
	}
	for (unsigned i = 0; i < message->n_unknown_fields; i++)
		print_unknown_field(&message->unknown_fields[i], level, out);
}

void pb_to_text(const void *message, struct buffer *out)
{
	print_message(message, 0, out);
}
