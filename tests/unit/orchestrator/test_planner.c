/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: what it plans for an agent, who is chosen, and how that reads. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "tests/support/planner_fixture.h"

static void a_change_of_attributes_and_resources(void **state)
{
	const struct plan_agent *agent = fixture_planned(*state, fixture_change);

	assert_int_equal(agent->mechanism, MECHANISM_RELAX);
	assert_int_equal(agent->differs, PART_ATTRIBUTES | PART_RESOURCES);
	assert_false(agent->stock_accepts);
	assert_text_has(agent->stock_message, "Incompatible agent info");
	assert_null(strchr(agent->stock_message, '\n'));
	assert_int_equal(agent->edit_count, 2);
	assert_string_equal(agent->edits[0].name, "attributes");
	assert_text_has(agent->edits[0].value, "rack:r2");
	assert_text_has(agent->edits[0].value, "ssd:true");
	assert_null(strstr(agent->edits[0].value, "old"));
	assert_string_equal(flags_get(&agent->before_flags, "attributes"), fixture_attributes);
	assert_string_equal(agent->after->id->value, "S0");
	assert_string_equal(agent->expect.agent_id, "S0");
	assert_string_equal(agent->expect.boot_id, "b0");
	assert_string_equal(agent->expect.checkpoint_sha256, "cafe");
	assert_string_equal(agent->expect.store_sha256, "beef");
	assert_string_equal(agent->expect.agent_version, "1.11.0");
	assert_string_equal(agent->domain, "a");
	assert_string_equal(agent->host.work_dir, "/var/lib/mesos");
}

