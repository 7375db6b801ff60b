/* SPDX-License-Identifier: Apache-2.0 */
/* The proof: what was found counts as planned where the plan cannot know it, and what is used is shown beside what there is. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/proof_fixture.h"

/* Of its record: cpus and mem by the default role. */
static void use(struct proof_fixture *fixture, const char *total, const char *used)
{
	struct error err = ERROR_INIT;

	assert_int_equal(resources_parse(total, NULL, &mesos_version_newest, &proof_view(fixture)->total, &err), 0);
	assert_int_equal(resources_parse(used, NULL, &mesos_version_newest, &proof_view(fixture)->used, &err), 0);
}

static const json_t *resource(const struct proof_fixture *fixture, const char *name, const char *role)
{
	const json_t *all = json_object_get(fixture->document, "resources");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0 &&
		    strcmp(json_string_value(json_object_get(one, "role")), role) == 0)
			return one;
	}
	return NULL;
}

static void test_use_is_shown_by_name_and_reservation(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	use(&fixture, "cpus:4;mem:512;mem(web):256", "cpus:4;mem(web):512");
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_int_equal(json_array_size(json_object_get(fixture.document, "resources")), 3);
	assert_true(json_is_false(json_object_get(resource(&fixture, "cpus", "*"), "over")));
	assert_true(json_number_value(json_object_get(resource(&fixture, "mem", "*"), "used")) == 0);
	assert_true(json_is_true(json_object_get(resource(&fixture, "mem", "web"), "over")));
	assert_true(json_number_value(json_object_get(resource(&fixture, "mem", "web"), "total")) == 256);
	proof_close(&fixture);
}

static void test_ports_that_are_gone_are_over(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	use(&fixture, "cpus:4;ports:[31000-31999]", "cpus:1;ports:[32000-32000]");
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_true(json_is_true(json_object_get(resource(&fixture, "ports", "*"), "over")));
	proof_close(&fixture);
}

static void test_an_agent_without_resources_has_none(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_int_equal(json_array_size(json_object_get(fixture.document, "resources")), 0);
	proof_close(&fixture);
}

/* The agent writes its checkpoint while it recovers: what is on disk just after its start says nothing. */
static void test_a_native_agent_writes_its_checkpoint_later(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	fixture.agent.mechanism = MECHANISM_NATIVE;
	slaveinfo_free(fixture.started.info);
	fixture.started.info = proof_info("rack:old", ID);
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_null(proof_line(&fixture, "checkpoint"));
	assert_non_null(proof_line(&fixture, "checkpoint on disk"));
	slaveinfo_free(fixture.started.info);
	fixture.started.info = proof_info("rack:other", ID);
	proof_expect(&fixture, PROOF_FAIL, "the checkpoint on disk is not as planned");
}

static void test_only_a_native_agent_may(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	slaveinfo_free(fixture.started.info);
	fixture.started.info = proof_info("rack:old", ID);
	proof_expect(&fixture, PROOF_FAIL, "the checkpoint on disk is not as planned");
}

/* A master that the operator has accepted goes on showing what it had. */
static void test_an_old_master_keeps_its_record(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:old", ID);
	assert_int_equal(proof_judged(&fixture), PROOF_FAIL);
	fixture.before.stale_master = true;
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_null(proof_line(&fixture, "slave_info"));
	assert_non_null(proof_line(&fixture, "slave_info at the master"));
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:other", ID);
	proof_expect(&fixture, PROOF_FAIL, "the master's SlaveInfo is not as planned");
}

/* Undone after a change that the old master had not stored either: the one that leads by now has the checkpoint. */
static void test_an_undo_after_an_old_master(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	proof_revert(&fixture);
	slaveinfo_free(fixture.before.info);
	fixture.before.info = proof_info("rack:older", ID);
	assert_int_equal(proof_judged(&fixture), PROOF_NOT_YET);
	fixture.before.stale_master = true;
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	/* … or the old master leads on, with what it had. */
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:older", ID);
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	slaveinfo_free(proof_view(&fixture)->info);
	proof_view(&fixture)->info = proof_info("rack:other", ID);
	proof_expect(&fixture, PROOF_NOT_YET, "the master's SlaveInfo is not as before");
}

/* The picture was lost with the database: whether somebody had deactivated it before cannot be known, and the proof says so. */
static void test_a_forgotten_picture(void **state)
{
	struct proof_fixture fixture;

	(void)state;
	proof_open(&fixture);
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_null(proof_line(&fixture, "the state before"));
	proof_view(&fixture)->active = false;
	proof_view(&fixture)->deactivated = true;
	assert_int_equal(proof_judged(&fixture), PROOF_FAIL);
	fixture.before.forgotten = true;
	assert_int_equal(proof_judged(&fixture), PROOF_PASS);
	assert_non_null(proof_line(&fixture, "the state before"));
	proof_view(&fixture)->deactivated = false;
	proof_expect(&fixture, PROOF_NOT_YET, "not active");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_use_is_shown_by_name_and_reservation),
		cmocka_unit_test(test_ports_that_are_gone_are_over),
		cmocka_unit_test(test_an_agent_without_resources_has_none),
		cmocka_unit_test(test_a_native_agent_writes_its_checkpoint_later),
		cmocka_unit_test(test_only_a_native_agent_may),
		cmocka_unit_test(test_an_old_master_keeps_its_record),
		cmocka_unit_test(test_an_undo_after_an_old_master),
		cmocka_unit_test(test_a_forgotten_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
