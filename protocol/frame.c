/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around a request: length and digest first, so that half a request is never taken for a whole one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "protocol/request.h"

/* "rollcall 1 16777216 <64 hex digits>\n" and some room. */
#define FRAME_LINE_MAX 120

void request_frame(const void *bytes, size_t len, struct buffer *out)
{
	char digest[DIGEST_HEX_SIZE];

	digest_hex(bytes, len, digest);
	buffer_printf(out, "rollcall %d %zu %s\n", REQUEST_FORMAT, len, digest);
	buffer_append(out, bytes, len);
}

static int read_full(int fd, char *to, size_t len, size_t *got, struct error *err)
{
	*got = 0;
	while (*got < len) {
		ssize_t n = read(fd, to + *got, len - *got);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return error_errno(err, ERROR_SYSTEM, errno, "cannot read the request");
		if (n > 0)
			*got += (size_t)n;
	}
	return 0;
}

/* One byte at a time: what follows the request belongs to somebody else. */
static int read_line(int fd, char line[FRAME_LINE_MAX], struct error *err)
{
	for (size_t used = 0; used < FRAME_LINE_MAX; used++) {
		size_t got = 0;

		if (read_full(fd, line + used, 1, &got, err) != 0)
			return -1;
		if (got == 0)
			return error_set(err, ERROR_USAGE,
					 "no request on standard input (expected \"rollcall %d LENGTH SHA256\")",
					 REQUEST_FORMAT);
		if (line[used] == '\n') {
			line[used] = '\0';
			return 0;
		}
	}
	return error_set(err, ERROR_USAGE, "what stands on standard input is no request");
}

static int parse_line(const char *line, size_t *len, char digest[DIGEST_HEX_SIZE], struct error *err)
{
	char expected[DIGEST_HEX_SIZE + 1];
	uintmax_t length = 0;
	int format = 0;
	int end = 0;

	if (sscanf(line, "rollcall %d %" SCNuMAX " %65[0-9a-f]%n", &format, &length, expected, &end) != 3 ||
	    line[end] != '\0' || strlen(expected) != DIGEST_HEX_SIZE - 1)
		return error_set(err, ERROR_USAGE, "what stands on standard input is no request");
	if (format != REQUEST_FORMAT)
		return error_set(err, ERROR_USAGE, "the request has format %d; this agentctl knows %d", format,
				 REQUEST_FORMAT);
	if (length > REQUEST_MAX)
		return error_set(err, ERROR_USAGE, "the request claims %ju bytes; at most %u are taken", length,
				 REQUEST_MAX);
	*len = (size_t)length;
	memcpy(digest, expected, DIGEST_HEX_SIZE);
	return 0;
}

int request_read(int fd, struct buffer *bytes, struct error *err)
{
	char line[FRAME_LINE_MAX];
	char expected[DIGEST_HEX_SIZE];
	char actual[DIGEST_HEX_SIZE];
	size_t len = 0;
	size_t got = 0;
	char *data;
	int result = -1;

	if (read_line(fd, line, err) != 0 || parse_line(line, &len, expected, err) != 0)
		return -1;
	data = xmalloc(len + 1);
	if (read_full(fd, data, len, &got, err) != 0)
		goto out;
	digest_hex(data, got, actual);
	if (got < len)
		error_set(err, ERROR_USAGE, "the request ends after %zu of %zu bytes", got, len);
	else if (strcmp(actual, expected) != 0)
		error_set(err, ERROR_CORRUPT, "the request was changed on its way: its SHA-256 is %s, not %s", actual,
			  expected);
	else if (buffer_append(bytes, data, len) != 0)
		error_set(err, ERROR_USAGE, "the request has %zu bytes; more than there is room for", len);
	else
		result = 0;
out:
	free(data);
	return result;
}
