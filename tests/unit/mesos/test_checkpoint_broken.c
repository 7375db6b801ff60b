/* SPDX-License-Identifier: Apache-2.0 */
/* Files below <work_dir>/meta that are not what they claim to be. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/cmocka.h"
#include "tests/support/meta_tree.h"

/* ---- slave.info that is none */

#define INFO_1 "w1/meta/slaves/" AGENT_1 "/slave.info"

static void every_truncation_is_noticed(void **state)
{
	struct checkpoint_state found = meta_tree_read("/w1");

	(void)state;
	for (size_t len = 0; len < found.bytes.len; len++) {
		struct error err = ERROR_INIT;
		void *exact = xmemdup(found.bytes.data, len > 0 ? len : 1);

		assert_null(checkpoint_parse("slave.info", exact, len, &err));
		assert_int_equal(ERROR_CORRUPT, err.kind);
		assert_non_null(strstr(err.text, len == 0 ? "slave.info is empty" : "slave.info is truncated"));
		free(exact);
	}
	meta_tree_write(INFO_1, found.bytes.data, 100);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, INFO_1 " is truncated: 100 of 363 bytes");
	meta_tree_write(INFO_1, "", 0);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, INFO_1 " is empty");
	checkpoint_state_clear(&found);
}

static void foreign_files_are_refused(void **state)
{
	struct checkpoint_state first = meta_tree_read("/w1"), second = meta_tree_read("/w2");
	char *task = meta_tree_path(TASK_1 "/task.info"),
	     *framework = meta_tree_path(TASK_1 "/../../../../../../framework.info");
	struct buffer bytes = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;

	(void)state;
	meta_tree_write(INFO_1, second.bytes.data, second.bytes.len);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is the checkpoint of another agent, " AGENT_2);
	assert_int_equal(0, file_read(task, &bytes, &err));
	meta_tree_write(INFO_1, bytes.data, bytes.len);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is no checkpoint of an agent");
	buffer_reset(&bytes);
	assert_int_equal(0, file_read(framework, &bytes, &err));
	meta_tree_write(INFO_1, bytes.data, bytes.len);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is no checkpoint of an agent");
	meta_tree_write(INFO_1, "#!/bin/sh\necho hello\n", 21);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "begins with a length of");
	buffer_reset(&bytes);
	buffer_append(&bytes, first.bytes.data, first.bytes.len);
	buffer_putc(&bytes, 'x');
	meta_tree_write(INFO_1, bytes.data, bytes.len);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "1 bytes follow the 359");
	/* A SlaveInfo without an ID is no checkpoint. */
	slaveinfo_set_id(first.info, NULL);
	buffer_reset(&bytes);
	checkpoint_build(first.info, &bytes);
	meta_tree_write(INFO_1, bytes.data, bytes.len);
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "holds no hostname and agent ID");
	buffer_clear(&bytes);
	checkpoint_state_clear(&first);
	checkpoint_state_clear(&second);
	free(task);
	free(framework);
}

/* Field 0 does not exist; written in two bytes it slips past a careless reader. */
static void malformed_messages_are_refused(void **state)
{
	static const char *const tails[] = {"\x85\x80\x00____", "\x1a\x05_", "\x08", "\x0b"};

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct checkpoint_state found = meta_tree_read("/w1");
		struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
		size_t extra = i == 0 ? 7 : strlen(tails[i]);
		uint32_t size = (uint32_t)(found.bytes.len - 4 + extra);
		struct error err = ERROR_INIT;

		buffer_append(&bytes, &size, sizeof(size));
		buffer_append(&bytes, found.bytes.data + 4, found.bytes.len - 4);
		buffer_append(&bytes, tails[i], extra);
		assert_null(checkpoint_parse("slave.info", bytes.data, bytes.len, &err));
		assert_error(&err, ERROR_CORRUPT, "are no SlaveInfo");
		buffer_clear(&bytes);
		checkpoint_state_clear(&found);
	}
}

static void oversized_files_are_refused(void **state)
{
	char *big = xcalloc(1, CHECKPOINT_MAX + 1), *path = meta_tree_path(INFO_1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(checkpoint_parse("slave.info", big, CHECKPOINT_MAX + 1, &err));
	assert_non_null(strstr(err.text, "slave.info is larger than 4194304 bytes"));
	assert_int_equal(0, truncate(path, (off_t)CHECKPOINT_MAX * 100));
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is larger than");
	free(big);
	free(path);
}

static void what_is_no_file_is_refused(void **state)
{
	char *path = meta_tree_path(INFO_1);

	(void)state;
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, mkdir(path, 0755));
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is no regular file");
	assert_int_equal(0, rmdir(path));
	assert_int_equal(0, mkfifo(path, 0600));
	meta_tree_read_fails("/w1", ERROR_CORRUPT, "is no regular file");
	free(path);
}

static void broken_neighbours_are_refused(void **state)
{
	(void)state;
	meta_tree_write("w2/meta/resources/resources_and_operations.state", "\x3c\0\0\0\x12", 5);
	meta_tree_read_fails("/w2", ERROR_CORRUPT, "resources_and_operations.state is truncated");
	meta_tree_write("w2/meta/resources/resources_and_operations.state", "", 0);
	meta_tree_write(TASK_1 "/../../../../../../framework.info", "\x60\0\0\0x", 5);
	meta_tree_read_fails("/w2", ERROR_CORRUPT, "framework.info is truncated");
}

/* ---- what does not come from a file */

static void garbage_is_never_taken(void **state)
{
	struct checkpoint_state found = meta_tree_read("/w1");
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, meta_tree_set_up, meta_tree_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_truncation_is_noticed),    TEST(foreign_files_are_refused),
		TEST(malformed_messages_are_refused), TEST(oversized_files_are_refused),
		TEST(what_is_no_file_is_refused),     TEST(broken_neighbours_are_refused),
		TEST(garbage_is_never_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