static void other_flags_need_only_a_restart(void **state)
{
	const struct plan_agent *agent = fixture_planned(
		*state, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");

	assert_int_equal(agent->mechanism, MECHANISM_RESTART);
	assert_int_equal(agent->differs, 0);
	assert_true(agent->stock_accepts);
	assert_null(agent->stock_message);
	assert_int_equal(slaveinfo_diff(agent->before, agent->after), 0);
}

static void an_agent_that_is_as_wanted_is_unchanged(void **state)
{
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture_sync(fixture);
	fixture_keep_survey(fixture, SURVEYED_MS);
	assert_ok(fixture_make(fixture,
			       "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r1\", \"none\": null}}]}",
			       &err),
		  &err);
	assert_int_equal(fixture->plan.agent_count, 0);
	assert_int_equal(fixture->plan.unchanged_count, 1);
	assert_string_equal(fixture->plan.unchanged[0], "node1");
}

static void what_no_flag_names_stays_as_it_was_detected(void **state)
{
	struct planner_fixture *fixture = *state;

	json_decref(fixture->survey);
	fixture->agent.resources = "mem:4096;ports:[31000-32000]";
	fixture->survey = fixture_survey_of(fixture_attributes, fixture->agent.resources);
	json_t *detected = json_object_get(fixture->survey, "detected");
	json_object_set_new(detected, "cpus", json_integer(1)); /* as in the checkpoint */
	json_object_set_new(detected, "disk_mb", json_integer(1));
	const struct plan_agent *agent = fixture_planned(fixture, fixture_change);
	struct resources before = {.items = agent->before->resources, .count = agent->before->n_resources};
	struct resources after = {.items = agent->after->resources, .count = agent->after->n_resources};

	assert_true(resources_scalar(&after, "mem") == 1024);
	assert_true(resources_scalar(&after, "cpus") == resources_scalar(&before, "cpus"));
	assert_true(resources_scalar(&after, "disk") == resources_scalar(&before, "disk"));
	/* … and what a flag named until now is detected anew: the survey says how much that is. */
	agent = fixture_planned(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": null}}]}");
	after = (struct resources){.items = agent->after->resources, .count = agent->after->n_resources};
	assert_true(resources_scalar(&after, "mem") == 9000);
	/* A machine that has changed since makes an agent that differs. */
	json_object_set_new(detected, "cpus", json_integer(2));
	agent = fixture_planned(fixture, fixture_change);
	after = (struct resources){.items = agent->after->resources, .count = agent->after->n_resources};
	assert_true(resources_scalar(&after, "cpus") == 2);
	fixture_refused(fixture, "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r2\"}}]}",
			"running flags");
}

static void what_agentctl_found(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_finding(fixture, "work-dir-full", "warn");
	fixture_planned(fixture, fixture_change);
	fixture_add_finding(fixture, "work-dir-full", "refuse");
	fixture->options.allow_task_loss = true;
	fixture_refused(fixture, fixture_change, "work-dir-full: why it is so");
	fixture->options.allow_task_loss = false;
	fixture_add_finding(fixture, "tasks-in-unit", "refuse");
	fixture_refused(fixture, fixture_change, "--allow-task-loss");
	fixture->options.allow_task_loss = true;
	assert_false(fixture_planned(fixture, fixture_change)->tasks[0].survives);
}

static void flags_that_the_agent_does_not_know(void **state)
{
	struct planner_fixture *fixture = *state;
	json_t *agent = json_object_get(fixture->survey, "agent");

	json_object_set_new(agent, "known_flags",
			    json_pack("[s, s, s]", "attributes", "resources", "executor_reregistration_timeout"));
	fixture_planned(fixture, fixture_change);
	fixture_refused(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"colour\": \"blue\"}}]}",
			"does not know");
}

/* Its owner has written the new flags before the plan was made. */
static void flags_that_somebody_else_has_written(void **state)
{
	struct planner_fixture *fixture = *state;
	json_t *store = json_object_get(fixture->survey, "flag_store");

	json_object_set_new(store, "flags", json_pack("{s:s}", "attributes", "rack:r2"));
	fixture_refused(fixture, fixture_change, "was edited since the start");
	json_object_set_new(store, "kind", json_string("external"));
	fixture_planned(fixture, fixture_change);
}

static void tasks_are_kept_and_get_time_to_come_back(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, true);
	const struct plan_agent *agent = fixture_planned(fixture, fixture_change);
	assert_int_equal(agent->task_count, 1);
	assert_string_equal(agent->tasks[0].id, "web.1");
	assert_string_equal(agent->tasks[0].framework_name, "marathon");
	assert_true(agent->tasks[0].survives);
	assert_int_equal(agent->edit_count, 3);
	assert_string_equal(agent->edits[2].name, "executor_reregistration_timeout");
	assert_string_equal(agent->edits[2].value, "15secs");
	assert_null(flags_get(&agent->before_flags, "executor_reregistration_timeout"));

	fixture->options.keep_reregistration_timeout = true;
	assert_int_equal(fixture_planned(fixture, fixture_change)->edit_count, 2);
	fixture->options.keep_reregistration_timeout = false;
	fixture_set_both_flags(fixture, "executor_reregistration_timeout", "15secs");
	assert_int_equal(fixture_planned(fixture, fixture_change)->edit_count, 2);
	fixture_set_both_flags(fixture, "executor_reregistration_timeout", "14999ms");
	assert_int_equal(fixture_planned(fixture, fixture_change)->edit_count, 3);
	/* What the config says itself counts. */
	agent = fixture_planned(fixture,
				"{\"name\": \"web\", \"rules\": [{\"flags\": {\"executor_reregistration_timeout\": "
				"\"5secs\"}}]}");
	assert_int_equal(agent->edit_count, 1);
	assert_string_equal(agent->edits[0].value, "5secs");
}

static void an_idle_agent_needs_no_time(void **state)
{
	assert_int_equal(fixture_planned(*state, fixture_change)->edit_count, 2);
}

static void know_flags(struct planner_fixture *fixture, bool discard)
{
	json_object_set_new(json_object_get(fixture->survey, "agent"), "known_flags",
			    json_pack("[s, s, s, s, s*]", "attributes", "resources", "executor_reregistration_timeout",
				      "ignore_checkpointed_state", discard ? "recover_state" : NULL));
}

