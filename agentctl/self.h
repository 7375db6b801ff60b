/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_SELF_H
#define AGENTCTL_SELF_H
/* agentctl's own executable: named by its content, and kept on the host for the guard. */
#include "base/digest.h"
#include "base/error.h"
#include "protocol/journal.h"

/* SHA-256 of the running executable. */
int self_digest(char out[DIGEST_HEX_SIZE], struct error *err);

/* Makes sure that a copy lies at <journal>/agentctl-<sha256>; *path is the caller's. */
int self_install(const struct journal *journal, char **path, struct error *err);

/* What an operator can paste into a shell on this host: this executable by its path, the words, then --root and --state-dir where
 * they are not the defaults. The caller's. */
char *self_command(const char *words, const char *root, const char *state_dir);
/* ERROR_CONFLICT: that operation is open, or stands as it is said to, and has to be settled first. */
int self_say_settle(const char *operation, const char *is, const char *root, const char *state_dir, struct error *err);

#endif
