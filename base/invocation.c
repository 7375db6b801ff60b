/* SPDX-License-Identifier: Apache-2.0 */
#include "base/invocation.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

/* Texts to people; the longest are lists of a plan's refusals. */
#define TEXT_MAX (4u << 20)

/* Does text go on with the word, whole? */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == '`');
}

char *invocation_put(const char *text, const char *name, const char *program)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	for (const char *at = text; *at; at++) {
		buffer_putc(&out, *at);
		if (*at != '`' || !has_word(at + 1, name) || has_word(at + 1, program))
			continue;
		buffer_puts(&out, program);
		at += strlen(name);
	}
	return buffer_take(&out);
}
