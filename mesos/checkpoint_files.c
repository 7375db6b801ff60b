/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/checkpoint_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/pb.h"

#define CHUNK 65536

static int64_t time_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

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

	/* A regular file gives less than was asked for only at its end. */
	do {
		got = read(fd, chunk, CHUNK);
		if (got > 0 && buffer_append(out, chunk, (size_t)got) != 0)
			rc = error_set(err, ERROR_CORRUPT, "%s is larger than %zu bytes; no agent writes such a file",
				       path, out->max);
		else if (got < 0 && errno != EINTR)
			rc = error_errno(err, ERROR_UNREACHABLE, errno, "%s cannot be read", path);
	} while (rc == 0 && (got == CHUNK || (got < 0 && errno == EINTR)));
	free(chunk);
	return rc;
}

/* Folder by folder. */
static int open_by_steps(int at, const char *name, int flags)
{
	const char *slash = strchr(name, '/');
	int saved, dir, fd;
	char *first;

	if (slash == NULL)
		return openat(at, name, flags);
	first = xstrndup(name, (size_t)(slash - name));
	dir = openat(at, first, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		errno = open_errno(at, first, errno);
	free(first);
	if (dir < 0)
		return -1;
	fd = open_by_steps(dir, slash + 1, flags);
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

/* Kernels before 5.6 do not know the call, and some containers' filters forbid it. */
static int open_below(int at, const char *name, int flags)
{
	struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, at, name, &how, sizeof how);

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_by_steps(at, name, flags);
	return (int)fd;
}

enum meta_found meta_read(const struct meta_dir *dir, const char *name, struct buffer *out, int64_t *written_ms,
			  struct error *err)
{
	char *path = path_join(dir->path, name);
	enum meta_found found = META_FAILED;
	struct stat st;
	int fd = open_below(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		found = open_failed(path, errno, err);
	else if (fstat(fd, &st) != 0)
		error_errno(err, ERROR_UNREACHABLE, errno, "%s cannot be read", path);
	else if (!S_ISREG(st.st_mode))
		error_set(err, ERROR_CORRUPT, "%s is no regular file", path);
	else if (read_all(fd, path, out, err) == 0)
		found = META_FOUND;
	if (found == META_FOUND && written_ms != NULL)
		*written_ms = time_of(&st);
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

int64_t meta_time(const struct meta_dir *dir, const char *name)
{
	struct stat st;
	int rc = name == NULL ? fstat(dir->fd, &st) : fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW);

	return rc != 0 ? 0 : time_of(&st);
}

static bool is_folder(int fd, const char *name, unsigned char type)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	/* Most file systems say so with the name. */
	if (type != DT_UNKNOWN)
		return type == DT_DIR;
	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the kernel gives in one go: a long-lived agent has thousands of small folders, for which readdir does too much. */
union listing {
	char bytes[32768];
	uint64_t aligned;
};

struct listed { /* linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	unsigned char type;
	char name[];
};

static void take_folders(int fd, const union listing *listing, size_t len, char ***names, size_t *count)
{
	for (size_t at = 0; at < len;) {
		const struct listed *entry = (const void *)(listing->bytes + at);

		if (is_folder(fd, entry->name, entry->type))
			PB_APPEND(*names, *count, xstrdup(entry->name));
		at += entry->size;
	}
}

int meta_list(const struct meta_dir *dir, char ***names, size_t *count, struct error *err)
{
	union listing listing;
	char **found = NULL;
	size_t found_count = 0;
	long got;

	while ((got = syscall(SYS_getdents64, dir->fd, listing.bytes, sizeof listing.bytes)) > 0)
		take_folders(dir->fd, &listing, (size_t)got, &found, &found_count);
	if (got < 0) {
		meta_list_free(found, found_count);
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s cannot be read", dir->path);
	}
	if (found_count > 0)
		qsort(found, found_count, sizeof(*found), by_name);
	*names = found;
	*count = found_count;
	return 0;
}

void meta_list_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
