/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/core/files.h"
#include "lab/host/unit.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static void check_words(const char *text, const char *const wanted[], size_t count)
{
	struct strings words = {.items = NULL};
	assert_true(unit_split_words(text, &words));
	assert_int_equal(words.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(words.items[i], wanted[i]);
	strings_clear(&words);
}

static void words_are_split_with_quotes(void **state)
{
	(void)state;
	check_words("", NULL, 0);
	check_words("  a  b ", (const char *const[]){"a", "b"}, 2);
	check_words("/bin/sh -c 'echo \"a b\"'", (const char *const[]){"/bin/sh", "-c", "echo \"a b\""}, 3);
	check_words("\"a \\\"b\\\"\" '' x\\ y", (const char *const[]){"a \"b\"", "", "x y"}, 3);
}

static void an_open_quote_is_an_error(void **state)
{
	struct strings words = {.items = NULL};
	(void)state;
	assert_false(unit_split_words("a \"b", &words));
	strings_clear(&words);
}

static void spans(void **state)
{
	(void)state;
	assert_int_equal(unit_parse_span("5"), 5000);
	assert_int_equal(unit_parse_span("100ms"), 100);
	assert_int_equal(unit_parse_span("1min 30s"), 90000);
	assert_int_equal(unit_parse_span("0"), 0);
	assert_true(unit_parse_span("infinity") > INT64_C(1) << 40);
	assert_int_equal(unit_parse_span(""), -1);
	assert_int_equal(unit_parse_span("soon"), -1);
	assert_int_equal(unit_parse_span("-5"), -1);
	assert_int_equal(unit_parse_span("5 parsecs"), -1);
}

static void check_environment(const char *text, const char *const wanted[], size_t count)
{
	struct strings env = {.items = NULL};
	environment_file_parse(text, &env);
	assert_int_equal(env.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(env.items[i], wanted[i]);
	strings_clear(&env);
}

static void environment_files_are_read_as_systemd_reads_them(void **state)
{
	(void)state;
	check_environment("", NULL, 0);
	check_environment("# A=1\n; B=2\n\nC=3", (const char *const[]){"C=3"}, 1);
	check_environment("A=1 \t\nB=  two words  \n", (const char *const[]){"A=1", "B=two words"}, 2);
	check_environment("A=\"x;y\"\nB='a \"b\" $c'\n", (const char *const[]){"A=x;y", "B=a \"b\" $c"}, 2);
	check_environment("A=\"a \\\"b\\\" \\n\"\n", (const char *const[]){"A=a \"b\" \\n"}, 1);
	check_environment("A=one\\\ntwo\nB=3\n", (const char *const[]){"A=onetwo", "B=3"}, 2);
	check_environment("A=\"two\nlines\"\n", (const char *const[]){"A=two\nlines"}, 1);
	check_environment("A=\nA=2\n", (const char *const[]){"A=2"}, 1);
	check_environment("not an assignment\n1A=2\nexport A=3\nB=4\n", (const char *const[]){"B=4"}, 1);
}

#define UNIT "mesos-agent.service"

static void put(const char *root, const char *path, const char *text)
{
	struct error err = ERROR_INIT;
	char *full = path_join(root, path);
	assert_ok(files_write_text(full, text, &err), &err);
	free(full);
}

static void units_have_systemds_defaults(void **state)
{
	char *root = scratch_new();
	struct error err = ERROR_INIT;
	struct unit unit;
	(void)state;
	put(root, "usr/lib/systemd/system/" UNIT, "[Service]\nExecStart=/usr/bin/mesos-agent --x\n");
	assert_ok(unit_load(root, UNIT, &unit, &err), &err);
	assert_string_equal(unit.path, "/usr/lib/systemd/system/" UNIT);
	assert_int_equal(unit.start.count, 2);
	assert_int_equal(unit.restart, RESTART_NO);
	assert_int_equal(unit.kill, KILL_CONTROL_GROUP);
	assert_int_equal(unit.restart_ms, 100);
	assert_int_equal(unit.limit_burst, 5);
	assert_int_equal(unit.limit_interval_ms, 10000);
	unit_clear(&unit);
	scratch_remove(root);
}

static void drop_ins_add_and_reset(void **state)
{
	char *root = scratch_new();
	struct error err = ERROR_INIT;
	struct unit unit;
	(void)state;
	put(root, "etc/systemd/system/" UNIT,
	    "[Unit]\nStartLimitBurst=3\n[Service]\nExecStartPre=/bin/one\nExecStart=/usr/bin/mesos-agent \\\n  --a=1\n"
	    "EnvironmentFile=-/etc/default/x\nEnvironment=A=1 \"B=2 3\"\nRestart=always\nKillMode=process\n");
	put(root, "etc/systemd/system/" UNIT ".d/zz-last.conf", "[Service]\nExecStartPre=-/bin/three 'x y'\n");
	put(root, "run/systemd/system/" UNIT ".d/10-first.conf", "[Service]\nExecStartPre=\nExecStartPre=/bin/two\n");
	put(root, "run/systemd/system/" UNIT ".d/zz-last.conf", "[Service]\nExecStartPre=/bin/hidden\n");
	put(root, "etc/systemd/system/" UNIT ".d/notes.txt", "[Service]\nExecStartPre=/bin/no\n");
	assert_ok(unit_load(root, UNIT, &unit, &err), &err);
	assert_int_equal(unit.drop_ins.count, 2);
	assert_int_equal(unit.start_pre_count, 2);
	assert_string_equal(unit.start_pre[0].argv.items[0], "/bin/two");
	assert_string_equal(unit.start_pre[1].argv.items[1], "x y");
	assert_false(unit.start_pre[0].ignore_failure);
	assert_true(unit.start_pre[1].ignore_failure);
	assert_string_equal(unit.start.items[1], "--a=1");
	assert_string_equal(unit.environment.items[1], "B=2 3");
	assert_string_equal(unit.environment_files.items[0], "-/etc/default/x");
	assert_int_equal(unit.restart, RESTART_ALWAYS);
	assert_int_equal(unit.kill, KILL_PROCESS);
	assert_int_equal(unit.limit_burst, 3);
	unit_clear(&unit);
	scratch_remove(root);
}

static void units_that_cannot_run_are_refused(void **state)
{
	char *root = scratch_new();
	struct error err = ERROR_INIT;
	struct unit unit;
	(void)state;
	assert_int_equal(unit_load(root, UNIT, &unit, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "could not be found");
	put(root, "etc/systemd/system/" UNIT, "[Service]\nRestart=always\nExecStartPre=-\n");
	assert_int_equal(unit_load(root, UNIT, &unit, &err), -1);
	assert_error(&err, ERROR_USAGE, "no ExecStart=");
	scratch_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_split_with_quotes),
		cmocka_unit_test(an_open_quote_is_an_error),
		cmocka_unit_test(spans),
		cmocka_unit_test(environment_files_are_read_as_systemd_reads_them),
		cmocka_unit_test(units_have_systemds_defaults),
		cmocka_unit_test(drop_ins_add_and_reset),
		cmocka_unit_test(units_that_cannot_run_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
