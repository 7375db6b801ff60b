/* SPDX-License-Identifier: Apache-2.0 */
/* The proof: what is needed for a pass, line by line, and what is only not there yet. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/driver/proof.h"

#define ID    "agent-S1"
#define EARLY 1000 /* reregistered_time before the restart */
#define LATE  2000 /* and after */

static Mesos__SlaveInfo *make_info(const char *attributes, const char *id)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", "cpus:4;mem:4096;disk:10000;ports:[31000-32000]");
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (!info)
		fail_msg("%s", err.text);
	slaveinfo_set_id(info, id);
	flags_clear(&flags);
	return info;
}

/* ---- an agent that came back as planned, in every respect */

struct fixture {
	struct plan_agent agent;
	struct before_picture before;
	struct answer started;
	struct master_snapshot snapshot;
	bool reverted;
	json_t *document;
	char *reason;
};

static void add_task(struct plan_task **tasks, size_t *count, const char *id, bool survives)
{
	*tasks = xreallocarray(*tasks, *count + 1, sizeof **tasks);
	(*tasks)[(*count)++] = (struct plan_task){.id = xstrdup(id),
						  .framework_id = xstrdup("F1"),
						  .framework_name = xstrdup("web"),
						  .survives = survives};
}

static void add_task_view(struct task_view **tasks, size_t *count, const char *id, const char *state,
			  const char *reason)
{
	*tasks = xreallocarray(*tasks, *count + 1, sizeof **tasks);
	(*tasks)[(*count)++] = (struct task_view){
		.id = xstrdup(id),
		.name = xstrdup(""),
		.framework_id = xstrdup("F1"),
		.executor_id = xstrdup(""),
		.agent_id = xstrdup(ID),
		.state = xstrdup(state),
		.reason = xstrdup(reason),
	};
}

static void fill_agent(struct plan_agent *agent)
{
	agent->agent_id = xstrdup(ID);
	agent->hostname = xstrdup("host");
	agent->ip = xstrdup("10.0.0.1");
	agent->port = 5051;
	agent->mechanism = MECHANISM_RELAX;
	agent->before = make_info("rack:old", ID);
	agent->after = make_info("rack:new", ID);
	agent->edits = xcalloc(2, sizeof *agent->edits);
	agent->edits[0] = (struct flag_edit){.name = xstrdup("attributes"), .value = xstrdup("rack:new")};
	agent->edits[1] = (struct flag_edit){.name = xstrdup("strict"), .value = NULL};
	agent->edit_count = 2;
	flags_set(&agent->before_flags, "attributes", "rack:old");
	flags_set(&agent->before_flags, "strict", "true");
}

static struct agent_view make_view(const char *id, const char *attributes)
{
	return (struct agent_view){
		.id = xstrdup(id),
		.hostname = xstrdup("host"),
		.ip = xstrdup("10.0.0.1"),
		.port = 5051,
		.version = xstrdup("1.11.0"),
		.active = true,
		.attributes_complete = true,
		.registered_ns = 500,
		.reregistered_ns = LATE,
		.info = make_info(attributes, id),
	};
}

static void open_fixture(struct fixture *fixture)
{
	memset(fixture, 0, sizeof *fixture);
	fill_agent(&fixture->agent);
	fixture->before = (struct before_picture){.registered_ns = 500,
						  .reregistered_ns = EARLY,
						  .active = true,
						  .master_id = xstrdup("M1"),
						  .info = make_info("rack:old", ID)};
	add_task(&fixture->before.tasks, &fixture->before.task_count, "T1", true);
	fixture->started = (struct answer){.pid = 4711,
					   .start_ticks = 99,
					   .away_ms = 3000,
					   .restarted = true,
					   .boot_id = xstrdup("boot"),
					   .info = make_info("rack:new", ID)};
	flags_set(&fixture->started.flags, "attributes", "rack:new");
	fixture->snapshot.master = xstrdup("http://master");
	fixture->snapshot.facts.id = xstrdup("M1");
	fixture->snapshot.agents = xcalloc(2, sizeof *fixture->snapshot.agents);
	fixture->snapshot.agents[0] = make_view(ID, "rack:new");
	fixture->snapshot.agent_count = 1;
	add_task_view(&fixture->snapshot.tasks, &fixture->snapshot.task_count, "T1", "TASK_RUNNING", "");
}

