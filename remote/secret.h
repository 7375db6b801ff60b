/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_SECRET_H
#define REMOTE_SECRET_H
/*
 * Passwords and tokens, from a file or an environment variable; never from a command line, which every user of the machine can read.
 * No message shows any part of one.
 */
#include "base/error.h"

/* One of the two is set. */
struct secret_source {
	const char *file;
	const char *variable;
};

/* The first line, without its end; the caller's, for secret_free. what: "access.password", for messages. ERROR_UNREACHABLE when it
 * is not there, ERROR_REFUSED when others may read the file, ERROR_USAGE when it is empty or no text. */
char *secret_read(const struct secret_source *source, const char *what, struct error *err);
void secret_free(char *secret); /* overwritten first; NULL is fine */

/* A file that only its owner may read, or, when it is root's, a group as well. ERROR_REFUSED otherwise. */
int secret_check_file(const char *path, const char *what, struct error *err);

#endif
