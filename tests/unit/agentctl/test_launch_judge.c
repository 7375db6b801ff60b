/* SPDX-License-Identifier: Apache-2.0 */
/* What launch does about a difference, and what it says when it does nothing. */
#include "tests/support/cmocka.h"

#include "agentctl/launch_judge.h"
#include "base/alloc.h"
#include "tests/support/splice_fixture.h"

#define EU_A "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}"
#define EU_B "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"b\"}}}"

struct set {
	struct checkpoint_state checkpoint;
	Mesos__SlaveInfo *after;
	struct launch_question question;
	struct launch_judgement judgement;
};

static void make(struct set *set, Mesos__SlaveInfo *before, Mesos__SlaveInfo *after)
{
	const struct recovery_rules stock = RECOVERY_STOCK;

	memset(set, 0, sizeof *set);
	set->checkpoint.agent_id = xstrdup("S1");
	set->checkpoint.bytes = splice_built(before);
	set->checkpoint.info = before;
	set->after = after;
	set->question = (struct launch_question){.checkpoint = &set->checkpoint, .after = after, .rules = stock};
	set->question.rules.ignore = PART_DOMAIN;
}

static void clear(struct set *set)
{
	launch_judgement_clear(&set->judgement);
	slaveinfo_free(set->after);
	checkpoint_state_clear(&set->checkpoint);
}

static enum launch_action judge(struct set *set)
{
	launch_judgement_clear(&set->judgement);
	launch_judge(&set->question, &set->judgement);
	return set->judgement.action;
}

/* What is to be written is what the flags give. */
static void assert_new_state(const struct set *set)
{
	Mesos__SlaveInfo *written = splice_parsed(&set->judgement.bytes);

	assert_int_equal(slaveinfo_diff(written, set->after), 0);
	assert_string_equal(slaveinfo_id(written), "S1");
	slaveinfo_free(written);
}

static void test_no_difference(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"));
	assert_int_equal(judge(&set), LAUNCH_START);
	assert_int_equal(set.judgement.bytes.len, 0);
	/* Not recovered: only a named operation ends tasks when nothing differs. */
	set.question.discard = true;
	assert_int_equal(judge(&set), LAUNCH_START);
	set.question.discard_unchanged = true;
	assert_int_equal(judge(&set), LAUNCH_DISCARD);
	splice_assert_same(&set.judgement.bytes, &set.checkpoint.bytes);
	clear(&set);
}

static void test_ignored_differences_are_written(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, EU_A, "5051"),
	     splice_make("rack:r1", SPLICE_RESOURCES, EU_B, "5051"));
	assert_int_equal(judge(&set), LAUNCH_REWRITE);
	assert_int_equal(set.judgement.differs, PART_DOMAIN);
	assert_false(set.judgement.agent_accepts);
	assert_new_state(&set);
	set.question.rules.ignore = 0;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_int_equal(set.judgement.bytes.len, 0);
	clear(&set);
}

static void test_other_differences_are_refused(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("rack:r2", "cpus:2;mem:4096;disk:10000;ports:[31000-32000]", NULL, "5051"));
	set.question.rules.ignore = PART_ATTRIBUTES;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_text_has(buffer_text(&set.judgement.reason), "Incompatible agent info detected");
	assert_text_has(buffer_text(&set.judgement.reason), "'[\"resources\",\"attributes\"]' would allow it");
	assert_text_has(buffer_text(&set.judgement.reason), "--recover_state=false would allow it");
	assert_null(strstr(buffer_text(&set.judgement.reason), "rebooted"));
	set.question.rebooted = true;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_text_has(buffer_text(&set.judgement.reason), "under a new ID");
	set.question.rules.ignore = PART_ATTRIBUTES | PART_RESOURCES;
	assert_int_equal(judge(&set), LAUNCH_REWRITE);
	assert_new_state(&set);
	clear(&set);
}

static void test_a_port_needs_a_discard(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("rack:r2", SPLICE_RESOURCES, NULL, "5052"));
	set.question.rules.ignore = PART_ATTRIBUTES | PART_RESOURCES | PART_DOMAIN;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_text_has(buffer_text(&set.judgement.reason), "No value of --ignore_checkpointed_state allows it: port");
	set.question.discard = true;
	assert_int_equal(judge(&set), LAUNCH_DISCARD);
	assert_new_state(&set);
	clear(&set);
}

static void test_a_hostname_is_never_changed(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"));
	free(set.after->hostname);
	set.after->hostname = xstrdup("n2");
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_text_has(buffer_text(&set.judgement.reason), "hostname cannot be ignored");
	assert_null(strstr(buffer_text(&set.judgement.reason), "--recover_state=false would"));
	set.question.discard = true;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_text_has(buffer_text(&set.judgement.reason), "hostname");
	clear(&set);
}

static void test_reservations_must_fit(void **state)
{
	struct error err = ERROR_INIT;
	struct set set;
	json_t *reserved;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("rack:r1", "cpus:2;mem:4096;disk:10000;ports:[31000-32000]", NULL, "5051"));
	reserved = json_loads("[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":3},"
			      "\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\",\"principal\":\"p\"}]}]",
			      0, NULL);
	assert_ok(resources_from_json(reserved, &set.checkpoint.reserved, &err), &err);
	json_decref(reserved);
	set.question.rules.ignore = PART_RESOURCES;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	assert_text_has(buffer_text(&set.judgement.reason), "are incompatible with agent resources");
	assert_text_has(buffer_text(&set.judgement.reason), "what is reserved must fit");
	set.question.discard = true;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	clear(&set);
}

/* The agent accepts an addition by itself; that it is written too keeps the checkpoint from lagging behind. */
static void test_additive(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("rack:r1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("rack:r1;ssd:true", SPLICE_RESOURCES, NULL, "5051"));
	set.question.rules.policy = POLICY_ADDITIVE;
	assert_int_equal(judge(&set), LAUNCH_START);
	assert_true(set.judgement.agent_accepts);
	set.question.rules.ignore = PART_ATTRIBUTES;
	assert_int_equal(judge(&set), LAUNCH_REWRITE);
	assert_true(set.judgement.agent_accepts);
	assert_new_state(&set);
	clear(&set);
}

/* An agent under `additive` refuses two values of one name whatever is checkpointed: writing that would be in vain. */
static void test_what_the_agent_would_refuse_anyway(void **state)
{
	struct set set;

	(void)state;
	make(&set, splice_make("k:1", SPLICE_RESOURCES, NULL, "5051"),
	     splice_make("k:1;k:2", SPLICE_RESOURCES, NULL, "5051"));
	set.question.rules.policy = POLICY_ADDITIVE;
	set.question.rules.ignore = PART_ATTRIBUTES;
	set.question.discard = true;
	assert_int_equal(judge(&set), LAUNCH_REFUSE);
	set.question.rules.policy = POLICY_EQUAL;
	assert_int_equal(judge(&set), LAUNCH_DISCARD);
	clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_difference),
		cmocka_unit_test(test_ignored_differences_are_written),
		cmocka_unit_test(test_other_differences_are_refused),
		cmocka_unit_test(test_a_port_needs_a_discard),
		cmocka_unit_test(test_a_hostname_is_never_changed),
		cmocka_unit_test(test_reservations_must_fit),
		cmocka_unit_test(test_additive),
		cmocka_unit_test(test_what_the_agent_would_refuse_anyway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
