/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_ATTRIBUTES_PACKED_H
#define MESOS_ATTRIBUTES_PACKED_H
/*
 * The attributes of a packed SlaveInfo, read where they lie:
 *
 *	struct attribute_reader reader = attribute_reader_start(info, len);
 *	while (attribute_next(&reader))
 *		use(&reader.name, attribute_text(&reader, &scratch));
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "mesos/agent_packed.h"

struct attribute_reader {
	struct bytes name;

	/* private */
	struct bytes whole;
	const unsigned char *at, *end;
};

struct attribute_reader attribute_reader_start(const void *info, size_t len);
/* false: there is no further one. */
bool attribute_next(struct attribute_reader *reader);

/* Of the attribute that attribute_next has found: the value as attribute_value_text has it. Borrowed from the SlaveInfo or from
 * scratch, which is emptied first. */
struct bytes attribute_text(const struct attribute_reader *reader, struct buffer *scratch);
/* false: it is no scalar. */
bool attribute_number(const struct attribute_reader *reader, double *number);

#endif
