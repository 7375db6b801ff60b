/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

int files_make_dirs(const char *path, struct error *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT || strchr(path, '/') == NULL)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot make the folder %s", path);
	char *dir = path_dir(path);
	int result = files_make_dirs(dir, err);
	free(dir);
	if (result == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot make the folder %s", path);
	return result;
}

static int make_parent(const char *path, struct error *err)
{
	char *dir = path_dir(path);
	int result = access(dir, F_OK) == 0 ? 0 : files_make_dirs(dir, err);
	free(dir);
	return result;
}

int files_write(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	if (make_parent(path, err) < 0)
		return -1;
	char *temporary = xasprintf("%s.%ld.new", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int result = fd < 0 || write_all(fd, data, len) < 0 ? -1 : 0;
	if (fd >= 0 && close(fd) < 0)
		result = -1;
	if (result == 0)
		result = rename(temporary, path);
	if (result < 0) {
		error_errno(err, ERROR_SYSTEM, errno, "cannot write %s", path);
		unlink(temporary);
	}
	free(temporary);
	return result;
}

int files_write_text(const char *path, const char *text, struct error *err)
{
	return files_write(path, text, strlen(text), 0644, err);
}

int files_write_json(const char *path, const json_t *value, struct error *err)
{
	struct buffer text = BUFFER_INIT(16u << 20);
	json_write(value, true, &text);
	buffer_putc(&text, '\n');
	int result = files_write(path, text.data, text.len, 0644, err);
	buffer_clear(&text);
	return result;
}

char *files_read_line(const char *path)
{
	struct buffer text = BUFFER_INIT(64u << 10);
	if (file_read(path, &text, NULL) < 0) {
		buffer_clear(&text);
		return NULL;
	}
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return buffer_take(&text);
}

int files_link(const char *target, const char *path, struct error *err)
{
	if (make_parent(path, err) < 0)
		return -1;
	char *temporary = xasprintf("%s.%ld.new", path, (long)getpid());
	unlink(temporary);
	int result = symlink(target, temporary) < 0 || rename(temporary, path) < 0 ? -1 : 0;
	if (result < 0)
		error_errno(err, ERROR_SYSTEM, errno, "cannot make the link %s", path);
	free(temporary);
	return result;
}

static int remove_below(int at, const char *name);

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Everything in the folder; false when something stays. */
static bool empty_folder(int fd)
{
	DIR *folder = fdopendir(fd);
	bool empty = folder != NULL;
	if (folder == NULL) {
		close(fd);
		return false;
	}
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		if (is_dots(entry->d_name))
			continue;
		bool is_folder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
		int result = is_folder ? remove_below(dirfd(folder), entry->d_name)
				       : unlinkat(dirfd(folder), entry->d_name, 0);
		empty &= result == 0 || errno == ENOENT;
	}
	closedir(folder);
	return empty;
}

/* By the folders' descriptors: nothing is looked up twice, and no link is followed. -1 with errno. */
static int remove_below(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return unlinkat(at, name, 0);
	if (fd < 0)
		return -1;
	int why = empty_folder(fd) ? 0 : errno;
	int result = unlinkat(at, name, AT_REMOVEDIR);
	if (result < 0 && why != 0)
		errno = why;
	return result;
}

int files_remove_tree(const char *path, struct error *err)
{
	if (remove_below(AT_FDCWD, path) < 0 && errno != ENOENT)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot remove %s", path);
	return 0;
}
