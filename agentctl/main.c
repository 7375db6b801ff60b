/* SPDX-License-Identifier: Apache-2.0 */
/* agentctl: what runs on the host of an agent. rollcall carries it there; it can be used by hand, too. */
#include <string.h>

#include "agentctl/agentctl.h"
#include "agentctl/self.h"
#include "base/log.h"

#define CHANGE_EXIT                                                                                                     \
	"Exit status 0: done, and kept; 1: undone, or stuck (the last line says why); 2: wrong usage or bad input; 3: " \
	"refused, nothing was changed; 4: could not go on, and what was begun stays open for settle."

static const struct command commands[] = {
	{"inspect", "", "show the agent of this host: flags, checkpoint, verdict, tasks, operations",
	 "Changes nothing. By hand:\n\n"
	 "    agentctl inspect --work-dir /var/lib/mesos --store envfile:/etc/default/mesos-agent\n\n"
	 "What is not given is found out where it can be. Exit status 0, whatever it finds; 2: wrong usage; 4: this host "
	 "could not be looked at.",
	 command_inspect, 0, 0},
	{"check", "", "would an agent recover its checkpoint with these flags?",
	 "Changes nothing and needs no agent. Exit status 0: it would recover and keep its ID; 3: it would refuse; 2: "
	 "bad input, which includes flags with which the agent would not even start.\n\n"
	 "    agentctl check --work-dir /var/lib/mesos --flags new-flags.json",
	 command_check, 0, 0},
	{"apply", "", "make one change of the agent, as the request on standard input says",
	 "Reads a framed request, as rollcall sends it, then the words keep or undo, one per line. Says with JSON lines "
	 "what happens. Losing the connection does not end the operation.\n\n" CHANGE_EXIT,
	 command_apply, 0, 0},
	{"rescue", "", "start an agent that refuses its checkpoint, with its ID and its tasks",
	 "For a host whose agent does not start any more after somebody has changed its flags. The checkpoint is made "
	 "to fit the flags (or, with --flags, the flags to fit the checkpoint), and the agent is started. If it ends "
	 "again, the old bytes come back and nothing is started. By hand:\n\n"
	 "    agentctl rescue --work-dir /var/lib/mesos --unit mesos-agent.service --show\n\n" CHANGE_EXIT,
	 command_rescue, 0, 0},
	{"restore", "OPERATION", "take back a change that was kept",
	 "Brings back the checkpoint and the flags from before that operation, by a new one with a restart of its own. "
	 "Refused when either was changed since, when what was reserved since would no longer fit, and when the "
	 "operation ended tasks. agentctl inspect lists the operations.\n\n"
	 "What launch has written is taken back by the ID in its warning, while the agent is stopped: only slave.info "
	 "comes back, the flags are its owner's, and nothing is started.\n\n" CHANGE_EXIT,
	 command_restore, 1, 1},
	{"settle", "", "bring an operation that was interrupted to its end, or say how it ended",
	 "Without --status what is open is settled: the new state is kept if the agent runs with it, else the old one "
	 "comes back. Of what is stuck the agent is started once more, with the old state. By hand:\n\n"
	 "    agentctl settle --status OPERATION\n\n"
	 "says how that one stands. " CHANGE_EXIT,
	 command_settle, 0, 0},
	{"launch", "[options] -- mesos-agent ARGS...",
	 "become the agent, after its checkpoint was brought in line with its flags",
	 "Belongs before the agent in its unit file. Differences that are not ignored are refused, as the agent itself "
	 "would; those that are ignored are written back to disk, with a warning, and the agent keeps its ID and "
	 "tasks:\n\n"
	 "    agentctl launch --ignore_checkpointed_state='[\"attributes\"]' -- mesos-agent --attributes=rack:r2 "
	 "...\n\n"
	 "Options that are not given are taken from AGENTCTL_IGNORE_CHECKPOINTED_STATE and AGENTCTL_RECOVER_STATE.\n\n"
	 "The exit status is the agent's; before there is an agent, 1: refused, as the agent would; 2: wrong usage; 3: "
	 "refused by a safety rule; 4: something needed could not be reached, the master for one.",
	 command_launch, 0, 0},
	{NULL, NULL, NULL, NULL, NULL, 0, 0},
};

static int print_version(void)
{
	char digest[DIGEST_HEX_SIZE];
	struct error err = ERROR_INIT;

	if (self_digest(digest, &err) != 0)
		return command_fail(&err);
	printf("%s\n", digest);
	return 0;
}

int main(int argc, char *argv[])
{
	const char *const *words = (const char *const *)argv + 1;
	const struct command *command;
	struct error err = ERROR_INIT;
	int consumed = 0;

	log_setup("agentctl", LOG_WARNING);
	if (argc >= 2 && strcmp(argv[1], "--version") == 0)
		return print_version();
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		commands_print_overview(
			"agentctl", "Changes what a Mesos agent is, on its own host, without losing its ID or tasks.",
			commands, NULL);
		return argc < 2 ? 2 : 0;
	}
	command = command_find(commands, argc - 1, words, &consumed, &err);
	if (command == NULL)
		return command_fail(&err);
	return command->run(argc - 1 - consumed, words + consumed, command, NULL);
}
