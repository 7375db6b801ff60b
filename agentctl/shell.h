/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_SHELL_H
#define AGENTCTL_SHELL_H
/*
 * The assignments of a file that a shell reads ("."), found without running anything. What a shell would have to work out (expansions,
 * conditions, functions) is not guessed: a value that expands is marked, and a file whose assignments depend on commands is
 * refused.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct shell_assignment {
	size_t start;    /* of its word */
	size_t value_at; /* behind the "=" */
	size_t end;      /* behind its word */
	char *name;
	char *value;
	bool expands;  /* the value holds what only a shell can work out */
	bool exported; /* its statement begins with "export" */
	/* The whole statement, when this is the only assignment in it: what is to go when the assignment goes. */
	size_t statement_start, statement_end;
	bool alone;
};
struct shell_file {
	struct shell_assignment *items;
	size_t count;
};
void shell_file_clear(struct shell_file *file);

/* matters tells whether a variable counts: a command that might set one of those makes the file unreadable for us (ERROR_REFUSED);
 * ERROR_CORRUPT for a quote that is never closed. Errors begin with "<path>:<line>: ". */
int shell_read(const char *path, const char *text, size_t len, bool (*matters)(const char *name),
	       struct shell_file *out, struct error *err);

#endif
