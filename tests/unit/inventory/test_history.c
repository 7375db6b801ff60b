/* SPDX-License-Identifier: Apache-2.0 */
/* What agents were: states, what changed between them, and the fleet of an earlier moment. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "inventory/history.h"
#include "inventory/host_agents.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

#define HOUR_MS INT64_C(3600000)
#define T0      INT64_C(1800000000000)

static int setup(void **state)
{
	return fleet_setup(state, NULL, 0);
}

/* A sync at T0 + hours that lists these agents. */
static void sync_at(struct fleet_fixture *fixture, int hours, const struct fleet_agent *agents, size_t count)
{
	struct agent_view *views = xcalloc(count + 1, sizeof(*views));
	struct agents_answer answer = {.master = "http://m", .agents = views, .agent_count = count};
	struct agents_summary summary;

	for (size_t i = 0; i < count; i++)
		fleet_view(&agents[i], &views[i]);
	assert_ok(agents_sync(fixture->store, fixture->cluster, &answer, T0 + hours * HOUR_MS, &summary, &fixture->err),
		  &fixture->err);
	for (size_t i = 0; i < count; i++)
		agent_view_clear(&views[i]);
	free(views);
}

static struct agent_states states_of(struct fleet_fixture *fixture, const char *id)
{
	struct agent_states states = {NULL, 0};
	struct agent_record record;

	fleet_record(fixture->store, fixture->cluster, id, &record);
	assert_ok(history_load(fixture->store, record.row, &states, &fixture->err), &fixture->err);
	agent_record_clear(&record);
	return states;
}

static void expect_rack(const struct agent_state *state, const char *rack, int from, int until)
{
	assert_string_equal(state->view.info->attributes[0]->text->value, rack);
	assert_int_equal(state->from_ms, T0 + from * HOUR_MS);
	assert_int_equal(state->until_ms, until ? T0 + until * HOUR_MS : 0);
}

static const struct fleet_agent r1 = {.id = "m-S1", .attributes = "rack:r1"};
static const struct fleet_agent r2 = {.id = "m-S1", .attributes = "rack:r2"};
static const struct fleet_agent r2_used = {.id = "m-S1", .attributes = "rack:r2", .used = "cpus:1"};

/* Every state with what it was, also where only one of SlaveInfo and resources changed; use is no state. */
static void test_states(void **state)
{
	static const struct fleet_agent more = {.id = "m-S1", .attributes = "rack:r2", .resources = "cpus:9"};
	struct fleet_fixture *fixture = *state;
	struct agent_states states;

	sync_at(fixture, 0, &r1, 1);
	sync_at(fixture, 1, &r1, 1);
	sync_at(fixture, 2, &r2, 1);
	sync_at(fixture, 3, &r2_used, 1);
	sync_at(fixture, 4, &more, 1);
	states = states_of(fixture, "m-S1");
	assert_int_equal(states.count, 3);
	expect_rack(&states.items[0], "r1", 0, 2);
	expect_rack(&states.items[1], "r2", 2, 4);
	expect_rack(&states.items[2], "r2", 4, 0);
	assert_true(resources_scalar(&states.items[0].view.total, "cpus") == 4);
	assert_true(resources_scalar(&states.items[1].view.total, "cpus") == 4);
	assert_true(resources_scalar(&states.items[2].view.total, "cpus") == 9);
	agent_states_clear(&states);
}

/* While it was gone it had no state; back as it was, it has a new one. */
static void test_gone_and_back(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct agent_states states;

	sync_at(fixture, 0, &r1, 1);
	sync_at(fixture, 1, NULL, 0);
	sync_at(fixture, 2, NULL, 0);
	states = states_of(fixture, "m-S1");
	assert_int_equal(states.count, 1);
	expect_rack(&states.items[0], "r1", 0, 1);
	agent_states_clear(&states);
	sync_at(fixture, 3, &r1, 1);
	states = states_of(fixture, "m-S1");
	assert_int_equal(states.count, 2);
	expect_rack(&states.items[0], "r1", 0, 1);
	expect_rack(&states.items[1], "r1", 3, 0);
	agent_states_clear(&states);
}

/* A clock that was set back gives no state that ends before it began. */
static void test_clock_set_back(void **state)
{
	struct fleet_fixture *fixture = *state;
	struct agent_states states;

	sync_at(fixture, 5, &r1, 1);
	sync_at(fixture, 1, &r2, 1);
	states = states_of(fixture, "m-S1");
	assert_int_equal(states.count, 2);
	for (size_t i = 0; i < states.count; i++)
		assert_true(states.items[i].until_ms == 0 || states.items[i].until_ms >= states.items[i].from_ms);
	agent_states_clear(&states);
}

