/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *memory, size_t size)
{
	if (memory == NULL) {
		fprintf(stderr, "out of memory (%zu bytes wanted)\n", size);
		abort();
	}
	return memory;
}

/* A size of 0 is asked for as 1, so that NULL always means failure. */
void *xmalloc(size_t size)
{
	return check(malloc(size > 0 ? size : 1), size);
}

void *xcalloc(size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	return check(calloc(count, size), size);
}

void *xrealloc(void *old, size_t size)
{
	return check(realloc(old, size > 0 ? size : 1), size);
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	return check(reallocarray(old, count, size), size);
}

char *xstrdup(const char *text)
{
	return xmemdup(text, strlen(text) + 1);
}

char *xstrndup(const char *text, size_t len)
{
	return check(strndup(text, len), len + 1);
}

void *xmemdup(const void *data, size_t size)
{
	void *copy = xmalloc(size);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *xvasprintf(const char *format, va_list args)
{
	char *text = NULL;
	int len = vasprintf(&text, format, args);
	return check(len < 0 ? NULL : text, 0);
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return text;
}
