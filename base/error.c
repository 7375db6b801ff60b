/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The analyzer's wrappers are for callers. */
#undef error_set
#undef error_errno
#undef error_prefix

/* Texts quote what hosts and files said; a terminal must not obey any of it, nor show it in another order. Newline and tab
 * stay. */
static void make_printable(char *text)
{
	uint32_t code;

	for (char *at = text; *at != '\0';) {
		size_t len = text_decode(at, &code);
		if (code != '\n' && code != '\t' && text_is_control(code))
			memset(at, '?', len);
		at += len;
	}
}

/* A cut in the middle of a UTF-8 character leaves no half of it behind. */
static void trim_broken_tail(char *text)
{
	size_t len = strlen(text);
	if (len < ERROR_TEXT_MAX - 1)
		return;
	while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
		len--;
	if (len > 0 && ((unsigned char)text[len - 1] & 0x80) != 0)
		len--;
	text[len] = '\0';
}

static bool is_free(const struct error *err)
{
	return err != NULL && err->kind == ERROR_NONE;
}

static void finish(struct error *err, enum error_kind kind)
{
	trim_broken_tail(err->text);
	make_printable(err->text);
	err->kind = kind;
}

int error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	if (!is_free(err))
		return -1;
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	finish(err, kind);
	return -1;
}

int error_errno(struct error *err, enum error_kind kind, int errnum, const char *format, ...)
{
	if (!is_free(err))
		return -1;
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(errnum));
	finish(err, kind);
	return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
	if (err == NULL || err->kind == ERROR_NONE)
		return -1;
	char old[ERROR_TEXT_MAX];
	memcpy(old, err->text, sizeof(old));
	va_list args;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	finish(err, err->kind);
	return -1;
}

void error_clear(struct error *err)
{
	if (err == NULL)
		return;
	err->kind = ERROR_NONE;
	err->text[0] = '\0';
}

int error_exit_code(const struct error *err)
{
	switch (err->kind) {
	case ERROR_NONE:
		return 0;
	case ERROR_USAGE:
	case ERROR_CORRUPT:
		return 2;
	case ERROR_REFUSED:
	case ERROR_CONFLICT:
		return 3;
	case ERROR_UNREACHABLE:
	case ERROR_SYSTEM:
		return 4;
	case ERROR_INTERRUPTED:
		return 5;
	case ERROR_BUG:
		break;
	}
	return 70;
}
