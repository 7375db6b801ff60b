/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own JSON: what it reads and where it stumbles, and what its messages look like. */
#include "mesos/domain.h"
#include "mesos/pb.h"
#include "mesos/text_json.h"
#include "tests/support/cmocka.h"

static const struct mesos_version newest = {1, 12, 0}, old = {1, 6, 0};

static void assert_reads(const char *text, const char *expected)
{
	struct buffer out = BUFFER_INIT(4096);
	struct error err = ERROR_INIT;
	json_t *value = text_json_parse(text, &err);

	assert_string_equal("", err.text);
	assert_non_null(value);
	text_json_write(value, &newest, &out);
	assert_string_equal(expected, buffer_text(&out));
	json_decref(value);
	buffer_clear(&out);
}

static void documents_are_read_as_agents_read_them(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"{}", "{}"},
		{" [ ] \n", "[]"},
		{"[1,01,-5,1.,1e3,0.5]", "[1,1,-5,1.0,1000.0,0.5]"},
		{"[9223372036854775807,9223372036854775808]", "[9223372036854775807,9223372036854776000.0]"},
		{"[true,false,null]", "[true,false,null]"},
		{"{\"b\":1,\"a\":2,\"b\":3}", "{\"a\":2,\"b\":3}"},
		{"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\"\\\\/\\b\\f\\n\\r\\t\"]"},
		{"[\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"]", "[\"A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"]"},
		{"[\"\\u0001\x7f\"]", "[\"\\u0001\x7f\"]"},
		{"[\"\xff\"]", "[\"\xff\"]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_reads(rows[i].text, rows[i].expected);
}

static void the_place_of_a_mistake_is_the_agents(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", "syntax error at line 1 near: "},
		{"eu", "syntax error at line 1 near: eu"},
		{"[1", "syntax error at line 1 near: "},
		{"[1,]", "syntax error at line 1 near: ]"},
		{"[1 2]", "syntax error at line 1 near: 2]"},
		{"{a:1}", "syntax error at line 1 near: a:1}"},
		{"{\"a\":1,}", "syntax error at line 1 near: }"},
		{"{\"a\"\n:\n1\n,\n}\nrest", "syntax error at line 5 near: }"},
		{"[trux]", "syntax error at line 1 near: x]"},
		{"[\"\\x\"]", "syntax error at line 1 near: \"]"},
		{"[\"\\u00g0\"]", "syntax error at line 1 near: g0\"]"},
		{"[\"\\ud800x\"]", "syntax error at line 1 near: x\"]"},
		{"[\"\\udc00\"]", "syntax error at line 1 near: \"]"},
		{"[\"a\nb\"]", "syntax error at line 1 near: "},
		{"[\"a", "syntax error at line 1 near: "},
		{"[1-2]", "syntax error at line 1 near: ]"},
		{"[-]", "syntax error at line 1 near: ]"},
		{"[.5]", "syntax error at line 1 near: .5]"},
		{"[\t'a'\t]", "syntax error at line 1 near: 'a']"},
		{"[1e999]", "Value out of range"},
		{"[] []", "Parsed JSON included non-whitespace trailing characters:  []"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = ERROR_INIT;

		assert_null(text_json_parse(rows[i].text, &err));
		assert_string_equal(rows[i].expected, err.text);
		assert_int_equal(ERROR_USAGE, err.kind);
	}
}

static void nesting_has_an_end(void **state)
{
	char text[1024];
	json_t *value;

	(void)state;
	memset(text, '[', 200);
	memset(text + 200, ']', 200);
	text[400] = '\0';
	value = text_json_parse(text, NULL);
	assert_non_null(value);
	json_decref(value);
	memset(text, '[', 201);
	memset(text + 201, ']', 201);
	text[402] = '\0';
	assert_null(text_json_parse(text, NULL));
}

static void numbers_are_written_in_the_fewest_digits(void **state)
{
	static const struct {
		double value;
		const char *now, *before;
	} rows[] = {
		{0, "0.0", "0.0"},
		{4, "4.0", "4.0"},
		{-4.5, "-4.5", "-4.5"},
		{0.1, "0.1", "0.1"},
		{100, "100.0", "100.0"},
		{1e20, "100000000000000000000.0", "1e+20"},
		{1e22, "1e22", "1e+22"},
		{1.5e30, "1.5e30", "1.5e+30"},
		{0.00001, "0.00001", "1e-05"},
		{1e-7, "1e-7", "1e-07"},
		{123456.789, "123456.789", "123456.789"},
		{0.30000000000000004, "0.30000000000000004", "0.3"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = BUFFER_INIT(4096);
		json_t *value = json_real(rows[i].value);

		text_json_write(value, &newest, &out);
		assert_string_equal(rows[i].now, buffer_text(&out));
		buffer_reset(&out);
		text_json_write(value, &old, &out);
		assert_string_equal(rows[i].before, buffer_text(&out));
		json_decref(value);
		buffer_clear(&out);
	}
}

static void domains(void **state)
{
	struct error err = ERROR_INIT;
	Mesos__DomainInfo *made = domain_make("eu/x", "a");
	Mesos__DomainInfo *parsed = domain_parse(
		"{\"fault_domain\":{\"zone\":{\"name\":\"a\"},\"region\":{\"name\":\"eu\\/x\"}},\"more\":1}", &err);
	struct buffer out = BUFFER_INIT(4096);

	(void)state;
	assert_string_equal("", err.text);
	assert_true(domain_equal(made, parsed));
	assert_false(domain_equal(made, NULL));
	assert_true(domain_equal(NULL, NULL));
	assert_string_equal("eu/x", domain_region(parsed));
	assert_string_equal("a", domain_zone(parsed));
	assert_string_equal("", domain_zone(NULL));
	domain_print(parsed, &newest, &out);
	assert_string_equal("{\"fault_domain\":{\"region\":{\"name\":\"eu/x\"},\"zone\":{\"name\":\"a\"}}}",
			    buffer_text(&out));
	buffer_reset(&out);
	domain_print(parsed, &old, &out);
	assert_string_equal("{\"fault_domain\":{\"region\":{\"name\":\"eu\\/x\"},\"zone\":{\"name\":\"a\"}}}",
			    buffer_text(&out));
	buffer_reset(&out);
	domain_print(NULL, &newest, &out);
	assert_string_equal("{}", buffer_text(&out));
	buffer_clear(&out);
	pb_free(made);
	pb_free(parsed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_read_as_agents_read_them),
		cmocka_unit_test(the_place_of_a_mistake_is_the_agents),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(numbers_are_written_in_the_fewest_digits),
		cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
