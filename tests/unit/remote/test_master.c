/* SPDX-License-Identifier: Apache-2.0 */
/* What a master that answers well is understood to say, whichever way it is asked. */
#include "remote/master.h"

#include "base/clock.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake_master.h"

#define NODE1 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S1"
#define NODE2 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S2"
#define NODE3 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S0"

static struct master_snapshot *must_ask(struct fake_masters *f, enum fake_behaviour behaviour, unsigned want)
{
	struct error err = ERROR_INIT;
	struct master_snapshot *snapshot = fake_masters_ask(f, behaviour, want, &err);
	if (snapshot == NULL)
		fail_msg("%s", err.text);
	return snapshot;
}

/* ---- agents */

static void assert_texts(const struct resources *a, const struct resources *b)
{
	if (!resources_equal(a, b)) {
		struct buffer left = BUFFER_INIT(4096), right = BUFFER_INIT(4096);
		resources_to_text(a, &left);
		resources_to_text(b, &right);
		fail_msg("\"%s\" is not \"%s\"", buffer_text(&left), buffer_text(&right));
	}
}

static void assert_same_agent(const struct agent_view *a, const struct agent_view *b, unsigned may_differ)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->hostname, b->hostname);
	assert_string_equal(a->ip, b->ip);
	assert_int_equal(a->port, b->port);
	assert_string_equal(a->version, b->version);
	assert_int_equal(a->active, b->active);
	assert_int_equal(a->deactivated, b->deactivated);
	assert_true(a->registered_ns == b->registered_ns);
	assert_true(a->reregistered_ns == b->reregistered_ns);
	assert_int_equal(slaveinfo_diff(a->info, b->info) & ~may_differ, 0);
	assert_texts(&a->total, &b->total);
	assert_texts(&a->used, &b->used);
}

/* What the captured answers are known to say. */
static void assert_fixture(const struct master_snapshot *snapshot)
{
	assert_int_equal(snapshot->agent_count, 3);
	const struct agent_view *one = master_snapshot_agent(snapshot, NODE1);
	const struct agent_view *three = master_snapshot_agent(snapshot, NODE3);
	assert_non_null(one);
	assert_non_null(three);
	assert_null(master_snapshot_agent(snapshot, "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S9"));
	assert_string_equal(one->hostname, "node1.example.com");
	assert_string_equal(one->ip, "127.0.0.1");
	assert_int_equal(one->port, 15051);
	assert_string_equal(one->version, "1.12.0");
	assert_true(one->active);
	assert_false(one->deactivated);
	assert_true(one->registered_ns == INT64_C(1795416837257605120));
	assert_true(one->reregistered_ns == 0);
	assert_true(resources_scalar(&one->total, "mem") == 4608);
	assert_true(resources_scalar(&one->used, "cpus") == 0.5);
	assert_string_equal(one->info->domain->fault_domain->zone->name, "eu-1a");
	assert_true(three->deactivated);
	assert_false(three->active);
}

static void test_protobuf_and_json_say_the_same(void **state)
{
	static const enum fake_behaviour others[] = {NO_PROTOBUF_406, NO_PROTOBUF_415, NO_PROTOBUF_400, JSON_ANYWAY};
	struct master_snapshot *first = must_ask(*state, NORMAL, WANT_AGENTS);
	assert_fixture(first);
	assert_int_equal(master_snapshot_agent(first, NODE1)->info->n_attributes, 5);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct master_snapshot *second = must_ask(*state, others[i], WANT_AGENTS);
		assert_fixture(second);
		for (size_t j = 0; j < 3; j++) {
			assert_same_agent(&first->agents[j], &second->agents[j], 0);
			assert_true(second->agents[j].attributes_complete);
		}
		master_snapshot_free(second);
	}
	master_snapshot_free(first);
	master_snapshot_free(NULL);
}

/* /slaves hides one of two attributes with one name on node1; what the agents registered with is worked out. */
static void test_slaves_say_the_same(void **state)
{
	struct master_snapshot *first = must_ask(*state, NORMAL, WANT_AGENTS);
	struct master_snapshot *second = must_ask(*state, NO_API, WANT_AGENTS);
	assert_fixture(second);
	for (size_t i = 0; i < 3; i++) {
		bool double_name = strcmp(first->agents[i].id, NODE1) == 0;
		assert_same_agent(&first->agents[i], &second->agents[i], double_name ? PART_ATTRIBUTES : 0);
		assert_false(second->agents[i].attributes_complete);
	}
	const Mesos__SlaveInfo *info = master_snapshot_agent(second, NODE1)->info;
	assert_int_equal(info->n_attributes, 4);
	for (size_t i = 0; i < info->n_attributes; i++) {
		const Mesos__Attribute *attribute = info->attributes[i];
		if (strcmp(attribute->name, "keys") == 0)
			assert_int_equal(attribute->ranges->range[1]->end, 40);
		if (strcmp(attribute->name, "level") == 0)
			assert_true(attribute->scalar->value == 4.5);
	}
	/* Two of node2's resources are reserved dynamically: its agent did not say so. */
	assert_int_equal(master_snapshot_agent(second, NODE2)->info->n_resources, 6);
	master_snapshot_free(first);
	master_snapshot_free(second);
}

/* ---- tasks and facts */

static const struct framework_view *framework_of(const struct master_snapshot *snapshot, const char *suffix)
{
	for (size_t i = 0; i < snapshot->framework_count; i++) {
		const char *id = snapshot->frameworks[i].id;
		if (strcmp(id + strlen(id) - strlen(suffix), suffix) == 0)
			return &snapshot->frameworks[i];
	}
	return NULL;
}

