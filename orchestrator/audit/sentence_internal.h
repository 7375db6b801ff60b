/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_SENTENCE_INTERNAL_H
#define ORCHESTRATOR_AUDIT_SENTENCE_INTERNAL_H
/* What the sentences about events are put together with. */
#include <jansson.h>

#include "base/buffer.h"

/* Digits of a hash. */
#define HASH_SHOWN 12

struct sentence {
	const char *kind;
	void (*say)(const json_t *body, struct buffer *out);
};

/* About what happens beside runs: rescues, who is told, the database itself. */
extern const struct sentence sentences_beside_runs[];
extern const size_t sentences_beside_runs_count;

static inline const char *text_of(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

static inline long long number_of(const json_t *body, const char *key)
{
	return (long long)json_integer_value(json_object_get(body, key));
}

static inline void add_text(struct buffer *out, const char *before, const json_t *body, const char *key)
{
	const char *text = text_of(body, key);

	if (*text)
		buffer_printf(out, "%s%s", before, text);
}

#endif
