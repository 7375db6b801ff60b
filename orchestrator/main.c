/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall: finds the command, and is the one place where an error becomes an exit code. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/invocation.h"
#include "base/text.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/version.h"

static const char intro[] =
	"rolls out configuration to a fleet of Apache Mesos agents, and then calls the roll: every agent must answer "
	"with the same ID, the SlaveInfo it was meant to get, and the tasks it was meant to keep.";

/* Does this word of the command line take the next one as its value? */
static bool takes_next(const struct option *options, const char *word)
{
	for (const struct option *option = options; option->name; option++)
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, option->name) == 0)
			return option->kind != OPTION_FLAG && option->kind != OPTION_COUNT;
	return false;
}

/* How many words stand before the command: global options may come first. */
static int count_leading(const struct option *options, int argc, const char *const argv[])
{
	int count = 0;

	while (count < argc && argv[count][0] == '-' && strcmp(argv[count], "--") != 0)
		count += takes_next(options, argv[count]) ? 2 : 1;
	return count < argc ? count : argc;
}

static void print_overview(const struct session *session)
{
	commands_print_overview("rollcall", intro, commands, session_options(session));
}

/* Does the command begin with that word and a space, as "inventory sync" with "inventory"? */
static bool is_of_group(const struct command *command, const char *word)
{
	size_t len = strlen(word);

	return strncmp(command->name, word, len) == 0 && command->name[len] == ' ';
}

/* The commands that begin with a word, as the overview of all shows them. false: there are none. */
static bool print_group(const struct session *session, const char *word)
{
	struct command *group;
	size_t all = 0, count = 0;

	while (commands[all].name)
		all++;
	group = xcalloc(all + 1, sizeof(*group));
	for (size_t i = 0; i < all; i++)
		if (is_of_group(&commands[i], word))
			group[count++] = commands[i];
	if (count > 0)
		commands_print_overview("rollcall", intro, group, session_options(session));
	free(group);
	return count > 0;
}

static bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_command(struct session *session, int argc, const char *const argv[])
{
	const struct command *command;
	int consumed = 0;

	if (argc == 2 && asks_for_help(argv[1]) && print_group(session, argv[0]))
		return 0;
	command = command_find(commands, argc, argv, &consumed, &session->error);
	if (!command)
		return -1;
	return command->run(argc - consumed, argv + consumed, command, session);
}

/* `rollcall help inventory sync` is `rollcall inventory sync --help`. */
static int run_help(struct session *session, int argc, const char *const argv[])
{
	static const char *const ask[] = {"--help"};
	const struct command *command;
	int consumed = 0;

	if (argc == 0) {
		print_overview(session);
		return 0;
	}
	if (argc == 1 && print_group(session, argv[0]))
		return 0;
	command = command_find(commands, argc, argv, &consumed, &session->error);
	return command ? command->run(1, ask, command, session) : -1;
}

static int run(struct session *session, int argc, const char *const argv[])
{
	struct arguments none = {NULL, 0};
	int leading = count_leading(session_options(session), argc, argv);
	bool help = false;

	if (argc == 1 && strcmp(argv[0], "--version") == 0) {
		puts("rollcall " ROLLCALL_VERSION);
		return 0;
	}
	if (options_parse(leading, argv, NULL, session_options(session), &none, &help, &session->error) < 0)
		return -1;
	arguments_clear(&none);
	session_apply_options(session);
	if (help || leading == argc) {
		print_overview(session);
		return help ? 0 : error_set(&session->error, ERROR_USAGE, "no command was given");
	}
	if (strcmp(argv[leading], "help") == 0)
		return run_help(session, argc - leading - 1, argv + leading + 1);
	return run_command(session, argc - leading, argv + leading);
}

static int report(const struct session *session)
{
	const struct error *err = &session->error;
	char *whole = invocation_put(err->text, "rollcall", session_program(session));
	char *text = text_printable(whole, true);

	fprintf(stderr, "rollcall: %s\n", text);
	free(text);
	free(whole);
	return error_exit_code(err);
}

/* Whoever reads our output may have read enough (`| head`): that is no failure of ours. */
static bool reader_is_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static int finish_output(struct session *session, int result)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout);

	if (!failed || result < 0 || reader_is_gone())
		return result;
	return error_set(&session->error, ERROR_SYSTEM, "the output could not be written");
}

/* What is printed and what is told meanwhile come in the order in which they happened also where both go into one file or pipe. */
static void keep_order(void)
{
	struct stat out, err;

	if (fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
	    out.st_ino == err.st_ino)
		setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

int main(int argc, char *argv[])
{
	struct session session;
	int result;

	/* A host or a pager that goes away, and a file that may not grow, are error values, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	keep_order();
	session_init(&session);
	result = run(&session, argc - 1, (const char *const *)argv + 1);
	result = finish_output(&session, result);
	if (result < 0)
		result = report(&session);
	session_close(&session);
	return result;
}
