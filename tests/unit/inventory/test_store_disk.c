/* SPDX-License-Identifier: Apache-2.0 */
/* The database on a disk that fails, and in a process that dies. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/store_fixture.h"

static int failing_errno;

static ssize_t failing_write(int fd, const void *data, size_t len)
{
	(void)fd, (void)data, (void)len;
	errno = failing_errno;
	return -1;
}

static ssize_t failing_pwrite(int fd, const void *data, size_t len, off_t at)
{
	(void)at;
	return failing_write(fd, data, len);
}

/* SQLite lets its system calls be replaced; errnum 0 puts the real ones back. */
static void break_writes(int errnum)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

	failing_errno = errnum;
	vfs->xSetSystemCall(vfs, "write", errnum ? (sqlite3_syscall_ptr)failing_write : NULL);
	vfs->xSetSystemCall(vfs, "pwrite", errnum ? (sqlite3_syscall_ptr)failing_pwrite : NULL);
	vfs->xSetSystemCall(vfs, "pwrite64", errnum ? (sqlite3_syscall_ptr)failing_pwrite : NULL);
}

static void check_failing_disk(struct store_fixture *fixture, int errnum, const char *words)
{
	int result;

	assert_ok(store_begin(fixture->store, &fixture->err), &fixture->err);
	assert_ok(store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES ('lost')", ""),
		  &fixture->err);
	break_writes(errnum);
	result = store_commit(fixture->store, &fixture->err);
	break_writes(0);
	assert_int_equal(result, -1);
	assert_error(&fixture->err, ERROR_SYSTEM, words);
	assert_false(store_in_transaction(fixture->store));
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters WHERE name = 'lost'"), 0);
	assert_ok(store_run(fixture->store, &fixture->err, "INSERT INTO clusters (name) VALUES ('kept' || ?1)", "d",
			    errnum),
		  &fixture->err);
}

static void test_full_disk(void **state)
{
	check_failing_disk(*state, ENOSPC, "disk full");
}

static void test_failing_disk(void **state)
{
	check_failing_disk(*state, EIO, "Input/output error");
	check_failing_disk(*state, EDQUOT, "no room");
}

static void test_file_size_limit(void **state)
{
	struct store_fixture *fixture = *state;
	pid_t child;
	int status;

	store_close(fixture->store);
	fixture->store = NULL;
	child = fork();
	if (child == 0) {
		struct rlimit limit = {64 << 10, 64 << 10};
		struct store *store;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		store = store_open(fixture->path, false, &fixture->err);
		for (int i = 0; store && fixture->err.kind == ERROR_NONE && i < 10000; i++)
			store_run(store, &fixture->err, "INSERT INTO clusters (name) VALUES (hex(randomblob(500)))",
				  "");
		_exit(fixture->err.kind == ERROR_SYSTEM && strstr(fixture->err.text, "no room") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture->store = store_open(fixture->path, false, &fixture->err);
	assert_non_null(fixture->store);
	assert_int_equal(
		store_ask(fixture, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

/* A process that dies right after a commit leaves what it committed, one that dies before it does not. */
static void test_sudden_death(void **state)
{
	struct store_fixture *fixture = *state;
	pid_t child;
	int status;

	store_close(fixture->store);
	child = fork();
	if (child == 0) {
		struct store *store = store_open(fixture->path, false, &fixture->err);

		store_begin(store, NULL);
		store_run(store, NULL, "INSERT INTO clusters (name) VALUES ('committed')", "");
		store_commit(store, NULL);
		store_begin(store, NULL);
		store_run(store, NULL, "INSERT INTO clusters (name) VALUES ('not committed')", "");
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	fixture->store = store_open(fixture->path, false, &fixture->err);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters"), 1);
	assert_int_equal(store_ask(fixture, "SELECT count(*) FROM clusters WHERE name = 'committed'"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_full_disk),
		TEST(test_failing_disk),
		TEST(test_file_size_limit),
		TEST(test_sudden_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
