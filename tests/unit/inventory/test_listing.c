/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of agents: columns, order, groups, sums, and wishes that are refused. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "inventory/listing.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

static const struct fleet_agent fleet[] = {
	{.id = "m-S1", .hostname = "n03", .attributes = "rack:r1;level:4.5", .used = "mem:512", .version = "1.9.0"},
	{.id = "m-S2",
	 .hostname = "n01",
	 .attributes = "rack:r1",
	 .resources = "cpus:0.1;mem:100",
	 .version = "1.11.0"},
	{.id = "m-S3",
	 .hostname = "n02",
	 .attributes = "rack:r2",
	 .resources = "cpus:0.2;mem:2000",
	 .version = "1.10.1"},
	{.id = "m-S4", .hostname = "n04", .inactive = true, .resources = "cpus:0.2", .version = "1.9.0"},
};

struct fixture {
	char *folder;
	struct store *store;
	int64_t cluster;
	struct listing listing;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fleet_fixture_open(&fixture->folder, &fixture->store, &fixture->cluster);
	fleet_sync(fixture->store, fixture->cluster, fleet, 4);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	listing_clear(&fixture->listing);
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

static void load(struct fixture *fixture, const char *columns, const char *sort, const char *group_by,
		 const char *where)
{
	const struct listing_wish wish = {.columns = columns, .sort = sort, .group_by = group_by};
	struct selector *selector = where ? selector_parse("test", where, &fixture->err) : NULL;

	assert_true(!where || selector);
	listing_clear(&fixture->listing);
	assert_ok(listing_load(fixture->store, fixture->cluster, selector, &wish, &fixture->listing, &fixture->err),
		  &fixture->err);
	selector_free(selector);
}

/* All cells, "a|b" by row, "a;b" by line. */
static void expect(const struct fixture *fixture, const char *text)
{
	const struct listing *listing = &fixture->listing;
	struct buffer all = BUFFER_INIT(1u << 16);

	for (size_t i = 0; i < listing->rows * listing->columns; i++)
		buffer_printf(&all, "%s%s",
			      i == 0                      ? ""
			      : i % listing->columns == 0 ? ";"
							  : "|",
			      listing->cells[i].text);
	assert_string_equal(buffer_text(&all), text);
	buffer_clear(&all);
}

static void test_columns(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "hostname,rack,level,mem.free,active", NULL, NULL, NULL);
	expect(fixture, "n01|r1||100|true;n02|r2||2000|true;n03|r1|4.5|512|true;n04|||1|false");
	assert_int_equal(fixture->listing.agents, 4);
	assert_int_equal(fixture->listing.kinds[0], CELL_TEXT);
	assert_int_equal(fixture->listing.kinds[3], CELL_NUMBER);
	assert_int_equal(fixture->listing.kinds[4], CELL_BOOL);
	assert_string_equal(fixture->listing.names[3], "mem.free");
	assert_string_equal(fixture->listing.fleeting, "mem.free");
	load(fixture, "attributes", NULL, NULL, "id = m-S1");
	expect(fixture, "rack:r1; level:4.5");
	load(fixture, "hostname", NULL, NULL, "rack = nowhere");
	expect(fixture, "");
	assert_int_equal(fixture->listing.agents, 0);
}

/* Numbers as numbers, versions as versions, what is equal by hostname. */
static void test_order(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "hostname", "-mem", NULL, NULL);
	expect(fixture, "n02;n03;n01;n04");
	load(fixture, "hostname,version", "version", NULL, NULL);
	expect(fixture, "n03|1.9.0;n04|1.9.0;n02|1.10.1;n01|1.11.0");
	load(fixture, "hostname", "rack,-hostname", NULL, "rack like '%'");
	expect(fixture, "n03;n01;n02");
}

static void test_groups(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, NULL, NULL, "rack", NULL);
	expect(fixture, "|1|n04;r1|2|n[01,03];r2|1|n02");
	load(fixture, "mem,cpus,tasks", "-mem", "rack", NULL);
	expect(fixture, "r2|2000|0.2|0|1|n02;r1|1124|4.1|0|2|n[01,03];|1|0.2|0|1|n04");
	load(fixture, NULL, "-agents", "rack,active", NULL);
	expect(fixture, "r1|true|2|n[01,03];|false|1|n04;r2|true|1|n02");
	assert_int_equal(fixture->listing.agents, 4);
}

/* Tenths add up to what a person expects. */
static void test_sums_of_fractions(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "cpus", NULL, "active", "hostname in (n01, n02)");
	expect(fixture, "true|0.3|2|n[01-02]");
}

static void test_refusals(void **state)
{
	static const struct {
		struct listing_wish wish;
		const char *words;
	} cases[] = {
		{{.columns = ""}, "expected a column's name"},
		{{.columns = "hostname,,rack"}, "expected a column's name"},
		{{.columns = "hostname rack"}, "expected \",\" or the end"},
		{{.columns = "hostname", .sort = "rack,"}, "--sort"},
		{{.columns = "attribute."}, "attribute's name"},
		{{.columns = "mem(web"}, "\")\" behind the role"},
		{{.columns = "hostname", .group_by = "rack"}, "cannot be: a group shows"},
		{{.columns = "mem.percent", .group_by = "rack"}, "mem.percent cannot be"},
		{{.columns = "port", .group_by = "rack"}, "port cannot be"},
		{{.sort = "hostname", .group_by = "rack"}, "expected its columns, or agents or a sum alone"},
		{{.sort = "-agents,rack", .group_by = "rack"}, "expected its columns"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;

		if (listing_check(&cases[i].wish, &fixture->listing, &err) == 0)
			fail_msg("accepted: case %zu", i);
		assert_error(&err, ERROR_USAGE, cases[i].words);
		assert_null(fixture->listing.names); /* a failed call changes none of its outputs */
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_columns),           TEST(test_order),    TEST(test_groups),
		TEST(test_sums_of_fractions), TEST(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
