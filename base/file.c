/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* ENOENT and EACCES are the user's to mend; the rest is the machine's. */
static enum error_kind kind_of(int errnum)
{
	bool reach = errnum == ENOENT || errnum == EACCES || errnum == EPERM || errnum == ENOTDIR || errnum == ELOOP;
	return reach ? ERROR_UNREACHABLE : ERROR_SYSTEM;
}

static int read_all(int fd, const char *path, struct buffer *out, struct error *err)
{
	char chunk[16384];
	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, kind_of(errno), errno, "cannot read %s", path);
		if (got == 0)
			return 0;
		if ((size_t)got > out->max - out->len)
			return error_set(err, ERROR_CORRUPT, "%s is too large: more than %zu bytes", path, out->max);
		buffer_append(out, chunk, (size_t)got);
	}
}

int file_read(const char *path, struct buffer *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
	if (fd < 0)
		return error_errno(err, kind_of(errno), errno, "cannot open %s", path);
	struct stat st;
	size_t before = out->len;
	int result;
	if (fstat(fd, &st) < 0)
		result = error_errno(err, ERROR_SYSTEM, errno, "cannot inspect %s", path);
	else if (!S_ISREG(st.st_mode))
		result = error_set(err, ERROR_CORRUPT, "%s is not a regular file", path);
	else
		result = read_all(fd, path, out, err);
	close(fd);
	if (result < 0 && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return result;
}

int file_remove(const char *path, struct error *err)
{
	if (unlink(path) < 0) {
		if (errno == ENOENT)
			return 0;
		return error_errno(err, kind_of(errno), errno, "cannot remove %s", path);
	}
	char *dir = path_dir(path);
	int result = file_sync_dir(dir, err);
	free(dir);
	return result;
}

static int make_dir(const char *path, mode_t mode, struct error *err)
{
	struct stat st;
	if (mkdir(path, mode) == 0)
		return 0;
	int why = errno;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return error_errno(err, kind_of(why), why, "cannot create the folder %s", path);
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	char *prefix = xstrdup(path);
	int result = 0;
	for (char *at = prefix + 1; result == 0 && prefix[0] != '\0' && *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		result = make_dir(prefix, mode, err);
		*at = '/';
	}
	if (result == 0)
		result = make_dir(path, mode, err);
	free(prefix);
	return result;
}

int file_sync_dir(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, kind_of(errno), errno, "cannot open the folder %s", path);
	int result = 0;
	if (fsync(fd) < 0)
		result = error_errno(err, ERROR_SYSTEM, errno, "cannot flush the folder %s to disk", path);
	close(fd);
	return result;
}

bool file_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

char *path_under(const char *root, const char *path)
{
	if (root == NULL || root[0] == '\0' || strcmp(root, "/") == 0)
		return xstrdup(path);
	return path_join(root, path);
}

char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	while (len > 0 && dir[len - 1] == '/')
		len--;
	while (name[0] == '/')
		name++;
	return xasprintf("%.*s/%s", (int)len, dir, name);
}

char *path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}
