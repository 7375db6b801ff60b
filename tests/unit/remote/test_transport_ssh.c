/* SPDX-License-Identifier: Apache-2.0 */
/* What works, against a real OpenSSH server; what does not: test_transport_ssh_keys.c, _refused.c, _lost.c. */
#include "remote/transport_ssh.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"
#include "tests/support/ssh_fixture.h"

static const struct exec_log *assert_over(const struct exec_logs *logs, size_t index, int status)
{
	const struct exec_log *log = &logs->logs[index];
	assert_string_equal(log->error.text, "");
	assert_int_equal(log->closed, 1);
	assert_int_equal(log->exit_status, status);
	assert_true(log->connected);
	assert_true(log->delivered);
	return log;
}

static size_t count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;
	assert_non_null(dir);
	for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static void test_carries_agentctl_once(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	struct stat first, second;
	assert_false(file_exists(f->directory));
	ssh_fixture_run(f, &f->target, "echo", "hello\n", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "got hello\n");
	assert_memory_equal(logs.logs[0].host_key, "SHA256:", 7);
	exec_logs_clear(&logs);

	assert_int_equal(stat(f->carried, &first), 0);
	assert_int_equal(first.st_mode & 07777, 0755);
	assert_int_equal(count_files(f->directory), 1); /* nothing unfinished beside it */
	assert_int_equal(stat(f->directory, &second), 0);
	assert_int_equal(second.st_mode & 07777, 0700);

	ssh_fixture_run(f, &f->target, "echo", "again\n", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "got again\n");
	exec_logs_clear(&logs);
	assert_int_equal(stat(f->carried, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_int_equal(first.st_mtim.tv_nsec, second.st_mtim.tv_nsec);
}

/* A file that cannot be run (its x bits gone) is replaced. */
static void test_replaces_what_cannot_run(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	assert_int_equal(chmod(f->carried, 0644), 0);
	ssh_fixture_run(f, &f->target, "echo", "x\n", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "got x\n");
	exec_logs_clear(&logs);
}

static void converse(struct ssh_fixture *f, const char *last, int status)
{
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	uint64_t exec = transport_exec(f->transport, &f->target, "talk", "the request\n", 12, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 1));
	transport_send(f->transport, exec, "wait\n");
	assert_true(exec_logs_wait_for_lines(&logs, 0, 2));
	transport_send(f->transport, exec, last);
	assert_true(exec_logs_wait(&logs));
	assert_over(&logs, 0, status);
	char *expected = xasprintf("heard the request\nheard wait\nheard %s", last);
	assert_string_equal(buffer_text(&logs.logs[0].lines), expected);
	free(expected);
	transport_send(f->transport, exec, "too late\n");
	exec_logs_clear(&logs);
}

static void test_conversation(void **state)
{
	converse(*state, "keep\n", 0);
	converse(*state, "undo\n", 3);
}

static void test_words_sent_before_the_connection_is_there(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	uint64_t exec = transport_exec(f->transport, &f->target, "talk", "request\n", 8, 0);
	transport_send(f->transport, exec, "keep\n");
	assert_true(exec_logs_wait(&logs));
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "heard request\nheard keep\n");
	exec_logs_clear(&logs);
}

static void test_large_input(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	char *input = xmalloc(8000000), hash[DIGEST_HEX_SIZE];
	for (size_t i = 0; i < 8000000; i++)
		input[i] = (char)(i * 31 / 7);
	digest_hex(input, 8000000, hash);
	exec_logs_init(&logs, f->loop, f->transport, 1);
	transport_exec(f->transport, &f->target, "sum", input, 8000000, 0);
	free(input); /* it was copied */
	assert_true(exec_logs_wait(&logs));
	assert_memory_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), hash, 64);
	exec_logs_clear(&logs);
}

static void test_large_output(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "big", "", &logs);
	const struct exec_log *log = assert_over(&logs, 0, 0);
	assert_int_equal(log->line_count, 200);
	assert_int_equal(log->lines.len, 200 * 40001);
	for (int i = 1; i <= 200; i++) {
		char number[16];
		int len = snprintf(number, sizeof(number), "0000%d\n", i);
		assert_memory_equal(log->lines.data + (size_t)i * 40001 - (size_t)len, number, (size_t)len);
	}
	exec_logs_clear(&logs);
}

/* A host that never stops talking would otherwise fill our memory. */
static void test_flood(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "flood", "", &logs);
	assert_int_equal(logs.logs[0].error.kind, ERROR_CORRUPT);
	assert_text_has(logs.logs[0].error.text, "more than 1000 lines");
	assert_int_equal(logs.logs[0].line_count, 1000);
	exec_logs_clear(&logs);
}

static void test_unfinished_line_and_stderr(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "half", "", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "no newline\n");
	exec_logs_clear(&logs);

	ssh_fixture_run(f, &f->target, "errors", "", &logs);
	const struct exec_log *log = assert_over(&logs, 0, 4);
	size_t len = strlen(log->errors);
	assert_int_equal(len, EXEC_STDERR_MAX);
	assert_string_equal(log->errors + len - 37, "complaint number 100, at some length\n");
	assert_null(strstr(log->errors, "number 1,"));
	exec_logs_clear(&logs);
}

