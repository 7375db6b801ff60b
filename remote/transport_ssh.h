/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_TRANSPORT_SSH_H
#define REMOTE_TRANSPORT_SSH_H
/*
 * The transport over SSH (libssh2, non-blocking): one connection per exec.
 *
 * agentctl lies on a host as <directory>/agentctl-<SHA-256 of the file>; when it is not there yet it is carried there
 * over the same connection, once, and asked for its hash before it is used.
 *
 * Hosts whose only keys are RSA, or that insist on ciphers and MACs that libssh2 1.10 does not know, cannot be reached
 * this way; the error says so.
 */
#include <stdint.h>

#include "base/error.h"
#include "remote/loop.h"
#include "remote/transport.h"

struct ssh_transport_options {
	const char *agentctl; /* the file to carry; read and hashed once, by transport_ssh_new */
	/* From the start until authenticated, and from there until agentctl runs. 0: 20 s, a few times what a host
	 * under load needs. */
	int64_t connect_timeout_ms;
	/* A host that lets nothing be heard for so long is gone (it is asked to answer every third of it). 0: 30 s, at
	 * least 6 s. */
	int64_t silence_timeout_ms;
};

/* loop is borrowed for the transport's life, options during the call. */
struct transport *transport_ssh_new(struct loop *loop, const struct ssh_transport_options *options, struct error *err);

#endif
