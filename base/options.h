/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H
/*
 * Command tables: the options a command takes, its help, and its completion come from the same table.
 *
 * A program has a table of struct command (name "rollout plan" may have a space: two words select it), each with a
 * table of struct option. options_parse fills the targets; `--name=value`, `--name value`, `-n value`, `--` and
 * unambiguous errors ("unknown option --widow; did you mean --window?").
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum option_kind {
	OPTION_FLAG,   /* bool *: --name sets true, --no-name false */
	OPTION_STRING, /* const char **: borrowed from argv */
	OPTION_INT,    /* int64_t *: with min and max */
	OPTION_LIST,   /* struct option_list *: may be given several times */
	OPTION_COUNT,  /* int *: each -v adds one */
};

struct option_list {
	const char **items; /* borrowed strings, the array is owned: option_list_clear */
	size_t count;
};
void option_list_clear(struct option_list *list);

struct option {
	const char *name; /* without the dashes; NULL ends the table */
	char letter;      /* 0: none */
	enum option_kind kind;
	void *target;
	const char *argument; /* "FILE", "N"; NULL for flags */
	const char *help;     /* one line; wrapped for display */
	int64_t min, max;     /* for OPTION_INT */
};

struct arguments {
	const char **items; /* operands, borrowed from argv; the array is owned */
	size_t count;
};
void arguments_clear(struct arguments *args);

struct command {
	const char *name;     /* "inventory sync"; NULL ends the table */
	const char *operands; /* "CONFIG[@V]", "" */
	const char *summary;  /* one line */
	const char *help;     /* paragraphs that teach, with an example; may be NULL */
	int (*run)(int argc, const char *const argv[], const struct command *self, void *ctx);
	int min_operands, max_operands; /* max -1: any number */
};

/* Finds the command argv names (one or two words); *consumed is how many words. NULL with ERROR_USAGE and a
 * suggestion when there is none. */
const struct command *command_find(const struct command *table, int argc, const char *const argv[], int *consumed,
				   struct error *err);

/* Parses argv[0..argc) (no program name) against own and global tables (either may be NULL); options and operands may
 * be mixed, and everything after "--" is an operand. *help_wanted is set to whether --help or -h was met, where
 * parsing stops. On failure no target is changed. */
int options_parse(int argc, const char *const argv[], const struct option *own, const struct option *global,
		  struct arguments *operands, bool *help_wanted, struct error *err);

/* Checks the operand count of a command: ERROR_USAGE with the usage line. */
int command_check_operands(const char *program, const struct command *command, const struct arguments *operands,
			   struct error *err);

/* Help on stdout. */
void command_print_help(const char *program, const struct command *command, const struct option *own,
			const struct option *global);
void commands_print_overview(const char *program, const char *intro, const struct command *table,
			     const struct option *global);

#endif
