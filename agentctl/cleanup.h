/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_CLEANUP_H
#define AGENTCTL_CLEANUP_H
/*
 * The agent, run once more with its old flags and --recover=cleanup: it ends the executors it finds in its checkpoint, and then
 * itself. For an operation, how it was started is read from its process while that still lives, and kept in the journal; launch makes it
 * from the flags it has noted.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "mesos/checkpoint.h"
#include "mesos/host.h"
#include "protocol/journal.h"

struct cleanup {
	char *executable; /* a path, or a name to be looked up in PATH; NULL: there is none (no discard) */
	char *directory;  /* NULL: ours */
	struct buffer argv_bytes, env_bytes; /* NUL-terminated strings, one after the other */
	const char **argv, **env;            /* into these, NULL-terminated */
	int64_t timeout_ms;
	bool aloud; /* what it says goes where ours goes; else its end is kept for the error */
};
void cleanup_clear(struct cleanup *cleanup);

/* ERROR_REFUSED when its executable is no longer there. out must be cleared. */
int cleanup_capture(int64_t pid, struct cleanup *out, struct error *err);
int cleanup_save(const struct cleanup *cleanup, const struct journal_entry *entry, struct error *err);
/* Leaves out cleared when the operation has none. */
int cleanup_load(const struct journal_entry *entry, struct cleanup *out, struct error *err);

/* Runs it to its end; it dies with us. 0 when it has exited with 0. */
int cleanup_run_agent(const struct cleanup *cleanup, struct error *err);
/* ERROR_SYSTEM names an executor of a task that has not ended and that still runs. */
int cleanup_check_executors(const struct checkpoint_state *now, struct error *err);
/* Both: 0 when no executor of the host's checkpoint lives any more. */
int cleanup_run(const struct cleanup *cleanup, const struct host_settings *host, struct error *err);

#endif
