/* SPDX-License-Identifier: Apache-2.0 */
/* Where a ZooKeeper URL leads, and how ZooKeeper's bytes are read. */
#include <stdlib.h>

#include "lab/core/detector.h"
#include "lab/core/jute.h"
#include "tests/support/cmocka.h"

#define PACKET_MAX (1u << 20)

static void strings_end_where_the_packet_ends(void **state)
{
	static const char bytes[] = {0, 0, 0, 9, 'a', 'b'};
	struct jute_reader reader = {.at = bytes, .left = sizeof(bytes)};
	size_t len = 1;
	(void)state;
	char *text = jute_get_string(&reader, &len);
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	assert_true(reader.bad);
	assert_int_equal(jute_get_long(&reader), 0);
	free(text);
}

static void numbers_come_back(void **state)
{
	struct buffer out = BUFFER_INIT(PACKET_MAX);
	(void)state;
	jute_put_long(&out, -2);
	jute_put_int(&out, -101);
	jute_put_long(&out, 0x123456789abcdef0);
	struct jute_reader reader = {.at = out.data, .left = out.len};
	assert_int_equal(jute_get_long(&reader), -2);
	assert_int_equal(jute_get_int(&reader), -101);
	assert_true(jute_get_long(&reader) == 0x123456789abcdef0);
	assert_false(reader.bad);
	buffer_clear(&out);
}

static void check_split(const char *url, const char *address, const char *path)
{
	char *one, *other;
	detector_split(url, &one, &other);
	assert_string_equal(one, address);
	assert_string_equal(other, path);
	free(one);
	free(other);
}

static void urls_are_taken_apart(void **state)
{
	(void)state;
	assert_true(detector_is_url("zk://127.0.0.1:2181/mesos"));
	assert_false(detector_is_url("127.0.0.1:5050"));
	check_split("zk://127.0.0.1:2181/mesos", "127.0.0.1:2181", "/mesos");
	check_split("zk://127.0.0.1:2181,127.0.0.2:2181/a/b", "127.0.0.1:2181", "/a/b");
	check_split("zk://127.0.0.1:2181", "127.0.0.1:2181", "/");
	assert_int_equal(detector_session_ms(1), 10000);
	assert_int_equal(detector_session_ms(100), DETECTOR_SESSION_MIN_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_end_where_the_packet_ends),
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(urls_are_taken_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
