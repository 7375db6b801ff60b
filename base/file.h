/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H
/*
 * Files, whole: reading with a maximum, replacing atomically and durably (temporary file in the same folder, fsync,
 * rename, fsync of the folder). Nothing here follows a symbolic link at the last component unless it says so.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* Appends the file's bytes to out. ERROR_UNREACHABLE when it is missing or unreadable, ERROR_CORRUPT when it is
 * larger than the room left in out or no regular file; follows symbolic links. */
int file_read(const char *path, struct buffer *out, struct error *err);

struct file_attributes {
	mode_t mode;
	bool set_owner;
	uid_t uid;
	gid_t gid;
};

/* Replaces path by data. attrs may be NULL: then mode, owner and SELinux label of an existing file are kept, and a
 * new one gets 0644. Temporary names start with a dot. Refuses (ERROR_REFUSED) to write through a symbolic link. */
int file_replace(const char *path, const void *data, size_t len, const struct file_attributes *attrs,
		 struct error *err);

/* unlink + fsync of the folder; a missing file is success. */
int file_remove(const char *path, struct error *err);

/* mkdir -p with the given mode for what is created. */
int file_make_dirs(const char *path, mode_t mode, struct error *err);

/* fsync of a folder. */
int file_sync_dir(const char *path, struct error *err);

bool file_exists(const char *path);

/* "<root><path>" with exactly one slash between; root NULL, "" or "/" gives path. Caller frees. */
char *path_under(const char *root, const char *path);
char *path_join(const char *dir, const char *name);
/* Everything before the last slash ("." when none). Caller frees. */
char *path_dir(const char *path);

#endif
