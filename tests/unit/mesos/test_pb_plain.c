/* SPDX-License-Identifier: Apache-2.0 */
/* What is called plain can be read and stored as it lies: it unpacks, and packs to the very same bytes. */
#include <stdlib.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/slaveinfo.h"
#include "tests/support/cmocka.h"

#define INFO &mesos__slave_info__descriptor

/* *plain: whether it was called that; then it must be. */
static void check(const void *data, size_t len, bool *plain)
{
	char *copy = xmemdup(data, len); /* so that reading past its end is seen */
	struct buffer packed = BUFFER_INIT(1u << 20);
	void *message;

	*plain = pb_is_plain(INFO, copy, len);
	if (*plain) {
		message = pb_unpack(INFO, copy, len);
		assert_non_null(message);
		pb_pack(message, &packed);
		assert_int_equal(packed.len, len);
		assert_memory_equal(buffer_text(&packed), copy, len);
		pb_free(message);
	}
	buffer_clear(&packed);
	free(copy);
}

static void test_by_hand(void **state)
{
	static const struct {
		bool plain;
		size_t len;
		const char *bytes;
	} cases[] = {
		{true, 3, "\x0a\x01h"},
		{true, 2, "\x0a\x00"},
		{true, 5, "\x0a\x01h\x38\x01"},
		{true, 14, "\x0a\x01h\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}, /* port -1 */
		{true, 7, "\x0a\x01h\x32\x02\x0a\x00"},
		{false, 0, ""},                                  /* no hostname */
		{false, 2, "\x38\x01"},                          /* likewise */
		{false, 5, "\x38\x01\x0a\x01h"},                 /* out of order */
		{false, 6, "\x0a\x01h\x0a\x01h"},                /* twice */
		{false, 4, "\x0a\x81\x00h"},                     /* a length in too many bytes */
		{false, 4, "\x8a\x00\x01h"},                     /* a field's number in too many */
		{false, 5, "\x0a\x01h\x38\x02"},                 /* no bool */
		{false, 6, "\x0a\x01h\x38\x81\x00"},             /* in too many bytes */
		{false, 8, "\x0a\x01h\x40\xff\xff\xff\xff"},     /* it ends early */
		{false, 9, "\x0a\x01h\x40\xff\xff\xff\xff\x0f"}, /* no int32 */
		{false, 5, "\x0a\x01h\x10\x01"},                 /* an unknown field */
		{false, 4, "\x0a\x02h\0"},                       /* NUL in a text */
		{false, 3, "\x0a\x01\xff"},                      /* no ASCII */
		{false, 12,
		 "\x0a\x0a"
		 "01234567\xc3\xa4"},
		{false, 12,
		 "\x0a\x0a"
		 "0123\0"
		 "56789"},
		{false, 5, "\x0a\x01h\x32\x00"}, /* an ID without value */
		{false, 5, "\x0a\x01h\x3a\x00"}, /* another kind of field */
		{false, 2, "\x0a\x05"},
		{false, 1, "\x0a"},
		{false, 2, "\x00\x00"},
		{false, 11, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool plain;

		check(cases[i].bytes, cases[i].len, &plain);
		if (plain != cases[i].plain)
			fail_msg("case %zu: %d", i, plain);
	}
}

/* A SlaveInfo with something of everything. */
static void make_info(struct buffer *out)
{
	static const char json[] =
		"{\"hostname\":\"node1.example.com\",\"port\":5051,\"id\":{\"value\":\"8f2e-S1\"},\"checkpoint\":true,\"domain\":{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}},\"attributes\":[{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":\"r1\"}},{\"name\":\"level\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4.5}}],\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":8},\"role\":\"*\"},{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":300}]}},{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":512},\"reservations\":[{\"type\":\"STATIC\",\"role\":\"web\"}],\"revocable\":{}}]}";
	struct error err = ERROR_INIT;
	json_t *root = json_loads(json, 0, NULL);
	Mesos__SlaveInfo *info = slaveinfo_from_json(root, &err);

	assert_non_null(info);
	slaveinfo_pack(info, out);
	slaveinfo_free(info);
	json_decref(root);
}

static void test_damaged(void **state)
{
	struct buffer info = BUFFER_INIT(1u << 16);
	size_t plain_ones = 0;
	bool plain;

	(void)state;
	make_info(&info);
	check(info.data, info.len, &plain);
	assert_true(plain);
	for (size_t i = 0; i < info.len; i++) {
		char byte = info.data[i];

		for (int other = 0; other < 256; other++) {
			info.data[i] = (char)other;
			check(info.data, info.len, &plain);
			plain_ones += plain;
		}
		info.data[i] = byte;
		check(info.data, i, &plain);
	}
	assert_true(plain_ones > info.len); /* a letter of a name, a number… */
	buffer_clear(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
