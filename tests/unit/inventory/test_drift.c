/* SPDX-License-Identifier: Apache-2.0 */
/* Which two places disagree about an agent, and what is merely worth knowing. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/drift.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"

/* After the fleet's agents registered. */
#define SURVEYED_MS INT64_C(1700000001000)

struct fixture {
	struct agent_record agent;
	struct survey_record row;
	struct survey survey;
	struct drift_input input;
	struct drift_findings found;
};

static int setup(void **state)
{
	static const struct fleet_agent agent = {.id = "m-S1", .hostname = "a", .attributes = "rack:r1"};
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fleet_view(&agent, &fixture->agent.view);
	fixture->row.time_ms = SURVEYED_MS;
	fixture->survey.running = true;
	fixture->survey.has_verdict = true;
	fixture->survey.verdict_accepted = true;
	fixture->survey.info = slaveinfo_copy(fixture->agent.view.info);
	flags_set(&fixture->survey.flags, "attributes", "rack:r1");
	flags_set(&fixture->survey.store_flags, "attributes", "rack:r1");
	fixture->input =
		(struct drift_input){.agent = &fixture->agent, .row = &fixture->row, .survey = &fixture->survey};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	drift_findings_clear(&fixture->found);
	agent_record_clear(&fixture->agent);
	survey_clear(&fixture->survey);
	survey_record_clear(&fixture->row);
	free(fixture);
	return 0;
}

/* Exactly one finding, of that kind. */
static const struct drift_finding *only(struct fixture *fixture, const char *kind, bool drift)
{
	drift_findings_clear(&fixture->found);
	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 1);
	assert_string_equal(fixture->found.items[0].kind, kind);
	assert_int_equal(drift_findings_has_drift(&fixture->found), drift);
	return &fixture->found.items[0];
}

static void use_master(struct fixture *fixture, const struct fleet_agent *agent)
{
	agent_view_clear(&fixture->agent.view);
	fleet_view(agent, &fixture->agent.view);
}

static void test_agreement(void **state)
{
	struct fixture *fixture = *state;

	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 0);
	assert_false(drift_findings_has_drift(&fixture->found));
}

static bool knows(void *ctx, const char *operation)
{
	return strcmp(operation, ctx) == 0;
}

/* Whoever can finish an open operation is named: its run, a rescue, or who takes over what a restored database has forgotten. */
static void test_open_operations(void **state)
{
	struct fixture *fixture = *state;
	struct survey_operation open = {.operation = (char *)(uintptr_t) "known",
					.state = (char *)(uintptr_t) "changing",
					.run = (char *)(uintptr_t) "r-20261123-1",
					.database = (char *)(uintptr_t) "here"};

	fixture->survey.operations = &open;
	fixture->survey.operation_count = 1;
	fixture->input.database = "here";
	fixture->input.knows_operation = knows;
	fixture->input.ctx = (char *)(uintptr_t) "known";
	assert_non_null(strstr(only(fixture, "open-operation", false)->fix, "rollcall rollout settle r-20261123-1"));
	open.operation = (char *)(uintptr_t) "later";
	const char *fix = only(fixture, "open-operation", true)->fix;
	assert_non_null(strstr(fix, "rollcall rescue"));
	assert_non_null(strstr(fix, "--adopt"));
	open.operation = (char *)(uintptr_t) "known";
	open.run = (char *)(uintptr_t) "rescue-0123456789ab";
	assert_non_null(strstr(only(fixture, "open-operation", false)->fix, "`rollcall rescue` asks"));
	open.database = (char *)(uintptr_t) "elsewhere";
	assert_non_null(strstr(only(fixture, "open-operation", true)->fix, "with that database"));
	fixture->survey.operations = NULL;
	fixture->survey.operation_count = 0;
}

static void test_store_and_process(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->survey.store_flags, "attributes", "rack:r2");
	const struct drift_finding *finding = only(fixture, "store-running", true);
	assert_string_equal(finding->places[0], "store");
	assert_string_equal(finding->what, "attributes");
	assert_string_equal(finding->values[0], "rack:r2");
	assert_string_equal(finding->values[1], "rack:r1");

	flags_set(&fixture->survey.store_flags, "attributes", "rack:r1");
	flags_set(&fixture->survey.store_flags, "recover", "reconnect");
	assert_null(only(fixture, "store-running", true)->values[1]);
}

