/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static json_t *parse(const char *text)
{
	struct error err = ERROR_INIT;
	json_t *value = json_parse("test", text, strlen(text), &err);
	if (value == NULL)
		fail_msg("%s", err.text);
	return value;
}

static void syntax_errors_name_line_and_column(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	const char *text = "{\"a\": 1,\n \"b\": }";
	assert_null(json_parse("web.json", text, strlen(text), &err));
	assert_error(&err, ERROR_USAGE, "web.json:2:");
}

static void what_is_no_document(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",           " ",    "1",    "\"x\"", "{", "[1,]", "{} x", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}",
		"[\"\xff\"]", "[01]", "[NaN]"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;
		if (json_parse("f", bad[i], strlen(bad[i]), &err) != NULL)
			fail_msg("%s was taken for a document", bad[i]);
		assert_error(&err, ERROR_USAGE, "f:");
	}
}

static void only_the_given_length_is_read(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	json_t *value = json_parse("f", "[1]garbage", 3, &err);
	assert_non_null(value);
	json_decref(value);
	assert_null(json_parse("f", "[1]\0", 4, &err));
}

static void files(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	char *folder = scratch_new();
	char *good = scratch_write(folder, "good.json", "{\"x\": 1}");
	char *bad = scratch_write(folder, "bad.json", "{\"x\"");
	json_t *value = json_read_file(good, 8, &err);
	assert_non_null(value);
	json_decref(value);
	assert_null(json_read_file(good, 7, &err));
	assert_error(&err, ERROR_CORRUPT, "too large");
	assert_null(json_read_file(bad, 100, &err));
	assert_error(&err, ERROR_USAGE, "bad.json:1:");
	assert_null(json_read_file("/nonexistent.json", 100, &err));
	assert_error(&err, ERROR_UNREACHABLE, "/nonexistent.json");
	free(good);
	free(bad);
	scratch_remove(folder);
}

static void writing_keeps_the_order(void **state)
{
	(void)state;
	json_t *value = parse("{\"z\": [1, \"\\u00e9\"], \"a\": {\"b\": null}}");
	struct buffer out = BUFFER_INIT(1000);
	buffer_puts(&out, "> ");
	assert_int_equal(json_write(value, false, &out), 0);
	assert_string_equal(buffer_text(&out), "> {\"z\":[1,\"\xc3\xa9\"],\"a\":{\"b\":null}}");
	buffer_reset(&out);
	assert_int_equal(json_write(value, true, &out), 0);
	assert_text_has(buffer_text(&out), "{\n  \"z\": [\n");
	buffer_clear(&out);
	json_decref(value);
}

static void writing_too_much_takes_it_back(void **state)
{
	(void)state;
	json_t *value = parse("{\"key\": \"a longer value\"}");
	struct buffer out = BUFFER_INIT(12);
	buffer_puts(&out, "old");
	assert_int_equal(json_write(value, false, &out), -1);
	assert_string_equal(buffer_text(&out), "old");
	assert_true(out.overflow);
	buffer_clear(&out);
	json_decref(value);
}

static void places_are_spelled_out(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct json_place root = {.parent = NULL, .source = "web.json"};
	struct json_place rules = {.parent = &root, .key = "rules"};
	struct json_place first = {.parent = &rules, .index = 0};
	struct json_place attributes = {.parent = &first, .key = "attributes"};
	struct json_place rack = {.parent = &attributes, .key = "rack"};
	assert_int_equal(json_error(&rack, &err, "empty %s", "value"), -1);
	assert_error(&err, ERROR_USAGE, "web.json: rules[0].attributes.rack: empty value");
	json_error(&root, &err, "wrong");
	assert_string_equal(err.text, "web.json: wrong");
	error_clear(&err);
	json_error(NULL, &err, "nowhere");
	assert_string_equal(err.text, "nowhere");
}

static void unknown_keys_are_named(void **state)
{
	(void)state;
	static const char *const allowed[] = {"name", "rules", NULL};
	struct json_place root = {.source = "web.json"};
	struct error err = ERROR_INIT;
	json_t *value = parse("{\"name\": \"x\", \"ruels\": []}");
	assert_int_equal(json_check_keys(value, allowed, &root, &err), -1);
	assert_error(&err, ERROR_USAGE, "web.json: unknown key \"ruels\"; did you mean \"rules\"?");
	json_decref(value);
	value = parse("{\"something\": 1}");
	assert_int_equal(json_check_keys(value, allowed, &root, &err), -1);
	assert_string_equal(err.text, "web.json: unknown key \"something\"");
	json_decref(value);
	error_clear(&err);
	value = parse("{\"rules\": 1, \"name\": 2}");
	assert_ok(json_check_keys(value, allowed, &root, &err), &err);
	json_decref(value);
}

