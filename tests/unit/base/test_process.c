/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define ENOUGH_MS 20000

static struct buffer out = BUFFER_INIT(100000);
static struct buffer errout = BUFFER_INIT(100000);

static int set_up(void **state)
{
	(void)state;
	buffer_clear(&out);
	buffer_clear(&errout);
	return 0;
}

/* The status of a shell that runs the script; its streams are in out and errout. */
static int shell(const char *script, int timeout_ms)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct error err = ERROR_INIT;
	int status = -1;
	assert_ok(process_run(argv, NULL, timeout_ms, &out, &errout, &status, &err), &err);
	return status;
}

static void streams_and_status(void **state)
{
	(void)state;
	assert_int_equal(shell("echo to out; echo to err >&2; exit 7", ENOUGH_MS), 7);
	assert_string_equal(buffer_text(&out), "to out\n");
	assert_string_equal(buffer_text(&errout), "to err\n");
	assert_int_equal(shell("kill -TERM $$", ENOUGH_MS), 128 + SIGTERM);
}

static void stdin_is_empty(void **state)
{
	(void)state;
	assert_int_equal(shell("cat; readlink /proc/self/fd/0", -1), 0);
	assert_string_equal(buffer_text(&out), "/dev/null\n");
}

static void without_buffers_output_goes_nowhere(void **state)
{
	(void)state;
	const char *const argv[] = {"sh", "-c", "l=$(readlink /proc/$$/fd/1); echo $l >&2; echo x", NULL};
	struct error err = ERROR_INIT;
	int status = -1;
	assert_ok(process_run(argv, NULL, ENOUGH_MS, NULL, &errout, &status, &err), &err);
	assert_int_equal(status, 0);
	assert_string_equal(buffer_text(&errout), "/dev/null\n");
}

static void the_environment_can_be_given(void **state)
{
	(void)state;
	const char *const argv[] = {"/usr/bin/env", NULL};
	const char *const env[] = {"ONLY=this", NULL};
	struct error err = ERROR_INIT;
	int status = -1;
	assert_ok(process_run(argv, env, ENOUGH_MS, &out, NULL, &status, &err), &err);
	assert_string_equal(buffer_text(&out), "ONLY=this\n");
}

static void a_program_that_is_not_there(void **state)
{
	(void)state;
	const char *const argv[] = {"/nonexistent/program", NULL};
	struct error err = ERROR_INIT;
	int status = -7;
	assert_int_equal(process_run(argv, NULL, ENOUGH_MS, &out, &errout, &status, &err), -1);
	assert_error(&err, ERROR_SYSTEM, "cannot start /nonexistent/program: No such file");
	assert_int_equal(status, -7);
	assert_int_equal(process_detach(argv, NULL, NULL, &err), -1);
	assert_error(&err, ERROR_SYSTEM, "cannot start /nonexistent/program");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no zombie stays */
	assert_int_equal(errno, ECHILD);
}

static void time_is_limited(void **state)
{
	(void)state;
	int64_t start = clock_monotonic_ms();
	assert_int_equal(shell("echo early; sleep 30 & sleep 30", 300), 124);
	int64_t took = clock_monotonic_ms() - start;
	assert_true(took >= 290 && took < 15000);
	assert_string_equal(buffer_text(&out), "early\n");
}

static void a_daemon_left_behind_does_not_hold_us_up(void **state)
{
	(void)state;
	int64_t start = clock_monotonic_ms();
	assert_int_equal(shell("sleep 20 & echo $!", ENOUGH_MS), 0);
	assert_true(clock_monotonic_ms() - start < 15000);
	pid_t daemon = (pid_t)strtol(buffer_text(&out), NULL, 10);
	assert_true(daemon > 1);
	assert_int_equal(kill(daemon, SIGKILL), 0);
}

