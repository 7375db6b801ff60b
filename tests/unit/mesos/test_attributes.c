/* SPDX-License-Identifier: Apache-2.0 */
/* The --attributes flag: what agents make of it, what they refuse, and editing it in place. */
#include "mesos/attributes.h"
#include "tests/support/cmocka.h"

static const struct mesos_version newest = {1, 12, 0}, v11 = {1, 11, 0}, v8 = {1, 8, 0}, v7 = {1, 7, 3}, v5 = {1, 5, 0};

/* "name=T:value" for each, T for TEXT, S for SCALAR, R for RANGES. */
static void print(const struct attributes *attributes, struct buffer *out)
{
	for (size_t i = 0; i < attributes->count; i++) {
		const Mesos__Attribute *attribute = attributes->items[i];

		buffer_printf(out, "%s%s=%c:", i > 0 ? "|" : "", attribute->name, "SR?T"[attribute->type]);
		attribute_value_text(attribute, out);
	}
}

static void assert_parses(const char *text, const struct mesos_version *version, const char *expected)
{
	struct attributes parsed = {NULL, 0};
	struct buffer out = BUFFER_INIT(65536);
	struct error err = ERROR_INIT;

	assert_int_equal(0, attributes_parse(text, version, &parsed, &err));
	print(&parsed, &out);
	assert_string_equal(expected, buffer_text(&out));
	buffer_clear(&out);
	attributes_clear(&parsed);
}

static void assert_refused(const char *text, const struct mesos_version *version, const char *expected)
{
	struct attributes parsed = {NULL, 77};
	struct error err = ERROR_INIT;

	assert_int_equal(-1, attributes_parse(text, version, &parsed, &err));
	assert_string_equal(expected, err.text);
	assert_int_equal(ERROR_USAGE, err.kind);
	assert_int_equal(77, parsed.count);
}

