/* SPDX-License-Identifier: Apache-2.0 */
/* Help, made from the same tables that parse; declared in base/options.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/options.h"
#include "base/term.h"

#define INDENT        2
#define OPTION_COLUMN 26  /* where an option's help starts, as in most programs */
#define WIDTH_MAX     100 /* longer lines are hard to read */
#define WIDTH_MIN     60

static size_t width(void)
{
	int columns = term_width(stdout);
	if (columns > WIDTH_MAX)
		return WIDTH_MAX;
	return columns < WIDTH_MIN ? WIDTH_MIN : (size_t)columns;
}

/* The words of one line of text, from a cursor that stands at indent, wrapped to the width. */
static void print_wrapped(const char *line, size_t len, size_t indent)
{
	size_t column = indent, limit = width();
	for (size_t at = 0; at < len;) {
		size_t word = strcspn(line + at, " ");
		if (word > len - at)
			word = len - at;
		if (column > indent && column + 1 + word > limit) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)word, line + at);
		column += word;
		at += word + 1;
	}
	putchar('\n');
}

/* Paragraphs; a line that starts with a blank is an example and stays as it is. */
static void print_paragraphs(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		if (len > 0)
			printf("%*s", INDENT, "");
		if (text[0] == ' ')
			printf("%.*s\n", (int)len, text);
		else
			print_wrapped(text, len, INDENT);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

/* "  left      right, wrapped", on a line of its own when left is too long. */
static void print_pair(const char *left, const char *right, size_t column)
{
	size_t len = strlen(left) + INDENT;
	printf("%*s%s", INDENT, "", left);
	if (len + INDENT > column)
		printf("\n%*s", (int)column, "");
	else
		printf("%*s", (int)(column - len), "");
	print_wrapped(right, strlen(right), column);
}

static void print_option(const struct option *option)
{
	char letter[] = {'-', option->letter, ',', ' ', '\0'};
	bool valued = option->argument != NULL;
	char *left = xasprintf("%s--%s%s%s", option->letter != 0 ? letter : "    ", option->name, valued ? " " : "",
			       valued ? option->argument : "");
	print_pair(left, option->help, OPTION_COLUMN);
	free(left);
}

static void print_options(const char *heading, const struct option *table)
{
	if (table == NULL || table->name == NULL)
		return;
	printf("\n%s%s%s\n", term_on(stdout, TERM_BOLD), heading, term_off(stdout));
	for (; table->name != NULL; table++)
		print_option(table);
}

void command_print_help(const char *program, const struct command *command, const struct option *own,
			const struct option *global)
{
	bool operands = command->operands != NULL && command->operands[0] != '\0';
	bool placed = operands && strstr(command->operands, "[options]") != NULL;
	printf("%s %s%s%s%s\n\n", program, command->name, operands ? " " : "", operands ? command->operands : "",
	       placed ? "" : " [options]");
	print_paragraphs(command->summary);
	if (command->help != NULL) {
		putchar('\n');
		print_paragraphs(command->help);
	}
	print_options("Options", own);
	print_options("Everywhere", global);
}

static size_t longest_name(const struct command *table)
{
	size_t longest = 0;
	for (; table->name != NULL; table++) {
		size_t len = strlen(table->name);
		longest = len > longest ? len : longest;
	}
	return longest;
}

void commands_print_overview(const char *program, const char *intro, const struct command *table,
			     const struct option *global)
{
	printf("%s COMMAND [options]\n\n", program);
	if (intro != NULL)
		print_paragraphs(intro);
	printf("\n%sCommands%s\n", term_on(stdout, TERM_BOLD), term_off(stdout));
	size_t column = INDENT + longest_name(table) + 3;
	for (; table->name != NULL; table++)
		print_pair(table->name, table->summary, column);
	print_options("Everywhere", global);
	printf("\n\"%s COMMAND --help\" says more about one of them.\n", program);
}
