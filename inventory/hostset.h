/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_HOSTSET_H
#define INVENTORY_HOSTSET_H
/*
 * Host sets: many names in one word.
 *
 *	node[001-120].example.com    from node001 to node120; as many digits as the smaller bound has
 *	node[1-9/2]                  every second one: 1, 3, 5, 7, 9
 *	rack[1-4]-node[01-40,77]     several numbers and ranges, several brackets
 *
 * Matching compares without spelling the names out, so a set of a million costs no more than one of two.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

struct hostset;

/* Any text without brackets is the set of itself. ERROR_USAGE says what is wrong; *at is the offset it is about. */
struct hostset *hostset_parse(const char *text, size_t *at, struct error *err);
void hostset_free(struct hostset *set);
bool hostset_has(const struct hostset *set, const char *name);

/* Does the text have brackets? */
bool hostset_is_set(const char *text);

/* Appends names (any order, no duplicates needed) as sets, separated by commas: of each name the last digits of its
 * first label are folded, "node[001-003,007,010-070/10].example.com,other". */
void hostset_fold(const char *const names[], size_t count, struct buffer *out);

#endif
