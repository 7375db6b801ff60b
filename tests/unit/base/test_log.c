/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/log.h"
#include "tests/support/cmocka.h"

static struct buffer seen = BUFFER_INIT(10000);

static void remember(enum log_level level, const char *line, void *ctx)
{
	(void)level;
	*(int *)ctx += 1;
	buffer_printf(&seen, "%s\n", line);
}

static void levels_and_lines(void **state)
{
	(void)state;
	int count = 0;
	log_set_hook(remember, &count);
	log_setup("rollcall", LOG_WARNING);
	log_error("host %d", 1);
	log_warning("careful");
	log_info("not shown");
	log_debug("not shown");
	log_setup(NULL, LOG_DEBUG);
	log_info("plain");
	log_debug("two\nlines\033[2J\xc2\x9b");
	log_setup("rollcall", LOG_QUIET);
	log_error("not shown");
	log_set_hook(NULL, NULL);
	assert_int_equal(count, 4);
	assert_string_equal(buffer_text(&seen),
			    "rollcall: error: host 1\nrollcall: warning: careful\nplain\ndebug: two lines?[2J??\n");
	assert_int_equal(log_get_level(), LOG_QUIET);
}

static void commands_are_named_as_they_were_called(void **state)
{
	(void)state;
	int count = 0;
	buffer_reset(&seen);
	log_setup("rollcall", LOG_INFO);
	log_set_hook(remember, &count);
	log_set_invocation("rollcall --db x.db");
	log_info("`rollcall rollout list` shows them");
	log_set_invocation(NULL);
	log_info("`rollcall rollout list` shows them");
	log_set_hook(NULL, NULL);
	assert_string_equal(buffer_text(&seen), "rollcall: `rollcall --db x.db rollout list` shows them\n"
						"rollcall: `rollcall rollout list` shows them\n");
}

static void long_lines_are_cut(void **state)
{
	(void)state;
	int count = 0;
	char text[5000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buffer_reset(&seen);
	log_setup("p", LOG_INFO);
	log_set_hook(remember, &count);
	log_info("%s", text);
	log_set_hook(NULL, NULL);
	assert_int_equal(seen.len, 2048); /* 2047 and the newline that we add */
	buffer_clear(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_and_lines),
		cmocka_unit_test(commands_are_named_as_they_were_called),
		cmocka_unit_test(long_lines_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
