/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DETACH_H
#define ORCHESTRATOR_DETACH_H
/*
 * A command that goes on in a process of its own, without a terminal. Due before anything else is opened: neither a database
 * nor a connection survives a fork.
 *
 *   detach_begin: in the parent it returns when the child has called detach_done or has ended; in the child at once
 *   … the child works, and tells the terminal what goes wrong …
 *   detach_done: from here on the child writes to its log, and the parent goes on
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct detach {
	bool is_child;
	int pipe;    /* child: to the parent; -1: detached already */
	pid_t child; /* parent */
	char *word;  /* parent: what the child said with detach_done; NULL: it ended before that */
	int status;  /* parent: the child's exit code then */
};

int detach_begin(struct detach *detach, struct error *err);
/* word: one line for the parent. log is made with mode 0600 and appended to. */
int detach_done(struct detach *detach, const char *word, const char *log, struct error *err);
void detach_clear(struct detach *detach);

#endif
