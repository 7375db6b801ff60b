/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment files, read as systemd reads an EnvironmentFile: blanks before a line and around "=" do not count, "#" and ";" start a
 * comment line, quotes may start a value, a backslash escapes (in double quotes: only what needs it), and before a newline it
 * joins lines. What is written is quoted so that systemd, old or new, and a shell read the same value.
 */
#include <ctype.h>
#include <string.h>

#include "agentctl/store.h"
#include "base/alloc.h"

#define PREFIX "MESOS_"

struct scanner {
	const char *text;
	size_t len;
	size_t at;
};

/* One line that assigns: where it begins, and what it says. */
struct assignment {
	size_t start;
	char *name;
	struct buffer value;
};

static int peek(const struct scanner *scan)
{
	return scan->at < scan->len ? (unsigned char)scan->text[scan->at] : -1;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t';
}

static bool is_line_end(int c)
{
	return c == '\n' || c == '\r';
}

/* What ends a line is part of it: "\n", "\r\n", or a lone "\r". */
static void take_line_end(struct scanner *scan)
{
	if (peek(scan) == '\r')
		scan->at++;
	if (peek(scan) == '\n')
		scan->at++;
}

static void skip_blanks(struct scanner *scan)
{
	while (is_blank(peek(scan)))
		scan->at++;
}

/* Comments continue after a backslash, too. */
static void skip_comment(struct scanner *scan)
{
	while (peek(scan) >= 0 && !is_line_end(peek(scan))) {
		bool escapes = peek(scan) == '\\';

		scan->at++;
		if (escapes && scan->at < scan->len)
			scan->at++;
	}
	take_line_end(scan);
}

static int read_single_quoted(struct scanner *scan, struct buffer *value)
{
	int c;

	while ((c = peek(scan)) >= 0) {
		scan->at++;
		if (c == '\'')
			return 0;
		buffer_putc(value, (char)c);
	}
	return -1;
}

static int read_double_quoted(struct scanner *scan, struct buffer *value)
{
	int c;

	while ((c = peek(scan)) >= 0) {
		scan->at++;
		if (c == '"')
			return 0;
		if (c == '\\' && scan->at < scan->len) {
			c = (unsigned char)scan->text[scan->at++];
			if (c == '\n')
				continue;
			if (strchr("\"\\`$", c) == NULL)
				buffer_putc(value, '\\');
		}
		buffer_putc(value, (char)c);
	}
	return -1;
}

/* Up to the end of the line; blanks at its end do not belong to the value, unless they were escaped. */
static void read_bare(struct scanner *scan, struct buffer *value)
{
	size_t keep = value->len;
	int c;

	while ((c = peek(scan)) >= 0 && !is_line_end(c)) {
		scan->at++;
		if (c == '\\' && scan->at < scan->len) {
			c = (unsigned char)scan->text[scan->at++];
			if (!is_line_end(c)) {
				buffer_putc(value, (char)c);
				keep = value->len;
			}
			continue;
		}
		buffer_putc(value, (char)c);
		if (!is_blank(c))
			keep = value->len;
	}
	if (value->data != NULL && keep < value->len) {
		value->len = keep;
		value->data[keep] = '\0';
	}
}

static int read_value(struct scanner *scan, struct buffer *value)
{
	for (;;) {
		int c;

		skip_blanks(scan);
		c = peek(scan);
		if (c == '\'' || c == '"') {
			scan->at++;
			if ((c == '\'' ? read_single_quoted(scan, value) : read_double_quoted(scan, value)) != 0)
				return -1;
			continue;
		}
		if (c >= 0 && !is_line_end(c))
			read_bare(scan, value);
		take_line_end(scan);
		return 0;
	}
}