static void test_changes(void **state)
{
	static const struct fleet_agent before = {.id = "m-S1",
						  .hostname = "a",
						  .attributes = "rack:r1;old:x",
						  .version = "1.9.0",
						  .region = "eu",
						  .zone = "a"};
	static const struct fleet_agent after = {.id = "m-S1",
						 .hostname = "a",
						 .attributes = "rack:r2",
						 .version = "1.11.0",
						 .inactive = true,
						 .used = "cpus:1"};
	struct agent_changes changes = {NULL, 0};
	struct agent_view views[2];
	size_t found = 0;

	(void)state;
	fleet_view(&before, &views[0]);
	fleet_view(&after, &views[1]);
	agent_changes_find(&views[0], &views[0], &changes);
	assert_int_equal(changes.count, 0);
	agent_changes_find(&views[0], &views[1], &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct agent_change *change = &changes.items[i];

		found += strcmp(change->what, "attributes.rack") == 0 && strcmp(change->before, "r1") == 0 &&
			 strcmp(change->after, "r2") == 0;
		found += strcmp(change->what, "attributes.old") == 0 && !change->after;
		found += strcmp(change->what, "version") == 0 && strcmp(change->after, "1.11.0") == 0;
		found += strcmp(change->what, "state") == 0 && strcmp(change->after, "inactive") == 0;
		found += strncmp(change->what, "domain.", 7) == 0 && !change->after;
	}
	assert_int_equal(found, changes.count);
	assert_int_equal(changes.count, 6); /* region and zone */
	agent_changes_clear(&changes);
	agent_view_clear(&views[0]);
	agent_view_clear(&views[1]);
}

/* ---- travelling */

static size_t count_at(struct fleet_fixture *fixture, int hours, const char *where)
{
	struct selector *selector = selector_parse("test", where, &fixture->err);
	int64_t *rows = NULL;
	size_t count = 0;

	assert_non_null(selector);
	assert_ok(history_travel(fixture->store, fixture->cluster, T0 + hours * HOUR_MS, T0 + 100 * HOUR_MS,
				 &fixture->err),
		  &fixture->err);
	assert_ok(agents_choose(fixture->store, fixture->cluster, selector, &rows, &count, &fixture->err),
		  &fixture->err);
	assert_ok(history_return(fixture->store, &fixture->err), &fixture->err);
	selector_free(selector);
	free(rows);
	return count;
}

static void test_travel(void **state)
{
	static const struct fleet_agent two[] = {{.id = "m-S1", .attributes = "rack:r1", .used = "cpus:1"},
						 {.id = "m-S2", .attributes = "rack:r1", .resources = "mem:10"}};
	static const struct fleet_agent later[] = {{.id = "m-S1", .attributes = "rack:r2"}};
	struct fleet_fixture *fixture = *state;

	sync_at(fixture, 0, two, 2);
	sync_at(fixture, 10, later, 1);
	assert_int_equal(count_at(fixture, 5, "rack = r1"), 2);
	assert_int_equal(count_at(fixture, 5, "rack = r2"), 0);
	assert_int_equal(count_at(fixture, 5, "mem = 10"), 1);
	assert_int_equal(count_at(fixture, 0, "rack = r1"), 2);  /* the very moment of the sync */
	assert_int_equal(count_at(fixture, 10, "rack = r1"), 0); /* what ended at that moment was over */
	assert_int_equal(count_at(fixture, 11, "rack = r2"), 1);
	assert_int_equal(count_at(fixture, 11, "id = m-S2"), 0);
}

static void test_times_that_cannot_be(void **state)
{
	struct fleet_fixture *fixture = *state;

	assert_int_equal(history_travel(fixture->store, fixture->cluster, T0, T0, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "nothing was known of this cluster");
	error_clear(&fixture->err);
	sync_at(fixture, 0, &r1, 1);
	assert_int_equal(history_travel(fixture->store, fixture->cluster, T0 - 1, T0, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "its first sync was at");
	error_clear(&fixture->err);
	assert_int_equal(history_travel(fixture->store, fixture->cluster, T0 + 1, T0, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "has not come yet");
	error_clear(&fixture->err);
	/* none of it left a trace: the present is as it was, and can be written */
	sync_at(fixture, 1, &r2, 1);
	assert_int_equal(count_at(fixture, 0, "rack = r1"), 1);
}

/* ---- the agents of a host */

static void test_agents_of_a_host(void **state)
{
	static const struct fleet_agent first = {.id = "m-S9", .hostname = "a"},
					second = {.id = "m-S1", .hostname = "a"};
	struct fleet_fixture *fixture = *state;
	struct host_agents agents;

	sync_at(fixture, 0, &first, 1);
	sync_at(fixture, 1, &second, 1);
	assert_ok(host_agents_load(fixture->store, fixture->cluster, "a", &agents, &fixture->err), &fixture->err);
	assert_int_equal(agents.count, 2);
	assert_string_equal(agents.ids[0], "m-S9");
	assert_string_equal(agents.ids[1], "m-S1");
	host_agents_clear(&agents);
	assert_ok(host_agents_load(fixture->store, fixture->cluster, "m-S1", &agents, &fixture->err), &fixture->err);
	assert_int_equal(agents.count, 0);
	host_agents_clear(&agents);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fleet_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states), TEST(test_gone_and_back),        TEST(test_clock_set_back),   TEST(test_changes),
		TEST(test_travel), TEST(test_times_that_cannot_be), TEST(test_agents_of_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
