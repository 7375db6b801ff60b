/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are lost on the way, and an agentctl that misbehaves: against a real OpenSSH server. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "protocol/answer.h"
#include "tests/support/cmocka.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"
#include "tests/support/ssh_fixture.h"

static pid_t pid_in(const struct exec_logs *logs)
{
	return (pid_t)strtol(buffer_text(&logs->logs[0].lines), NULL, 10);
}

static void test_server_killed_in_the_middle(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	transport_exec(f->transport, &f->target, "pid", "request\n", 8, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 2));
	assert_true(pid_in(&logs) > 1);
	assert_int_equal(kill(pid_in(&logs), SIGKILL), 0);
	assert_true(exec_logs_wait(&logs));
	assert_int_equal(logs.logs[0].closed, 1);
	assert_int_equal(logs.logs[0].exit_status, -1);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "n1: the connection to 127.0.0.1 port");
	assert_text_has(logs.logs[0].error.text, "was lost in the middle of pid");
	assert_true(logs.logs[0].delivered);
	exec_logs_clear(&logs);
}

/* A host that is there for TCP but does not work any more. */
static void test_server_that_falls_silent(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	exec_logs_init(&logs, f->loop, f->transport, 1);
	transport_exec(f->transport, &f->target, "pid", "request\n", 8, 0);
	assert_true(exec_logs_wait_for_lines(&logs, 0, 2));
	int64_t start = clock_monotonic_ms();
	while (clock_monotonic_ms() - start < 7000) /* longer than the silence: its keepalives are answered */
		exec_logs_turn(&logs, 1000);
	assert_int_equal(logs.logs[0].closed, 0);

	assert_int_equal(kill(pid_in(&logs), SIGSTOP), 0);
	start = clock_monotonic_ms();
	assert_true(exec_logs_wait(&logs));
	assert_in_range(clock_monotonic_ms() - start, 3900, 60000);
	kill(pid_in(&logs), SIGKILL);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "has not been heard for 6.0 s in the middle of pid");
	assert_true(logs.logs[0].delivered);
	exec_logs_clear(&logs);
}

static void test_agentctl_killed(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "kill", "", &logs);
	assert_string_equal(buffer_text(&logs.logs[0].lines), "before\n");
	assert_int_equal(logs.logs[0].exit_status, -1);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "signal KILL ended agentctl kill");
	exec_logs_clear(&logs);
}

static void test_line_that_never_ends(void **state)
{
	struct ssh_fixture *f = *state;
	struct exec_logs logs;
	assert_true(ANSWER_LINE_MAX < 9000000);
	ssh_fixture_run(f, &f->target, "long", "", &logs);
	assert_int_equal(logs.logs[0].line_count, 0);
	assert_int_equal(logs.logs[0].error.kind, ERROR_CORRUPT);
	assert_text_has(logs.logs[0].error.text, "wrote a line of more than 8388608 bytes");
	exec_logs_clear(&logs);
}

/* ---- a wire that is cut after so many bytes of ours */

struct wire {
	int listener, port, server_port;
	atomic_long limit; /* bytes from us to the server before it is cut */
	pthread_t thread;
};

static void splice_until_cut(const struct wire *wire, int client, int server)
{
	long left = atomic_load(&wire->limit);
	char data[16384];
	while (left > 0) {
		struct pollfd polls[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
		poll(polls, 2, -1);
		if (polls[1].revents != 0) {
			ssize_t n = recv(server, data, sizeof(data), 0);
			if (n <= 0)
				return;
			server_write(client, data, (size_t)n);
		}
		if (polls[0].revents != 0) {
			ssize_t n = recv(client, data, left < (long)sizeof(data) ? (size_t)left : sizeof(data), 0);
			if (n <= 0)
				return;
			server_write(server, data, (size_t)n);
			left -= n;
		}
	}
}

static void *wire_run(void *ctx)
{
	struct wire *wire = ctx;
	int client;
	while ((client = accept(wire->listener, NULL, NULL)) >= 0) {
		int server = connect_to_loopback(wire->server_port);
		splice_until_cut(wire, client, server);
		close(server);
		close(client);
	}
	return NULL;
}

/* Wherever the connection breaks: one EXEC_CLOSED, `delivered` never false when agentctl got its request, and never
 * half an agentctl under its name. */
static void cut_at(struct ssh_fixture *f, struct wire *wire, const struct transport_target *target, long limit)
{
	struct exec_logs logs;
	atomic_store(&wire->limit, limit);
	ssh_fixture_run(f, target, "echo", "request\n", &logs);
	const struct exec_log *log = &logs.logs[0];
	assert_int_equal(log->closed, 1);
	if (log->line_count > 0)
		assert_true(log->delivered);
	if (log->exit_status != 0) {
		assert_int_equal(log->error.kind, ERROR_UNREACHABLE);
		assert_text_has(log->error.text, "was lost");
	}
	exec_logs_clear(&logs);
}

static void assert_whole_or_absent(const struct ssh_fixture *f)
{
	if (!file_exists(f->carried))
		return;
	char *ours = scratch_read(f->agentctl, NULL), *theirs = scratch_read(f->carried, NULL);
	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
}

static void test_cut_anywhere(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	struct wire wire = {.server_port = f->sshd.port};
	wire.listener = listen_on_loopback(&wire.port);
	pthread_create(&wire.thread, NULL, wire_run, &wire);
	char *known = scratch_read(f->sshd.known_hosts, NULL);
	char *line = xasprintf("[127.0.0.1]:%d %s", wire.port, strstr(known, "ssh-ed25519"));
	char *path = scratch_write(f->sshd.folder, "known_wire", line);
	target.known_hosts = path;
	target.port = wire.port;
	for (long limit = 1; limit < 8000; limit += limit < 2000 ? 450 : 270) {
		unlink(f->carried);
		cut_at(f, &wire, &target, limit);
		assert_whole_or_absent(f);
	}
	unlink(f->carried);
	cut_at(f, &wire, &target, 1000000);
	assert_true(file_exists(f->carried));
	shutdown(wire.listener, SHUT_RDWR);
	pthread_join(wire.thread, NULL);
	close(wire.listener);
	free(path);
	free(line);
	free(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_killed_in_the_middle),
		cmocka_unit_test(test_server_that_falls_silent),
		cmocka_unit_test(test_agentctl_killed),
		cmocka_unit_test(test_line_that_never_ends),
		cmocka_unit_test(test_cut_anywhere),
	};
	return cmocka_run_group_tests(tests, ssh_fixture_set_up, ssh_fixture_tear_down);
}
