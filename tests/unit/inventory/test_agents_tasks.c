/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync knows beside the agents: their tasks and frameworks, the master itself, and who reserved what. */
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/sync_fixture.h"

static struct task_view tasks[] = {
	{"t1", "web", "F1", "", "m-S1", "TASK_RUNNING", ""},
	{"t2", "web", "F1", "exec", "m-S1", "TASK_RUNNING", ""},
	{"t1", "batch", "F2", "", "m-S2", "TASK_STAGING", ""},
	{"t9", "lost", "F9", "", "m-S77", "TASK_UNREACHABLE", "REASON_SLAVE_REMOVED"},
};
static struct framework_view frameworks[] = {
	{"F1", "marathon", "web", true, true, true, false},
	{"F2", "chronos", "*", true, false, false, false},
};

static void give_tasks(struct sync_fixture *fixture, size_t count)
{
	fixture->answer.tasks = tasks;
	fixture->answer.task_count = count;
	fixture->answer.frameworks = frameworks;
	fixture->answer.framework_count = 2;
}

static void test_tasks(void **state)
{
	struct sync_fixture *fixture = *state;
	struct agent_tasks found = {NULL, 0};
	struct agent_record record;

	give_tasks(fixture, 4);
	sync_now(fixture, 1000);
	assert_int_equal(fixture->summary.tasks, 4);
	assert_int_equal(fixture->summary.frameworks, 2);
	assert_ok(agents_tasks(fixture->store, fixture->cluster, "m-S1", &found, &fixture->err), &fixture->err);
	assert_int_equal(found.count, 2);
	assert_string_equal(found.items[1].task.id, "t2");
	assert_string_equal(found.items[1].task.executor_id, "exec");
	assert_string_equal(found.items[1].framework_name, "marathon");
	assert_true(found.items[1].framework_checkpoints);
	agent_tasks_clear(&found);
	assert_ok(agents_tasks(fixture->store, fixture->cluster, "m-S77", &found, &fixture->err), &fixture->err);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].framework_name, ""); /* nobody knows F9 */
	assert_false(found.items[0].framework_checkpoints);
	assert_string_equal(found.items[0].task.reason, "REASON_SLAVE_REMOVED");
	agent_tasks_clear(&found);
	fleet_record(fixture->store, fixture->cluster, "m-S1", &record);
	assert_int_equal(record.tasks, 2);
	agent_record_clear(&record);
}

static void test_tasks_follow_the_master(void **state)
{
	struct sync_fixture *fixture = *state;
	struct agent_tasks found = {NULL, 0};
	char *old = tasks[2].state;

	give_tasks(fixture, 4);
	sync_now(fixture, 1000);
	tasks[2].state = "TASK_RUNNING";
	sync_now(fixture, 2000);
	assert_ok(agents_tasks(fixture->store, fixture->cluster, "m-S2", &found, &fixture->err), &fixture->err);
	assert_string_equal(found.items[0].task.state, "TASK_RUNNING");
	agent_tasks_clear(&found);
	tasks[2].state = old;
	give_tasks(fixture, 1);
	sync_now(fixture, 3000);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM tasks"), 1);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM frameworks"), 2);
	fixture->answer.framework_count = 0;
	sync_now(fixture, 4000);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM frameworks"), 1); /* t1 still needs marathon's name */
	give_tasks(fixture, 0);
	fixture->answer.framework_count = 0;
	sync_now(fixture, 5000);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM tasks"), 0);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM frameworks"), 0);
}

static void test_facts(void **state)
{
	struct sync_fixture *fixture = *state;
	struct master_facts facts = {.version = NULL}, given = {.version = "1.11.0",
								.id = "m",
								.cluster = "production",
								.agent_update = true,
								.has_domain = true,
								.region = "eu",
								.zone = "1a",
								.agent_ping_timeout_ms = 15000,
								.max_agent_ping_timeouts = 5,
								.agent_reregister_timeout_ms = 600000,
								.require_agent_domain = true,
								.elected_ns = 99};

	sync_now(fixture, 1000);
	assert_int_equal(agents_facts(fixture->store, fixture->cluster, &facts, &fixture->err), 0);
	fixture->answer.facts = &given;
	sync_now(fixture, 2000);
	fixture->answer.facts = NULL; /* not asked this time: what is known stays */
	sync_now(fixture, 3000);
	assert_int_equal(agents_facts(fixture->store, fixture->cluster, &facts, &fixture->err), 1);
	assert_string_equal(facts.version, "1.11.0");
	assert_string_equal(facts.id, "m");
	assert_string_equal(facts.cluster, "production");
	assert_true(facts.agent_update && facts.has_domain && facts.require_agent_domain);
	assert_string_equal(facts.region, "eu");
	assert_string_equal(facts.zone, "1a");
	assert_int_equal(facts.agent_ping_timeout_ms, 15000);
	assert_int_equal(facts.max_agent_ping_timeouts, 5);
	assert_int_equal(facts.agent_reregister_timeout_ms, 600000);
	assert_int_equal(facts.elected_ns, 99);
	master_facts_clear(&facts);
	given.has_domain = given.agent_update = false;
	fixture->answer.facts = &given;
	sync_now(fixture, 4000);
	assert_int_equal(agents_facts(fixture->store, fixture->cluster, &facts, &fixture->err), 1);
	assert_false(facts.has_domain || facts.agent_update);
	assert_null(facts.region);
	master_facts_clear(&facts);
}

/* Reserved and plain parts of one resource are kept apart, and what tasks use beside them. */
static void test_resources_by_role(void **state)
{
	static const struct fleet_agent agent = {
		.id = "m-S1",
		.resources = "mem:100;mem(web):50;mem(web):7;cpus:2;ports:[1-9];names:{a,b}",
		.used = "mem(web):60;gpus:1"};
	struct sync_fixture *fixture = *state;

	fleet_sync(fixture->store, fixture->cluster, &agent, 1);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('mem', '*', total) FROM agents"), 100);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('mem', 'web', total) FROM agents"), 57);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('mem', NULL, total) FROM agents"), 157);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('mem', 'web', used) FROM agents"), 60);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('gpus', NULL, used) FROM agents"), 1);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('gpus', NULL, total) FROM agents"), 0);
	assert_int_equal(sync_ask(fixture, "SELECT agent_resource('ports', NULL, total) FROM agents"), 0);
	assert_int_equal(sync_ask(fixture, "SELECT mem FROM agents"), 157);
	assert_int_equal(sync_ask(fixture, "SELECT mem_used FROM agents"), 60);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, sync_setup, sync_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tasks),
		TEST(test_tasks_follow_the_master),
		TEST(test_facts),
		TEST(test_resources_by_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
