/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/json_split.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define PATH_MAX_PARTS 6
#define NESTED_MAX     3  /* the rest, an item, and an item in it */
#define KEY_MAX        48 /* no rule has a longer one */

struct part {
	const char *text;
	size_t len;
};

struct path {
	struct part parts[PATH_MAX_PARTS];
	size_t count;
};

/* An open object or array; its place is `depth` parts long. */
struct level {
	bool object;
	uint32_t rules; /* whose beginning leads here */
};

/* Where bytes go: the rest, or an item that began at a depth. */
struct capture {
	struct buffer text;
	size_t depth;
	int item;
};

enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END,
	EXPECT_KEY,
	EXPECT_KEY_OR_END,
	EXPECT_COLON,
	EXPECT_COMMA,
	EXPECT_NOTHING
};
enum inside { INSIDE_NOTHING, INSIDE_STRING, INSIDE_SCALAR };

struct json_split {
	const struct json_split_rule *rules;
	struct path paths[JSON_SPLIT_RULES];
	json_split_item *item;
	void *ctx;
	struct level levels[JSON_DEPTH_MAX];
	size_t depth;
	uint32_t pending; /* rules whose beginning leads to the value that comes next */
	enum expect expect;
	enum inside inside;
	bool is_key, escaped;
	char key[KEY_MAX];
	size_t key_len; /* KEY_MAX: too long for any rule */
	struct capture captures[NESTED_MAX];
	size_t capture_count;
	bool dropping;
	size_t drop_depth;
	uint64_t offset; /* of the piece that is being fed */
};

/* A piece, and how far its bytes are in their buffers. */
struct piece {
	const char *data;
	size_t at, saved;
};

static void split_path(const char *text, struct path *out)
{
	while (out->count < PATH_MAX_PARTS) {
		size_t len = strcspn(text, ".");
		out->parts[out->count++] = (struct part){text, len};
		if (text[len] == '\0')
			return;
		text += len + 1;
	}
	abort(); /* a rule of ours that is longer than any place in an answer */
}

struct json_split *json_split_new(const struct json_split_rule *rules, size_t count, json_split_item *item, void *ctx)
{
	struct json_split *split = xcalloc(1, sizeof(*split));
	if (count > JSON_SPLIT_RULES)
		abort();
	*split = (struct json_split){.rules = rules, .item = item, .ctx = ctx, .capture_count = 1};
	split->pending = count < 32 ? ((uint32_t)1 << count) - 1 : UINT32_MAX;
	for (size_t i = 0; i < count; i++)
		split_path(rules[i].path, &split->paths[i]);
	buffer_init(&split->captures[0].text, JSON_REST_MAX);
	for (size_t i = 1; i < NESTED_MAX; i++)
		buffer_init(&split->captures[i].text, JSON_ITEM_MAX);
	return split;
}

void json_split_free(struct json_split *split)
{
	if (split == NULL)
		return;
	for (size_t i = 0; i < NESTED_MAX; i++)
		buffer_clear(&split->captures[i].text);
	free(split);
}

static int broken(const struct json_split *split, const struct piece *piece, const char *what, struct error *err)
{
	return error_set(err, ERROR_CORRUPT, "%s at byte %" PRIu64, what, split->offset + piece->at);
}

/* ---- rules */

/* Those of the open container's rules that go on with this key, or with * for an element. */
static uint32_t rules_below(const struct json_split *split, const char *key, size_t len)
{
	const struct level *level = &split->levels[split->depth - 1];
	uint32_t found = 0;
	for (uint32_t left = level->rules; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		const struct path *path = &split->paths[i];
		const struct part *part = &path->parts[split->depth - 1];
		if (path->count >= split->depth && part->len == len && memcmp(part->text, key, len) == 0)
			found |= (uint32_t)1 << i;
	}
	return found;
}

/* The rule that is about the value that begins, -1: none. */
static int rule_for_value(const struct json_split *split)
{
	for (uint32_t left = split->pending; left != 0; left &= left - 1) {
		int i = __builtin_ctz(left);
		if (split->paths[i].count == split->depth)
			return i;
	}
	return -1;
}

