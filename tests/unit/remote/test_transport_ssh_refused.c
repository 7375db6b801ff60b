/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that are not who they should be, and hosts that do not let us in: against a real OpenSSH server. */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "remote/transport_ssh.h"
#include "tests/support/cmocka.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"
#include "tests/support/ssh_fixture.h"

/* Runs echo there; it must fail without having got its request. Returns the text, the caller's. */
static char *assert_refused(struct ssh_fixture *f, const struct transport_target *target, enum error_kind kind)
{
	struct exec_logs logs;
	ssh_fixture_run(f, target, "echo", "hello\n", &logs);
	const struct exec_log *log = &logs.logs[0];
	if (log->error.kind != kind)
		fail_msg("kind %d, text \"%s\"", log->error.kind, log->error.text);
	assert_int_equal(log->closed, 1);
	assert_int_equal(log->exit_status, -1);
	assert_false(log->delivered);
	assert_int_equal(log->line_count, 0);
	assert_memory_equal(log->error.text, "n1: ", 4);
	char *text = xstrdup(log->error.text);
	exec_logs_clear(&logs);
	return text;
}

static void assert_works(struct ssh_fixture *f, const struct transport_target *target)
{
	struct exec_logs logs;
	ssh_fixture_run(f, target, "echo", "hello\n", &logs);
	assert_string_equal(logs.logs[0].error.text, "");
	assert_string_equal(buffer_text(&logs.logs[0].lines), "got hello\n");
	exec_logs_clear(&logs);
}

/* ---- the host's key */

static char *host_fingerprint(const struct ssh_fixture *f)
{
	char *path = path_join(f->sshd.folder, "host_key.pub");
	const char *argv[] = {"ssh-keygen", "-l", "-f", path, NULL};
	struct buffer out = BUFFER_INIT(4096);
	struct error err = ERROR_INIT;
	int status;
	assert_ok(process_run(argv, NULL, 10000, &out, NULL, &status, &err), &err);
	char *start = strstr(buffer_text(&out), "SHA256:");
	assert_non_null(start);
	char *print = xstrndup(start, strcspn(start, " "));
	buffer_clear(&out);
	free(path);
	return print;
}

static void test_unknown_host_key(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *path = scratch_write(f->sshd.folder, "known_empty", "# nobody\n");
	target.known_hosts = path;
	char *text = assert_refused(f, &target, ERROR_REFUSED);
	char *print = host_fingerprint(f);
	assert_text_has(text, "is not known");
	assert_text_has(text, "127.0.0.1");
	assert_text_has(text, "ssh-ed25519");
	assert_text_has(text, print);
	assert_text_has(text, path);
	assert_text_has(text, "ssh-keyscan -p");
	free(print);
	free(text);
	free(path);
}

static void test_changed_host_key(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *public_half = xasprintf("%s.pub", f->sshd.stranger);
	char *other = scratch_read(public_half, NULL);
	char *line = xasprintf("# one comment\n[127.0.0.1]:%d %s", f->sshd.port, other);
	char *path = scratch_write(f->sshd.folder, "known_other", line);
	target.known_hosts = path;
	char *text = assert_refused(f, &target, ERROR_REFUSED);
	assert_text_has(text, "CHANGED");
	assert_text_has(text, "known_other line 2");
	free(text);

	/* The file is read again when it has changed. */
	char *right = scratch_read(f->sshd.known_hosts, NULL);
	free(scratch_write(f->sshd.folder, "known_other", right));
	assert_works(f, &target);
	free(right);
	free(path);
	free(line);
	free(other);
	free(public_half);
}

static void test_hashed_known_hosts(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *text = scratch_read(f->sshd.known_hosts, NULL);
	char *path = scratch_write(f->sshd.folder, "known_hashed", text);
	const char *argv[] = {"ssh-keygen", "-q", "-H", "-f", path, NULL};
	struct error err = ERROR_INIT;
	int status = -1;
	assert_ok(process_run(argv, NULL, 10000, NULL, NULL, &status, &err), &err);
	assert_int_equal(status, 0);
	char *hashed = scratch_read(path, NULL);
	assert_text_has(hashed, "|1|");
	assert_null(strstr(hashed, "127.0.0.1"));
	target.known_hosts = path;
	assert_works(f, &target);
	free(hashed);
	free(path);
	free(text);
}

