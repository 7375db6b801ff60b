/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on the channel: agentctl, or, when the shell says that there is none, the script that puts it there.
 *
 *   AGENTCTL → (126 or 127, and not a byte on stdout) → CARRY → VERIFY → AGENTCTL
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/ssh_session.h"

bool ssh_start_job(struct ssh_session *session, enum ssh_job job)
{
	session->job = job;
	session->deadline_ms = clock_monotonic_ms() + session->shared->connect_timeout_ms;
	session->unsent = SSH_UNSENT_NONE;
	session->written = 0;
	session->input_ended = false;
	exec_output_reset(&session->output);
	return ssh_enter(session, SSH_OPENING);
}

bool ssh_step_open(struct ssh_session *session)
{
	session->channel = libssh2_channel_open_session(session->ssh);
	if (session->channel != NULL)
		return ssh_enter(session, SSH_STARTING);
	if (libssh2_session_last_errno(session->ssh) == LIBSSH2_ERROR_EAGAIN)
		return false;
	return ssh_fail_lost(session);
}

bool ssh_step_start(struct ssh_session *session)
{
	char *command = ssh_command_line(session->job, &session->target, &session->shared->program, session->word);
	int code = libssh2_channel_exec(session->channel, command);
	free(command);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		return ssh_fail(session, ERROR_UNREACHABLE, "%s port %d does not let user %s run commands",
				session->target.address, session->target.port, session->target.user);
	if (code != 0)
		return ssh_fail_lost(session);
	session->deadline_ms = -1; /* from here on the silence counts */
	session->heard_ms = clock_monotonic_ms();
	return ssh_enter(session, SSH_TALKING);
}

/* ---- the end of a job */

static bool carry_failed(struct ssh_session *session, const char *what)
{
	const char *errors = buffer_text(&session->output.errors);
	int len = (int)strcspn(errors, "\r\n");
	return ssh_fail(session, ERROR_UNREACHABLE, "agentctl could not be carried to %s:%s: %s%s%.*s",
			session->target.address, session->target.directory, what, len > 0 ? ": " : "",
			len > 300 ? 300 : len, errors);
}

static bool agentctl_ended(struct ssh_session *session, int status)
{
	if (!ssh_agentctl_is_missing(status, session->output.spoke)) {
		ssh_close(session, status, NULL);
		return false;
	}
	session->written = 0; /* the shell read it, if anyone: nothing was delivered */
	if (session->carried)
		return carry_failed(session, "it is there, but the host cannot run it");
	session->carried = true;
	return ssh_start_job(session, SSH_JOB_CARRY);
}

static bool job_ended(struct ssh_session *session, int status)
{
	if (session->job == SSH_JOB_AGENTCTL)
		return agentctl_ended(session, status);
	if (status != 0 && session->job == SSH_JOB_CARRY)
		return carry_failed(session, "the host could not write it");
	if (session->job == SSH_JOB_CARRY)
		return ssh_start_job(session, SSH_JOB_VERIFY);
	if (status != 0)
		return carry_failed(session, "it is there, but the host cannot run it");
	if (strstr(buffer_text(&session->output.line), session->shared->program.hash) == NULL)
		return carry_failed(session, "what runs there is not what was carried");
	return ssh_start_job(session, SSH_JOB_AGENTCTL);
}

/* True when a signal ended it; then the session is over. */
static bool ended_by_signal(struct ssh_session *session)
{
	char *name = NULL;
	libssh2_channel_get_exit_signal(session->channel, &name, NULL, NULL, NULL, NULL, NULL);
	if (name == NULL)
		return false;
	char *signal = xstrdup(name);
	libssh2_free(session->ssh, name);
	ssh_fail(session, ERROR_UNREACHABLE, "signal %s ended agentctl %s", signal,
		 session->job == SSH_JOB_AGENTCTL ? session->word : "while it was being carried there");
	free(signal);
	return true;
}

bool ssh_step_end(struct ssh_session *session)
{
	int code = libssh2_channel_wait_closed(session->channel);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (code != 0)
		return ssh_fail_lost(session);
	if (ended_by_signal(session))
		return false;
	int status = libssh2_channel_get_exit_status(session->channel);
	code = libssh2_channel_free(session->channel);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return false;
	session->channel = NULL;
	return job_ended(session, status);
}
