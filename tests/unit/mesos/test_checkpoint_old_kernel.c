/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel has no openat2, or a filter forbids it, the same is read and the same is refused. */
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mesos/checkpoint.h"
#include "mesos/checkpoint_files.h"
#include "tests/support/meta_tree.h"
#include "tests/support/old_kernel.h"

/* What openat2 fails with; 0: not at all. */
static int failing;

static void the_call_fails(void **state)
{
	struct open_how how = {.flags = O_RDONLY};
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);

	(void)state;
	assert_int_equal(fd, -1);
	assert_int_equal(errno, failing);
}

static void real_trees(void **state)
{
	struct checkpoint_state found = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(checkpoint_read(meta_tree_root(), "/w1", &found, &err), &err);
	assert_string_equal(found.info->hostname, "node1.example.com");
	checkpoint_state_clear(&found);
	assert_ok(checkpoint_read(meta_tree_root(), "/w2", &found, &err), &err);
	assert_int_equal(found.task_count, 2);
	assert_int_equal(found.tasks[0].executor_pid, 25269);
	assert_int_equal(found.tasks[0].executor_api, EXECUTOR_DRIVER);
	assert_int_equal(found.reserved.count, 2);
	checkpoint_state_clear(&found);
}

/* In <root>/w1: f/g/text; links to it and to its folders; and a link that leads out. */
static void make_links(void)
{
	static const char *const folders[] = {"w1/f", "w1/f/g", "out"};

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char *path = meta_tree_path(folders[i]);

		assert_int_equal(mkdir(path, 0755), 0);
		free(path);
	}
	meta_tree_write("w1/f/g/text", "inside", 6);
	meta_tree_write("out/text", "outside", 7);
	meta_tree_link("w1/f/link", "g/text");
	meta_tree_link("w1/f/away", "../../out/text");
	meta_tree_link("w1/f/to-g", "g");
	meta_tree_link("w1/to-f", "f");
	meta_tree_link("w1/to-out", "../out");
}

static void links_anywhere_on_the_way(void **state)
{
	static const struct {
		const char *name;
		enum meta_found found;
		const char *says;
	} cases[] = {
		{"f/g/text", META_FOUND, ""},
		{"f/g/none", META_MISSING, ""},
		{"f/none/text", META_MISSING, ""},
		{"f/link", META_FAILED, "is a symbolic link"},
		{"f/away", META_FAILED, "is a symbolic link"},
		{"f/to-g/text", META_FAILED, "is a symbolic link"},
		{"to-f/g/text", META_FAILED, "is a symbolic link"},
		{"to-out/text", META_FAILED, "is a symbolic link"},
		{"f/g/text/none", META_FAILED, "is no folder"},
		{"f/g", META_FAILED, "is no regular file"},
	};
	char *path = meta_tree_path("w1");
	struct error opened = ERROR_INIT;
	struct meta_dir dir;

	(void)state;
	make_links();
	assert_int_equal(meta_open(path, &dir, &opened), META_FOUND);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer bytes = BUFFER_INIT(100);
		struct error err = ERROR_INIT;

		assert_int_equal(meta_read(&dir, cases[i].name, &bytes, NULL, &err), cases[i].found);
		assert_text_has(err.text, cases[i].says);
		assert_string_equal(buffer_text(&bytes), cases[i].found == META_FOUND ? "inside" : "");
		buffer_clear(&bytes);
	}
	meta_close(&dir);
	free(path);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, meta_tree_set_up, meta_tree_tear_down)

int main(void)
{
	static const int errors[] = {0, ENOSYS, EPERM};
	const struct CMUnitTest tests[] = {
		WITH_TREE(real_trees),
		WITH_TREE(links_anywhere_on_the_way),
		cmocka_unit_test(the_call_fails),
	};
	int failed = 0;

	/* Filters add up: of two that answer, the later one counts. */
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		failing = errors[i];
		if (failing != 0 && !old_kernel_without_openat2(failing)) {
			fprintf(stderr, "this kernel filters no calls\n");
			return failed;
		}
		failed += failing == 0 ? _cmocka_run_group_tests("with openat2", tests, 2, NULL, NULL)
				       : _cmocka_run_group_tests("without openat2", tests, 3, NULL, NULL);
	}
	return failed;
}
