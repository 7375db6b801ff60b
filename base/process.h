/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H
/* Running another program from an argument list (never through a shell). */
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* Runs argv (NULL-terminated, looked up in PATH) in a process group of its own with stdin on /dev/null, waits at most
 * timeout_ms (negative: for ever), appends its stdout and stderr to the buffers (either may be NULL: then /dev/null;
 * what does not fit is dropped and sets overflow). *status is the exit status (128+signal when killed; 124 and killed
 * with its group when the time is up). Returns when argv itself has ended, even if something it left behind still holds
 * its stdout. ERROR_SYSTEM when it cannot be started. env may be NULL (inherit). */
int process_run(const char *const argv[], const char *const env[], int timeout_ms, struct buffer *out,
		struct buffer *errout, int *status, struct error *err);

/* Starts argv in its own session with stdio on /dev/null and leaves it alone. pid may be NULL; while the caller lives
 * it is the child's parent and may wait for it. Allocates nothing. */
int process_detach(const char *const argv[], const char *const env[], pid_t *pid, struct error *err);

/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), 0 when there is none: with the pid
 * it names a process for good. */
unsigned long long process_start_ticks(pid_t pid);

#endif
