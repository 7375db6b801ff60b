/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are shown to be pasted. */
#include "tests/support/cmocka.h"

#include "orchestrator/output.h"
#include "orchestrator/session.h"

static void words_as_a_shell_takes_them(void **state)
{
	static const struct {
		const char *word, *shown;
	} cases[] = {
		{"node001.lab", "node001.lab"},
		{"/etc/rollcall/lab-1.json", "/etc/rollcall/lab-1.json"},
		{"", "\"\""},
		{"rack = 'r1'", "\"rack = 'r1'\""},
		{"node[001-120]", "\"node[001-120]\""},
		{"rack = \"r1\"", "'rack = \"r1\"'"},
		{"a = '$(x)'", "'a = '\\''$(x)'\\'''"},
		{"a != 1", "'a != 1'"},
		{"a\\b", "'a\\b'"},
		{"`x`", "'`x`'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer out = BUFFER_INIT(1000);

		output_shell_word(cases[i].word, &out);
		assert_string_equal(buffer_text(&out), cases[i].shown);
		buffer_clear(&out);
	}
}

static void commands_lead_where_this_one_led(void **state)
{
	struct session session = {.config_file = NULL};
	struct buffer out = BUFFER_INIT(1000);

	(void)state;
	output_program(&session, &out);
	assert_string_equal(buffer_text(&out), "rollcall");
	buffer_reset(&out);
	session.config_file = "my labs/rollcall.json";
	session.cluster_name = "eu";
	session.db_path = "x.db";
	output_program(&session, &out);
	assert_string_equal(buffer_text(&out), "rollcall --config \"my labs/rollcall.json\" --cluster eu --db x.db");
	buffer_clear(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_as_a_shell_takes_them),
		cmocka_unit_test(commands_lead_where_this_one_led),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
