/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_STORE_H
#define AGENTCTL_STORE_H
/*
 * Where a host keeps its agent's flags, read whole and edited in memory. Nothing here writes: flag_store_edit says which files
 * would hold which bytes, and the operation writes them. What an edit does not name stays byte for byte.
 *
 * envfile: lines NAME=value, quoted as systemd's EnvironmentFile takes it; MESOS_<FLAG> is the flag <flag>. There may be several
 * files: what is set in a later one counts, and one that is not there counts for nothing (as with a "-" before its path).
 * defaults: the same in the words of a shell, read without one; MASTER, IP, LOGS and ISOLATION become arguments of the agent.
 * directory: each regular file whose name does not start with a dot is a flag: "name" holds its value, "?name" and "?no-name"
 * are booleans, and a folder "attributes" or "resources" holds one entry per file.
 * external: somebody else writes the flags. With a path they are read (a folder as a directory, a file as an envfile) and an edit
 * must be there already; without one an edit is believed, and what the agent says when it starts is the proof.
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
	enum flag_store_kind form; /* how it is read: as its kind, unless that is external (then UNKNOWN: not at all) */
	char *path;                /* below root; the first of several; NULL: external, and nobody knows where */
	struct store_file *files;  /* envfile, defaults: in the order given; directory: all that count, by name */
	size_t file_count;
	struct flags flags;
	struct flags arguments;  /* defaults: those of flags that become arguments, which win over the environment */
	bool entries_attributes; /* directory: these flags are folders of entries */
	bool entries_resources;
	char sha256[DIGEST_HEX_SIZE];
};
void flag_store_clear(struct flag_store *store);

/* out must be cleared. ERROR_UNREACHABLE when it is missing, ERROR_CORRUPT when it cannot be what it claims to be, ERROR_REFUSED
 * for a symbolic link (a write would replace the link) and for a file that only a shell could read. */
int flag_store_read(const char *root, enum flag_store_kind kind, const char *path, struct flag_store *out,
		    struct error *err);
/* The same for the store of a host's settings, with all its files. */
int flag_store_read_host(const struct host_settings *host, struct flag_store *out, struct error *err);

/* A copy of store with the edits made; files lists only those that change (exists false: to be removed). ERROR_REFUSED when the
 * edit cannot be made so that the flags come out right. out must be cleared. */
int flag_store_edit(const struct flag_store *store, const struct flag_edit *edits, size_t count, struct flag_store *out,
		    struct error *err);

/* Does the store give its flags through the environment, over which the agent's command line wins? */
bool flag_store_is_environment(const struct flag_store *store);

/* One kind each; see store_envfile.c, store_defaults.c and store_directory.c. */
int store_envfile_parse(const char *path, const struct buffer *bytes, struct flags *out, struct error *err);
int store_envfile_edit(const struct buffer *bytes, const struct flag_edit *edit, struct buffer *out, struct error *err);
int store_defaults_parse(const char *path, const struct buffer *bytes, struct flags *out, struct flags *arguments,
			 struct error *err);
/* as_argument: the variable to set is MASTER, IP, LOGS or ISOLATION. Removing removes both. */
int store_defaults_edit(const struct buffer *bytes, const struct flag_edit *edit, bool as_argument, struct buffer *out,
			struct error *err);
int store_directory_read(const char *root, struct flag_store *store, struct error *err);
int store_directory_edit(const struct flag_store *store, const struct flag_edit *edit, struct flag_store *out,
			 struct error *err);

/* Several files of one form: reading, and editing where the flag is set. See store_files.c. */
int store_files_read(const char *root, char *const *later, struct flag_store *store, struct error *err);
int store_files_edit(const struct flag_store *store, const struct flag_edit *edits, size_t count,
		     struct flag_store *out, struct error *err);

/* For the kinds: adds a file to a store (bytes are copied). */
struct store_file *store_add_file(struct flag_store *store, const char *path, bool exists, const void *data,
				  size_t len);
/* Every flag of from is set in to. */
void store_overlay(struct flags *to, const struct flags *from);
/* ERROR_REFUSED for a link, ERROR_UNREACHABLE when nothing is there. */
int store_refuse_link(const char *path, struct error *err);

#endif