static void test_revoked_host_key(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *known = scratch_read(f->sshd.known_hosts, NULL);
	char *revoked = xasprintf("%s@revoked * %s", known, strstr(known, "ssh-ed25519"));
	char *path = scratch_write(f->sshd.folder, "known_revoked", revoked);
	target.known_hosts = path;
	char *text = assert_refused(f, &target, ERROR_REFUSED);
	assert_text_has(text, "revoked");
	free(text);
	free(path);
	free(revoked);
	free(known);
}

static void test_known_hosts_that_cannot_be_read(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.known_hosts = "/nonexistent/known_hosts";
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "/nonexistent/known_hosts");
	free(text);
}

/* The file has a key of a type that the server does not have: nothing could be compared. */
static void test_no_common_host_key_type(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *key = sshd_make_key(&f->sshd, "ecdsa", "ecdsa");
	char *public_half = xasprintf("%s.pub", key);
	char *text = scratch_read(public_half, NULL);
	char *line = xasprintf("[127.0.0.1]:%d %s", f->sshd.port, text);
	char *path = scratch_write(f->sshd.folder, "known_ecdsa", line);
	target.known_hosts = path;
	char *refusal = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(refusal, "no way to speak with the SSH server");
	assert_text_has(refusal, "known_ecdsa");
	free(refusal);
	free(path);
	free(line);
	free(text);
	free(public_half);
	free(key);
}

/* ---- our key */

static void test_key_that_is_not_let_in(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.identity = f->sshd.stranger;
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "refused user");
	assert_text_has(text, f->sshd.user);
	assert_text_has(text, f->sshd.stranger);
	assert_text_has(text, "publickey");
	assert_text_has(text, "authorized_keys");
	free(text);
}

static void test_rsa_key(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.identity = f->sshd.rsa;
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "RSA");
	assert_text_has(text, "use an ed25519 key");
	free(text);
}

static void test_ecdsa_key(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *key = sshd_make_key(&f->sshd, "ecdsa_identity", "ecdsa");
	char *public_half = xasprintf("%s.pub", key);
	char *allowed = path_join(f->sshd.folder, "authorized_keys");
	char *before = scratch_read(allowed, NULL), *more = scratch_read(public_half, NULL);
	char *both = xasprintf("%s%s", before, more);
	free(scratch_write(f->sshd.folder, "authorized_keys", both));
	target.identity = key;
	assert_works(f, &target);
	free(both);
	free(more);
	free(before);
	free(allowed);
	free(public_half);
	free(key);
}

static void test_keys_that_cannot_be_used(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	struct error err = ERROR_INIT;
	int status;
	target.identity = "/nonexistent/key";
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "/nonexistent/key");
	free(text);

	target.identity = f->sshd.known_hosts;
	text = assert_refused(f, &target, ERROR_CORRUPT);
	assert_text_has(text, "is no private key");
	free(text);

	char *locked = path_join(f->sshd.folder, "locked");
	const char *argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked, NULL};
	assert_ok(process_run(argv, NULL, 30000, NULL, NULL, &status, &err), &err);
	target.identity = locked;
	text = assert_refused(f, &target, ERROR_USAGE);
	assert_text_has(text, "has a passphrase");
	assert_text_has(text, "ssh-add");
	free(text);
	free(locked);
}

static pid_t start_agent(const char *socket)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(1);
		execlp("ssh-agent", "ssh-agent", "-D", "-a", socket, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 100 && !file_exists(socket); i++)
		usleep(50000);
	return pid;
}

static void add_key(const char *key)
{
	const char *argv[] = {"ssh-add", "-q", key, NULL};
	struct error err = ERROR_INIT;
	int status = -1;
	assert_ok(process_run(argv, NULL, 10000, NULL, NULL, &status, &err), &err);
	assert_int_equal(status, 0);
}

