/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: what a plan may cost, said once for all agents it holds for, and which zone is which. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/planner_fixture.h"

static const char shrink[] = "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 1024}}]}";
static const char rack[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"new\": \"yes\"}}]}";

static void make(struct planner_fixture *fixture, const char *config)
{
	struct error err = ERROR_INIT;

	if (fixture_make(fixture, config, &err) < 0)
		fail_msg("%s", err.text);
}

static const struct plan_finding *find(const struct planner_fixture *fixture, const char *words)
{
	const struct plan_finding *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < fixture->plan.finding_count; i++) {
		if (!strstr(fixture->plan.findings[i].text, words))
			continue;
		found = &fixture->plan.findings[i];
		count++;
	}
	if (count > 1)
		fail_msg("\"%s\" is said %zu times", words, count);
	return found;
}

static const struct plan_finding *find_risk(const struct planner_fixture *fixture, const char *words)
{
	const struct plan_finding *found = find(fixture, words);

	if (!found)
		fail_msg("\"%s\" is not said", words);
	assert_true(found->risk);
	return found;
}

/* ---- over-commitment */

static struct fleet_agent agent_of(const char *id, const char *hostname, const char *resources, const char *used)
{
	return (struct fleet_agent){
		.id = id, .hostname = hostname, .attributes = "rack:r1;zone:a", .resources = resources, .used = used};
}

static void what_tasks_use_is_missing_afterwards(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct fleet_agent agents[] = {
		agent_of("S0", "node1", fixture_resources, "cpus:4;mem:1500"),
		agent_of("S1", "node2", fixture_resources, "cpus:4;mem:2500.5"),
		agent_of("S2", "node3", fixture_resources, "cpus:4;mem:1024"),
		agent_of("S3", "node4", fixture_resources, NULL),
	};

	fixture_set_agents(fixture, agents, 4);
	make(fixture, shrink);
	const struct plan_finding *found = find_risk(fixture, "tasks use more mem than will be there");
	assert_string_equal(found->about, "node[1-2] (2 agents)");
	assert_text_has(found->text, "worst: 2500.5 used and 1024 there on node2");
	assert_null(find(fixture, "more cpus"));
	/* They may be alike, and are folded, however much each uses. */
	for (size_t i = 0; i < fixture->plan.agent_count; i++)
		assert_int_equal(fixture->plan.agents[i].note_count, 0);
	make(fixture, rack);
	assert_null(find(fixture, "tasks use more"));
	fixture->options.discard = true; /* then there are none that use it */
	make(fixture, shrink);
	assert_null(find(fixture, "tasks use more"));
}

static void totals_do_not_hide_what_a_role_lacks(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct fleet_agent agents[] = {
		agent_of("S0", "node1", "cpus:4;mem(web):2048;disk:2048;ports:[31000-32000]", "cpus:1;mem(web):1024"),
	};

	fixture_set_agents(fixture, agents, 1);
	make(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem(web)\": null, \"mem(db)\": 2048}}]}");
	assert_text_has(find_risk(fixture, "tasks use more mem(web)")->text, "1024 used and 0 there on node1");
}

static void ports_in_use_may_go_too(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct fleet_agent agents[] = {
		agent_of("S0", "node1", fixture_resources, "cpus:1;ports:[31010-31020]"),
	};

	fixture_set_agents(fixture, agents, 1);
	make(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"ports\": \"[31015-32000]\"}}]}");
	assert_text_has(find_risk(fixture, "tasks use more ports")->text, "[31010-31014] on node1");
}

/* ---- what is said of single agents */

static void what_hosts_found_is_a_risk(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, true);
	fixture_add_finding(fixture, "tasks-starting", "warn");
	fixture_planned(fixture, fixture_change);
	assert_string_equal(find_risk(fixture, "tasks-starting: why it is so")->about, "node1");
	fixture_add_finding(fixture, "tasks-in-unit", "refuse");
	fixture->options.allow_task_loss = true;
	fixture_planned(fixture, fixture_change);
	find_risk(fixture, "tasks-in-unit: why it is so");
	fixture->options.discard = true; /* they are ended anyway */
	fixture_planned(fixture, fixture_change);
	assert_null(find(fixture, "tasks-in-unit"));
}

