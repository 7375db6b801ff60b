/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SSHD_H
#define TESTS_SUPPORT_SSHD_H
/*
 * A real OpenSSH server on a free loopback port, with keys of its own, for whoever runs the test. A failure to start it
 * aborts the test program.
 */
#include <sys/types.h>

struct sshd {
	char *folder;      /* everything lies here; commands find <folder>/bin first in their PATH */
	char *user;        /* who may log in: whoever runs the test */
	char *identity;    /* an ed25519 key that is let in */
	char *rsa;         /* an RSA key that is let in, were it offered with SHA-2 */
	char *stranger;    /* a key that is not let in */
	char *known_hosts; /* [127.0.0.1]:PORT and the host key */
	int port;
	pid_t pid;
};

void sshd_start(struct sshd *sshd);
void sshd_stop(struct sshd *sshd);

/* A new key pair: <folder>/<name> and <name>.pub. Returns the path of the private one, the caller's. */
char *sshd_make_key(const struct sshd *sshd, const char *name, const char *type);

#endif
