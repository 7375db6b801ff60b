/* SPDX-License-Identifier: Apache-2.0 */
/* The proof: what is needed for a pass, line by line, and what is only not there yet. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/proof_fixture.h"

/* ---- as planned */

static void test_everything_as_planned_passes(void **state)
{
	static const char *const lines[] = {"id",          "reregistered_time", "active",
					    "deactivated", "slave_info",        "checkpoint",
					    "process",     "flag attributes",   "flag strict"};
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_null(fixture.reason);
	assert_string_equal(json_string_value(json_object_get(fixture.document, "result")), "pass");
	assert_string_equal(json_string_value(json_object_get(fixture.document, "of")), "the planned state");
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_non_null(proof_line(&fixture, lines[i]));
		assert_true(json_is_true(json_object_get(proof_line(&fixture, lines[i]), "ok")));
	}
	assert_int_equal(json_array_size(json_object_get(fixture.document, "lines")), sizeof lines / sizeof lines[0]);
	assert_int_equal(proof_count_tasks(&fixture, "survived"), 1);
	proof_close(&fixture);
}

static void test_not_listed_is_not_yet(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	agent_view_clear(proof_view(&fixture));
	fixture.snapshot.agent_count = 0;
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	assert_string_equal(json_string_value(json_object_get(fixture.document, "result")), "incomplete");
	proof_expect(&fixture, PROOF_NOT_YET, "does not list it");
}

static void test_an_old_registration_proves_nothing(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->reregistered_ns = EARLY;
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	/* The record is the one of before: what it says of the SlaveInfo is no line of the proof. */
	assert_null(proof_line(&fixture, "slave_info"));
	proof_expect(&fixture, PROOF_NOT_YET, "has not reregistered");

	/* An agent that the master knows only as registered, never as reregistered. */
	proof_open(&fixture);
	fixture.before.reregistered_ns = 0;
	proof_view(&fixture)->reregistered_ns = 0;
	proof_expect(&fixture, PROOF_NOT_YET, "has not reregistered");
}

/* Once unreachable, both times are new. */
static void test_a_new_registered_time_does_not_matter(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->registered_ns = LATE;
	proof_expect(&fixture, PROOF_PASS, NULL);
}

static void test_inactive_is_not_yet(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->active = false;
	proof_expect(&fixture, PROOF_NOT_YET, "not active");
}

static void test_deactivated_stays_deactivated(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	fixture.before.active = proof_view(&fixture)->active = false;
	fixture.before.deactivated = proof_view(&fixture)->deactivated = true;
	proof_expect(&fixture, PROOF_PASS, NULL);

	proof_open(&fixture);
	proof_view(&fixture)->active = false;
	proof_view(&fixture)->deactivated = true;
	proof_expect(&fixture, PROOF_FAIL, "it is deactivated, and was not before");

	proof_open(&fixture);
	fixture.before.active = false;
	fixture.before.deactivated = true;
	proof_expect(&fixture, PROOF_FAIL, "no longer deactivated");

	/* Another master: the old process has registered once more as well. A new SlaveInfo tells them apart … */
	proof_open(&fixture);
	fixture.before.active = proof_view(&fixture)->active = false;
	fixture.before.deactivated = proof_view(&fixture)->deactivated = true;
	proof_set_text(&fixture.snapshot.facts.id, "M2");
	proof_expect(&fixture, PROOF_PASS, NULL);

	/* … the same one does not. */
	proof_open(&fixture);
	fixture.before.active = proof_view(&fixture)->active = false;
	fixture.before.deactivated = proof_view(&fixture)->deactivated = true;
	slaveinfo_free(fixture.before.info);
	fixture.before.info = slaveinfo_copy(proof_view(&fixture)->info);
	proof_set_text(&fixture.snapshot.facts.id, "M2");
	proof_expect(&fixture, PROOF_NOT_YET, "cannot be told");

	/* Nor does a record that is still the old one, where a master that keeps it was accepted. */
	proof_open(&fixture);
	fixture.before.active = proof_view(&fixture)->active = false;
	fixture.before.deactivated = proof_view(&fixture)->deactivated = true;
	fixture.before.stale_master = true;
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = slaveinfo_copy(fixture.before.info);
	proof_set_text(&fixture.snapshot.facts.id, "M2");
	proof_expect(&fixture, PROOF_NOT_YET, "cannot be told");
}

static void test_the_masters_record_must_be_as_planned(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:old", ID);
	assert_int_equal(proof_judged(&fixture), PROOF_FAIL);
	assert_true(json_is_false(json_object_get(proof_line(&fixture, "slave_info"), "ok")));
	proof_expect(&fixture, PROOF_FAIL, "the master's SlaveInfo is not as planned: attributes");

	/* With another master the old process may have reregistered: its record is replaced when the new one does. */
	proof_open(&fixture);
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:old", ID);
	proof_set_text(&fixture.snapshot.facts.id, "M2");
	proof_expect(&fixture, PROOF_NOT_YET, "not as planned");
}

