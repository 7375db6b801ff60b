/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/transport_openssh.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "remote/openssh_exec.h"

#define CONNECT_TIMEOUT_MS 20000
#define SILENCE_TIMEOUT_MS 30000
#define AGENTCTL_MAX       (64u << 20)

struct transport_openssh {
	struct transport base; /* first: a struct transport * points here */
	struct openssh_shared shared;
	struct openssh_exec *execs;
	uint64_t last_exec;
};

static struct transport_openssh *self_of(struct transport *transport)
{
	return (struct transport_openssh *)transport;
}

static void exec_ended(void *ctx, struct openssh_exec *exec)
{
	struct transport_openssh *self = ctx;
	struct openssh_exec **link = &self->execs;
	while (*link != exec)
		link = &(*link)->next;
	*link = exec->next;
	openssh_exec_free(exec);
}

static struct openssh_exec *find(const struct transport_openssh *self, uint64_t id)
{
	struct openssh_exec *exec = self->execs;
	while (exec != NULL && exec->exec != id)
		exec = exec->next;
	return exec;
}

/* ssh would take these for something else than a host, a user or a path. */
static int check_words(const struct transport_target *target, struct error *err)
{
	static const char *const quotes = "\"\n\r";
	if (target->address[0] == '-' || strpbrk(target->address, " \t\n\"'@/") != NULL)
		return error_set(err, ERROR_USAGE, "\"%s\" is no address", target->address);
	if (target->user[0] == '-' || strpbrk(target->user, " \t\n\"'`$&|;<>()\\") != NULL)
		return error_set(err, ERROR_USAGE, "\"%s\" is no SSH user", target->user);
	if (strpbrk(target->known_hosts, quotes) != NULL ||
	    (target->identity != NULL && strpbrk(target->identity, quotes) != NULL))
		return error_set(err, ERROR_USAGE, "paths with quotes or line ends in them cannot be given to ssh");
	return 0;
}

static uint64_t openssh_start(struct transport *transport, const struct transport_target *target, const char *word,
			      const void *input, size_t len, uint64_t tag)
{
	struct transport_openssh *self = self_of(transport);
	struct error err = ERROR_INIT;
	struct openssh_exec *exec = openssh_exec_new(&self->shared, target, word, input, len);
	exec->exec = ++self->last_exec;
	exec->tag = tag;
	exec->next = self->execs;
	self->execs = exec;
	if (ssh_target_check(target, word, &err) < 0 || check_words(target, &err) < 0)
		openssh_exec_fail(exec, err.kind, "%s", err.text);
	return self->last_exec;
}

static void openssh_send(struct transport *transport, uint64_t id, const char *text)
{
	struct openssh_exec *exec = find(self_of(transport), id);
	if (exec != NULL)
		openssh_exec_send(exec, text);
}

static void openssh_cancel(struct transport *transport, uint64_t id)
{
	struct transport_openssh *self = self_of(transport);
	struct openssh_exec *exec = find(self, id);
	event_queue_drop(&self->shared.events, id);
	if (exec != NULL)
		exec_ended(self, exec);
}

static bool openssh_next(struct transport *transport, struct exec_event *event)
{
	return event_queue_take(&self_of(transport)->shared.events, event);
}

static void openssh_free(struct transport *transport)
{
	struct transport_openssh *self = self_of(transport);
	while (self->execs != NULL)
		exec_ended(self, self->execs);
	event_queue_clear(&self->shared.events);
	buffer_clear(&self->shared.agentctl);
	free(self->shared.client);
	free(self);
}

static const struct transport_ops openssh_ops = {
	.name = "openssh",
	.exec = openssh_start,
	.send = openssh_send,
	.cancel = openssh_cancel,
	.next = openssh_next,
	.free = openssh_free,
};

/* The first `ssh` in PATH that can be run. The caller's. */
static char *find_client(void)
{
	const char *path = getenv("PATH");
	if (path == NULL || path[0] == '\0')
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path != '\0') {
		size_t len = strcspn(path, ":");
		char *candidate = xasprintf("%.*s/ssh", (int)len, path);
		if (candidate[0] == '/' && access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
		path += len + (path[len] == ':');
	}
	return NULL;
}

struct transport *transport_openssh_new(struct loop *loop, const struct ssh_transport_options *options,
					struct error *err)
{
	struct buffer agentctl = BUFFER_INIT(AGENTCTL_MAX);
	char *client = find_client();
	if (client == NULL) {
		error_set(err, ERROR_UNREACHABLE,
			  "there is no ssh in PATH: install OpenSSH's client, or leave ssh.transport at \"libssh2\"");
		return NULL;
	}
	if (file_read(options->agentctl, &agentctl, err) < 0) {
		free(client);
		buffer_clear(&agentctl);
		error_prefix(err, "the agentctl that hosts are to get");
		return NULL;
	}
	struct transport_openssh *self = xcalloc(1, sizeof(*self));
	struct openssh_shared *shared = &self->shared;
	self->base.ops = &openssh_ops;
	shared->loop = loop;
	shared->client = client;
	shared->agentctl = agentctl;
	shared->program.size = agentctl.len;
	digest_hex(agentctl.data, agentctl.len, shared->program.hash);
	shared->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	shared->silence_timeout_ms = options->silence_timeout_ms > 0 ? options->silence_timeout_ms : SILENCE_TIMEOUT_MS;
	shared->ended = exec_ended;
	shared->ctx = self;
	return &self->base;
}
