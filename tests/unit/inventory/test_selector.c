/* SPDX-License-Identifier: Apache-2.0 */
/* The language that chooses agents: what it chooses, what it refuses and where it points. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "inventory/selector.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

/* Four agents that differ in everything that can be asked. */
static const struct fleet_agent fleet[] = {
	{.id = "m-S1",
	 .hostname = "a.example.com",
	 .ip = "10.0.0.1",
	 .version = "1.9.0",
	 .attributes = "rack:r1;ssd:true;cores:16;tier:web",
	 .region = "eu",
	 .zone = "eu-1a"},
	{.id = "m-S2",
	 .hostname = "b.example.com",
	 .ip = "10.0.0.2",
	 .version = "1.11.0",
	 .attributes = "rack:r2;rack:r3;cores:8.5;zone:attic",
	 .region = "eu",
	 .zone = "eu-1b",
	 .resources = "cpus:8;mem:4096;mem(web):1024;disk:10;ports:[1-2]",
	 .used = "cpus:7.8;mem:1536;mem(web):1024;disk:3"},
	{.id = "m-S3",
	 .hostname = "c.example.com",
	 .ip = "10.0.0.3",
	 .version = "1.11.0",
	 .inactive = true,
	 .attributes = "rack:o'hara;note:x; in:side;and:more;zone:cellar"},
	{.id = "m-S4",
	 .hostname = "d.example.com",
	 .ip = "10.0.0.4",
	 .version = "1.4.3",
	 .resources = "cpus:0.3;mem:512;disk:1;gpus:2;ports:[1-2]"},
};

struct fixture {
	char *folder;
	struct store *store;
	int64_t cluster;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	char *path;

