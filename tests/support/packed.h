/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PACKED_H
#define TESTS_SUPPORT_PACKED_H
/* A master's agents, read in the quick way and in the thorough one, which must give the same. */
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/agent_packed.h"
#include "remote/master_parse.h"

struct packed_reading {
	struct buffer said; /* all agents, in a form that can be compared */
	size_t quick, thorough;
	int result;
	struct error error;
};

/* quick: agents that can be taken as they lie there are. Clear it. */
void packed_read(enum master_answer answer, bool protobuf, const void *data, size_t len, bool quick,
		 struct packed_reading *out);
void packed_clear(struct packed_reading *reading);
/* Equal in what they say, or in why they were refused. */
bool packed_equal(const struct packed_reading *a, const struct packed_reading *b);

#endif
