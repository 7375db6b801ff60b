/* SPDX-License-Identifier: Apache-2.0 */
/* The proof: a machine that was copied from the agent's, and registers with its ID from elsewhere, proves nothing. */
#include "tests/support/cmocka.h"

#include "base/alloc.h"
#include "tests/support/proof_fixture.h"

static void test_another_machine_is_not_the_agent(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	assert_true(proof_is_at_its_address(&fixture.agent, proof_view(&fixture)));
	proof_set_text(&proof_view(&fixture)->ip, "10.0.0.99");
	assert_false(proof_is_at_its_address(&fixture.agent, proof_view(&fixture)));
	proof_expect(&fixture, PROOF_NOT_YET, "the master shows it at 10.0.0.99, and it was at 10.0.0.1");
}

static void test_nor_after_an_undo(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_revert(&fixture);
	proof_set_text(&proof_view(&fixture)->ip, "10.0.0.99");
	proof_expect(&fixture, PROOF_NOT_YET, "another machine has registered with its ID");
}

static void test_a_plan_that_changes_the_address_says_nothing_of_it(void **state)
{
	struct proof_fixture fixture;
	struct flag_edit edit = {.name = (char *)(uintptr_t) "advertise_ip", .value = (char *)(uintptr_t) "10.0.0.99"};
	struct plan_agent agent;

	(void)state;
	proof_open(&fixture);
	agent = fixture.agent;
	agent.edits = &edit;
	agent.edit_count = 1;
	proof_set_text(&proof_view(&fixture)->ip, "10.0.0.99");
	assert_true(proof_is_at_its_address(&agent, proof_view(&fixture)));
	proof_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_machine_is_not_the_agent),
		cmocka_unit_test(test_nor_after_an_undo),
		cmocka_unit_test(test_a_plan_that_changes_the_address_says_nothing_of_it),
	};

	return cmocka_run_group_tests_name("proof address", tests, NULL, NULL);
}