static void test_slaves_alone_proves_nothing(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->attributes_complete = false;
	proof_expect(&fixture, PROOF_NOT_YET, "GET_AGENTS");

	proof_open(&fixture);
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = NULL;
	proof_expect(&fixture, PROOF_NOT_YET, "GET_AGENTS");
}

static void test_the_checkpoint_must_be_as_planned(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = proof_info("rack:old", ID);
	proof_expect(&fixture, PROOF_FAIL, "the checkpoint on disk is not as planned: attributes");

	proof_open(&fixture);
	slaveinfo_set_id(fixture.started.info, "agent-S2");
	proof_expect(&fixture, PROOF_FAIL, "agent-S2");

	proof_open(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = NULL;
	proof_expect(&fixture, PROOF_NOT_YET, "did not say what the checkpoint");
}

static void test_a_process_is_needed(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	for (int reverted = 0; reverted <= 1; reverted++) {
		proof_open(&fixture);
		if (reverted)
			proof_revert(&fixture);
		fixture.started.pid = 0;
		proof_expect(&fixture, PROOF_FAIL, "no process");
	}
}

static void test_the_process_runs_with_the_planned_flags(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	flags_set(&fixture.started.flags, "attributes", "rack:old");
	proof_expect(&fixture, PROOF_FAIL, "attributes=rack:old, not as planned");

	proof_open(&fixture);
	flags_remove(&fixture.started.flags, "attributes");
	proof_expect(&fixture, PROOF_FAIL, "attributes unset");

	/* One that had to go. */
	proof_open(&fixture);
	flags_set(&fixture.started.flags, "strict", "true");
	proof_expect(&fixture, PROOF_FAIL, "strict=true");

	/* Flags that the plan does not name are the host's own. */
	proof_open(&fixture);
	flags_set(&fixture.started.flags, "quiet", "true");
	proof_expect(&fixture, PROOF_PASS, NULL);
}

static void test_a_secret_is_only_there_or_not(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_set_text(&fixture.agent.edits[1].name, "credential");
	fixture.agent.edits[1].value = xstrdup("file:///etc/new");
	proof_expect(&fixture, PROOF_FAIL, "credential unset");

	proof_open(&fixture);
	proof_set_text(&fixture.agent.edits[1].name, "credential");
	fixture.agent.edits[1].value = xstrdup("file:///etc/new");
	flags_set(&fixture.started.flags, "credential", "<redacted>");
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_string_equal(json_string_value(json_object_get(proof_line(&fixture, "flag credential"), "planned")),
			    "<redacted>");
	proof_close(&fixture);

	/* What was there before is not kept, so an undo cannot be judged by it. */
	proof_open(&fixture);
	proof_revert(&fixture);
	proof_set_text(&fixture.agent.edits[1].name, "credential");
	flags_set(&fixture.started.flags, "credential", "<redacted>");
	proof_expect(&fixture, PROOF_PASS, NULL);
}

/* ---- another ID */

static void add_other(struct proof_fixture *fixture, const char *id)
{
	fixture->snapshot.agents[fixture->snapshot.agent_count++] = proof_make_view(id, "rack:new");
}

static void test_a_new_id_fails(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_view(&fixture)->active = false;
	proof_view(&fixture)->reregistered_ns = EARLY;
	add_other(&fixture, "agent-S9");
	/* Its task is still listed under the old ID, and nobody runs it any more. */
	assert_int_equal(proof_judged(&fixture), PROOF_FAIL);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 1);
	proof_expect(&fixture, PROOF_FAIL, "new ID, agent-S9");

	/* The master has forgotten the old one already. */
	proof_open(&fixture);
	proof_set_text(&proof_view(&fixture)->id, "agent-S9");
	assert_int_equal(proof_judged(&fixture), PROOF_FAIL);
	assert_int_equal(proof_count_tasks(&fixture, "killed"), 1);
	assert_int_equal(proof_count_tasks(&fixture, "survived"), 0);
	assert_string_equal(json_string_value(json_object_get(proof_line(&fixture, "id"), "found")), "agent-S9");
	proof_expect(&fixture, PROOF_FAIL, "new ID, agent-S9");
}

static void test_a_neighbour_is_no_successor(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	/* Another agent on the same host, at another port. */
	proof_open(&fixture);
	proof_view(&fixture)->active = false;
	add_other(&fixture, "agent-S9");
	fixture.snapshot.agents[1].port = 5052;
	proof_expect(&fixture, PROOF_NOT_YET, "not active");

	/* One that is no longer there. */
	proof_open(&fixture);
	proof_view(&fixture)->active = false;
	add_other(&fixture, "agent-S9");
	fixture.snapshot.agents[1].active = false;
	proof_expect(&fixture, PROOF_NOT_YET, "not active");

	/* One at the same address while ours is active: the master knows better. */
	proof_open(&fixture);
	add_other(&fixture, "agent-S9");
	proof_expect(&fixture, PROOF_PASS, NULL);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
