/* SPDX-License-Identifier: Apache-2.0 */
/* The planner and the masters: every one of them is asked, and what any of them would do to an agent counts. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/plan/planner_acl.h"
#include "tests/support/planner_fixture.h"

/* Two masters, and the plan that is made with their word. */
struct masters {
	struct planner_fixture *fixture;
	struct master_facts facts[2];
	struct planner_master items[2];
};

static void set_masters(struct planner_fixture *fixture, struct masters *out)
{
	*out = (struct masters){.fixture = fixture};
	for (size_t i = 0; i < 2; i++) {
		out->facts[i] = (struct master_facts){
			.version = (char *)(uintptr_t) "1.11.0",
			.agent_update = true,
			.agent_ping_timeout_ms = 15000,
			.max_agent_ping_timeouts = 5,
			.agent_reregister_timeout_ms = 600000,
			.agent_count = -1,
			.task_count = -1,
		};
		out->items[i] = (struct planner_master){
			.url = i == 0 ? "http://m1:5050" : "http://m2:5050", .leads = i == 0, .facts = &out->facts[i]};
	}
	fixture->masters = out->items;
	fixture->master_count = 2;
}

static const struct plan_finding *find(const struct planner_fixture *fixture, const char *words)
{
	for (size_t i = 0; i < fixture->plan.finding_count; i++)
		if (strstr(fixture->plan.findings[i].text, words))
			return &fixture->plan.findings[i];
	return NULL;
}

static const struct plan_finding *assert_risk(const struct planner_fixture *fixture, const char *about,
					      const char *words)
{
	const struct plan_finding *found = find(fixture, words);

	if (!found) {
		fail_msg("no finding says \"%s\"", words);
		return NULL;
	}
	assert_string_equal(found->about, about);
	assert_true(found->risk);
	assert_non_null(found->remedy);
	return found;
}

static void assert_no_risk(const struct planner_fixture *fixture)
{
	for (size_t i = 0; i < fixture->plan.finding_count; i++)
		if (fixture->plan.findings[i].risk)
			fail_msg("%s", fixture->plan.findings[i].text);
}

static void masters_that_agree_are_described(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	masters.facts[1].agent_removal_rate_limit = (char *)(uintptr_t) "1/10mins";
	fixture_planned(fixture, fixture_change);
	assert_no_risk(fixture);
	assert_int_equal(fixture->plan.finding_count, 2);
	assert_text_has(fixture->plan.findings[0].text, "leads; Mesos 1.11.0; stores changed agents");
	assert_text_has(fixture->plan.findings[1].text, "stands by");
	assert_text_has(fixture->plan.findings[1].text, "1 min 15 s of silence or 10 min 0 s away, at most 1/10mins");
	assert_true(fixture->plan.master.known);
}

static void a_master_that_gives_no_answer(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	masters.items[1].facts = NULL;
	masters.items[1].unanswered = "connection refused";
	fixture_planned(fixture, fixture_change);
	const struct plan_finding *found = assert_risk(fixture, "http://m2:5050", "could not be asked");
	assert_text_has(found->text, "connection refused");
}

static void masters_that_keep_the_old_record(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	for (size_t i = 0; i < 2; i++) {
		set_masters(fixture, &masters);
		masters.facts[i].agent_update = false;
		fixture->options.accept_stale_master = false;
		fixture_refused(fixture, fixture_change, masters.items[i].url);
		fixture_refused(fixture, fixture_change, "--accept-stale-master");
		fixture->options.accept_stale_master = true;
		fixture_planned(fixture, fixture_change);
		const struct plan_finding *found =
			assert_risk(fixture, masters.items[i].url,
				    masters.items[i].leads ? "does not store changed agents: until its next failover"
							   : "of those that change while it leads");
		assert_text_has(found->remedy, masters.items[i].leads ? "restart the leading master"
								      : "should it lead when the run is done");
		assert_true(fixture->plan.accept_stale_master);
	}
	/* What leaves the SlaveInfo alone is nothing to any master. */
	fixture->options.accept_stale_master = false;
	fixture_planned(fixture,
			"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");
	assert_no_risk(fixture);
}