static bool is_name(const char *name, size_t len)
{
	if (len == 0 || isdigit((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

/* Up to the "=", or to the end of a line that has none. Its length is without the blanks at its end. */
static size_t read_name(struct scanner *scan)
{
	size_t start = scan->at, len;

	while (peek(scan) >= 0 && peek(scan) != '=' && !is_line_end(peek(scan)))
		scan->at++;
	for (len = scan->at - start; len > 0 && is_blank((unsigned char)scan->text[start + len - 1]);)
		len--;
	return len;
}

/* 1: an assignment; 0: something else, an assignment to what cannot be a name included; -1: a quote is never closed. */
static int next_line(struct scanner *scan, struct assignment *out)
{
	out->start = scan->at;
	out->name = NULL;
	buffer_init(&out->value, STORE_FILE_MAX);
	skip_blanks(scan);
	if (peek(scan) == '#' || peek(scan) == ';') {
		skip_comment(scan);
		return 0;
	}
	const char *name = scan->text + scan->at;
	size_t name_len = read_name(scan);
	if (peek(scan) != '=') {
		take_line_end(scan);
		return 0;
	}
	scan->at++;
	if (read_value(scan, &out->value) != 0)
		return -1;
	if (!is_name(name, name_len))
		return 0;
	out->name = xstrndup(name, name_len);
	return 1;
}

static void assignment_clear(struct assignment *line)
{
	free(line->name);
	buffer_clear(&line->value);
}

static size_t line_number(const char *text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

/* "MESOS_WORK_DIR" is "work_dir"; NULL when the variable is none of the agent's. */
static char *flag_of(const char *variable)
{
	char *flag;

	if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0 || variable[strlen(PREFIX)] == '\0')
		return NULL;
	flag = xstrdup(variable + strlen(PREFIX));
	for (char *c = flag; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return flag;
}

int store_envfile_parse(const char *path, const struct buffer *bytes, struct flags *out, struct error *err)
{
	struct scanner scan = {.text = buffer_text(bytes), .len = bytes->len, .at = 0};
	struct flags flags = FLAGS_INIT;

	if (memchr(scan.text, '\0', scan.len) != NULL)
		return error_set(err, ERROR_CORRUPT, "%s is no environment file: it holds a NUL byte", path);
	while (scan.at < scan.len) {
		struct assignment line;
		int kind = next_line(&scan, &line);
		char *flag = kind == 1 ? flag_of(line.name) : NULL;

		if (flag != NULL)
			flags_set(&flags, flag, buffer_text(&line.value));
		free(flag);
		assignment_clear(&line);
		if (kind < 0) {
			flags_clear(&flags);
			return error_set(err, ERROR_CORRUPT, "%s:%zu: a quote is never closed", path,
					 line_number(scan.text, line.start));
		}
	}
	*out = flags;
	return 0;
}

/* ---- editing */

static bool is_plain(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("_-+=.,:/@%", *c) == NULL)
			return false;
	return true;
}

static void write_value(const char *value, struct buffer *out)
{
	if (is_plain(value)) {
		buffer_puts(out, value);
	} else if (strpbrk(value, "'\\") == NULL) {
		buffer_printf(out, "'%s'", value);
	} else {
		buffer_putc(out, '"');
		for (const char *c = value; *c != '\0'; c++) {
			if (strchr("\"\\`$", *c) != NULL)
				buffer_putc(out, '\\');
			buffer_putc(out, *c);
		}
		buffer_putc(out, '"');
	}
}

static void write_line(const struct flag_edit *edit, struct buffer *out)
{
	buffer_puts(out, PREFIX);
	for (const char *c = edit->name; *c != '\0'; c++)
		buffer_putc(out, (char)toupper((unsigned char)*c));
	buffer_putc(out, '=');
	write_value(edit->value, out);
	buffer_putc(out, '\n');
}

/* Where the flag is set for the last time: that one counts. SIZE_MAX when nowhere. */
static size_t last_assignment(const struct buffer *bytes, const char *name)
{
	struct scanner scan = {.text = buffer_text(bytes), .len = bytes->len, .at = 0};
	size_t last = SIZE_MAX;

	while (scan.at < scan.len) {
		struct assignment line;
		char *flag = next_line(&scan, &line) == 1 ? flag_of(line.name) : NULL;

		if (flag != NULL && strcmp(flag, name) == 0)
			last = line.start;
		free(flag);
		assignment_clear(&line);
	}
	return last;
}

int store_envfile_edit(const struct buffer *bytes, const struct flag_edit *edit, struct buffer *out, struct error *err)
{
	struct scanner scan = {.text = buffer_text(bytes), .len = bytes->len, .at = 0};
	size_t last = last_assignment(bytes, edit->name);

	if (edit->value != NULL && strpbrk(edit->value, "\n\r") != NULL)
		return error_set(err, ERROR_REFUSED,
				 "the value of --%s has a line break: an environment file cannot hold it", edit->name);
	while (scan.at < scan.len) {
		struct assignment line;
		size_t start = scan.at;
		char *flag = next_line(&scan, &line) == 1 ? flag_of(line.name) : NULL;
		bool same = flag != NULL && strcmp(flag, edit->name) == 0;

		if (same && edit->value != NULL && start == last)
			write_line(edit, out);
		else if (!same || edit->value != NULL)
			buffer_append(out, scan.text + start, scan.at - start);
		free(flag);
		assignment_clear(&line);
	}
	if (edit->value != NULL && last == SIZE_MAX) {
		if (out->len > 0 && out->data[out->len - 1] != '\n')
			buffer_putc(out, '\n');
		write_line(edit, out);
	}
	return out->overflow ? error_set(err, ERROR_REFUSED, "the environment file would become too large") : 0;
}
