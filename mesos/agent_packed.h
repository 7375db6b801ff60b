/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_AGENT_PACKED_H
#define MESOS_AGENT_PACKED_H
/*
 * An agent in the form in which it is stored: its SlaveInfo and its resources in protobuf, everything else as plain values. Made from a
 * view, or straight from the bytes of a GET_AGENTS answer, which costs a tenth; both give the same bytes for the same agent.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "mesos/agent.h"

/* Borrowed bytes, not terminated; data NULL: there are none. */
struct bytes {
	const char *data;
	size_t len;
};

struct agent_packed {
	struct bytes id, hostname, ip, version;
	int port;
	bool active, deactivated, attributes_complete;
	int64_t registered_ns, reregistered_ns;
	struct bytes region, zone; /* absent without domain */
	struct bytes info;         /* SlaveInfo */
	struct bytes total, used;  /* a SlaveInfo that holds nothing but the resources */
};

/* The memory behind one packed agent after the other. */
struct agent_packer {
	struct buffer info, total, used;
};
void agent_packer_init(struct agent_packer *packer);
void agent_packer_clear(struct agent_packer *packer);

/* *out borrows from view, which has an info, and from the packer, until the next agent. */
void agent_pack(struct agent_packer *packer, const struct agent_view *view, struct agent_packed *out);

/* data: an Agent of GET_AGENTS; borrowed likewise. false: not in the plain spelling (pb_is_plain), or without what an agent must have;
 * then it has to be unpacked to be read, or to be refused with a reason. */
bool agent_pack_wire(struct agent_packer *packer, const void *data, size_t len, struct agent_packed *out);

/* "slave(1)@127.0.0.1:5051", "slave(1)@[::1]:5051": the address between @ and the last colon; empty when there is none. */
struct bytes agent_address(const char *pid, size_t len);

#define AGENT_DEFAULT_PORT 5051 /* of SlaveInfo.port */

#endif
