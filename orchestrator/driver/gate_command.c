/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/gate_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

/* Of its output so much is kept: the beginning. */
#define OUTPUT_MAX 2048
/* Its end is noticed by the end of its output; if something that it left behind holds that open, by looking so often. */
#define LOOK_MS    50
#define ENV_MAX    9

struct gate_command {
	struct loop_source *source;
	pid_t pid; /* 0: not started, or reaped */
	int out;   /* its stdout and stderr; -1: closed */
	int failed_to_start;
	int64_t deadline_ms, timeout_ms;
	struct buffer output;
	void (*done)(void *ctx, enum gate_answer answer, char *seen);
	void *ctx;
};

/* ---- starting */

struct environment {
	char *items[ENV_MAX + 1];
	size_t count;
};

static void add_variable(struct environment *environment, const char *name, const char *value)
{
	if (value && environment->count < ENV_MAX)
		environment->items[environment->count++] = xasprintf("%s=%s", name, value);
}

static void make_environment(const struct gate_question *question, struct environment *out)
{
	const char *home = getenv("HOME");

	memset(out, 0, sizeof(*out));
	add_variable(out, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add_variable(out, "HOME", home ? home : "/");
	add_variable(out, "LANG", "C.UTF-8");
	add_variable(out, "TZ", getenv("TZ"));
	add_variable(out, "ROLLCALL_RUN", question->run);
	add_variable(out, "ROLLCALL_STAGE", question->stage);
	add_variable(out, "ROLLCALL_AGENT", question->agent_id);
	add_variable(out, "ROLLCALL_HOSTNAME", question->hostname);
	add_variable(out, "ROLLCALL_MASTER", question->master);
}

static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setsigmask(attributes, &none);
}

static void set_actions(posix_spawn_file_actions_t *actions, int out)
{
	posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(actions, out, 1);
	posix_spawn_file_actions_adddup2(actions, out, 2);
	posix_spawn_file_actions_addclosefrom_np(actions, 3);
}

/* An errno value, 0: it runs. */
static int spawn(struct gate_command *command, const char *const argv[], const struct gate_question *question)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct environment environment;
	int ends[2], result;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	make_environment(question, &environment);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	set_actions(&actions, ends[1]);
	set_attributes(&attributes);
	/* posix_spawn takes its strings as non-const for historical reasons and does not change them */
	result = posix_spawnp(&command->pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
			      environment.items);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	for (size_t i = 0; i < environment.count; i++)
		free(environment.items[i]);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	command->out = ends[0];
	if (result != 0)
		command->pid = 0;
	return result;
}

/* ---- watching */

static void close_output(struct gate_command *command)
{
	if (command->out >= 0)
		close(command->out);
	command->out = -1;
}

static void drain(struct gate_command *command)
{
	char chunk[4096];

	while (command->out >= 0) {
		ssize_t got = read(command->out, chunk, sizeof(chunk));
		size_t room = command->output.max - command->output.len;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0)
			close_output(command);
		else
			buffer_append(&command->output, chunk, (size_t)got < room ? (size_t)got : room);
	}
}

/* What it said, in one printable line. The caller's. */
static char *said(const struct gate_command *command)
{
	char *text = text_printable(buffer_text(&command->output), true);
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
	for (char *newline = text; (newline = strchr(newline, '\n')) != NULL;)
		*newline = ' ';
	return text;
}

static void finish(struct gate_command *command, enum gate_answer answer, const char *how)
{
	char *text = said(command);
	char *seen = xasprintf("%s%s%s", how, *text ? ": " : "", text);

	free(text);
	loop_set(command->source, -1, 0, -1);
	command->done(command->ctx, answer, seen);
}

static void finish_ended(struct gate_command *command, int status)
{
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "ended by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		finish(command, WEXITSTATUS(status) == 0 ? GATE_PASS : GATE_FAIL, how);
	else
		finish(command, GATE_INCONCLUSIVE, how);
}

static void end_group(struct gate_command *command)
{
	if (command->pid <= 0)
		return;
	kill(-command->pid, SIGKILL);
	kill(command->pid, SIGKILL);
	while (waitpid(command->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	command->pid = 0;
}

static void finish_unstarted(struct gate_command *command)
{
	char *how = xasprintf("it could not be started: %s", strerror(command->failed_to_start));

	finish(command, GATE_INCONCLUSIVE, how);
	free(how);
}

static void finish_late(struct gate_command *command)
{
	char how[64], span[CLOCK_TEXT_MAX];

	end_group(command);
	snprintf(how, sizeof(how), "it has not ended within %s", clock_format_span(command->timeout_ms, span));
	finish(command, GATE_INCONCLUSIVE, how);
}

/* The process group stays after its leader has ended, if somebody in it does: nothing is left behind. */
static void reap_group(struct gate_command *command)
{
	kill(-command->pid, SIGKILL);
	command->pid = 0;
}

static void on_ready(void *ctx, short revents)
{
	struct gate_command *command = ctx;
	int64_t now = clock_monotonic_ms(), next = now + LOOK_MS;
	int status = 0;

	(void)revents;
	if (command->failed_to_start) {
		finish_unstarted(command);
		return;
	}
	drain(command);
	if (waitpid(command->pid, &status, WNOHANG) == command->pid) {
		drain(command);
		reap_group(command);
		finish_ended(command, status);
	} else if (now >= command->deadline_ms) {
		finish_late(command);
	} else {
		loop_set(command->source, command->out, command->out >= 0 ? POLLIN : 0,
			 next < command->deadline_ms ? next : command->deadline_ms);
	}
}

struct gate_command *gate_command_start(struct loop *loop, const char *const argv[],
					const struct gate_question *question,
					void (*done)(void *ctx, enum gate_answer answer, char *seen), void *ctx)
{
	struct gate_command *command = xcalloc(1, sizeof(*command));
	int64_t now = clock_monotonic_ms();

	*command = (struct gate_command){.out = -1,
					 .timeout_ms = question->gate->timeout_ms,
					 .deadline_ms = now + question->gate->timeout_ms,
					 .output = BUFFER_INIT(OUTPUT_MAX),
					 .done = done,
					 .ctx = ctx};
	command->source = loop_add(loop, on_ready, command);
	command->failed_to_start = spawn(command, argv, question);
	loop_set(command->source, command->out, command->out >= 0 ? POLLIN : 0,
		 command->failed_to_start ? now : now + LOOK_MS);
	return command;
}

void gate_command_free(struct gate_command *command)
{
	if (!command)
		return;
	end_group(command);
	loop_remove(command->source);
	close_output(command);
	buffer_clear(&command->output);
	free(command);
}
