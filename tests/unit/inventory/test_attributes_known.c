/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the attributes that are asked about nobody has, and what may have been meant. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/attributes_known.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

static const struct fleet_agent fleet[] = {
	{.id = "m-S1", .attributes = "rack:r1;it's:x;level:4.5"},
	{.id = "m-S2", .attributes = "tier:web"},
};

struct fixture {
	char *folder;
	struct store *store;
	int64_t cluster;
	struct attributes_missing missing;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fleet_fixture_open(&fixture->folder, &fixture->store, &fixture->cluster);
	fleet_sync(fixture->store, fixture->cluster, fleet, 2);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	attributes_missing_clear(&fixture->missing);
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

/* "name>near;name;" of what is missing. */
static void expect(struct fixture *fixture, const char *text)
{
	struct buffer all = BUFFER_INIT(4096);

	for (size_t i = 0; i < fixture->missing.count; i++) {
		const struct attribute_missing *item = &fixture->missing.items[i];

		buffer_printf(&all, "%s%s%s;", item->name, item->near ? ">" : "", item->near ? item->near : "");
	}
	assert_string_equal(buffer_text(&all), text);
	buffer_clear(&all);
	attributes_missing_clear(&fixture->missing);
}

static void find(struct fixture *fixture, const char *where)
{
	struct selector *selector = selector_parse("test", where, &fixture->err);

	assert_non_null(selector);
	assert_ok(attributes_find_missing(fixture->store, fixture->cluster, selector, &fixture->missing, &fixture->err),
		  &fixture->err);
	selector_free(selector);
}

static void test_selectors(void **state)
{
	struct fixture *fixture = *state;

	find(fixture, "rack = r9 and tier != web or level > 100 or attribute.'it''s' = y");
	expect(fixture, "");
	find(fixture, "rak = r1 or not (rak = r2 and teir = web)");
	expect(fixture, "rak>rack;teir>tier;");
	find(fixture, "hostnam = x or memfree > 3 or nothing_like_it = 1");
	expect(fixture, "hostnam>hostname;memfree>mem.free;nothing_like_it;");
	find(fixture, "hostname = x and mem.free > 1GB and flag.rak = 3 and mem(rak) > 1");
	expect(fixture, "");
	assert_ok(attributes_find_missing(fixture->store, fixture->cluster, NULL, &fixture->missing, &fixture->err),
		  &fixture->err);
	expect(fixture, "");
}

static void test_columns(void **state)
{
	static char *const names[] = {(char *)(uintptr_t) "hostname",    (char *)(uintptr_t) "attributes",
				      (char *)(uintptr_t) "rak",         (char *)(uintptr_t) "attribute.'it''s'",
				      (char *)(uintptr_t) "mem(web)",    (char *)(uintptr_t) "rak",
				      (char *)(uintptr_t) "registered",  (char *)(uintptr_t) "attribute.'a b'",
				      (char *)(uintptr_t) "mem.percent", (char *)(uintptr_t) "flag.work_dir"};
	struct fixture *fixture = *state;

	assert_ok(attributes_find_missing_columns(fixture->store, fixture->cluster, names,
						  sizeof(names) / sizeof(names[0]), &fixture->missing, &fixture->err),
		  &fixture->err);
	expect(fixture, "rak>rack;a b;");
}

/* An agent that is gone has no attributes any more, and another cluster's count for nothing. */
static void test_only_who_is_listed(void **state)
{
	struct fixture *fixture = *state;
	int64_t other;

	fleet_sync(fixture->store, fixture->cluster, fleet, 1);
	find(fixture, "tier = web");
	expect(fixture, "tier;");
	assert_ok(cluster_id(fixture->store, "other", &other, &fixture->err), &fixture->err);
	fixture->cluster = other;
	find(fixture, "rack = r1");
	expect(fixture, "rack;");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_selectors), TEST(test_columns), TEST(test_only_who_is_listed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
