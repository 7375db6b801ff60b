/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_SSH_SESSION_H
#define REMOTE_SSH_SESSION_H
/*
 * One SSH connection for one exec, as a state machine that never blocks (ssh_session.c has its table). What the files
 * ssh_*.c share; nobody else includes this.
 */
#include <libssh2.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "remote/event_queue.h"
#include "remote/exec_output.h"
#include "remote/known_hosts.h"
#include "remote/loop.h"
#include "remote/ssh_identity.h"
#include "remote/ssh_target.h"
#include "remote/transport.h"

struct ssh_session;

/* What all sessions of a transport use. */
struct ssh_shared {
	struct loop *loop;
	struct event_queue events;
	struct buffer agentctl; /* the file to carry */
	struct ssh_program program;
	int64_t connect_timeout_ms, silence_timeout_ms;
	struct known_hosts **known_hosts; /* one per file */
	size_t known_hosts_count;
	struct ssh_identity **identities; /* one per file */
	size_t identity_count;
	void (*ended)(void *ctx, struct ssh_session *session); /* its EXEC_CLOSED is queued: to be freed */
	void *ctx;
};
/* Read on first use; borrowed from shared. NULL on error. */
struct known_hosts *ssh_shared_known_hosts(struct ssh_shared *shared, const char *path, struct error *err);
const struct ssh_identity *ssh_shared_identity(struct ssh_shared *shared, const char *path, struct error *err);

enum ssh_state {
	SSH_RESOLVING,
	SSH_CONNECTING,
	SSH_GREETING, /* key exchange, then the host key is judged */
	SSH_AUTHENTICATING,
	SSH_OPENING,  /* a channel for the job */
	SSH_STARTING, /* its command */
	SSH_TALKING,
	SSH_ENDING, /* the command is over: its exit status */
	SSH_CLOSED,
};

/* Which of libssh2's calls left half a packet unsent: it must be the next one (libssh2 allows no other). */
enum ssh_unsent { SSH_UNSENT_NONE, SSH_UNSENT_INPUT, SSH_UNSENT_STDOUT, SSH_UNSENT_STDERR };

struct ssh_session {
	struct ssh_session *next; /* the transport's list */
	struct ssh_shared *shared;
	uint64_t exec, tag;
	struct ssh_target target;
	char *word;
	struct buffer input; /* the request, then what was sent after it */
	size_t request_len;

	enum ssh_state state;
	struct loop_source *source;
	int fd;                               /* of the lookup, then of the connection; -1: none */
	int64_t deadline_ms;                  /* of connecting, or of starting the job; -1: none */
	int64_t heard_ms;                     /* when the host was last heard */
	int64_t keepalive_ms;                 /* when it was last asked to answer */
	struct addrinfo *addresses, *address; /* all; the one being tried */
	int64_t address_deadline_ms;

	LIBSSH2_SESSION *ssh;
	bool greeting;        /* the key exchange has begun */
	LIBSSH2_AGENT *agent; /* the SSH agent, when there is no identity */
	struct libssh2_agent_publickey *agent_key;
	LIBSSH2_CHANNEL *channel;

	enum ssh_job job;
	bool carried;
	enum ssh_unsent unsent;
	size_t written;   /* bytes of the job's input that have left */
	bool input_ended; /* CARRY: the end of the file was said */
	struct exec_output output;
};

/* Copies everything. It starts when the loop runs. */
struct ssh_session *ssh_session_new(struct ssh_shared *shared, const struct transport_target *target, const char *word,
				    const void *input, size_t len);
void ssh_session_send(struct ssh_session *session, const char *text);
/* Hangs up; no event comes of it. */
void ssh_session_free(struct ssh_session *session);

/* ---- for the steps. A step does what it can and returns true to be called again at once (or for the next state to
 * be), false to wait for the socket or a deadline. */

/* Ends the session with an error whose text begins with the host's name. Returns false, for "return ssh_fail(…)". */
bool ssh_fail(struct ssh_session *session, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for an error that libssh2 has noted: the connection was lost. */
bool ssh_fail_lost(struct ssh_session *session);
/* Goes on with the next state. Returns true. */
bool ssh_enter(struct ssh_session *session, enum ssh_state state);
/* libssh2's own words for its last error; borrowed. */
const char *ssh_reason(const struct ssh_session *session);
/* "in the middle of apply", "while it was being authenticated": for messages. */
const char *ssh_where(const struct ssh_session *session, char *out, size_t size);
/* Ends the session with EXEC_CLOSED: error NULL when agentctl ended by itself. */
void ssh_close(struct ssh_session *session, int exit_status, const struct error *error);

bool ssh_step_resolve(struct ssh_session *session);      /* ssh_connect.c */
bool ssh_step_connect(struct ssh_session *session);      /* ssh_connect.c */
bool ssh_step_greet(struct ssh_session *session);        /* ssh_trust.c */
bool ssh_step_authenticate(struct ssh_session *session); /* ssh_trust.c */
bool ssh_step_open(struct ssh_session *session);         /* ssh_job.c */
bool ssh_step_start(struct ssh_session *session);        /* ssh_job.c */
bool ssh_step_talk(struct ssh_session *session);         /* ssh_talk.c */
bool ssh_step_end(struct ssh_session *session);          /* ssh_job.c */

/* Begins a job: its channel is opened next. Returns true. */
bool ssh_start_job(struct ssh_session *session, enum ssh_job job);

#endif
