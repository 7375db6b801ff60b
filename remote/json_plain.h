/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_JSON_PLAIN_H
#define REMOTE_JSON_PLAIN_H
/*
 * JSON as programs write it, read where it lies: no white space, texts in ASCII without escapes, numbers without sign and exponent. Whatever is not of that kind, right or wrong, is false or PLAIN_NO, and is for a real parser.
 *
 *	bool begun = false;
 *	enum plain_more more;
 *	while ((more = plain_member(&plain, &begun, &key)) == PLAIN_MORE)
 *		read or skip the value;
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mesos/agent_packed.h"

struct plain {
	const char *at, *end;
};

enum plain_more { PLAIN_MORE, PLAIN_END, PLAIN_NO };

/* Of the object that begins here, from its bracket to its bracket. */
enum plain_more plain_member(struct plain *plain, bool *begun, struct bytes *key);
/* Of the array. */
enum plain_more plain_element(struct plain *plain, bool *begun);

bool plain_text(struct plain *plain, struct bytes *out);
bool plain_number(struct plain *plain, double *out);
bool plain_whole(struct plain *plain, uint64_t *out);
bool plain_bool(struct plain *plain, bool *out);
/* Any value; not nested very deep. */
bool plain_skip(struct plain *plain);
/* "text" begins here. */
bool plain_is_text(const struct plain *plain);

/* The index of key in names, count when it is not there. */
size_t plain_find(const struct bytes *key, const char *const names[], size_t count);

#endif