static void assert_tasks(const struct master_snapshot *snapshot)
{
	size_t running = 0, on_two = 0;
	assert_int_equal(snapshot->framework_count, 4);
	assert_int_equal(snapshot->task_count, 4);
	assert_int_equal(snapshot->completed_count, 0);
	for (size_t i = 0; i < snapshot->task_count; i++) {
		running += strcmp(snapshot->tasks[i].state, "TASK_RUNNING") == 0;
		on_two += strcmp(snapshot->tasks[i].agent_id, NODE2) == 0;
		assert_string_equal(snapshot->tasks[i].name, snapshot->tasks[i].id);
		assert_string_equal(snapshot->tasks[i].executor_id, "");
		assert_string_equal(snapshot->tasks[i].reason, "");
	}
	assert_int_equal(running, 4);
	assert_int_equal(on_two, 2);
	assert_true(framework_of(snapshot, "-0000")->checkpoint);
	assert_false(framework_of(snapshot, "-0002")->checkpoint);
	assert_true(framework_of(snapshot, "-0002")->active);
	assert_true(framework_of(snapshot, "-0002")->partition_aware);
	assert_string_equal(framework_of(snapshot, "-0002")->role, "*");
	assert_string_equal(framework_of(snapshot, "-0002")->name, "mesos-execute instance");
	assert_string_equal(snapshot->facts.id, "8f2ece77-393b-4ca8-b8c1-0914a9839fd8");
}

static void test_tasks(void **state)
{
	static const enum fake_behaviour behaviours[] = {NORMAL, NO_PROTOBUF_406, JSON_ANYWAY, NO_API};
	for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
		struct master_snapshot *snapshot = must_ask(*state, behaviours[i], WANT_TASKS);
		assert_tasks(snapshot);
		assert_int_equal(snapshot->agent_count, 0);
		master_snapshot_free(snapshot);
	}
}

static void assert_facts(const struct master_facts *facts, bool with_flags)
{
	assert_string_equal(facts->version, "1.12.0");
	assert_string_equal(facts->id, "8f2ece77-393b-4ca8-b8c1-0914a9839fd8");
	assert_string_equal(facts->cluster, with_flags ? "fixture" : "");
	assert_true(facts->agent_update);
	assert_true(facts->has_domain);
	assert_string_equal(facts->region, "eu");
	assert_string_equal(facts->zone, "eu-1m");
	assert_true(facts->elected_ns / 1000000 == INT64_C(1795416805335));
	assert_int_equal(facts->agent_ping_timeout_ms, with_flags ? 15000 : 0);
	assert_int_equal(facts->max_agent_ping_timeouts, with_flags ? 5 : 0);
	assert_int_equal(facts->agent_reregister_timeout_ms, with_flags ? 600000 : 0);
	assert_false(facts->require_agent_domain);
}

static void test_facts(void **state)
{
	static const enum fake_behaviour behaviours[] = {
		NORMAL, NO_PROTOBUF_415, JSON_ANYWAY, NO_API, NO_API_AND_NO_FLAGS_IN_STATE, NO_FLAGS_AT_ALL};
	for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
		struct master_snapshot *snapshot = must_ask(*state, behaviours[i], WANT_FACTS);
		assert_facts(&snapshot->facts, behaviours[i] != NO_FLAGS_AT_ALL);
		assert_int_equal(snapshot->task_count, 0);
		master_snapshot_free(snapshot);
	}
}

static void test_everything_at_once(void **state)
{
	struct fake_masters *f = *state;
	int64_t before = clock_monotonic_ms();
	struct master_snapshot *snapshot = must_ask(f, NORMAL, WANT_AGENTS | WANT_TASKS | WANT_FACTS);
	assert_fixture(snapshot);
	assert_tasks(snapshot);
	assert_facts(&snapshot->facts, true);
	assert_string_equal(snapshot->master, f->fakes[0].server.url);
	assert_true(before <= snapshot->asked_ms && snapshot->asked_ms <= snapshot->answered_ms);
	assert_true(snapshot->answered_ms <= clock_monotonic_ms());
	master_snapshot_free(snapshot);
}

/* ---- the source's own business */

static void test_events_carry_their_tags(void **state)
{
	struct fake_masters *f = *state;
	struct master_event event;
	unsigned seen = 0;
	f->fakes[0].behaviour = NORMAL;
	struct master_source *source = fake_masters_source(f, 1, 20000);
	for (uint64_t tag = 0; tag < 5; tag++)
		master_ask(source, tag % 2 == 0 ? WANT_AGENTS : WANT_TASKS, tag);
	assert_false(master_next(source, &event));
	while (seen != 31) {
		loop_wait(f->loop, 1000);
		while (master_next(source, &event)) {
			assert_non_null(event.snapshot);
			assert_int_equal(event.snapshot->agent_count, event.tag % 2 == 0 ? 3 : 0);
			assert_false(seen & (1u << event.tag));
			seen |= 1u << event.tag;
			master_snapshot_free(event.snapshot);
		}
	}
	master_ask(source, WANT_AGENTS, 9);
	master_ask(source, WANT_FACTS, 10);
	loop_wait(f->loop, 5);
	master_source_free(source); /* with questions under way, or answered and not taken */
	loop_wait(f->loop, 5);
	master_source_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protobuf_and_json_say_the_same),
		cmocka_unit_test(test_slaves_say_the_same),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_everything_at_once),
		cmocka_unit_test(test_events_carry_their_tags),
	};
	return cmocka_run_group_tests(tests, fake_masters_set_up, fake_masters_tear_down);
}
