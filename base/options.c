/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/suggest.h"

void option_list_clear(struct option_list *list)
{
	free(list->items);
	*list = (struct option_list){.items = NULL, .count = 0};
}

void arguments_clear(struct arguments *args)
{
	free(args->items);
	*args = (struct arguments){.items = NULL, .count = 0};
}

/* A walk over the arguments. It is made twice: once to find every error, then to fill the targets. */
struct walk {
	int argc;
	const char *const *argv;
	int at;
	const struct option *tables[2];
	bool apply;
	struct arguments *operands;
	bool help;
	struct error *err;
};

static const char **grow(const char **items, size_t *count, const char *item)
{
	items = xreallocarray(items, *count + 1, sizeof(*items));
	items[(*count)++] = item;
	return items;
}

static const struct option *find_name(const struct walk *walk, const char *name, size_t len)
{
	for (int t = 0; t < 2; t++) {
		for (const struct option *o = walk->tables[t]; o != NULL && o->name != NULL; o++) {
			if (strncmp(o->name, name, len) == 0 && o->name[len] == '\0')
				return o;
		}
	}
	return NULL;
}

static const struct option *find_letter(const struct walk *walk, char letter)
{
	for (int t = 0; t < 2; t++) {
		for (const struct option *o = walk->tables[t]; o != NULL && o->name != NULL; o++) {
			if (o->letter == letter)
				return o;
		}
	}
	return NULL;
}

static bool takes_value(const struct option *option)
{
	return option->kind != OPTION_FLAG && option->kind != OPTION_COUNT;
}

static int set_int(const struct walk *walk, const struct option *option, const char *value)
{
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (*value == '\0' || *end != '\0' || errno == ERANGE || number < option->min || number > option->max)
		return error_set(walk->err, ERROR_USAGE,
				 "--%s needs a whole number from %" PRId64 " to %" PRId64 ", not \"%s\"", option->name,
				 option->min, option->max, value);
	if (walk->apply)
		*(int64_t *)option->target = number;
	return 0;
}

static int set_value(const struct walk *walk, const struct option *option, const char *value)
{
	if (option->kind == OPTION_INT)
		return set_int(walk, option, value);
	if (!walk->apply)
		return 0;
	if (option->kind == OPTION_LIST) {
		struct option_list *list = option->target;
		list->items = grow(list->items, &list->count, value);
	} else {
		*(const char **)option->target = value;
	}
	return 0;
}

static void set_flag(const struct walk *walk, const struct option *option, bool value)
{
	if (!walk->apply)
		return;
	if (option->kind == OPTION_COUNT)
		*(int *)option->target += 1;
	else
		*(bool *)option->target = value;
}

/* value: what was attached ("=value", "-nvalue") or NULL: then the next argument is it. */
static int take_value(struct walk *walk, const struct option *option, const char *value)
{
	if (value == NULL) {
		if (walk->at >= walk->argc)
			return error_set(walk->err, ERROR_USAGE, "--%s needs a value: --%s %s", option->name,
					 option->name, option->argument != NULL ? option->argument : "VALUE");
		value = walk->argv[walk->at++];
	}
	return set_value(walk, option, value);
}

static int unknown_option(const struct walk *walk, const char *name, size_t len)
{
	char *word = xstrndup(name, len);
	struct suggestion suggestion = {.word = word, .closest = NULL, .distance = 0};
	suggestion_offer(&suggestion, "help");
	for (int t = 0; t < 2; t++) {
		for (const struct option *o = walk->tables[t]; o != NULL && o->name != NULL; o++)
			suggestion_offer(&suggestion, o->name);
	}
	if (suggestion.closest != NULL)
		error_set(walk->err, ERROR_USAGE, "unknown option --%s; did you mean --%s?", word, suggestion.closest);
	else
		error_set(walk->err, ERROR_USAGE, "unknown option --%s; --help lists the options", word);
	free(word);
	return -1;
}

/* name: without the dashes, perhaps with "=value". */
static int long_option(struct walk *walk, const char *name)
{
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	const struct option *option = find_name(walk, name, len);
	bool on = true;
	if (option == NULL && strcmp(name, "help") == 0) {
		walk->help = true;
		return 0;
	}
	if (option == NULL && len > 3 && strncmp(name, "no-", 3) == 0) {
		option = find_name(walk, name + 3, len - 3);
		on = false;
	}
	if (option == NULL || (!on && option->kind != OPTION_FLAG))
		return unknown_option(walk, name, len);
	if (takes_value(option))
		return take_value(walk, option, value);
	if (value != NULL)
		return error_set(walk->err, ERROR_USAGE, "--%.*s takes no value", (int)len, name);
	set_flag(walk, option, on);
	return 0;
}

/* "-qv", "-n5", "-n 5" */
static int short_options(struct walk *walk, const char *letters)
{
	for (; *letters != '\0' && !walk->help; letters++) {
		const struct option *option = find_letter(walk, *letters);
		if (option == NULL && *letters == 'h')
			walk->help = true;
		else if (option == NULL)
			return error_set(walk->err, ERROR_USAGE, "unknown option -%c; --help lists the options",
					 *letters);
		else if (takes_value(option))
			return take_value(walk, option, letters[1] != '\0' ? letters + 1 : NULL);
		else
			set_flag(walk, option, true);
	}
	return 0;
}

static void take_operand(struct walk *walk, const char *operand)
{
	if (walk->apply)
		walk->operands->items = grow(walk->operands->items, &walk->operands->count, operand);
}

static int walk_arguments(struct walk *walk)
{
	while (walk->at < walk->argc && !walk->help) {
		const char *arg = walk->argv[walk->at++];
		int result = 0;
		if (strcmp(arg, "--") == 0) {
			while (walk->at < walk->argc)
				take_operand(walk, walk->argv[walk->at++]);
		} else if (strncmp(arg, "--", 2) == 0) {
			result = long_option(walk, arg + 2);
		} else if (arg[0] == '-' && arg[1] != '\0') {
			result = short_options(walk, arg + 1);
		} else {
			take_operand(walk, arg);
		}
		if (result < 0)
			return -1;
	}
	return 0;
}

int options_parse(int argc, const char *const argv[], const struct option *own, const struct option *global,
		  struct arguments *operands, bool *help_wanted, struct error *err)
{
	struct walk check = {.argc = argc, .argv = argv, .tables = {own, global}, .operands = operands, .err = err};
	if (walk_arguments(&check) < 0)
		return -1;
	struct walk fill = check;
	fill.at = 0;
	fill.help = false;
	fill.apply = true;
	walk_arguments(&fill);
	*help_wanted = fill.help;
	return 0;
}
