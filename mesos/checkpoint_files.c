/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/checkpoint_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/pb.h"

#define CHUNK 65536

static enum meta_found open_failed(const char *path, int errnum, struct error *err)
{
	if (errnum == ENOENT)
		return META_MISSING;
	if (errnum == ELOOP || errnum == EMLINK)
		error_set(err, ERROR_CORRUPT, "%s is a symbolic link, which no agent makes there", path);
	else if (errnum == ENOTDIR)
		error_set(err, ERROR_CORRUPT, "%s is no folder", path);
	else
		error_errno(err, ERROR_UNREACHABLE, errnum, "%s cannot be read", path);
	return META_FAILED;
}

/* The kernel calls a link that must be a folder "no folder". */
static int open_errno(int at, const char *name, int errnum)
{
	struct stat st;

	if (errnum == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return ELOOP;
	return errnum;
}

/* Takes path. */
static enum meta_found open_dir(int at, const char *name, char *path, struct meta_dir *out, struct error *err)
{
	enum meta_found found;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0) {
		out->fd = fd;
		out->path = path;
		return META_FOUND;
	}
	found = open_failed(path, open_errno(at, name, errno), err);
	free(path);
	return found;
}

enum meta_found meta_open(const char *path, struct meta_dir *out, struct error *err)
{
	return open_dir(AT_FDCWD, path, xstrdup(path), out, err);
}

enum meta_found meta_open_in(const struct meta_dir *dir, const char *name, struct meta_dir *out, struct error *err)
{
	return open_dir(dir->fd, name, path_join(dir->path, name), out, err);
}

void meta_close(struct meta_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	free(dir->path);
	dir->fd = -1;
	dir->path = NULL;
}

static int read_all(int fd, const char *path, struct buffer *out, struct error *err)
{
	char *chunk = xmalloc(CHUNK);
	ssize_t got;
	int rc = 0;

	do {
		got = read(fd, chunk, CHUNK);
		if (got > 0 && buffer_append(out, chunk, (size_t)got) != 0)
			rc = error_set(err, ERROR_CORRUPT, "%s is larger than %zu bytes; no agent writes such a file",
				       path, out->max);
		else if (got < 0 && errno != EINTR)
			rc = error_errno(err, ERROR_UNREACHABLE, errno, "%s cannot be read", path);
	} while (rc == 0 && (got > 0 || (got < 0 && errno == EINTR)));
	free(chunk);
	return rc;
}

enum meta_found meta_read(const struct meta_dir *dir, const char *name, struct buffer *out, struct error *err)
{
	char *path = path_join(dir->path, name);
	enum meta_found found = META_FAILED;
	struct stat st;
	int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		found = open_failed(path, errno, err);
	else if (fstat(fd, &st) != 0)
		error_errno(err, ERROR_UNREACHABLE, errno, "%s cannot be read", path);
	else if (!S_ISREG(st.st_mode))
		error_set(err, ERROR_CORRUPT, "%s is no regular file", path);
	else if (read_all(fd, path, out, err) == 0)
		found = META_FOUND;
	if (fd >= 0)
		close(fd);
	free(path);
	return found;
}

bool meta_has(const struct meta_dir *dir, const char *name)
{
	struct stat st;

	return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_folder(int fd, const struct dirent *entry)
{
	struct stat st;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return false;
	/* Most file systems say so with the name. */
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int meta_list(const struct meta_dir *dir, char ***names, size_t *count, struct error *err)
{
	/* A descriptor of its own, so that reading the folder does not move dir's. */
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (stream == NULL) {
		error_errno(err, ERROR_UNREACHABLE, errno, "%s cannot be read", dir->path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*names = NULL;
	*count = 0;
	while ((entry = readdir(stream)) != NULL)
		if (is_folder(fd, entry))
			PB_APPEND(*names, *count, xstrdup(entry->d_name));
	closedir(stream);
	if (*count > 0)
		qsort(*names, *count, sizeof(**names), by_name);
	return 0;
}

void meta_list_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