/* The proposal's own flags, where the agent has them and nothing stands in their way. */
static void agents_that_can_do_it_themselves(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, true);
	know_flags(fixture, true);
	const struct plan_agent *agent = fixture_planned(fixture, fixture_change);
	assert_int_equal(agent->mechanism, MECHANISM_NATIVE);
	assert_text_has(agent->why, "ignore_checkpointed_state");
	assert_false(agent->native_discard);
	assert_true(agent->tasks[0].survives);
	agent = fixture_planned(fixture,
				"{\"name\": \"web\", \"rules\": [{\"flags\": {\"executor_reregistration_timeout\": "
				"\"5secs\"}}]}");
	assert_int_equal(agent->mechanism, MECHANISM_RESTART);
	fixture->options.discard = true;
	agent = fixture_planned(fixture, fixture_change);
	assert_int_equal(agent->mechanism, MECHANISM_NATIVE);
	assert_true(agent->native_discard);
	assert_false(agent->tasks[0].survives);
	know_flags(fixture, false);
	assert_int_equal(fixture_planned(fixture, fixture_change)->mechanism, MECHANISM_DISCARD);
	fixture->options.discard = false;
	/* Fixed on the command line, it cannot be put into the store and taken out again. */
	fixture_set_running_flag(fixture, "ignore_checkpointed_state", "[\"none\"]");
	assert_int_equal(fixture_planned(fixture, fixture_change)->mechanism, MECHANISM_RELAX);
	fixture_set_both_flags(fixture, "ignore_checkpointed_state", "[\"none\"]");
	assert_int_equal(fixture_planned(fixture, fixture_change)->mechanism, MECHANISM_NATIVE);
	json_object_set_new(fixture_part(fixture, "flag_store"), "kind", json_string("external"));
	assert_int_equal(fixture_planned(fixture, fixture_change)->mechanism, MECHANISM_RELAX);
}

static void a_port_may_change_when_that_was_said(void **state)
{
	struct planner_fixture *fixture = *state;
	static const char port[] = "{\"name\": \"web\", \"rules\": [{\"flags\": {\"port\": \"5052\"}}]}";

	fixture_refused(fixture, port, "its port would change from 5051 to 5052");
	fixture_refused(fixture, port, "--allow-port-change");
	fixture->options.allow_port_change = true;
	know_flags(fixture, true);
	json_array_append_new(json_object_get(json_object_get(fixture->survey, "agent"), "known_flags"),
			      json_string("port"));
	const struct plan_agent *agent = fixture_planned(fixture, port);
	assert_int_equal(agent->differs, PART_PORT);
	assert_int_equal(agent->mechanism, MECHANISM_RELAX); /* the agent's own flag does not cover it */
	assert_int_equal(slaveinfo_port(agent->after), 5052);
	assert_true(fixture->plan.allow_port_change);
}

static void reservations_are_listed(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_set_new(fixture->survey, "reserved",
			    json_pack("[{s:s, s:s, s:{s:f}, s:[{s:s, s:s}]}]", "name", "mem", "type", "SCALAR",
				      "scalar", "value", 512.0, "reservations", "type", "DYNAMIC", "role", "db"));
	const struct plan_agent *agent =
		fixture_planned(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 8000}}]}");
	assert_int_equal(agent->reservation_count, 1);
	assert_text_has(agent->reservations[0], "mem");
	assert_text_has(agent->reservations[0], "db");
}

static void a_fault_domain_comes_before_the_attribute(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.domain_attribute = "rack";
	assert_string_equal(fixture_planned(fixture, fixture_change)->domain, "r1");
	fixture->options.domain_attribute = "nothing";
	struct error err = ERROR_INIT;
	assert_int_equal(fixture_make(fixture, fixture_change, &err), -1);
	assert_error(&err, ERROR_USAGE, "--domain-attribute nothing");
}

static void what_is_not_in_the_config_is_explained(void **state)
{
	struct planner_fixture *fixture = *state;
	size_t found = 0;

	json_object_set_new(fixture->survey, "driver", json_pack("{s:s, s:i}", "database", "0badcafe", "epoch", 7));
	fixture_planned(fixture, fixture_change);
	for (size_t i = 0; i < fixture->plan.finding_count; i++)
		found += strstr(fixture->plan.findings[i].text, "0badcafe") &&
			 strstr(fixture->plan.findings[i].text, "--adopt") && fixture->plan.findings[i].risk;
	assert_int_equal(found, 1);

	json_object_set_new(fixture->survey, "driver",
			    json_pack("{s:s, s:i}", "database", store_uuid(fixture->store), "epoch", 7));
	fixture_planned(fixture, fixture_change);
	for (size_t i = 0; i < fixture->plan.finding_count; i++)
		assert_null(strstr(fixture->plan.findings[i].text, "--adopt"));
}