/* The same agent, after its operation was undone. */
static void revert(struct fixture *fixture)
{
	fixture->reverted = true;
	flags_set(&fixture->started.flags, "attributes", "rack:old");
	flags_set(&fixture->started.flags, "strict", "true");
	slaveinfo_free(fixture->started.info);
	fixture->started.info = make_info("rack:old", ID);
	slaveinfo_free(fixture->snapshot.agents[0].info);
	fixture->snapshot.agents[0].info = make_info("rack:old", ID);
}

static void clear_snapshot(struct master_snapshot *snapshot)
{
	struct master_snapshot *heap = xcalloc(1, sizeof *heap);

	*heap = *snapshot;
	master_snapshot_free(heap);
}

static void forget_result(struct fixture *fixture)
{
	json_decref(fixture->document);
	free(fixture->reason);
	fixture->document = NULL;
	fixture->reason = NULL;
}

static void close_fixture(struct fixture *fixture)
{
	forget_result(fixture);
	plan_agent_clear(&fixture->agent);
	before_picture_clear(&fixture->before);
	answer_clear(&fixture->started);
	clear_snapshot(&fixture->snapshot);
}

static struct agent_view *view(struct fixture *fixture)
{
	return &fixture->snapshot.agents[0];
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static enum proof_result judged(struct fixture *fixture)
{
	forget_result(fixture);
	return proof_judge(&fixture->agent, &fixture->before, &fixture->started, fixture->reverted, &fixture->snapshot,
			   &fixture->document, &fixture->reason);
}

/* Judges; the reason must hold the words. Closes the fixture. */
static void expect(struct fixture *fixture, enum proof_result result, const char *words)
{
	assert_int_equal(judged(fixture), result);
	if (words)
		assert_text_has(fixture->reason, words);
	else
		assert_null(fixture->reason);
	close_fixture(fixture);
}

static const json_t *line(const struct fixture *fixture, const char *what)
{
	const json_t *lines = json_object_get(fixture->document, "lines");

	for (size_t i = 0; i < json_array_size(lines); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(lines, i), "what")), what) == 0)
			return json_array_get(lines, i);
	return NULL;
}

static size_t count_tasks(const struct fixture *fixture, const char *kind)
{
	return json_array_size(json_object_get(json_object_get(fixture->document, "tasks"), kind));
}

/* ---- as planned */

static void test_everything_as_planned_passes(void **state)
{
	static const char *const lines[] = {"id",          "reregistered_time", "active",
					    "deactivated", "slave_info",        "checkpoint",
					    "process",     "flag attributes",   "flag strict"};
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	assert_int_equal(judged(&fixture), PROOF_PASS);
	assert_null(fixture.reason);
	assert_string_equal(json_string_value(json_object_get(fixture.document, "result")), "pass");
	assert_string_equal(json_string_value(json_object_get(fixture.document, "of")), "the planned state");
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_non_null(line(&fixture, lines[i]));
		assert_true(json_is_true(json_object_get(line(&fixture, lines[i]), "ok")));
	}
	assert_int_equal(json_array_size(json_object_get(fixture.document, "lines")), sizeof lines / sizeof lines[0]);
	assert_int_equal(count_tasks(&fixture, "survived"), 1);
	close_fixture(&fixture);
}

static void test_not_listed_is_not_yet(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	agent_view_clear(view(&fixture));
	fixture.snapshot.agent_count = 0;
	assert_int_equal(judged(&fixture), PROOF_NOT_YET);
	assert_string_equal(json_string_value(json_object_get(fixture.document, "result")), "incomplete");
	expect(&fixture, PROOF_NOT_YET, "does not list it");
}

