/* SPDX-License-Identifier: Apache-2.0 */
/* The before-picture: who is fit for it, what it holds, and that it survives a restart of rollcall unchanged. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/driver/proof.h"

#define ID "agent-S1"

static Mesos__SlaveInfo *make_info(void)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", "rack:r1;rack:r2;weight:1.125;range:[1-3,7-9]");
	flags_set(&flags, "resources",
		  "cpus(web):0.333;cpus:4;mem:4096;disk:10000;ports:[31000-31005,31007-32000];set:{a,b}");
	flags_set(&flags, "domain", "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"eu-1a\"}}}");
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (!info)
		fail_msg("%s", err.text);
	slaveinfo_set_id(info, ID);
	flags_clear(&flags);
	return info;
}

struct fixture {
	struct plan_agent agent;
	struct master_snapshot *snapshot;
	struct before_picture before;
	struct error err;
};

static void add_task(struct fixture *fixture, const char *id, const char *framework, const char *task_state)
{
	struct master_snapshot *snapshot = fixture->snapshot;

	snapshot->tasks = xreallocarray(snapshot->tasks, snapshot->task_count + 1, sizeof *snapshot->tasks);
	snapshot->tasks[snapshot->task_count++] = (struct task_view){
		.id = xstrdup(id),
		.name = xstrdup("name"),
		.framework_id = xstrdup(framework),
		.executor_id = xstrdup(""),
		.agent_id = xstrdup(ID),
		.state = xstrdup(task_state),
		.reason = xstrdup(""),
	};
}

static void open_fixture(struct fixture *fixture)
{
	struct master_snapshot *snapshot = xcalloc(1, sizeof *snapshot);

	memset(fixture, 0, sizeof *fixture);
	fixture->snapshot = snapshot;
	fixture->agent.agent_id = xstrdup(ID);
	fixture->agent.hostname = xstrdup("host");
	fixture->agent.ip = xstrdup("10.0.0.1");
	fixture->agent.port = 5051;
	fixture->agent.mechanism = MECHANISM_RELAX;
	snapshot->master = xstrdup("http://master");
	snapshot->facts.id = xstrdup("M1");
	snapshot->agents = xcalloc(1, sizeof *snapshot->agents);
	snapshot->agents[snapshot->agent_count++] = (struct agent_view){
		.id = xstrdup(ID),
		.hostname = xstrdup("host"),
		.ip = xstrdup("10.0.0.1"),
		.port = 5051,
		.version = xstrdup("1.11.0"),
		.active = true,
		.attributes_complete = true,
		.registered_ns = INT64_C(1700000000123456789),
		.reregistered_ns = INT64_C(1700000001123456789),
		.info = make_info(),
	};
	snapshot->frameworks = xcalloc(2, sizeof *snapshot->frameworks);
	snapshot->frameworks[snapshot->framework_count++] = (struct framework_view){
		.id = xstrdup("F1"), .name = xstrdup("web"), .role = xstrdup("*"), .active = true, .checkpoint = true};
	snapshot->frameworks[snapshot->framework_count++] = (struct framework_view){
		.id = xstrdup("F2"), .name = xstrdup("batch"), .role = xstrdup("*"), .active = true};
	add_task(fixture, "T1", "F1", "TASK_RUNNING");
}

static void close_fixture(struct fixture *fixture)
{
	before_picture_clear(&fixture->before);
	plan_agent_clear(&fixture->agent);
	master_snapshot_free(fixture->snapshot);
}

static struct agent_view *view(struct fixture *fixture)
{
	return &fixture->snapshot->agents[0];
}

static int take(struct fixture *fixture)
{
	struct snapshot_index shown;
	int result;

	snapshot_index_init(&shown, fixture->snapshot);
	result = before_picture_take(&fixture->agent, &shown, &fixture->before, &fixture->err);
	snapshot_index_clear(&shown);
	return result;
}

static void expect_unfit(struct fixture *fixture, enum error_kind kind, const char *words)
{
	struct before_picture untouched = {.registered_ns = 42};

	fixture->before = untouched;
	assert_int_equal(take(fixture), -1);
	assert_error(&fixture->err, kind, words);
	assert_memory_equal(&fixture->before, &untouched, sizeof untouched);
	close_fixture(fixture);
}

/* ---- taking it */

