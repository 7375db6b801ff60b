/* SPDX-License-Identifier: Apache-2.0 */
/* What the language that chooses agents refuses: the message, the column, and the caret under that column. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "inventory/selector.h"
#include "tests/support/cmocka.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_refusal(const char *text, size_t column, const char *words)
{
	struct error err = ERROR_INIT;
	char *wanted = xasprintf("--where, column %zu: ", column);
	const char *caret;

	assert_null(selector_parse("--where", text, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	if (strncmp(err.text, wanted, strlen(wanted)) != 0 || !strstr(err.text, words))
		fail_msg("%s: expected \"%s…%s\", got: %s", text, wanted, words, err.text);
	caret = strrchr(err.text, '\n');
	assert_non_null(caret);
	/* Two columns of indent, then the text; short ones are not cut. */
	if (strlen(text) <= 35)
		assert_int_equal(strlen(caret + 1), 2 + column);
	assert_int_equal(caret[strlen(caret) - 1], '^');
	free(wanted);
}

struct refusal {
	const char *text;
	size_t column;
	const char *words;
};

static void check_refusals(const struct refusal *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_refusal(cases[i].text, cases[i].column, cases[i].words);
}

static void test_comparisons(void **state)
{
	static const struct refusal cases[] = {
		{"", 1, "the expression is empty"},
		{"   ", 4, "the expression is empty"},
		{"rack", 5, "expected =, !=, <, <=, >, >=, in, not in, like, not like, ~ or !~, found the end"},
		{"rack r1", 6, "~ or !~, found r1"},
		{"rack =", 7, "expected a value ('text', \"text\" or a word), found the end"},
		{"rack = )", 8, "expected a value ('text', \"text\" or a word), found )"},
		{"rack = = r1", 8, "found ="},
		{"'rack' = r1", 1, "expected a comparison like rack = 'r1', \"not\" or \"(\", found 'rack'"},
		{"= r1", 1, "expected a comparison"},
		{"port like 5", 6, "expected =, !=, <, <=, >, >=, in or not in, found like"},
		{"active ~ true", 8, "expected =, !=, in or not in, found ~"},
		{"rack ~", 7, "expected a value"},
		{"rack like", 10, "expected a value"},
		{"rack not like and", 15, "expected a value"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

/* What other languages write. */
static void test_habits(void **state)
{
	static const struct refusal cases[] = {
		{"rack == r1", 6, "== is not part of this language: write a single ="},
		{"rack <> r1", 6, "<> is not part of this language: write !="},
		{"rack = a && ip = b", 10, "&& is not part of this language: write and"},
		{"rack = a || ip = b", 10, "|| is not part of this language: write or"},
		{"!rack = a", 1, "! is not part of this language: write not"},
		{"rack =~ r1", 6, "=~ is not part of this language: write ~"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_grammar(void **state)
{
	static const struct refusal cases[] = {
		{"rack = and", 8, "expected a value ('text', \"text\" or a word), found and"},
		{"rack = r1 r2", 11, "expected \"and\", \"or\" or the end, found r2"},
		{"rack = r1)", 10, "expected \"and\", \"or\" or the end, found )"},
		{"(rack = r1", 11, "expected \"and\", \"or\" or \")\", found the end"},
		{"(rack = r1 ip = x", 12, "expected \"and\", \"or\" or \")\", found ip"},
		{"()", 2, "expected a comparison like rack = 'r1', \"not\" or \"(\", found )"},
		{"and rack = r1", 1, "expected a comparison"},
		{"rack = r1 and", 14, "expected a comparison like rack = 'r1', \"not\" or \"(\", found the end"},
		{"rack = r1 or or", 14, "expected a comparison"},
		{"not", 4, "expected a comparison"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_lists(void **state)
{
	static const struct refusal cases[] = {
		{"rack in r1", 9, "expected \"(\" and a list of values, found r1"},
		{"rack in", 8, "expected \"(\" and a list of values, found the end"},
		{"rack in ()", 10, "expected a value"},
		{"rack in (a,)", 12, "expected a value"},
		{"rack in (a b)", 12, "expected \",\" or \")\", found b"},
		{"rack in (a", 11, "expected \",\" or \")\", found the end"},
		{"rack not = a", 10, "expected in or like, found ="},
		{"port not like 5", 10, "expected in, found like"},
		{"rack not", 9, "expected in or like, found the end"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_quotes(void **state)
{
	static const struct refusal cases[] = {
		{"rack = 'r1", 8, "this string has no end: expected ' after it"},
		{"rack = \"r1'", 8, "this string has no end: expected \" after it"},
		{"rack = 'r1''", 8, "this string has no end"},
		{"rack = r1; drop", 10, "this character stands only in quotes"},
		{"rack = *", 8, "this character stands only in quotes"},
		{"rack = [1-2]", 8, "this character stands only in quotes"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_patterns(void **state)
{
	static const struct refusal cases[] = {
		{"rack ~ 'r['", 8, "no regular expression: "},
		{"rack ~ '(a)\\1'", 8, "back-references are not part of it"},
		{"rack ~ 'a{200}'", 8, "a repetition of more than 50"},
		{"rack ~ 'a+++++++++++++++++++++'", 8, "repetitions of repetitions"},
		{"rack ~ '((a{50}{50})+){50}'", 8, "repetitions of repetitions"},
		{"rack ~ '((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+'", 8, "repetitions of repetitions"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

/* They point into the word. */
static void test_host_sets(void **state)
{
	static const struct refusal cases[] = {
		{"hostname = node[1-3", 20, "expected numbers and \"]\""},
		{"hostname in node[3-1]", 18, "expected the smaller number first"},
		{"hostname in node[1-3/0]", 22, "expected a step of at least 1"},
		{"hostname in node[1,,2]", 20, "expected a number"},
		{"hostname in node[]", 18, "expected a number"},
		{"hostname in 'node[x]'", 19, "expected a number"},
		{"hostname = n[1][1][1][1][1]", 25, "at most 4 brackets"},
		{"port in x[1-2]", 9, "expected a number, found x[1-2]"},
		{"ip = 'it''s[1-]'", 15, "expected a number"},
		{"ip in 10.0.0.[1,x]", 17, "expected numbers and \"]\""},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_resources(void **state)
{
	static const struct refusal cases[] = {
		{"mem > 64QB", 7, "expected a number of MB or a size like 64GB, found 64QB"},
		{"mem > 64GBs", 7, "expected a number of MB or a size"},
		{"cpus > 64GB", 8, "expected a number, found 64GB"},
		{"mem(web = 1", 9, "expected \")\" behind the role, found ="},
		{"mem() = 1", 5, "expected a role, or '*' for what is not reserved, found )"},
		{"resource. = 1", 1, "expected the resource's name after \"resource.\""},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_times_and_versions(void **state)
{
	static const struct refusal cases[] = {
		{"seen = 2h", 6, "expected <, <=, > or >=, found ="},
		{"seen in (2h)", 6, "expected <, <=, > or >=, found in"},
		{"seen < 2", 8,
		 "expected how long ago (like 2h, 30min, 7d) or a date (like 2026-11-23T12:25Z), found 2"},
		{"changed > 2026-02-30", 11, "expected how long ago"},
		{"version < newest", 11, "expected a version like 1.9 or 1.11.0, found newest"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

/* What a name can be compared with. */
static void test_kinds(void **state)
{
	static const struct refusal cases[] = {
		{"framework < x", 11, "framework has no order"},
		{"config like web", 8, "expected =, !=, in or not in, found like"},
		{"active = yes", 10, "expected true or false, found yes"},
		{"active", 7, "expected =, !=, in or not in, found the end"},
		{"active in (true, x)", 18, "expected true or false, found x"},
		{"port = http", 8, "expected a number, found http"},
		{"port = 0x10", 8, "expected a number"},
		{"cpus > many", 8, "expected a number, found many"},
		{"cpus = inf", 8, "expected a number"},
		{"cpus = nan", 8, "expected a number"},
		{"cpus = ''", 8, "expected a number"},
		{"cpus = 1.2.3", 8, "expected a number"},
		{"cores < many", 9, "expected a number, found many"},
		{"hostname < x", 10, "hostname has no order: expected =, !=, in, not in, like, not like, ~ or !~"},
		{"zone >= a", 6, "zone has no order"},
		{"state = activ", 9, "expected active, inactive or deactivated, found activ"},
		{"survey not in (ok, faild)", 20, "expected ok, failed or never, found faild"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_names(void **state)
{
	static const struct refusal cases[] = {
		{"attribute. = r1", 1, "expected the attribute's name after \"attribute.\""},
		{"attribute.'' = r1", 1, "expected the attribute's name"},
		{"attribute. 'x' = r1", 1, "expected the attribute's name"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

/* Columns count characters; and what is no UTF-8. */
static void test_text(void **state)
{
	static const struct refusal cases[] = {
		{"r\xc3\xa4 = \xc3\xb6 \xc3\xbc", 8, "found \xc3\xbc"},
		{"rack = 'a\xe4"
		 "b'",
		 10, "the byte 0xe4 is no UTF-8"},
		{"\xff", 1, "the byte 0xff is no UTF-8"},
		{"hostname = \xc3\xb6 or rack = \xc3", 24, "the byte 0xc3 is no UTF-8"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

/* The caret stands below the character it is about, wide and combining ones included. */
static void test_caret_line(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(selector_parse("--where", "rack = r1 and zone", &err));
	assert_error(&err, ERROR_USAGE, "\n  rack = r1 and zone\n                    ^");
	assert_null(selector_parse("f.json: hosts[0].match", "rack =\x1b[31m", &err));
	assert_error(&err, ERROR_USAGE,
		     "f.json: hosts[0].match, column 7: this character stands only in quotes\n"
		     "  rack =?[31m\n        ^");
	assert_null(selector_parse("--where", "rack = '\xe6\x9c\xba' x", &err));
	assert_error(&err, ERROR_USAGE, "column 12: ");
}

/* A long expression is cut around the place, so that the error fits on a line and into its buffer. */
static void test_long_expression(void **state)
{
	struct error err = ERROR_INIT;
	struct buffer text = BUFFER_INIT(1u << 20);
	const char *shown;

	(void)state;
	for (int i = 0; i < 200; i++)
		buffer_puts(&text, "rack = r1 or ");
	buffer_puts(&text, "rack ! r2");
	for (int i = 0; i < 100; i++)
		buffer_puts(&text, " or rack = r1");
	assert_null(selector_parse("--where", buffer_text(&text), &err));
	assert_text_has(err.text, "column 2606: ! is not part");
	shown = strchr(err.text, '\n');
	assert_non_null(shown);
	assert_true(strcspn(shown + 1, "\n") < 80);
	assert_text_has(shown, "...");
	assert_int_equal(shown[1 + strlen(strrchr(err.text, '\n') + 1) - 1], '!');
	error_clear(&err);
	buffer_clear(&text);
}

static void repeat(struct buffer *out, const char *text, int times)
{
	buffer_reset(out);
	for (int i = 0; i < times; i++)
		buffer_puts(out, text);
}

static void test_bounds(void **state)
{
	struct error err = ERROR_INIT;
	struct buffer text = BUFFER_INIT(4u << 20);

	(void)state;
	repeat(&text, "(", 100000);
	assert_null(selector_parse("--where", buffer_text(&text), &err));
	assert_error(&err, ERROR_USAGE, "column 41: nested more than 40 deep");
	repeat(&text, "not ", 60000);
	assert_null(selector_parse("--where", buffer_text(&text), &err));
	assert_error(&err, ERROR_USAGE, "nested more than 40 deep");
	repeat(&text, "rack = r1 or ", 401);
	buffer_puts(&text, "rack = r1");
	assert_null(selector_parse("--where", buffer_text(&text), &err));
	assert_error(&err, ERROR_USAGE, "more than 400 comparisons");
	repeat(&text, "x", 300000);
	assert_null(selector_parse("--where", buffer_text(&text), &err));
	assert_error(&err, ERROR_USAGE, "longer than");
	buffer_reset(&text);
	buffer_puts(&text, "rack in (a");
	for (int i = 0; i < 25000; i++)
		buffer_puts(&text, ",b");
	buffer_puts(&text, ")");
	assert_null(selector_parse("--where", buffer_text(&text), &err));
	assert_error(&err, ERROR_USAGE, "more than 20000 values");
	buffer_clear(&text);
}

/* Nothing of what the user wrote is part of the SQL. */
static void test_sql_holds_no_user_text(void **state)
{
	struct error err = ERROR_INIT;
	struct selector *selector = selector_parse(
		"--where", "zork = frobozz and attribute.'quux' in (plugh, 'xyzzy', 42) and hostname != thud", &err);
	static const char *const words[] = {"zork", "frobozz", "quux", "plugh", "xyzzy", "42", "thud"};
	size_t count;

	(void)state;
	assert_non_null(selector);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_null(strstr(selector_sql(selector), words[i]));
	assert_non_null(selector_values(selector, &count));
	assert_int_equal(count, 3); /* each comparison with an attribute is one */
	selector_free(selector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_habits),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_host_sets),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_times_and_versions),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_caret_line),
		cmocka_unit_test(test_long_expression),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_sql_holds_no_user_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
