/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/random.h"

int random_below(uint64_t *state, int limit)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (int)((z ^ (z >> 31)) % (uint64_t)limit);
}
