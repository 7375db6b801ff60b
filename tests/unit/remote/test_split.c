/* SPDX-License-Identifier: Apache-2.0 */
/* The splitters: the same items whatever the pieces, and nothing of an answer that is no answer. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "remote/json_split.h"
#include "remote/wire_split.h"
#include "tests/support/cmocka.h"

/* ---- JSON */

static int write_item(void *ctx, int item, const char *text, size_t len, struct error *err)
{
	(void)err;
	return buffer_printf(ctx, "%d:%.*s|", item, (int)len, text);
}

static const struct json_split_rule rules[] = {
	{"a.*", 0}, {"a.*.skip", JSON_SPLIT_DROP}, {"a.*.in.*", 1}, {"drop", JSON_SPLIT_DROP}, {"one", 2}};

/* Items and the rest, "item|item|=rest"; or the error. The caller's. */
static char *split(const char *text, size_t len, size_t piece)
{
	struct buffer out = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;
	struct json_split *splitter = json_split_new(rules, sizeof(rules) / sizeof(rules[0]), write_item, &out);
	int result = 0;
	for (size_t at = 0; at < len && result == 0; at += piece)
		result = json_split_feed(splitter, text + at, len - at < piece ? len - at : piece, &err);
	const struct buffer *rest = result == 0 ? json_split_finish(splitter, &err) : NULL;
	if (rest != NULL)
		buffer_printf(&out, "=%s", buffer_text(rest));
	else
		buffer_reset(&out);
	if (rest == NULL)
		buffer_printf(&out, "%s", err.text);
	json_split_free(splitter);
	return buffer_take(&out);
}

static void test_json(void **state)
{
	static const struct {
		const char *text, *found;
	} cases[] = {
		{"{}", "={}"},
		{" [1, 2] ", "= [1, 2] "},
		{"{\"a\":[]}", "={\"a\":[]}"},
		{"{\"a\":[1,\"x]\",{\"b\":[]}],\"c\":7}",
		 "0:1|0:\"x]\"|0:{\"b\":[]}|={\"a\":[null,null,null],\"c\":7}"},
		{"{\"a\":[{\"skip\":[1,{\"a\":2}],\"b\":1}]}", "0:{\"skip\":null,\"b\":1}|={\"a\":[null]}"},
		{"{\"a\":[{\"in\":[5,6 ],\"b\":1}]}", "1:5|1:6|0:{\"in\":[null,null ],\"b\":1}|={\"a\":[null]}"},
		{"{\"a\":{\"in\":[5]}}", "={\"a\":{\"in\":[5]}}"},
		{"{\"drop\":{\"a\":[1]},\"one\": true }", "2:true|={\"drop\":null,\"one\": null }"},
		{"{\"drop\":\"\\\"}\",\"x\":\"\\\\\"}", "={\"drop\":null,\"x\":\"\\\\\"}"},
		{"{\"\\u0061\":[1]}", "={\"\\u0061\":[1]}"}, /* no rule sees through escapes: it stays in the rest */
		{"{\"b\":{\"a\":[1]}}", "={\"b\":{\"a\":[1]}}"},
		{"{\"a\":[1]", "it ends too early at byte 8"},
		{"{\"a\":[1}", "a bracket too many at byte 7"},
		{"{\"a\":[1,]}", "a bracket too many at byte 8"},
		{"{\"a\":[,1]}", "a comma too many at byte 6"},
		{"{\"a\"::1}", "a colon too many at byte 5"},
		{"{\"a\" 1}", "something that does not belong there at byte 5"},
		{"{\"a\":1 \"b\":2}", "a text where none belongs at byte 7"},
		{"{}{}", "something that does not belong there at byte 2"},
		{"{1:2}", "something that does not belong there at byte 1"},
		{"", "it ends too early at byte 0"},
		{"\"", "it ends too early at byte 1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		for (size_t piece = 1; piece <= len + 1; piece++) {
			char *found = split(cases[i].text, len, piece);
			assert_string_equal(found, cases[i].found);
			free(found);
		}
	}
}

