/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SMALLEST 64 /* most texts fit; below this malloc's own overhead counts for more */

void buffer_init(struct buffer *buf, size_t max)
{
	*buf = (struct buffer)BUFFER_INIT(max);
}

void buffer_clear(struct buffer *buf)
{
	free(buf->data);
	buffer_init(buf, buf->max);
}

void buffer_reset(struct buffer *buf)
{
	buf->len = 0;
	buf->overflow = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

/* Room for extra more bytes and the NUL; doubles, so that a row of appends costs linear time. */
static int reserve(struct buffer *buf, size_t extra)
{
	if (extra > buf->max - buf->len) {
		buf->overflow = true;
		return -1;
	}
	size_t needed = buf->len + extra + 1;
	if (needed <= buf->cap)
		return 0;
	size_t cap = buf->cap > 0 ? buf->cap : SMALLEST;
	while (cap < needed)
		cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
	buf->data = xrealloc(buf->data, cap);
	buf->cap = cap;
	return 0;
}

int buffer_append(struct buffer *buf, const void *data, size_t len)
{
	if (reserve(buf, len) < 0)
		return -1;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int buffer_puts(struct buffer *buf, const char *text)
{
	return buffer_append(buf, text, strlen(text));
}

int buffer_putc(struct buffer *buf, char c)
{
	return buffer_append(buf, &c, 1);
}

int buffer_printf(struct buffer *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || reserve(buf, (size_t)len) < 0) {
		buf->overflow = true;
		return -1;
	}
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return 0;
}

void buffer_consume(struct buffer *buf, size_t n)
{
	if (n == 0)
		return;
	memmove(buf->data, buf->data + n, buf->len - n + 1);
	buf->len -= n;
}

const char *buffer_text(const struct buffer *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *buffer_take(struct buffer *buf)
{
	char *data = buf->data != NULL ? buf->data : xstrdup("");
	buffer_init(buf, buf->max);
	return data;
}
