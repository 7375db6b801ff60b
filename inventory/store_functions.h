/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_STORE_FUNCTIONS_H
#define INVENTORY_STORE_FUNCTIONS_H
/*
 * SQL functions of ours, for selectors; pattern first, and nothing matches NULL.
 *
 *	selector_like(pattern, text)    % any text, _ any character, \ takes the next one as it is; case counts
 *	selector_regex(pattern, text)   a POSIX extended regular expression, anywhere in the text
 *	selector_hostset(set, text)     inventory/hostset.h
 *	selector_version(text)          a version of Mesos as a number that has the same order; NULL: none
 */
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "inventory/sql_function.h"

/* Ends with a row without a name. */
extern const struct sql_function store_functions[];

/* Can it be run? ERROR_USAGE says why not. Nested repetitions are bounded: they can cost all the memory there is. */
int selector_regex_check(const char *pattern, struct error *err);
/* The caller frees it with regfree. */
int selector_regex_compile(regex_t *out, const char *pattern, struct error *err);

bool selector_like(const char *pattern, const char *text);
/* false: no version. */
bool selector_version(const char *text, int64_t *number);

#endif
