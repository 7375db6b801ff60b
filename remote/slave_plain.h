/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_SLAVE_PLAIN_H
#define REMOTE_SLAVE_PLAIN_H
/*
 * An agent of /slaves straight into the form in which it is stored, where it is written plainly (remote/json_plain.h) and has
 * nothing that only few agents have: a disk with a source or a volume, a shared or revocable resource, labels, an attribute that is
 * a range. The others go through remote/master_parse_slaves.c, which gives the same bytes and takes ten times as long.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "mesos/agent_packed.h"

/* What is reserved comes first in the answer, and last in an agent. */
enum slave_list { SLAVE_UNRESERVED, SLAVE_RESERVED, SLAVE_USED, SLAVE_LISTS };

/* The memory behind one agent after the other. Private. */
struct slave_packer {
	struct buffer total[SLAVE_LISTS];      /* fields of a SlaveInfo: the resources as they are */
	struct buffer registered[SLAVE_LISTS]; /* as the agent offered them before anyone reserved them */
	struct buffer attributes, domain;
	struct buffer message, value, reservation, refinement, reservations, static_reservations;
	struct agent_packer packed;
};
void slave_packer_init(struct slave_packer *packer);
void slave_packer_clear(struct slave_packer *packer);

/* text: the agent's object; *out borrows from it and from the packer. false says nothing about it. */
bool slave_pack(struct slave_packer *packer, const char *text, size_t len, struct agent_packed *out);

/* For its other half. */
struct plain;
bool slave_pack_resources(struct slave_packer *packer, struct plain *plain, enum slave_list list);
/* Field 3, a Value.Scalar. */
void slave_put_scalar(struct buffer *out, double value);

#endif