/* Entries in another order are the same; what the command line adds is nobody's drift; nothing runs, nothing differs. */
static void test_no_disagreement_of_store(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->survey.flags, "attributes", "a:1;b:2");
	flags_set(&fixture->survey.store_flags, "attributes", "b:2;a:1");
	flags_set(&fixture->survey.flags, "hostname", "a");
	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 0);

	flags_set(&fixture->survey.store_flags, "attributes", "b:3");
	fixture->survey.running = false;
	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 0);
}

/* Each value is named, as the next start would have it and as the checkpoint has it. */
static void test_refusal(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->survey.store_flags, "attributes", "rack:r9");
	flags_set(&fixture->survey.flags, "attributes", "rack:r9");
	fixture->survey.verdict_accepted = false;
	fixture->survey.verdict_differs = PART_ATTRIBUTES;
	const struct drift_finding *finding = only(fixture, "would-refuse", true);
	assert_string_equal(finding->what, "attributes.rack");
	assert_string_equal(finding->values[0], "r9");
	assert_string_equal(finding->values[1], "r1");
	assert_non_null(strstr(finding->fix, "refused"));
}

/* The store's flags count over the process's, whose own stay. */
static void test_refusal_by_the_next_flags(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->survey.flags, "attributes", "rack:r9");
	fixture->survey.verdict_accepted = false;
	fixture->survey.verdict_differs = PART_ATTRIBUTES;
	flags_set(&fixture->survey.store_flags, "attributes", "rack:r8");
	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 2); /* store-running, would-refuse */
	assert_string_equal(fixture->found.items[1].values[0], "r8");
}

/* What stands in a file of the host cannot be read from here: the part is named, and what the flag says. */
static void test_refusal_without_values(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->survey.store_flags, "attributes", "file:///etc/attributes");
	flags_set(&fixture->survey.flags, "attributes", "file:///etc/attributes");
	fixture->survey.verdict_accepted = false;
	fixture->survey.verdict_differs = PART_ATTRIBUTES | PART_DOMAIN;
	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 2);
	assert_string_equal(fixture->found.items[0].what, "attributes");
	assert_string_equal(fixture->found.items[0].values[0], "file:///etc/attributes");
	assert_string_equal(fixture->found.items[1].what, "domain");
	assert_non_null(fixture->found.items[1].values[0]);
}

/* Flags with which it would not even start differ in no part. */
static void test_refusal_of_flags(void **state)
{
	struct fixture *fixture = *state;

	fixture->survey.verdict_accepted = false;
	fixture->survey.verdict_message = xstrdup("Invalid attribute key:value pair 'rack'");
	const struct drift_finding *finding = only(fixture, "would-refuse", true);
	assert_string_equal(finding->what, "flags");
	assert_string_equal(finding->values[0], "Invalid attribute key:value pair 'rack'");
}

/* The master has what the agent registered with, the checkpoint does not: one finding, with its name, and not two. */
static void test_not_written_back(void **state)
{
	static const struct fleet_agent grown = {.id = "m-S1", .hostname = "a", .attributes = "rack:r1;ssd:yes"};
	struct fixture *fixture = *state;

	use_master(fixture, &grown);
	fixture->survey.verdict_differs = PART_ATTRIBUTES;
	flags_set(&fixture->survey.flags, "attributes", "rack:r1;ssd:yes");
	flags_set(&fixture->survey.store_flags, "attributes", "rack:r1;ssd:yes");
	fixture->agent.view.attributes_complete = true;
	const struct drift_finding *finding = only(fixture, "not-written-back", true);
	assert_non_null(strstr(finding->fix, "reboot"));
	assert_string_equal(finding->what, "attributes.ssd");
	assert_string_equal(finding->values[0], "yes");
	assert_null(finding->values[1]);
}

