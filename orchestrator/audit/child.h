/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_CHILD_H
#define ORCHESTRATOR_AUDIT_CHILD_H
/* Runs ssh-keygen in the foreground: it may ask for a passphrase at the terminal, which a process group of its own could not. */
#include "base/buffer.h"
#include "base/error.h"

/* argv as for process_run. input: a file for its stdin; NULL: ours stays. out gets its stdout (up to the buffer's maximum);
 * complaint its stderr, NULL: that goes to ours. *status: its exit status, 128 + signal when it was killed. ERROR_UNREACHABLE when the
 * program or the file is not there. */
int child_run(const char *const argv[], const char *input, struct buffer *out, struct buffer *complaint, int *status,
	      struct error *err);

#endif