static void test_it_holds_what_the_master_says(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	assert_ok(take(&fixture), &fixture.err);
	assert_int_equal(fixture.before.registered_ns, INT64_C(1700000000123456789));
	assert_int_equal(fixture.before.reregistered_ns, INT64_C(1700000001123456789));
	assert_true(fixture.before.active);
	assert_false(fixture.before.deactivated);
	assert_string_equal(fixture.before.master_id, "M1");
	assert_int_equal(slaveinfo_diff(fixture.before.info, view(&fixture)->info), 0);
	assert_int_equal(fixture.before.task_count, 1);
	assert_string_equal(fixture.before.tasks[0].id, "T1");
	assert_string_equal(fixture.before.tasks[0].framework_name, "web");
	assert_true(fixture.before.tasks[0].survives);
	close_fixture(&fixture);
}

/* Only what runs can survive; and only what runs here. */
static void test_only_running_tasks_of_this_agent(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	add_task(&fixture, "T2", "F1", "TASK_STAGING");
	add_task(&fixture, "T3", "F1", "TASK_UNREACHABLE");
	add_task(&fixture, "T4", "F1", "TASK_RUNNING");
	free(fixture.snapshot->tasks[3].agent_id);
	fixture.snapshot->tasks[3].agent_id = xstrdup("agent-S2");
	assert_ok(take(&fixture), &fixture.err);
	assert_int_equal(fixture.before.task_count, 1);
	close_fixture(&fixture);
}

static void test_what_may_pass_is_unreachable(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	free(fixture.agent.agent_id);
	fixture.agent.agent_id = xstrdup("agent-S2");
	expect_unfit(&fixture, ERROR_UNREACHABLE, "does not list it");

	open_fixture(&fixture);
	view(&fixture)->active = false;
	expect_unfit(&fixture, ERROR_UNREACHABLE, "not active");

	open_fixture(&fixture);
	view(&fixture)->attributes_complete = false;
	expect_unfit(&fixture, ERROR_UNREACHABLE, "GET_AGENTS");

	open_fixture(&fixture);
	slaveinfo_free(view(&fixture)->info);
	view(&fixture)->info = NULL;
	expect_unfit(&fixture, ERROR_UNREACHABLE, "GET_AGENTS");
}

static void test_another_address_is_refused(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	free(view(&fixture)->ip);
	view(&fixture)->ip = xstrdup("10.0.0.2");
	expect_unfit(&fixture, ERROR_REFUSED, "10.0.0.2");

	open_fixture(&fixture);
	free(view(&fixture)->hostname);
	view(&fixture)->hostname = xstrdup("other");
	expect_unfit(&fixture, ERROR_REFUSED, "plan again");

	/* Another port is nothing to the master. */
	open_fixture(&fixture);
	view(&fixture)->port = 5052;
	assert_ok(take(&fixture), &fixture.err);
	close_fixture(&fixture);
}

static void test_a_deactivated_agent_is_fit(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->active = false;
	view(&fixture)->deactivated = true;
	assert_ok(take(&fixture), &fixture.err);
	assert_false(fixture.before.active);
	assert_true(fixture.before.deactivated);
	close_fixture(&fixture);
}

static void test_a_loss_the_plan_did_not_show_is_refused(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	add_task(&fixture, "T2", "F2", "TASK_RUNNING");
	expect_unfit(&fixture, ERROR_REFUSED, "T2 of framework batch would die");

	/* A framework the master does not name may be on its way back. */
	open_fixture(&fixture);
	add_task(&fixture, "T2", "F9", "TASK_RUNNING");
	expect_unfit(&fixture, ERROR_UNREACHABLE, "framework F9 of task T2");
}

static void test_a_loss_the_plan_showed_is_accepted(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	add_task(&fixture, "T2", "F2", "TASK_RUNNING");
	fixture.agent.tasks = xcalloc(1, sizeof *fixture.agent.tasks);
	fixture.agent.tasks[fixture.agent.task_count++] =
		(struct plan_task){.id = xstrdup("T0"), .framework_id = xstrdup("F2"), .survives = false};
	assert_ok(take(&fixture), &fixture.err);
	assert_int_equal(fixture.before.task_count, 2);
	assert_true(fixture.before.tasks[0].survives);
	assert_false(fixture.before.tasks[1].survives);
	close_fixture(&fixture);

	/* Discarding ends every task, and says so. */
	open_fixture(&fixture);
	add_task(&fixture, "T2", "F2", "TASK_RUNNING");
	fixture.agent.mechanism = MECHANISM_DISCARD;
	assert_ok(take(&fixture), &fixture.err);
	assert_false(fixture.before.tasks[0].survives);
	assert_false(fixture.before.tasks[1].survives);
	close_fixture(&fixture);
}