static void test_an_old_registration_proves_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->reregistered_ns = EARLY;
	assert_int_equal(judged(&fixture), PROOF_NOT_YET);
	/* The record is the one of before: what it says of the SlaveInfo is no line of the proof. */
	assert_null(line(&fixture, "slave_info"));
	expect(&fixture, PROOF_NOT_YET, "has not reregistered");

	/* An agent that the master knows only as registered, never as reregistered. */
	open_fixture(&fixture);
	fixture.before.reregistered_ns = 0;
	view(&fixture)->reregistered_ns = 0;
	expect(&fixture, PROOF_NOT_YET, "has not reregistered");
}

/* Once unreachable, both times are new. */
static void test_a_new_registered_time_does_not_matter(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->registered_ns = LATE;
	expect(&fixture, PROOF_PASS, NULL);
}

static void test_inactive_is_not_yet(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->active = false;
	expect(&fixture, PROOF_NOT_YET, "not active");
}

static void test_deactivated_stays_deactivated(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	fixture.before.active = view(&fixture)->active = false;
	fixture.before.deactivated = view(&fixture)->deactivated = true;
	expect(&fixture, PROOF_PASS, NULL);

	open_fixture(&fixture);
	view(&fixture)->active = false;
	view(&fixture)->deactivated = true;
	expect(&fixture, PROOF_FAIL, "it is deactivated, and was not before");

	open_fixture(&fixture);
	fixture.before.active = false;
	fixture.before.deactivated = true;
	expect(&fixture, PROOF_FAIL, "no longer deactivated");
}

static void test_the_masters_record_must_be_as_planned(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	slaveinfo_free(view(&fixture)->info);
	view(&fixture)->info = make_info("rack:old", ID);
	assert_int_equal(judged(&fixture), PROOF_FAIL);
	assert_true(json_is_false(json_object_get(line(&fixture, "slave_info"), "ok")));
	expect(&fixture, PROOF_FAIL, "the master's SlaveInfo is not as planned: attributes");

	/* With another master the old process may have reregistered: its record is replaced when the new one does. */
	open_fixture(&fixture);
	slaveinfo_free(view(&fixture)->info);
	view(&fixture)->info = make_info("rack:old", ID);
	set_text(&fixture.snapshot.facts.id, "M2");
	expect(&fixture, PROOF_NOT_YET, "not as planned");
}

static void test_slaves_alone_proves_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->attributes_complete = false;
	expect(&fixture, PROOF_NOT_YET, "GET_AGENTS");

	open_fixture(&fixture);
	slaveinfo_free(view(&fixture)->info);
	view(&fixture)->info = NULL;
	expect(&fixture, PROOF_NOT_YET, "GET_AGENTS");
}

