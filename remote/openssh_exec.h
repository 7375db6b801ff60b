/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_OPENSSH_EXEC_H
#define REMOTE_OPENSSH_EXEC_H
/*
 * One exec over OpenSSH's client: its processes, one after the other, as a state machine that never blocks. What the
 * files openssh_*.c share; nobody else includes this.
 *
 * ssh writes its own words to a pipe beside the program's stderr (-E, at the level where it names the host key, says when
 * it has sent the command and with what the command ended), so that nothing a host writes can be taken for them.
 */
#include <sys/types.h>

#include "base/buffer.h"
#include "remote/event_queue.h"
#include "remote/exec_output.h"
#include "remote/loop.h"
#include "remote/ssh_target.h"

struct openssh_exec;

/* What all execs of a transport use. */
struct openssh_shared {
	struct loop *loop;
	struct event_queue events;
	struct buffer agentctl; /* the file to carry */
	struct ssh_program program;
	char *client; /* the path of ssh */
	int64_t connect_timeout_ms, silence_timeout_ms;
	void (*ended)(void *ctx, struct openssh_exec *exec); /* its EXEC_CLOSED is queued: to be freed */
	void *ctx;
};

/* The pipes of a process, and the process itself. */
enum openssh_pipe { PIPE_IN, PIPE_OUT, PIPE_ERRORS, PIPE_LOG, PIPE_PROCESS, PIPE_COUNT };

struct openssh_pipe_end {
	struct openssh_exec *exec;
	int fd; /* -1: over */
	struct loop_source *source;
};

/* What ssh has said of itself so far; about one process. */
struct openssh_said {
	struct buffer line; /* behind the last newline */
	char host_key[128]; /* "SHA256:…"; "" before */
	bool authenticated;
	bool started;        /* the command was sent */
	int exit_status;     /* of the command; -1: not known */
	bool signalled;      /* a signal ended the command */
	char complaint[400]; /* its last line that is no mere news */
};
/* Takes what came from the log's pipe. */
void openssh_said_add(struct openssh_said *said, const char *data, size_t len);

struct openssh_exec {
	struct openssh_exec *next; /* the transport's list */
	struct openssh_shared *shared;
	uint64_t exec, tag;
	struct ssh_target target;
	char *word;
	struct buffer input; /* the request, then what was sent after it */
	size_t request_len;

	enum ssh_job job;
	bool carried, told_connected, closed;
	size_t written; /* of the job's input */
	pid_t pid;      /* 0: none */
	struct openssh_pipe_end ends[PIPE_COUNT];
	int log_end; /* the log pipe's end for writing, which ssh opens anew; -1: none */
	struct loop_source *timer;
	struct openssh_said said;
	struct exec_output output;
};

/* Copies everything. It starts when the loop runs. */
struct openssh_exec *openssh_exec_new(struct openssh_shared *shared, const struct transport_target *target,
				      const char *word, const void *input, size_t len);
void openssh_exec_send(struct openssh_exec *exec, const char *text);
/* Ends its process; no event comes of it. */
void openssh_exec_free(struct openssh_exec *exec);
/* Ends it with EXEC_CLOSED: error NULL when agentctl ended by itself. */
void openssh_exec_close(struct openssh_exec *exec, int exit_status, const struct error *error);
/* The same with an error whose text begins with the host's name. */
void openssh_exec_fail(struct openssh_exec *exec, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* openssh_process.c */
/* Starts the job's process and watches its pipes with ready. ERROR_SYSTEM. */
int openssh_process_start(struct openssh_exec *exec, void (*ready)(void *ctx, short revents), struct error *err);
/* Closes its pipes and, if it still runs, ends it. The wait status of one that has ended by itself, else -1. */
int openssh_process_end(struct openssh_exec *exec);
void openssh_pipe_close(struct openssh_pipe_end *end);

#endif
