/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are drawn anew on a terminal: what does not fit, and that what was drawn can be erased. stderr is a pseudo terminal. */
#include "tests/support/cmocka.h"

#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "orchestrator/live_lines.h"

struct terminal {
	int master, stderr_kept;
	struct live_lines lines;
};

static void set_size(const struct terminal *terminal, unsigned short columns, unsigned short rows)
{
	const struct winsize size = {.ws_col = columns, .ws_row = rows};

	assert_int_equal(ioctl(terminal->master, TIOCSWINSZ, &size), 0);
}

static int set_up(void **state)
{
	struct terminal *terminal = calloc(1, sizeof(*terminal));
	int slave;

	assert_non_null(terminal);
	assert_int_equal(openpty(&terminal->master, &slave, NULL, NULL, NULL), 0);
	terminal->stderr_kept = dup(STDERR_FILENO);
	assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	close(slave);
	terminal->lines.frame = (struct buffer)BUFFER_INIT(1u << 20);
	set_size(terminal, 80, 24);
	*state = terminal;
	return 0;
}

static int tear_down(void **state)
{
	struct terminal *terminal = *state;

	dup2(terminal->stderr_kept, STDERR_FILENO);
	close(terminal->stderr_kept);
	close(terminal->master);
	buffer_clear(&terminal->lines.frame);
	free(terminal);
	return 0;
}

/* Each line must be narrower than the terminal, and counted. */
static const char *frame(struct terminal *terminal, size_t width)
{
	const char *text = buffer_text(&terminal->lines.frame);
	size_t lines = 0;

	for (const char *at = text; *at; at += strcspn(at, "\n") + 1, lines++) {
		char *line = strndup(at, strcspn(at, "\n"));

		if (text_width(line) >= width)
			fail_msg("wider than %zu: %s", width, line);
		free(line);
	}
	assert_int_equal(lines, terminal->lines.drawn);
	return text;
}

static void what_fits_stays(void **state)
{
	struct terminal *terminal = *state;

	live_draw(&terminal->lines, "  node1.lab                    returning  2.0 s    71 s left");
	assert_string_equal(frame(terminal, 80), "  node1.lab                    returning  2.0 s    71 s left\n");
}

static void a_reason_is_read_to_its_end(void **state)
{
	struct terminal *terminal = *state;
	static const char reason[] =
		"############  3 of 12 done, 0 away, 1 failed  12.3 s  pausing: node004.lab is stuck: neither "
		"as it was meant nor as it was before, and its task web.17 is gone";

	live_draw(&terminal->lines, reason);
	assert_string_equal(frame(terminal, 80),
			    "############  3 of 12 done, 0 away, 1 failed  12.3 s  pausing: node004.lab is\n"
			    "    stuck: neither as it was meant nor as it was before, and its task web.17 is\n"
			    "    gone\n");
	buffer_reset(&terminal->lines.frame);
	live_erase(&terminal->lines);
	assert_string_equal(buffer_text(&terminal->lines.frame), "\033[1A\033[2K\033[1A\033[2K\033[1A\033[2K");
	assert_int_equal(terminal->lines.drawn, 0);
	set_size(terminal, 200, 24);
	buffer_reset(&terminal->lines.frame);
	live_draw(&terminal->lines, reason);
	assert_int_equal(terminal->lines.drawn, 1);
	assert_text_has(frame(terminal, 200), reason);
}

/* Terminals break what no longer fits: what is erased are rows. */
static void a_terminal_that_becomes_narrower(void **state)
{
	struct terminal *terminal = *state;

	live_draw(&terminal->lines, "  node1.lab  returning for 2.0 s, 71 s until it must have reregistered"); /* 68 */
	live_draw(&terminal->lines, "3 of 12 done");
	set_size(terminal, 40, 24);
	buffer_reset(&terminal->lines.frame);
	live_erase(&terminal->lines);
	assert_string_equal(buffer_text(&terminal->lines.frame), "\033[1A\033[2K\033[1A\033[2K\033[1A\033[2K");
	buffer_reset(&terminal->lines.frame);
	live_draw(&terminal->lines, "3 of 12 done");
	set_size(terminal, 120, 24);
	buffer_reset(&terminal->lines.frame);
	live_erase(&terminal->lines);
	assert_string_equal(buffer_text(&terminal->lines.frame), "\033[1A\033[2K");
	/* Never more than there are. */
	for (int i = 0; i < 20; i++)
		live_draw(&terminal->lines, "  node1.lab  returning for 2.0 s");
	set_size(terminal, 5, 10);
	buffer_reset(&terminal->lines.frame);
	live_erase(&terminal->lines);
	assert_int_equal(terminal->lines.frame.len, 10 * strlen("\033[1A\033[2K"));
}

/* Its end says more than its middle. */
static void a_long_name_is_shortened_in_the_middle(void **state)
{
	struct terminal *terminal = *state;

	live_draw(&terminal->lines,
		  "  mesos-agent-0123.prod.eu-west.example.com returning  2.0 s    71 s left to reregister, and so on");
	assert_string_equal(frame(terminal, 80), "  mesos-agent-\u2026example.com returning  2.0 s  71 s left to "
						 "reregister, and so on\n");
}

static void a_small_terminal(void **state)
{
	struct terminal *terminal = *state;
	static const char text[] = "  mesos-agent-0123.prod.eu-west.example.com returning 2.0 s 71 s left";

	set_size(terminal, 30, 10);
	for (int i = 0; i < 6; i++)
		live_draw(&terminal->lines, text);
	live_draw(&terminal->lines, "2 of 12 done  pausing: the reason is here and it takes some words");
	assert_text_has(frame(terminal, 30), "pausing: the");
	assert_true(terminal->lines.drawn < 10 + 2);
	set_size(terminal, 1, 1);
	live_draw(&terminal->lines, text); /* nothing to be seen, and nothing to fall over */
}

static void wide_and_foreign_characters(void **state)
{
	struct terminal *terminal = *state;

	set_size(terminal, 24, 24);
	live_draw(&terminal->lines,
		  "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e");
	frame(terminal, 24);
	live_draw(&terminal->lines,
		  "  \u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e.lab \033[2J done");
	assert_null(strchr(frame(terminal, 24), '\033'));
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, set_up, tear_down, NULL                                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_fits_stays),  TEST(a_reason_is_read_to_its_end), TEST(a_long_name_is_shortened_in_the_middle),
		TEST(a_small_terminal), TEST(wide_and_foreign_characters), TEST(a_terminal_that_becomes_narrower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
