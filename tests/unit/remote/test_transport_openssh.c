/* SPDX-License-Identifier: Apache-2.0 */
/* The transport over OpenSSH's own client, against a real server. */
#include "remote/transport_openssh.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "remote/openssh_exec.h"
#include "tests/support/cmocka.h"
#include "tests/support/http_server.h"
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

/* ---- what works */

static void test_carries_agentctl_once(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	struct stat first, second;
	ssh_fixture_run(f, &f->target, "echo", "hello\n", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "got hello\n");
	assert_memory_equal(logs.logs[0].host_key, "SHA256:", 7);
	exec_logs_clear(&logs);
	assert_int_equal(stat(f->carried, &first), 0);
	ssh_fixture_works(f, &f->target);
	assert_int_equal(stat(f->carried, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
}

static void converse(struct ssh_fixture *f, const char *last, int status)
{
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	uint64_t exec = transport_exec(f->transport, &f->target, "talk", "the request\n", 12, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 1));
	transport_send(f->transport, exec, last);
	assert_true(exec_logs_wait(&logs));
	assert_over(&logs, 0, status);
	transport_send(f->transport, exec, "too late\n");
	exec_logs_clear(&logs);
}

static void test_conversation(void **state)
{
	converse(*state, "keep\n", 0);
	converse(*state, "undo\n", 3);
}

static void test_large_input_and_output(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	size_t len = 8000000;
	char *data = xmalloc(len), hash[DIGEST_HEX_SIZE];
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 977);
	digest_hex(data, len, hash);
	exec_logs_init(&logs, f->loop, f->transport, 1);
	transport_exec(f->transport, &f->target, "sum", data, len, 0);
	assert_true(exec_logs_wait(&logs));
	assert_memory_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), hash, 64);
	exec_logs_clear(&logs);
	free(data);

	ssh_fixture_run(f, &f->target, "big", "x\n", &logs);
	assert_int_equal(assert_over(&logs, 0, 0)->line_count, 200);
	exec_logs_clear(&logs);
}

static void test_many_at_once(void **state)
{
	enum { MANY = 12 };
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_works(f, &f->target);
	exec_logs_init(&logs, f->loop, f->transport, MANY);
	for (uint64_t i = 0; i < MANY; i++) {
		char input[32];
		snprintf(input, sizeof(input), "number %llu\n", (unsigned long long)i);
		transport_exec(f->transport, &f->target, "echo", input, strlen(input), i);
	}
	assert_true(exec_logs_wait(&logs));
	for (size_t i = 0; i < MANY; i++) {
		char *expected = xasprintf("got number %zu\n", i);
		assert_string_equal(buffer_text(&assert_over(&logs, i, 0)->lines), expected);
		free(expected);
	}
	exec_logs_clear(&logs);
}

/* stderr is the program's own, whatever ssh has to say meanwhile. */
static void test_stderr_and_status(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "errors", "", &logs);
	const struct exec_log *log = assert_over(&logs, 0, 4);
	assert_text_has(log->errors, "complaint number 100,");
	assert_null(strstr(log->errors, "debug1"));
	exec_logs_clear(&logs);
	ssh_fixture_run(f, &f->target, "half", "", &logs);
	assert_string_equal(buffer_text(&assert_over(&logs, 0, 0)->lines), "no newline\n");
	exec_logs_clear(&logs);
}

/* What libssh2 1.10 cannot do, and why this transport is there. */
static void test_rsa_key(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.identity = f->sshd.rsa;
	ssh_fixture_works(f, &target);
}

/* ---- what does not */

static void test_output_without_end(void **state)
{
	struct ssh_fixture *f = *state;
	static const char *const words[] = {"flood", "long"};
	for (size_t i = 0; i < 2; i++) {
		struct exec_logs logs;
		ssh_fixture_run(f, &f->target, words[i], "", &logs);
		assert_int_equal(logs.logs[0].error.kind, ERROR_CORRUPT);
		assert_int_equal(logs.logs[0].closed, 1);
		exec_logs_clear(&logs);
	}
}

static void test_program_that_is_killed(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "kill", "x\n", &logs);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "a signal ended agentctl kill");
	assert_true(logs.logs[0].delivered);
	exec_logs_clear(&logs);
}

static void test_connection_that_is_lost(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	transport_exec(f->transport, &f->target, "pid", "request\n", 8, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 2));
	pid_t server = (pid_t)strtol(buffer_text(&logs.logs[0].lines), NULL, 10);
	assert_true(server > 1);
	assert_int_equal(kill(server, SIGKILL), 0);
	assert_true(exec_logs_wait(&logs));
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "was lost in the middle of pid");
	assert_true(logs.logs[0].delivered);
	exec_logs_clear(&logs);
}

