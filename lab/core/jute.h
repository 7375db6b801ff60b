/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_JUTE_H
#define LAB_CORE_JUTE_H
/* How ZooKeeper writes things on the wire: big-endian integers, and strings with their length before them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

void jute_put_int(struct buffer *out, int32_t value);
void jute_put_long(struct buffer *out, int64_t value);
void jute_put_bytes(struct buffer *out, const char *data, size_t len);

/* Reading past the end gives 0 and "" and sets bad. */
struct jute_reader {
	const char *at;
	size_t left;
	bool bad;
};
int32_t jute_get_int(struct jute_reader *reader);
int64_t jute_get_long(struct jute_reader *reader);
/* "" for none; NUL-terminated; the caller frees. */
char *jute_get_string(struct jute_reader *reader, size_t *len);

#endif
