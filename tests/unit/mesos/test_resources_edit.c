/* SPDX-License-Identifier: Apache-2.0 */
/* Editing the --resources flag in place. */
#include "mesos/resources.h"
#include "tests/support/cmocka.h"

static const struct mesos_version newest = {1, 12, 0};

#define SCALAR(name, value) "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}"

static void editing_leaves_the_others_as_they_are(void **state)
{
	static const struct {
		const char *text, *name, *value, *expected;
	} rows[] = {
		{"cpus:4;mem:1", "cpus", "8", "cpus:8;mem:1"},
		{"cpus:4;mem:1", "mem", "2.5", "cpus:4;mem:2.5"},
		{"cpus:4;mem:1", "gpus", "1", "cpus:4;mem:1;gpus:1"},
		{"cpus:4;mem:1", "cpus", NULL, "mem:1"},
		{"cpus:4;mem:1", "mem", NULL, "cpus:4"},
		{"cpus:4", "cpus", NULL, ""},
		{"", "cpus", "4", "cpus:4"},
		{"cpus:2; mem : 1 ;cpus:2", "cpus", "8", "cpus:8; mem : 1 "},
		{"cpus:2;cpus(web):3;cpus(*):1", "cpus", "8", "cpus:8;cpus(web):3"},
		{"cpus:2;cpus(web):3", "cpus(web)", "8", "cpus:2;cpus(web):8"},
		{"cpus:2", "cpus(web)", "8", "cpus:2;cpus(web):8"},
		{"cpus:2;", "ports", "[1-2,5-6]", "cpus:2;ports:[1-2,5-6]"},
		{"cpus:2", "s", "{a,b}", "cpus:2;s:{a,b}"},
		{"[" SCALAR("cpus", "4") ",\"x\":1}," SCALAR("mem", "1") "}]", "cpus", "8",
		 "[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"x\":1,\"scalar\":{\"value\":8.0}}," SCALAR("mem",
												       "1") "}]"},
		{"[" SCALAR("cpus", "4") "}," SCALAR("cpus", "1") "}," SCALAR("mem", "1") "}]", "cpus", NULL,
		 "[" SCALAR("mem", "1") "}]"},
		{"[" SCALAR("disk", "4") ",\"disk\":{\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/a\"}}}}]",
		 "disk", "7",
		 "[" SCALAR("disk", "4") ",\"disk\":{\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/a\"}}}},"
					 "" SCALAR("disk", "7.0") "}]"},
		{"[" SCALAR("cpus", "4") ",\"role\":\"web\"}]", "cpus(web)", "5",
		 "[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"role\":\"web\",\"scalar\":{\"value\":5.0}}]"},
		{"[]", "mem(web)", "5", "[" SCALAR("mem", "5.0") ",\"role\":\"web\"}]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = BUFFER_INIT(4096);
		struct error err = ERROR_INIT;

		assert_int_equal(0, resources_edit(rows[i].text, rows[i].name, rows[i].value, &newest, &out, &err));
		assert_string_equal(rows[i].expected, buffer_text(&out));
		buffer_clear(&out);
	}
}

static void edits_that_would_not_start_an_agent_are_refused(void **state)
{
	static const struct {
		const char *text, *name, *value;
	} rows[] = {
		{"cpus:4", "", "1"},
		{"cpus:4", "a:b", "1"},
		{"cpus:4", "a(", "1"},
		{"cpus:4", "a()", "1"},
		{"cpus:4", "(a)", "1"},
		{"cpus:4", "a(b)c", "1"},
		{"cpus:4", "cpus", ""},
		{"cpus:4", "cpus", "x"},
		{"cpus:4", "cpus", "1;mem:2"},
		{"cpus:4", "mem(a b)", "1"},
		{"broken", "cpus", "1"},
		{"cpus:4", "x", "{a,a}"},
		{"[{\"name\":1}]", "cpus", "1"},
		{"[]", "cpus", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = BUFFER_INIT(4096);
		struct error err = ERROR_INIT;

		buffer_puts(&out, "kept");
		assert_int_equal(-1, resources_edit(rows[i].text, rows[i].name, rows[i].value, &newest, &out, &err));
		assert_int_equal(ERROR_USAGE, err.kind);
		assert_string_equal("kept", buffer_text(&out));
		buffer_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(editing_leaves_the_others_as_they_are),
		cmocka_unit_test(edits_that_would_not_start_an_agent_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