static void test_the_checkpoint_must_be_as_planned(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = make_info("rack:old", ID);
	expect(&fixture, PROOF_FAIL, "the checkpoint on disk is not as planned: attributes");

	open_fixture(&fixture);
	slaveinfo_set_id(fixture.started.info, "agent-S2");
	expect(&fixture, PROOF_FAIL, "agent-S2");

	open_fixture(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = NULL;
	expect(&fixture, PROOF_NOT_YET, "did not say what the checkpoint");
}

static void test_a_process_is_needed(void **state)
{
	struct fixture fixture;

	(void)state;
	for (int reverted = 0; reverted <= 1; reverted++) {
		open_fixture(&fixture);
		if (reverted)
			revert(&fixture);
		fixture.started.pid = 0;
		expect(&fixture, PROOF_FAIL, "no process");
	}
}

static void test_the_process_runs_with_the_planned_flags(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	flags_set(&fixture.started.flags, "attributes", "rack:old");
	expect(&fixture, PROOF_FAIL, "attributes=rack:old, not as planned");

	open_fixture(&fixture);
	flags_remove(&fixture.started.flags, "attributes");
	expect(&fixture, PROOF_FAIL, "attributes unset");

	/* One that had to go. */
	open_fixture(&fixture);
	flags_set(&fixture.started.flags, "strict", "true");
	expect(&fixture, PROOF_FAIL, "strict=true");

	/* Flags that the plan does not name are the host's own. */
	open_fixture(&fixture);
	flags_set(&fixture.started.flags, "quiet", "true");
	expect(&fixture, PROOF_PASS, NULL);
}

static void test_a_secret_is_only_there_or_not(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	set_text(&fixture.agent.edits[1].name, "credential");
	fixture.agent.edits[1].value = xstrdup("file:///etc/new");
	expect(&fixture, PROOF_FAIL, "credential unset");

	open_fixture(&fixture);
	set_text(&fixture.agent.edits[1].name, "credential");
	fixture.agent.edits[1].value = xstrdup("file:///etc/new");
	flags_set(&fixture.started.flags, "credential", "<redacted>");
	assert_int_equal(judged(&fixture), PROOF_PASS);
	assert_string_equal(json_string_value(json_object_get(line(&fixture, "flag credential"), "planned")),
			    "<redacted>");
	close_fixture(&fixture);

	/* What was there before is not kept, so an undo cannot be judged by it. */
	open_fixture(&fixture);
	revert(&fixture);
	set_text(&fixture.agent.edits[1].name, "credential");
	flags_set(&fixture.started.flags, "credential", "<redacted>");
	expect(&fixture, PROOF_PASS, NULL);
}

/* ---- another ID */

static void add_other(struct fixture *fixture, const char *id)
{
	fixture->snapshot.agents[fixture->snapshot.agent_count++] = make_view(id, "rack:new");
}

static void test_a_new_id_fails(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->active = false;
	view(&fixture)->reregistered_ns = EARLY;
	add_other(&fixture, "agent-S9");
	/* Its task is still listed under the old ID, and nobody runs it any more. */
	assert_int_equal(judged(&fixture), PROOF_FAIL);
	assert_int_equal(count_tasks(&fixture, "killed"), 1);
	expect(&fixture, PROOF_FAIL, "new ID, agent-S9");

	/* The master has forgotten the old one already. */
	open_fixture(&fixture);
	set_text(&view(&fixture)->id, "agent-S9");
	assert_int_equal(judged(&fixture), PROOF_FAIL);
	assert_int_equal(count_tasks(&fixture, "killed"), 1);
	assert_int_equal(count_tasks(&fixture, "survived"), 0);
	assert_string_equal(json_string_value(json_object_get(line(&fixture, "id"), "found")), "agent-S9");
	expect(&fixture, PROOF_FAIL, "new ID, agent-S9");
}

static void test_a_neighbour_is_no_successor(void **state)
{
	struct fixture fixture;

	(void)state;
	/* Another agent on the same host, at another port. */
	open_fixture(&fixture);
	view(&fixture)->active = false;
	add_other(&fixture, "agent-S9");
	fixture.snapshot.agents[1].port = 5052;
	expect(&fixture, PROOF_NOT_YET, "not active");

	/* One that is no longer there. */
	open_fixture(&fixture);
	view(&fixture)->active = false;
	add_other(&fixture, "agent-S9");
	fixture.snapshot.agents[1].active = false;
	expect(&fixture, PROOF_NOT_YET, "not active");

	/* One at the same address while ours is active: the master knows better. */
	open_fixture(&fixture);
	add_other(&fixture, "agent-S9");
	expect(&fixture, PROOF_PASS, NULL);
}

/* ---- tasks */

static void set_task(struct fixture *fixture, const char *task_state, const char *reason)
{
	set_text(&fixture->snapshot.tasks[0].state, task_state);
	set_text(&fixture->snapshot.tasks[0].reason, reason);
}

static void move_task_to_completed(struct fixture *fixture)
{
	fixture->snapshot.completed = fixture->snapshot.tasks;
	fixture->snapshot.completed_count = fixture->snapshot.task_count;
	fixture->snapshot.tasks = NULL;
	fixture->snapshot.task_count = 0;
}

static void test_a_task_may_still_come_back(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	set_task(&fixture, "TASK_UNREACHABLE", "REASON_SLAVE_REMOVED");
	expect(&fixture, PROOF_NOT_YET, "T1 of web is TASK_UNREACHABLE");

	open_fixture(&fixture);
	set_text(&fixture.snapshot.tasks[0].id, "T2");
	expect(&fixture, PROOF_NOT_YET, "T1 of web is not there");

	/* The same ID on another agent, or of another framework, is another task. */
	open_fixture(&fixture);
	set_text(&fixture.snapshot.tasks[0].agent_id, "agent-S2");
	expect(&fixture, PROOF_NOT_YET, "not there");
	open_fixture(&fixture);
	set_text(&fixture.snapshot.tasks[0].framework_id, "F2");
	expect(&fixture, PROOF_NOT_YET, "not there");
}

/* An agent that is not back: what the master lists as running only may be, and what it lists as lost may run again. */
static void test_tasks_of_an_agent_that_is_away(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->reregistered_ns = EARLY;
	assert_int_equal(judged(&fixture), PROOF_NOT_YET);
	assert_int_equal(count_tasks(&fixture, "unproven"), 1);
	assert_int_equal(count_tasks(&fixture, "survived"), 0);
	assert_int_equal(count_tasks(&fixture, "killed"), 0);

	set_task(&fixture, "TASK_LOST", "REASON_SLAVE_REMOVED");
	assert_int_equal(judged(&fixture), PROOF_NOT_YET);
	assert_int_equal(count_tasks(&fixture, "killed"), 1);

	agent_view_clear(view(&fixture));
	fixture.snapshot.agent_count = 0;
	assert_int_equal(judged(&fixture), PROOF_NOT_YET);
	assert_int_equal(count_tasks(&fixture, "killed"), 1);
	close_fixture(&fixture);
}

static void test_a_lost_task_fails(void **state)
{
	static const struct {
		const char *state, *reason;
	} lost[] = {
		{"TASK_LOST", "REASON_SLAVE_RESTARTED"},
		{"TASK_FAILED", "REASON_EXECUTOR_REREGISTRATION_TIMEOUT"},
		{"TASK_FAILED", "REASON_EXECUTOR_TERMINATED"},
		{"TASK_GONE", ""},
		{"TASK_KILLED", "REASON_SLAVE_DRAINING"},
	};
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++)
		for (int completed = 0; completed <= 1; completed++) {
			open_fixture(&fixture);
			set_task(&fixture, lost[i].state, lost[i].reason);
			if (completed)
				move_task_to_completed(&fixture);
			assert_int_equal(judged(&fixture), PROOF_FAIL);
			assert_int_equal(count_tasks(&fixture, "killed"), 1);
			expect(&fixture, PROOF_FAIL, lost[i].state);
		}
}

