/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quickhash.h"

#include <stdlib.h>
#include <string.h>

/* All of it lies in the header: nothing is linked. */
#define XXH_INLINE_ALL
#include <xxhash.h>

struct quickhash {
	XXH3_state_t state; /* its type says how it must be aligned */
};

void quickhash_key(struct quickhash_key *out, const void *seed, size_t len)
{
	/* Fails only for a secret that is too short. */
	if (XXH3_generateSecret(out->secret, sizeof(out->secret), seed, len) != XXH_OK)
		abort();
}

static void write_hash(XXH128_hash_t hash, unsigned char out[QUICKHASH_SIZE])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(out, canonical.digest, QUICKHASH_SIZE);
}

void quickhash_bytes(const struct quickhash_key *key, const void *data, size_t len, unsigned char out[QUICKHASH_SIZE])
{
	write_hash(XXH3_128bits_withSecret(data, len, key->secret, sizeof(key->secret)), out);
}

struct quickhash *quickhash_start(const struct quickhash_key *key)
{
	struct quickhash *state = aligned_alloc(_Alignof(struct quickhash), sizeof(*state));

	if (state == NULL)
		abort(); /* out of memory */
	XXH3_INITSTATE(&state->state);
	if (XXH3_128bits_reset_withSecret(&state->state, key->secret, sizeof(key->secret)) != XXH_OK)
		abort();
	return state;
}

void quickhash_add(struct quickhash *state, const void *data, size_t len)
{
	if (XXH3_128bits_update(&state->state, data, len) != XXH_OK)
		abort();
}

void quickhash_end(struct quickhash *state, unsigned char out[QUICKHASH_SIZE])
{
	write_hash(XXH3_128bits_digest(&state->state), out);
	free(state);
}
