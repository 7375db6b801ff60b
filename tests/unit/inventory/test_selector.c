/* SPDX-License-Identifier: Apache-2.0 */
/* The language that chooses agents: what it chooses. */
#include "base/buffer.h"
#include "inventory/agents.h"
#include "inventory/selector.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

static int setup(void **state)
{
	return fleet_setup(state, fleet, COUNT(fleet));
}

/* The numbers of the agents an expression chooses, as "13"; through the list and one by one. */
static void check_choice(struct fleet_fixture *fixture, const char *text, const char *expected)
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

struct choice {
	const char *text, *expected;
};

static void check_choices(struct fleet_fixture *fixture, const struct choice *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_choice(fixture, cases[i].text, cases[i].expected);
}

/* What the master says of an agent as such. */
static void test_fields(void **state)
{
	static const struct choice cases[] = {
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
	};

	check_choices(*state, cases, COUNT(cases));
}

/* Any of an agent's attributes of that name counts. */
static void test_attributes(void **state)
{
	static const struct choice cases[] = {
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
	};

	check_choices(*state, cases, COUNT(cases));
}

/* Over all reservations. */
static void test_resources(void **state)
{
	static const struct choice cases[] = {
		{"cpus = 8", "2"},   {"cpus = 0.3", "4"},    {"cpus < 0.301", "4"},         {"cpus != 4", "24"},
		{"mem = 5120", "2"}, {"mem >= 1024", "123"}, {"mem in (512, 1024)", "134"}, {"gpus = 2", "4"},
		{"gpus = 0", "123"}, {"disk > 10", "13"},
	};

	check_choices(*state, cases, COUNT(cases));
}

static void test_grammar(void **state)
{
	static const struct choice cases[] = {
		{"rack = r1 or rack = r2 and version = 1.4.3", "1"},
		{"(rack = r1 or rack = r2) and version = 1.9.0", "1"},
		{"not rack = r1 and not rack = r2", "34"},
		{"not (rack = r1 or rack = r2)", "34"},
		{"not not rack = r1", "1"},
		{"NOT rack = r1 AND region = eu OR id IN (m-S4)", "24"},
		{"((((id = m-S1))))", "1"},
		{"  id=m-S1\n\tor\nid=m-S2  ", "12"},
		{"id = m-S1 or not id != m-S2", "12"},
	};

	check_choices(*state, cases, COUNT(cases));
}

static void test_patterns(void **state)
{
	static const struct choice cases[] = {
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
		{"hostname ~ '^([ab]+[.])+e'", "12"},
		{"hostname ~ '^.+.+.+.+.+.+.+.+.+.+.+.+.+$' and rack ~ '[+][+][+]|r1'", "1"},
	};

	check_choices(*state, cases, COUNT(cases));
}

static void test_host_sets(void **state)
{
	static const struct choice cases[] = {
		{"ip in 10.0.0.[1-3/2]", "13"},   {"ip = 10.0.0.[02-04]", ""},
		{"ip not in 10.0.0.[2-3]", "14"}, {"ip in ('10.0.0.[1-2]', 10.0.0.4)", "124"},
		{"ip != 10.0.0.[1-2]", "34"},     {"id in m-S[1,3-4]", "134"},
		{"rack in r[1-2]", "12"},         {"rack in r[3-9]", "2"},
		{"rack in 'r[1-2]'", ""},         {"rack in (r[1-1], \"o'hara\")", "13"},
	};

	check_choices(*state, cases, COUNT(cases));
}

static void test_versions(void **state)
{
	static const struct choice cases[] = {
		{"version < 1.9", "4"},
		{"version >= 1.9.0 and version < 1.11", "1"},
		{"version > 1.4.3", "123"},
	};

	check_choices(*state, cases, COUNT(cases));
}

static void test_units_shares_roles(void **state)
{
	static const struct choice cases[] = {
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
	};

	check_choices(*state, cases, COUNT(cases));
}

/* Domains, ages, and what comes from surveys, tasks and rollouts. */
static void test_domain_and_ages(void **state)
{
	static const struct choice cases[] = {
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
		{"config = ''", "1234"},
		{"config != ''", ""},
		{"config in (web, '')", "1234"},
		{"state = active", "124"},
		{"state in (inactive, deactivated)", "3"},
		{"state like 'act%'", "124"},
	};

	check_choices(*state, cases, COUNT(cases));
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
	struct fleet_fixture *fixture = *state;
	int64_t count = 0;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		check_choice(fixture, hostile[i], "");
	assert_int_equal(store_find_int(fixture->store, &count, &fixture->err, "SELECT count(*) FROM agents", ""), 1);
	assert_int_equal(count, 4);
}

static void repeat(struct buffer *out, const char *text, int times)
{
	buffer_reset(out);
	for (int i = 0; i < times; i++)
		buffer_puts(out, text);
}

/* What is just allowed also runs: SQLite has limits of its own. */
static void test_largest_allowed(void **state)
{
	struct fleet_fixture *fixture = *state;
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
		TEST(test_fields),    TEST(test_attributes),         TEST(test_resources),
		TEST(test_grammar),   TEST(test_patterns),           TEST(test_host_sets),
		TEST(test_versions),  TEST(test_units_shares_roles), TEST(test_domain_and_ages),
		TEST(test_injection), TEST(test_largest_allowed),
	};

	return cmocka_run_group_tests(tests, setup, fleet_teardown);
}
