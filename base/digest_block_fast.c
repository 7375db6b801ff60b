/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest_block.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define HAS_SSSE3 (1u << 9)
#define HAS_SSE41 (1u << 19)
#define HAS_SHA   (1u << 29)

static bool ask_processor(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (HAS_SSSE3 | HAS_SSE41)) != (HAS_SSSE3 | HAS_SSE41))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & HAS_SHA) != 0;
}

bool digest_block_has_fast(void)
{
	static int known = -1;

	if (known < 0)
		known = ask_processor();
	return known;
}

#define INSTRUCTIONS __attribute__((target("sha,sse4.1,ssse3")))

/* The instructions want the variables as a, b, e, f and c, d, g, h, the first of each in the highest place. */
struct halves {
	__m128i abef, cdgh;
};

INSTRUCTIONS static struct halves take_apart(const uint32_t hash[8])
{
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const void *)hash), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(hash + 4)), 0x1b);

	return (struct halves){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

INSTRUCTIONS static void put_together(struct halves halves, uint32_t hash[8])
{
	__m128i feba = _mm_shuffle_epi32(halves.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(halves.cdgh, 0xb1);

	_mm_storeu_si128((void *)hash, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((void *)(hash + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds at a time; words[] holds the last sixteen words of the schedule. */
INSTRUCTIONS void digest_block_fast(uint32_t hash[8], const unsigned char block[64])
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
	const struct halves before = take_apart(hash);
	struct halves now = before;
	__m128i words[4];

	for (size_t i = 0; i < 4; i++)
		words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(block + 16 * i)), big_endian);
	for (size_t i = 0; i < 16; i++) {
		__m128i *oldest = &words[i % 4], last = words[(i + 3) % 4];
		__m128i mixed = _mm_add_epi32(*oldest, _mm_loadu_si128((const void *)(digest_round_constants + 4 * i)));

		now.cdgh = _mm_sha256rnds2_epu32(now.cdgh, now.abef, mixed);
		now.abef = _mm_sha256rnds2_epu32(now.abef, now.cdgh, _mm_shuffle_epi32(mixed, 0x0e));
		*oldest = _mm_add_epi32(_mm_sha256msg1_epu32(*oldest, words[(i + 1) % 4]),
					_mm_alignr_epi8(last, words[(i + 2) % 4], 4));
		*oldest = _mm_sha256msg2_epu32(*oldest, last);
	}
	now.abef = _mm_add_epi32(now.abef, before.abef);
	now.cdgh = _mm_add_epi32(now.cdgh, before.cdgh);
	put_together(now, hash);
}

#else

bool digest_block_has_fast(void)
{
	return false;
}

void digest_block_fast(uint32_t hash[8], const unsigned char block[64])
{
	digest_block_portable(hash, block);
}

#endif
