/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <string.h>

#include "base/digest_block.h"

/* FIPS 180-4, section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const uint32_t digest_round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Section 5.3.3: the same of the square roots of the first eight primes. */
static const uint32_t initial_hash[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotate(uint32_t x, unsigned int n)
{
	return (x >> n) | (x << (32 - n));
}

static uint32_t load_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void store_be32(unsigned char *p, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void schedule(const unsigned char block[64], uint32_t w[64])
{
	for (size_t t = 0; t < 16; t++)
		w[t] = load_be32(block + 4 * t);
	for (size_t t = 16; t < 64; t++) {
		uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >> 3);
		uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >> 10);
		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

/* One round: the variables keep their places, and the next round names them one place further on. */
static inline void round_at(const uint32_t v[3], uint32_t *d, const uint32_t w[3], uint32_t *h, uint32_t mixed)
{
	uint32_t sum1 = rotate(w[0], 6) ^ rotate(w[0], 11) ^ rotate(w[0], 25);
	uint32_t choose = (w[0] & w[1]) ^ (~w[0] & w[2]);
	uint32_t t1 = *h + sum1 + choose + mixed;
	uint32_t sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
	uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

	*d += t1;
	*h = t1 + sum0 + majority;
}

#define ROUND(a, b, c, d, e, f, g, h, at)                                                                              \
	round_at((const uint32_t[3]){a, b, c}, &(d), (const uint32_t[3]){e, f, g}, &(h),                               \
		 digest_round_constants[at] + w[at])

/* Section 6.2.2, eight rounds at a time: nothing has to be moved between them. */
void digest_block_portable(uint32_t hash[8], const unsigned char block[64])
{
	uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
	uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
	uint32_t w[64];

	schedule(block, w);
	for (size_t t = 0; t < 64; t += 8) {
		ROUND(a, b, c, d, e, f, g, h, t);
		ROUND(h, a, b, c, d, e, f, g, t + 1);
		ROUND(g, h, a, b, c, d, e, f, t + 2);
		ROUND(f, g, h, a, b, c, d, e, t + 3);
		ROUND(e, f, g, h, a, b, c, d, t + 4);
		ROUND(d, e, f, g, h, a, b, c, t + 5);
		ROUND(c, d, e, f, g, h, a, b, t + 6);
		ROUND(b, c, d, e, f, g, h, a, t + 7);
	}
	const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
	for (size_t i = 0; i < 8; i++)
		hash[i] += sums[i];
}

void digest_start(struct digest_state *state)
{
	memset(state, 0, sizeof(*state));
	memcpy(state->h, initial_hash, sizeof(state->h));
}

void digest_add(struct digest_state *state, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	state->length += len;
	while (len > 0) {
		size_t take = sizeof(state->block) - state->used;
		if (take > len)
			take = len;
		memcpy(state->block + state->used, bytes, take);
		state->used += take;
		bytes += take;
		len -= take;
		if (state->used == sizeof(state->block)) {
			if (digest_block_has_fast())
				digest_block_fast(state->h, state->block);
			else
				digest_block_portable(state->h, state->block);
			state->used = 0;
		}
	}
}

/* Padding: a one bit, zeros, and the length in bits as the last eight bytes of a block. */
void digest_finish(struct digest_state *state, unsigned char out[DIGEST_SIZE])
{
	static const unsigned char padding[64] = {0x80};
	uint64_t bits = state->length * 8;
	size_t zeros_end = state->used < 56 ? 56 : 120;
	digest_add(state, padding, zeros_end - state->used);
	unsigned char tail[8];
	store_be32(tail, (uint32_t)(bits >> 32));
	store_be32(tail + 4, (uint32_t)bits);
	digest_add(state, tail, sizeof(tail));
	for (size_t i = 0; i < 8; i++)
		store_be32(out + 4 * i, state->h[i]);
}

void digest_bytes(const void *data, size_t len, unsigned char out[DIGEST_SIZE])
{
	struct digest_state state;
	digest_start(&state);
	digest_add(&state, data, len);
	digest_finish(&state, out);
}

void digest_hex(const void *data, size_t len, char out[DIGEST_HEX_SIZE])
{
	unsigned char raw[DIGEST_SIZE];
	digest_bytes(data, len, raw);
	hex_encode(raw, sizeof(raw), out);
}
