/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_CHECKPOINT_ENTRIES_H
#define MESOS_CHECKPOINT_ENTRIES_H
/* The repeated fields of a SlaveInfo that is being spliced; see checkpoint_splice.c. */
#include <stdint.h>

#include "base/buffer.h"
#include "mesos/slaveinfo.h"
#include "mesos/wire.h"

enum { FIELD_RESOURCES = 3, FIELD_ATTRIBUTES = 5, FIELD_PORT = 8, FIELD_DOMAIN = 10 };

/* New records, one buffer each, in target's order. */
struct splice_entries {
	struct buffer *items;
	size_t count;
};
struct buffer *splice_entries_add(struct splice_entries *entries); /* an empty one, borrowed until the next */
void splice_entries_clear(struct splice_entries *entries);

/* The records of the field as target has it; old are the records of the whole old message. out must be empty. */
void splice_resources(const struct wire_records *old, const Mesos__SlaveInfo *target, struct splice_entries *out);
void splice_attributes(const struct wire_records *old, const Mesos__SlaveInfo *target, struct splice_entries *out);
/* One record that holds a message. */
void splice_put_message(struct buffer *out, uint32_t field, const void *message);

#endif
