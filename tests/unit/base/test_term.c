/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/term.h"
#include "base/text.h"
#include "tests/support/cmocka.h"

/* What print writes about the table, as text; the caller's. The table is freed. */
static char *printed(struct table *table, void (*print)(const struct table *table, FILE *stream))
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	print(table, stream);
	fclose(stream);
	table_free(table);
	return text;
}

static void assert_printed(struct table *table, void (*print)(const struct table *table, FILE *stream),
			   const char *wanted)
{
	char *text = printed(table, print);
	assert_string_equal(text, wanted);
	free(text);
}

#define ROW(...) ((const char *const[]){__VA_ARGS__})

static void columns_line_up(void **state)
{
	(void)state;
	struct table *table = table_new(ROW("AGENT", "TASKS", "STATE"), 3);
	table_align_right(table, 1);
	table_add(table, ROW("a", "5", "done"));
	table_add(table, ROW("longer-name", "1234567", ""));
	table_add(table, ROW("b", "", "x"));
	table_add(table, ROW("", NULL, NULL));
	assert_printed(table, table_print,
		       "AGENT          TASKS  STATE\n"
		       "a                  5  done\n"
		       "longer-name  1234567\n"
		       "b                     x\n"
		       "\n");
}

static void widths_are_columns_not_bytes(void **state)
{
	(void)state;
	struct table *table = table_new(NULL, 2);
	table_add(table, ROW("caf\xc3\xa9", "1"));
	table_add(table, ROW("cafe\xcc\x81", "2")); /* e with a combining accent */
	table_add(table, ROW("\xe4\xb8\xad\xe6\x96\x87", "3"));
	table_add(table, ROW("abcd", "4"));
	assert_printed(table, table_print, "caf\xc3\xa9  1\ncafe\xcc\x81  2\n\xe4\xb8\xad\xe6\x96\x87  3\nabcd  4\n");
}

static void hostile_words_are_defused(void **state)
{
	(void)state;
	struct table *table = table_new(NULL, 2);
	table_add(table, ROW("\033[31mred\033[0m", "a\nb"));
	/* right-to-left override and zero-width space; assembled, so that no tool takes this file for hostile */
	char reversed[] = "\xe2\x80-x\xe2\x80\x8b";
	reversed[2] = '\xae';
	table_add(table, ROW("\xff\xc2\x9b", reversed));
	table_add(table, ROW("\xc0\xaf\xed\xa0\x80", "\xe4\xb8"));
	assert_printed(table, table_print,
		       "?[31mred?[0m  a?b\n"
		       "??            ?x?\n"
		       "?????         ??\n");
}

static void cells_are_copied(void **state)
{
	(void)state;
	char cell[] = "before";
	struct table *table = table_new(NULL, 1);
	table_set_style(table, 0, TERM_RED); /* no row yet: nothing happens */
	table_add(table, ROW(cell));
	memset(cell, 'x', 6);
	assert_printed(table, table_print, "before\n");
}

static void many_rows(void **state)
{
	(void)state;
	struct table *table = table_new(NULL, 1);
	for (int i = 0; i < 1000; i++)
		table_add(table, ROW("r"));
	char *text = printed(table, table_print);
	assert_int_equal(strlen(text), 2000);
	free(text);
}

static void csv_quotes_what_it_must(void **state)
{
	(void)state;
	struct table *table = table_new(ROW("id", "a,b"), 2);
	table_add(table, ROW("plain", "with \"quotes\""));
	table_add(table, ROW("two\nlines", ""));
	table_add(table, ROW("bell\a", "caf\xc3\xa9"));
	assert_printed(table, table_print_csv,
		       "id,\"a,b\"\r\n"
		       "plain,\"with \"\"quotes\"\"\"\r\n"
		       "\"two\nlines\",\r\n"
		       "bell?,caf\xc3\xa9\r\n");
}

