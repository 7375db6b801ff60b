/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall: the table of commands, and the one place where an error becomes an exit code. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/commands/commands.h"

#define VERSION "0.1.0"

static const char intro[] =
	"rolls out configuration to a fleet of Apache Mesos agents, and then calls the roll: every agent "
	"must answer with the same ID, the SlaveInfo it was meant to get, and the tasks it was meant to "
	"keep.";

static const struct command commands[] = {
	{"init", "", "write an example of the cluster file",
	 "Writes a commented example to rollcall.json, or to the file that --config names. A file that is there "
	 "already is "
	 "left alone. Edit it, then run `rollcall inventory sync`.",
	 command_init, 0, 0},
	{"inventory sync", "", "ask the master which agents there are",
	 "Asks the cluster's leading master for its agents, tasks and frameworks, and brings the database in line with "
	 "the "
	 "answer. Only what changed is written. Nothing on any host is touched.",
	 command_inventory_sync, 0, 0},
	{"inventory survey", "", "ask the hosts how their agents are run",
	 "Runs `agentctl inspect` on the hosts, which changes nothing there, and keeps what it says: flags, "
	 "checkpoint, flag "
	 "store, version, tasks. A host that cannot be asked is kept with its reason.\n"
	 "\n"
	 "    rollcall inventory survey --where \"zone = 'eu-1a'\" --parallel 50\n"
	 "\n"
	 "Exit status 1 when some hosts failed, 4 when none answered.",
	 command_inventory_survey, 0, 0},
	{"inventory list", "", "list agents",
	 "Lists the agents of the last sync. --where chooses:\n"
	 "\n"
	 "    rollcall inventory list --where \"rack = 'r1' and zone in ('a', 'b')\"\n"
	 "    rollcall inventory list --where \"not (version = '1.11.0') or mem < 4096\"\n"
	 "\n"
	 "Names: id, hostname, ip, port, version, active, region, zone, tasks, cpus, mem, disk, gpus, or an attribute "
	 "(rack, or "
	 "attribute.rack). Comparisons: = != < <= > >= in (…) not in (…); and, or, not, ( ).",
	 command_inventory_list, 0, 0},
	{"inventory show", "AGENT", "show all that is known of one agent",
	 "AGENT is an agent's ID, the beginning of one, or a hostname.", command_inventory_show, 1, 1},
	{"config add", "FILE", "store a config as a new version",
	 "Checks the document and stores it as the next version of the config it names. A document that is byte for "
	 "byte the "
	 "newest version is not stored again.\n"
	 "\n"
	 "    {\"name\": \"web-tier\", \"rules\": [\n"
	 "      {\"match\": \"tier = 'web'\",\n"
	 "       \"attributes\": {\"rack\": \"r2\", \"old\": null},\n"
	 "       \"resources\": {\"mem\": 4096}}]}\n"
	 "\n"
	 "A config owns only what it names; null removes.",
	 command_config_add, 1, 1},
	{"config list", "[NAME]", "list configs, or the versions of one", NULL, command_config_list, 0, 1},
	{"config show", "CONFIG[@V]", "print a version's document as it was added",
	 "Prints the very bytes. With --json also who added it, when, and its SHA-256.", command_config_show, 1, 1},
	{"rollout plan", "CONFIG[@V]", "work out what a rollout would change, and show it",
	 "Changes nothing anywhere. Asks the master and the hosts it is about first, or with --offline works from the "
	 "last sync and survey. For each agent it shows what changes, what a stock agent would say to that, how it is "
	 "carried out, and which tasks are on it. The plan is stored under its hash.\n"
	 "\n"
	 "    rollcall rollout plan web-tier --window 3 --ignore attributes,resources",
	 command_rollout_plan, 1, 1},
	{"rollout start", "PLAN|FILE", "carry out a plan that was shown",
	 "PLAN is a plan's hash or the beginning of it. Ctrl-C once finishes what is under way and stops, twice leaves "
	 "now; "
	 "both can be resumed.",
	 command_rollout_start, 1, 1},
	{"rollout status", "RUN", "how far a rollout is", "RUN is a run's ID, or `latest`.", command_rollout_status, 1,
	 1},
	{"rollout resume", "RUN", "go on with a rollout that was interrupted or has paused",
	 "RUN is a run's ID, or `latest`. Hosts whose fate is unknown are asked first, not guessed.",
	 command_rollout_resume, 1, 1},
	{"rollout list", "", "list rollouts", NULL, command_rollout_list, 0, 0},
	{"audit report", "RUN", "what a rollout did, with the proof for each agent",
	 "RUN is a run's ID, or `latest`.\n"
	 "\n"
	 "    rollcall audit report latest --format json",
	 command_audit_report, 1, 1},
	{.name = NULL},
};

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

static int run_command(struct session *session, int argc, const char *const argv[])
{
	const struct command *command;
	int consumed = 0;

	command = command_find(commands, argc, argv, &consumed, &session->error);
	if (!command)
		return -1;
	return command->run(argc - consumed, argv + consumed, command, session);
}

static void print_overview(const struct session *session)
{
	commands_print_overview("rollcall", intro, commands, session_options(session));
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
	command = command_find(commands, argc, argv, &consumed, &session->error);
	return command ? command->run(1, ask, command, session) : -1;
}

static int run(struct session *session, int argc, const char *const argv[])
{
	struct arguments none = {NULL, 0};
	int leading = count_leading(session_options(session), argc, argv);
	bool help = false;

	if (argc == 1 && strcmp(argv[0], "--version") == 0) {
		puts("rollcall " VERSION);
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

static int report(const struct error *err)
{
	char *text = text_printable(err->text, true);

	fprintf(stderr, "rollcall: %s\n", text);
	free(text);
	return error_exit_code(err);
}

int main(int argc, char *argv[])
{
	struct session session;
	int result;

	/* A host or a pager that goes away is an error value, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	session_init(&session);
	result = run(&session, argc - 1, (const char *const *)argv + 1);
	if (fflush(stdout) != 0 && result >= 0)
		result = error_set(&session.error, ERROR_SYSTEM, "the output could not be written");
	if (result < 0)
		result = report(&session.error);
	session_close(&session);
	return result;
}
