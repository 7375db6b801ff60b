/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quickhash.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

#define LENGTH 5000

static void test_pieces(void **state)
{
	unsigned char *data = xmalloc(LENGTH), whole[QUICKHASH_SIZE], hash[QUICKHASH_SIZE];
	struct quickhash_key key;

	(void)state;
	quickhash_key(&key, "seed", 4);
	for (size_t i = 0; i < LENGTH; i++)
		data[i] = (unsigned char)(i * i >> 3);
	for (size_t len = 0; len < LENGTH; len += 1 + len / 7) {
		quickhash_bytes(&key, data, len, whole);
		for (size_t piece = 1; piece < 3000; piece = 3 * piece + 1) {
			struct quickhash *hashing = quickhash_start(&key);

			for (size_t at = 0; at < len; at += piece)
				quickhash_add(hashing, data + at, len - at < piece ? len - at : piece);
			quickhash_end(hashing, hash);
			assert_memory_equal(hash, whole, QUICKHASH_SIZE);
		}
	}
	free(data);
}

/* Another key, another byte, another length: another hash. */
static void test_differences(void **state)
{
	unsigned char data[300] = {0}, hashes[300][QUICKHASH_SIZE], other[QUICKHASH_SIZE];
	struct quickhash_key key, second;

	(void)state;
	quickhash_key(&key, "seed", 4);
	quickhash_key(&second, "seee", 4);
	for (size_t i = 0; i < 300; i++) {
		quickhash_bytes(&key, data, i, hashes[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(hashes[i], hashes[j], QUICKHASH_SIZE);
		quickhash_bytes(&second, data, i, other);
		assert_memory_not_equal(hashes[i], other, QUICKHASH_SIZE);
	}
	for (size_t i = 0; i < 299; i++) {
		data[i] = 1;
		quickhash_bytes(&key, data, 299, other);
		assert_memory_not_equal(hashes[299], other, QUICKHASH_SIZE);
		data[i] = 0;
	}
}

/* It is kept in databases: on every machine the same. */
static void test_known(void **state)
{
	static const unsigned char wanted[QUICKHASH_SIZE] = {0xd4, 0x00, 0xc5, 0x9a, 0x38, 0x5c, 0x6b, 0xfd,
							     0x85, 0xae, 0x26, 0xfd, 0xe7, 0xff, 0x2c, 0xc3};
	unsigned char hash[QUICKHASH_SIZE];
	struct quickhash_key key;

	(void)state;
	quickhash_key(&key, "0123456789abcdef0123456789abcdef", 32);
	quickhash_bytes(&key, "a master's answer", 17, hash);
	assert_memory_equal(hash, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
