/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H
/* SHA-256 (FIPS 180-4) and HMAC over it, with no library behind it, because agentctl is static and small; hex; base64; random IDs. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define DIGEST_SIZE     32
#define DIGEST_HEX_SIZE 65 /* with the NUL */

struct digest_state {
	uint32_t h[8];
	uint64_t length;
	unsigned char block[64];
	size_t used;
};

void digest_start(struct digest_state *state);
void digest_add(struct digest_state *state, const void *data, size_t len);
void digest_finish(struct digest_state *state, unsigned char out[DIGEST_SIZE]);
void digest_bytes(const void *data, size_t len, unsigned char out[DIGEST_SIZE]);
/* Lower-case hex of the SHA-256 of data. */
void digest_hex(const void *data, size_t len, char out[DIGEST_HEX_SIZE]);
/* HMAC-SHA256 (RFC 2104): who knows the key has written data. */
void digest_hmac(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[DIGEST_SIZE]);
void hex_encode(const void *data, size_t len, char *out); /* out: 2*len+1 */
int hex_decode(const char *hex, unsigned char *out, size_t out_len, struct error *err);

/* Caller frees. */
char *base64_encode(const void *data, size_t len);
/* *out is the caller's; strict alphabet and padding. ERROR_CORRUPT otherwise. */
int base64_decode(const char *text, unsigned char **out, size_t *out_len, struct error *err);

/* 32 hex digits from the kernel (getrandom(2), /dev/urandom on kernels without it). */
#define RANDOM_ID_SIZE 33
void random_id(char out[RANDOM_ID_SIZE]);

#endif