static void values_are_taken_as_agents_take_them(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", ""},
		{";\n;", ""},
		{"a:b;;c:d\ne:f;", "a=T:b|c=T:d|e=T:f"},
		{"rack: r1; tier: web", "rack=T:r1| tier=T:web"},
		{"a:b c", "a=T:bc"},
		{"a:b:c", "a=T:b:c"},
		{"a::b", "a=T::b"},
		{" :x", " =T:x"},
		{"n:4", "n=S:4"},
		{"n:4.0", "n=S:4"},
		{"n:+4", "n=S:4"},
		{"n:.5", "n=S:0.5"},
		{"n:5.", "n=S:5"},
		{"n:1e3", "n=S:1000"},
		{"n:1E-1", "n=S:0.1"},
		{"n:1 000", "n=S:1000"},
		{"n:0", "n=S:0"},
		{"n:-0", "n=S:0"},
		{"n:1e-400", "n=S:0"},
		{"n:0.1234567", "n=S:0.123"},
		{"n:123456789.5", "n=S:123456789.5"},
		{"n:1e15", "n=S:1e+15"},
		{"t:1e", "t=T:1e"},
		{"t:1e+", "t=T:1e+"},
		{"t:.", "t=T:."},
		{"t:1.2.3", "t=T:1.2.3"},
		{"t:1e999", "t=T:1e999"},
		{"t:0x10", "t=T:0x10"},
		{"t:1_0", "t=T:1_0"},
		{"t:-5", "t=T:-5"},
		{"t:inf", "t=T:inf"},
		{"t:-Infinity", "t=T:-Infinity"},
		{"t:nan", "t=T:nan"},
		{"t:(x)", "t=T:(x)"},
		{"r:[1-5]", "r=R:[1-5]"},
		{"r:[1-5,3-9,11-12]", "r=R:[1-9, 11-12]"},
		{"r:[6-9,1-5]", "r=R:[1-9]"},
		{"r:[1-2][3-4]", "r=R:[1-4]"},
		{"r:[1-1,1-1,1-4]", "r=R:[1-4]"},
		{"r:[]", "r=R:[]"},
		{"r:[5-1]", "r=R:[5-1]"},
		{"r:[0x10-0x1F]", "r=R:[16-31]"},
		{"r:[+1-2]", "r=R:[1-2]"},
		{"r:[0-18446744073709551615]", "r=R:[0-18446744073709551615]"},
		{"r: [ 1 - 2 , 4 - 5 ]", "r=R:[1-2, 4-5]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_parses(rows[i].text, &newest, rows[i].expected);
}

static void mistakes_are_named_as_agents_name_them(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"rack", "Invalid attribute key:value pair 'rack'"},
		{"a:b; ", "Invalid attribute key:value pair ' '"},
		{"rack:", "Invalid attribute key:value pair 'rack:'"},
		{":r1", "Invalid attribute key:value pair ':r1'"},
		{"a: ", "Failed to parse attribute a text   error Expecting non-empty string"},
		{"a:{x,y}", "Bad type for attribute a text {x,y} type 2"},
		{"a:{x", "Failed to parse attribute a text {x error Mismatched brackets"},
		{"a:x)", "Failed to parse attribute a text x) error Mismatched brackets"},
		{"a:x{y}", "Failed to parse attribute a text x{y} error Unexpected '{' found"},
		{"a:b[1-2]", "Failed to parse attribute a text b[1-2] error Unexpected '[' found"},
		{"a:[1-2-3]", "Failed to parse attribute a text [1-2-3] error Expecting one or more \"ranges\""},
		{"a:[1-x]", "Failed to parse attribute a text [1-x] error Expecting non-negative integers in '1'"},
		{"a:[1-18446744073709551616]", "Failed to parse attribute a text [1-18446744073709551616] error "
					       "Expecting non-negative integers in '1'"},
		{"a:[0x-1]", "Failed to parse attribute a text [0x-1] error Expecting non-negative integers in '0x'"},
		{"a:[1.5-2]",
		 "Failed to parse attribute a text [1.5-2] error Expecting non-negative integers in '1.5'"},
		{"a:1e-310", "Failed to parse attribute a text 1e-310 error Subnormal values not supported"},
		{"a:-1e-310", "Failed to parse attribute a text -1e-310 error Subnormal values not supported"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(rows[i].text, &newest, rows[i].expected);
}

static void odd_numbers_depend_on_the_version(void **state)
{
	(void)state;
	assert_refused("a:-5", &v11,
		       "Failed to parse attribute a text -5 error Invalid scalar value '-5':Negative values "
		       "not supported");
	assert_refused("a:inf", &v8,
		       "Failed to parse attribute a text inf error Invalid scalar value 'inf':Infinite values "
		       "not supported");
	assert_refused("a:nan", &v8,
		       "Failed to parse attribute a text nan error Invalid scalar value 'nan':NaN not supported");
	assert_refused("a:inf", &v5,
		       "Failed to parse attribute a text inf error Invalid scalar value 'inf':Infinite values "
		       "not supported");
	assert_refused(
		"a:1e-310", &v8,
		"Failed to parse attribute a text 1e-310 error Invalid scalar value '1e-310':Subnormal values not "
		"supported");
	assert_parses("a:-5", &v7, "a=S:-5");
	assert_parses("a:-5", &v5, "a=S:-5");
	assert_parses("a:0x10", &v5, "a=T:0x10");
}

/* ---- editing */

static void assert_edits(const char *text, const char *name, const char *value, const char *expected)
{
	struct buffer out = BUFFER_INIT(4096);
	struct error err = ERROR_INIT;

	assert_int_equal(0, attributes_edit(text, name, value, &newest, &out, &err));
	assert_string_equal(expected, buffer_text(&out));
	buffer_clear(&out);
}

static void editing_leaves_the_others_as_they_are(void **state)
{
	static const struct {
		const char *text, *name, *value, *expected;
	} rows[] = {
		{"rack:r1;tier:web", "rack", "r2", "rack:r2;tier:web"},
		{"rack:r1;tier:web", "tier", "db", "rack:r1;tier:db"},
		{"rack:r1;tier:web", "zone", "a", "rack:r1;tier:web;zone:a"},
		{"rack:r1;tier:web", "rack", NULL, "tier:web"},
		{"rack:r1;tier:web", "tier", NULL, "rack:r1"},
		{"rack:r1", "rack", NULL, ""},
		{"", "rack", "r1", "rack:r1"},
		{"", "rack", NULL, ""},
		{"rack:r1;tier:web", "none", NULL, "rack:r1;tier:web"},
		{"rack:r1; tier: web ;n:4.0;r:[ 1-2 ]", "rack", "r2", "rack:r2; tier: web ;n:4.0;r:[ 1-2 ]"},
		{"a:1;b:2;a:3;c:4", "a", "9", "a:9;b:2;c:4"},
		{"a:1;b:2;a:3;c:4", "a", NULL, "b:2;c:4"},
		{"a:1;", "b", "2", "a:1;b:2"},
		{"a:1\nb:2\n", "b", "3", "a:1\nb:3\n"},
		{"ab:1;a:2", "a", "3", "ab:1;a:3"},
		{"a b:1", "a b", "2", "a b:2"},
		{"a:1", "a", "x:y", "a:x:y"},
		{"a:1;b:2", "a", "[1-2,5-6]", "a:[1-2,5-6];b:2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_edits(rows[i].text, rows[i].name, rows[i].value, rows[i].expected);
}

static void edits_that_would_not_start_an_agent_are_refused(void **state)
{
	static const struct {
		const char *text, *name, *value;
	} rows[] = {
		{"a:1", "", "x"},     {"a:1", "b:c", "x"},   {"a:1", "b;c", "x"}, {"a:1", "b", ""},
		{"a:1", "b", "x;y"},  {"a:1", "b", "{x}"},   {"a:1", "b", "[1-"}, {"a:1", "b", "x\ny"},
		{"broken", "b", "x"}, {"broken", "b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = BUFFER_INIT(4096), tiny = BUFFER_INIT(3);
		struct error err = ERROR_INIT;

		buffer_puts(&out, "kept");
		assert_int_equal(-1, attributes_edit(rows[i].text, rows[i].name, rows[i].value, &newest, &out, &err));
		assert_int_equal(ERROR_USAGE, err.kind);
		assert_string_equal("kept", buffer_text(&out));
		buffer_clear(&out);
		error_clear(&err);
		assert_int_equal(-1, attributes_edit("a:1", "b", "2", &newest, &tiny, &err));
		buffer_clear(&tiny);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_taken_as_agents_take_them),
		cmocka_unit_test(mistakes_are_named_as_agents_name_them),
		cmocka_unit_test(odd_numbers_depend_on_the_version),
		cmocka_unit_test(editing_leaves_the_others_as_they_are),
		cmocka_unit_test(edits_that_would_not_start_an_agent_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
