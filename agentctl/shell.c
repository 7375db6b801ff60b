/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/shell.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

/* A file of flags is smaller than this. */
#define WORD_MAX (4u << 20)

struct shell {
	const char *path;
	const char *text;
	size_t len;
	size_t at;
	bool (*matters)(const char *name);
	struct shell_file *out;
	struct error *err;
};

struct word {
	struct buffer value;
	bool expands;
	bool quoted; /* partly: it is no keyword */
};

void shell_file_clear(struct shell_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		free(file->items[i].name);
		free(file->items[i].value);
	}
	free(file->items);
	memset(file, 0, sizeof *file);
}

static int peek(const struct shell *shell)
{
	return shell->at < shell->len ? (unsigned char)shell->text[shell->at] : -1;
}

static size_t line_at(const struct shell *shell, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += shell->text[i] == '\n';
	return line;
}

static int fail(const struct shell *shell, size_t at, enum error_kind kind, const char *what)
{
	return error_set(shell->err, kind, "%s:%zu: %s", shell->path, line_at(shell, at), what);
}

/* ---- words */

/* Behind the bracket or backquote that closes the one here; nested brackets count. */
static void skip_expansion(struct shell *shell, char open, char close)
{
	int depth = 1;
	int c;

	shell->at++;
	while ((c = peek(shell)) >= 0) {
		shell->at++;
		if (c == '\\' && shell->at < shell->len)
			shell->at++;
		else if (c == close && --depth == 0)
			return;
		else if (c == open)
			depth++;
	}
}

/* At a "$" or a backquote: true when something expands there; then it is behind it. */
static bool skip_if_expands(struct shell *shell, bool in_quotes)
{
	int c = peek(shell);
	int next = shell->at + 1 < shell->len ? (unsigned char)shell->text[shell->at + 1] : -1;

	if (c == '`') {
		skip_expansion(shell, '`', '`');
		return true;
	}
	if (c != '$' || next < 0)
		return false;
	if (next == '(' || next == '{') {
		shell->at++;
		skip_expansion(shell, (char)next, next == '(' ? ')' : '}');
		return true;
	}
	if (!in_quotes && (next == '\'' || next == '"')) {
		shell->at++; /* quotes with rules of their own: their text is read, and not believed */
		return true;
	}
	if (!isalnum(next) && (next == '\0' || strchr("_?$!#@*-", next) == NULL))
		return false;
	shell->at += 2;
	return true;
}

static int read_single(struct shell *shell, struct word *word)
{
	size_t start = shell->at++;
	int c;

	while ((c = peek(shell)) >= 0) {
		shell->at++;
		if (c == '\'')
			return 0;
		buffer_putc(&word->value, (char)c);
	}
	return fail(shell, start, ERROR_CORRUPT, "a quote is never closed");
}

static int read_double(struct shell *shell, struct word *word)
{
	size_t start = shell->at++;
	int c;

	while ((c = peek(shell)) >= 0) {
		if ((c == '$' || c == '`') && skip_if_expands(shell, true)) {
			word->expands = true;
			continue;
		}
		shell->at++;
		if (c == '"')
			return 0;
		if (c == '\\' && shell->at < shell->len) {
			c = (unsigned char)shell->text[shell->at++];
			if (c == '\n')
				continue;
			if (c == '\0' || strchr("$`\"\\", c) == NULL)
				buffer_putc(&word->value, '\\');
		}
		buffer_putc(&word->value, (char)c);
	}
	return fail(shell, start, ERROR_CORRUPT, "a quote is never closed");
}

static void read_escape(struct shell *shell, struct word *word)
{
	shell->at++;
	if (shell->at >= shell->len)
		return;
	if (shell->text[shell->at] != '\n')
		buffer_putc(&word->value, shell->text[shell->at]);
	shell->at++;
}

static bool ends_word(int c)
{
	return c < 0 || (c != '\0' && strchr(" \t\n;&|<>()", c) != NULL);
}

/* A tilde at the beginning of a value, or behind a colon in it, is a home folder. */
static bool is_tilde(const struct shell *shell, size_t start)
{
	char before = shell->at > start ? shell->text[shell->at - 1] : '=';

	return peek(shell) == '~' && (before == '=' || before == ':');
}

static int read_word(struct shell *shell, struct word *word)
{
	size_t start = shell->at;
	int c;

	while (!ends_word(c = peek(shell))) {
		if (c == '\\') {
			word->quoted = true;
			read_escape(shell, word);
		} else if (c == '\'' || c == '"') {
			word->quoted = true;
			if ((c == '\'' ? read_single(shell, word) : read_double(shell, word)) != 0)
				return -1;
		} else if ((c == '$' || c == '`') && skip_if_expands(shell, false)) {
			word->expands = true;
		} else {
			word->expands = word->expands || is_tilde(shell, start);
			buffer_putc(&word->value, (char)c);
			shell->at++;
		}
	}
	return 0;
}

/* ---- statements */

static void skip_blanks(struct shell *shell)
{
	for (;;) {
		if (peek(shell) == ' ' || peek(shell) == '\t')
			shell->at++;
		else if (peek(shell) == '\\' && shell->at + 1 < shell->len && shell->text[shell->at + 1] == '\n')
			shell->at += 2;
		else
			return;
	}
}

static void skip_comment(struct shell *shell)
{
	while (peek(shell) >= 0 && peek(shell) != '\n')
		shell->at++;
}

