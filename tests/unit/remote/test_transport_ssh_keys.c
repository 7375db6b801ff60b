/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: hosts that are not who they should be, and ours that are not let in. Against a real OpenSSH server. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"
#include "tests/support/ssh_fixture.h"

/* libssh2 1.10 loses a number whenever it reads an ECDSA key: 56 bytes per connection with such a key. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libcrypto";
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
	char *text = ssh_fixture_refused(f, &target, ERROR_REFUSED);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_REFUSED);
	assert_text_has(text, "CHANGED");
	assert_text_has(text, "known_other line 2");
	free(text);

	/* The file is read again when it has changed. */
	char *right = scratch_read(f->sshd.known_hosts, NULL);
	free(scratch_write(f->sshd.folder, "known_other", right));
	ssh_fixture_works(f, &target);
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
	ssh_fixture_works(f, &target);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_REFUSED);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
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
	char *refusal = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
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
	ssh_fixture_works(f, &target);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "/nonexistent/key");
	free(text);

	target.identity = f->sshd.known_hosts;
	text = ssh_fixture_refused(f, &target, ERROR_CORRUPT);
	assert_text_has(text, "is no private key");
	free(text);

	char *locked = path_join(f->sshd.folder, "locked");
	const char *argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked, NULL};
	assert_ok(process_run(argv, NULL, 30000, NULL, NULL, &status, &err), &err);
	target.identity = locked;
	text = ssh_fixture_refused(f, &target, ERROR_USAGE);
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
	char *text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "no SSH agent answers");
	free(text);

	char *socket = path_join(f->sshd.folder, "agent");
	pid_t pid = start_agent(socket);
	setenv("SSH_AUTH_SOCK", socket, 1);
	add_key(f->sshd.stranger);
	text = ssh_fixture_refused(f, &target, ERROR_UNREACHABLE);
	assert_text_has(text, "every key of the SSH agent");
	free(text);
	add_key(f->sshd.identity); /* behind the one that is refused */
	ssh_fixture_works(f, &target);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	free(socket);
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
	};
	return cmocka_run_group_tests(tests, ssh_fixture_set_up, ssh_fixture_tear_down);
}
