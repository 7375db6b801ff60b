/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_QUICKHASH_H
#define BASE_QUICKHASH_H
/*
 * XXH3 with 128 bits and a secret of ours: as quick as memory can be read, ten times as quick as SipHash. For finding out whether
 * a large answer came again as it was. Two different answers have the same hash by no accident, but whoever could ask for hashes at
 * will could make two that do: never for what somebody might want to forge.
 */
#include <stddef.h>

#define QUICKHASH_SIZE   16
#define QUICKHASH_SECRET 192

/* Made once from any bytes, used for every hash. */
struct quickhash_key {
	unsigned char secret[QUICKHASH_SECRET];
};
void quickhash_key(struct quickhash_key *out, const void *seed, size_t len);

void quickhash_bytes(const struct quickhash_key *key, const void *data, size_t len, unsigned char out[QUICKHASH_SIZE]);

/* In pieces. key is borrowed until the end, which frees the state. */
struct quickhash;
struct quickhash *quickhash_start(const struct quickhash_key *key);
void quickhash_add(struct quickhash *state, const void *data, size_t len);
void quickhash_end(struct quickhash *state, unsigned char out[QUICKHASH_SIZE]);

#endif
