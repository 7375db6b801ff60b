/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what an agent left under <work_dir>/meta: real trees (tests/data/mesos/captured), and links that lead astray. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/checkpoint.h"
#include "tests/support/cmocka.h"
#include "tests/support/meta_tree.h"

/* ---- real trees */

static void the_agent_with_static_reservations(void **state)
{
	struct checkpoint_state found = meta_tree_read("/w1");

	(void)state;
	assert_string_equal(AGENT_1, found.agent_id);
	assert_int_equal(36, strlen(found.boot_id));
	assert_string_equal("/w1/meta/slaves/" AGENT_1 "/slave.info", found.slave_info_path);
	assert_int_equal(363, found.bytes.len);
	assert_string_equal("node1.example.com", found.info->hostname);
	assert_int_equal(0, found.task_count);
	assert_int_equal(0, found.reserved.count);
	checkpoint_state_clear(&found);
}

static void check_task(const struct checkpoint_task *task, const char *framework, const char *id, long pid)
{
	assert_string_equal(framework, task->framework_id);
	assert_string_equal(id, task->executor_id);
	assert_string_equal(id, task->task_id);
	assert_int_equal(36, strlen(task->container_id));
	assert_true(task->framework_checkpoints);
	assert_int_equal(pid, task->executor_pid);
	assert_false(task->completed);
}

static void the_agent_with_tasks_and_dynamic_reservations(void **state)
{
	struct checkpoint_state found = meta_tree_read("/w2");
	struct buffer text = BUFFER_INIT(1024);

	(void)state;
	assert_string_equal(AGENT_2, found.agent_id);
	assert_int_equal(2, found.task_count);
	check_task(&found.tasks[0], "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-0000", "ck1", 25269);
	check_task(&found.tasks[1], "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-0003", "ck3", 25272);
	resources_to_text(&found.reserved, &text);
	assert_string_equal("cpus(reservations: [(DYNAMIC,web)]):1; disk(reservations: [(DYNAMIC,web)]):100",
			    buffer_text(&text));
	buffer_clear(&text);
	checkpoint_state_clear(&found);
}

static void the_older_form_of_reservations_says_the_same(void **state)
{
	char *path = meta_tree_path("w2/meta/resources/resources_and_operations.state");
	struct checkpoint_state newer = meta_tree_read("/w2"), older;

	(void)state;
	assert_int_equal(0, unlink(path));
	older = meta_tree_read("/w2");
	assert_int_equal(2, older.reserved.count);
	assert_true(resources_equal(&newer.reserved, &older.reserved));
	checkpoint_state_clear(&newer);
	checkpoint_state_clear(&older);
	free(path);
}

static void what_was_not_renamed_yet_counts(void **state)
{
	struct checkpoint_state found;

	(void)state;
	meta_tree_write("w2/meta/resources/resources_and_operations.target", "\0\0\0\0", 4);
	found = meta_tree_read("/w2");
	assert_int_equal(0, found.reserved.count);
	checkpoint_state_clear(&found);
}

static void a_finished_task_is_completed(void **state)
{
	char *path = meta_tree_path(TASK_1 "/task.updates");
	struct checkpoint_state found;
	struct buffer bytes = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(0, file_read(path, &bytes, &err));
	/* In the first update TASK_STARTING (0) stands behind the task's ID; 4 is TASK_KILLED. */
	for (size_t i = 0; i + 9 < bytes.len; i++)
		if (memcmp(bytes.data + i,
			   "\x0a\x05\x0a\x03"
			   "ck1\x10\x01",
			   9) == 0)
			bytes.data[i + 8] = 4;
	meta_tree_write(TASK_1 "/task.updates", bytes.data, bytes.len);
	found = meta_tree_read("/w2");
	assert_true(found.tasks[0].completed);
	assert_false(found.tasks[1].completed);
	checkpoint_state_clear(&found);
	/* The last update cut off: what is whole counts. */
	meta_tree_write(TASK_1 "/task.updates", bytes.data, 290);
	found = meta_tree_read("/w2");
	assert_false(found.tasks[0].completed);
	checkpoint_state_clear(&found);
	meta_tree_write(RUN_1 "/edfb19f1-8f1d-4e02-a86d-86917f19ce79/executor.sentinel", "", 0);
	found = meta_tree_read("/w2");
	assert_true(found.tasks[0].completed);
	checkpoint_state_clear(&found);
	buffer_clear(&bytes);
	free(path);
}

/* ---- no agent */