	fixture->folder = scratch_new();
	path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(path, true, &fixture->err);
	free(path);
	assert_ok(cluster_id(fixture->store, "lab", &fixture->cluster, &fixture->err), &fixture->err);
	fleet_sync(fixture->store, fixture->cluster, fleet, sizeof(fleet) / sizeof(fleet[0]));
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

/* The numbers of the agents an expression chooses, as "13"; through the list and one by one. */
static void check_choice(struct fixture *fixture, const char *text, const char *expected)
{
	struct selector *selector = selector_parse("--where", text, &fixture->err);
	struct agent_list list = {NULL, 0};
	char chosen[8] = "", single[8] = "";

	if (!selector)
		fail_msg("%s: %s", text, fixture->err.text);
	assert_string_equal(selector_text(selector), text);
	assert_ok(agents_load(fixture->store, fixture->cluster, selector, &list, &fixture->err), &fixture->err);
	for (size_t i = 0; i < list.count; i++)
		chosen[i] = list.items[i].view.id[3];
	for (size_t i = 0, at = 0; i < 4; i++) {
		struct agent_record record;
		int matches;

		fleet_record(fixture->store, fixture->cluster, fleet[i].id, &record);
		matches = selector_matches(selector, fixture->store, record.row, &fixture->err);
		assert_in_range(matches, 0, 1);
		if (matches)
			single[at++] = (char)('1' + i);
		agent_record_clear(&record);
	}
	if (strcmp(chosen, expected) != 0 || strcmp(single, expected) != 0)
		fail_msg("%s: chose \"%s\" (one by one \"%s\"), not \"%s\"", text, chosen, single, expected);
	agent_list_clear(&list);
	selector_free(selector);
}

static void test_choices(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"id = m-S1", "1"},
		{"hostname = 'b.example.com'", "2"},
		{"hostname = \"b.example.com\"", "2"},
		{"hostname = b.example.com", "2"},
		{"ip = 10.0.0.3", "3"},
		{"port = 5051", "1234"},
		{"port != 5051", ""},
		{"version = 1.11.0", "23"},
		{"version != 1.11.0", "14"},
		{"active = true", "124"},
		{"active = false", "3"},
		{"active != false", "124"},
		{"active in (true, false)", "1234"},
		{"region = eu", "12"},
		{"region != eu", "34"},
		{"region = ''", "34"},
		{"not region = eu", "34"},
		{"zone = eu-1a", "1"},
		{"zone in (eu-1a, 'eu-1b')", "12"},
		{"zone not in (eu-1a)", "234"},
		{"zone = cellar", "3"}, /* an attribute, where there is no fault domain */
		{"zone = attic", ""},
		{"zone in (eu-1a, cellar)", "13"},
		{"zone like 'c%' or region = eu", "123"},
		{"zone != cellar", "124"},
		{"not (zone ~ '^(eu|c)')", "4"},
		{"attribute.zone = attic", "2"},
		{"tasks = 0", "1234"},
		{"tasks > 0", ""},
		/* attributes */
		{"rack = r1", "1"},
		{"rack = r2", "2"},
		{"rack = r3", "2"},
		{"rack != r2", "134"},
		{"rack in (r1, r3)", "12"},
		{"rack not in (r1, r3)", "34"},
		{"rack = r2 and rack = r3", "2"},
		{"rack = \"o'hara\"", "3"},
		{"rack = 'o''hara'", "3"},
		{"rack = R1", ""},
		{"rack = ''", "4"},
		{"rack != ''", "123"},
		{"rack in ('', r1)", "14"},
		{"rack like ''", ""},
		{"zone = '' or rack = ''", "4"},
		{"nothing = r1", ""},
		{"nothing != r1", "1234"},
		{"cores = 16", "1"},
		{"cores = 16.0", "1"},
		{"cores = '8.5'", "2"},
		{"cores = 8.50", "2"},
		{"cores in (16.0, 8.5, many)", "12"},
		{"cores < 16", "2"},
		{"cores <= 16", "12"},
		{"cores > 8.5", "1"},
		{"cores >= 8.5", "12"},
		{"not cores >= 8.5", "34"},
		{"ssd = true", "1"},
		{"attribute.'and' = more", "3"},
		{"attribute.\" in\" = side", "3"},
		{"attribute.in = more", ""},
		{"tier = 'web'", "1"},
		/* resources, over all reservations */
		{"cpus = 8", "2"},
		{"cpus = 0.3", "4"},
		{"cpus < 0.301", "4"},
		{"cpus != 4", "24"},
		{"mem = 5120", "2"},
		{"mem >= 1024", "123"},
		{"mem in (512, 1024)", "134"},
		{"gpus = 2", "4"},
		{"gpus = 0", "123"},
		{"disk > 10", "13"},
		/* and, or, not, ( ) */
		{"rack = r1 or rack = r2 and version = 1.4.3", "1"},
		{"(rack = r1 or rack = r2) and version = 1.9.0", "1"},
		{"not rack = r1 and not rack = r2", "34"},
		{"not (rack = r1 or rack = r2)", "34"},
		{"not not rack = r1", "1"},
		{"NOT rack = r1 AND region = eu OR id IN (m-S4)", "24"},
		{"((((id = m-S1))))", "1"},
		{"  id=m-S1\n\tor\nid=m-S2  ", "12"},
		{"id = m-S1 or not id != m-S2", "12"},
		/* patterns */
		{"hostname like 'a.%'", "1"},
		{"hostname like '_.example.com'", "1234"},
		{"hostname not like 'a%'", "234"},
		{"hostname like 'A%'", ""},
		{"rack like 'r%'", "12"},
		{"rack like '%3'", "2"},
		{"rack not like '%'", "4"},
		{"rack like 'r\\%'", ""},
		{"hostname ~ '^[ab]'", "12"},
		{"hostname ~ example", "1234"},
		{"hostname !~ '^[ab]'", "34"},
		{"rack ~ '^r[12]$'", "12"},
		{"rack !~ .", "4"},
		{"rack ~ \"o'h\"", "3"},
		{"version like '1.1%'", "23"},
		/* host sets */
		{"ip in 10.0.0.[1-3/2]", "13"},
		{"ip = 10.0.0.[02-04]", ""},
		{"ip not in 10.0.0.[2-3]", "14"},
		{"ip in ('10.0.0.[1-2]', 10.0.0.4)", "124"},
		{"ip != 10.0.0.[1-2]", "34"},
		{"id in m-S[1,3-4]", "134"},
		{"rack in r[1-2]", "12"},
		{"rack in r[3-9]", "2"},
		{"rack in 'r[1-2]'", ""},
		{"rack in (r[1-1], \"o'hara\")", "13"},
		/* versions */
		{"version < 1.9", "4"},
		{"version >= 1.9.0 and version < 1.11", "1"},
		{"version > 1.4.3", "123"},
		/* resources: units, shares, roles */
		{"mem >= 5GB", "2"},
		{"mem < 0.5gb or mem = 512MB", "4"},
		{"mem = 4GiB", ""},
		{"mem(web) = 1GB", "2"},
		{"mem('*') = 4096", "2"},
		{"mem.total(web) > 0", "2"},
		{"mem.free >= 1024", "123"},
		{"mem.used = 2.5GB", "2"},
		{"cpus.used > 0", "2"},
		{"cpus.free = 0.2", "2"},
		{"resource.gpus = 2", "4"},
		{"mem.free(web) = 0 and mem(web) > 0", "2"},
		{"resource.bananas = 0", "1234"},
		/* what is new in the row: domain, ages */
		{"domain = eu/eu-1a", "1"},
		{"domain = ''", "34"},
		{"deactivated = false", "1234"},
		{"first_seen > 1d", "1234"},
		{"first_seen < 2h", ""},
		{"changed < 2023-11-15 and changed >= 2023-11-14T22:13:21Z", "1234"},
		{"changed < '2023-11-14 22:13:21'", ""},
		{"seen > 5min", "1234"},
		{"surveyed < 1000weeks", ""},
		{"survey = never", "1234"},
		{"drift = false", "1234"},
		{"frameworks = 0", "1234"},
		{"framework = marathon", ""},
		{"framework != marathon", "1234"},
		{"task ~ '.'", ""},
		{"config = web", ""},
		{"config not in (web@1, web@2)", "1234"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_choice(*state, cases[i].text, cases[i].expected);
}

/* Whatever a value or a name holds, it is looked for and never run. */
static void test_injection(void **state)
{
	static const char *const hostile[] = {
		"rack = \"'; DELETE FROM agents; --\"",
		"rack = ''' OR ''1''=''1'",
		"hostname = 'x'') OR 1=1 --'",
		"attribute.\"x' OR '1'='1\" = y",
		"attribute.'x\"; DROP TABLE agents; --' = y",
		"id in (\"a') OR (1=1\", 'b'';--')",
		"rack = '?1'",
		"rack = ':name'",
		"rack = '%s%n'",
		"port in (1, 2) and rack = \"\\'\"",
	};
	struct fixture *fixture = *state;
	int64_t count = 0;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		check_choice(fixture, hostile[i], "");
	assert_int_equal(store_find_int(fixture->store, &count, &fixture->err, "SELECT count(*) FROM agents", ""), 1);
	assert_int_equal(count, 4);
}

/* Nothing of what the user wrote is part of the SQL. */
static void test_sql_holds_no_user_text(void **state)
{
	struct fixture *fixture = *state;
	struct selector *selector = selector_parse(
		"--where", "zork = frobozz and attribute.'quux' in (plugh, 'xyzzy', 42) and hostname != thud",
		&fixture->err);
	static const char *const words[] = {"zork", "frobozz", "quux", "plugh", "xyzzy", "42", "thud"};
	size_t count;

	assert_non_null(selector);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_null(strstr(selector_sql(selector), words[i]));
	assert_non_null(selector_values(selector, &count));
	assert_int_equal(count, 3); /* each comparison with an attribute is one */
	selector_free(selector);
}

/* ---- what is refused: the message, the column, and the caret under that column */

static void check_refusal(struct fixture *fixture, const char *text, size_t column, const char *words)
{
	char *wanted = xasprintf("--where, column %zu: ", column);
	const char *caret;

	assert_null(selector_parse("--where", text, &fixture->err));
	assert_int_equal(fixture->err.kind, ERROR_USAGE);
	if (strncmp(fixture->err.text, wanted, strlen(wanted)) != 0 || !strstr(fixture->err.text, words))
		fail_msg("%s: expected \"%s…%s\", got: %s", text, wanted, words, fixture->err.text);
	caret = strrchr(fixture->err.text, '\n');
	assert_non_null(caret);
	/* Two columns of indent, then the text; short ones are not cut. */
	if (strlen(text) <= 35)
		assert_int_equal(strlen(caret + 1), 2 + column);
	assert_int_equal(caret[strlen(caret) - 1], '^');
	error_clear(&fixture->err);
	free(wanted);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		size_t column;
		const char *words;
	} cases[] = {
		{"", 1, "the expression is empty"},
		{"   ", 4, "the expression is empty"},
		{"rack", 5, "expected =, !=, <, <=, >, >=, in, not in, like, not like, ~ or !~, found the end"},
		{"rack r1", 6, "~ or !~, found r1"},
		{"rack =", 7, "expected a value ('text', \"text\" or a word), found the end"},
		{"rack = )", 8, "expected a value ('text', \"text\" or a word), found )"},
		{"rack = = r1", 8, "found ="},
		{"rack == r1", 6, "== is not part of this language: write a single ="},
		{"rack <> r1", 6, "<> is not part of this language: write !="},
		{"rack = a && ip = b", 10, "&& is not part of this language: write and"},
		{"rack = a || ip = b", 10, "|| is not part of this language: write or"},
		{"!rack = a", 1, "! is not part of this language: write not"},
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
		{"'rack' = r1", 1, "expected a comparison like rack = 'r1', \"not\" or \"(\", found 'rack'"},
		{"= r1", 1, "expected a comparison"},
		{"rack in r1", 9, "expected \"(\" and a list of values, found r1"},
		{"rack in", 8, "expected \"(\" and a list of values, found the end"},
		{"rack in ()", 10, "expected a value"},
		{"rack in (a,)", 12, "expected a value"},
		{"rack in (a b)", 12, "expected \",\" or \")\", found b"},
		{"rack in (a", 11, "expected \",\" or \")\", found the end"},
		{"rack not = a", 10, "expected in or like, found ="},
		{"port not like 5", 10, "expected in, found like"},
		{"rack not", 9, "expected in or like, found the end"},
		{"rack = 'r1", 8, "this string has no end: expected ' after it"},
		{"rack = \"r1'", 8, "this string has no end: expected \" after it"},
		{"rack = 'r1''", 8, "this string has no end"},
		{"rack = r1; drop", 10, "this character stands only in quotes"},
		{"rack = *", 8, "this character stands only in quotes"},
		{"rack = [1-2]", 8, "this character stands only in quotes"},
		{"port like 5", 6, "expected =, !=, <, <=, >, >=, in or not in, found like"},
		{"active ~ true", 8, "expected =, !=, in or not in, found ~"},
		{"rack =~ r1", 6, "=~ is not part of this language: write ~"},
		{"rack ~", 7, "expected a value"},
		{"rack ~ 'r['", 8, "no regular expression: "},
		{"rack ~ '(a)\\1'", 8, "back-references are not part of it"},
		{"rack ~ 'a{200}'", 8, "a repetition of more than 50"},
		{"rack like", 10, "expected a value"},
		{"rack not like and", 15, "expected a value"},
		/* host sets point into the word */
		{"hostname = node[1-3", 16, "this character stands only in quotes"},
		{"hostname in node[3-1]", 18, "expected the smaller number first"},
		{"hostname in node[1-3/0]", 22, "expected a step of at least 1"},
		{"hostname in node[1,,2]", 20, "expected a number"},
		{"hostname in node[]", 18, "expected a number"},
		{"hostname in 'node[x]'", 13, "expected a number"},
		{"hostname = n[1][1][1][1][1]", 25, "at most 4 brackets"},
		{"port in x[1-2]", 9, "expected a number, found x[1-2]"},
		/* resources, sizes and roles */
		{"mem > 64QB", 7, "expected a number of MB or a size like 64GB, found 64QB"},
		{"mem > 64GBs", 7, "expected a number of MB or a size"},
		{"cpus > 64GB", 8, "expected a number, found 64GB"},
		{"mem(web = 1", 9, "expected \")\" behind the role, found ="},
		{"mem() = 1", 5, "expected a role, or '*' for what is not reserved, found )"},
		{"resource. = 1", 1, "expected the resource's name after \"resource.\""},
		/* times and versions */
		{"seen = 2h", 6, "expected <, <=, > or >=, found ="},
		{"seen in (2h)", 6, "expected <, <=, > or >=, found in"},
		{"seen < 2", 8,
		 "expected how long ago (like 2h, 30min, 7d) or a date (like 2026-11-23T12:25Z), found 2"},
		{"changed > 2026-02-30", 11, "expected how long ago"},
		{"version < newest", 11, "expected a version like 1.9 or 1.11.0, found newest"},
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
		{"attribute. = r1", 1, "expected the attribute's name after \"attribute.\""},
		{"attribute.'' = r1", 1, "expected the attribute's name"},
		{"attribute. 'x' = r1", 1, "expected the attribute's name"},
		{"r\xc3\xa4 = \xc3\xb6 \xc3\xbc", 8, "found \xc3\xbc"},
		{"rack = 'a\xe4"
		 "b'",
		 10, "the byte 0xe4 is no UTF-8"},
		{"\xff", 1, "the byte 0xff is no UTF-8"},
		{"hostname = \xc3\xb6 or rack = \xc3", 24, "the byte 0xc3 is no UTF-8"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_refusal(*state, cases[i].text, cases[i].column, cases[i].words);
}

/* The caret stands below the character it is about, wide and combining ones included. */
static void test_caret_line(void **state)
{
	struct fixture *fixture = *state;

	assert_null(selector_parse("--where", "rack = r1 and zone", &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "\n  rack = r1 and zone\n                    ^");
	assert_null(selector_parse("f.json: hosts[0].match", "rack =\x1b[31m", &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE,
		     "f.json: hosts[0].match, column 7: this character stands only in quotes\n"
		     "  rack =?[31m\n        ^");
	assert_null(selector_parse("--where", "rack = '\xe6\x9c\xba' x", &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "column 12: ");
}

/* A long expression is cut around the place, so that the error fits on a line and into its buffer. */
static void test_long_expression(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text = BUFFER_INIT(1u << 20);
	const char *shown;

	for (int i = 0; i < 200; i++)
		buffer_puts(&text, "rack = r1 or ");
	buffer_puts(&text, "rack ! r2");
	for (int i = 0; i < 100; i++)
		buffer_puts(&text, " or rack = r1");
	assert_null(selector_parse("--where", buffer_text(&text), &fixture->err));
	assert_text_has(fixture->err.text, "column 2606: ! is not part");
	shown = strchr(fixture->err.text, '\n');
	assert_non_null(shown);
	assert_true(strcspn(shown + 1, "\n") < 80);
	assert_text_has(shown, "...");
	assert_int_equal(shown[1 + strlen(strrchr(fixture->err.text, '\n') + 1) - 1], '!');
	error_clear(&fixture->err);
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
	struct fixture *fixture = *state;
	struct buffer text = BUFFER_INIT(4u << 20);

	repeat(&text, "(", 100000);
	assert_null(selector_parse("--where", buffer_text(&text), &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "column 41: nested more than 40 deep");
	repeat(&text, "not ", 60000);
	assert_null(selector_parse("--where", buffer_text(&text), &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "nested more than 40 deep");
	repeat(&text, "rack = r1 or ", 401);
	buffer_puts(&text, "rack = r1");
	assert_null(selector_parse("--where", buffer_text(&text), &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "more than 400 comparisons");
	repeat(&text, "x", 300000);
	assert_null(selector_parse("--where", buffer_text(&text), &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "longer than");
	buffer_reset(&text);
	buffer_puts(&text, "rack in (a");
	for (int i = 0; i < 25000; i++)
		buffer_puts(&text, ",b");
	buffer_puts(&text, ")");
	assert_null(selector_parse("--where", buffer_text(&text), &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "more than 20000 values");
	buffer_clear(&text);
}

/* What is just allowed also runs: SQLite has limits of its own. */
static void test_largest_allowed(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text = BUFFER_INIT(4u << 20);

	repeat(&text, "not (", 20);
	for (int i = 0; i < 399; i++)
		buffer_puts(&text, "cores != 16 and ");
	buffer_puts(&text, "cores != 16");
	for (int i = 0; i < 20; i++)
		buffer_putc(&text, ')');
	check_choice(fixture, buffer_text(&text), "234");
	repeat(&text, "(", 40);
	buffer_puts(&text, "cpus not in (4) or cores in (16, x)");
	for (int i = 0; i < 40; i++)
		buffer_putc(&text, ')');
	check_choice(fixture, buffer_text(&text), "124");
	buffer_reset(&text);
	buffer_puts(&text, "cores in (16");
	for (int i = 0; i < 9900; i++)
		buffer_printf(&text, ",%d", 1000 + i);
	buffer_puts(&text, ")");
	check_choice(fixture, buffer_text(&text), "1");
	buffer_clear(&text);
}

#define TEST(function) cmocka_unit_test(function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_choices),  TEST(test_injection),       TEST(test_sql_holds_no_user_text),
		TEST(test_refusals), TEST(test_caret_line),      TEST(test_long_expression),
		TEST(test_bounds),   TEST(test_largest_allowed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
