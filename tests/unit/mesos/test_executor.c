/* SPDX-License-Identifier: Apache-2.0 */
/* Which executors a restarted agent takes over, by version; and what the checkpoint says of them. */
#include "tests/support/cmocka.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/checkpoint.h"
#include "mesos/executor.h"
#include "tests/support/meta_tree.h"
#include "tests/support/scratch.h"

static void test_containerizers(void **state)
{
	(void)state;
	assert_true(containerizers_have(NULL, "mesos"));
	assert_false(containerizers_have(NULL, "docker"));
	assert_true(containerizers_have("docker,mesos", "mesos"));
	assert_true(containerizers_have("docker,mesos", "docker"));
	assert_true(containerizers_have("docker", "docker"));
	assert_false(containerizers_have("docker", "mesos"));
	assert_false(containerizers_have("dockerish,mesosphere", "docker"));
	assert_false(containerizers_have("dockerish,mesosphere", "mesos"));
	assert_false(containerizers_have("", "mesos"));
}

/* The same executor in Docker with every release. */
static void test_versions(void **state)
{
	static const struct {
		const char *version;
		enum executor_fate http;
	} cases[] = {
		{"1.4.0", EXECUTOR_KEPT},
		{"1.4.1", EXECUTOR_KEPT},
		{"1.4.2", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.4.3", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.5.0", EXECUTOR_KEPT},
		{"1.5.1", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.5.3", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.6.0", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.7.3", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.8.0", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.9.0", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.10.0", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.11.0", EXECUTOR_DOCKER_WITHOUT_PID},
		{"1.12.0", EXECUTOR_DOCKER_WITHOUT_PID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *both = "docker,mesos";
		struct mesos_version version;
		struct error err = ERROR_INIT;

		assert_ok(mesos_version_parse(cases[i].version, &version, &err), &err);
		assert_int_equal(executor_after_restart(EXECUTOR_HTTP, true, both, &version), cases[i].http);
		/* Of these every version takes over. */
		assert_int_equal(executor_after_restart(EXECUTOR_DRIVER, true, both, &version), EXECUTOR_KEPT);
		assert_int_equal(executor_after_restart(EXECUTOR_DRIVER, false, both, &version), EXECUTOR_KEPT);
		assert_int_equal(executor_after_restart(EXECUTOR_HTTP, false, both, &version), EXECUTOR_KEPT);
		assert_int_equal(executor_after_restart(EXECUTOR_HTTP, false, NULL, &version), EXECUTOR_KEPT);
		/* And of these none. */
		assert_int_equal(executor_after_restart(EXECUTOR_UNREGISTERED, true, both, &version),
				 EXECUTOR_NOT_REACHED);
		assert_int_equal(executor_after_restart(EXECUTOR_UNREGISTERED, false, both, &version),
				 EXECUTOR_NOT_REACHED);
		assert_int_equal(executor_after_restart(EXECUTOR_DRIVER, true, "mesos", &version),
				 EXECUTOR_NOT_TAKEN_OVER);
		assert_int_equal(executor_after_restart(EXECUTOR_DRIVER, true, NULL, &version),
				 EXECUTOR_NOT_TAKEN_OVER);
		assert_int_equal(executor_after_restart(EXECUTOR_DRIVER, false, "docker", &version),
				 EXECUTOR_NOT_TAKEN_OVER);
	}
}

/* ---- the checkpoint */

#define RUN           RUN_1 "/edfb19f1-8f1d-4e02-a86d-86917f19ce79"
#define EXECUTOR_INFO RUN_1 "/../executor.info"

static enum executor_api read_api(bool *in_docker)
{
	struct checkpoint_state checkpoint;
	struct checkpoint_agent agent;
	struct error err = ERROR_INIT;
	enum executor_api api = EXECUTOR_UNREGISTERED;
	bool found = false;

	assert_ok(checkpoint_read(meta_tree_root(), "/w2", &checkpoint, &err), &err);
	checkpoint_agent_open(meta_tree_root(), "/w2", checkpoint.agent_id, &agent);
	for (size_t i = 0; i < checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &checkpoint.tasks[i];

		if (strcmp(task->task_id, "ck1") != 0)
			continue;
		found = true;
		api = task->executor_api;
		*in_docker = checkpoint_executor_in_docker(&agent, task);
	}
	assert_true(found);
	checkpoint_agent_close(&agent);
	checkpoint_state_clear(&checkpoint);
	return api;
}

static void remove_file(const char *name)
{
	char *path = meta_tree_path(name);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static void test_how_it_has_registered(void **state)
{
	bool in_docker = true;

	(void)state;
	assert_int_equal(read_api(&in_docker), EXECUTOR_DRIVER);
	assert_false(in_docker);
	meta_tree_write(RUN "/http.marker", "", 0);
	assert_int_equal(read_api(&in_docker), EXECUTOR_DRIVER);
	remove_file(RUN "/pids/libprocess.pid");
	assert_int_equal(read_api(&in_docker), EXECUTOR_HTTP);
	remove_file(RUN "/http.marker");
	assert_int_equal(read_api(&in_docker), EXECUTOR_UNREGISTERED);
}

/* Appends a record to the real executor.info. */
static void append_record(const char *record, size_t len)
{
	struct buffer bytes = BUFFER_INIT(65536);
	char *path = meta_tree_path(EXECUTOR_INFO);
	struct error err = ERROR_INIT;
	uint32_t size;

	assert_ok(file_read(path, &bytes, &err), &err);
	buffer_append(&bytes, record, len);
	size = (uint32_t)(bytes.len - sizeof size);
	memcpy(bytes.data, &size, sizeof size);
	meta_tree_write(EXECUTOR_INFO, bytes.data, bytes.len);
	buffer_clear(&bytes);
	free(path);
}

static void test_in_docker(void **state)
{
	static const char mesos[] = "\x5a\x02\x08\x02";
	static const char docker[] = "\x5a\x09\x08\x01\x1a\x05\x0a\x03img";
	bool in_docker = true;

	(void)state;
	append_record(mesos, sizeof mesos - 1);
	read_api(&in_docker);
	assert_false(in_docker);
	append_record(docker, sizeof docker - 1);
	read_api(&in_docker);
	assert_true(in_docker);
}

static void test_executor_info_that_cannot_be_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} broken[] = {
		{"", 0},
		{"\x04", 1},
		{"\xff\xff\xff\xff\x5a\x02\x08\x01", 8},
		{"\x04\0\0\0\x5a\x7f\x08\x01", 8},
		{"\x03\0\0\0\x5a\x01\x08", 7},
	};
	bool in_docker = true;

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		meta_tree_write(EXECUTOR_INFO, broken[i].bytes, broken[i].len);
		in_docker = true;
		read_api(&in_docker);
		assert_false(in_docker);
	}
	remove_file(EXECUTOR_INFO);
	meta_tree_link(EXECUTOR_INFO, "/etc/passwd");
	read_api(&in_docker);
	assert_false(in_docker);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, meta_tree_set_up, meta_tree_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containerizers),
		cmocka_unit_test(test_versions),
		WITH_TREE(test_how_it_has_registered),
		WITH_TREE(test_in_docker),
		WITH_TREE(test_executor_info_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