static size_t name_length(const char *text, size_t len)
{
	size_t i = 0;

	if (len > 0 && isdigit((unsigned char)text[0]))
		return 0;
	while (i < len && (isalnum((unsigned char)text[i]) || text[i] == '_'))
		i++;
	return i;
}

/* A statement while it is read. */
struct statement {
	size_t start;
	size_t first; /* of its assignments */
	bool exported;
	bool command; /* it is more than assignments */
};

static void add_assignment(struct shell *shell, const struct statement *statement, size_t start, size_t name_len,
			   const struct word *word)
{
	struct shell_file *file = shell->out;
	struct shell_assignment *item;

	file->items = xreallocarray(file->items, file->count + 1, sizeof *file->items);
	item = &file->items[file->count++];
	memset(item, 0, sizeof *item);
	item->start = start;
	item->value_at = start + name_len + 1;
	item->end = shell->at;
	item->name = xstrndup(shell->text + start, name_len);
	/* The word's value begins with the name, which holds nothing that quotes. */
	item->value = xstrdup(buffer_text(&word->value) + name_len + 1);
	item->expands = word->expands;
	item->exported = statement->exported;
}

/* Words that make what follows depend on something. */
static bool is_keyword(const char *word)
{
	static const char *const words[] = {
		"if",   "then",    "else",     "elif",    "fi",       "for",    "while", "until", "do", "done", "case",
		"esac", "select",  "function", "source",  ".",        "eval",   "unset", "{",     "}",  "!",    "[[",
		"read", "declare", "local",    "typeset", "readonly", "return", "exit",  "exec",  NULL};

	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static int take_word(struct shell *shell, struct statement *statement)
{
	struct word word = {.value = BUFFER_INIT(WORD_MAX)};
	size_t start = shell->at;
	size_t name_len = name_length(shell->text + start, shell->len - start);
	bool assigns = name_len > 0 && start + name_len < shell->len && shell->text[start + name_len] == '=';
	bool begins = !statement->command && !statement->exported && shell->out->count == statement->first;
	int result = read_word(shell, &word);

	if (result == 0 && assigns && !statement->command)
		add_assignment(shell, statement, start, name_len, &word);
	else if (result == 0 && begins && !word.quoted && is_keyword(buffer_text(&word.value)))
		result = fail(shell, start, ERROR_REFUSED,
			      "this is a program and not only assignments: what it sets, only a shell can tell");
	else if (result == 0 && begins && !word.quoted && strcmp(buffer_text(&word.value), "export") == 0)
		statement->exported = true;
	else if (result == 0 && !(statement->exported && name_len == shell->at - start))
		statement->command = true;
	buffer_clear(&word.value);
	return result;
}

static bool names_one_that_matters(const struct shell *shell, size_t start, size_t end)
{
	for (size_t at = start; at < end; at++) {
		size_t len = name_length(shell->text + at, end - at);
		char *name;
		bool matters;

		if (len == 0)
			continue;
		name = xstrndup(shell->text + at, len);
		matters = at + len < end && shell->text[at + len] == '=' && shell->matters(name);
		free(name);
		if (matters)
			return true;
		at += len;
	}
	return false;
}

/* Assignments before a command are the command's own; behind "&&" they depend on it. */
static int drop_command(struct shell *shell, const struct statement *statement)
{
	skip_comment(shell);
	if (names_one_that_matters(shell, statement->start, shell->at))
		return fail(shell, statement->start, ERROR_REFUSED,
			    "a command and a flag of the agent in one line: what it sets, only a shell can tell");
	while (shell->out->count > statement->first) {
		free(shell->out->items[--shell->out->count].name);
		free(shell->out->items[shell->out->count].value);
	}
	return 0;
}

/* Up to ";", the line's end or a comment. */
static int read_statement(struct shell *shell)
{
	struct statement statement = {.start = shell->at, .first = shell->out->count};
	int c;

	for (;;) {
		skip_blanks(shell);
		c = peek(shell);
		if (c < 0 || c == '\n' || c == ';' || c == '#')
			break;
		if (ends_word(c)) {
			if (c == '(' || c == '<')
				return fail(shell, shell->at, ERROR_REFUSED,
					    "this is a program and not only assignments: what it sets, only a shell "
					    "can tell");
			statement.command = true;
			return drop_command(shell, &statement);
		}
		if (take_word(shell, &statement) != 0)
			return -1;
	}
	if (statement.command)
		return drop_command(shell, &statement);
	for (size_t i = statement.first; i < shell->out->count; i++) {
		shell->out->items[i].statement_start = statement.start;
		shell->out->items[i].statement_end = shell->at;
		shell->out->items[i].alone = shell->out->count - statement.first == 1;
	}
	return 0;
}

int shell_read(const char *path, const char *text, size_t len, bool (*matters)(const char *name),
	       struct shell_file *out, struct error *err)
{
	struct shell_file file = {.items = NULL, .count = 0};
	struct shell shell = {.path = path, .text = text, .len = len, .matters = matters, .out = &file, .err = err};

	while (peek(&shell) >= 0) {
		skip_blanks(&shell);
		if (peek(&shell) == '#') {
			skip_comment(&shell);
		} else if (peek(&shell) == '\n' || peek(&shell) == ';') {
			shell.at++;
		} else if (peek(&shell) >= 0 && read_statement(&shell) != 0) {
			shell_file_clear(&file);
			return -1;
		}
	}
	*out = file;
	return 0;
}
