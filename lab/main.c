/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall-lab: a Mesos cluster in a box. What runs on the hosts in that box is lab/host/main.c. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "lab/commands/commands.h"
#include "lab/core/processes.h"

static const struct command commands[] = {
	{"up", "", "make a lab and start it",
	 "Makes a cluster on this machine's loopback addresses: a master or several, N agents with tasks that run, "
	 "and N hosts that are reached by SSH. It returns when all agents are registered and all tasks run.\n\n"
	 "    rollcall-lab up --agents 12 --zones 3\n"
	 "    rollcall-lab up --masters 3 --tls --authenticate\n"
	 "    rollcall --config lab/rollcall.json inventory sync\n",
	 command_up, 0, 0},
	{"down", "", "end a lab and remove its folder", NULL, command_down, 0, 0},
	{"status", "", "what runs in a lab, and what is broken; exit 1 when something is", NULL, command_status, 0, 0},
	{"break", "HOST|master[:N] FAULT|none", "break something, or heal it",
	 "    rollcall-lab break --list\n"
	 "    rollcall-lab break node003.lab agent-exit\n"
	 "    rollcall-lab break master 503 --for 10s\n"
	 "    rollcall-lab break node003.lab none\n",
	 command_break, 0, 2},
	{"framework", "", "run a framework on a lab's master and print what it is told",
	 "Subscribes as a scheduler of Mesos' v1 API does, takes offers for as many tasks as it is to run, and prints "
	 "every\n"
	 "event as a line of JSON. It acknowledges updates, and comes back when the connection is lost or another "
	 "master\n"
	 "leads, until it is ended; its tasks then run on until its failover timeout is over.\n\n"
	 "    rollcall-lab framework --name shop --tasks 4\n"
	 "    rollcall-lab framework --name watcher --tasks 2 --observer    # told when an agent's state has changed\n"
	 "    rollcall-lab framework --name shop --id FRAMEWORK-ID          # takes over from the one before\n",
	 command_framework, 0, 0},
	{"master", "", "the lab's master (started by the supervisor)", NULL, command_role, 0, 0},
	{"supervisor", "", "systemd and power of the lab's hosts (started by up)", NULL, command_role, 0, 0},
	{"front", "", "SSH of the lab's hosts (started by up)", NULL, command_role, 0, 0},
	{NULL, NULL, NULL, NULL, NULL, 0, 0},
};

static const char intro[] =
	"A Mesos cluster in a box: a master, agents with running tasks, hosts reached by SSH; and ways to break them.";

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

/* `rollcall-lab agent …`: what hosts run is a program of its own. */
static int run_agent(const char *const argv[])
{
	char *program = process_host_program();
	execv(program, (char *const *)(uintptr_t)argv);
	log_error("cannot start %s: %s", program, strerror(errno));
	free(program);
	return 127;
}

int main(int argc, char *argv[])
{
	const char *const *words = (const char *const *)argv;
	log_setup(LAB_PROGRAM, LOG_INFO);
	if (argc > 1 && strcmp(argv[1], "agent") == 0)
		return run_agent(words + 1);
	return run_command(argc, words);
}
