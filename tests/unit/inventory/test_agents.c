/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the database in line with a master's answer, and reading it back. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

struct fixture {
	char *folder;
	struct store *store;
	int64_t cluster, other;
	struct error err;
	struct agent_view views[4];
	struct agents_answer answer;
	struct agents_summary summary;
};

static const struct fleet_agent first[] = {
	{.id = "m-S1", .hostname = "a", .attributes = "rack:r1", .region = "eu", .zone = "1a", .used = "cpus:1;mem:64"},
	{.id = "m-S2", .hostname = "b", .attributes = "rack:r1;rack:r2"},
	{.id = "m-S3", .hostname = "c"},
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
	assert_ok(cluster_id(fixture->store, "other", &fixture->other, &fixture->err), &fixture->err);
	assert_int_not_equal(fixture->cluster, fixture->other);
	for (size_t i = 0; i < 3; i++)
		fleet_view(&first[i], &fixture->views[i]);
	fixture->answer =
		(struct agents_answer){.master = "http://127.0.0.1:5050", .agents = fixture->views, .agent_count = 3};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 4; i++)
		agent_view_clear(&fixture->views[i]);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

static void sync_now(struct fixture *fixture, int64_t time_ms)
{
	assert_ok(agents_sync(fixture->store, fixture->cluster, &fixture->answer, time_ms, &fixture->summary,
			      &fixture->err),
		  &fixture->err);
}

static int64_t ask(struct fixture *fixture, const char *sql)
{
	int64_t value = -1;

	assert_int_equal(store_find_int(fixture->store, &value, &fixture->err, sql, ""), 1);
	return value;
}

static void set(char **text, const char *to)
{
	free(*text);
	*text = xstrdup(to);
}

static void test_first_sync(void **state)
{
	struct fixture *fixture = *state;
	int64_t synced = -1;

	assert_ok(agents_synced_ms(fixture->store, fixture->cluster, &synced, &fixture->err), &fixture->err);
	assert_int_equal(synced, 0);
	sync_now(fixture, 1000);
	assert_int_equal(fixture->summary.total, 3);
	assert_int_equal(fixture->summary.added, 3);
	assert_int_equal(fixture->summary.unchanged, 0);
	assert_ok(agents_synced_ms(fixture->store, fixture->cluster, &synced, &fixture->err), &fixture->err);
	assert_int_equal(synced, 1000);
	assert_ok(agents_synced_ms(fixture->store, fixture->other, &synced, &fixture->err), &fixture->err);
	assert_int_equal(synced, 0);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents WHERE agent_attributes(info) = 'rack:r1; rack:r2'"),
			 1);
	assert_false(store_in_transaction(fixture->store));
}

/* What comes out of the database is what the master said. */
static void test_record_is_complete(void **state)
{
	struct fixture *fixture = *state;
	struct agent_record record;
	const struct agent_view *view = &record.view, *given = &fixture->views[0];

	fixture->views[0].deactivated = true;
	fixture->views[0].reregistered_ns = 1700000000123456789;
	fixture->views[0].port = 5052;
	sync_now(fixture, 1000);
	fleet_record(fixture->store, fixture->cluster, "m-S1", &record);
	assert_string_equal(view->id, "m-S1");
	assert_string_equal(view->hostname, "a");
	assert_string_equal(view->ip, "10.0.0.1");
	assert_int_equal(view->port, 5052);
	assert_string_equal(view->version, "1.11.0");
	assert_true(view->active);
	assert_true(view->deactivated);
	assert_true(view->attributes_complete);
	assert_true(view->registered_ns == given->registered_ns);
	assert_true(view->reregistered_ns == 1700000000123456789);
	assert_string_equal(record.region, "eu");
	assert_string_equal(record.zone, "1a");
	assert_int_equal(slaveinfo_diff(view->info, given->info), 0);
	assert_true(resources_equal(&view->total, &given->total));
	assert_true(resources_equal(&view->used, &given->used));
	assert_true(resources_scalar(&view->used, "cpus") == 1);
	assert_int_equal(record.first_seen_ms, 1000);
	assert_int_equal(record.changed_ms, 1000);
	assert_int_equal(record.gone_ms, 0);
	agent_record_clear(&record);
	fleet_record(fixture->store, fixture->cluster, "m-S3", &record);
	assert_null(record.region);
	assert_null(record.zone);
	agent_record_clear(&record);
}

static void test_unchanged_writes_nothing(void **state)
{
	struct fixture *fixture = *state;
	int64_t before, after;

	sync_now(fixture, 1000);
	before = ask(fixture, "SELECT total_changes()");
	sync_now(fixture, 2000);
	after = ask(fixture, "SELECT total_changes()");
	assert_int_equal(fixture->summary.unchanged, 3);
	assert_int_equal(fixture->summary.added + fixture->summary.changed + fixture->summary.gone, 0);
	assert_int_equal(after - before, 1); /* when the cluster was synced */
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents WHERE changed_ms = 1000"), 3);
}

