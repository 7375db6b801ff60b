/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"

/* A signed token takes a few KB. */
#define SECRET_MAX (64u << 10)

int secret_check_file(const char *path, const char *what, struct error *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "%s: %s", what, path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_USAGE, "%s: %s is no file", what, path);
	/* What an administrator has given to a group is for that group. */
	mode_t others = st.st_uid == 0 && geteuid() != 0 ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	if (st.st_mode & others)
		return error_set(
			err, ERROR_REFUSED,
			"%s: %s can be read by others than its owner (mode %04o), so it is no secret any more; "
			"chmod 600 it, and change what is in it if anybody else was on that machine",
			what, path, (unsigned)(st.st_mode & 07777));
	return 0;
}

static char *first_line(const char *text, size_t len, const char *where, const char *what, struct error *err)
{
	size_t line = strcspn(text, "\r\n");
	if (line == 0) {
		error_set(err, ERROR_USAGE, "%s: %s is empty", what, where);
		return NULL;
	}
	for (size_t i = 0; i < line; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 127) {
			error_set(err, ERROR_USAGE, "%s: %s holds something that is no text", what, where);
			return NULL;
		}
	}
	if (line < len && strspn(text + line, "\r\n \t") != len - line) {
		error_set(err, ERROR_USAGE, "%s: %s has more than one line", what, where);
		return NULL;
	}
	return xstrndup(text, line);
}

static char *read_file(const char *path, const char *what, struct error *err)
{
	struct buffer text = BUFFER_INIT(SECRET_MAX);
	char *secret = NULL;
	if (secret_check_file(path, what, err) < 0)
		return NULL;
	if (file_read(path, &text, err) < 0)
		error_prefix(err, "%s", what);
	else
		secret = first_line(buffer_text(&text), text.len, path, what, err);
	if (text.data != NULL)
		explicit_bzero(text.data, text.cap);
	buffer_clear(&text);
	return secret;
}

static char *read_variable(const char *name, const char *what, struct error *err)
{
	const char *value = getenv(name);
	char *where;
	if (value == NULL) {
		error_set(err, ERROR_UNREACHABLE, "%s: the environment has no variable %s", what, name);
		return NULL;
	}
	where = xasprintf("the environment variable %s", name);
	char *secret = first_line(value, strlen(value), where, what, err);
	free(where);
	return secret;
}

char *secret_read(const struct secret_source *source, const char *what, struct error *err)
{
	return source->file != NULL ? read_file(source->file, what, err) : read_variable(source->variable, what, err);
}

void secret_free(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
