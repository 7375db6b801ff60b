/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/default/mesos and /etc/default/mesos-slave: assignments that a wrapper's shell reads before it starts the agent. MESOS_*
 * variables reach the agent through its environment; four others the wrapper turns into arguments.
 */
#include <ctype.h>
#include <string.h>

#include "agentctl/shell.h"
#include "agentctl/store.h"
#include "base/alloc.h"

#define PREFIX "MESOS_"

static const struct {
	const char *variable;
	const char *flag;
} as_arguments[] = {{"MASTER", "master"}, {"IP", "ip"}, {"LOGS", "log_dir"}, {"ISOLATION", "isolation"}};
#define ARGUMENTS (sizeof as_arguments / sizeof as_arguments[0])

static const char *flag_of_argument(const char *variable)
{
	for (size_t i = 0; i < ARGUMENTS; i++)
		if (strcmp(as_arguments[i].variable, variable) == 0)
			return as_arguments[i].flag;
	return NULL;
}

static bool matters(const char *variable)
{
	return strncmp(variable, PREFIX, strlen(PREFIX)) == 0 || flag_of_argument(variable) != NULL;
}

/* The flag that a variable gives; NULL when it gives none. The caller's. */
static char *flag_of(const char *variable)
{
	const char *argument = flag_of_argument(variable);
	char *flag;

	if (argument != NULL)
		return xstrdup(argument);
	if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0 || variable[strlen(PREFIX)] == '\0')
		return NULL;
	flag = xstrdup(variable + strlen(PREFIX));
	for (char *c = flag; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return flag;
}

static int read_file(const char *path, const struct buffer *bytes, struct shell_file *out, struct error *err)
{
	if (memchr(buffer_text(bytes), '\0', bytes->len) != NULL)
		return error_set(err, ERROR_CORRUPT, "%s holds a NUL byte: it is no file of assignments", path);
	return shell_read(path, buffer_text(bytes), bytes->len, matters, out, err);
}

int store_defaults_parse(const char *path, const struct buffer *bytes, struct flags *out, struct flags *arguments,
			 struct error *err)
{
	struct shell_file file;
	int result = 0;

	if (read_file(path, bytes, &file, err) != 0)
		return -1;
	for (size_t i = 0; result == 0 && i < file.count; i++) {
		const struct shell_assignment *item = &file.items[i];
		char *flag = flag_of(item->name);
		struct flags *to = flag_of_argument(item->name) != NULL ? arguments : out;

		if (flag != NULL && item->expands)
			result =
				error_set(err, ERROR_REFUSED,
					  "%s: the value of %s is worked out by a shell: write it out, or name another "
					  "flag store",
					  path, item->name);
		else if (flag != NULL && to == arguments && item->value[0] == '\0')
			flags_remove(to, flag); /* the wrapper passes no empty argument */
		else if (flag != NULL)
			flags_set(to, flag, item->value);
		free(flag);
	}
	if (result != 0) {
		flags_clear(out);
		flags_clear(arguments);
	}
	shell_file_clear(&file);
	return result;
}

/* ---- editing */

/* As every shell reads it. */
static void write_quoted(const char *value, struct buffer *out)
{
	buffer_putc(out, '\'');
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\'')
			buffer_puts(out, "'\\''");
		else
			buffer_putc(out, *c);
	}
	buffer_putc(out, '\'');
}

static bool sets(const struct shell_assignment *item, const char *name)
{
	char *flag = flag_of(item->name);
	bool same = flag != NULL && strcmp(flag, name) == 0;

	free(flag);
	return same;
}

/* The last assignment of the flag, in that form; SIZE_MAX: none. */
static size_t find_last(const struct shell_file *file, const char *name, bool as_argument)
{
	for (size_t i = file->count; i > 0; i--)
		if (sets(&file->items[i - 1], name) &&
		    (flag_of_argument(file->items[i - 1].name) != NULL) == as_argument)
			return i - 1;
	return SIZE_MAX;
}

/* A new line is written as the file's others are: exported only where no other flag goes without. */
static bool wants_export(const struct shell_file *file)
{
	for (size_t i = 0; i < file->count; i++)
		if (strncmp(file->items[i].name, PREFIX, strlen(PREFIX)) == 0 && !file->items[i].exported)
			return false;
	return true;
}

static void append_line(const struct shell_file *file, const struct flag_edit *edit, struct buffer *out)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buffer_putc(out, '\n');
	buffer_puts(out, wants_export(file) ? "export " PREFIX : PREFIX);
	for (const char *c = edit->name; *c != '\0'; c++)
		buffer_putc(out, (char)toupper((unsigned char)*c));
	buffer_putc(out, '=');
	write_quoted(edit->value, out);
	buffer_putc(out, '\n');
}

/* A statement that goes takes its separator along: its line's end, when nothing else stands in the line. */
static size_t end_of_removal(const struct buffer *bytes, const struct shell_assignment *item, size_t start)
{
	const char *text = buffer_text(bytes);
	size_t end = item->alone ? item->statement_end : item->end;

	if (!item->alone)
		return end;
	while (end < bytes->len && (text[end] == ' ' || text[end] == '\t'))
		end++;
	if (end < bytes->len && text[end] == ';')
		return end + 1;
	if (end < bytes->len && text[end] == '\n' && (start == 0 || text[start - 1] == '\n'))
		return end + 1;
	return end;
}

static size_t start_of_removal(const struct buffer *bytes, const struct shell_assignment *item)
{
	const char *text = buffer_text(bytes);
	size_t start = item->alone ? item->statement_start : item->start;

	while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t'))
		start--;
	return start;
}

static void remove_flag(const struct buffer *bytes, const struct shell_file *file, const char *name, struct buffer *out)
{
	size_t from = 0;

	for (size_t i = 0; i < file->count; i++) {
		const struct shell_assignment *item = &file->items[i];
		size_t start;

		if (!sets(item, name))
			continue;
		start = start_of_removal(bytes, item);
		if (start > from)
			buffer_append(out, buffer_text(bytes) + from, start - from);
		from = end_of_removal(bytes, item, start);
	}
	buffer_append(out, buffer_text(bytes) + from, bytes->len - from);
}

static void set_flag(const struct buffer *bytes, const struct shell_file *file, const struct flag_edit *edit,
		     bool as_argument, struct buffer *out)
{
	size_t last = find_last(file, edit->name, as_argument);
	const struct shell_assignment *item = last == SIZE_MAX ? NULL : &file->items[last];

	if (item == NULL) {
		buffer_append(out, buffer_text(bytes), bytes->len);
		append_line(file, edit, out);
	} else if (strcmp(item->value, edit->value) == 0) {
		buffer_append(out, buffer_text(bytes), bytes->len);
	} else {
		buffer_append(out, buffer_text(bytes), item->value_at);
		write_quoted(edit->value, out);
		buffer_append(out, buffer_text(bytes) + item->end, bytes->len - item->end);
	}
}

int store_defaults_edit(const struct buffer *bytes, const struct flag_edit *edit, bool as_argument, struct buffer *out,
			struct error *err)
{
	struct shell_file file;

	if (read_file("the flag store", bytes, &file, err) != 0)
		return -1;
	if (edit->value == NULL)
		remove_flag(bytes, &file, edit->name, out);
	else
		set_flag(bytes, &file, edit, as_argument, out);
	shell_file_clear(&file);
	return out->overflow ? error_set(err, ERROR_REFUSED, "the flag store would become too large") : 0;
}