/* Agents that the master no longer lists are missed for a while, unless their host runs another one. */
static void agents_that_are_gone(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct agents_answer nobody = {.master = "http://127.0.0.1:5050"};
	struct agents_summary summary;
	struct agent_list gone;
	struct error err = ERROR_INIT;
	int64_t cluster = fixture->cluster_id;

	fixture_sync(fixture);
	assert_ok(planner_select_gone(fixture->store, cluster, NULL, 0, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);

	assert_ok(agents_sync(fixture->store, cluster, &nobody, SURVEYED_MS + 9, &summary, &err), &err);
	assert_ok(planner_select_gone(fixture->store, cluster, "hostname = 'node1'", 0, &gone, &err), &err);
	assert_int_equal(gone.count, 1);
	assert_string_equal(gone.items[0].view.hostname, "node1");
	assert_int_equal(gone.items[0].gone_ms, SURVEYED_MS + 9);
	agent_list_clear(&gone);
	assert_ok(planner_select_gone(fixture->store, cluster, "hostname = 'node2'", 0, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);
	assert_ok(planner_select_gone(fixture->store, cluster, NULL, SURVEYED_MS + 9, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);

	fixture->agent.id = "S5";
	fixture_sync(fixture);
	assert_ok(planner_select_gone(fixture->store, cluster, NULL, 0, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);
}

static void selectors_that_match_nothing(void **state)
{
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(fixture_make(fixture, fixture_change, &err), -1);
	assert_error(&err, ERROR_USAGE, "inventory sync");
	fixture_sync(fixture);
	fixture_keep_survey(fixture, SURVEYED_MS);
	fixture->options.where = "rack = 'r9'";
	assert_int_equal(fixture_make(fixture, fixture_change, &err), -1);
	assert_error(&err, ERROR_USAGE, "rack = 'r9'");
	fixture->options.where = "rack =";
	assert_int_equal(fixture_make(fixture, fixture_change, &err), -1);
	assert_error(&err, ERROR_USAGE, "--where");
	fixture->options.where = NULL;
	assert_int_equal(
		fixture_make(fixture,
			     "{\"name\": \"web\", \"rules\": [{\"match\": \"rack = 'r9'\", \"attributes\": {\"a\": "
			     "\"b\"}}]}",
			     &err),
		-1);
	assert_error(&err, ERROR_USAGE, "no rule");
}

static void agents_no_rule_matches_need_no_survey(void **state)
{
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture_sync(fixture);
	assert_int_equal(
		fixture_make(fixture,
			     "{\"name\": \"web\", \"rules\": [{\"match\": \"rack = 'r9'\", \"attributes\": {\"a\": "
			     "\"b\"}}]}",
			     &err),
		-1);
	assert_int_equal(fixture->refusals.count, 0);
	assert_error(&err, ERROR_USAGE, "no rule");
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_change_of_attributes_and_resources),
		TEST(other_flags_need_only_a_restart),
		TEST(an_agent_that_is_as_wanted_is_unchanged),
		TEST(what_no_flag_names_stays_as_it_was_detected),
		TEST(what_agentctl_found),
		TEST(flags_that_the_agent_does_not_know),
		TEST(flags_that_somebody_else_has_written),
		TEST(tasks_are_kept_and_get_time_to_come_back),
		TEST(an_idle_agent_needs_no_time),
		TEST(agents_that_can_do_it_themselves),
		TEST(a_port_may_change_when_that_was_said),
		TEST(reservations_are_listed),
		TEST(a_fault_domain_comes_before_the_attribute),
		TEST(what_is_not_in_the_config_is_explained),
		TEST(agents_that_are_gone),
		TEST(selectors_that_match_nothing),
		TEST(agents_no_rule_matches_need_no_survey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
