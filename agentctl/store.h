/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_STORE_H
#define AGENTCTL_STORE_H
/*
 * Where a host keeps its agent's flags, read whole and edited in memory. Nothing here writes: store_edit says which files
 * would hold which bytes, and the operation writes them. What an edit does not name stays byte for byte.
 *
 * envfile: lines NAME=value, quoted as systemd's EnvironmentFile takes it; MESOS_<FLAG> is the flag <flag>.
 * directory: each regular file whose name does not start with a dot is a flag: "name" holds its value, "?name" and "?no-name"
 * are booleans, and a folder "attributes" or "resources" holds one entry per file.
 */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "mesos/flags.h"
#include "mesos/host.h"
#include "protocol/request.h"

/* Far more than an agent's command line can hold. */
#define STORE_FILE_MAX (4u << 20)

struct store_file {
	char *path; /* below root */
	bool exists;
	struct buffer bytes;
};

struct flag_store {
	enum flag_store_kind kind;
	char *path;               /* below root */
	struct store_file *files; /* envfile: the one; directory: all that count, by name */
	size_t file_count;
	struct flags flags;
	bool entries_attributes; /* directory: these flags are folders of entries */
	bool entries_resources;
	char sha256[DIGEST_HEX_SIZE];
};
void flag_store_clear(struct flag_store *store);

/* out must be cleared. ERROR_UNREACHABLE when it is missing, ERROR_CORRUPT when it cannot be what it claims to be, ERROR_REFUSED
 * for a symbolic link: a write would replace the link. */
int flag_store_read(const char *root, enum flag_store_kind kind, const char *path, struct flag_store *out,
		    struct error *err);

/* A copy of store with the edits made; files lists only those that change (exists false: to be removed). ERROR_REFUSED when the
 * edit cannot be made so that the flags come out right. out must be cleared. */
int flag_store_edit(const struct flag_store *store, const struct flag_edit *edits, size_t count, struct flag_store *out,
		    struct error *err);

/* One kind each; see store_envfile.c and store_directory.c. */
int store_envfile_parse(const char *path, const struct buffer *bytes, struct flags *out, struct error *err);
int store_envfile_edit(const struct buffer *bytes, const struct flag_edit *edit, struct buffer *out, struct error *err);
int store_directory_read(const char *root, struct flag_store *store, struct error *err);
int store_directory_edit(const struct flag_store *store, const struct flag_edit *edit, struct flag_store *out,
			 struct error *err);

/* For the two kinds: adds a file to a store (bytes are copied). */
struct store_file *store_add_file(struct flag_store *store, const char *path, bool exists, const void *data,
				  size_t len);

#endif