static void test_a_task_that_was_done_is_nobodys_loss(void **state)
{
	static const struct {
		const char *state, *reason;
	} ended[] = {
		{"TASK_FINISHED", ""},
		{"TASK_KILLED", ""},
		{"TASK_FAILED", "REASON_COMMAND_EXECUTOR_FAILED"},
	};
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++) {
		open_fixture(&fixture);
		set_task(&fixture, ended[i].state, ended[i].reason);
		move_task_to_completed(&fixture);
		assert_int_equal(judged(&fixture), PROOF_PASS);
		assert_int_equal(count_tasks(&fixture, "ended"), 1);
		close_fixture(&fixture);
	}
}

static void test_a_loss_that_was_planned_is_only_listed(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	fixture.before.tasks[0].survives = false;
	set_task(&fixture, "TASK_LOST", "REASON_SLAVE_DISCONNECTED");
	assert_int_equal(judged(&fixture), PROOF_PASS);
	assert_int_equal(count_tasks(&fixture, "killed"), 1);
	close_fixture(&fixture);
}

static void test_new_tasks_are_listed(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	add_task_view(&fixture.snapshot.tasks, &fixture.snapshot.task_count, "T2", "TASK_STAGING", "");
	assert_int_equal(judged(&fixture), PROOF_PASS);
	assert_int_equal(count_tasks(&fixture, "survived"), 1);
	assert_int_equal(count_tasks(&fixture, "new"), 1);
	close_fixture(&fixture);
}

