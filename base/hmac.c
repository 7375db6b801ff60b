/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC over SHA-256, declared in base/digest.h. */
#include <string.h>

#include "base/digest.h"

/* SHA-256's block: RFC 2104's B. */
#define BLOCK_SIZE 64

/* One of the two passes: the key's block, each byte of it changed with pad, and then data. */
static void pass(const unsigned char block[BLOCK_SIZE], unsigned char pad, const void *data, size_t len,
		 unsigned char out[DIGEST_SIZE])
{
	unsigned char mixed[BLOCK_SIZE];
	struct digest_state state;

	for (size_t i = 0; i < BLOCK_SIZE; i++)
		mixed[i] = block[i] ^ pad;
	digest_start(&state);
	digest_add(&state, mixed, sizeof(mixed));
	digest_add(&state, data, len);
	digest_finish(&state, out);
	explicit_bzero(mixed, sizeof(mixed));
	explicit_bzero(&state, sizeof(state));
}

void digest_hmac(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[DIGEST_SIZE])
{
	unsigned char block[BLOCK_SIZE] = {0}, inner[DIGEST_SIZE];

	if (key_len > BLOCK_SIZE)
		digest_bytes(key, key_len, block);
	else if (key_len > 0)
		memcpy(block, key, key_len);
	pass(block, 0x36, data, len, inner);
	pass(block, 0x5c, inner, sizeof(inner), out);
	explicit_bzero(block, sizeof(block));
}
