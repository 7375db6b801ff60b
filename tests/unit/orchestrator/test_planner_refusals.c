/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: every reason for which it refuses an agent. */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "inventory/survey.h"
#include "orchestrator/report/plan_text.h"
#include "tests/support/planner_fixture.h"

static void hosts_nobody_surveyed(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct error failure = {.kind = ERROR_UNREACHABLE, .text = "connection refused"};
	struct agent_record record;
	struct error err = ERROR_INIT;

	fixture_sync(fixture);
	fixture_assert_refused(fixture, fixture_change, "never surveyed");
	fixture_keep_survey(fixture, SURVEYED_MS);
	fleet_record(fixture->store, fixture->cluster_id, "S0", &record);
	assert_ok(survey_store_failure(fixture->store, record.row, &failure, SURVEYED_MS + 5, &err), &err);
	agent_record_clear(&record);
	assert_int_equal(fixture_make(fixture, fixture_change, &err), -1);
	assert_int_equal(fixture->refusals.count, 1);
	assert_error(&err, ERROR_UNREACHABLE, "connection refused");

	/* A host that answers, and refuses, is there. */
	const struct error refusal = {.kind = ERROR_REFUSED, .text = "permission denied"};
	fleet_record(fixture->store, fixture->cluster_id, "S0", &record);
	assert_ok(survey_store_failure(fixture->store, record.row, &refusal, SURVEYED_MS + 6, &err), &err);
	agent_record_clear(&record);
	fixture_assert_refused(fixture, fixture_change, "permission denied");
	fixture_assert_refused(fixture, fixture_change, "`--exclude \"hostname in (node1)\"`");
}

static void surveys_that_are_older_than_the_agent(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_sync(fixture);
	fixture_keep_survey(fixture, 1700000000999);
	fixture_assert_refused(fixture, fixture_change, "reregistered since");
}

static void hosts_with_another_agent(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_set_new(fixture_part(fixture, "agent"), "id", json_string("S9"));
	fixture_refused(fixture, fixture_change, "S9");
	json_object_set_new(fixture_part(fixture, "agent"), "id", json_null());
	fixture_refused(fixture, fixture_change, "no checkpointed agent");
}

static void agents_that_do_not_run(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_set_new(fixture_part(fixture, "agent"), "running", json_false());
	fixture_refused(fixture, fixture_change, "no agent runs");
	json_object_set_new(fixture_part(fixture, "agent"), "running", json_true());
	json_object_set_new(fixture_part(fixture, "agent"), "flags_from", json_string("store"));
	fixture_refused(fixture, fixture_change, "no agent runs");
}

static void checkpoints_that_cannot_be_read(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_del(fixture_part(fixture, "checkpoint"), "slave_info");
	json_object_del(fixture_part(fixture, "checkpoint"), "sha256");
	fixture_refused(fixture, fixture_change, "no slave.info");
	json_object_set_new(fixture_part(fixture, "checkpoint"), "error",
			    json_string("slave.info: truncated, 3 of 90 bytes"));
	fixture_refused(fixture, fixture_change, "3 of 90 bytes");
}

static void hosts_whose_setup_is_not_known(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_del(fixture_part(fixture, "control"), "kind");
	fixture_refused(fixture, fixture_change, "control");
	json_object_del(fixture_part(fixture, "flag_store"), "kind");
	fixture_refused(fixture, fixture_change, "flag_store");
	json_object_set_new(fixture_part(fixture, "flag_store"), "error", json_string("/etc/x: permission denied"));
	fixture_refused(fixture, fixture_change, "permission denied");
}

static void hosts_with_an_open_operation(void **state)
{
	static const char *const open[] = {"open", "stuck"};
	struct planner_fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		json_object_set_new(fixture->survey, "operations",
				    json_pack("[{s:s, s:s}, {s:s, s:s, s:s}]", "operation", "aa", "state", "done",
					      "operation", "0badcafe", "state", open[i], "run", "r-20260101-1"));
		fixture_refused(fixture, fixture_change, "0badcafe");
	}
	json_object_set_new(fixture->survey, "operations",
			    json_pack("[{s:s, s:s}, {s:s, s:s}]", "operation", "aa", "state", "done", "operation", "bb",
				      "state", "undone"));
	fixture_planned(fixture, fixture_change);
}

static void flags_that_the_store_does_not_rule(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_set_running_flag(fixture, "registration_backoff_factor", "9secs");
	fixture_refused(fixture,
			"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}",
			"command line");
	/* Flags the plan does not touch may come from anywhere. */
	fixture_planned(fixture, fixture_change);
}