static void much_output_comes_whole(void **state)
{
	(void)state;
	buffer_init(&out, 2000000);
	assert_int_equal(shell("head -c 1500000 /dev/zero | tr '\\0' x", ENOUGH_MS), 0);
	assert_int_equal(out.len, 1500000);
	assert_false(out.overflow);
	buffer_clear(&out);
	buffer_init(&out, 100);
	assert_int_equal(shell("head -c 1500000 /dev/zero | tr '\\0' x", ENOUGH_MS), 0);
	assert_int_equal(out.len, 100);
	assert_true(out.overflow);
	buffer_clear(&out);
	buffer_init(&out, 100000);
}

static void children_ignore_and_inherit_nothing(void **state)
{
	(void)state;
	int leak = open("/dev/null", O_RDONLY);
	assert_true(leak >= 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* the last seven digits of the masks: signals 1 to 28; 32 and 33 are the C library's own */
	int status = shell("sed -nE 's/^(Sig(Blk|Ign)).*(.{7})$/\\1 \\3/p' /proc/self/status; ls /proc/self/fd | wc -l",
			   ENOUGH_MS);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	close(leak);
	assert_int_equal(status, 0);
	/* 4: the three standard streams and the folder that ls reads */
	assert_string_equal(buffer_text(&out), "SigBlk 0000000\nSigIgn 0000000\n4\n");
}

static void statuses_arrive_even_when_sigchld_was_ignored(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	int status = shell("exit 3", ENOUGH_MS);
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(status, 3);
}

static void detached_means_a_session_of_its_own(void **state)
{
	(void)state;
	char *folder = scratch_new();
	char *path = path_join(folder, "fds");
	char *script = xasprintf("l=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); "
				 "echo \"$l\" > %s.new; mv %s.new %s; sleep 30",
				 path, path, path);
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct error err = ERROR_INIT;
	pid_t pid = 0;
	assert_ok(process_detach(argv, NULL, &pid, &err), &err);
	assert_int_equal(getsid(pid), pid);
	for (int i = 0; i < 1000 && !file_exists(path); i++)
		usleep(10000);
	char *text = scratch_read(path, NULL);
	assert_string_equal(text, "/dev/null\n/dev/null\n/dev/null\n");
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	free(text);
	free(script);
	free(path);
	scratch_remove(folder);
}

static void start_ticks_name_a_process(void **state)
{
	(void)state;
	unsigned long long mine = process_start_ticks(getpid());
	assert_true(mine > 0);
	assert_true(process_start_ticks(getpid()) == mine);
	assert_true(process_start_ticks(1) <= mine);
	assert_true(process_start_ticks(0) == 0);
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	assert_true(process_start_ticks(gone) == 0);
}

/* The name in /proc/PID/stat is the program's own choice. */
static void start_ticks_with_a_hostile_name(void **state)
{
	(void)state;
	char *folder = scratch_new();
	char *path = path_join(folder, "a) R 1 (b");
	struct error err = ERROR_INIT;
	pid_t pid = 0;
	assert_int_equal(symlink("/bin/sleep", path), 0);
	const char *const argv[] = {path, "30", NULL};
	assert_ok(process_detach(argv, NULL, &pid, &err), &err);
	unsigned long long ticks = process_start_ticks(pid);
	unsigned long long mine = process_start_ticks(getpid());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(ticks >= mine && ticks < mine + 100000);
	free(path);
	scratch_remove(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(streams_and_status),
		TEST(stdin_is_empty),
		TEST(without_buffers_output_goes_nowhere),
		TEST(the_environment_can_be_given),
		TEST(a_program_that_is_not_there),
		TEST(time_is_limited),
		TEST(a_daemon_left_behind_does_not_hold_us_up),
		TEST(much_output_comes_whole),
		TEST(children_ignore_and_inherit_nothing),
		TEST(statuses_arrive_even_when_sigchld_was_ignored),
		TEST(detached_means_a_session_of_its_own),
		TEST(start_ticks_name_a_process),
		TEST(start_ticks_with_a_hostile_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
