/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H
/* Numbers that a seed repeats (splitmix64). */
#include <stdint.h>

int random_below(uint64_t *state, int limit); /* 0..limit-1 */

#endif