/* A failure is told although something else is only not there yet. */
static void test_failure_outweighs_not_yet(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	view(&fixture)->reregistered_ns = EARLY;
	slaveinfo_set_id(fixture.started.info, "agent-S2");
	expect(&fixture, PROOF_FAIL, "agent-S2");
}

/* ---- after an undo */

static void test_reverted_is_as_before(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	revert(&fixture);
	assert_int_equal(judged(&fixture), PROOF_PASS);
	assert_string_equal(json_string_value(json_object_get(fixture.document, "of")), "the state before");
	close_fixture(&fixture);

	open_fixture(&fixture);
	revert(&fixture);
	flags_set(&fixture.started.flags, "attributes", "rack:new");
	expect(&fixture, PROOF_FAIL, "not as before");

	open_fixture(&fixture);
	revert(&fixture);
	flags_remove(&fixture.started.flags, "strict");
	expect(&fixture, PROOF_FAIL, "strict unset, not as before");

	open_fixture(&fixture);
	revert(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = make_info("rack:new", ID);
	expect(&fixture, PROOF_FAIL, "the checkpoint on disk is not as before");
}

/* The undone state's registration may lag behind the new state's: that is waited for. */
static void test_reverted_waits_for_the_record(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	revert(&fixture);
	slaveinfo_free(view(&fixture)->info);
	view(&fixture)->info = make_info("rack:new", ID);
	expect(&fixture, PROOF_NOT_YET, "the master's SlaveInfo is not as before");

	open_fixture(&fixture);
	revert(&fixture);
	view(&fixture)->reregistered_ns = EARLY;
	expect(&fixture, PROOF_NOT_YET, "has not reregistered");
}

/* Undone before anything was restarted: the old process and its old registration are as they were. */
static void test_reverted_without_a_restart(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	revert(&fixture);
	view(&fixture)->reregistered_ns = EARLY;
	fixture.started.restarted = false;
	assert_int_equal(judged(&fixture), PROOF_PASS);
	assert_non_null(line(&fixture, "slave_info"));
	close_fixture(&fixture);

	open_fixture(&fixture);
	revert(&fixture);
	view(&fixture)->reregistered_ns = EARLY;
	view(&fixture)->active = false;
	fixture.started.restarted = false;
	expect(&fixture, PROOF_NOT_YET, "not active");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_as_planned_passes),
		cmocka_unit_test(test_not_listed_is_not_yet),
		cmocka_unit_test(test_an_old_registration_proves_nothing),
		cmocka_unit_test(test_a_new_registered_time_does_not_matter),
		cmocka_unit_test(test_inactive_is_not_yet),
		cmocka_unit_test(test_deactivated_stays_deactivated),
		cmocka_unit_test(test_the_masters_record_must_be_as_planned),
		cmocka_unit_test(test_slaves_alone_proves_nothing),
		cmocka_unit_test(test_the_checkpoint_must_be_as_planned),
		cmocka_unit_test(test_a_process_is_needed),
		cmocka_unit_test(test_the_process_runs_with_the_planned_flags),
		cmocka_unit_test(test_a_secret_is_only_there_or_not),
		cmocka_unit_test(test_a_new_id_fails),
		cmocka_unit_test(test_a_neighbour_is_no_successor),
		cmocka_unit_test(test_a_task_may_still_come_back),
		cmocka_unit_test(test_tasks_of_an_agent_that_is_away),
		cmocka_unit_test(test_a_lost_task_fails),
		cmocka_unit_test(test_a_task_that_was_done_is_nobodys_loss),
		cmocka_unit_test(test_a_loss_that_was_planned_is_only_listed),
		cmocka_unit_test(test_new_tasks_are_listed),
		cmocka_unit_test(test_failure_outweighs_not_yet),
		cmocka_unit_test(test_reverted_is_as_before),
		cmocka_unit_test(test_reverted_waits_for_the_record),
		cmocka_unit_test(test_reverted_without_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
