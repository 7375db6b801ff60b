/* SPDX-License-Identifier: Apache-2.0 */
/* After "SipHash: a fast short-input PRF" (Aumasson, Bernstein, 2012), in the variant with 128 bits. */
#include "base/siphash.h"

#include <string.h>

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t load(const unsigned char *p)
{
	uint64_t value = 0;
	for (unsigned i = 8; i-- > 0;)
		value = value << 8 | p[i];
	return value;
}

static void store(uint64_t value, unsigned char *p)
{
	for (unsigned i = 0; i < 8; i++, value >>= 8)
		p[i] = (unsigned char)value;
}

static void rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

void siphash_start(struct siphash *state, const unsigned char key[SIPHASH_SIZE])
{
	uint64_t low = load(key), high = load(key + 8);
	*state = (struct siphash){.v = {low ^ UINT64_C(0x736f6d6570736575), high ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
					low ^ UINT64_C(0x6c7967656e657261), high ^ UINT64_C(0x7465646279746573)}};
}

void siphash_add(struct siphash *state, const void *data, size_t len)
{
	const unsigned char *at = data, *end = at + len;
	size_t used = state->length & 7;
	state->length += len;
	if (used > 0) {
		size_t take = len < 8 - used ? len : 8 - used;
		memcpy(state->tail + used, at, take);
		at += take;
		if (used + take < 8)
			return;
		absorb(state->v, load(state->tail));
	}
	uint64_t v[4];
	memcpy(v, state->v, sizeof(v));
	for (; end - at >= 8; at += 8)
		absorb(v, load(at));
	memcpy(state->v, v, sizeof(v));
	if (at < end)
		memcpy(state->tail, at, (size_t)(end - at));
}

void siphash_finish(struct siphash *state, unsigned char out[SIPHASH_SIZE])
{
	size_t used = state->length & 7;
	uint64_t *v = state->v;
	memset(state->tail + used, 0, sizeof(state->tail) - used);
	absorb(v, load(state->tail) | state->length << 56);
	v[2] ^= 0xee;
	rounds(v, 4);
	store(v[0] ^ v[1] ^ v[2] ^ v[3], out);
	v[1] ^= 0xdd;
	rounds(v, 4);
	store(v[0] ^ v[1] ^ v[2] ^ v[3], out + 8);
}

void siphash_bytes(const unsigned char key[SIPHASH_SIZE], const void *data, size_t len, unsigned char out[SIPHASH_SIZE])
{
	struct siphash state;
	siphash_start(&state, key);
	siphash_add(&state, data, len);
	siphash_finish(&state, out);
}
