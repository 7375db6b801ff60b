/* SPDX-License-Identifier: Apache-2.0 */
/* Which config an agent was left with: the selector and drift say the same. */
#include <stdlib.h>

#include "base/buffer.h"
#include "inventory/agents.h"
#include "inventory/drift.h"
#include "inventory/selector.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"

/* What became of each: changed twice; the second taken back; the second not finished; changed by two configs. */
static const struct fleet_agent fleet[] = {
	{.id = "m-S1"}, {.id = "m-S2"}, {.id = "m-S3"}, {.id = "m-S4"}, {.id = "m-S5"}};
#define AGENTS (sizeof(fleet) / sizeof(fleet[0]))

static const char *const rollouts[] = {
	"INSERT INTO configs (name) VALUES ('web'), ('db')",
	"INSERT INTO plans (hash, cluster, config, config_version, author, created_ms, agents, document) VALUES "
	"('p1', 'lab', 'web', 1, 'anna', 1, 4, x''), ('p2', 'lab', 'web', 2, 'anna', 2, 3, x''), "
	"('p3', 'lab', 'rollback of r2', 2, 'anna', 3, 2, x''), ('p4', 'lab', 'db', 7, 'anna', 4, 1, x'')",
	"INSERT INTO runs (id, plan, state, epoch, forgiven, created_ms, rolls_back) VALUES "
	"('r1', 'p1', 'done', 1, 0, 10, NULL), ('r2', 'p2', 'done', 2, 0, 20, NULL), "
	"('r3', 'p3', 'done', 3, 0, 30, 'r2'), ('r4', 'p4', 'done', 4, 0, 40, NULL)",
	"INSERT INTO run_agents (run, position, agent, hostname, state, attempt, epoch) VALUES "
	"('r1', 0, 'm-S1', 'a', 'done', 1, 1), ('r1', 1, 'm-S2', 'b', 'done', 1, 1), "
	"('r1', 2, 'm-S3', 'c', 'done', 1, 1), ('r1', 3, 'm-S4', 'd', 'done', 1, 1), "
	"('r2', 0, 'm-S1', 'a', 'done', 1, 2), ('r2', 1, 'm-S2', 'b', 'done', 1, 2), "
	"('r2', 2, 'm-S3', 'c', 'reverted', 1, 2), "
	"('r3', 0, 'm-S2', 'b', 'done', 1, 3), ('r3', 1, 'm-S1', 'a', 'failed', 1, 3), "
	"('r4', 0, 'm-S4', 'd', 'done', 1, 4)",
};

static int setup(void **state)
{
	fleet_setup(state, fleet, AGENTS);
	struct fleet_fixture *fixture = *state;
	for (size_t i = 0; i < sizeof(rollouts) / sizeof(rollouts[0]); i++)
		assert_ok(store_run(fixture->store, &fixture->err, rollouts[i], ""), &fixture->err);
	return 0;
}

/* The numbers of the agents an expression chooses. */
static void assert_chosen(struct fleet_fixture *fixture, const char *text, const char *expected)
{
	struct selector *selector = selector_parse("--where", text, &fixture->err);
	struct buffer chosen = BUFFER_INIT(SIZE_MAX);

	assert_non_null(selector);
	for (size_t i = 0; i < AGENTS; i++) {
		struct agent_record record;

		fleet_record(fixture->store, fixture->cluster, fleet[i].id, &record);
		int matches = selector_matches(selector, fixture->store, record.row, &fixture->err);
		assert_in_range(matches, 0, 1);
		if (matches)
			buffer_printf(&chosen, "%zu", i + 1);
		agent_record_clear(&record);
	}
	assert_string_equal(buffer_text(&chosen), expected);
	buffer_clear(&chosen);
	selector_free(selector);
}

static void the_selector_knows_what_was_taken_back(void **state)
{
	assert_chosen(*state, "config = 'web@2'", "1");
	assert_chosen(*state, "config = 'web@1'", "234");
	assert_chosen(*state, "config = web", "1234");
	assert_chosen(*state, "config = 'db@7'", "4");
	assert_chosen(*state, "config = ''", "5");
}

static void drift_asks_for_the_same(void **state)
{
	static const char *const left[AGENTS] = {"web@2 ", "web@1 ", "web@1 ", "db@7 web@1 ", ""};
	struct fleet_fixture *fixture = *state;

	for (size_t i = 0; i < AGENTS; i++) {
		struct buffer said = BUFFER_INIT(SIZE_MAX);
		struct drift_configs configs;

		assert_ok(drift_configs_load(fixture->store, fleet[i].id, &configs, &fixture->err), &fixture->err);
		for (size_t j = 0; j < configs.count; j++)
			buffer_printf(&said, "%s ", configs.items[j]);
		assert_string_equal(buffer_text(&said), left[i]);
		drift_configs_clear(&configs);
		buffer_clear(&said);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_selector_knows_what_was_taken_back, setup, fleet_teardown),
		cmocka_unit_test_setup_teardown(drift_asks_for_the_same, setup, fleet_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
