/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_TRANSPORT_SIMULATED_H
#define REMOTE_TRANSPORT_SIMULATED_H
/*
 * A transport to hosts that live in this process. No time, no threads, no sockets, no randomness: the same calls in the
 * same order give the same events in the same order.
 *
 * What rollcall does (exec, send, cancel, or freeing the transport, which is what a crash of rollcall looks like from
 * a host) reaches the simulated host at once through simulated_hosts. What a host does it says with
 * transport_simulated_connected/line/closed, from inside those calls or whenever its time has come; those
 * events wait in one queue until transport_next takes them.
 *
 * A host that speaks to an exec that is over or was cancelled gets -1 and nothing happens: that is what writing into a
 * closed connection is.
 */
#include "base/error.h"
#include "remote/transport.h"

struct simulated_exec {
	uint64_t exec;
	const struct transport_target *target; /* borrowed during the call */
	const char *word;
	const void *input;
	size_t len;
};

struct simulated_hosts {
	void (*exec)(void *ctx, const struct simulated_exec *exec);
	void (*received)(void *ctx, uint64_t exec, const char *text); /* transport_send */
	void (*hung_up)(void *ctx, uint64_t exec); /* cancelled, or the transport was freed while the exec was open */
};

/* hosts and ctx are borrowed for the transport's life. */
struct transport *transport_simulated_new(const struct simulated_hosts *hosts, void *ctx);

/* Texts are copied. host_key and end_of_stderr may be NULL (""). error NULL: the exec ended by itself with
 * exit_status; else it was lost and exit_status is -1. */
int transport_simulated_connected(struct transport *transport, uint64_t exec, const char *host_key);
int transport_simulated_line(struct transport *transport, uint64_t exec, const char *text);

struct simulated_close {
	int exit_status;
	bool delivered;
	const struct error *error;
	const char *end_of_stderr;
};
int transport_simulated_closed(struct transport *transport, uint64_t exec, const struct simulated_close *close);

/* Execs that are open: started, and neither closed by their host nor cancelled. */
size_t transport_simulated_open(const struct transport *transport);

#endif