/* Each thing a master can say of an agent makes it changed, and only it. */
static void test_changes_are_seen(void **state)
{
	struct fixture *fixture = *state;
	struct agent_view *view = &fixture->views[1];
	struct error err = ERROR_INIT;
	int64_t now_ms = 1000;

	sync_now(fixture, now_ms);
	for (int what = 0; what < 10; what++) {
		switch (what) {
		case 0:
			set(&view->hostname, "bb");
			break;
		case 1:
			set(&view->ip, "10.0.0.9");
			break;
		case 2:
			view->port = 5059;
			break;
		case 3:
			set(&view->version, "1.12.0");
			break;
		case 4:
			view->active = !view->active;
			break;
		case 5:
			view->deactivated = !view->deactivated;
			break;
		case 6:
			view->reregistered_ns = 5;
			break;
		case 7:
			set(&view->info->attributes[1]->text->value, "r3");
			break;
		case 8:
			assert_ok(resources_parse("cpus:0.001", NULL, &mesos_version_newest, &view->used, &err), &err);
			break;
		case 9:
			view->total.items[0]->scalar->value += 0.5;
			break;
		}
		sync_now(fixture, ++now_ms);
		assert_int_equal(fixture->summary.changed, 1);
		assert_int_equal(fixture->summary.unchanged, 2);
	}
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents WHERE changed_ms = 1010"), 1);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents WHERE agent_attribute('rack', info) = 'r1,r3'"), 1);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents WHERE agent_attribute('rack', info) = 'r1,r2'"), 0);
	assert_int_equal(ask(fixture, "SELECT first_seen_ms FROM agents WHERE id = 'm-S2'"), 1000);
}

static void test_gone_and_back(void **state)
{
	struct fixture *fixture = *state;
	struct agent_list list = {NULL, 0};
	struct agent_record record;

	sync_now(fixture, 1000);
	fixture->answer.agent_count = 2;
	sync_now(fixture, 2000);
	assert_int_equal(fixture->summary.gone, 1);
	assert_int_equal(fixture->summary.total, 2);
	assert_ok(agents_load(fixture->store, fixture->cluster, NULL, &list, &fixture->err), &fixture->err);
	assert_int_equal(list.count, 2);
	agent_list_clear(&list);
	fleet_record(fixture->store, fixture->cluster, "m-S3", &record);
	assert_int_equal(record.gone_ms, 2000);
	agent_record_clear(&record);
	sync_now(fixture, 3000);
	assert_int_equal(fixture->summary.gone, 0); /* it went once */
	fixture->answer.agent_count = 3;
	sync_now(fixture, 4000);
	assert_int_equal(fixture->summary.returned, 1);
	assert_int_equal(fixture->summary.added, 0);
	fleet_record(fixture->store, fixture->cluster, "m-S3", &record);
	assert_int_equal(record.gone_ms, 0);
	assert_int_equal(record.first_seen_ms, 1000);
	agent_record_clear(&record);
}

/* Whatever is wrong with one agent's part, nothing of the answer is taken. */
static void test_bad_answers_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	Mesos__SlaveInfo *info;

	sync_now(fixture, 1000);
	set(&fixture->views[0].hostname, "changed");
	set(&fixture->views[2].id, "m-S1");
	memset(&fixture->summary, 0xff, sizeof(fixture->summary));
	assert_int_equal(
		agents_sync(fixture->store, fixture->cluster, &fixture->answer, 2000, &fixture->summary, &fixture->err),
		-1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S1 twice");
	assert_true(fixture->summary.total == SIZE_MAX);
	set(&fixture->views[2].id, "m-S3");
	info = fixture->views[1].info;
	fixture->views[1].info = NULL;
	assert_int_equal(
		agents_sync(fixture->store, fixture->cluster, &fixture->answer, 2000, &fixture->summary, &fixture->err),
		-1);
	assert_error(&fixture->err, ERROR_CORRUPT, "no SlaveInfo for agent m-S2");
	fixture->views[1].info = info;
	assert_false(store_in_transaction(fixture->store));
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents WHERE hostname = 'changed'"), 0);
	assert_int_equal(ask(fixture, "SELECT max(synced_ms) FROM clusters"), 1000);
}

