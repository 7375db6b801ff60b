/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 64 /* with the NUL; options and keys are shorter */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The optimal string alignment distance, row by row: only the two rows above are ever looked at. */
size_t suggest_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len >= WORD_MAX || b_len >= WORD_MAX)
		return SIZE_MAX;
	size_t rows[3][WORD_MAX];
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = rows[i % 3], *above = rows[(i + 2) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = above[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
			now[j] = smaller(change, smaller(above[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = smaller(now[j], rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

/* A third of the word may be wrong, but at least one letter and at most three: more is another word. */
static size_t tolerance(const char *word)
{
	size_t third = strlen(word) / 3;
	return third < 1 ? 1 : smaller(third, 3);
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
	size_t distance = suggest_distance(suggestion->word, candidate);
	size_t limit = suggestion->closest != NULL ? suggestion->distance : tolerance(suggestion->word) + 1;
	if (distance < limit) {
		suggestion->closest = candidate;
		suggestion->distance = distance;
	}
}
