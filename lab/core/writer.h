/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_WRITER_H
#define LAB_CORE_WRITER_H
/*
 * JSON as text, written front to back. Mesos' older endpoints give objects with the same key twice, which no JSON
 * library makes; and answers of thousands of agents are cheaper without a tree.
 *
 *   writer_open(w, '{'); writer_key(w, "id"); writer_string(w, id); writer_close(w, '}');
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct writer {
	struct buffer *out;
	bool comma; /* the next value or key needs one before it */
};

void writer_open(struct writer *writer, char bracket);
void writer_close(struct writer *writer, char bracket);
void writer_key(struct writer *writer, const char *key);
void writer_string(struct writer *writer, const char *text);
void writer_number(struct writer *writer, double number); /* as Mesos prints them: 4.0, 0.5 */
void writer_int(struct writer *writer, int64_t number);
void writer_bool(struct writer *writer, bool value);
/* JSON text made elsewhere. */
void writer_raw(struct writer *writer, const char *json);

/* A key with its value. */
void writer_put_string(struct writer *writer, const char *key, const char *text);
void writer_put_number(struct writer *writer, const char *key, double number);
void writer_put_int(struct writer *writer, const char *key, int64_t number);
void writer_put_bool(struct writer *writer, const char *key, bool value);
void writer_put_raw(struct writer *writer, const char *key, const char *json);

#endif
