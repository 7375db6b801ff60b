/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session's table of states, its clock and its end.
 *
 * Invariants: (1) exactly one EXEC_CLOSED is queued, by ssh_close, and nothing after it. (2) Nothing of a request
 * leaves before its command was started (ssh_talk.c writes only in SSH_TALKING). (3) A request is written again only
 * after the shell said that there is no agentctl (ssh_job.c). (4) Every state has an end in time: deadline_ms until
 * agentctl runs, silence_timeout_ms from then on.
 */
#include "remote/ssh_session.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/resolve.h"

static const struct {
	const char *where;
	bool (*step)(struct ssh_session *session);
} states[] = {
	[SSH_RESOLVING] = {"while its name was being looked up", ssh_step_resolve},
	[SSH_CONNECTING] = {"while connecting", ssh_step_connect},
	[SSH_GREETING] = {"during the SSH key exchange", ssh_step_greet},
	[SSH_AUTHENTICATING] = {"during authentication", ssh_step_authenticate},
	[SSH_OPENING] = {"before %s was started", ssh_step_open},
	[SSH_STARTING] = {"before %s was started", ssh_step_start},
	[SSH_TALKING] = {"in the middle of %s", ssh_step_talk},
	[SSH_ENDING] = {"at the end of %s", ssh_step_end},
	[SSH_CLOSED] = {"at the end", NULL},
};

/* ---- words */

const char *ssh_where(const struct ssh_session *session, char *out, size_t size)
{
	static const char *const jobs[] = {
		[SSH_JOB_CARRY] = "carrying agentctl there",
		[SSH_JOB_VERIFY] = "looking at the agentctl that was carried there",
	};
	const char *job = session->job == SSH_JOB_AGENTCTL ? session->word : jobs[session->job];
	const char *pattern = states[session->state].where;
	const char *gap = strstr(pattern, "%s");
	if (gap == NULL)
		snprintf(out, size, "%s", pattern);
	else
		snprintf(out, size, "%.*s%s%s", (int)(gap - pattern), pattern, job, gap + 2);
	return out;
}

const char *ssh_reason(const struct ssh_session *session)
{
	char *text = NULL;
	if (session->ssh != NULL)
		libssh2_session_last_error(session->ssh, &text, NULL, 0);
	return text != NULL && text[0] != '\0' ? text : "no reason given";
}