/* A host where stopping the agent ends its executors: that the framework checkpoints saves nothing there. */
static void test_a_loss_the_plan_showed_may_be_the_hosts(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	fixture.agent.tasks = xcalloc(1, sizeof *fixture.agent.tasks);
	fixture.agent.tasks[fixture.agent.task_count++] =
		(struct plan_task){.id = xstrdup("T1"), .framework_id = xstrdup("F1"), .survives = false};
	assert_ok(take(&fixture), &fixture.err);
	assert_int_equal(fixture.before.task_count, 1);
	assert_false(fixture.before.tasks[0].survives);
	close_fixture(&fixture);
}

/* ---- keeping it */

static char *written(const struct before_picture *before)
{
	json_t *document = before_picture_to_json(before);
	char *text;

	assert_non_null(document);
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	return text;
}

static void test_it_comes_back_as_it_was_written(void **state)
{
	struct before_picture again = {0};
	struct fixture fixture;
	char *text, *text_again;

	(void)state;
	open_fixture(&fixture);
	add_task(&fixture, "T2 \"quoted\"", "F1", "TASK_RUNNING");
	free(fixture.snapshot->facts.id);
	fixture.snapshot->facts.id = NULL;
	assert_ok(take(&fixture), &fixture.err);
	text = written(&fixture.before);
	assert_ok(before_picture_from_json(text, &again, &fixture.err), &fixture.err);
	text_again = written(&again);
	assert_string_equal(text, text_again);
	assert_int_equal(again.reregistered_ns, fixture.before.reregistered_ns);
	assert_int_equal(slaveinfo_diff(again.info, fixture.before.info), 0);
	assert_string_equal(slaveinfo_id(again.info), ID);
	assert_int_equal(again.info->n_attributes, 4);
	assert_int_equal(again.task_count, 2);
	assert_true(again.tasks[1].survives);
	free(text);
	free(text_again);
	before_picture_clear(&again);
	close_fixture(&fixture);
}

static void test_what_is_no_picture_is_an_error(void **state)
{
	static const char task_without_framework[] =
		"{\"registered_ns\":1,\"reregistered_ns\":1,\"slave_info\":{\"hostname\":\"h\"},\"tasks\":[{\"id\":\"T\"}]}";
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"registered_ns\":1}",
		"{\"registered_ns\":\"1\",\"reregistered_ns\":1,\"slave_info\":{\"hostname\":\"h\"},\"tasks\":[]}",
		"{\"registered_ns\":1,\"reregistered_ns\":1,\"tasks\":[]}",
		task_without_framework,
		"{\"registered_ns\":1,\"reregistered_ns\":1,\"slave_info\":{\"hostname\":\"h\"},\"tasks\":[7]}",
	};
	struct before_picture out = {.registered_ns = 42};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct error err = ERROR_INIT;

		if (before_picture_from_json(bad[i], &out, &err) == 0)
			fail_msg("was taken for a before-picture: %s", bad[i]);
		assert_int_not_equal(err.kind, ERROR_NONE);
		assert_int_equal(out.registered_ns, 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_holds_what_the_master_says),
		cmocka_unit_test(test_only_running_tasks_of_this_agent),
		cmocka_unit_test(test_what_may_pass_is_unreachable),
		cmocka_unit_test(test_another_address_is_refused),
		cmocka_unit_test(test_a_deactivated_agent_is_fit),
		cmocka_unit_test(test_a_loss_the_plan_did_not_show_is_refused),
		cmocka_unit_test(test_a_loss_the_plan_showed_is_accepted),
		cmocka_unit_test(test_a_loss_the_plan_showed_may_be_the_hosts),
		cmocka_unit_test(test_it_comes_back_as_it_was_written),
		cmocka_unit_test(test_what_is_no_picture_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
