/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/buffer.h"
#include "tests/support/cmocka.h"

static void appends_end_in_nul(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(100);
	assert_string_equal(buffer_text(&buf), "");
	assert_int_equal(buffer_puts(&buf, "one"), 0);
	assert_int_equal(buffer_putc(&buf, ' '), 0);
	assert_int_equal(buffer_append(&buf, "two!", 3), 0);
	assert_int_equal(buffer_printf(&buf, " %d", 3), 0);
	assert_string_equal(buffer_text(&buf), "one two 3");
	assert_int_equal(buf.len, 9);
	buffer_clear(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.max, 100);
}

static void exactly_max_fits_and_one_more_does_not(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(8);
	assert_int_equal(buffer_puts(&buf, "12345678"), 0);
	assert_false(buf.overflow);
	assert_int_equal(buffer_append(&buf, "", 0), 0);
	assert_int_equal(buffer_putc(&buf, '9'), -1);
	assert_true(buf.overflow);
	assert_string_equal(buffer_text(&buf), "12345678");
	assert_int_equal(buf.len, 8);
	buffer_clear(&buf);
}

static void overflow_changes_nothing_and_stays(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(8);
	buffer_puts(&buf, "abc");
	assert_int_equal(buffer_printf(&buf, "%s", "defghi"), -1);
	assert_int_equal(buffer_append(&buf, "x", SIZE_MAX), -1);
	assert_string_equal(buffer_text(&buf), "abc");
	assert_int_equal(buffer_puts(&buf, "d"), 0);
	assert_true(buf.overflow);
	buffer_reset(&buf);
	assert_false(buf.overflow);
	assert_string_equal(buffer_text(&buf), "");
	buffer_clear(&buf);
}

static void grows_far_beyond_its_first_room(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(SIZE_MAX - 1);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buffer_printf(&buf, "%04d", i), 0);
	assert_int_equal(buf.len, 40000);
	assert_memory_equal(buf.data + 39504, "9876", 4); /* 4 bytes each */
	assert_int_equal(strlen(buf.data), 40000);
	buffer_clear(&buf);
}

static void bytes_may_be_nul(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(10);
	buffer_append(&buf, "a\0b", 3);
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "a\0b\0", 4);
	buffer_clear(&buf);
}

static void consume_keeps_the_rest(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(10);
	buffer_consume(&buf, 0);
	buffer_puts(&buf, "line\nrest");
	buffer_consume(&buf, 5);
	assert_string_equal(buffer_text(&buf), "rest");
	assert_int_equal(buf.len, 4);
	buffer_consume(&buf, 4);
	assert_string_equal(buffer_text(&buf), "");
	assert_int_equal(buffer_puts(&buf, "0123456789"), 0);
	buffer_clear(&buf);
}

static void take_hands_over(void **state)
{
	(void)state;
	struct buffer buf = BUFFER_INIT(10);
	char *empty = buffer_take(&buf);
	assert_string_equal(empty, "");
	free(empty);
	buffer_puts(&buf, "mine");
	char *text = buffer_take(&buf);
	assert_string_equal(text, "mine");
	assert_int_equal(buf.len, 0);
	assert_null(buf.data);
	assert_int_equal(buffer_puts(&buf, "again"), 0);
	assert_string_equal(text, "mine");
	free(text);
	buffer_clear(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_end_in_nul),
		cmocka_unit_test(exactly_max_fits_and_one_more_does_not),
		cmocka_unit_test(overflow_changes_nothing_and_stays),
		cmocka_unit_test(grows_far_beyond_its_first_room),
		cmocka_unit_test(bytes_may_be_nul),
		cmocka_unit_test(consume_keeps_the_rest),
		cmocka_unit_test(take_hands_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
