/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_WIRE_H
#define MESOS_WIRE_H
/* Protobuf at wire level: a message as the row of records it is, each with the very bytes it came in. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

struct wire_record {
	uint32_t number; /* of the field */
	enum wire_type type;
	const unsigned char *start; /* tag included; borrowed from the message */
	size_t len;
	const unsigned char *payload; /* of WIRE_BYTES; NULL otherwise */
	size_t payload_len;
	uint64_t value; /* of the other types */
};

struct wire_records {
	struct wire_record *items;
	size_t count;
};

/* Takes the next record and moves *at behind it; false when there is no whole one. Groups are not known here. */
bool wire_next(const unsigned char **at, const unsigned char *end, struct wire_record *out);

/* All of them; -1 when the message is malformed, then *out is untouched. Free out->items. */
int wire_scan(const void *data, size_t len, struct wire_records *out);

void wire_put_varint(struct buffer *out, uint64_t value);
void wire_put_bytes(struct buffer *out, uint32_t number, const void *data, size_t len);

#endif
