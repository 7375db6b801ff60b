/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_TRANSPORT_OPENSSH_H
#define REMOTE_TRANSPORT_OPENSSH_H
/*
 * The transport over OpenSSH's own client: a process `ssh HOST …` for each exec, on pipes. For hosts that libssh2 1.10
 * cannot talk to (RSA keys, EtM MACs, GCM and ChaCha ciphers), and for those that are reached by what stands in the
 * operator's ssh_config (jump hosts, certificates, hardware keys). It costs a process and some 10 ms of CPU per exec.
 *
 * Host keys are checked against the target's known_hosts and nothing else; nothing is ever asked on a terminal. Several
 * execs follow one another where agentctl is not there yet: it is carried and verified as in transport_ssh.h.
 */
#include "base/error.h"
#include "remote/loop.h"
#include "remote/transport.h"
#include "remote/transport_ssh.h"

/* The same options; loop is borrowed for the transport's life. ERROR_UNREACHABLE when there is no `ssh` in PATH. */
struct transport *transport_openssh_new(struct loop *loop, const struct ssh_transport_options *options,
					struct error *err);

#endif
