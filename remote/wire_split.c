/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/wire_split.h"

#include <inttypes.h>

#define TYPE_FIELD 1 /* of every response */

enum wire_kind { KIND_VARINT = 0, KIND_EIGHT = 1, KIND_LENGTH = 2, KIND_FOUR = 5 };

void wire_split_init(struct wire_split *split, uint32_t member, bool whole, wire_split_item *item, void *ctx)
{
	*split = (struct wire_split){.member = member, .whole = whole, .item = item, .ctx = ctx};
	buffer_init(&split->kept, WIRE_ITEM_MAX);
}

void wire_split_clear(struct wire_split *split)
{
	buffer_clear(&split->kept);
}

static int broken(const struct wire_split *split, const char *what, struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "%s at byte %" PRIu64, what, split->offset);
}

static int ends_early(const struct wire_split *split, struct error *err)
{
	return broken(split, "it ends in the middle of a field", err);
}

/* A field is over; so is the member when nothing of it is left. */
static void end_field(struct wire_split *split)
{
	split->state = WIRE_KEY;
	if (split->inside && split->offset == split->end)
		split->inside = false;
}

/* len bytes of the field are still to come. */
static int start_bytes(struct wire_split *split, uint64_t len, bool wanted, struct error *err)
{
	if (split->inside && len > split->end - split->offset)
		return ends_early(split, err);
	if (wanted && len > WIRE_ITEM_MAX)
		return broken(split, "an item larger than is accepted", err);
	split->left = len;
	split->state = wanted ? WIRE_ITEM : WIRE_SKIP;
	if (len > 0)
		return 0;
	if (wanted && split->item(split->ctx, split->inside ? split->number : 0, "", 0, err) < 0)
		return -1;
	end_field(split);
	return 0;
}

static int start_length(struct wire_split *split, uint64_t len, struct error *err)
{
	if (split->inside)
		return start_bytes(split, len, true, err);
	if (split->number != split->member)
		return start_bytes(split, len, false, err);
	split->has_member = true;
	if (split->whole)
		return start_bytes(split, len, true, err);
	if (len > UINT64_MAX - split->offset)
		return broken(split, "an impossible length", err);
	split->end = split->offset + len;
	split->inside = true;
	end_field(split); /* it may be empty */
	return 0;
}

static int start_field(struct wire_split *split, uint64_t key, struct error *err)
{
	split->number = (uint32_t)(key >> 3);
	switch (key & 7) {
	case KIND_VARINT:
		split->state = WIRE_VALUE;
		return 0;
	case KIND_LENGTH:
		split->state = WIRE_LENGTH;
		return 0;
	case KIND_EIGHT:
		return start_bytes(split, 8, false, err);
	case KIND_FOUR:
		return start_bytes(split, 4, false, err);
	default:
		return broken(split, "an unknown kind of field", err);
	}
}

static int end_varint(struct wire_split *split, struct error *err)
{
	uint64_t value = split->varint;
	split->varint = 0;
	split->shift = 0;
	if (split->state == WIRE_KEY)
		return start_field(split, value, err);
	if (split->state == WIRE_LENGTH)
		return start_length(split, value, err);
	if (!split->inside && split->number == TYPE_FIELD)
		split->type = value;
	end_field(split);
	return 0;
}

static int take_byte(struct wire_split *split, uint8_t byte, struct error *err)
{
	if (split->inside && split->offset == split->end)
		return ends_early(split, err);
	if (split->shift >= 64)
		return broken(split, "an endless number", err);
	split->offset++;
	split->varint |= (uint64_t)(byte & 0x7f) << split->shift;
	split->shift += 7;
	return byte < 0x80 ? end_varint(split, err) : 0;
}

/* An item that lies whole in one piece is not copied. */
static int take_bytes(struct wire_split *split, const void *data, size_t len, struct error *err)
{
	bool wanted = split->state == WIRE_ITEM, whole = len == split->left;
	const void *item = data;
	size_t item_len = len;
	if (wanted && (!whole || split->kept.len > 0)) {
		buffer_append(&split->kept, data, len);
		item = split->kept.data;
		item_len = split->kept.len;
	}
	split->offset += len;
	split->left -= len;
	if (!whole)
		return 0;
	int result = wanted ? split->item(split->ctx, split->inside ? split->number : 0, item, item_len, err) : 0;
	buffer_reset(&split->kept);
	end_field(split);
	return result;
}

int wire_split_feed(struct wire_split *split, const void *data, size_t len, struct error *err)
{
	const uint8_t *at = data, *end = at + len;
	while (at < end) {
		if (split->state != WIRE_SKIP && split->state != WIRE_ITEM) {
			if (take_byte(split, *at++, err) < 0)
				return -1;
			continue;
		}
		size_t here = (size_t)(end - at);
		size_t take = split->left < here ? (size_t)split->left : here;
		if (take_bytes(split, at, take, err) < 0)
			return -1;
		at += take;
	}
	return 0;
}

int wire_split_finish(struct wire_split *split, struct error *err)
{
	if (split->state != WIRE_KEY || split->shift != 0 || split->inside)
		return ends_early(split, err);
	return 0;
}
