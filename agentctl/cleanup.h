/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_CLEANUP_H
#define AGENTCTL_CLEANUP_H
/*
 * The agent, run once more with its old flags and --recover=cleanup: it ends the executors it finds in its checkpoint, and then
 * itself. How it was started is read from its process while that still lives, and kept in the journal.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "mesos/host.h"
#include "protocol/journal.h"

struct cleanup {
	char *executable; /* NULL: there is none (no discard) */
	char *directory;
	struct buffer argv_bytes, env_bytes; /* NUL-terminated strings, one after the other */
	const char **argv, **env;            /* into these, NULL-terminated */
	int64_t timeout_ms;
};
void cleanup_clear(struct cleanup *cleanup);

/* ERROR_REFUSED when its executable is no longer there. out must be cleared. */
int cleanup_capture(int64_t pid, struct cleanup *out, struct error *err);
int cleanup_save(const struct cleanup *cleanup, const struct journal_entry *entry, struct error *err);
/* Leaves out cleared when the operation has none. */
int cleanup_load(const struct journal_entry *entry, struct cleanup *out, struct error *err);

/* Runs it to its end; it dies with us. 0 when it has exited with 0 and no executor of the checkpoint lives any more. */
int cleanup_run(const struct cleanup *cleanup, const struct host_settings *host, struct error *err);

#endif