static void test_json_without_end(void **state)
{
	char *deep = xmalloc(200000), *found;
	(void)state;
	memset(deep, '[', 200000);
	found = split(deep, 200000, 4096);
	assert_text_has(found, "it is nested too deep at byte 100");
	free(found);
	memset(deep, '{', 200000);
	found = split(deep, 200000, 4096);
	assert_text_has(found, "does not belong");
	free(found);
	free(deep);

	/* An item that never ends is given up, long before memory is. */
	struct error err = ERROR_INIT;
	struct buffer out = BUFFER_INIT(100);
	struct json_split *splitter = json_split_new(rules, 5, write_item, &out);
	char *much = xmalloc(1 << 20);
	memset(much, 'x', 1 << 20);
	assert_int_equal(json_split_feed(splitter, "{\"a\":[\"", 7, &err), 0);
	int pieces = 0;
	while (json_split_feed(splitter, much, 1 << 20, &err) == 0)
		assert_true(++pieces < 20);
	assert_error(&err, ERROR_CORRUPT, "larger than is accepted");
	json_split_free(splitter);

	/* What is dropped may be as long as it likes. */
	splitter = json_split_new(rules, 5, write_item, &out);
	assert_int_equal(json_split_feed(splitter, "{\"drop\":\"", 9, &err), 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(json_split_feed(splitter, much, 1 << 20, &err), 0);
	assert_int_equal(json_split_feed(splitter, "\"}", 2, &err), 0);
	assert_string_equal(buffer_text(json_split_finish(splitter, &err)), "{\"drop\":null}");
	json_split_free(splitter);
	free(much);
}

/* ---- protobuf */

static int write_field(void *ctx, uint32_t number, const void *data, size_t len, struct error *err)
{
	(void)err;
	return buffer_printf(ctx, "%u:%.*s|", (unsigned)number, (int)len, (const char *)data);
}

static char *cut(const char *data, size_t len, size_t piece, bool whole)
{
	struct buffer out = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;
	struct wire_split splitter;
	int result = 0;
	wire_split_init(&splitter, 10, whole, write_field, &out);
	for (size_t at = 0; at < len && result == 0; at += piece)
		result = wire_split_feed(&splitter, data + at, len - at < piece ? len - at : piece, &err);
	if (result == 0)
		result = wire_split_finish(&splitter, &err);
	if (result == 0)
		buffer_printf(&out, "=%u,%d", (unsigned)splitter.type, (int)splitter.has_member);
	else
		buffer_reset(&out);
	if (result < 0)
		buffer_printf(&out, "%s", err.text);
	wire_split_clear(&splitter);
	return buffer_take(&out);
}

#define BYTES(text) text, sizeof(text) - 1

static void test_wire(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		bool whole;
		const char *found;
	} cases[] = {
		{BYTES(""), false, "=0,0"},
		{BYTES("\x08\x09\x52\x00"), false, "=9,1"},
		{BYTES("\x08\x09\x52\x07\x0a\x02hi\x12\x01x"), false, "1:hi|2:x|=9,1"},
		{BYTES("\x52\x02\x0a\x00"), false, "1:|=0,1"},
		{BYTES("\x52\x04\x0a\x02hi\x08\x09"), true, "0:\n\x02hi|=9,1"},
		{BYTES("\x1a\x03xyz\x08\x09\x52\x00"), false, "=9,1"},     /* another field */
		{BYTES("\x52\x05\x08\x96\x01\x0a\x00"), false, "1:|=0,1"}, /* a number among the items */
		{BYTES("\x09\x01\x02\x03\x04\x05\x06\x07\x08\x0d\x01\x02\x03\x04"), false, "=0,0"}, /* of fixed size */
		{BYTES("\x52\x05\x0a\x02hi"), false, "it ends in the middle of a field at byte 6"},
		{BYTES("\x52\x03\x0a\x02hi"), false,
		 "it ends in the middle of a field at byte 4"}, /* longer than its member */
		{BYTES("\x52"), false, "it ends in the middle of a field at byte 1"},
		{BYTES("\x52\x01\x0a\x02hi"), false, "it ends in the middle of a field at byte 3"},
		{BYTES("\x08\x80"), false, "it ends in the middle of a field at byte 2"},
		{BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, "an endless number at byte 11"},
		{BYTES("\x0b"), false, "an unknown kind of field at byte 1"},
		{BYTES("\x52\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, "an impossible length at byte 11"},
		{BYTES("\x52\xff\xff\xff\xff\x7f\x0a\xff\xff\xff\xff\x0f"), false,
		 "an item larger than is accepted at byte 12"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece <= cases[i].len + 1; piece++) {
			char *found = cut(cases[i].data, cases[i].len, piece, cases[i].whole);
			assert_string_equal(found, cases[i].found);
			free(found);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_json), cmocka_unit_test(test_json_without_end),
					   cmocka_unit_test(test_wire)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
