/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what an agent left under <work_dir>/meta: real trees (tests/data/mesos/captured), and everything that is not
 * what it claims to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "mesos/checkpoint.h"

#define AGENT_1 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S1"
#define AGENT_2 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S2"

static char root[256];

static void run(const char *const argv[])
{
	struct error err = ERROR_INIT;
	int status = -1;

	assert_int_equal(0, process_run(argv, NULL, 10000, NULL, NULL, &status, &err));
	assert_int_equal(0, status);
}

static char *captured(const char *name)
{
	const char *data = getenv("TEST_DATA");

	return xasprintf("%s/mesos/captured/%s", data != NULL ? data : "tests/data", name);
}

/* A work folder w below root with a copy of a captured meta tree. */
static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(root, sizeof(root), "%s/checkpoint.XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(root) == NULL)
		return -1;
	for (int i = 1; i <= 2; i++) {
		char name[32];
		char *from, *to = xasprintf("%s/w%d", root, i), *meta = xasprintf("%s/meta", to);

		snprintf(name, sizeof(name), "agent-meta-%d", i);
		from = captured(name);
		assert_int_equal(0, mkdir(to, 0755));
		run((const char *const[]){"cp", "-a", from, meta, NULL});
		run((const char *const[]){"chmod", "-R", "u+w", meta, NULL});
		free(from);
		free(to);
		free(meta);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	run((const char *const[]){"rm", "-rf", root, NULL});
	return 0;
}

static char *below(const char *path)
{
	return path_join(root, path);
}

static void replace(const char *path, const void *data, size_t len)
{
	struct error err = ERROR_INIT;
	char *full = below(path);

	assert_int_equal(0, file_replace(full, data, len, NULL, &err));
	free(full);
}

static void relink(const char *path, const char *target)
{
	char *full = below(path);

	unlink(full);
	assert_int_equal(0, symlink(target, full));
	free(full);
}

static struct checkpoint_state read_ok(const char *work_dir)
{
	struct checkpoint_state found = {0};
	struct error err = ERROR_INIT;

	assert_int_equal(0, checkpoint_read(root, work_dir, &found, &err));
	assert_string_equal("", err.text);
	return found;
}

static void read_fails(const char *work_dir, enum error_kind kind, const char *piece)
{
	struct checkpoint_state found, untouched;
	struct error err = ERROR_INIT;

	memset(&found, 0x5a, sizeof(found));
	memset(&untouched, 0x5a, sizeof(untouched));
	assert_int_equal(-1, checkpoint_read(root, work_dir, &found, &err));
	assert_int_equal(kind, err.kind);
	if (strstr(err.text, piece) == NULL)
		assert_string_equal(piece, err.text);
	assert_memory_equal(&untouched, &found, sizeof(found));
}

/* ---- real trees */

static void the_agent_with_static_reservations(void **state)
{
	struct checkpoint_state found = read_ok("/w1");

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
	struct checkpoint_state found = read_ok("/w2");
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
	char *path = below("w2/meta/resources/resources_and_operations.state");
	struct checkpoint_state newer = read_ok("/w2"), older;

	(void)state;
	assert_int_equal(0, unlink(path));
	older = read_ok("/w2");
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
	replace("w2/meta/resources/resources_and_operations.target", "\0\0\0\0", 4);
	found = read_ok("/w2");
	assert_int_equal(0, found.reserved.count);
	checkpoint_state_clear(&found);
}

#define RUN_1 "w2/meta/slaves/" AGENT_2 "/frameworks/8f2ece77-393b-4ca8-b8c1-0914a9839fd8-0000/executors/ck1/runs"
#define TASK_1 RUN_1 "/edfb19f1-8f1d-4e02-a86d-86917f19ce79/tasks/ck1"

static void a_finished_task_is_completed(void **state)
{
	char *path = below(TASK_1 "/task.updates");
	struct checkpoint_state found;
	struct buffer bytes = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(0, file_read(path, &bytes, &err));
	/* In the first update TASK_STARTING (0) stands behind the task's ID; 4 is TASK_KILLED. */
	for (size_t i = 0; i + 9 < bytes.len; i++)
		if (memcmp(bytes.data + i, "\x0a\x05\x0a\x03"
					   "ck1\x10\x01",
			   9) == 0)
			bytes.data[i + 8] = 4;
	replace(TASK_1 "/task.updates", bytes.data, bytes.len);
	found = read_ok("/w2");
	assert_true(found.tasks[0].completed);
	assert_false(found.tasks[1].completed);
	checkpoint_state_clear(&found);
	/* The last update cut off: what is whole counts. */
	replace(TASK_1 "/task.updates", bytes.data, 290);
	found = read_ok("/w2");
	assert_false(found.tasks[0].completed);
	checkpoint_state_clear(&found);
	replace(RUN_1 "/edfb19f1-8f1d-4e02-a86d-86917f19ce79/executor.sentinel", "", 0);
	found = read_ok("/w2");
	assert_true(found.tasks[0].completed);
	checkpoint_state_clear(&found);
	buffer_clear(&bytes);
	free(path);
}

/* ---- no agent */

static void nothing_there_means_no_agent(void **state)
{
	struct checkpoint_state found = read_ok("/nowhere");
	char *path = below("w1/meta/slaves/latest");

	(void)state;
	assert_null(found.agent_id);
	assert_null(found.slave_info_path);
	assert_null(found.info);
	checkpoint_state_clear(&found);
	assert_int_equal(0, unlink(path));
	found = read_ok("/w1");
	assert_null(found.agent_id);
	assert_non_null(found.boot_id);
	checkpoint_state_clear(&found);
	free(path);
}

static void an_agent_that_never_registered_has_no_slave_info(void **state)
{
	char *path = below("w1/meta/slaves/" AGENT_1 "/slave.info");
	struct checkpoint_state found;

	(void)state;
	assert_int_equal(0, unlink(path));
	found = read_ok("/w1");
	assert_null(found.agent_id);
	checkpoint_state_clear(&found);
	free(path);
}

/* ---- the link */

static void absolute_links_are_followed_inside(void **state)
{
	char *outside = xasprintf("%s/w1/meta/slaves/" AGENT_1, root);
	struct checkpoint_state found;

	(void)state;
	relink("w1/meta/slaves/latest", "/w1/meta/slaves/" AGENT_1);
	found = read_ok("/w1");
	assert_string_equal(AGENT_1, found.agent_id);
	checkpoint_state_clear(&found);
	relink("w1/meta/slaves/latest", outside);
	found = read_ok("/w1");
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
		relink("w1/meta/slaves/latest", targets[i]);
		read_fails("/w1", ERROR_CORRUPT, "slaves/latest does not lead to an agent's folder");
	}
	relink("w1/meta/slaves/latest", "gone-S1");
	read_fails("/w1", ERROR_CORRUPT, "leads to gone-S1, which is not there");
}

