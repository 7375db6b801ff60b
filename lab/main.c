/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollcall-lab: a Mesos cluster in a box, and everything in that box. Called by another name it is what a lab host
 * finds by that name: mesos-agent, mesos-executor, systemctl, journalctl.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "lab/commands/commands.h"
#include "lab/core/roles.h"

static const struct command commands[] = {
	{"up", "", "make a lab and start it",
	 "Makes a cluster on this machine's loopback addresses: one master, N agents with tasks that run, and N hosts "
	 "that\n"
	 "are reached by SSH. It returns when all agents are registered and all tasks run.\n\n"
	 "    rollcall-lab up --agents 12 --zones 3\n"
	 "    rollcall --config lab/rollcall.json inventory sync\n",
	 command_up, 0, 0},
	{"down", "", "end a lab and remove its folder", NULL, command_down, 0, 0},
	{"status", "", "what runs in a lab, and what is broken; exit 1 when something is", NULL, command_status, 0, 0},
	{"break", "HOST|master FAULT|none", "break something, or heal it",
	 "    rollcall-lab break --list\n"
	 "    rollcall-lab break node003.lab agent-exit\n"
	 "    rollcall-lab break master 503 --for 10s\n"
	 "    rollcall-lab break node003.lab none\n",
	 command_break, 0, 2},
	{"master", "", "the lab's master (started by the supervisor)", NULL, command_role, 0, 0},
	{"supervisor", "", "systemd and power of the lab's hosts (started by up)", NULL, command_role, 0, 0},
	{"front", "", "SSH of the lab's hosts (started by up)", NULL, command_role, 0, 0},
	{NULL, NULL, NULL, NULL, NULL, 0, 0},
};

static const char intro[] =
	"A Mesos cluster in a box: a master, agents with running tasks, hosts reached by SSH; and ways "
	"to break them.";

int command_begin(const struct command *self, int argc, const char *const argv[], const struct option *options,
		  struct arguments *operands, struct error *err)
{
	bool help = false;
	if (options_parse(argc, argv, options, NULL, operands, &help, err) < 0)
		return -1;
	if (help) {
		command_print_help(LAB_PROGRAM, self, options, NULL);
		return 1;
	}
	return command_check_operands(LAB_PROGRAM, self, operands, err);
}

static int run_command(int argc, const char *const argv[])
{
	struct lab_session session = {.error = ERROR_INIT};
	int consumed = 0;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		commands_print_overview(LAB_PROGRAM, intro, commands, NULL);
		return argc < 2 ? 2 : 0;
	}
	const struct command *command = command_find(commands, argc - 1, argv + 1, &consumed, &session.error);
	int result = -1;
	if (command != NULL)
		result = command->run(argc - 1 - consumed, argv + 1 + consumed, command, &session);
	if (result >= 0)
		return result;
	log_error("%s", session.error.text);
	return error_exit_code(&session.error);
}

static const struct {
	const char *name;
	int (*run)(int argc, const char *const argv[]);
} roles[] = {
	{"mesos-agent", role_agent},
	{"mesos-executor", role_executor},
	{"systemctl", role_systemctl},
	{"journalctl", role_journalctl},
};

/* `rollcall-lab agent …` and `rollcall-lab session`: the same by argument. */
static const struct {
	const char *name;
	int (*run)(int argc, const char *const argv[]);
} hidden[] = {
	{"agent", role_agent},
	{"executor", role_executor},
	{"systemctl", role_systemctl},
	{"session", role_session},
};

int main(int argc, char *argv[])
{
	const char *const *words = (const char *const *)argv;
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL, *name = slash != NULL ? slash + 1 : words[0];
	for (size_t i = 0; name != NULL && i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].run(argc, words);
	}
	for (size_t i = 0; argc > 1 && i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (strcmp(hidden[i].name, argv[1]) == 0)
			return hidden[i].run(argc - 1, words + 1);
	}
	log_setup(LAB_PROGRAM, LOG_INFO);
	return run_command(argc, words);
}