/* ---- bytes on their way */

static int save(struct json_split *split, struct piece *piece, size_t end, struct error *err)
{
	struct buffer *to = &split->captures[split->capture_count - 1].text;
	const char *from = piece->data + piece->saved;
	size_t len = end - piece->saved;
	piece->saved = end;
	if (split->dropping || len == 0 || buffer_append(to, from, len) == 0)
		return 0;
	return broken(split, piece, "an item larger than is accepted", err);
}

static int begin_value(struct json_split *split, struct piece *piece, struct error *err)
{
	if (split->dropping || split->depth == 0)
		return 0;
	int rule = rule_for_value(split);
	if (rule < 0)
		return 0;
	if (save(split, piece, piece->at, err) < 0)
		return -1;
	if (split->rules[rule].item < 0) {
		split->dropping = true;
		split->drop_depth = split->depth;
	} else if (split->capture_count < NESTED_MAX) {
		struct capture *capture = &split->captures[split->capture_count++];
		buffer_reset(&capture->text);
		capture->depth = split->depth;
		capture->item = split->rules[rule].item;
	}
	return 0;
}

static int hand_over(struct json_split *split, struct error *err)
{
	const struct capture *capture = &split->captures[--split->capture_count];
	return split->item(split->ctx, capture->item, buffer_text(&capture->text), capture->text.len, err);
}

/* The value's bytes end before `end`. */
static int end_value(struct json_split *split, struct piece *piece, size_t end, struct error *err)
{
	const struct capture *capture = &split->captures[split->capture_count - 1];
	bool taken = !split->dropping && split->capture_count > 1 && capture->depth == split->depth;
	bool dropped = split->dropping && split->drop_depth == split->depth;
	split->expect = split->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA;
	if (!taken && !dropped)
		return 0;
	if (save(split, piece, end, err) < 0 || (taken && hand_over(split, err) < 0))
		return -1;
	split->dropping = false;
	if (buffer_puts(&split->captures[split->capture_count - 1].text, "null") < 0)
		return broken(split, piece, "more items than are accepted", err);
	return 0;
}

/* ---- structure */

static int open_level(struct json_split *split, struct piece *piece, bool object, struct error *err)
{
	if (split->depth == JSON_DEPTH_MAX)
		return broken(split, piece, "it is nested too deep", err);
	split->levels[split->depth++] = (struct level){.object = object, .rules = split->dropping ? 0 : split->pending};
	split->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	split->pending = object ? 0 : rules_below(split, "*", 1);
	piece->at++;
	return 0;
}

static int close_level(struct json_split *split, struct piece *piece, bool object, struct error *err)
{
	bool may_end = split->expect == EXPECT_COMMA ||
		       split->expect == (object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END);
	if (split->depth == 0 || !may_end || split->levels[split->depth - 1].object != object)
		return broken(split, piece, "a bracket too many", err);
	split->depth--;
	piece->at++;
	return end_value(split, piece, piece->at, err);
}

static int take_comma(struct json_split *split, struct piece *piece, struct error *err)
{
	if (split->expect != EXPECT_COMMA)
		return broken(split, piece, "a comma too many", err);
	bool object = split->levels[split->depth - 1].object;
	split->expect = object ? EXPECT_KEY : EXPECT_VALUE;
	split->pending = object ? 0 : rules_below(split, "*", 1);
	piece->at++;
	return 0;
}

static int take_colon(struct json_split *split, struct piece *piece, struct error *err)
{
	if (split->expect != EXPECT_COLON)
		return broken(split, piece, "a colon too many", err);
	split->pending = split->key_len < KEY_MAX ? rules_below(split, split->key, split->key_len) : 0;
	split->expect = EXPECT_VALUE;
	piece->at++;
	return 0;
}

static bool expects_value(const struct json_split *split)
{
	return split->expect == EXPECT_VALUE || split->expect == EXPECT_VALUE_OR_END;
}