static void a_copy_without_links_is_read_too(void **state)
{
	char *path = below("w1/meta/slaves/latest");
	struct checkpoint_state found;

	(void)state;
	assert_int_equal(0, unlink(path));
	replace("w1/meta/slaves/latest", AGENT_1 "\n", strlen(AGENT_1) + 1);
	found = read_ok("/w1");
	assert_string_equal(AGENT_1, found.agent_id);
	checkpoint_state_clear(&found);
	free(path);
}

static void no_other_link_is_followed(void **state)
{
	char *agent = below("w1/meta/slaves/" AGENT_1), *away = below("away");
	char *info = below("away/slave.info"), *meta = below("w2/meta"), *real = below("w2/real");

	(void)state;
	assert_int_equal(0, rename(agent, away));
	relink("w1/meta/slaves/" AGENT_1, away);
	read_fails("/w1", ERROR_CORRUPT, "is a symbolic link");
	assert_int_equal(0, unlink(agent));
	assert_int_equal(0, mkdir(agent, 0755));
	relink("w1/meta/slaves/" AGENT_1 "/slave.info", info);
	read_fails("/w1", ERROR_CORRUPT, "slave.info is a symbolic link");
	assert_int_equal(0, rename(meta, real));
	relink("w2/meta", real);
	read_fails("/w2", ERROR_CORRUPT, "meta is a symbolic link");
	free(agent);
	free(away);
	free(info);
	free(meta);
	free(real);
}

/* ---- slave.info that is none */

#define INFO_1 "w1/meta/slaves/" AGENT_1 "/slave.info"

static void every_truncation_is_noticed(void **state)
{
	struct checkpoint_state found = read_ok("/w1");

	(void)state;
	for (size_t len = 0; len < found.bytes.len; len++) {
		struct error err = ERROR_INIT;
		void *exact = xmemdup(found.bytes.data, len > 0 ? len : 1);

		assert_null(checkpoint_parse("slave.info", exact, len, &err));
		assert_int_equal(ERROR_CORRUPT, err.kind);
		assert_non_null(strstr(err.text, len == 0 ? "slave.info is empty" : "slave.info is truncated"));
		free(exact);
	}
	replace(INFO_1, found.bytes.data, 100);
	read_fails("/w1", ERROR_CORRUPT, INFO_1 " is truncated: 100 of 363 bytes");
	replace(INFO_1, "", 0);
	read_fails("/w1", ERROR_CORRUPT, INFO_1 " is empty");
	checkpoint_state_clear(&found);
}

