/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

static int make_parent(const char *path, struct error *err)
{
	char *dir = path_dir(path);
	int result = access(dir, F_OK) == 0 ? 0 : file_make_dirs(dir, 0755, err);
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

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

int files_remove_tree(const char *path, struct error *err)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot remove %s", path);
	return 0;
}