static void test_checkpoint_and_master(void **state)
{
	static const struct fleet_agent other = {.id = "m-S1", .hostname = "a", .attributes = "rack:r2"};
	struct fixture *fixture = *state;

	use_master(fixture, &other);
	fixture->agent.view.attributes_complete = true;
	const struct drift_finding *finding = only(fixture, "checkpoint-master", true);
	assert_string_equal(finding->what, "attributes.rack");
	assert_string_equal(finding->values[0], "r1");
	assert_string_equal(finding->values[1], "r2");
	assert_non_null(strstr(finding->fix, "restart that master, then `rollcall inventory sync`"));

	/* /slaves may have left the attribute out */
	fixture->agent.view.attributes_complete = false;
	drift_findings_clear(&fixture->found);
	drift_find(&fixture->input, &fixture->found);
	assert_int_equal(fixture->found.count, 0);

	/* what a master that no longer lists it said last is no record */
	fixture->agent.view.attributes_complete = true;
	fixture->agent.gone_ms = 5;
	assert_non_null(strstr(only(fixture, "unlisted", true)->what, "1970"));
}

static void test_facts(void **state)
{
	static const struct fleet_agent twice = {.id = "m-S1", .hostname = "a", .attributes = "rack:r1;rack:r2"};
	struct fixture *fixture = *state;

	fixture->input.neighbours = 1;
	assert_non_null(strstr(only(fixture, "shared-host", false)->what, "1 other agent is"));
	fixture->input.neighbours = 0;

	use_master(fixture, &twice);
	slaveinfo_free(fixture->survey.info);
	fixture->survey.info = slaveinfo_copy(fixture->agent.view.info);
	assert_non_null(strstr(only(fixture, "duplicate-attribute", false)->what, "rack"));
}

static void test_no_checkpoint(void **state)
{
	struct fixture *fixture = *state;

	slaveinfo_free(fixture->survey.info);
	fixture->survey.info = NULL;
	fixture->survey.has_verdict = false;
	only(fixture, "no-checkpoint", true);
}

static void test_never_surveyed(void **state)
{
	struct fixture *fixture = *state;

	fixture->input.survey = NULL;
	fixture->input.row = NULL;
	assert_non_null(only(fixture, "not-surveyed", false)->fix);

	fixture->input.row = &fixture->row;
	fixture->row.failed_ms = 7;
	fixture->row.failure = xstrdup("no route");
	assert_non_null(strstr(only(fixture, "not-surveyed", false)->what, "no route"));
}

/* What an older survey saw is about a process that is gone. */
static void test_registered_since(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->survey.store_flags, "attributes", "rack:r2");
	fixture->agent.view.reregistered_ns = (SURVEYED_MS + 1) * 1000000;
	assert_non_null(strstr(only(fixture, "not-surveyed", false)->what, "has registered since"));
	fixture->row.time_ms = SURVEYED_MS + 1;
	only(fixture, "store-running", true);
}

static void test_config_that_cannot_be_said(void **state)
{
	struct fixture *fixture = *state;

	drift_find_config_failure("web@3", "agent a has no attribute \"hall\"", &fixture->found);
	assert_int_equal(fixture->found.count, 1);
	assert_true(drift_findings_has_drift(&fixture->found));
	assert_string_equal(fixture->found.items[0].what, "web@3");
	assert_string_equal(fixture->found.items[0].values[0], "agent a has no attribute \"hall\"");
	assert_non_null(fixture->found.items[0].fix);
}

static void test_config(void **state)
{
	struct fixture *fixture = *state;
	char flag[] = "attributes", before[] = "rack:r1", after[] = "rack:r9";
	struct config_edit edit = {.flag = flag, .before = before, .after = after};
	const struct config_edits edits = {.items = &edit, .count = 1};

	drift_find_config("web-tier@3", &edits, &fixture->found);
	assert_int_equal(fixture->found.count, 1);
	assert_string_equal(fixture->found.items[0].values[0], "rack:r9");
	assert_non_null(strstr(fixture->found.items[0].fix, "web-tier@3"));
	assert_true(drift_findings_has_drift(&fixture->found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_agreement, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_and_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_disagreement_of_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal_by_the_next_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal_without_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusal_of_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_written_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checkpoint_and_master, setup, teardown),
		cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_checkpoint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_operations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_surveyed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_registered_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config_that_cannot_be_said, setup, teardown),
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
