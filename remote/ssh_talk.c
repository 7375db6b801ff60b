/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation on a channel. libssh2 wants a packet of which only a part could be sent to be the very next thing
 * it sends, and reading sends too (window adjustments): so the call that was cut short is always the first to be made
 * again.
 */
#include "remote/ssh_session.h"

#define CHUNK 32768 /* the largest packet of an SSH channel */

enum talk { TALK_IDLE, TALK_MORE, TALK_CUT_SHORT, TALK_OVER };

static enum talk would_block(struct ssh_session *session, enum ssh_unsent call)
{
	if (!(libssh2_session_block_directions(session->ssh) & LIBSSH2_SESSION_BLOCK_OUTBOUND))
		return TALK_IDLE;
	session->unsent = call;
	return TALK_CUT_SHORT;
}

/* ---- our side */

struct span {
	const char *data;
	size_t len;
};

static struct span input_of(const struct ssh_session *session)
{
	const struct buffer *all = &session->input;
	if (session->job == SSH_JOB_VERIFY)
		return (struct span){.data = "", .len = 0};
	if (session->job == SSH_JOB_CARRY)
		all = &session->shared->agentctl;
	return (struct span){.data = buffer_text(all) + session->written, .len = all->len - session->written};
}

static enum talk end_input(struct ssh_session *session)
{
	int code = libssh2_channel_send_eof(session->channel);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return would_block(session, SSH_UNSENT_INPUT);
	session->input_ended = true;
	return TALK_IDLE;
}

static enum talk write_some(struct ssh_session *session)
{
	struct span input = input_of(session);
	if (input.len == 0)
		return session->job == SSH_JOB_CARRY && !session->input_ended ? end_input(session) : TALK_IDLE;
	ssize_t n = libssh2_channel_write(session->channel, input.data, input.len < CHUNK ? input.len : CHUNK);
	if (n == LIBSSH2_ERROR_EAGAIN)
		return would_block(session, SSH_UNSENT_INPUT);
	if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		return TALK_IDLE; /* the other side has ended: its exit status says more */
	if (n < 0) {
		ssh_fail_lost(session);
		return TALK_OVER;
	}
	session->written += (size_t)n;
	return TALK_MORE;
}

/* ---- their side */

static struct exec_event exec_of(const struct ssh_session *session)
{
	return (struct exec_event){.exec = session->exec, .tag = session->tag};
}

static int take_output(struct ssh_session *session, const char *data, size_t len, struct error *err)
{
	const struct exec_event exec = exec_of(session);
	if (session->job == SSH_JOB_AGENTCTL)
		return exec_output_lines(&session->output, &session->shared->events, &exec, session->word, data, len,
					 err);
	exec_output_collect(&session->output, data, len);
	return 0;
}

static enum talk read_some(struct ssh_session *session, enum ssh_unsent call)
{
	char data[CHUNK];
	bool errors = call == SSH_UNSENT_STDERR;
	ssize_t n = libssh2_channel_read_ex(session->channel, errors ? SSH_EXTENDED_DATA_STDERR : 0, data,
					    sizeof(data));
	if (n == LIBSSH2_ERROR_EAGAIN)
		return would_block(session, call);
	if (n < 0) {
		ssh_fail_lost(session);
		return TALK_OVER;
	}
	struct error err = ERROR_INIT;
	if (errors)
		exec_output_errors(&session->output, data, (size_t)n);
	else if (n > 0 && take_output(session, data, (size_t)n, &err) < 0) {
		ssh_fail(session, err.kind, "%s", err.text);
		return TALK_OVER;
	}
	return n > 0 ? TALK_MORE : TALK_IDLE;
}

static enum talk make_call(struct ssh_session *session, enum ssh_unsent call)
{
	return call == SSH_UNSENT_INPUT ? write_some(session) : read_some(session, call);
}

/* True: the other side said that nothing more will come. */
static bool finish_talking(struct ssh_session *session)
{
	if (!libssh2_channel_eof(session->channel))
		return false;
	const struct exec_event exec = exec_of(session);
	if (session->job == SSH_JOB_AGENTCTL)
		exec_output_end(&session->output, &session->shared->events, &exec);
	return ssh_enter(session, SSH_ENDING);
}

bool ssh_step_talk(struct ssh_session *session)
{
	static const enum ssh_unsent calls[] = {SSH_UNSENT_INPUT, SSH_UNSENT_STDOUT, SSH_UNSENT_STDERR};
	enum ssh_unsent first = session->unsent;
	bool more = false;
	session->unsent = SSH_UNSENT_NONE;
	for (size_t i = 0; i < 3; i++) {
		if (first != SSH_UNSENT_NONE && calls[i] != first)
			continue;
		first = SSH_UNSENT_NONE;
		enum talk result = make_call(session, calls[i]);
		if (result == TALK_OVER || result == TALK_CUT_SHORT)
			return false;
		more = more || result == TALK_MORE;
	}
	return more || finish_talking(session);
}