static void checkpoints_that_do_not_go_with_the_flags(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_set_both_flags(fixture, "attributes", "rack:r1;old:yes;zone:b");
	fixture_refused(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 1024}}]}", "running flags");
	/* A plan that replaces that part brings them together again. */
	fixture_planned(fixture, fixture_change);
}

static void records_of_the_master_that_differ(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->agent.resources = "cpus:3;mem:4096;disk:2048;ports:[31000-32000]";
	fixture_refused(fixture, "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r2\"}}]}",
			"master's record");
}

static void parts_that_may_not_differ(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture->options.ignore = PART_ATTRIBUTES;
	fixture_refused(fixture, fixture_change, "--ignore");
	assert_text_has(fixture->refusals.items[0].reason, "resources");
	assert_null(strstr(fixture->refusals.items[0].reason, "attributes"));
	fixture->options.ignore = 0;
	fixture_refused(fixture, fixture_change, "attributes");
	/* What leaves the SlaveInfo alone needs no permission. */
	fixture_planned(fixture,
			"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");
}

static void reservations_that_no_longer_fit(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_set_new(fixture->survey, "reserved",
			    json_pack("[{s:s, s:s, s:{s:f}, s:[{s:s, s:s}]}]", "name", "mem", "type", "SCALAR",
				      "scalar", "value", 2048.0, "reservations", "type", "DYNAMIC", "role", "db"));
	fixture_refused(fixture, fixture_change, "Checkpointed resources");
	fixture_planned(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 2048}}]}");
}

static void agents_that_would_refuse_their_own_slave_info(void **state)
{
	struct planner_fixture *fixture = *state;
	static const char twice[] = "rack:r1;old:yes;zone:a;disk:ssd;disk:hdd";

	json_decref(fixture->survey);
	fixture->survey = fixture_survey_of(twice, fixture_resources);
	fixture->agent.attributes = twice;
	fixture_planned(fixture, fixture_change);
	fixture_set_both_flags(fixture, "reconfiguration_policy", "additive");
	fixture_refused(fixture, fixture_change, "would not come back");
	fixture_set_both_flags(fixture, "reconfiguration_policy", "any");
	fixture_refused(fixture, fixture_change, "reconfiguration_policy=any");
}

static void growth_under_additive_is_written_back_too(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_set_both_flags(fixture, "reconfiguration_policy", "additive");
	const struct plan_agent *agent =
		fixture_planned(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 8192}}]}");
	assert_true(agent->stock_accepts);
	assert_null(agent->stock_message);
	assert_int_equal(agent->differs, PART_RESOURCES);
	assert_int_equal(agent->mechanism, MECHANISM_RELAX);
}

static void tasks_that_would_die(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, false);
	fixture_refused(fixture, fixture_change, "web.1 of marathon");
	fixture->options.allow_task_loss = true;
	assert_false(fixture_planned(fixture, fixture_change)->tasks[0].survives);
}

static void discard_ends_the_tasks_of_what_changes(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, true);
	fixture_add_task(fixture, false);
	fixture->options.discard = true;
	const struct plan_agent *agent = fixture_planned(fixture, fixture_change);
	assert_int_equal(agent->mechanism, MECHANISM_DISCARD);
	assert_false(agent->tasks[0].survives);
	/* What leaves the SlaveInfo alone leaves the tasks alone, so those that do not survive a restart count again. */
	fixture_refused(fixture,
			"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}",
			"would die with any restart");
	fixture->options.allow_task_loss = true;
	agent = fixture_planned(fixture,
				"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": "
				"\"2secs\"}}]}");
	assert_int_equal(agent->mechanism, MECHANISM_RESTART);
}

static void masters_that_would_not_take_it(void **state)
{
	struct planner_fixture *fixture = *state;
	static const char domain[] =
		"{\"name\": \"web\", \"rules\": [{\"domain\": {\"region\": \"eu\", \"zone\": \"a\"}}]}";

	fixture->facts.agent_update = false;
	fixture_refused(fixture, fixture_change, "AGENT_UPDATE");
	fixture_planned(fixture,
			"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");
	fixture->facts.agent_update = true;
	fixture_refused(fixture, domain, "the master has none");
	fixture->facts.has_domain = true;
	assert_int_equal(fixture_planned(fixture, domain)->differs, PART_DOMAIN);
	fixture->facts.require_agent_domain = true;
	fixture_refused(fixture, fixture_change, "--require_agent_domain");
}

