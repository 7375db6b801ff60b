/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_JSON_SPLIT_H
#define REMOTE_JSON_SPLIT_H
/*
 * A JSON answer, cut up while it comes. Rules say which of its values are handed over by themselves (the elements of an array,
 * say) and which are dropped; everything else, with null in the place of those, is left at the end as the rest. Never
 * more than one item and the rest are in memory.
 *
 * json_split_new, json_split_feed for every piece in order, json_split_finish, json_split_free. A -1 says what is wrong and at which
 * byte; after it only json_split_free may follow. The structure is checked here, and so is all that is dropped, as far as
 * its brackets and quotes go; items and the rest are JSON only once a parser has taken them.
 */
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

/* Longer than any item a master sends: an agent, a task, a framework without its tasks. */
#define JSON_ITEM_MAX  (16u << 20)
/* The rest holds a few figures, the flags, and a null for every item. */
#define JSON_REST_MAX  (32u << 20)
/* A master's answers are nested a dozen deep. */
#define JSON_DEPTH_MAX 100

/* path: "slaves.*.offered_resources": keys, and * for every element of an array. Items may lie within items. */
struct json_split_rule {
	const char *path;
	int item; /* what the handler gets; negative: drop */
};
#define JSON_SPLIT_RULES 32
#define JSON_SPLIT_DROP  (-1)

/* text is borrowed for the call and ends with a NUL. */
typedef int json_split_item(void *ctx, int item, const char *text, size_t len, struct error *err);

struct json_split;
/* rules, at most JSON_SPLIT_RULES, are borrowed for the splitter's life. */
struct json_split *json_split_new(const struct json_split_rule *rules, size_t count, json_split_item *item, void *ctx);
int json_split_feed(struct json_split *split, const char *data, size_t len, struct error *err);
/* The rest; borrowed until json_split_free. NULL when the answer is no whole value. */
const struct buffer *json_split_finish(struct json_split *split, struct error *err);
void json_split_free(struct json_split *split); /* NULL is fine */

#endif
