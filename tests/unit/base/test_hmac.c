/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 against every test case of RFC 4231. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "tests/support/cmocka.h"

/* key and data as hex; bytes: so many of the result are compared (case 5 truncates). */
static void check(const char *key, const char *data, const char *wanted, size_t bytes)
{
	size_t key_len = strlen(key) / 2, len = strlen(data) / 2;
	unsigned char *raw_key = xmalloc(key_len + 1), *raw = xmalloc(len + 1), out[DIGEST_SIZE];
	char hex[DIGEST_HEX_SIZE];
	struct error err = ERROR_INIT;

	assert_int_equal(hex_decode(key, raw_key, key_len, &err), 0);
	assert_int_equal(hex_decode(data, raw, len, &err), 0);
	digest_hmac(raw_key, key_len, raw, len, out);
	hex_encode(out, bytes, hex);
	assert_string_equal(hex, wanted);
	free(raw_key);
	free(raw);
}

/* So many times the same byte, as hex; the caller's. */
static char *repeat(const char *byte, size_t count)
{
	char *text = xcalloc(count * 2 + 1, 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + 2 * i, byte, 2);
	return text;
}

static void check_repeated(const char *key_byte, size_t key_count, const char *data, const char *wanted)
{
	char *key = repeat(key_byte, key_count);

	check(key, data, wanted, DIGEST_SIZE);
	free(key);
}

static void short_keys(void **state)
{
	(void)state;
	check_repeated("0b", 20, "4869205468657265",
		       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", DIGEST_SIZE);
	check("0102030405060708090a0b0c0d0e0f10111213141516171819",
	      "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b", DIGEST_SIZE);
	check("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c", "546573742057697468205472756e636174696f6e",
	      "a3b6167473100ee06e0c796c2955552b", 16);
}

static void repeated_data(void **state)
{
	char *data = repeat("dd", 50);

	(void)state;
	check_repeated("aa", 20, data, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	free(data);
}

/* Longer than a block: their digest takes their place. */
static void long_keys(void **state)
{
	(void)state;
	check_repeated(
		"aa", 131,
		"54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	check_repeated(
		"aa", 131,
		"5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void an_empty_key_is_a_key(void **state)
{
	(void)state;
	check("", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", DIGEST_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_keys),
		cmocka_unit_test(repeated_data),
		cmocka_unit_test(long_keys),
		cmocka_unit_test(an_empty_key_is_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