static void test_become(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	struct transport_target target = f->target;
	char *bin = path_join(f->sshd.folder, "bin");
	mkdir(bin, 0755);
	char *sudo = scratch_write(bin, "sudo",
				   "#!/bin/sh\ntest \"$1\" = -n || exit 1\nshift\necho as root\nexec \"$@\"\n");
	chmod(sudo, 0755);
	target.become = true;
	assert_int_equal(unlink(f->carried), 0); /* that it is missing is also found out behind sudo */
	ssh_fixture_run(f, &target, "echo", "hello\n", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "as root\ngot hello\n");
	exec_logs_clear(&logs);
	free(sudo);
	free(bin);
}

#define AT_ONCE 50

static void test_many_at_once(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, AT_ONCE);
	assert_int_equal(unlink(f->carried), 0); /* and all of them find it missing */
	for (uint64_t i = 0; i < AT_ONCE; i++) {
		char input[32];
		int len = snprintf(input, sizeof(input), "number %d\n", (int)i);
		transport_exec(f->transport, &f->target, "echo", input, (size_t)len, i);
	}
	assert_true(exec_logs_wait(&logs));
	for (size_t i = 0; i < AT_ONCE; i++) {
		char expected[32];
		snprintf(expected, sizeof(expected), "got number %d\n", (int)i);
		assert_string_equal(buffer_text(&assert_over(&logs, i, 0)->lines), expected);
	}
	assert_int_equal(count_files(f->directory), 1);
	exec_logs_clear(&logs);
}

static void test_many_in_a_row_leave_nothing_open(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	size_t before = 0;
	for (int i = 0; i < 40; i++) {
		ssh_fixture_run(f, &f->target, i % 3 == 0 ? "kill" : "echo", "x\n", &logs);
		assert_int_equal(logs.logs[0].closed, 1);
		exec_logs_clear(&logs);
		if (i == 5)
			before = count_files("/proc/self/fd");
	}
	assert_int_equal(count_files("/proc/self/fd"), before);
}

static void test_cancel_and_free_in_the_middle(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	struct error err = ERROR_INIT;
	exec_logs_init(&logs, f->loop, f->transport, 2);
	uint64_t talking = transport_exec(f->transport, &f->target, "talk", "x\n", 2, 0);
	uint64_t connecting = transport_exec(f->transport, &f->target, "talk", "y\n", 2, 1);
	transport_cancel(f->transport, connecting);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 1));
	transport_send(f->transport, talking, "more\n");
	transport_cancel(f->transport, talking);
	transport_cancel(f->transport, talking);
	for (int i = 0; i < 20; i++)
		exec_logs_turn(&logs, 10);
	assert_int_equal(logs.logs[0].closed + logs.logs[1].closed, 0);
	assert_int_equal(logs.logs[0].line_count, 1);
	exec_logs_clear(&logs);

	struct ssh_transport_options options = {.agentctl = f->agentctl};
	struct transport *other = transport_ssh_new(f->loop, &options, &err);
	transport_exec(other, &f->target, "talk", "x\n", 2, 0);
	for (int i = 0; i < 20; i++)
		loop_wait(f->loop, 10);
	transport_free(other);
	loop_wait(f->loop, 0);
}

static void test_host_name(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	struct transport_target target = f->target;
	char *known = scratch_read(f->sshd.known_hosts, NULL);
	char *key = strstr(known, "ssh-ed25519");
	char *line = xasprintf("[LOCALHOST]:%d,[other]:2222 %s", f->sshd.port, key);
	char *path = scratch_write(f->sshd.folder, "known_by_name", line);
	target.address = "localhost";
	target.known_hosts = path;
	ssh_fixture_run(f, &target, "echo", "hello\n", &logs);
	assert_over(&logs, 0, 0);
	exec_logs_clear(&logs);
	free(path);
	free(line);
	free(known);
}

static void test_missing_agentctl_here(void **state)
{
	struct ssh_fixture *f = *state;
	struct error err = ERROR_INIT;
	struct ssh_transport_options options = {.agentctl = "/nonexistent/agentctl"};
	assert_null(transport_ssh_new(f->loop, &options, &err));
	assert_error(&err, ERROR_UNREACHABLE, "/nonexistent/agentctl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carries_agentctl_once),
		cmocka_unit_test(test_replaces_what_cannot_run),
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_words_sent_before_the_connection_is_there),
		cmocka_unit_test(test_large_input),
		cmocka_unit_test(test_large_output),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_unfinished_line_and_stderr),
		cmocka_unit_test(test_become),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_many_in_a_row_leave_nothing_open),
		cmocka_unit_test(test_cancel_and_free_in_the_middle),
		cmocka_unit_test(test_host_name),
		cmocka_unit_test(test_missing_agentctl_here),
	};
	return cmocka_run_group_tests(tests, ssh_fixture_set_up, ssh_fixture_tear_down);
}
