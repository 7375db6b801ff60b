/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/jute.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void jute_put_int(struct buffer *out, int32_t value)
{
	uint32_t wire = htonl((uint32_t)value);
	buffer_append(out, &wire, sizeof(wire));
}

void jute_put_long(struct buffer *out, int64_t value)
{
	jute_put_int(out, (int32_t)(value >> 32));
	jute_put_int(out, (int32_t)value);
}

void jute_put_bytes(struct buffer *out, const char *data, size_t len)
{
	jute_put_int(out, (int32_t)len);
	buffer_append(out, data, len);
}

int32_t jute_get_int(struct jute_reader *reader)
{
	uint32_t wire = 0;
	reader->bad |= reader->left < sizeof(wire);
	if (reader->bad)
		return 0;
	memcpy(&wire, reader->at, sizeof(wire));
	reader->at += sizeof(wire);
	reader->left -= sizeof(wire);
	return (int32_t)ntohl(wire);
}

int64_t jute_get_long(struct jute_reader *reader)
{
	uint64_t high = (uint32_t)jute_get_int(reader);
	return (int64_t)(high << 32 | (uint32_t)jute_get_int(reader));
}

char *jute_get_string(struct jute_reader *reader, size_t *len)
{
	int32_t size = jute_get_int(reader);
	if (size < 0)
		size = 0;
	reader->bad |= (size_t)size > reader->left;
	if (reader->bad)
		size = 0;
	char *text = xmalloc((size_t)size + 1);
	memcpy(text, reader->at, (size_t)size);
	text[size] = '\0';
	reader->at += size;
	reader->left -= (size_t)size;
	*len = (size_t)size;
	return text;
}