static void foreign_files_are_refused(void **state)
{
	struct checkpoint_state first = read_ok("/w1"), second = read_ok("/w2");
	char *task = below(TASK_1 "/task.info"), *framework = below(TASK_1 "/../../../../../../framework.info");
	struct buffer bytes = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;

	(void)state;
	replace(INFO_1, second.bytes.data, second.bytes.len);
	read_fails("/w1", ERROR_CORRUPT, "is the checkpoint of another agent, " AGENT_2);
	assert_int_equal(0, file_read(task, &bytes, &err));
	replace(INFO_1, bytes.data, bytes.len);
	read_fails("/w1", ERROR_CORRUPT, "is no checkpoint of an agent");
	buffer_reset(&bytes);
	assert_int_equal(0, file_read(framework, &bytes, &err));
	replace(INFO_1, bytes.data, bytes.len);
	read_fails("/w1", ERROR_CORRUPT, "is no checkpoint of an agent");
	replace(INFO_1, "#!/bin/sh\necho hello\n", 21);
	read_fails("/w1", ERROR_CORRUPT, "begins with a length of");
	buffer_reset(&bytes);
	buffer_append(&bytes, first.bytes.data, first.bytes.len);
	buffer_putc(&bytes, 'x');
	replace(INFO_1, bytes.data, bytes.len);
	read_fails("/w1", ERROR_CORRUPT, "1 bytes follow the 359");
	/* A SlaveInfo without an ID is no checkpoint. */
	slaveinfo_set_id(first.info, NULL);
	buffer_reset(&bytes);
	checkpoint_build(first.info, &bytes);
	replace(INFO_1, bytes.data, bytes.len);
	read_fails("/w1", ERROR_CORRUPT, "holds no hostname and agent ID");
	buffer_clear(&bytes);
	checkpoint_state_clear(&first);
	checkpoint_state_clear(&second);
	free(task);
	free(framework);
}

static void oversized_files_are_refused(void **state)
{
	char *big = xcalloc(1, CHECKPOINT_MAX + 1), *path = below(INFO_1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(checkpoint_parse("slave.info", big, CHECKPOINT_MAX + 1, &err));
	assert_non_null(strstr(err.text, "slave.info is larger than 4194304 bytes"));
	assert_int_equal(0, truncate(path, (off_t)CHECKPOINT_MAX * 100));
	read_fails("/w1", ERROR_CORRUPT, "is larger than");
	free(big);
	free(path);
}

static void what_is_no_file_is_refused(void **state)
{
	char *path = below(INFO_1);

	(void)state;
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, mkdir(path, 0755));
	read_fails("/w1", ERROR_CORRUPT, "is no regular file");
	assert_int_equal(0, rmdir(path));
	assert_int_equal(0, mkfifo(path, 0600));
	read_fails("/w1", ERROR_CORRUPT, "is no regular file");
	free(path);
}

static void broken_neighbours_are_refused(void **state)
{
	(void)state;
	replace("w2/meta/resources/resources_and_operations.state", "\x3c\0\0\0\x12", 5);
	read_fails("/w2", ERROR_CORRUPT, "resources_and_operations.state is truncated");
	replace("w2/meta/resources/resources_and_operations.state", "", 0);
	replace(TASK_1 "/../../../../../../framework.info", "\x60\0\0\0x", 5);
	read_fails("/w2", ERROR_CORRUPT, "framework.info is truncated");
}

/* ---- what does not come from a file */

static void garbage_is_never_taken(void **state)
{
	struct checkpoint_state found = read_ok("/w1");
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char *bytes = xmemdup(found.bytes.data, found.bytes.len);
		Mesos__SlaveInfo *info;

		for (int i = 0; i < 3; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			bytes[(seed >> 33) % found.bytes.len] = (char)(seed >> 20);
		}
		info = checkpoint_parse("slave.info", bytes, found.bytes.len, NULL);
		if (info != NULL) {
			struct buffer out = BUFFER_INIT(CHECKPOINT_MAX);

			/* Whatever it says now: it compares, prints and splices without harm. */
			slaveinfo_diff(info, found.info);
			slaveinfo_to_text(info, &out);
			buffer_clear(&out);
			buffer_init(&out, CHECKPOINT_MAX);
			checkpoint_splice(bytes, found.bytes.len, found.info, &out, NULL);
			buffer_clear(&out);
		}
		slaveinfo_free(info);
		free(bytes);
	}
	checkpoint_state_clear(&found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
		TEST(every_truncation_is_noticed),
		TEST(foreign_files_are_refused),
		TEST(oversized_files_are_refused),
		TEST(what_is_no_file_is_refused),
		TEST(broken_neighbours_are_refused),
		TEST(garbage_is_never_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