static void checks_that_were_left_out(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, true);
	fixture_planned(fixture, fixture_change);
	assert_null(find(fixture, "--keep-reregistration-timeout"));
	assert_null(find(fixture, "--meltdown"));
	fixture->options.keep_reregistration_timeout = true;
	fixture->options.allow_unknown_version = true;
	fixture->options.meltdown_percent = 0;
	fixture->options.max_failures.number = 1;
	json_object_set_new(fixture_part(fixture, "agent"), "version", json_string("1.99.0"));
	fixture_planned(fixture, fixture_change);
	find_risk(fixture, "--keep-reregistration-timeout");
	assert_text_has(find_risk(fixture, "--allow-unknown-version")->text, "Mesos 1.99.0");
	find_risk(fixture, "the meltdown guard is off");
	find_risk(fixture, "no number of failures stops it");
	fixture->options.discard = true;
	fixture_planned(fixture, fixture_change);
	assert_null(find(fixture, "--keep-reregistration-timeout"));
}

static bool raises(const struct plan_agent *agent)
{
	for (size_t i = 0; i < agent->edit_count; i++)
		if (strcmp(agent->edits[i].name, "executor_reregistration_timeout") == 0)
			return true;
	return false;
}

/* Whose executors are ended has nobody to wait for. */
static void only_executors_that_are_kept_are_waited_for(void **state)
{
	struct planner_fixture *fixture = *state;

	fixture_add_task(fixture, true);
	assert_true(raises(fixture_planned(fixture, fixture_change)));
	fixture->options.discard = true;
	assert_false(raises(fixture_planned(fixture, fixture_change)));
	/* What leaves the SlaveInfo alone keeps the tasks, also with --discard. */
	assert_true(raises(fixture_planned(
		fixture,
		"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}")));
}

/* ---- zones */

static struct fleet_agent in_zone(const char *id, const char *hostname, const char *region, const char *zone)
{
	return (struct fleet_agent){.id = id,
				    .hostname = hostname,
				    .attributes = strcmp(zone, "z2") == 0 ? "zone:z2" : "zone:z1",
				    .resources = fixture_resources,
				    .region = region,
				    .zone = region ? zone : NULL};
}

/* Half of a zone may have fault domains already, and the other half only an attribute. */
static void one_zone_has_one_name(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct fleet_agent agents[] = {
		in_zone("S0", "node1", "lab", "z1"),
		in_zone("S1", "node2", NULL, "z1"),
		in_zone("S2", "node3", NULL, "z2"),
		in_zone("S3", "node4", "lab", "z1"),
	};

	fixture->facts.has_domain = true;
	fixture->options.by = "zone";
	fixture_set_agents(fixture, agents, 4);
	make(fixture, rack);
	assert_int_equal(fixture->plan.stage_count, 2);
	assert_string_equal(fixture->plan.stage_names[0], "zone lab/z1");
	assert_int_equal(fixture->plan.stages[0].end, 3);
	/* No fault domain has such a zone: its region is not known. */
	assert_string_equal(fixture->plan.stage_names[1], "zone z2");
	assert_null(find(fixture, "may be"));
	/* Those who know are not in this plan. */
	fixture->options.where = "hostname = 'node2'";
	make(fixture, rack);
	assert_string_equal(fixture->plan.agents[0].domain, "lab/z1");
	fixture->options.domain_attribute = "zone";
	make(fixture, rack);
	assert_string_equal(fixture->plan.agents[0].domain, "z1");
}