static void members_of_the_right_type(void **state)
{
	(void)state;
	json_t *value = parse("{\"s\": \"text\", \"i\": -7, \"b\": true, \"f\": false, \"o\": {}, \"a\": [1]}");
	struct error err = ERROR_INIT;
	const char *text = NULL;
	int64_t number = 0;
	bool yes = false, no = true;
	const json_t *object = NULL, *array = NULL;
	assert_ok(json_required_string(value, "s", &text, NULL, &err), &err);
	assert_string_equal(text, "text");
	text = NULL;
	assert_ok(json_optional_string(value, "s", &text, NULL, &err), &err);
	assert_string_equal(text, "text");
	assert_ok(json_required_int(value, "i", &number, NULL, &err), &err);
	assert_int_equal(number, -7);
	assert_ok(json_optional_bool(value, "b", &yes, NULL, &err), &err);
	assert_ok(json_optional_bool(value, "f", &no, NULL, &err), &err);
	assert_true(yes);
	assert_false(no);
	assert_ok(json_optional_object(value, "o", &object, NULL, &err), &err);
	assert_ok(json_optional_array(value, "a", &array, NULL, &err), &err);
	assert_int_equal(json_array_size(array), 1);
	assert_true(json_is_object(object));
	json_decref(value);
}

static void missing_members(void **state)
{
	(void)state;
	json_t *value = parse("{\"n\": null}");
	struct json_place root = {.source = "f"};
	struct error err = ERROR_INIT;
	const char *text = "untouched";
	int64_t number = 42;
	bool flag = true;
	const json_t *part = value;
	assert_ok(json_optional_string(value, "n", &text, &root, &err), &err);
	assert_ok(json_optional_int(value, "x", &number, &root, &err), &err);
	assert_ok(json_optional_bool(value, "x", &flag, &root, &err), &err);
	assert_ok(json_optional_object(value, "x", &part, &root, &err), &err);
	assert_ok(json_optional_array(value, "n", &part, &root, &err), &err);
	assert_int_equal(json_required_string(value, "n", &text, &root, &err), -1);
	assert_error(&err, ERROR_USAGE, "f: \"n\" is missing: it must be a string");
	assert_int_equal(json_required_int(value, "x", &number, &root, &err), -1);
	assert_error(&err, ERROR_USAGE, "f: \"x\" is missing: it must be a whole number");
	assert_string_equal(text, "untouched");
	assert_int_equal(number, 42);
	assert_true(flag);
	assert_ptr_equal(part, value);
	json_decref(value);
}

static void wrong_types_are_named(void **state)
{
	(void)state;
	json_t *value = parse("{\"s\": \"text\", \"r\": 1.5, \"t\": true}");
	struct json_place root = {.source = "f"};
	struct json_place place = {.parent = &root, .key = "ssh"};
	struct error err = ERROR_INIT;
	const char *text = "untouched";
	int64_t number = 42;
	bool flag = true;
	const json_t *part = NULL;
	assert_int_equal(json_required_string(value, "t", &text, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "f: ssh.t: must be a string, but it is true or false");
	assert_int_equal(json_optional_string(value, "r", &text, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "f: ssh.r: must be a string, but it is a number with a fraction");
	assert_int_equal(json_optional_int(value, "r", &number, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "ssh.r: must be a whole number");
	assert_int_equal(json_required_int(value, "s", &number, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "must be a whole number, but it is a string");
	assert_int_equal(json_optional_bool(value, "s", &flag, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "must be true or false");
	assert_int_equal(json_optional_object(value, "s", &part, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "must be an object");
	assert_int_equal(json_optional_array(value, "s", &part, &place, &err), -1);
	assert_error(&err, ERROR_USAGE, "must be an array");
	assert_string_equal(text, "untouched");
	assert_int_equal(number, 42);
	assert_null(part);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax_errors_name_line_and_column),
		cmocka_unit_test(what_is_no_document),
		cmocka_unit_test(only_the_given_length_is_read),
		cmocka_unit_test(files),
		cmocka_unit_test(writing_keeps_the_order),
		cmocka_unit_test(writing_too_much_takes_it_back),
		cmocka_unit_test(places_are_spelled_out),
		cmocka_unit_test(unknown_keys_are_named),
		cmocka_unit_test(members_of_the_right_type),
		cmocka_unit_test(missing_members),
		cmocka_unit_test(wrong_types_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