/* Its host has been changed already, and the master keeps what it had. */
static void a_kept_record_is_no_evidence(void **state)
{
	static const char flags[] =
		"{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}";
	struct planner_fixture *fixture = *state;

	fixture->agent.attributes = "rack:before";
	fixture_refused(fixture, flags, "`rollcall inventory drift --refresh` names what differs");
	/* Accepted, but this master stores changed agents: its record counts. */
	fixture->options.accept_stale_master = true;
	fixture_refused(fixture, flags, "the master's record disagree already (attributes)");
	fixture->options.accept_stale_master = fixture->facts.agent_update = false;
	fixture_refused(fixture, flags, "restart it, and the one that takes over stores them");
	fixture->options.accept_stale_master = true;
	fixture_planned(fixture, flags);
}

static const char with_domain[] =
	"{\"name\": \"web\", \"rules\": [{\"domain\": {\"region\": \"eu\", \"zone\": \"a\"}}]}";

static void masters_without_a_domain(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	masters.facts[0].has_domain = true;
	fixture_refused(fixture, with_domain, "http://m2:5050, which may lead next");
	masters.facts[1].has_domain = true;
	fixture_planned(fixture, with_domain);
	assert_no_risk(fixture);
	assert_int_equal(fixture->plan.finding_count, 2);
	/* An agent that has none is in danger already: that is said, and is no reason to refuse another change. */
	masters.facts[1].require_agent_domain = true;
	fixture_planned(fixture, fixture_change);
	assert_risk(fixture, "http://m2:5050", "requires a domain of agents");
	masters.facts[0].require_agent_domain = true;
	fixture_refused(fixture, fixture_change, "http://m1:5050, which leads");
}

static void another_region(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	masters.facts[0].has_domain = masters.facts[1].has_domain = true;
	fixture->facts.region = (char *)(uintptr_t) "us";
	fixture_planned(fixture, with_domain);
	assert_text_has(assert_risk(fixture, "cluster", "REGION_AWARE")->text,
			"another region (eu) than the masters (us)");
	fixture->facts.region = (char *)(uintptr_t) "eu";
	fixture_planned(fixture, with_domain);
	assert_no_risk(fixture);
}

static void masters_of_two_versions(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	masters.facts[1].version = (char *)(uintptr_t) "1.9.0";
	fixture_planned(fixture, fixture_change);
	assert_risk(fixture, "cluster", "different versions (1.11.0, 1.9.0)");
}

static void what_our_principal_does_not_see(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	fixture->listed_agents = 10;
	fixture->listed_tasks = 20;
	masters.facts[0].agent_count = 10;
	masters.facts[0].task_count = 20;
	masters.facts[1].agent_count = 99; /* it does not lead: its figures are nobody's */
	fixture_planned(fixture, fixture_change);
	assert_no_risk(fixture);
	masters.facts[0].agent_count = 12;
	masters.facts[0].task_count = 21;
	fixture_planned(fixture, fixture_change);
	assert_risk(fixture, "cluster", "counts 12 agents and shows us 10");
	assert_risk(fixture, "cluster", "counts 21 tasks and shows us 20");
}

/* ---- ACLs */

