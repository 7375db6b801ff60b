/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_TRANSPORT_H
#define REMOTE_TRANSPORT_H
/*
 * Running agentctl on hosts. One struct of operations; libssh2 behind one of them (transport_ssh.h), a simulated one as
 * its peer (transport_simulated.h).
 *
 * An exec carries agentctl to the host when it is not there yet (by content hash), starts `agentctl WORD` with the
 * given bytes on its stdin, and then gives events until EXEC_CLOSED, which is always the last one. WORD is a constant
 * of ours; no data ever becomes part of a command line.
 *
 *   id = transport_exec(t, &target, "apply", bytes, len, tag)
 *   while (transport_next(t, &event)) …   lines as they come
 *   transport_send(t, id, "keep\n")
 *
 * Nothing here blocks: waiting is done by the loop (remote/loop.h) that the transport is made on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Strings are borrowed during transport_exec only. */
struct transport_target {
	const char *name;    /* for messages */
	const char *address; /* literal IP or host name */
	int port;            /* 0: 22 */
	const char *user;
	const char *identity;    /* private key file; NULL: the keys the SSH agent offers */
	const char *known_hosts; /* file; unknown or changed host keys are refused */
	bool become;             /* sudo -n */
	const char *directory;   /* where agentctl lies on the host: absolute, [A-Za-z0-9._/-] only */
};

enum exec_event_kind {
	EXEC_CONNECTED, /* authenticated; host_key is set */
	EXEC_LINE,      /* one line of stdout, without the newline */
	EXEC_CLOSED,    /* over: exit_status >= 0 when it ended by itself; else -1 and error says what was lost */
};

struct exec_event {
	enum exec_event_kind kind;
	uint64_t exec;
	uint64_t tag;
	/* LINE: the line; CONNECTED: "SHA256:…" of the host key; CLOSED: the end of stderr (EXEC_STDERR_MAX bytes at
	 * most). NUL-terminated, borrowed until the next call of transport_next. */
	const char *text;
	size_t len;
	int exit_status;
	/* CLOSED: true unless agentctl certainly never got the whole of its request; only with false may the same
	 * request be sent again without asking the host first. */
	bool delivered;
	struct error error;
};

/* Enough for a stack of messages; a broken agentctl must not fill the memory. */
#define EXEC_STDERR_MAX 2048

struct transport;

struct transport_ops {
	const char *name;
	uint64_t (*exec)(struct transport *transport, const struct transport_target *target, const char *word,
			 const void *input, size_t len, uint64_t tag);
	void (*send)(struct transport *transport, uint64_t exec, const char *text);
	void (*cancel)(struct transport *transport, uint64_t exec); /* no further events for it */
	bool (*next)(struct transport *transport, struct exec_event *event);
	void (*free)(struct transport *transport);
};

/* The first member of every implementation. */
struct transport {
	const struct transport_ops *ops;
};

/* Failures to start come back as an EXEC_CLOSED event like every other: one way for a host to fail. input is copied.
 * Kinds of error: ERROR_REFUSED (the host key is not the known one), ERROR_UNREACHABLE (no connection, no
 * authentication, lost on the way), ERROR_CORRUPT (a line longer than ANSWER_LINE_MAX), ERROR_USAGE (a bad target). */
uint64_t transport_exec(struct transport *transport, const struct transport_target *target, const char *word,
			const void *input, size_t len, uint64_t tag);
/* More for stdin, after the input; nothing happens when the exec is over. */
void transport_send(struct transport *transport, uint64_t exec, const char *text);
void transport_cancel(struct transport *transport, uint64_t exec);
bool transport_next(struct transport *transport, struct exec_event *event);
/* Hangs up on every exec; NULL is fine. */
void transport_free(struct transport *transport);

#endif