static void test_new_agent_listed_twice(void **state)
{
	struct fixture *fixture = *state;

	set(&fixture->views[2].id, "m-S1");
	assert_int_equal(
		agents_sync(fixture->store, fixture->cluster, &fixture->answer, 1000, &fixture->summary, &fixture->err),
		-1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S1 twice");
	assert_int_equal(ask(fixture, "SELECT count(*) FROM agents"), 0);
}

static void test_clusters_are_apart(void **state)
{
	struct fixture *fixture = *state;
	struct agent_list list = {NULL, 0};

	sync_now(fixture, 1000);
	fleet_sync(fixture->store, fixture->other, first, 1);
	assert_ok(agents_load(fixture->store, fixture->other, NULL, &list, &fixture->err), &fixture->err);
	assert_int_equal(list.count, 1);
	agent_list_clear(&list);
	assert_ok(agents_load(fixture->store, fixture->cluster, NULL, &list, &fixture->err), &fixture->err);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0].view.hostname, "a");
	assert_string_equal(list.items[2].view.hostname, "c");
	agent_list_clear(&list);
}

static void test_find(void **state)
{
	static const char *const names[] = {"m-S2", "b", "S2"};
	struct fixture *fixture = *state;
	struct agent_record record;

	assert_int_equal(agents_find(fixture->store, fixture->cluster, "m-S1", &record, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "rollcall inventory sync");
	sync_now(fixture, 1000);
	for (size_t i = 0; i < 3; i++) {
		fleet_record(fixture->store, fixture->cluster, names[i], &record);
		assert_string_equal(record.view.id, "m-S2");
		agent_record_clear(&record);
	}
	assert_int_equal(agents_find(fixture->store, fixture->cluster, "m-", &record, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE,
		     "could be 3 agents; say which by its ID: m-S1 (a), m-S2 (b), m-S3 (c)");
	assert_int_equal(agents_find(fixture->store, fixture->cluster, "", &record, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "no agent has the ID or hostname \"\"");
	assert_int_equal(agents_find(fixture->store, fixture->cluster, "%", &record, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "rollcall inventory list");
	/* The host registered anew: the old ID is gone, the hostname means the new one. */
	set(&fixture->views[1].id, "m-S20");
	sync_now(fixture, 2000);
	fleet_record(fixture->store, fixture->cluster, "b", &record);
	assert_string_equal(record.view.id, "m-S20");
	agent_record_clear(&record);
	fleet_record(fixture->store, fixture->cluster, "m-S2", &record);
	assert_string_equal(record.view.id, "m-S2");
	assert_int_equal(record.gone_ms, 2000);
	agent_record_clear(&record);
}

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

static void give_tasks(struct fixture *fixture, size_t count)
{
	fixture->answer.tasks = tasks;
	fixture->answer.task_count = count;
	fixture->answer.frameworks = frameworks;
	fixture->answer.framework_count = 2;
}

static void test_tasks(void **state)
{
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;
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
	assert_int_equal(ask(fixture, "SELECT count(*) FROM tasks"), 1);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM frameworks"), 2);
	fixture->answer.framework_count = 0;
	sync_now(fixture, 4000);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM frameworks"), 1); /* t1 still needs marathon's name */
	give_tasks(fixture, 0);
	fixture->answer.framework_count = 0;
	sync_now(fixture, 5000);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM tasks"), 0);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM frameworks"), 0);
}

static void test_facts(void **state)
{
	struct fixture *fixture = *state;
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
	struct fixture *fixture = *state;

	fleet_sync(fixture->store, fixture->cluster, &agent, 1);
	assert_int_equal(ask(fixture, "SELECT agent_resource('mem', '*', total) FROM agents"), 100);
	assert_int_equal(ask(fixture, "SELECT agent_resource('mem', 'web', total) FROM agents"), 57);
	assert_int_equal(ask(fixture, "SELECT agent_resource('mem', NULL, total) FROM agents"), 157);
	assert_int_equal(ask(fixture, "SELECT agent_resource('mem', 'web', used) FROM agents"), 60);
	assert_int_equal(ask(fixture, "SELECT agent_resource('gpus', NULL, used) FROM agents"), 1);
	assert_int_equal(ask(fixture, "SELECT agent_resource('gpus', NULL, total) FROM agents"), 0);
	assert_int_equal(ask(fixture, "SELECT agent_resource('ports', NULL, total) FROM agents"), 0);
	assert_int_equal(ask(fixture, "SELECT mem FROM agents"), 157);
	assert_int_equal(ask(fixture, "SELECT mem_used FROM agents"), 60);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_sync),
		TEST(test_record_is_complete),
		TEST(test_unchanged_writes_nothing),
		TEST(test_changes_are_seen),
		TEST(test_gone_and_back),
		TEST(test_bad_answers_change_nothing),
		TEST(test_new_agent_listed_twice),
		TEST(test_clusters_are_apart),
		TEST(test_find),
		TEST(test_tasks),
		TEST(test_tasks_follow_the_master),
		TEST(test_facts),
		TEST(test_resources_by_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
