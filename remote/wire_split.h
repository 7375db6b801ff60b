/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_WIRE_SPLIT_H
#define REMOTE_WIRE_SPLIT_H
/*
 * A protobuf answer, cut up while it comes: the answer is a message with one large member, and the member's fields with a
 * length are handed over one at a time. Never more than one of them is in memory.
 *
 * wire_split_init, wire_split_feed for every piece in order, wire_split_finish, wire_split_clear. A -1 says what is wrong and
 * at which byte; after it only wire_split_clear may follow.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* An agent with all it has is a few KB; more than this is no item but an accident. */
#define WIRE_ITEM_MAX (16u << 20)

/* number: of the member's field; 0: the member itself, when it is to be had whole. data is borrowed for the call. */
typedef int wire_split_item(void *ctx, uint32_t number, const void *data, size_t len, struct error *err);

struct wire_split {
	/* what was found at the top, for the caller to judge after wire_split_finish */
	uint64_t type; /* field 1; 0: not there */
	bool has_member;

	/* private */
	uint32_t member;
	bool whole;
	wire_split_item *item;
	void *ctx;
	enum { WIRE_KEY, WIRE_VALUE, WIRE_LENGTH, WIRE_SKIP, WIRE_ITEM } state;
	uint64_t offset; /* bytes so far */
	uint64_t varint;
	unsigned shift;
	uint32_t number;
	uint64_t left; /* of the field that is skipped or kept */
	bool inside;   /* the member, which ends at `end` */
	uint64_t end;
	struct buffer kept;
};

/* member: the answer's field that holds the items; whole: it is the one item itself. */
void wire_split_init(struct wire_split *split, uint32_t member, bool whole, wire_split_item *item, void *ctx);
int wire_split_feed(struct wire_split *split, const void *data, size_t len, struct error *err);
int wire_split_finish(struct wire_split *split, struct error *err);
void wire_split_clear(struct wire_split *split);

#endif