/* What the plan itself gives them is not there while they are away. */
static void a_plan_that_sets_the_domain(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct fleet_agent agents[] = {in_zone("S0", "node1", NULL, "z1"), in_zone("S1", "node2", NULL, "z2")};

	fixture->facts.has_domain = true;
	fixture->options.by = "zone";
	fixture_set_agents(fixture, agents, 2);
	make(fixture,
	     "{\"name\": \"web\", \"rules\": [{\"domain\": {\"region\": \"lab\", \"zone\": \"${attribute.zone}\"}}]}");
	assert_string_equal(fixture->plan.stage_names[0], "zone z1");
	assert_string_equal(fixture->plan.stage_names[1], "zone z2");
}

static void a_zone_of_two_regions(void **state)
{
	struct planner_fixture *fixture = *state;
	const struct fleet_agent agents[] = {in_zone("S0", "node1", "eu", "z1"), in_zone("S1", "node2", "us", "z1"),
					     in_zone("S2", "node3", NULL, "z1")};

	fixture->facts.has_domain = true;
	fixture_set_agents(fixture, agents, 3);
	make(fixture, rack);
	assert_string_equal(fixture->plan.agents[2].domain, "z1");
	assert_null(find(fixture, "may be eu/z1 or us/z1")); /* nobody asked for domains */
	fixture->options.domain_window.number = 1;
	make(fixture, rack);
	assert_string_equal(find_risk(fixture, "may be eu/z1 or us/z1")->about, "zone z1 of node3");
}

/* ---- who is not there */

static void who_has_vanished_is_named(void **state)
{
	struct planner_fixture *fixture = *state;
	struct fleet_agent agents[] = {
		agent_of("S0", "node1", fixture_resources, NULL),
		agent_of("S1", "node2", fixture_resources, NULL),
		agent_of("S2", "node3", fixture_resources, NULL),
		agent_of("S3", "other1", fixture_resources, NULL),
	};
	static const char nodes[] = "{\"name\": \"web\", \"rules\": [{\"match\": \"hostname like 'node%'\", "
				    "\"attributes\": {\"new\": \"yes\"}}]}";

	fixture_set_agents(fixture, agents, 4);
	fixture_set_agents(fixture, agents, 1); /* the other three are given up, and one of them no rule is about */
	make(fixture, nodes);
	assert_int_equal(fixture->plan.agent_count, 1);
	assert_int_equal(fixture->plan.left_out_count, 2);
	assert_int_equal(fixture->plan.left_out[0].why, LEFT_UNLISTED);
	assert_string_equal(fixture->plan.left_out[0].hostname, "node2");
	assert_string_equal(find_risk(fixture, "the master has not listed it since 2023-")->about,
			    "node[2-3] (2 agents)");
	/* Whoever says that they are not to be changed has not lost them. */
	fixture->options.exclude = "hostname = 'node2'";
	make(fixture, nodes);
	assert_string_equal(find_risk(fixture, "the master has not listed it")->about, "node3");
	fixture->options.where = "hostname = 'node1'";
	make(fixture, nodes);
	assert_int_equal(fixture->plan.left_out_count, 0);
	assert_null(find(fixture, "does not list it"));
}