/* A stream on a real terminal: the far end of a pseudo-terminal. */
static FILE *open_terminal(int *near_end)
{
	*near_end = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(*near_end >= 0);
	assert_int_equal(grantpt(*near_end), 0);
	assert_int_equal(unlockpt(*near_end), 0);
	int far_end = open(ptsname(*near_end), O_RDWR | O_NOCTTY); /* or closing it would hang us up */
	assert_true(far_end >= 0);
	FILE *stream = fdopen(far_end, "r+");
	assert_non_null(stream);
	return stream;
}

static void colour_only_on_terminals_that_want_it(void **state)
{
	(void)state;
	int near_end;
	FILE *terminal = open_terminal(&near_end);
	FILE *file = tmpfile();
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	assert_true(term_has_color(terminal));
	assert_string_equal(term_on(terminal, TERM_RED), "\033[31m");
	assert_string_equal(term_off(terminal), "\033[0m");
	assert_string_equal(term_on(terminal, TERM_PLAIN), "");
	assert_false(term_has_color(file));
	assert_string_equal(term_on(file, TERM_RED), "");
	assert_string_equal(term_off(file), "");
	setenv("TERM", "dumb", 1);
	assert_false(term_has_color(terminal));
	unsetenv("TERM");
	assert_false(term_has_color(terminal));
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "", 1);
	assert_true(term_has_color(terminal));
	setenv("NO_COLOR", "1", 1);
	assert_false(term_has_color(terminal));
	unsetenv("NO_COLOR");
	term_forbid_color();
	assert_false(term_has_color(terminal));
	fclose(file);
	fclose(terminal);
	close(near_end);
}

static void width_of_the_terminal(void **state)
{
	(void)state;
	int near_end;
	FILE *terminal = open_terminal(&near_end);
	struct winsize size = {.ws_row = 24, .ws_col = 132};
	assert_int_equal(ioctl(near_end, TIOCSWINSZ, &size), 0);
	assert_int_equal(term_width(terminal), 132);
	size.ws_col = 0;
	assert_int_equal(ioctl(near_end, TIOCSWINSZ, &size), 0);
	assert_int_equal(term_width(terminal), 80);
	FILE *file = tmpfile();
	assert_int_equal(term_width(file), 80);
	fclose(file);
	fclose(terminal);
	close(near_end);
}

static void decoding(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t code;
		size_t len;
	} rows[] = {
		{"a", 'a', 1},
		{"\xc3\xa9", 0xe9, 2},
		{"\xe2\x82\xac", 0x20ac, 3},
		{"\xf0\x9f\x98\x80", 0x1f600, 4},
		{"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
		{"\xf4\x90\x80\x80", UINT32_MAX, 1}, /* beyond Unicode */
		{"\xe0\x80\x80", UINT32_MAX, 1},     /* overlong */
		{"\xc1\xbf", UINT32_MAX, 1},         /* overlong */
		{"\xed\xa0\x80", UINT32_MAX, 1},     /* a surrogate */
		{"\xe2\x82", UINT32_MAX, 1},         /* cut short */
		{"\x80", UINT32_MAX, 1},
		{"\xff", UINT32_MAX, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t code;
		assert_int_equal(text_decode(rows[i].text, &code), rows[i].len);
		assert_true(code == rows[i].code);
	}
}

static void test_text_that_is_utf8(void **state)
{
	static const char *const good[] = {"", "a", "f\xc3\xbcr", "\xe2\x86\x92", "\xf0\x9f\x98\x80", "\x1b[2J"};
	static const char *const bad[] = {"\xff", "f\xfcr", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "ok\xe2\x86"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_utf8(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_utf8(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(widths_are_columns_not_bytes),
		cmocka_unit_test(hostile_words_are_defused),
		cmocka_unit_test(cells_are_copied),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(csv_quotes_what_it_must),
		cmocka_unit_test(width_of_the_terminal),
		cmocka_unit_test(decoding),
		cmocka_unit_test(test_text_that_is_utf8),
		cmocka_unit_test(colour_only_on_terminals_that_want_it), /* last: it forbids colour for good */
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
