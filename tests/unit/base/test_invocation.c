/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/invocation.h"

static void only_commands_between_backticks_change(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"", ""},
		{"no command", "no command"},
		{"`rollcall rollout list` shows them", "`rollcall --db x.db rollout list` shows them"},
		{"`rollcall`, or `rollcall rescue`", "`rollcall --db x.db`, or `rollcall --db x.db rescue`"},
		{"`rollcall --db x.db rescue`", "`rollcall --db x.db rescue`"},
		{"`rollcall --db x.db2 rescue`", "`rollcall --db x.db --db x.db2 rescue`"},
		{"`rollcall-lab up` and `rollout start`", "`rollcall-lab up` and `rollout start`"},
		{"another rollcall drives", "another rollcall drives"},
		{"cut off: `rollcall", "cut off: `rollcall"},
		{"`", "`"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *shown = invocation_put(cases[i].text, "rollcall", "rollcall --db x.db");

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

static void without_options_nothing_changes(void **state)
{
	char *shown = invocation_put("`rollcall rescue`", "rollcall", "rollcall");

	(void)state;
	assert_string_equal(shown, "`rollcall rescue`");
	free(shown);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_commands_between_backticks_change),
		cmocka_unit_test(without_options_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
