/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/transport_ssh.h"

#include <libssh2.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "remote/ssh_session.h"

#define CONNECT_TIMEOUT_MS     20000
#define SILENCE_TIMEOUT_MS     30000
#define SILENCE_TIMEOUT_MIN_MS 6000 /* libssh2 asks for a sign of life every 2 s at most */
/* A static agentctl has 2 MB; with debug information ten times that. */
#define AGENTCTL_MAX           (64u << 20)

struct transport_ssh {
	struct transport base; /* first: a struct transport * points here */
	struct ssh_shared shared;
	struct ssh_session *sessions;
	uint64_t last_exec;
};

static struct transport_ssh *self_of(struct transport *transport)
{
	return (struct transport_ssh *)transport;
}

/* ---- what is shared */

struct known_hosts *ssh_shared_known_hosts(struct ssh_shared *shared, const char *path, struct error *err)
{
	size_t i = 0;
	while (i < shared->known_hosts_count && strcmp(known_hosts_path(shared->known_hosts[i]), path) != 0)
		i++;
	if (i == shared->known_hosts_count) {
		shared->known_hosts = xreallocarray(shared->known_hosts, i + 1, sizeof(struct known_hosts *));
		shared->known_hosts[shared->known_hosts_count++] = known_hosts_new(path);
	}
	return known_hosts_refresh(shared->known_hosts[i], err) == 0 ? shared->known_hosts[i] : NULL;
}

const struct ssh_identity *ssh_shared_identity(struct ssh_shared *shared, const char *path, struct error *err)
{
	for (size_t i = 0; i < shared->identity_count; i++) {
		if (strcmp(shared->identities[i]->path, path) == 0)
			return shared->identities[i];
	}
	struct ssh_identity *identity = ssh_identity_read(path, err);
	if (identity == NULL)
		return NULL;
	shared->identities = xreallocarray(shared->identities, shared->identity_count + 1,
					   sizeof(struct ssh_identity *));
	shared->identities[shared->identity_count++] = identity;
	return identity;
}

static void shared_clear(struct ssh_shared *shared)
{
	for (size_t i = 0; i < shared->known_hosts_count; i++)
		known_hosts_free(shared->known_hosts[i]);
	for (size_t i = 0; i < shared->identity_count; i++)
		ssh_identity_free(shared->identities[i]);
	free(shared->known_hosts);
	free(shared->identities);
	event_queue_clear(&shared->events);
	buffer_clear(&shared->agentctl);
}

/* ---- sessions */

static void session_ended(void *ctx, struct ssh_session *session)
{
	struct transport_ssh *self = ctx;
	struct ssh_session **link = &self->sessions;
	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	ssh_session_free(session);
}

static struct ssh_session *find(const struct transport_ssh *self, uint64_t exec)
{
	struct ssh_session *session = self->sessions;
	while (session != NULL && session->exec != exec)
		session = session->next;
	return session;
}

static uint64_t ssh_exec(struct transport *transport, const struct transport_target *target, const char *word,
			 const void *input, size_t len, uint64_t tag)
{
	struct transport_ssh *self = self_of(transport);
	struct error err = ERROR_INIT;
	struct ssh_session *session = ssh_session_new(&self->shared, target, word, input, len);
	session->exec = ++self->last_exec;
	session->tag = tag;
	session->next = self->sessions;
	self->sessions = session;
	if (ssh_target_check(target, word, &err) < 0)
		ssh_fail(session, err.kind, "%s", err.text);
	return self->last_exec;
}

static void ssh_send(struct transport *transport, uint64_t exec, const char *text)
{
	struct ssh_session *session = find(self_of(transport), exec);
	if (session != NULL)
		ssh_session_send(session, text);
}

static void ssh_cancel(struct transport *transport, uint64_t exec)
{
	struct transport_ssh *self = self_of(transport);
	struct ssh_session *session = find(self, exec);
	event_queue_drop(&self->shared.events, exec);
	if (session != NULL)
		session_ended(self, session);
}

static bool ssh_next(struct transport *transport, struct exec_event *event)
{
	return event_queue_take(&self_of(transport)->shared.events, event);
}

static void ssh_free(struct transport *transport)
{
	struct transport_ssh *self = self_of(transport);
	while (self->sessions != NULL)
		session_ended(self, self->sessions);
	shared_clear(&self->shared);
	libssh2_exit();
	free(self);
}

static const struct transport_ops ssh_ops = {
	.name = "ssh",
	.exec = ssh_exec,
	.send = ssh_send,
	.cancel = ssh_cancel,
	.next = ssh_next,
	.free = ssh_free,
};

struct transport *transport_ssh_new(struct loop *loop, const struct ssh_transport_options *options, struct error *err)
{
	struct buffer agentctl = BUFFER_INIT(AGENTCTL_MAX);
	if (file_read(options->agentctl, &agentctl, err) < 0) {
		buffer_clear(&agentctl);
		error_prefix(err, "the agentctl that hosts are to get");
		return NULL;
	}
	if (libssh2_init(0) != 0) {
		buffer_clear(&agentctl);
		error_set(err, ERROR_SYSTEM, "libssh2 could not be set up");
		return NULL;
	}
	struct transport_ssh *self = xcalloc(1, sizeof(*self));
	struct ssh_shared *shared = &self->shared;
	int64_t silence = options->silence_timeout_ms;
	self->base.ops = &ssh_ops;
	shared->loop = loop;
	shared->agentctl = agentctl;
	digest_hex(agentctl.data, agentctl.len, shared->program.hash);
	shared->program.size = agentctl.len;
	shared->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	shared->silence_timeout_ms = silence <= 0 ? SILENCE_TIMEOUT_MS : silence;
	if (shared->silence_timeout_ms < SILENCE_TIMEOUT_MIN_MS)
		shared->silence_timeout_ms = SILENCE_TIMEOUT_MIN_MS;
	shared->ended = session_ended;
	shared->ctx = self;
	return &self->base;
}
