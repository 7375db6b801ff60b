/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

#include <string.h>

#include "base/digest.h"
#include "tests/support/cmocka.h"

static void test_known_answers(void **state)
{
	/* Of the bytes 00, 01, 02, … under the key 00 … 0f; made with `openssl mac -macopt size:16 SIPHASH`. */
	static const struct {
		size_t len;
		const char *hash;
	} cases[] = {
		{0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
		{7, "a1f1ebbed8dbc153c0b84aa61ff08239"},  {8, "3b62a9ba6258f5610f83e264f31497b4"},
		{15, "5493e99933b0a8117e08ec0f97cfc3d9"}, {63, "5150d1772f50834a503e069a973fbd7c"},
	};
	unsigned char key[SIPHASH_SIZE], data[64], hash[SIPHASH_SIZE];
	(void)state;
	for (unsigned char i = 0; i < 64; i++)
		data[i] = i;
	memcpy(key, data, sizeof(key));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hex[2 * SIPHASH_SIZE + 1];
		siphash_bytes(key, data, cases[i].len, hash);
		hex_encode(hash, sizeof(hash), hex);
		assert_string_equal(hex, cases[i].hash);
	}
}

static void test_any_pieces(void **state)
{
	unsigned char key[SIPHASH_SIZE] = {1}, data[100], whole[SIPHASH_SIZE], pieces[SIPHASH_SIZE];
	(void)state;
	memset(data, 'x', sizeof(data));
	siphash_bytes(key, data, sizeof(data), whole);
	for (size_t step = 1; step < sizeof(data); step++) {
		struct siphash hash;
		siphash_start(&hash, key);
		for (size_t at = 0; at < sizeof(data); at += step)
			siphash_add(&hash, data + at, sizeof(data) - at < step ? sizeof(data) - at : step);
		siphash_finish(&hash, pieces);
		assert_memory_equal(pieces, whole, sizeof(whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers), cmocka_unit_test(test_any_pieces)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