static void what_an_acl_says(void **state)
{
	static const struct {
		const char *acls;
		enum planner_acl answer;
	} cases[] = {
		{NULL, ACL_ALLOWS},
		{"", ACL_ALLOWS},
		{"{}", ACL_ALLOWS},
		{"{\"permissive\": true}", ACL_ALLOWS},
		{"{\"permissive\": false}", ACL_REFUSES},
		{"file:///etc/mesos/acls.json", ACL_UNKNOWN},
		{"[1]", ACL_UNKNOWN},
		{"{\"reserve_resources\": [{\"principals\": {\"type\": \"ANY\"}, \"roles\": {\"values\": [\"web\"]}}], "
		 "\"permissive\": false}",
		 ACL_ALLOWS},
		{"{\"reserve_resources\": [{\"principals\": {\"type\": \"ANY\"}, \"roles\": {\"values\": [\"db\"]}}], "
		 "\"permissive\": false}",
		 ACL_REFUSES},
		{"{\"reserve_resources\": [{\"principals\": {\"type\": \"ANY\"}, \"roles\": {\"type\": \"NONE\"}}]}",
		 ACL_REFUSES},
		{"{\"reserve_resources\": [{\"principals\": {\"type\": \"NONE\"}, \"roles\": {\"values\": "
		 "[\"web\"]}}]}",
		 ACL_REFUSES},
		{"{\"reserve_resources\": [{\"principals\": {\"values\": [\"ops\"]}, \"roles\": {\"type\": \"ANY\"}}], "
		 "\"permissive\": false}",
		 ACL_DEPENDS},
		{"{\"reserve_resources\": [{\"principals\": {\"values\": [\"ops\"]}, \"roles\": {\"type\": \"ANY\"}}]}",
		 ACL_ALLOWS},
		{"{\"reserve_resources\": [{\"principals\": {\"values\": [\"ops\"]}, \"roles\": {\"type\": \"ANY\"}}, "
		 "{\"principals\": {\"type\": \"ANY\"}, \"roles\": {\"type\": \"NONE\"}}]}",
		 ACL_DEPENDS},
		/* The first that is about everybody decides. */
		{"{\"reserve_resources\": [{\"principals\": {\"type\": \"ANY\"}, \"roles\": {\"type\": \"ANY\"}}, "
		 "{\"principals\": {\"type\": \"ANY\"}, \"roles\": {\"type\": \"NONE\"}}]}",
		 ACL_ALLOWS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (planner_acl_reserve(cases[i].acls, "web") != cases[i].answer)
			fail_msg("%s", cases[i].acls);
}

static const char reserves[] = "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 1024, \"mem(web)\": 3072}}]}";

static void roles_that_nobody_may_reserve(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	fixture_planned(fixture, reserves);
	assert_no_risk(fixture);
	masters.facts[1].acls = (char *)(uintptr_t) "{\"permissive\": false}";
	fixture_refused(fixture, reserves, "the role web");
	fixture_planned(fixture, fixture_change); /* reserves nothing */
	masters.facts[1].acls = (char *)(uintptr_t) "file:///etc/acls.json";
	fixture_planned(fixture, reserves);
	assert_risk(fixture, "http://m2:5050", "cannot be read from here");
	masters.facts[1].acls =
		(char *)(uintptr_t) "{\"reserve_resources\": [{\"principals\": {\"values\": [\"ops\"]}, "
				    "\"roles\": {\"type\": \"ANY\"}}], \"permissive\": false}";
	fixture_planned(fixture, reserves);
	assert_risk(fixture, "http://m2:5050", "depends on their principal");
}

/* ---- clocks */

static void the_strictest_clocks_count(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	const struct plan_agent *agent = fixture_planned(fixture, fixture_change);
	assert_int_equal(fixture->plan.clocks.silent_ms, 75000);
	assert_int_equal(agent->start_timeout_ms, 32500); /* twice that, and 10 s to stop, are 75 s */
	masters.facts[1].max_agent_ping_timeouts = 3;
	masters.facts[1].agent_reregister_timeout_ms = 580000;
	agent = fixture_planned(fixture, fixture_change);
	assert_int_equal(fixture->plan.clocks.silent_ms, 45000);
	assert_int_equal(fixture->plan.clocks.reregister_ms, 580000);
	assert_int_equal(agent->start_timeout_ms, 17500);
	assert_true(agent->worst_away_ms <= 580000);
	masters.facts[1].max_agent_ping_timeouts = 1;
	fixture_refused(fixture, fixture_change, "leave no room");
	fixture_refused(fixture, fixture_change, "max_agent_ping_timeouts");
}

static void executors_have_a_clock_too(void **state)
{
	struct planner_fixture *fixture = *state;
	struct masters masters;

	set_masters(fixture, &masters);
	fixture_set_both_flags(fixture, "recovery_timeout", "2mins");
	fixture_planned(fixture, fixture_change); /* nobody is on it who could end */
	fixture_add_task(fixture, true);
	fixture_refused(fixture, fixture_change, "recovery_timeout");
	/* Executors know only what the agent had when they were launched. */
	fixture_refused(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"recovery_timeout\": \"1hrs\"}}]}",
			"recovery_timeout");
	fixture->options.return_ms = 1000;
	fixture_set_both_flags(fixture, "recovery_timeout", "9mins");
	assert_int_equal(fixture_planned(fixture, fixture_change)->recovery_ms, 540000);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, fixture_set_up, fixture_tear_down, NULL                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(masters_that_agree_are_described), TEST(a_master_that_gives_no_answer),
		TEST(masters_that_keep_the_old_record), TEST(a_kept_record_is_no_evidence),
		TEST(masters_without_a_domain),         TEST(another_region),
		TEST(masters_of_two_versions),          TEST(what_our_principal_does_not_see),
		cmocka_unit_test(what_an_acl_says),     TEST(roles_that_nobody_may_reserve),
		TEST(the_strictest_clocks_count),       TEST(executors_have_a_clock_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
