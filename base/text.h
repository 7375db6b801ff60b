/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
/* UTF-8 on a terminal, without a locale: how wide a text is and how it is shown safely. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Decodes one character at text (not at its end). Returns its bytes, at least 1; *code is UINT32_MAX when they are no
 * valid UTF-8 (then 1 byte). */
size_t text_decode(const char *text, uint32_t *code);

/* Is every character of it valid UTF-8? */
bool text_is_utf8(const char *text);

/* Columns: 0 for combining marks, 2 for wide East Asian characters and emoji, 1 otherwise. */
size_t text_char_width(uint32_t code);

/* True for what must not reach a terminal: control characters, direction overrides, invalid bytes. */
bool text_is_control(uint32_t code);

/* Columns of a text that holds no control characters. */
size_t text_width(const char *text);

/* A copy in which every control character is '?'; newlines stay when keep_newlines. Caller frees. */
char *text_printable(const char *text, bool keep_newlines);

/* Appends the word between single quotes, as a shell reads it back. */
void text_single_quote(const char *word, struct buffer *out);

#endif
