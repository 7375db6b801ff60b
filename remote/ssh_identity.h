/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_SSH_IDENTITY_H
#define REMOTE_SSH_IDENTITY_H
/* A private key file, read once for all sessions of a transport. */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

struct ssh_identity {
	char *path;
	struct buffer bytes;
	bool rsa; /* libssh2 1.10 can only sign with SHA-1 then, which OpenSSH 8.8 and newer refuse */
};

/* NULL with ERROR_UNREACHABLE (no such file), ERROR_CORRUPT (no private key) or ERROR_USAGE (it has a passphrase, which
 * nobody is there to type). */
struct ssh_identity *ssh_identity_read(const char *path, struct error *err);
/* Wipes the key; NULL is fine. */
void ssh_identity_free(struct ssh_identity *identity);

#endif