static int take_quote(struct json_split *split, struct piece *piece, struct error *err)
{
	split->is_key = split->expect == EXPECT_KEY || split->expect == EXPECT_KEY_OR_END;
	if (!split->is_key && !expects_value(split))
		return broken(split, piece, "a text where none belongs", err);
	if (!split->is_key && begin_value(split, piece, err) < 0)
		return -1;
	split->inside = INSIDE_STRING;
	split->key_len = 0;
	piece->at++;
	return 0;
}

static int take_structure(struct json_split *split, struct piece *piece, struct error *err)
{
	char c = piece->data[piece->at];
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		piece->at++;
		return 0;
	case '"':
		return take_quote(split, piece, err);
	case ',':
		return take_comma(split, piece, err);
	case ':':
		return take_colon(split, piece, err);
	case '}':
	case ']':
		return close_level(split, piece, c == '}', err);
	default:
		break;
	}
	if (!expects_value(split))
		return broken(split, piece, "something that does not belong there", err);
	if (begin_value(split, piece, err) < 0)
		return -1;
	if (c == '{' || c == '[')
		return open_level(split, piece, c == '{', err);
	split->inside = INSIDE_SCALAR;
	return 0;
}

/* ---- strings, numbers and words */

static void keep_key(struct json_split *split, const char *text, size_t len)
{
	if (len >= KEY_MAX - split->key_len) {
		split->key_len = KEY_MAX;
		return;
	}
	memcpy(split->key + split->key_len, text, len);
	split->key_len += len;
}

static size_t quote_or_escape(const char *data, size_t from, size_t len)
{
	while (from < len && data[from] != '"' && data[from] != '\\')
		from++;
	return from;
}

static int end_string(struct json_split *split, struct piece *piece, struct error *err)
{
	split->inside = INSIDE_NOTHING;
	piece->at++;
	if (!split->is_key)
		return end_value(split, piece, piece->at, err);
	split->expect = EXPECT_COLON;
	return 0;
}

static int take_string(struct json_split *split, struct piece *piece, size_t len, struct error *err)
{
	if (split->escaped) {
		split->escaped = false;
		piece->at++;
		return 0;
	}
	size_t start = piece->at;
	piece->at = quote_or_escape(piece->data, start, len);
	if (split->is_key && split->key_len < KEY_MAX)
		keep_key(split, piece->data + start, piece->at - start);
	if (piece->at == len)
		return 0;
	if (piece->data[piece->at] == '"')
		return end_string(split, piece, err);
	split->escaped = true;
	split->key_len = KEY_MAX; /* no rule needs escapes */
	piece->at++;
	return 0;
}

static bool ends_scalar(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ':' ||
	       c == '"' || c == '{' || c == '[' || c == '\0';
}

static int take_scalar(struct json_split *split, struct piece *piece, size_t len, struct error *err)
{
	while (piece->at < len && !ends_scalar(piece->data[piece->at]))
		piece->at++;
	if (piece->at == len)
		return 0;
	split->inside = INSIDE_NOTHING;
	return end_value(split, piece, piece->at, err);
}

int json_split_feed(struct json_split *split, const char *data, size_t len, struct error *err)
{
	struct piece piece = {.data = data};
	int result = 0;
	while (piece.at < len && result == 0) {
		if (split->inside == INSIDE_STRING)
			result = take_string(split, &piece, len, err);
		else if (split->inside == INSIDE_SCALAR)
			result = take_scalar(split, &piece, len, err);
		else
			result = take_structure(split, &piece, err);
	}
	if (result == 0)
		result = save(split, &piece, len, err);
	split->offset += len;
	return result;
}

const struct buffer *json_split_finish(struct json_split *split, struct error *err)
{
	bool scalar = split->depth == 0 && split->inside == INSIDE_SCALAR; /* the whole answer is a number or a word */
	const struct piece end = {.at = 0};
	if (split->expect != EXPECT_NOTHING && !scalar) {
		broken(split, &end, "it ends too early", err);
		return NULL;
	}
	return &split->captures[0].text;
}
