/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the database in line with a master's answer, and reading it back. */
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/sync_fixture.h"

static void set(char **text, const char *to)
{
	free(*text);
	*text = xstrdup(to);
}

static void test_first_sync(void **state)
{
	struct sync_fixture *fixture = *state;
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
	assert_int_equal(
		sync_ask(fixture, "SELECT count(*) FROM agents WHERE agent_attributes(info) = 'rack:r1; rack:r2'"), 1);
	assert_false(store_in_transaction(fixture->store));
}

/* What comes out of the database is what the master said. */
static void test_record_is_complete(void **state)
{
	struct sync_fixture *fixture = *state;
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
	struct sync_fixture *fixture = *state;
	int64_t before, after;

	sync_now(fixture, 1000);
	before = sync_ask(fixture, "SELECT total_changes()");
	sync_now(fixture, 2000);
	after = sync_ask(fixture, "SELECT total_changes()");
	assert_int_equal(fixture->summary.unchanged, 3);
	assert_int_equal(fixture->summary.added + fixture->summary.changed + fixture->summary.gone, 0);
	assert_int_equal(after - before, 1); /* when the cluster was synced */
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agents WHERE changed_ms = 1000"), 3);
}

static void change_hostname(struct agent_view *view)
{
	set(&view->hostname, "bb");
}

static void change_ip(struct agent_view *view)
{
	set(&view->ip, "10.0.0.9");
}

static void change_port(struct agent_view *view)
{
	view->port = 5059;
}

static void change_version(struct agent_view *view)
{
	set(&view->version, "1.12.0");
}

static void change_active(struct agent_view *view)
{
	view->active = !view->active;
}

static void change_deactivated(struct agent_view *view)
{
	view->deactivated = !view->deactivated;
}

static void change_reregistered(struct agent_view *view)
{
	view->reregistered_ns = 5;
}

static void change_attribute(struct agent_view *view)
{
	set(&view->info->attributes[1]->text->value, "r3");
}

static void change_total(struct agent_view *view)
{
	view->total.items[0]->scalar->value += 0.5;
}

/* Each thing a master can say of an agent makes it changed, and only it. */
static void test_changes_are_seen(void **state)
{
	static void (*const changes[])(struct agent_view *) = {
		change_hostname,    change_ip,           change_port,      change_version, change_active,
		change_deactivated, change_reregistered, change_attribute, change_total,
	};
	struct sync_fixture *fixture = *state;
	int64_t now_ms = 1000;

	sync_now(fixture, now_ms);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		changes[i](&fixture->views[1]);
		sync_now(fixture, ++now_ms);
		assert_int_equal(fixture->summary.changed, 1);
		assert_int_equal(fixture->summary.unchanged, 2);
	}
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agents WHERE changed_ms = 1009"), 1);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agents WHERE agent_attribute('rack', info) = 'r1,r3'"),
			 1);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agents WHERE agent_attribute('rack', info) = 'r1,r2'"),
			 0);
	assert_int_equal(sync_ask(fixture, "SELECT first_seen_ms FROM agents WHERE id = 'm-S2'"), 1000);
}

/* Tasks come and go all day: what they use is written, and is no change of the agent. */
static void test_what_is_used_is_no_change(void **state)
{
	struct sync_fixture *fixture = *state;
	struct resources *used = &fixture->views[1].used;

	sync_now(fixture, 1000);
	assert_ok(resources_parse("cpus:0.5", NULL, &mesos_version_newest, used, &fixture->err), &fixture->err);
	sync_now(fixture, 2000);
	assert_int_equal(fixture->summary.changed, 0);
	assert_int_equal(fixture->summary.unchanged, 3);
	assert_int_equal(sync_ask(fixture, "SELECT changed_ms FROM agents WHERE id = 'm-S2'"), 1000);
	assert_int_equal(sync_ask(fixture, "SELECT cpus_used * 10 FROM agents WHERE id = 'm-S2'"), 5);
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agent_states"), 0);
	change_port(&fixture->views[1]);
	sync_now(fixture, 3000);
	assert_int_equal(fixture->summary.changed, 1);
}

static void test_gone_and_back(void **state)
{
	struct sync_fixture *fixture = *state;
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
	struct sync_fixture *fixture = *state;
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
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agents WHERE hostname = 'changed'"), 0);
	assert_int_equal(sync_ask(fixture, "SELECT max(synced_ms) FROM clusters"), 1000);
}

static void test_new_agent_listed_twice(void **state)
{
	struct sync_fixture *fixture = *state;

	set(&fixture->views[2].id, "m-S1");
	assert_int_equal(
		agents_sync(fixture->store, fixture->cluster, &fixture->answer, 1000, &fixture->summary, &fixture->err),
		-1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S1 twice");
	assert_int_equal(sync_ask(fixture, "SELECT count(*) FROM agents"), 0);
}

static void test_clusters_are_apart(void **state)
{
	struct sync_fixture *fixture = *state;
	static const struct fleet_agent alone = {.id = "m-S1", .hostname = "a"};
	struct agent_list list = {NULL, 0};

	sync_now(fixture, 1000);
	fleet_sync(fixture->store, fixture->other, &alone, 1);
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
	struct sync_fixture *fixture = *state;
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, sync_setup, sync_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_sync),
		TEST(test_record_is_complete),
		TEST(test_unchanged_writes_nothing),
		TEST(test_changes_are_seen),
		TEST(test_what_is_used_is_no_change),
		TEST(test_gone_and_back),
		TEST(test_bad_answers_change_nothing),
		TEST(test_new_agent_listed_twice),
		TEST(test_clusters_are_apart),
		TEST(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