/* Stopped, it is there for TCP and does not answer: ssh gives up, and so do we. */
static void test_server_that_falls_silent(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	transport_exec(f->transport, &f->target, "pid", "request\n", 8, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 2));
	pid_t server = (pid_t)strtol(buffer_text(&logs.logs[0].lines), NULL, 10);
	assert_int_equal(kill(server, SIGSTOP), 0);
	assert_true(exec_logs_wait(&logs));
	kill(server, SIGKILL);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "not responding");
	exec_logs_clear(&logs);
}

static void test_keys_that_do_not_fit(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *path = scratch_write(f->sshd.folder, "known empty 100%", "# nobody\n");
	target.known_hosts = path;
	char *text = ssh_fixture_refused(f, &target, ERROR_REFUSED);
	assert_text_has(text, "SHA256:");
	assert_text_has(text, path);
	free(text);
	free(path);

	/* A path may look like anything. */
	char *known = scratch_read(f->sshd.known_hosts, NULL);
	path = scratch_write(f->sshd.folder, "known hosts 100%h", known);
	target.known_hosts = path;
	ssh_fixture_works(f, &target);
	free(path);
	free(known);

	target.known_hosts = f->sshd.known_hosts;
	target.identity = f->sshd.stranger;
	text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "Permission denied");
	free(text);
}

static void test_nobody_listens(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.port = closed_port();
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "no connection to 127.0.0.1 port");
	assert_text_has(text, "Connection refused");
	free(text);
}

static void test_somebody_else_listens(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	struct exec_logs logs;
	struct error err = ERROR_INIT;
	int silent = listen_on_loopback(&target.port); /* the kernel connects, nobody answers */
	struct ssh_transport_options options = {.agentctl = f->agentctl, .connect_timeout_ms = 300};
	struct transport *hasty = transport_openssh_new(f->loop, &options, &err);
	exec_logs_init(&logs, f->loop, hasty, 1);
	transport_exec(hasty, &target, "echo", "x", 1, 0);
	assert_true(exec_logs_wait(&logs));
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "did not answer in time (0.3 s)");
	assert_false(logs.logs[0].delivered);
	exec_logs_clear(&logs);
	transport_free(hasty);
	close(silent);
}

static void test_cancel(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 2);
	uint64_t gone = transport_exec(f->transport, &f->target, "talk", "x\n", 2, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 1));
	transport_cancel(f->transport, gone);
	transport_exec(f->transport, &f->target, "echo", "x\n", 2, 1);
	while (logs.logs[1].closed == 0)
		exec_logs_turn(&logs, 1000);
	assert_int_equal(logs.logs[0].closed, 0);
	exec_logs_clear(&logs);
}

static void test_targets_that_could_be_options(void **state)
{
	static const char *const addresses[] = {"-oProxyCommand=id", "a b", "user@host", "\"", NULL};
	struct ssh_fixture *f = *state;
	for (size_t i = 0; addresses[i] != NULL; i++) {
		struct transport_target target = f->target;
		target.address = addresses[i];
		free(ssh_fixture_refused(f, &target, ERROR_USAGE));
		target = f->target;
		target.user = addresses[i];
		if (strchr(addresses[i], '@') == NULL)
			free(ssh_fixture_refused(f, &target, ERROR_USAGE));
	}
	struct transport_target target = f->target;
	target.directory = "/tmp/$(id)";
	free(ssh_fixture_refused(f, &target, ERROR_USAGE));
}

/* ---- what ssh says, cut anywhere */

static void test_words_in_pieces(void **state)
{
	static const char text[] = "OpenSSH_9.2p1\r\ndebug1: Server host key: ssh-ed25519 SHA256:abc\r\n"
				   "Authenticated to h ([1.2.3.4]:22) using \"publickey\".\r\n"
				   "debug1: Sending command: exec x\r\ndebug1: Exit status 3\r\nTransferred: 1\n"
				   "Connection closed.\r\nunfinished";
	(void)state;
	for (size_t cut = 0; cut < strlen(text); cut++) {
		struct openssh_said said = {.exit_status = -1};
		openssh_said_add(&said, text, cut);
		openssh_said_add(&said, text + cut, strlen(text) - cut);
		assert_string_equal(said.host_key, "SHA256:abc");
		assert_true(said.authenticated && said.started && !said.signalled);
		assert_int_equal(said.exit_status, 3);
		assert_string_equal(said.complaint, "Connection closed.");
		buffer_clear(&said.line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carries_agentctl_once),
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_large_input_and_output),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_stderr_and_status),
		cmocka_unit_test(test_rsa_key),
		cmocka_unit_test(test_output_without_end),
		cmocka_unit_test(test_program_that_is_killed),
		cmocka_unit_test(test_connection_that_is_lost),
		cmocka_unit_test(test_server_that_falls_silent),
		cmocka_unit_test(test_keys_that_do_not_fit),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_somebody_else_listens),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_targets_that_could_be_options),
		cmocka_unit_test(test_words_in_pieces),
	};
	return cmocka_run_group_tests(tests, ssh_fixture_set_up_openssh, ssh_fixture_tear_down);
}