bool ssh_fail(struct ssh_session *session, enum error_kind kind, const char *format, ...)
{
	struct error err = ERROR_INIT;
	char text[ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_set(&err, kind, "%s: %s", session->target.name, text);
	ssh_close(session, -1, &err);
	return false;
}

bool ssh_fail_lost(struct ssh_session *session)
{
	char where[80];
	return ssh_fail(session, ERROR_UNREACHABLE, "the connection to %s port %d was lost %s (%s)",
			session->target.address, session->target.port, ssh_where(session, where, sizeof(where)),
			ssh_reason(session));
}

/* ---- the clock */

/* The host is asked for a sign of life, but never between the halves of a packet. */
static void keep_alive(struct ssh_session *session, int64_t now)
{
	int64_t interval = session->shared->silence_timeout_ms / 3;
	int seconds;
	if (session->deadline_ms >= 0 || now - session->heard_ms < interval || now - session->keepalive_ms < interval ||
	    (libssh2_session_block_directions(session->ssh) & LIBSSH2_SESSION_BLOCK_OUTBOUND))
		return;
	session->keepalive_ms = now;
	libssh2_keepalive_send(session->ssh, &seconds);
}

static void check_time(struct ssh_session *session, int64_t now)
{
	char span[CLOCK_TEXT_MAX], where[80];
	int64_t silence = session->shared->silence_timeout_ms;
	ssh_where(session, where, sizeof(where));
	if (session->deadline_ms >= 0 && now >= session->deadline_ms)
		ssh_fail(session, ERROR_UNREACHABLE, "%s port %d did not answer in time (%s) %s",
			 session->target.address, session->target.port,
			 clock_format_span(session->shared->connect_timeout_ms, span), where);
	else if (session->deadline_ms < 0 && now - session->heard_ms >= silence)
		ssh_fail(session, ERROR_UNREACHABLE,
			 "%s port %d has not been heard for %s %s: the host or the network is down",
			 session->target.address, session->target.port, clock_format_span(silence, span), where);
}

static int64_t next_time(const struct ssh_session *session)
{
	int64_t interval = session->shared->silence_timeout_ms / 3;
	int64_t asked = session->keepalive_ms > session->heard_ms ? session->keepalive_ms : session->heard_ms;
	if (session->state == SSH_CONNECTING && session->address_deadline_ms < session->deadline_ms)
		return session->address_deadline_ms;
	return session->deadline_ms >= 0 ? session->deadline_ms : asked + interval;
}

static short wanted_events(const struct ssh_session *session)
{
	if (session->state == SSH_RESOLVING)
		return POLLIN;
	if (session->state == SSH_CONNECTING)
		return POLLOUT;
	int directions = libssh2_session_block_directions(session->ssh);
	/* Half a packet must leave first: until then nothing is read, and waiting for input would spin. */
	return directions & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : POLLIN;
}

/* ---- running */

/* Steps that always have more to do, such as a flood of output, let the others have their turn after so many. */
#define STEPS_PER_TURN 256

static void run(struct ssh_session *session)
{
	int steps = 0;
	while (session->state != SSH_CLOSED && steps < STEPS_PER_TURN && states[session->state].step(session))
		steps++;
	if (session->state != SSH_CLOSED && steps < STEPS_PER_TURN) {
		int64_t now = clock_monotonic_ms();
		keep_alive(session, now);
		check_time(session, now);
	}
	if (session->state == SSH_CLOSED)
		session->shared->ended(session->shared->ctx, session);
	else if (steps == STEPS_PER_TURN)
		loop_set(session->source, session->fd, 0, 0);
	else
		loop_set(session->source, session->fd, wanted_events(session), next_time(session));
}

static void ready(void *ctx, short revents)
{
	struct ssh_session *session = ctx;
	if (revents & (POLLIN | POLLOUT)) /* what had stalled goes on: that is life too */
		session->heard_ms = clock_monotonic_ms();
	run(session);
}

bool ssh_enter(struct ssh_session *session, enum ssh_state state)
{
	session->state = state;
	return true;
}

/* ---- beginning and end */

struct ssh_session *ssh_session_new(struct ssh_shared *shared, const struct transport_target *target, const char *word,
				    const void *input, size_t len)
{
	struct ssh_session *session = xcalloc(1, sizeof(*session));
	session->shared = shared;
	ssh_target_copy(&session->target, target);
	session->word = xstrdup(word);
	buffer_init(&session->input, SIZE_MAX / 2);
	buffer_append(&session->input, input, len);
	session->request_len = len;
	exec_output_init(&session->output);
	session->fd = -1;
	session->heard_ms = clock_monotonic_ms();
	session->deadline_ms = session->heard_ms + shared->connect_timeout_ms;
	session->source = loop_add(shared->loop, ready, session);
	loop_set(session->source, -1, 0, 0); /* from the loop, so that no event comes before its ID is known */
	return session;
}

void ssh_session_send(struct ssh_session *session, const char *text)
{
	buffer_puts(&session->input, text);
	if (session->state == SSH_TALKING)
		loop_set(session->source, session->fd, wanted_events(session), 0);
}

/* libssh2 would rather say "try again" than free a session it cannot take leave with: after the shutdown nothing it
 * sends can be put off. */
static void hang_up(struct ssh_session *session)
{
	if (session->agent != NULL) {
		libssh2_agent_disconnect(session->agent);
		libssh2_agent_free(session->agent);
	}
	if (session->state != SSH_RESOLVING && session->fd >= 0 && session->ssh != NULL) {
		libssh2_session_disconnect(session->ssh, "done");
		shutdown(session->fd, SHUT_RDWR);
	}
	if (session->channel != NULL) {
		for (int i = 0; i < 10 && libssh2_channel_free(session->channel) == LIBSSH2_ERROR_EAGAIN; i++)
			;
	}
	if (session->ssh != NULL) {
		for (int i = 0; i < 10 && libssh2_session_free(session->ssh) == LIBSSH2_ERROR_EAGAIN; i++)
			;
	}
	session->channel = NULL;
	session->agent = NULL;
	session->ssh = NULL;
	if (session->fd >= 0 && session->state == SSH_RESOLVING)
		resolve_cancel(session->fd);
	else if (session->fd >= 0)
		close(session->fd);
	session->fd = -1;
}

void ssh_close(struct ssh_session *session, int exit_status, const struct error *error)
{
	struct exec_event event = {
		.kind = EXEC_CLOSED,
		.exec = session->exec,
		.tag = session->tag,
		.text = buffer_text(&session->output.errors),
		.len = session->output.errors.len,
		.exit_status = error != NULL ? -1 : exit_status,
		/* Only AGENTCTL writes the request; before the last of its bytes had left nobody can have read it. */
		.delivered = session->job == SSH_JOB_AGENTCTL && session->state >= SSH_TALKING &&
			     session->written >= session->request_len,
	};
	if (error != NULL)
		event.error = *error;
	event_queue_put(&session->shared->events, &event);
	loop_set(session->source, -1, 0, 0); /* no longer the socket, which is closed next; run() sees to the end */
	hang_up(session);
	session->state = SSH_CLOSED;
}

void ssh_session_free(struct ssh_session *session)
{
	loop_remove(session->source);
	hang_up(session);
	if (session->addresses != NULL)
		freeaddrinfo(session->addresses);
	ssh_target_clear(&session->target);
	free(session->word);
	buffer_clear(&session->input);
	exec_output_clear(&session->output);
	free(session);
}
