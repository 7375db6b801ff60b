/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and stopping by the operator's argument lists.
 *
 * A stop that outlived its agentctl would end the agent that the next agentctl has started. So it is run by a process of its own,
 * which has inherited the host's lock: nobody else acts before the command has ended, even when agentctl was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentctl/control.h"
#include "base/process.h"

/* status is asked often; it has nothing to do. */
#define STATUS_TIMEOUT_MS 10000
#define SAID_MAX          512

/* How the command ended, as one write: smaller than what a pipe takes at once. */
struct stopped {
	int result; /* of process_run; -1: text says why */
	enum error_kind kind;
	int status;
	char text[SAID_MAX + 1]; /* what it said on stderr */
};

int commands_status(const struct host_settings *host, struct control_status *out, struct error *err)
{
	int status = 0;

	if (host->status == NULL)
		return 0;
	if (process_run((const char *const *)host->status, NULL, STATUS_TIMEOUT_MS, NULL, NULL, &status, err) != 0)
		return -1;
	out->known = true;
	out->active = status == 0;
	return 0;
}

int commands_start(const struct host_settings *host, struct error *err)
{
	return process_detach((const char *const *)host->start, NULL, NULL, err);
}

static void __attribute__((noreturn)) stop_in_child(const struct host_settings *host, int report)
{
	struct buffer said = BUFFER_INIT(SAID_MAX);
	struct stopped end = {.status = 0};
	struct error why = ERROR_INIT;
	ssize_t put;

	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	end.result = process_run((const char *const *)host->stop, NULL, CONTROL_STOP_TIMEOUT_MS, NULL, &said,
				 &end.status, &why);
	end.kind = why.kind;
	snprintf(end.text, sizeof end.text, "%.*s", SAID_MAX, end.result == 0 ? buffer_text(&said) : why.text);
	put = write(report, &end, sizeof end);
	_exit(put == (ssize_t)sizeof end ? 0 : 1);
}

static int read_end(int fd, struct stopped *out, struct error *err)
{
	ssize_t n;

	do
		n = read(fd, out, sizeof *out);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof *out)
		return error_set(err, ERROR_SYSTEM, "what ran the stop command was killed");
	out->text[SAID_MAX] = '\0';
	return out->result == 0 ? 0 : error_set(err, out->kind, "%s", out->text);
}

int commands_stop(const struct host_settings *host, struct error *err)
{
	struct stopped end = {.result = -1};
	struct error why = ERROR_INIT;
	int ends[2];
	int result;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot run the stop command: pipe");
	child = fork();
	if (child == 0)
		stop_in_child(host, ends[1]);
	close(ends[1]);
	result = child < 0 ? error_errno(err, ERROR_SYSTEM, errno, "cannot run the stop command: fork")
			   : read_end(ends[0], &end, err);
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (result != 0)
		return -1;
	/* What the command says of itself does not count: an agent that is down already makes many of them fail. */
	result = control_wait_until_gone(host, end.status == 0 ? CONTROL_STOP_TIMEOUT_MS : 0, &why);
	if (result != 0)
		error_set(err, why.kind, "%s%s%s", why.text, end.text[0] != '\0' ? "; the stop command said: " : "",
			  end.text);
	return result;
}
