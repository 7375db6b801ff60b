/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_FILES_H
#define LAB_CORE_FILES_H
/*
 * The lab's own files and sockets. A lab is thrown away, so nothing here is fsynced; files are still replaced by a
 * rename, so that no reader sees half of one.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* The folder and those above it, mode 0755. Most exist already, so the last is tried first. */
int files_make_dirs(const char *path, struct error *err);
/* Replaces path (its folder is made when it is missing). */
int files_write(const char *path, const void *data, size_t len, mode_t mode, struct error *err);
int files_write_text(const char *path, const char *text, struct error *err); /* mode 0644 */
int files_write_json(const char *path, const json_t *value, struct error *err);
/* Whole text, at most 64 KB, without trailing newlines; NULL when it cannot be read. Caller frees. */
char *files_read_line(const char *path);
int files_link(const char *target, const char *path, struct error *err); /* symlink, replacing one */

/* Removes a folder and everything in it; symbolic links are removed, never followed. */
int files_remove_tree(const char *path, struct error *err);

/* Unix sockets whose path may be longer than the 107 bytes of a sockaddr_un. Non-blocking, close-on-exec; -1 with
 * errno in err. */
int socket_listen_unix(const char *path, struct error *err);
int socket_connect_unix(const char *path, struct error *err);

/* TCP on a literal IPv4 address; port 0: any. *bound_port may be NULL. */
int socket_listen_tcp(const char *address, int port, int *bound_port, struct error *err);

#endif
