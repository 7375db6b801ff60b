/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants: (1) exactly one EXEC_CLOSED is queued, and nothing after it. (2) A request is written again only after the
 * shell said that there is no agentctl. (3) Until the command was sent there is a deadline of ours; from then on ssh
 * itself asks the host for signs of life and ends when there is none.
 */
#include "remote/openssh_exec.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define CHUNK 32768

static void ready(void *ctx, short revents);

/* ---- the end */

void openssh_exec_close(struct openssh_exec *exec, int exit_status, const struct error *error)
{
	struct exec_event event = {
		.kind = EXEC_CLOSED,
		.exec = exec->exec,
		.tag = exec->tag,
		.text = buffer_text(&exec->output.errors),
		.len = exec->output.errors.len,
		.exit_status = error != NULL ? -1 : exit_status,
		/* Only AGENTCTL writes the request, and ssh passes nothing on before the command was sent. */
		.delivered = exec->job == SSH_JOB_AGENTCTL && exec->said.started && exec->written >= exec->request_len,
	};
	if (error != NULL)
		event.error = *error;
	event_queue_put(&exec->shared->events, &event);
	openssh_process_end(exec);
	loop_set(exec->timer, -1, 0, 0); /* from there it is freed */
	exec->closed = true;
}

void openssh_exec_fail(struct openssh_exec *exec, enum error_kind kind, const char *format, ...)
{
	struct error err = ERROR_INIT;
	char text[ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_set(&err, kind, "%s: %s", exec->target.name, text);
	openssh_exec_close(exec, -1, &err);
}

/* ---- jobs */

static void start_job(struct openssh_exec *exec, enum ssh_job job)
{
	struct error err = ERROR_INIT;
	exec->job = job;
	exec->written = 0;
	exec_output_reset(&exec->output);
	buffer_clear(&exec->said.line);
	exec->said = (struct openssh_said){.exit_status = -1};
	if (openssh_process_start(exec, ready, &err) < 0)
		openssh_exec_fail(exec, err.kind, "%s", err.text);
	else
		loop_set(exec->timer, -1, 0, clock_monotonic_ms() + exec->shared->connect_timeout_ms);
}

static void carry_failed(struct openssh_exec *exec, const char *what)
{
	const char *errors = buffer_text(&exec->output.errors);
	int len = (int)strcspn(errors, "\r\n");
	openssh_exec_fail(exec, ERROR_UNREACHABLE, "agentctl could not be carried to %s:%s: %s%s%.*s",
			  exec->target.address, exec->target.directory, what, len > 0 ? ": " : "",
			  len > 300 ? 300 : len, errors);
}

static void agentctl_ended(struct openssh_exec *exec, int status)
{
	if (!ssh_agentctl_is_missing(status, exec->output.spoke)) {
		const struct exec_event self = {.exec = exec->exec, .tag = exec->tag};
		exec_output_end(&exec->output, &exec->shared->events, &self);
		openssh_exec_close(exec, status, NULL);
		return;
	}
	exec->written = 0; /* the shell read it, if anyone: nothing was delivered */
	if (exec->carried) {
		carry_failed(exec, "it is there, but the host cannot run it");
		return;
	}
	exec->carried = true;
	start_job(exec, SSH_JOB_CARRY);
}

static void job_ended(struct openssh_exec *exec, int status)
{
	if (exec->job == SSH_JOB_AGENTCTL)
		agentctl_ended(exec, status);
	else if (status != 0)
		carry_failed(exec, exec->job == SSH_JOB_CARRY ? "the host could not write it"
							      : "it is there, but the host cannot run it");
	else if (exec->job == SSH_JOB_CARRY)
		start_job(exec, SSH_JOB_VERIFY);
	else if (strstr(buffer_text(&exec->output.line), exec->shared->program.hash) == NULL)
		carry_failed(exec, "what runs there is not what was carried");
	else
		start_job(exec, SSH_JOB_AGENTCTL);
}

/* ssh's own failures, in its words. */
static void connection_failed(struct openssh_exec *exec)
{
	const struct openssh_said *said = &exec->said;
	const char *why = said->complaint[0] != '\0' ? said->complaint : "ssh gave no reason";
	const char *address = exec->target.address;
	int port = exec->target.port;
	if (strstr(why, "Host key verification failed") != NULL || strstr(why, "strict checking") != NULL)
		openssh_exec_fail(exec, ERROR_REFUSED,
				  "the host key of %s port %d (%s) is not the one in %s, or there is none: %s", address,
				  port, said->host_key[0] != '\0' ? said->host_key : "not seen",
				  exec->target.known_hosts, why);
	else if (said->signalled)
		openssh_exec_fail(exec, ERROR_UNREACHABLE, "a signal ended agentctl %s", exec->word);
	else if (!said->authenticated)
		openssh_exec_fail(exec, ERROR_UNREACHABLE, "no connection to %s port %d as %s: %s", address, port,
				  exec->target.user, why);
	else
		openssh_exec_fail(exec, ERROR_UNREACHABLE,
				  "the connection to %s port %d was lost in the middle of %s: %s", address, port,
				  exec->word, why);
}

/* ---- pipes */

static void tell_connected(struct openssh_exec *exec)
{
	struct exec_event event = {
		.kind = EXEC_CONNECTED,
		.exec = exec->exec,
		.tag = exec->tag,
		.text = exec->said.host_key,
		.len = strlen(exec->said.host_key),
		.exit_status = -1,
	};
	if (exec->told_connected || !exec->said.authenticated)
		return;
	exec->told_connected = true;
	event_queue_put(&exec->shared->events, &event);
}

static void write_some(struct openssh_exec *exec, struct openssh_pipe_end *end)
{
	const struct buffer *input = exec->job == SSH_JOB_CARRY ? &exec->shared->agentctl : &exec->input;
	size_t left = exec->job == SSH_JOB_VERIFY ? 0 : input->len - exec->written;
	ssize_t n = left > 0 ? send(end->fd, input->data + exec->written, left < CHUNK ? left : CHUNK, MSG_NOSIGNAL)
			     : 0;
	bool ended = n < 0 && errno != EAGAIN && errno != EINTR; /* its exit status says more */
	bool all = (size_t)(n > 0 ? n : 0) == left;
	if (n > 0)
		exec->written += (size_t)n;
	if (ended || (all && exec->job != SSH_JOB_AGENTCTL)) /* or: the end of the file */
		openssh_pipe_close(end);
	else
		loop_set(end->source, end->fd, all ? 0 : POLLOUT, -1);
}

static void take(struct openssh_exec *exec, enum openssh_pipe pipe, const char *data, size_t len)
{
	const struct exec_event self = {.exec = exec->exec, .tag = exec->tag};
	struct error err = ERROR_INIT;
	if (pipe == PIPE_ERRORS) {
		exec_output_errors(&exec->output, data, len);
	} else if (pipe == PIPE_LOG) {
		openssh_said_add(&exec->said, data, len);
		tell_connected(exec);
		if (exec->said.started)
			loop_set(exec->timer, -1, 0, -1); /* from here on ssh counts the silence */
	} else if (exec->job != SSH_JOB_AGENTCTL) {
		exec_output_collect(&exec->output, data, len);
	} else if (exec_output_lines(&exec->output, &exec->shared->events, &self, exec->word, data, len, &err) < 0) {
		openssh_exec_fail(exec, err.kind, "%s", err.text);
	}
}

/* What is there, but not more than others can wait for. False: nothing more for now. */
static bool read_some(struct openssh_exec *exec, enum openssh_pipe pipe)
{
	struct openssh_pipe_end *end = &exec->ends[pipe];
	char data[CHUNK];
	if (end->fd < 0)
		return false;
	ssize_t n = read(end->fd, data, sizeof(data));
	if (n > 0)
		take(exec, pipe, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		openssh_pipe_close(end);
	return n > 0 && !exec->closed;
}

/* All of it was written before it ended: nothing is left in the pipes after this. */
static void process_ended(struct openssh_exec *exec)
{
	static const enum openssh_pipe order[] = {PIPE_LOG, PIPE_OUT, PIPE_ERRORS};
	for (size_t i = 0; i < 3; i++) {
		while (read_some(exec, order[i]))
			;
	}
	if (exec->closed)
		return;
	int status = openssh_process_end(exec);
	if (exec->said.exit_status >= 0)
		job_ended(exec, exec->said.exit_status);
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 255 && exec->said.started)
		job_ended(exec, WEXITSTATUS(status));
	else
		connection_failed(exec);
}

static void ready(void *ctx, short revents)
{
	struct openssh_pipe_end *end = ctx;
	struct openssh_exec *exec = end->exec;
	enum openssh_pipe pipe = (enum openssh_pipe)(end - exec->ends);
	(void)revents;
	if (exec->closed)
		return;
	if (pipe == PIPE_IN)
		write_some(exec, end);
	else if (pipe == PIPE_PROCESS)
		process_ended(exec);
	else
		read_some(exec, pipe);
}

/* ---- beginning, time, and being freed */

static void time_is_up(void *ctx, short revents)
{
	struct openssh_exec *exec = ctx;
	char span[CLOCK_TEXT_MAX];
	(void)revents;
	if (exec->closed)
		exec->shared->ended(exec->shared->ctx, exec);
	else if (exec->pid == 0)
		start_job(exec, SSH_JOB_AGENTCTL);
	else
		openssh_exec_fail(exec, ERROR_UNREACHABLE, "%s port %d did not answer in time (%s)",
				  exec->target.address, exec->target.port,
				  clock_format_span(exec->shared->connect_timeout_ms, span));
}

struct openssh_exec *openssh_exec_new(struct openssh_shared *shared, const struct transport_target *target,
				      const char *word, const void *input, size_t len)
{
	struct openssh_exec *exec = xcalloc(1, sizeof(*exec));
	exec->shared = shared;
	ssh_target_copy(&exec->target, target);
	exec->word = xstrdup(word);
	buffer_init(&exec->input, SIZE_MAX / 2);
	buffer_append(&exec->input, input, len);
	exec->request_len = len;
	exec_output_init(&exec->output);
	exec->log_end = -1;
	for (int i = 0; i < PIPE_COUNT; i++)
		exec->ends[i] = (struct openssh_pipe_end){.exec = exec, .fd = -1};
	exec->timer = loop_add(shared->loop, time_is_up, exec);
	loop_set(exec->timer, -1, 0, 0); /* from the loop, so that no event comes before its ID is known */
	return exec;
}

void openssh_exec_send(struct openssh_exec *exec, const char *text)
{
	struct openssh_pipe_end *end = &exec->ends[PIPE_IN];
	buffer_puts(&exec->input, text);
	if (exec->job == SSH_JOB_AGENTCTL && end->fd >= 0)
		loop_set(end->source, end->fd, POLLOUT, -1);
}

void openssh_exec_free(struct openssh_exec *exec)
{
	openssh_process_end(exec);
	loop_remove(exec->timer);
	ssh_target_clear(&exec->target);
	free(exec->word);
	buffer_clear(&exec->input);
	buffer_clear(&exec->said.line);
	exec_output_clear(&exec->output);
	free(exec);
}
