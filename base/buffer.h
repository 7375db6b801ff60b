/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H
/*
 * A growable run of bytes with a stated maximum. data is always NUL-terminated after the first append (the NUL is not
 * counted in len), so text can be printed as it is. An append that would pass max fails, returns -1, changes nothing,
 * and sets `overflow` for good, so that a row of appends can be checked once at the end.
 */
#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool overflow;
};

/* A buffer of at most max bytes; nothing is allocated yet. */
#define BUFFER_INIT(maximum)                                                                                           \
	{                                                                                                              \
		.data = NULL, .len = 0, .cap = 0, .max = (maximum), .overflow = false                                  \
	}

void buffer_init(struct buffer *buf, size_t max);
void buffer_clear(struct buffer *buf); /* frees; the buffer is empty and usable again */
void buffer_reset(struct buffer *buf); /* empties, keeps the memory */
int buffer_append(struct buffer *buf, const void *data, size_t len);
int buffer_puts(struct buffer *buf, const char *text);
int buffer_putc(struct buffer *buf, char c);
int buffer_printf(struct buffer *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first n bytes (n <= len). */
void buffer_consume(struct buffer *buf, size_t n);
/* "" when empty; borrowed until the next change. */
const char *buffer_text(const struct buffer *buf);
/* Hands the memory to the caller (free it), "" duplicated when empty; the buffer is empty afterwards. */
char *buffer_take(struct buffer *buf);

#endif
