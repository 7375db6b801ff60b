/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/attributes_packed.h"

#include <string.h>

#include "mesos/attributes.h"
#include "mesos/pb.h"
#include "mesos/wire.h"

enum { INFO_ATTRIBUTES = 5 };
enum attribute_field { ATTRIBUTE_NAME = 1, ATTRIBUTE_TYPE = 2, ATTRIBUTE_SCALAR = 3, ATTRIBUTE_TEXT = 5 };

struct attribute_reader attribute_reader_start(const void *info, size_t len)
{
	const unsigned char *at = info;

	return (struct attribute_reader){.at = at, .end = at + len};
}

bool attribute_next(struct attribute_reader *reader)
{
	struct wire_record record, name;

	while (reader->at < reader->end && wire_next(&reader->at, reader->end, &record)) {
		const unsigned char *at = record.payload;

		if (record.number != INFO_ATTRIBUTES || record.type != WIRE_BYTES ||
		    !wire_next(&at, at + record.payload_len, &name) || name.number != ATTRIBUTE_NAME)
			continue;
		reader->whole = (struct bytes){(const char *)record.payload, record.payload_len};
		reader->name = (struct bytes){(const char *)name.payload, name.payload_len};
		return true;
	}
	return false;
}

/* The one field of the value, when the attribute is of that type and the value is field `number` of it. */
static bool find_value(const struct attribute_reader *reader, Mesos__Value__Type type, uint32_t number,
		       struct wire_record *out)
{
	const unsigned char *at = (const unsigned char *)reader->whole.data, *end = at + reader->whole.len;
	bool right = false;

	while (at < end && wire_next(&at, end, out)) {
		if (out->number == ATTRIBUTE_TYPE)
			right = out->value == (uint64_t)type;
		if (out->number != number || !right || out->type != WIRE_BYTES)
			continue;
		at = out->payload;
		return wire_next(&at, at + out->payload_len, out);
	}
	return false;
}

bool attribute_number(const struct attribute_reader *reader, double *number)
{
	struct wire_record value;

	if (!find_value(reader, MESOS__VALUE__TYPE__SCALAR, ATTRIBUTE_SCALAR, &value) || value.type != WIRE_64BIT)
		return false;
	memcpy(number, &value.value, sizeof(*number));
	return true;
}

struct bytes attribute_text(const struct attribute_reader *reader, struct buffer *scratch)
{
	struct wire_record text;
	Mesos__Attribute *attribute;

	if (find_value(reader, MESOS__VALUE__TYPE__TEXT, ATTRIBUTE_TEXT, &text) && text.type == WIRE_BYTES)
		return (struct bytes){(const char *)text.payload, text.payload_len};
	buffer_reset(scratch);
	attribute = pb_unpack(&mesos__attribute__descriptor, reader->whole.data, reader->whole.len);
	if (attribute != NULL)
		attribute_value_text(attribute, scratch);
	pb_free(attribute);
	return (struct bytes){buffer_text(scratch), scratch->len};
}