static void versions_nobody_checked(void **state)
{
	struct planner_fixture *fixture = *state;

	json_object_set_new(fixture_part(fixture, "agent"), "version", json_string("0.28.2"));
	fixture_refused(fixture, fixture_change, "0.28.2");
	fixture->options.allow_unknown_version = true;
	fixture_planned(fixture, fixture_change);
	json_object_set_new(fixture_part(fixture, "agent"), "version", json_string("newest"));
	fixture_refused(fixture, fixture_change, "version is not known");
}

/* ---- many of them, for people */

static char told[4096];

static void tell(const char *line)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%s\n", line);
}

static void the_same_reason_is_said_once(void **state)
{
	static const struct {
		const char *host, *reason;
	} all[] = {
		{"node1.lab",
		 "its host could not be surveyed at 2026-11-23T18:55:46.957Z: no connection to 10.0.0.1 port 22"},
		{"node7.lab", "its clocks leave no room"},
		{"node2.lab",
		 "its host could not be surveyed at 2026-11-23T18:55:47.100Z: no connection to 10.0.0.12 port 22"},
		{"node8.lab", "its clocks leave no room"},
		{"node9.lab", "task web.4847b446 would die"},
		{"node10.lab", "task web.0847b446 would die"},
		{"node3.lab",
		 "its host could not be surveyed at 2026-11-23T18:55:47.100Z: no connection to 10.0.0.3 port 23"},
		{"db.lab", "db.lab is db"},
		{"web.lab", "web.lab is db"},
	};
	struct planner_refusals refusals = {.count = sizeof(all) / sizeof(all[0])};

	(void)state;
	refusals.items = xcalloc(refusals.count, sizeof(*refusals.items));
	for (size_t i = 0; i < refusals.count; i++) {
		refusals.items[i].hostname = xstrdup(all[i].host);
		refusals.items[i].reason = xstrdup(all[i].reason);
	}
	told[0] = '\0';
	planner_refusals_tell(&refusals, " cannot", tell);
	assert_string_equal(told,
			    "node[1-2].lab (2 agents) cannot: such as node1.lab: its host could not be surveyed at "
			    "2026-11-23T18:55:46.957Z: no connection to 10.0.0.1 port 22\n"
			    "node[7-8].lab (2 agents) cannot: its clocks leave no room\n"
			    "node[9-10].lab (2 agents) cannot: such as node9.lab: task web.4847b446 would die\n"
			    "node3.lab cannot: its host could not be surveyed at 2026-11-23T18:55:47.100Z: no "
			    "connection to 10.0.0.3 port 23\n"
			    "db.lab,web.lab (2 agents) cannot: such as db.lab: db.lab is db\n");
	planner_refusals_clear(&refusals);
	planner_refusals_tell(&refusals, "", tell); /* nothing */
}

/* The whole fleet, on one page, with the words that plan without it. */
static void a_fleet_that_is_refused(void **state)
{
	struct planner_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	fixture_set_fleet(fixture, 20);
	assert_int_equal(
		fixture_make(fixture,
			     "{\"name\": \"web\", \"rules\": [{\"domain\": {\"region\": \"eu\", \"zone\": \"a\"}}]}",
			     &err),
		-1);
	assert_error(&err, ERROR_REFUSED,
		     "20 agents cannot be planned, as said above: `--exclude \"hostname in (node[0000-0019])\"` plans");
	told[0] = '\0';
	planner_refusals_tell(&fixture->refusals, "", tell);
	assert_text_has(told, "(20 agents): ");
	assert_int_equal(strcspn(told, "\n"), strlen(told) - 1);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(hosts_nobody_surveyed),
		TEST(surveys_that_are_older_than_the_agent),
		TEST(hosts_with_another_agent),
		TEST(agents_that_do_not_run),
		TEST(checkpoints_that_cannot_be_read),
		TEST(hosts_whose_setup_is_not_known),
		TEST(hosts_with_an_open_operation),
		TEST(flags_that_the_store_does_not_rule),
		TEST(checkpoints_that_do_not_go_with_the_flags),
		TEST(records_of_the_master_that_differ),
		TEST(parts_that_may_not_differ),
		TEST(reservations_that_no_longer_fit),
		TEST(agents_that_would_refuse_their_own_slave_info),
		TEST(growth_under_additive_is_written_back_too),
		TEST(tasks_that_would_die),
		TEST(discard_ends_the_tasks_of_what_changes),
		TEST(masters_that_would_not_take_it),
		TEST(versions_nobody_checked),
		TEST(the_same_reason_is_said_once),
		TEST(a_fleet_that_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
