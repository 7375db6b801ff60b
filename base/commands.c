/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a command and checking its operands; declared in base/options.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/options.h"
#include "base/suggest.h"

#define LIST_MAX 1024 /* bytes of a list of commands in an error */

static const struct command *find_exact(const struct command *table, const char *name)
{
	for (const struct command *c = table; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* "plan, start, status" after "rollout"; empty when word starts no command. */
static void list_group(const struct command *table, const char *word, struct buffer *out)
{
	size_t len = strlen(word);
	for (const struct command *c = table; c->name != NULL; c++) {
		if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ')
			buffer_printf(out, "%s%s", out->len > 0 ? ", " : "", c->name + len + 1);
	}
}

static const char *closest_name(const struct command *table, const char *word)
{
	struct suggestion suggestion = {.word = word, .closest = NULL, .distance = 0};
	for (const struct command *c = table; c->name != NULL; c++)
		suggestion_offer(&suggestion, c->name);
	return suggestion.closest;
}

/* The closest first word of a two-word command. The caller's; NULL: none is close. */
static char *closest_group(const struct command *table, const char *word)
{
	struct suggestion suggestion = {.word = word, .closest = NULL, .distance = 0};
	char *best = NULL;
	for (const struct command *c = table; c->name != NULL; c++) {
		char *group = xstrndup(c->name, strcspn(c->name, " "));
		suggestion_offer(&suggestion, group);
		if (suggestion.closest == group) {
			free(best);
			best = group;
		} else {
			free(group);
		}
	}
	return best;
}

/* first is a word that starts two-word commands, members lists the second words; typed is what was typed. */
static void unknown_in_group(const struct command *table, const char *first, const char *typed, const char *members,
			     struct error *err)
{
	const char *closest = closest_name(table, typed);
	if (closest != NULL)
		error_set(err, ERROR_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", typed, closest);
	else if (strcmp(first, typed) == 0)
		error_set(err, ERROR_USAGE, "\"%s\" needs one of: %s", first, members);
	else
		error_set(err, ERROR_USAGE, "unknown command \"%s\"; after \"%s\" comes one of: %s", typed, first,
			  members);
}

static void unknown_command(const struct command *table, const char *first, const char *typed, struct error *err)
{
	const char *closest = closest_name(table, typed);
	if (closest == NULL)
		closest = closest_name(table, first);
	char *group = closest_group(table, first);
	if (first[0] == '-')
		error_set(err, ERROR_USAGE, "the command comes first, \"%s\" after it; --help lists the commands",
			  first);
	else if (closest != NULL || group != NULL)
		error_set(err, ERROR_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", first,
			  closest != NULL ? closest : group);
	else
		error_set(err, ERROR_USAGE, "unknown command \"%s\"; --help lists the commands", first);
	free(group);
}

const struct command *command_find(const struct command *table, int argc, const char *const argv[], int *consumed,
				   struct error *err)
{
	if (argc < 1) {
		error_set(err, ERROR_USAGE, "no command given; --help lists the commands");
		return NULL;
	}
	bool two = argc > 1 && argv[1][0] != '-';
	char *typed = two ? xasprintf("%s %s", argv[0], argv[1]) : xstrdup(argv[0]);
	struct buffer members = BUFFER_INIT(LIST_MAX);
	const struct command *found = find_exact(table, typed);
	int words = two && found != NULL ? 2 : 1;
	if (found == NULL)
		found = find_exact(table, argv[0]);
	list_group(table, argv[0], &members);
	if (found != NULL)
		*consumed = words;
	else if (members.len > 0)
		unknown_in_group(table, argv[0], typed, buffer_text(&members), err);
	else
		unknown_command(table, argv[0], typed, err);
	buffer_clear(&members);
	free(typed);
	return found;
}

int command_check_operands(const char *program, const struct command *command, const struct arguments *operands,
			   struct error *err)
{
	bool too_few = operands->count < (size_t)command->min_operands;
	bool too_many = command->max_operands >= 0 && operands->count > (size_t)command->max_operands;
	if (!too_few && !too_many)
		return 0;
	char *complaint = too_few ? xstrdup("an argument is missing")
				  : xasprintf("there is one argument too many: \"%s\"",
					      operands->items[command->max_operands]);
	const char *names = command->operands != NULL ? command->operands : "";
	error_set(err, ERROR_USAGE, "%s; usage: %s %s%s%s", complaint, program, command->name,
		  names[0] != '\0' ? " " : "", names);
	free(complaint);
	return -1;
}
