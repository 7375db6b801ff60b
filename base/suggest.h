/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H
/* "Did you mean …": the known word that is closest to what was typed. */
#include <stddef.h>

/* A suggestion grows word by word: start with .word and offer every candidate. */
struct suggestion {
	const char *word;    /* what was typed */
	const char *closest; /* borrowed from the candidates; NULL: none is close */
	size_t distance;     /* of closest */
};

void suggestion_offer(struct suggestion *suggestion, const char *candidate);

/* How many letters must be inserted, removed, changed or swapped with their neighbour to turn a into b. Words longer
 * than 63 bytes are infinitely far (SIZE_MAX) from everything. */
size_t suggest_distance(const char *a, const char *b);

#endif