static void nothing_there_means_no_agent(void **state)
{
	struct checkpoint_state found = meta_tree_read("/nowhere");
	char *path = meta_tree_path("w1/meta/slaves/latest");

	(void)state;
	assert_null(found.agent_id);
	assert_null(found.slave_info_path);
	assert_null(found.info);
	checkpoint_state_clear(&found);
	assert_int_equal(0, unlink(path));
	found = meta_tree_read("/w1");
	assert_null(found.agent_id);
	assert_non_null(found.boot_id);
	checkpoint_state_clear(&found);
	free(path);
}

static void an_agent_that_never_registered_has_no_slave_info(void **state)
{
	char *path = meta_tree_path("w1/meta/slaves/" AGENT_1 "/slave.info");
	struct checkpoint_state found;

	(void)state;
	assert_int_equal(0, unlink(path));
	found = meta_tree_read("/w1");
	assert_null(found.agent_id);
	checkpoint_state_clear(&found);
	free(path);
}

/* ---- the link */

static void absolute_links_are_followed_inside(void **state)
{
	char *outside = xasprintf("%s/w1/meta/slaves/" AGENT_1, meta_tree_root());
	struct checkpoint_state found;

	(void)state;
	meta_tree_link("w1/meta/slaves/latest", "/w1/meta/slaves/" AGENT_1);
	found = meta_tree_read("/w1");
	assert_string_equal(AGENT_1, found.agent_id);
	checkpoint_state_clear(&found);
	meta_tree_link("w1/meta/slaves/latest", outside);
	found = meta_tree_read("/w1");
	assert_string_equal(AGENT_1, found.agent_id);
	checkpoint_state_clear(&found);
	free(outside);
}

static void links_that_lead_away_are_refused(void **state)
{
	static const char *const targets[] = {"/w2/meta/slaves/" AGENT_2,
					      "../slaves/" AGENT_1,
					      "../../../w2/meta/slaves/" AGENT_2,
					      "..",
					      ".",
					      "/",
					      "/etc/passwd",
					      "latest",
					      "/w1/meta/slaves/../slaves/..",
					      "a/b"};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		meta_tree_link("w1/meta/slaves/latest", targets[i]);
		meta_tree_read_fails("/w1", ERROR_CORRUPT, "slaves/latest does not lead to an agent's folder");
	}
	meta_tree_link("w1/meta/slaves/latest", "gone-S1");
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "leads to gone-S1, which is not there");
}

static void a_copy_without_links_is_read_too(void **state)
{
	char *path = meta_tree_path("w1/meta/slaves/latest");
	struct checkpoint_state found;

	(void)state;
	assert_int_equal(0, unlink(path));
	meta_tree_write("w1/meta/slaves/latest", AGENT_1 "\n", strlen(AGENT_1) + 1);
	found = meta_tree_read("/w1");
	assert_string_equal(AGENT_1, found.agent_id);
	checkpoint_state_clear(&found);
	free(path);
}

static void no_other_link_is_followed(void **state)
{
	char *agent = meta_tree_path("w1/meta/slaves/" AGENT_1), *away = meta_tree_path("away");
	char *info = meta_tree_path("away/slave.info"), *meta = meta_tree_path("w2/meta"),
	     *real = meta_tree_path("w2/real");

	(void)state;
	assert_int_equal(0, rename(agent, away));
	meta_tree_link("w1/meta/slaves/" AGENT_1, away);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is a symbolic link");
	assert_int_equal(0, unlink(agent));
	assert_int_equal(0, mkdir(agent, 0755));
	meta_tree_link("w1/meta/slaves/" AGENT_1 "/slave.info", info);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "slave.info is a symbolic link");
	assert_int_equal(0, rename(meta, real));
	meta_tree_link("w2/meta", real);
	meta_tree_read_fails("/w2", ERROR_CORRUPT, "meta is a symbolic link");
	free(agent);
	free(away);
	free(info);
	free(meta);
	free(real);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, meta_tree_set_up, meta_tree_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_agent_with_static_reservations),
		TEST(the_agent_with_tasks_and_dynamic_reservations),
		TEST(the_older_form_of_reservations_says_the_same),
		TEST(what_was_not_renamed_yet_counts),
		TEST(a_finished_task_is_completed),
		TEST(nothing_there_means_no_agent),
		TEST(an_agent_that_never_registered_has_no_slave_info),
		TEST(absolute_links_are_followed_inside),
		TEST(links_that_lead_away_are_refused),
		TEST(a_copy_without_links_is_read_too),
		TEST(no_other_link_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
