/* SPDX-License-Identifier: Apache-2.0 */
/* A process of OpenSSH's client: its arguments, its pipes, its end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "remote/openssh_exec.h"

extern char **environ;

#define ARGS_MAX 48

/* ---- arguments */

struct arguments {
	char *items[ARGS_MAX + 1];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *args, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	if (args->count == ARGS_MAX || vasprintf(&args->items[args->count], format, list) < 0)
		abort();
	args->count++;
	va_end(list);
}

static void add_option(struct arguments *args, const char *option)
{
	add(args, "-o");
	add(args, "%s", option);
}

/* A path as ssh_config takes it: in quotes, with percent signs that stand for themselves. */
static void add_path(struct arguments *args, const char *option, const char *path)
{
	struct buffer text = BUFFER_INIT(16384);
	buffer_printf(&text, "%s=\"", option);
	for (; *path != '\0'; path++)
		buffer_printf(&text, *path == '%' ? "%%%%" : "%c", *path);
	buffer_putc(&text, '"');
	add_option(args, buffer_text(&text));
	buffer_clear(&text);
}

static void add_times(struct arguments *args, const struct openssh_shared *shared)
{
	int64_t silence = shared->silence_timeout_ms / 3000;
	add(args, "-o");
	add(args, "ConnectTimeout=%lld", (long long)(shared->connect_timeout_ms + 999) / 1000);
	add(args, "-o");
	add(args, "ServerAliveInterval=%lld", (long long)(silence > 0 ? silence : 1));
	add_option(args, "ServerAliveCountMax=3");
}

/* What the operator's ssh_config says counts, except for what keeps this safe and unattended. */
static void build_arguments(const struct openssh_exec *exec, int log, struct arguments *args)
{
	static const char *const fixed[] = {
		"BatchMode=yes",           "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null",
		"UpdateHostKeys=no",       "ControlMaster=no",          "ControlPath=none",
		"ClearAllForwardings=yes", "ForwardAgent=no",           "PermitLocalCommand=no",
		"RequestTTY=no",           "EscapeChar=none",           "LogLevel=DEBUG1",
		"RemoteCommand=none",
	};
	const struct ssh_target *target = &exec->target;
	add(args, "%s", exec->shared->client);
	/* ssh closes what it did not expect to inherit: it opens our end of the pipe by its name. */
	add(args, "-E");
	add(args, "/proc/%d/fd/%d", (int)getpid(), log);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add_option(args, fixed[i]);
	add_path(args, "UserKnownHostsFile", target->known_hosts);
	if (target->identity != NULL) {
		add_path(args, "IdentityFile", target->identity);
		add_option(args, "IdentitiesOnly=yes");
	}
	add_times(args, exec->shared);
	add(args, "-p");
	add(args, "%d", target->port);
	add(args, "-l");
	add(args, "%s", target->user);
	add(args, "--");
	add(args, "%s", target->address);
	args->items[args->count++] = ssh_command_line(exec->job, target, &exec->shared->program, exec->word);
}

static void arguments_clear(struct arguments *args)
{
	for (size_t i = 0; i < args->count; i++)
		free(args->items[i]);
}

/* ---- pipes */

struct child_ends {
	int fds[PIPE_LOG + 1];
};

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* ssh's stdin is a socket, because writing to one whose reader has gone can be kept from raising SIGPIPE. */
static int make_pair(enum openssh_pipe pipe, int *mine, int *other)
{
	int both[2];
	if (pipe == PIPE_IN ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) < 0 : pipe2(both, O_CLOEXEC) < 0)
		return -1;
	*mine = both[0];
	*other = both[1];
	return 0;
}

/* Ours do not block; theirs are above the numbers they will get, so that no dup2 overwrites one that is yet to come. */
static int make_pipe(struct openssh_exec *exec, enum openssh_pipe pipe, struct child_ends *theirs)
{
	int mine, other;
	if (make_pair(pipe, &mine, &other) < 0)
		return -1;
	exec->ends[pipe].fd = mine;
	theirs->fds[pipe] = fcntl(other, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(other);
	return theirs->fds[pipe] < 0 ? -1 : fcntl(mine, F_SETFL, O_NONBLOCK);
}

static int make_pipes(struct openssh_exec *exec, struct child_ends *theirs, struct error *err)
{
	for (int i = PIPE_IN; i <= PIPE_LOG; i++)
		theirs->fds[i] = -1;
	for (int i = PIPE_IN; i <= PIPE_LOG; i++) {
		if (make_pipe(exec, (enum openssh_pipe)i, theirs) < 0)
			return error_set(err, ERROR_SYSTEM, "no pipe to ssh could be made: %s", strerror(errno));
	}
	return 0;
}

/* The group of its own keeps the terminal's Ctrl-C away from it: rollcall decides when a conversation ends. */
static int spawn(const struct child_ends *theirs, char *const argv[], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	sigemptyset(&none);
	sigfillset(&usual);
	posix_spawn_file_actions_init(&actions);
	for (int i = PIPE_IN; i <= PIPE_ERRORS; i++)
		posix_spawn_file_actions_adddup2(&actions, theirs->fds[i], i);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int code = posix_spawn(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

static int start(struct openssh_exec *exec, struct child_ends *theirs, struct error *err)
{
	struct arguments args = {.count = 0};
	build_arguments(exec, theirs->fds[PIPE_LOG], &args);
	int code = spawn(theirs, args.items, &exec->pid);
	arguments_clear(&args);
	if (code != 0) {
		exec->pid = 0;
		return error_set(err, ERROR_SYSTEM, "%s could not be started: %s", exec->shared->client,
				 strerror(code));
	}
	exec->ends[PIPE_PROCESS].fd = pidfd_open(exec->pid, 0);
	if (exec->ends[PIPE_PROCESS].fd < 0)
		return error_set(err, ERROR_SYSTEM, "ssh cannot be watched: %s", strerror(errno));
	return 0;
}

int openssh_process_start(struct openssh_exec *exec, void (*ready)(void *ctx, short revents), struct error *err)
{
	struct child_ends theirs;
	int result = make_pipes(exec, &theirs, err);
	if (result == 0)
		result = start(exec, &theirs, err);
	if (result == 0) {
		exec->log_end = theirs.fds[PIPE_LOG];
		theirs.fds[PIPE_LOG] = -1;
	}
	close_all(theirs.fds, PIPE_LOG + 1);
	for (int i = 0; i < PIPE_COUNT && result == 0; i++) {
		struct openssh_pipe_end *end = &exec->ends[i];
		end->source = loop_add(exec->shared->loop, ready, end);
		loop_set(end->source, end->fd, i == PIPE_IN ? POLLOUT : POLLIN, -1);
	}
	if (result < 0)
		openssh_process_end(exec);
	return result;
}

void openssh_pipe_close(struct openssh_pipe_end *end)
{
	loop_remove(end->source);
	if (end->fd >= 0)
		close(end->fd);
	end->source = NULL;
	end->fd = -1;
}

int openssh_process_end(struct openssh_exec *exec)
{
	int status = -1;
	for (int i = 0; i < PIPE_COUNT; i++)
		openssh_pipe_close(&exec->ends[i]);
	if (exec->log_end >= 0)
		close(exec->log_end);
	exec->log_end = -1;
	if (exec->pid <= 0)
		return -1;
	if (waitpid(exec->pid, &status, WNOHANG) != exec->pid) {
		status = -1;
		kill(-exec->pid, SIGKILL); /* its ProxyCommand too */
		while (waitpid(exec->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	exec->pid = 0;
	return status;
}
