/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_CHECKPOINT_FILES_H
#define MESOS_CHECKPOINT_FILES_H
/*
 * Reading below <work_dir>/meta without trusting what lies there: everything goes through descriptors of folders that
 * were opened without following links, and nothing but regular files of a stated size is read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct meta_dir {
	int fd;
	char *path; /* for messages */
};

enum meta_found { META_FAILED = -1, META_MISSING = 0, META_FOUND = 1 };

/* Opens a folder by its path, whose last component must be no link. */
enum meta_found meta_open(const char *path, struct meta_dir *out, struct error *err);
/* Opens the folder `name` in dir; a link or a file in its place is ERROR_CORRUPT. */
enum meta_found meta_open_in(const struct meta_dir *dir, const char *name, struct meta_dir *out, struct error *err);
void meta_close(struct meta_dir *dir);

/* Appends a file's bytes to out; what does not fit there, a link or a folder is ERROR_CORRUPT. name may be a path: nothing on it may be
 * a link. *written_ms (may be NULL): when it was last written, wall clock in milliseconds. */
enum meta_found meta_read(const struct meta_dir *dir, const char *name, struct buffer *out, int64_t *written_ms,
			  struct error *err);
bool meta_has(const struct meta_dir *dir, const char *name);
/* When a file in dir was last written (NULL: dir itself), wall clock in milliseconds; 0 when there is none. */
int64_t meta_time(const struct meta_dir *dir, const char *name);

/* The names of the folders in dir, sorted; once for each time it was opened; the caller frees each and the array. */
int meta_list(const struct meta_dir *dir, char ***names, size_t *count, struct error *err);
void meta_list_free(char **names, size_t count);

#endif