static void test_ssh_agent(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.identity = NULL;
	unsetenv("SSH_AUTH_SOCK");
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "no SSH agent answers");
	free(text);

	char *socket = path_join(f->sshd.folder, "agent");
	pid_t pid = start_agent(socket);
	setenv("SSH_AUTH_SOCK", socket, 1);
	add_key(f->sshd.stranger);
	text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "every key of the SSH agent");
	free(text);
	add_key(f->sshd.identity); /* behind the one that is refused */
	assert_works(f, &target);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	free(socket);
}

/* ---- no connection */

static void test_nobody_listens(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	target.port = closed_port();
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "no connection to 127.0.0.1 port");
	assert_text_has(text, "Connection refused");
	free(text);

	target.address = "no-such-host.invalid";
	text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "there is no host \"no-such-host.invalid\"");
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
	struct transport *hasty = transport_ssh_new(f->loop, &options, &err);
	exec_logs_init(&logs, f->loop, hasty, 1);
	int64_t start = clock_monotonic_ms();
	transport_exec(hasty, &target, "echo", "x", 1, 0);
	assert_true(exec_logs_wait(&logs));
	assert_in_range(clock_monotonic_ms() - start, 290, 2000);
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "did not answer in time (0.3 s) during the SSH key exchange");
	assert_false(logs.logs[0].delivered);
	exec_logs_clear(&logs);
	transport_free(hasty);
	close(silent);
}

/* ---- no place for agentctl */

static void test_place_that_cannot_be_written(void **state)
{
	struct ssh_fixture *f = *state;
	struct transport_target target = f->target;
	char *directory = xasprintf("%s/known_hosts/below-a-file", f->sshd.folder);
	target.directory = directory;
	char *text = assert_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "agentctl could not be carried to 127.0.0.1:");
	assert_text_has(text, "Not a directory");
	free(text);
	free(directory);
}

static void test_agentctl_that_is_another_one(void **state)
{
	struct ssh_fixture *f = *state;
	struct error err = ERROR_INIT;
	struct exec_logs logs;
	char *liar = scratch_write(f->sshd.folder, "liar.sh", "#!/bin/sh\necho 1.0\n");
	struct ssh_transport_options options = {.agentctl = liar};
	struct transport *transport = transport_ssh_new(f->loop, &options, &err);
	exec_logs_init(&logs, f->loop, transport, 1);
	transport_exec(transport, &f->target, "echo", "x", 1, 0);
	assert_true(exec_logs_wait(&logs));
	assert_int_equal(logs.logs[0].error.kind, ERROR_UNREACHABLE);
	assert_text_has(logs.logs[0].error.text, "what runs there is not what was carried");
	assert_false(logs.logs[0].delivered);
	exec_logs_clear(&logs);
	transport_free(transport);
	free(liar);
}

static void test_targets_that_could_be_commands(void **state)
{
	static const char *const directories[] = {"/tmp/a b", "/tmp/$(id)", "/tmp/a;id", "relative",
						  "/a/../b",  "",           NULL};
	struct ssh_fixture *f = *state;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		struct transport_target target = f->target;
		target.directory = directories[i];
		char *text = assert_refused(f, &target, ERROR_USAGE);
		assert_text_has(text, "cannot be the directory of agentctl");
		free(text);
	}
	struct exec_logs logs;
	ssh_fixture_run(f, &f->target, "echo;id", "x", &logs);
	assert_int_equal(logs.logs[0].error.kind, ERROR_BUG);
	exec_logs_clear(&logs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_host_key),
		cmocka_unit_test(test_changed_host_key),
		cmocka_unit_test(test_hashed_known_hosts),
		cmocka_unit_test(test_revoked_host_key),
		cmocka_unit_test(test_known_hosts_that_cannot_be_read),
		cmocka_unit_test(test_no_common_host_key_type),
		cmocka_unit_test(test_key_that_is_not_let_in),
		cmocka_unit_test(test_rsa_key),
		cmocka_unit_test(test_ecdsa_key),
		cmocka_unit_test(test_keys_that_cannot_be_used),
		cmocka_unit_test(test_ssh_agent),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_somebody_else_listens),
		cmocka_unit_test(test_place_that_cannot_be_written),
		cmocka_unit_test(test_agentctl_that_is_another_one),
		cmocka_unit_test(test_targets_that_could_be_commands),
	};
	return cmocka_run_group_tests(tests, ssh_fixture_set_up, ssh_fixture_tear_down);
}
