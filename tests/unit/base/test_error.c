/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tests/support/cmocka.h"

static void first_writer_wins(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(error_set(&err, ERROR_REFUSED, "no %s on %d", "luck", 7), -1);
	assert_int_equal(error_set(&err, ERROR_BUG, "cleanup failed"), -1);
	assert_int_equal(error_errno(&err, ERROR_SYSTEM, EIO, "cleanup failed"), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.text, "no luck on 7");
}

static void null_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, ERROR_BUG, "nobody hears this"), -1);
	assert_int_equal(error_errno(NULL, ERROR_BUG, EIO, "nor this"), -1);
	assert_int_equal(error_prefix(NULL, "here"), -1);
	error_clear(NULL);
}

static void errno_is_spelled_out(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	error_errno(&err, ERROR_UNREACHABLE, ENOENT, "cannot open %s", "/x");
	assert_string_equal(err.text, "cannot open /x: No such file or directory");
}

static void prefix_says_where(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	error_prefix(&err, "host %d", 1);
	assert_int_equal(err.kind, ERROR_NONE);
	assert_string_equal(err.text, "");
	error_set(&err, ERROR_CORRUPT, "truncated");
	assert_int_equal(error_prefix(&err, "host %d", 3), -1);
	assert_string_equal(err.text, "host 3: truncated");
	assert_int_equal(err.kind, ERROR_CORRUPT);
}

static void clear_makes_room_for_the_next(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	error_set(&err, ERROR_BUG, "first");
	error_clear(&err);
	assert_int_equal(err.kind, ERROR_NONE);
	assert_string_equal(err.text, "");
	error_set(&err, ERROR_USAGE, "second");
	assert_string_equal(err.text, "second");
}

static void long_texts_are_cut_between_characters(void **state)
{
	(void)state;
	char wide[ERROR_TEXT_MAX + 8];
	for (size_t i = 0; i + 1 < sizeof(wide); i += 2)
		memcpy(wide + i, "\xc3\xa9", 2);
	wide[sizeof(wide) - 1] = '\0';
	struct error err = ERROR_INIT;
	error_set(&err, ERROR_CORRUPT, "%s", wide);
	size_t len = strlen(err.text);
	assert_true(len < ERROR_TEXT_MAX);
	assert_int_equal(len % 2, 0);
	error_prefix(&err, "%s", "odd");
	len = strlen(err.text);
	assert_int_equal((unsigned char)err.text[len - 1], 0xa9);
}

/* With these a text shows something else than it says: turned round, or with invisible characters. */
static void a_text_cannot_be_shown_in_another_order(void **state)
{
	static const char *const characters[] = {"\u202e", "\u2066", "\u061c", "\u200b", "\U000e0041", "\ufff9"};
	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		struct error err = ERROR_INIT;
		error_set(&err, ERROR_CORRUPT, "a%sb \u00e9\u2192", characters[i]);
		assert_null(strstr(err.text, characters[i]));
		assert_non_null(strstr(err.text, "?b \u00e9\u2192"));
	}
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	error_set(&err, ERROR_CORRUPT, "a%sb", "\033[2J\r\x7f\xc2\x9b\n\t\xc3\xa9");
	assert_string_equal(err.text, "a?[2J????\n\t\xc3\xa9"
				      "b");
}

static void kinds_map_to_exit_codes(void **state)
{
	(void)state;
	static const struct {
		enum error_kind kind;
		int code;
	} rows[] = {
		{ERROR_NONE, 0},    {ERROR_USAGE, 2},       {ERROR_CORRUPT, 2},
		{ERROR_REFUSED, 3}, {ERROR_CONFLICT, 3},    {ERROR_UNREACHABLE, 4},
		{ERROR_SYSTEM, 4},  {ERROR_INTERRUPTED, 5}, {ERROR_BUG, 70},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = {.kind = rows[i].kind};
		assert_int_equal(error_exit_code(&err), rows[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_writer_wins),
		cmocka_unit_test(null_is_accepted),
		cmocka_unit_test(errno_is_spelled_out),
		cmocka_unit_test(prefix_says_where),
		cmocka_unit_test(clear_makes_room_for_the_next),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(a_text_cannot_be_shown_in_another_order),
		cmocka_unit_test(kinds_map_to_exit_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
