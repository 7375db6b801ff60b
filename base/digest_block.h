/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DIGEST_BLOCK_H
#define BASE_DIGEST_BLOCK_H
/* The inside of digest.h: one block of SHA-256, in two ways that give the same. */
#include <stdbool.h>
#include <stdint.h>

/* FIPS 180-4, section 4.2.2. */
extern const uint32_t digest_round_constants[64];

void digest_block_portable(uint32_t hash[8], const unsigned char block[64]);

/* With the processor's own instructions for it, several times as fast; only where digest_block_has_fast. */
bool digest_block_has_fast(void);
void digest_block_fast(uint32_t hash[8], const unsigned char block[64]);

#endif
