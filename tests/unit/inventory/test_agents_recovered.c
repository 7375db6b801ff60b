/* SPDX-License-Identifier: Apache-2.0 */
/* A sync right after a master's failover: who has not come back yet is inactive, and not gone. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/agents_recovered.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

static const struct fleet_agent fleet[] = {
	{.id = "m-S1", .attributes = "rack:r1", .used = "cpus:1"},
	{.id = "m-S2", .attributes = "rack:r2", .used = "cpus:2"},
	{.id = "m-S3"},
	{.id = "m-it's"},
};

struct fixture {
	char *folder;
	struct store *store;
	int64_t cluster;
	const struct fleet_agent *registered; /* NULL: nobody has */
	struct agents_recovered recovered;
	struct agents_summary summary;
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

	agents_recovered_clear(&fixture->recovered);
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

static int read_answer(void *ctx, struct agents_sink *sink, struct error *err)
{
	struct fixture *fixture = ctx;
	struct agent_view view;
	int result = 0;

	if (fixture->registered) {
		fleet_view(fixture->registered, &view);
		result = agents_sink_agent(sink, &view, NULL, 0, err);
		agent_view_clear(&view);
	}
	return result < 0 ? -1 : agents_recovered_put(&fixture->recovered, fixture->store, fixture->cluster, sink, err);
}

static int sync_at(struct fixture *fixture, int64_t time_ms)
{
	const struct agents_feed feed = {.master = "http://m", .read = read_answer, .ctx = fixture};

	return agents_sync_feed(fixture->store, fixture->cluster, &feed, time_ms, &fixture->summary, &fixture->err);
}

static void check(struct fixture *fixture, const char *id, bool active, bool gone, const char *used)
{
	struct agent_record record;
	struct buffer text = BUFFER_INIT(4096);

	assert_ok(agents_find(fixture->store, fixture->cluster, id, &record, &fixture->err), &fixture->err);
	assert_int_equal(record.view.active, active);
	assert_int_equal(record.gone_ms != 0, gone);
	resources_to_text(&record.view.used, &text);
	if (used)
		assert_string_equal(buffer_text(&text), used);
	buffer_clear(&text);
	agent_record_clear(&record);
}

static void test_inactive_and_not_gone(void **state)
{
	struct fixture *fixture = *state;

	fixture->registered = &fleet[0];
	agents_recovered_add(&fixture->recovered, "m-S2");
	agents_recovered_add(&fixture->recovered, "m-it's");
	agents_recovered_add(&fixture->recovered, "m-S9"); /* nobody has ever seen it */
	assert_ok(sync_at(fixture, INT64_C(1800000000000)), &fixture->err);
	check(fixture, "m-S1", true, false, NULL);
	check(fixture, "m-S2", false, false, "cpus:2");
	check(fixture, "m-it's", false, false, NULL);
	check(fixture, "m-S3", true, true, NULL);
	assert_int_equal(fixture->summary.total, 3);
	assert_int_equal(fixture->summary.unchanged, 1);
	assert_int_equal(fixture->summary.changed, 2);
	assert_int_equal(fixture->summary.gone, 1);
	assert_int_equal(fixture->summary.added, 0);
}

/* The second time there is nothing to write, and one that was marked as gone before does not come back by this. */
static void test_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->registered = &fleet[0];
	agents_recovered_add(&fixture->recovered, "m-S2");
	assert_ok(sync_at(fixture, INT64_C(1800000000000)), &fixture->err);
	agents_recovered_add(&fixture->recovered, "m-S3");
	assert_ok(sync_at(fixture, INT64_C(1800000001000)), &fixture->err);
	assert_int_equal(fixture->summary.unchanged, 2);
	assert_int_equal(fixture->summary.changed, 0);
	assert_int_equal(fixture->summary.returned, 0);
	check(fixture, "m-S3", true, true, NULL);
}

static void test_more_than_are_loaded_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct fleet_agent many[450];
	char ids[450][16];

	for (int i = 0; i < 450; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m-S%d", i + 1);
		many[i] = (struct fleet_agent){.id = ids[i]};
		agents_recovered_add(&fixture->recovered, ids[i]);
	}
	fleet_sync(fixture->store, fixture->cluster, many, 450);
	assert_ok(sync_at(fixture, INT64_C(1900000000000)), &fixture->err);
	assert_int_equal(fixture->summary.total, 450);
	assert_int_equal(fixture->summary.gone, 0);
	check(fixture, "m-S450", false, false, NULL);
}

/* A master that says the same agent has registered and has not is not believed. */
static void test_both(void **state)
{
	struct fixture *fixture = *state;

	fixture->registered = &fleet[1];
	agents_recovered_add(&fixture->recovered, "m-S2");
	assert_int_equal(sync_at(fixture, INT64_C(1800000000000)), -1);
	assert_non_null(strstr(fixture->err.text, "lists agent m-S2 twice"));
	check(fixture, "m-S1", true, false, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_inactive_and_not_gone),
		TEST(test_again),
		TEST(test_more_than_are_loaded_at_once),
		TEST(test_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
