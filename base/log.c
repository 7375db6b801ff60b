/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/invocation.h"

/* An error text plus a path or two; longer lines are cut. */
#define LINE_MAX_BYTES 2048

static struct {
	const char *program; /* borrowed from main */
	enum log_level level;
	void (*hook)(enum log_level level, const char *line, void *ctx);
	void *ctx;
	const char *invocation; /* borrowed; NULL: none */
} settings = {.program = NULL, .level = LOG_INFO, .hook = NULL, .ctx = NULL, .invocation = NULL};

void log_setup(const char *program, enum log_level level)
{
	settings.program = program;
	settings.level = level;
}

void log_set_invocation(const char *invocation)
{
	settings.invocation = invocation;
}

enum log_level log_get_level(void)
{
	return settings.level;
}

void log_set_hook(void (*hook)(enum log_level level, const char *line, void *ctx), void *ctx)
{
	settings.hook = hook;
	settings.ctx = ctx;
}

static const char *label(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return "error: ";
	case LOG_WARNING:
		return "warning: ";
	case LOG_DEBUG:
		return "debug: ";
	case LOG_QUIET:
	case LOG_INFO:
		break;
	}
	return "";
}

/* One message is one line, and nothing a host said moves the cursor. */
static void make_one_line(char *line)
{
	for (unsigned char *at = (unsigned char *)line; *at != '\0'; at++) {
		if (*at == '\n' || *at == '\t')
			*at = ' ';
		else if (*at < 0x20 || *at == 0x7f)
			*at = '?';
		else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			*at = at[1] = '?';
	}
}

static void __attribute__((format(printf, 2, 0))) write_line(enum log_level level, const char *format, va_list args)
{
	if (level > settings.level)
		return;
	char line[LINE_MAX_BYTES];
	const char *program = settings.program != NULL ? settings.program : "";
	int len = snprintf(line, sizeof(line), "%s%s%s", program, program[0] != '\0' ? ": " : "", label(level));
	if (len < 0 || (size_t)len >= sizeof(line))
		return;
	vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
	make_one_line(line);
	char *whole = settings.invocation != NULL && settings.program != NULL
			      ? invocation_put(line, settings.program, settings.invocation)
			      : NULL;
	if (settings.hook != NULL)
		settings.hook(level, whole ? whole : line, settings.ctx);
	else
		fprintf(stderr, "%s\n", whole ? whole : line);
	free(whole);
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_ERROR, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_WARNING, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	write_line(LOG_DEBUG, format, args);
	va_end(args);
}
