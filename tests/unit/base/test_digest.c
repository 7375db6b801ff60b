/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the published NIST examples, base64 against RFC 4648, section 10. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/digest_block.h"
#include "tests/support/cmocka.h"

static void assert_digest(const char *text, const char *wanted)
{
	char hex[DIGEST_HEX_SIZE];
	digest_hex(text, strlen(text), hex);
	assert_string_equal(hex, wanted);
}

static void sha256_of_the_nist_examples(void **state)
{
	(void)state;
	assert_digest("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_digest("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	assert_digest(
		"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void sha256_of_a_million_letters(void **state)
{
	(void)state;
	struct digest_state digest;
	unsigned char raw[DIGEST_SIZE];
	char hex[DIGEST_HEX_SIZE];
	char chunk[1000];
	memset(chunk, 'a', sizeof(chunk));
	digest_start(&digest);
	for (int i = 0; i < 1000; i++)
		digest_add(&digest, chunk, sizeof(chunk));
	digest_finish(&digest, raw);
	hex_encode(raw, sizeof(raw), hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Every length around the block and padding boundaries, whole and in pieces of every size. */
static void pieces_do_not_matter(void **state)
{
	(void)state;
	unsigned char data[130], whole[DIGEST_SIZE], pieces[DIGEST_SIZE];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		digest_bytes(data, len, whole);
		for (size_t step = 1; step < 70; step += 3) {
			struct digest_state digest;
			digest_start(&digest);
			for (size_t at = 0; at < len; at += step)
				digest_add(&digest, data + at, len - at < step ? len - at : step);
			digest_finish(&digest, pieces);
			assert_memory_equal(whole, pieces, DIGEST_SIZE);
		}
	}
}

static void padding_boundaries(void **state)
{
	(void)state;
	char text[66];
	memset(text, 'x', sizeof(text));
	text[55] = '\0'; /* the longest that needs one block */
	assert_digest(text, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
	text[55] = 'x';
	text[56] = '\0';
	assert_digest(text, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e");
	text[56] = 'x';
	text[64] = '\0';
	assert_digest(text, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
}

/* The examples above take whichever way this machine's processor has; here both of them are taken. */
static void both_ways_agree(void **state)
{
	uint32_t number = 12345;

	(void)state;
	if (!digest_block_has_fast())
		skip();
	for (int round = 0; round < 10000; round++) {
		uint32_t one[8], other[8];
		unsigned char bytes[65];

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (unsigned char)((number = number * 1664525 + 1013904223) >> 24);
		memcpy(one, bytes + 17, sizeof one);
		memcpy(other, one, sizeof other);
		digest_block_portable(one, bytes + 1); /* not aligned */
		digest_block_fast(other, bytes + 1);
		assert_memory_equal(one, other, sizeof one);
	}
}

static void hex_round_trip(void **state)
{
	(void)state;
	unsigned char bytes[256], back[256];
	char hex[513];
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	hex_encode(bytes, sizeof(bytes), hex);
	assert_memory_equal(hex, "000102", 6);
	assert_string_equal(hex + 508, "feff");
	assert_ok(hex_decode(hex, back, sizeof(back), &err), &err);
	assert_memory_equal(bytes, back, sizeof(back));
	assert_ok(hex_decode("aBCd", back, 2, &err), &err);
	assert_memory_equal(back, "\xab\xcd", 2);
}

static void hex_refuses_what_is_not_hex(void **state)
{
	(void)state;
	unsigned char out[2] = {7, 7};
	struct error err = ERROR_INIT;
	static const char *const bad[] = {"", "abc", "abcde", "abcdef", "abcg", "ab d", "0x12", "-123"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(hex_decode(bad[i], out, 2, &err), -1);
		assert_error(&err, ERROR_CORRUPT, "4 hex digits");
		assert_int_equal(out[0], 7);
	}
}

static const struct {
	const char *plain, *encoded;
} base64_rows[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"},
};

static void base64_of_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(base64_rows) / sizeof(base64_rows[0]); i++) {
		const char *plain = base64_rows[i].plain;
		struct error err = ERROR_INIT;
		unsigned char *back = NULL;
		size_t len = 99;
		char *text = base64_encode(plain, strlen(plain));
		assert_string_equal(text, base64_rows[i].encoded);
		assert_ok(base64_decode(text, &back, &len, &err), &err);
		assert_int_equal(len, strlen(plain));
		assert_memory_equal(back, plain, len);
		free(back);
		free(text);
	}
}

static void base64_is_strict(void **state)
{
	(void)state;
	static const char *const bad[] = {"Z",    "Zg",   "Zg=",      "Zg===",     "Zh==",      "Zm9=",
					  "====", "=g==", "Zg==Zg==", "Z===",      "Zm9v\nZm9", "Zm9 ",
					  "Zm-_", "Z=g=", "Zm9v====", "\xc3\xa9zz"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;
		unsigned char *out = NULL;
		size_t len = 99;
		if (base64_decode(bad[i], &out, &len, &err) == 0)
			fail_msg("\"%s\" was taken for base64", bad[i]);
		assert_error(&err, ERROR_CORRUPT, "base64");
		assert_null(out);
		assert_int_equal(len, 99);
	}
}

static void random_ids_differ(void **state)
{
	(void)state;
	char a[RANDOM_ID_SIZE], b[RANDOM_ID_SIZE];
	random_id(a);
	random_id(b);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_the_nist_examples),
		cmocka_unit_test(sha256_of_a_million_letters),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(padding_boundaries),
		cmocka_unit_test(both_ways_agree),
		cmocka_unit_test(hex_round_trip),
		cmocka_unit_test(hex_refuses_what_is_not_hex),
		cmocka_unit_test(base64_of_the_rfc),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(random_ids_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