static void limits_of_domains_that_some_are_not_in(void **state)
{
	struct planner_fixture *fixture = *state;
	struct fleet_agent agents[] = {
		agent_of("S0", "node1", fixture_resources, NULL),
		agent_of("S1", "node2", fixture_resources, NULL),
	};

	agents[1].attributes = "rack:r1";
	fixture_set_agents(fixture, agents, 2);
	make(fixture, rack);
	assert_null(find(fixture, "failure domain"));
	assert_null(fixture->plan.agents[1].domain); /* where nothing is limited they are in none */
	fixture->options.domain_window.number = 1;
	make(fixture, rack);
	assert_text_has(find_risk(fixture, "as one failure domain")->text,
			"1 of the agents that change has no failure domain");
	assert_string_equal(find_risk(fixture, "as one failure domain")->about, "node2");
	assert_string_equal(fixture->plan.agents[1].domain, "without zone");
	fixture->options.domain_window.number = 0;
	fixture->options.domain_max_failures.number = 0;
	make(fixture, rack);
	assert_string_equal(fixture->plan.agents[1].domain, "without zone");
	fixture->options.domain_max_failures.number = -1;
	fixture->options.domain_max_consecutive = 2;
	make(fixture, rack);
	assert_string_equal(fixture->plan.agents[1].domain, "without zone");
	/* They come last, whatever they are called. */
	agents[0].attributes = "rack:r1";
	agents[1].attributes = "rack:r1;zone:z";
	fixture_set_agents(fixture, agents, 2);
	fixture->options.by = "zone";
	make(fixture, rack);
	assert_string_equal(fixture->plan.agents[0].domain, "z");
	assert_string_equal(fixture->plan.agents[1].domain, "without zone");
	assert_string_equal(fixture->plan.stage_names[1], "zone (none)");
	fixture->options.domain_attribute = "rack";
	make(fixture, rack);
	assert_null(find(fixture, "as one failure domain"));
}

static void too_many_are_away_already(void **state)
{
	struct planner_fixture *fixture = *state;
	struct fleet_agent agents[] = {
		agent_of("S0", "node1", fixture_resources, NULL),
		agent_of("S1", "node2", fixture_resources, NULL),
		agent_of("S2", "node3", fixture_resources, NULL),
		agent_of("S3", "node4", fixture_resources, NULL),
	};

	agents[3].inactive = true;
	fixture_set_agents(fixture, agents, 4);
	fixture->options.where = "hostname = 'node1'";
	fixture->options.meltdown_percent = 25; /* reaching it goes on */
	make(fixture, rack);
	assert_null(find(fixture, "are inactive"));
	fixture->options.meltdown_percent = 24;
	make(fixture, rack);
	assert_text_has(find_risk(fixture, "are inactive")->text, "1 of the 4 agents");
	fixture->options.meltdown_percent = 0;
	make(fixture, rack);
	assert_null(find(fixture, "are inactive"));
}

/* The master has given them up: the guard will not see them, and whoever signs is to know. */
static void too_many_are_not_listed(void **state)
{
	struct planner_fixture *fixture = *state;
	struct fleet_agent agents[] = {
		agent_of("S0", "node1", fixture_resources, NULL),
		agent_of("S1", "node2", fixture_resources, NULL),
		agent_of("S2", "node3", fixture_resources, NULL),
		agent_of("S3", "node4", fixture_resources, NULL),
	};

	fixture_set_agents(fixture, agents, 4);
	agents[2].inactive = true;
	fixture_set_agents(fixture, agents, 3);
	fixture->options.where = "hostname = 'node1'";
	fixture->options.meltdown_percent = 50; /* reaching it goes on */
	make(fixture, rack);
	assert_null(find(fixture, "already away"));
	fixture->options.meltdown_percent = 49;
	make(fixture, rack);
	assert_text_has(find_risk(fixture, "already away")->text, "already away, 2 of 4 agents: 1 inactive, and 1 ");
	fixture->options.meltdown_percent = 32;
	make(fixture, rack);
	assert_text_has(find_risk(fixture, "are inactive")->text, "1 of the 3 agents");
	assert_null(find(fixture, "already away"));
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_tasks_use_is_missing_afterwards),
		TEST(totals_do_not_hide_what_a_role_lacks),
		TEST(ports_in_use_may_go_too),
		TEST(what_hosts_found_is_a_risk),
		TEST(checks_that_were_left_out),
		TEST(only_executors_that_are_kept_are_waited_for),
		TEST(one_zone_has_one_name),
		TEST(a_plan_that_sets_the_domain),
		TEST(a_zone_of_two_regions),
		TEST(who_has_vanished_is_named),
		TEST(too_many_are_away_already),
		TEST(too_many_are_not_listed),
		TEST(limits_of_domains_that_some_are_not_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
