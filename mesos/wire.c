/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/wire.h"

#include "base/alloc.h"

#define FIELD_NUMBER_MAX ((UINT32_C(1) << 29) - 1)

static bool take_varint(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
	uint64_t value = 0;

	if (*at < end && **at < 0x80) { /* nearly always */
		*out = *(*at)++;
		return true;
	}
	for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
		unsigned char byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool take_fixed(const unsigned char **at, const unsigned char *end, size_t size, uint64_t *out)
{
	uint64_t value = 0;

	if ((size_t)(end - *at) < size)
		return false;
	for (size_t i = size; i > 0; i--)
		value = value << 8 | (*at)[i - 1];
	*at += size;
	*out = value;
	return true;
}

static bool take_bytes(const unsigned char **at, const unsigned char *end, struct wire_record *record)
{
	uint64_t len;

	if (!take_varint(at, end, &len) || len > (uint64_t)(end - *at))
		return false;
	record->payload = *at;
	record->payload_len = (size_t)len;
	*at += len;
	return true;
}

static bool take_value(const unsigned char **at, const unsigned char *end, struct wire_record *record)
{
	switch (record->type) {
	case WIRE_VARINT:
		return take_varint(at, end, &record->value);
	case WIRE_64BIT:
		return take_fixed(at, end, 8, &record->value);
	case WIRE_32BIT:
		return take_fixed(at, end, 4, &record->value);
	case WIRE_BYTES:
		return take_bytes(at, end, record);
	default:
		return false;
	}
}

bool wire_next(const unsigned char **at, const unsigned char *end, struct wire_record *out)
{
	const unsigned char *p = *at;
	uint64_t tag;

	if (!take_varint(&p, end, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
		return false;
	out->number = (uint32_t)(tag >> 3);
	out->type = (enum wire_type)(tag & 7);
	out->start = *at;
	out->payload = NULL;
	out->payload_len = 0;
	out->value = 0;
	if (!take_value(&p, end, out))
		return false;
	out->len = (size_t)(p - out->start);
	*at = p;
	return true;
}

int wire_scan(const void *data, size_t len, struct wire_records *out)
{
	const unsigned char *at = data, *end = at + len;
	struct wire_records records = {NULL, 0};
	size_t room = 0;

	while (at < end) {
		if (records.count == room) {
			room = room > 0 ? room * 2 : 64;
			records.items = xreallocarray(records.items, room, sizeof(*records.items));
		}
		if (!wire_next(&at, end, &records.items[records.count])) {
			free(records.items);
			return -1;
		}
		records.count++;
	}
	*out = records;
	return 0;
}

void wire_put_varint(struct buffer *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buffer_putc(out, (char)(0x80 | (value & 0x7f)));
	buffer_putc(out, (char)value);
}

void wire_put_bytes(struct buffer *out, uint32_t number, const void *data, size_t len)
{
	wire_put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
	wire_put_varint(out, len);
	buffer_append(out, data, len);
}
