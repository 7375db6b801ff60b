/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_SSH_TARGET_H
#define REMOTE_SSH_TARGET_H
/* What both transports over SSH have in common: a target of their own, and the command lines that hosts are given. */
#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"
#include "remote/transport.h"

struct ssh_target {
	char *name, *address, *user, *identity, *known_hosts, *directory;
	int port;
	bool become;
};
void ssh_target_copy(struct ssh_target *to, const struct transport_target *from);
void ssh_target_clear(struct ssh_target *target);

/* What would otherwise become part of a command line is looked at here, once. ERROR_USAGE, or ERROR_BUG for the word. */
int ssh_target_check(const struct transport_target *target, const char *word, struct error *err);

/* What is run on the host, one after the other: AGENTCTL, and when agentctl is not there CARRY, VERIFY and AGENTCTL
 * again. */
enum ssh_job { SSH_JOB_AGENTCTL, SSH_JOB_CARRY, SSH_JOB_VERIFY };

/* The agentctl that hosts are to get. */
struct ssh_program {
	char hash[DIGEST_HEX_SIZE];
	size_t size;
};
/* The caller's. Made of constants, the hash, and a directory that was checked to hold harmless characters only. */
char *ssh_command_line(enum ssh_job job, const struct ssh_target *target, const struct ssh_program *program,
		       const char *word);

/* Did the shell say that there is no agentctl? 126 or 127, and not a byte on stdout. */
bool ssh_agentctl_is_missing(int exit_status, bool spoke);

#endif
