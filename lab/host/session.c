/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role `session`: sshd's ForceCommand while the fault `cut` or `read-only` is armed. Runs the command that was
 * asked for, with a file system it cannot write to where that is asked for, passes its output on, and asks the front to
 * cut the connection once enough of it has been said.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/core/faults.h"
#include "lab/core/link.h"
#include "lab/core/roles.h"
#include "lab/host/read_only.h"
#include "lab/host/stand_in.h"

#define CUT_TIMEOUT_MS 5000
#define FLUSH_US       50000 /* what was said so far leaves the host before the connection does */

static pid_t run_command(const char *command, int output)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	dup2(output, STDOUT_FILENO);
	if (command != NULL && *command != '\0')
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	else
		execl("/bin/sh", "sh", (char *)NULL);
	_exit(127);
}

/* SSH_CONNECTION is "client-address client-port server-address server-port". */
static int client_port(void)
{
	const char *connection = getenv("SSH_CONNECTION"), *space = connection != NULL ? strchr(connection, ' ') : NULL;
	return space != NULL ? (int)strtol(space, NULL, 10) : 0;
}

static void ask_for_cut(const struct lab *lab, const char *host)
{
	usleep(FLUSH_US);
	json_t *request = json_pack("{ss ss si}", "type", "cut", "target", host, "client_port", client_port());
	json_decref(control_ask(lab, "front", request, CUT_TIMEOUT_MS, NULL));
}

/* Copies what the command says, up to limit bytes; true when it said that many. limit < 0: everything. */
static bool pass_on(int from, long long limit)
{
	char chunk[8192];
	long long passed = 0;
	while (limit < 0 || passed < limit) {
		size_t room = limit >= 0 && limit - passed < (long long)sizeof(chunk) ? (size_t)(limit - passed)
										      : sizeof(chunk);
		ssize_t got = read(from, chunk, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		for (ssize_t put = 0; put < got;) {
			ssize_t done = write(STDOUT_FILENO, chunk + put, (size_t)(got - put));
			if (done < 0 && errno != EINTR)
				return false;
			put += done > 0 ? done : 0;
		}
		passed += got;
	}
	return true;
}

static bool enter_faults(const struct lab *lab, const char *root, const char *host)
{
	struct error err = ERROR_INIT;
	if (!fault_is_armed(lab, host, "read-only", NULL) || read_only_enter(root, &err) == 0)
		return true;
	fprintf(stderr, "%s\n", err.text);
	return false;
}

int role_session(int argc, const char *const argv[])
{
	const char *command = getenv("SSH_ORIGINAL_COMMAND"), *host = NULL;
	struct lab *lab = NULL;
	struct fault fault = {.kind = NULL};
	char *root = NULL;
	int ends[2], status = 1;
	(void)argc;
	(void)argv;
	bool known = stand_in_host(&lab, &root, &host, NULL) == 0;
	bool entered = known && enter_faults(lab, root, host);
	bool armed = entered && fault_is_armed(lab, host, "cut", &fault) &&
		     (fault.match[0] == '\0' || (command != NULL && strstr(command, fault.match) != NULL));
	pid_t pid = entered && pipe(ends) == 0 ? run_command(command, ends[1]) : -1;
	if (pid > 0) {
		close(ends[1]);
		if (pass_on(ends[0], armed ? (fault.after > 0 ? fault.after : 1) : -1) && armed)
			ask_for_cut(lab, host);
		close(ends[0]);
		waitpid(pid, &status, 0);
	}
	lab_free(lab);
	free(root);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
