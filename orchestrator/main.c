/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall: the table of commands, and the one place where an error becomes an exit code. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	 "Lists the agents of the last sync, or as they were at a time. --where chooses:\n"
	 "\n"
	 "    rollcall inventory list --where \"rack = 'r1' and zone in ('a', 'b')\"\n"
	 "    rollcall inventory list --where \"hostname in node[001-120].example.com and mem.free > 64GB\"\n"
	 "    rollcall inventory list --where \"version < 1.9 or changed < 2h\" --at 2026-11-23\n"
	 "    rollcall inventory list --columns hostname,rack,mem.free --sort -mem.free --csv\n"
	 "    rollcall inventory list --group-by zone,version\n"
	 "\n"
	 "Names: id, hostname, ip, port, version, state, active, deactivated, region, zone, domain, tasks, frameworks, "
	 "task, framework, config, survey, drift; seen, changed, first_seen, registered, reregistered, surveyed (how "
	 "long "
	 "ago, or a date); cpus, mem, disk, gpus, resource.NAME, each with .used, .free and (ROLE); or an attribute "
	 "(rack, "
	 "or attribute.rack). Comparisons: = != < <= > >= in (…) not in (…) like ~ !~; and, or, not, ( ). "
	 "docs/selectors.md has them all.",
	 command_inventory_list, 0, 0},
	{"inventory show", "AGENT", "show all that is known of one agent",
	 "AGENT is an agent's ID, the beginning of one, or a hostname.", command_inventory_show, 1, 1},
	{"inventory history", "AGENT", "everything that changed about one agent, and when it was seen",
	 "AGENT is an agent's ID, the beginning of one, or a hostname. A sync sees changes: what came and went between "
	 "two "
	 "syncs is not known, and of tasks and what they use no history is kept.",
	 command_inventory_history, 1, 1},
	{"inventory diff", "T1 [T2]", "how the fleet of two moments differs",
	 "Agents that appeared, left, got a new ID on the same host, and what changed about the others, field by "
	 "field. T2 "
	 "is now when it is not given. Exit status 1 when there are differences.\n"
	 "\n"
	 "    rollcall inventory diff 24h\n"
	 "    rollcall inventory diff 2026-11-22 2026-11-23T12:00",
	 command_inventory_diff, 1, 2},
	{"inventory check", "", "is the database whole?",
	 "Reads every page: SQLite's structure and indices, foreign keys, the hashes of configs and plans, and the "
	 "chain of "
	 "the ledger's events. Exit status 1 when something is wrong.",
	 command_inventory_check, 0, 0},
	{"inventory backup", "FILE", "copy the database, while it is in use",
	 "FILE is a database like the one it was made from: put it in that one's place, or name it with --db. A file "
	 "that is "
	 "there already is left alone.",
	 command_inventory_backup, 1, 1},
	{"inventory export", "[FILE]", "the whole database as JSON lines",
	 "One line for each row, a line before them and one with their SHA-256 behind them; to FILE, or to stdout. "
	 "`inventory import` reads it back, also with a newer rollcall.",
	 command_inventory_export, 0, 1},
	{"inventory import", "FILE", "make a database from an export",
	 "FILE is what `inventory export` wrote; - is stdin. The database must not exist yet. It has the same name "
	 "(UUID) as "
	 "the one that was exported, so hosts take it for that one: use one of the two.\n"
	 "\n"
	 "    rollcall inventory import fleet.jsonl --db new.db",
	 command_inventory_import, 1, 1},
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
	 "PLAN is a plan's hash or the beginning of it (6 digits or more, as long as no other plan begins so); FILE is "
	 "what `rollout plan --out` wrote. Ctrl-C once finishes what is under way and stops, twice leaves now; both "
	 "can "
	 "be resumed.\n"
	 "\n"
	 "A host obeys the database that has driven it before, so that two workstations cannot work against each "
	 "other; "
	 "`rollout plan` says which hosts belong to another one. --adopt takes them over: use it when the other "
	 "database "
	 "is gone or will not be used for them any more.\n"
	 "\n"
	 "Exit status 1 when some agents failed or the run has paused; `rollout status` says which.",
	 command_rollout_start, 1, 1},
	{"rollout status", "RUN", "how far a rollout is", "RUN is a run's ID, or `latest`.", command_rollout_status, 1,
	 1},
	{"rollout resume", "RUN", "go on with a rollout that was interrupted or has paused",
	 "RUN is a run's ID, or `latest`. Hosts whose fate is unknown are asked first, not guessed; stuck agents are "
	 "asked and proven again. --adopt is for hosts that another database has taken over meanwhile.",
	 command_rollout_resume, 1, 1},
	{"rollout list", "", "list rollouts",
	 "Every rollout of this database, the newest first; with --cluster those of one cluster.", command_rollout_list,
	 0, 0},
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

int main(int argc, char *argv[])
{
	struct session session;
	int result;

	/* A host or a pager that goes away, and a file that may not grow, are error values, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	session_init(&session);
	result = run(&session, argc - 1, (const char *const *)argv + 1);
	result = finish_output(&session, result);
	if (result < 0)
		result = report(&session.error);
	session_close(&session);
	return result;
}
