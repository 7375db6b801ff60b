/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct pipes {
	int out[2], complaint[2]; /* -1: not there */
};

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pipes_clear(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_one(&pipes->out[i]);
		close_one(&pipes->complaint[i]);
	}
}

static int start(const char *const argv[], const char *input, struct pipes *pipes, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t usual;
	int errnum;

	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGXFSZ);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	if (input)
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes->out[1], STDOUT_FILENO);
	if (pipes->complaint[1] >= 0)
		posix_spawn_file_actions_adddup2(&actions, pipes->complaint[1], STDERR_FILENO);
	errnum = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return errnum;
}

static void take(int *fd, struct buffer *to)
{
	char bytes[4096];
	ssize_t count = read(*fd, bytes, sizeof(bytes));

	if (count > 0)
		buffer_append(to, bytes, (size_t)count);
	else if (count == 0 || errno != EINTR)
		close_one(fd);
}

static void listen_to(struct pipes *pipes, struct buffer *out, struct buffer *complaint)
{
	while (pipes->out[0] >= 0 || pipes->complaint[0] >= 0) {
		struct pollfd from[] = {{.fd = pipes->out[0], .events = POLLIN},
					{.fd = pipes->complaint[0], .events = POLLIN}};

		if (poll(from, 2, -1) < 0) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (from[0].revents)
			take(&pipes->out[0], out);
		if (from[1].revents)
			take(&pipes->complaint[0], complaint);
	}
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_run(const char *const argv[], const char *input, struct buffer *out, struct buffer *complaint, int *status,
	      struct error *err)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}};
	pid_t pid;
	int errnum;

	if (pipe2(pipes.out, O_CLOEXEC) < 0 || (complaint && pipe2(pipes.complaint, O_CLOEXEC) < 0)) {
		errnum = errno;
		pipes_clear(&pipes);
		return error_errno(err, ERROR_SYSTEM, errnum, "%s: no pipe to it", argv[0]);
	}
	errnum = start(argv, input, &pipes, &pid);
	close_one(&pipes.out[1]);
	close_one(&pipes.complaint[1]);
	if (errnum == 0) {
		listen_to(&pipes, out, complaint);
		*status = wait_for(pid);
	}
	pipes_clear(&pipes);
	return errnum ? error_errno(err, ERROR_UNREACHABLE, errnum, "%s cannot be run (OpenSSH has it)", argv[0]) : 0;
}
