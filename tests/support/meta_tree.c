/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/meta_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static char *root;

static void run(const char *const argv[])
{
	struct error err = ERROR_INIT;
	int status = -1;

	assert_ok(process_run(argv, NULL, 10000, NULL, NULL, &status, &err), &err);
	assert_int_equal(0, status);
}

static void copy_tree(int number)
{
	char *name = xasprintf("mesos/captured/agent-meta-%d", number), *from = test_data(name);
	char *to = xasprintf("%s/w%d", root, number), *meta = path_join(to, "meta");

	assert_int_equal(0, mkdir(to, 0755));
	run((const char *const[]){"cp", "-a", from, meta, NULL});
	run((const char *const[]){"chmod", "-R", "u+w", meta, NULL});
	free(name);
	free(from);
	free(to);
	free(meta);
}

int meta_tree_set_up(void **state)
{
	(void)state;
	root = scratch_new();
	copy_tree(1);
	copy_tree(2);
	return 0;
}

int meta_tree_tear_down(void **state)
{
	(void)state;
	scratch_remove(root);
	root = NULL;
	return 0;
}

const char *meta_tree_root(void)
{
	return root;
}

char *meta_tree_path(const char *path)
{
	return path_join(root, path);
}

void meta_tree_write(const char *path, const void *data, size_t len)
{
	struct error err = ERROR_INIT;
	char *full = meta_tree_path(path);

	assert_ok(file_replace(full, data, len, NULL, &err), &err);
	free(full);
}

void meta_tree_link(const char *path, const char *target)
{
	char *full = meta_tree_path(path);

	unlink(full);
	assert_int_equal(0, symlink(target, full));
	free(full);
}

struct checkpoint_state meta_tree_read(const char *work_dir)
{
	struct checkpoint_state found = {0};
	struct error err = ERROR_INIT;

	assert_int_equal(0, checkpoint_read(meta_tree_root(), work_dir, &found, &err));
	assert_string_equal("", err.text);
	return found;
}

void meta_tree_read_fails(const char *work_dir, enum error_kind kind, const char *words)
{
	struct checkpoint_state found, untouched;
	struct error err = ERROR_INIT;

	memset(&found, 0x5a, sizeof(found));
	memset(&untouched, 0x5a, sizeof(untouched));
	assert_int_equal(-1, checkpoint_read(meta_tree_root(), work_dir, &found, &err));
	assert_int_equal(kind, err.kind);
	if (strstr(err.text, words) == NULL)
		assert_string_equal(words, err.text);
	assert_memory_equal(&untouched, &found, sizeof(found));
}
