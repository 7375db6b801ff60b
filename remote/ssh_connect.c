/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to a connected socket: every address of the host is tried until one answers. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "remote/resolve.h"
#include "remote/ssh_session.h"

bool ssh_step_resolve(struct ssh_session *session)
{
	struct error err = ERROR_INIT;
	struct addrinfo *list = NULL;
	const char *host = session->target.address;
	if (session->fd < 0) {
		session->fd = resolve_start(host, session->target.port, &err);
		return session->fd >= 0 ? false : ssh_fail(session, err.kind, "%s", err.text);
	}
	struct pollfd answered = {.fd = session->fd, .events = POLLIN};
	if (poll(&answered, 1, 0) == 0)
		return false;
	int fd = session->fd;
	session->fd = -1;
	if (resolve_finish(fd, host, &list, &err) < 0)
		return ssh_fail(session, err.kind, "%s", err.text);
	session->addresses = session->address = list;
	return ssh_enter(session, SSH_CONNECTING);
}

static int set_up_socket(int fd)
{
	int one = 1;
	/* Before the handshake: its many small packets would each wait for an acknowledgement. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

/* Each of the remaining addresses gets an equal share of the remaining time. */
static int64_t address_deadline(const struct ssh_session *session)
{
	int64_t now = clock_monotonic_ms();
	int64_t count = 0;
	for (const struct addrinfo *address = session->address; address != NULL; address = address->ai_next)
		count++;
	return count > 0 ? now + (session->deadline_ms - now) / count : now;
}

static int start_connecting(struct ssh_session *session)
{
	const struct addrinfo *address = session->address;
	session->address_deadline_ms = address_deadline(session);
	session->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (session->fd < 0)
		return errno;
	if (set_up_socket(session->fd) < 0)
		return errno;
	if (connect(session->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		return errno;
	return 0;
}

/* 0 when connected, EINPROGRESS when not yet, else what went wrong. */
static int connection_error(const struct ssh_session *session)
{
	int error = 0;
	socklen_t len = sizeof(error);
	struct pollfd connected = {.fd = session->fd, .events = POLLOUT};
	if (poll(&connected, 1, 0) == 0)
		return clock_monotonic_ms() >= session->address_deadline_ms ? ETIMEDOUT : EINPROGRESS;
	getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static bool next_address(struct ssh_session *session, int error)
{
	if (session->fd >= 0) {
		loop_set(session->source, -1, 0, -1);
		close(session->fd);
		session->fd = -1;
	}
	session->address = session->address->ai_next;
	if (session->address != NULL)
		return true;
	return ssh_fail(session, ERROR_UNREACHABLE, "no connection to %s port %d: %s%s", session->target.address,
			session->target.port, strerror(error),
			error == ECONNREFUSED ? " (is its SSH server running?)" : "");
}

static bool start_ssh(struct ssh_session *session)
{
	session->ssh = libssh2_session_init();
	if (session->ssh == NULL)
		return ssh_fail(session, ERROR_SYSTEM, "libssh2 could not make a session");
	libssh2_session_set_blocking(session->ssh, 0);
	libssh2_keepalive_config(session->ssh, 1, 2); /* when to ask is decided in ssh_session.c */
	return ssh_enter(session, SSH_GREETING);
}

bool ssh_step_connect(struct ssh_session *session)
{
	int error = session->fd < 0 ? start_connecting(session) : 0;
	if (error == 0)
		error = connection_error(session);
	if (error == EINPROGRESS)
		return false;
	return error == 0 ? start_ssh(session) : next_address(session, error);
}
