/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's agent: its flags, and a checkpoint that is laid out as a real one and reads back. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/agent/agent.h"
#include "lab/core/files.h"
#include "mesos/checkpoint.h"
#include "mesos/pb.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define AGENT     "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S2"
#define FRAMEWORK "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-0003"
#define CONTAINER "4dc15243-3059-4c60-803f-e1b2992b8272"

static const char *const env[] = {"MESOS_MASTER=127.0.0.1:5050", "MESOS_WORK_DIR=/var/lib/mesos",
				  "MESOS_NATIVE_JAVA_LIBRARY=/usr/lib/libmesos.so", "HOME=/", NULL};

static const struct agent_release newest = {.version = {1, 12, 0}};

static void refused(const char *argument, const char *words)
{
	const char *const argv[] = {"mesos-agent", argument, NULL};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	assert_int_equal(agent_flags_read(2, argv, env, &newest, &flags, &err), -1);
	assert_text_has(err.text, words);
	assert_int_equal(flags.count, 0);
}

static void flags_it_does_not_know_are_refused(void **state)
{
	(void)state;
	refused("--recover_state=false", "Failed to load unknown flag 'recover_state'");
	refused("--no-such", "Failed to load unknown flag 'such' via 'no-such'");
	refused("--no-strict=true", "Failed to load boolean flag 'strict' via 'no-strict' with value 'true'");
	refused("--strict=perhaps", "Failed to load flag 'strict': Failed to load value 'perhaps': Expecting a boolean "
				    "(e.g., true or false)");
	refused("--executor_registration_timeout=2 minutes", "Unknown duration unit ' minutes'");
	refused("--fetcher_cache_size=2", "Invalid bytes '2'");
	refused("--max_completed_executors_per_framework=many", "Failed to convert into required type");
	refused("--no-attributes", "Failed to load non-boolean flag 'attributes'");
	refused("--attributes", "Missing value");
	refused("--reconfiguration_policy=any", "Unknown option for 'reconfiguration_policy' flag any");
	refused("--recovery_timeout=soon", "recovery_timeout");
	refused("--executor_reregistration_timeout=16secs", "not more than 15secs");
}

static void flags_from_both_places(void **state)
{
	const char *const argv[] = {"mesos-agent", "--no-strict", "--work_dir=/srv", NULL};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	(void)state;
	assert_ok(agent_flags_read(3, argv, env, &newest, &flags, &err), &err);
	assert_string_equal(agent_flag(&flags, "work_dir"), "/srv");
	assert_string_equal(agent_flag(&flags, "strict"), "false");
	assert_string_equal(agent_flag(&flags, "recovery_timeout"), "15mins");
	assert_null(flags_get(&flags, "native_java_library"));
	assert_null(agent_flag(&flags, "attributes"));
	json_t *shown = agent_flags_to_json(&flags, &newest);
	assert_string_equal(json_string_value(json_object_get(shown, "port")), "5051");
	assert_null(json_object_get(shown, "attributes"));
	json_decref(shown);
	flags_clear(&flags);
}

static void the_digest_does_not_care_about_order(void **state)
{
	struct flags a = FLAGS_INIT, b = FLAGS_INIT;
	char first[DIGEST_HEX_SIZE], second[DIGEST_HEX_SIZE];
	(void)state;
	flags_set(&a, "port", "5051");
	flags_set(&a, "attributes", "a:b");
	flags_set(&b, "attributes", "a:b");
	flags_set(&b, "port", "5051");
	flags_set(&b, "no_flag_of_the_agent", "1");
	agent_flags_digest(&a, first);
	agent_flags_digest(&b, second);
	assert_string_equal(first, second);
	flags_set(&b, "port", "5052");
	agent_flags_digest(&b, second);
	assert_string_not_equal(first, second);
	flags_clear(&a);
	flags_clear(&b);
}

/* ---- checkpoints */

static void *sample(const char *path, const ProtobufCMessageDescriptor *descriptor)
{
	char *name = xasprintf("mesos/captured/agent-meta-2/slaves/" AGENT "/frameworks/" FRAMEWORK "/%s", path);
	char *full = test_data(name);
	size_t len;
	char *data = scratch_read(full, &len);
	void *message = pb_unpack(descriptor, data + 4, len - 4);
	assert_non_null(message);
	free(data);
	free(full);
	free(name);
	return message;
}

static struct agent *make_agent(void)
{
	struct agent *agent = xcalloc(1, sizeof(*agent));
	agent->release = newest;
	agent->root = scratch_new();
	agent->work_dir = xstrdup("/var/lib/mesos");
	agent->ip = xstrdup("127.0.0.1");
	agent->info = pb_new(&mesos__slave_info__descriptor);
	agent->info->hostname = xstrdup("node2.example.com");
	slaveinfo_set_id(agent->info, AGENT);
	return agent;
}

static void free_agent(struct agent *agent)
{
	slaveinfo_free(agent->info);
	scratch_remove(agent->root);
	free(agent->work_dir);
	free(agent->ip);
	free(agent);
}

static struct agent_task *make_task(struct agent *agent)
{
	struct agent_task *task = xcalloc(1, sizeof(*task));
	task->agent = agent;
	task->framework = sample("framework.info", &mesos__framework_info__descriptor);
	task->executor = sample("executors/ck3/executor.info", &mesos__executor_info__descriptor);
	task->task = sample("executors/ck3/runs/" CONTAINER "/tasks/ck3/task.info", &mesos__task__descriptor);
	task->container = xstrdup(CONTAINER);
	task->pid = 25272;
	return task;
}

