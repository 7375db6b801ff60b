/* SPDX-License-Identifier: Apache-2.0 */
/* A shared database: what SQLite puts beside it is the group's too, whatever umask and folder say. */
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/store.h"
#include "inventory/store_share.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

struct fixture {
	char *folder, *path;
	struct store *store;
	struct error err;
	mode_t umask;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fixture->umask = umask(077);
	fixture->folder = scratch_new();
	fixture->path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(fixture->path, true, &fixture->err);
	*state = fixture;
	return fixture->store ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	umask(fixture->umask);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture->path);
	free(fixture);
	return 0;
}

static void check_file(struct fixture *fixture, const char *suffix, mode_t mode, gid_t gid)
{
	char *name = xasprintf("%s%s", fixture->path, suffix);
	struct stat st;

	if (stat(name, &st) < 0)
		fail_msg("%s is not there", name);
	if ((st.st_mode & 0777) != mode || st.st_gid != gid)
		fail_msg("%s has mode %o and group %u", name, st.st_mode & 0777U, st.st_gid);
	free(name);
}

static void reopen(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = store_open(fixture->path, false, &fixture->err);
	assert_non_null(fixture->store);
	assert_ok(
		store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES (hex(randomblob(9)))", ""),
		&fixture->err);
}

/* A group that is not what new files get; the process's own where it has no other. */
static gid_t another_group(void)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] != getegid())
			return groups[i];
	return geteuid() == 0 ? getegid() + 1 : getegid();
}

static void test_private(void **state)
{
	struct fixture *fixture = *state;

	reopen(fixture);
	check_file(fixture, "", 0600, getegid());
	check_file(fixture, "-wal", 0600, getegid());
	check_file(fixture, "-shm", 0600, getegid());
}

static void test_shared(void **state)
{
	struct fixture *fixture = *state;
	gid_t gid = another_group();
	char *lock = xasprintf("%s.lock", fixture->path);

	assert_int_equal(chown(fixture->path, (uid_t)-1, gid), 0);
	assert_int_equal(chmod(fixture->path, 0660), 0);
	for (int i = 0; i < 2; i++) {
		reopen(fixture);
		check_file(fixture, "-wal", 0660, gid);
		check_file(fixture, "-shm", 0660, gid);
	}
	int fd = open(lock, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	store_share_beside(fixture->path, fd);
	close(fd);
	check_file(fixture, ".lock", 0660, gid);
	check_file(fixture, "", 0660, gid);
	free(lock);
}

static void test_refusals(void **state)
{
	struct fixture *fixture = *state;
	const struct group *group = getgrgid(getegid());

	assert_int_equal(store_share(fixture->path, "no-such-group-here", &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "there is no group");
	if (!group)
		return;
	assert_int_equal(store_share(fixture->path, group->gr_name, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_REFUSED, "chmod 2770");
	check_file(fixture, "", 0600, getegid());
}

static void test_given(void **state)
{
	struct fixture *fixture = *state;
	const struct group *group = getgrgid(getegid());

	if (!group)
		return;
	assert_int_equal(chmod(fixture->folder, 02770), 0);
	assert_ok(store_share(fixture->path, group->gr_name, &fixture->err), &fixture->err);
	check_file(fixture, "", 0660, getegid());
	check_file(fixture, "-wal", 0660, getegid());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_private), TEST(test_shared), TEST(test_refusals),
					   TEST(test_given)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
