/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic reservations in the agent's checkpoint: the bytes a real agent writes, and what older ones do not know. */
#include <stdlib.h>

#include "base/alloc.h"
#include "lab/agent/agent.h"
#include "mesos/pb.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define REAL "mesos/captured/agent-meta-2/resources/"

static const char *const env[] = {
	"MESOS_MASTER=127.0.0.1:5050", "MESOS_WORK_DIR=/var/lib/mesos", "MESOS_RECONFIGURATION_POLICY=additive",
	"MESOS_DOMAIN={\"fault_domain\":{\"region\":{\"name\":\"a\"},\"zone\":{\"name\":\"b\"}}}", NULL};

/* The captured reservations, read as the agent reads them. */
static void read_real(struct resources *out)
{
	char *path = test_data(REAL "resources_and_operations.state");
	size_t len;
	char *data = scratch_read(path, &len);
	Mesos__ResourceState *state = pb_unpack(&mesos__resource_state__descriptor, data + 4, len - 4);
	assert_non_null(state);
	resources_copy(out, state->resources, state->n_resources);
	pb_free(state);
	free(data);
	free(path);
}

static void same_bytes(const struct agent *agent, const char *name)
{
	char *inside = xasprintf("resources/%s", name), *ours = agent_meta_path(agent, "%s", inside);
	char *real_name = xasprintf(REAL "%s", name), *real = test_data(real_name);
	size_t our_len, real_len;
	char *our_bytes = scratch_read(ours, &our_len), *real_bytes = scratch_read(real, &real_len);
	assert_int_equal(our_len, real_len);
	assert_memory_equal(our_bytes, real_bytes, real_len);
	free(our_bytes);
	free(real_bytes);
	free(real);
	free(real_name);
	free(ours);
	free(inside);
}

static void both_files_are_a_real_agents(void **state)
{
	struct agent agent = {.root = scratch_new(), .release = {.version = {1, 12, 0}}};
	struct checkpoint_state found = {.agent_id = NULL};
	struct error err = ERROR_INIT;
	char work_dir[] = "/var/lib/mesos";
	(void)state;
	agent.work_dir = work_dir;
	read_real(&agent.reserved);
	assert_ok(agent_checkpoint_resources(&agent, &err), &err);
	same_bytes(&agent, "resources_and_operations.state");
	same_bytes(&agent, "resources.info");
	assert_ok(checkpoint_read(agent.root, work_dir, &found, &err), &err);
	assert_true(resources_equal(&found.reserved, &agent.reserved));
	checkpoint_state_clear(&found);
	resources_clear(&agent.reserved);
	assert_ok(agent_checkpoint_resources(&agent, &err), &err); /* all are given back */
	assert_ok(checkpoint_read(agent.root, work_dir, &found, &err), &err);
	assert_int_equal(found.reserved.count, 0);
	checkpoint_state_clear(&found);
	scratch_remove(agent.root);
}

static int read_flags(const char *argument, const struct agent_release *release, struct flags *out, struct error *err)
{
	const char *const argv[] = {"mesos-agent", argument, NULL};
	return agent_flags_read(2, argv, env, release, out, err);
}

static void older_agents_know_fewer_flags(void **state)
{
	static const struct agent_release old = {.version = {1, 4, 3}}, newer = {.version = {1, 5, 0}};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	(void)state;
	assert_int_equal(read_flags("--reconfiguration_policy=additive", &old, &flags, &err), -1);
	assert_string_equal(err.text, "Failed to load unknown flag 'reconfiguration_policy'");
	/* In the environment what is not known does not count. */
	assert_ok(read_flags("--port=5051", &old, &flags, &err), &err);
	assert_null(flags_get(&flags, "reconfiguration_policy"));
	assert_non_null(flags_get(&flags, "domain")); /* 1.4 has it */
	json_t *shown = agent_flags_to_json(&flags, &old);
	assert_null(json_object_get(shown, "reconfiguration_policy"));
	json_decref(shown);
	flags_clear(&flags);
	assert_ok(read_flags("--reconfiguration_policy=additive", &newer, &flags, &err), &err);
	assert_non_null(flags_get(&flags, "domain"));
	flags_clear(&flags);
}

static void the_wait_between_attempts_doubles_up_to_a_minute(void **state)
{
	int64_t bound = 1000;
	static const int64_t expected[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000};
	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		bound = agent_backoff_next(bound, 60000);
		assert_int_equal(bound, expected[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_files_are_a_real_agents),
		cmocka_unit_test(older_agents_know_fewer_flags),
		cmocka_unit_test(the_wait_between_attempts_doubles_up_to_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