static void write_checkpoint(struct agent *agent, struct agent_task *task)
{
	struct error err = ERROR_INIT;
	Mesos__TaskStatus status = MESOS__TASK_STATUS__INIT;
	uint8_t uuid[16] = "0123456789abcde";
	char *boot_id = path_join(agent->root, "proc/sys/kernel/random/boot_id");
	assert_ok(files_write_text(boot_id, "1ea226db-edc7-4e8b-91d0-9bb85a539d4c\n", &err), &err);
	free(boot_id);
	assert_ok(agent_checkpoint_self(agent, &err), &err);
	assert_ok(agent_checkpoint_task(agent, task, &err), &err);
	assert_ok(agent_checkpoint_pid(agent, task, &err), &err);
	status.task_id = task->task->task_id;
	status.has_uuid = true;
	status.uuid = (ProtobufCBinaryData){.len = 16, .data = uuid};
	status.state = MESOS__TASK_STATE__TASK_STARTING;
	assert_ok(agent_checkpoint_update(agent, task, &status, &err), &err);
	status.state = MESOS__TASK_STATE__TASK_RUNNING;
	assert_ok(agent_checkpoint_update(agent, task, &status, &err), &err);
}

/* Every file of the real tree below this path is in ours, and framework.info and the like have the same bytes. */
static void compare_trees(const char *real, const char *ours, int *files)
{
	DIR *dir = opendir(real);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		char *left = path_join(real, entry->d_name), *right = path_join(ours, entry->d_name);
		if (lstat(right, &st) < 0)
			fail_msg("%s is missing", right);
		if (stat(left, &st) == 0 && S_ISDIR(st.st_mode))
			compare_trees(left, right, files);
		*files += 1;
		free(left);
		free(right);
	}
	closedir(dir);
}

static void the_checkpoint_is_laid_out_as_a_real_one(void **state)
{
	struct agent *agent = make_agent();
	struct agent_task *task = make_task(agent);
	int files = 0;
	(void)state;
	write_checkpoint(agent, task);
	char *real = test_data("mesos/captured/agent-meta-2/slaves/" AGENT "/frameworks/" FRAMEWORK);
	char *ours = agent_meta_path(agent, "slaves/" AGENT "/frameworks/" FRAMEWORK);
	compare_trees(real, ours, &files);
	assert_true(files >= 12);
	for (size_t i = 0; i < 2; i++) {
		static const char *const same[] = {"framework.info", "executors/ck3/executor.info"};
		size_t left_len, right_len;
		char *left_path = path_join(real, same[i]), *right_path = path_join(ours, same[i]);
		char *left = scratch_read(left_path, &left_len), *right = scratch_read(right_path, &right_len);
		assert_int_equal(left_len, right_len);
		assert_memory_equal(left, right, left_len);
		free(left);
		free(right);
		free(left_path);
		free(right_path);
	}
	free(real);
	free(ours);
	agent_task_free(task);
	free_agent(agent);
}

static void the_checkpoint_reads_back(void **state)
{
	struct agent *agent = make_agent();
	struct agent_task *task = make_task(agent);
	struct checkpoint_state found = {.agent_id = NULL};
	struct error err = ERROR_INIT;
	(void)state;
	write_checkpoint(agent, task);
	assert_ok(checkpoint_read(agent->root, agent->work_dir, &found, &err), &err);
	assert_string_equal(found.agent_id, AGENT);
	assert_string_equal(found.boot_id, "1ea226db-edc7-4e8b-91d0-9bb85a539d4c");
	assert_int_equal(found.task_count, 1);
	assert_string_equal(found.tasks[0].task_id, "ck3");
	assert_string_equal(found.tasks[0].container_id, CONTAINER);
	assert_true(found.tasks[0].framework_checkpoints);
	assert_int_equal(found.tasks[0].executor_pid, 25272);
	assert_false(found.tasks[0].completed);
	struct agent_task *back = agent_checkpoint_read_task(agent, &found.tasks[0]);
	assert_non_null(back);
	assert_int_equal(back->task->state, MESOS__TASK_STATE__TASK_RUNNING);
	assert_int_equal(back->task->n_statuses, 2);
	agent_task_free(back);
	checkpoint_state_clear(&found);
	assert_ok(agent_checkpoint_sentinel(agent, task, &err), &err);
	assert_ok(checkpoint_read(agent->root, agent->work_dir, &found, &err), &err);
	assert_true(found.tasks[0].completed);
	checkpoint_state_clear(&found);
	agent_task_free(task);
	free_agent(agent);
}

static void frameworks_that_do_not_checkpoint_leave_nothing(void **state)
{
	struct agent *agent = make_agent();
	struct agent_task *task = make_task(agent);
	struct checkpoint_state found = {.agent_id = NULL};
	struct error err = ERROR_INIT;
	(void)state;
	task->framework->checkpoint = false;
	write_checkpoint(agent, task);
	assert_ok(checkpoint_read(agent->root, agent->work_dir, &found, &err), &err);
	assert_int_equal(found.task_count, 0);
	checkpoint_state_clear(&found);
	agent_task_free(task);
	free_agent(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_it_does_not_know_are_refused),
		cmocka_unit_test(flags_from_both_places),
		cmocka_unit_test(the_digest_does_not_care_about_order),
		cmocka_unit_test(the_checkpoint_is_laid_out_as_a_real_one),
		cmocka_unit_test(the_checkpoint_reads_back),
		cmocka_unit_test(frameworks_that_do_not_checkpoint_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
