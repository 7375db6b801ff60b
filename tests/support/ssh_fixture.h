/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SSH_FIXTURE_H
#define TESTS_SUPPORT_SSH_FIXTURE_H
/*
 * A real SSH server, a transport to it, and a shell script that stands for agentctl. Its words:
 *
 *   echo   reads a line, says "got <line>"            talk    says what it hears; ends with 0 at keep, 3 at undo
 *   sum    reads 8,000,000 bytes, says their SHA-256   big     says 200,000 lines
 *   long   says a line of 9,000,000 bytes              errors  writes 100 lines to stderr and ends with 4
 *   half   says a line without its newline             kill    ends itself with SIGKILL
 *   pid    says the PID of the SSH server's process that serves it, then reads on
 */
#include "tests/support/exec_log.h"
#include "tests/support/sshd.h"

struct ssh_fixture {
	struct sshd sshd;
	struct loop *loop;
	struct transport *transport;
	struct transport_target target; /* of the server; directory is <folder>/agentctl */
	char *directory;
	char *agentctl; /* the script on our side */
	char *carried;  /* where it lies on the host once it was carried there */
};

/* For cmocka: *state is the struct ssh_fixture. */
int ssh_fixture_set_up(void **state);
int ssh_fixture_set_up_openssh(void **state); /* over OpenSSH's client instead of libssh2 */
int ssh_fixture_tear_down(void **state);

/* One exec from beginning to end; logs->logs[0] is what came of it. */
void ssh_fixture_run(struct ssh_fixture *fixture, const struct transport_target *target, const char *word,
		     const char *input, struct exec_logs *logs);

/* Runs echo there; it must fail before it got its request. Returns the text of the error, the caller's. */
char *ssh_fixture_refused(struct ssh_fixture *fixture, const struct transport_target *target, enum error_kind kind);
/* Runs echo there, which must work. */
void ssh_fixture_works(struct ssh_fixture *fixture, const struct transport_target *target);

#endif
