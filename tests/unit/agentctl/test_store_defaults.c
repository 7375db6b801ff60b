/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments of /etc/default, read without a shell and edited without touching what is beside them. */
#include "tests/support/cmocka.h"

#include "agentctl/store.h"
#include "base/alloc.h"

static int parse(const char *text, struct flags *flags, struct flags *arguments, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	int result;

	buffer_puts(&bytes, text);
	result = store_defaults_parse("defaults", &bytes, flags, arguments, err);
	buffer_clear(&bytes);
	return result;
}

static void expect(const char *text, const char *flag, const char *value)
{
	struct flags flags = FLAGS_INIT;
	struct flags arguments = FLAGS_INIT;
	struct error err = ERROR_INIT;
	const char *found;

	assert_ok(parse(text, &flags, &arguments, &err), &err);
	found = flags_get(&arguments, flag);
	if (found == NULL)
		found = flags_get(&flags, flag);
	if (value == NULL)
		assert_null(found);
	else
		assert_string_equal(found, value);
	flags_clear(&flags);
	flags_clear(&arguments);
}

static void test_words(void **state)
{
	(void)state;
	expect("MESOS_ATTRIBUTES=rack:r1\n", "attributes", "rack:r1");
	expect("export MESOS_ATTRIBUTES=rack:r1 # why\n", "attributes", "rack:r1");
	expect("MESOS_ATTRIBUTES='a b;c'\\''d'\n", "attributes", "a b;c'd");
	expect("MESOS_ATTRIBUTES=\"a \\\"b\\\" \\$HOME \\x\"\n", "attributes", "a \"b\" $HOME \\x");
	expect("MESOS_ATTRIBUTES=a\\ b\\\nc\n", "attributes", "a bc");
	expect("MESOS_RESOURCES='[{\"name\":\"cpus\",\n \"x\":1}]'\n", "resources", "[{\"name\":\"cpus\",\n \"x\":1}]");
	expect("A=1 MESOS_PORT=5052; MESOS_QUIET=true\n", "port", "5052");
	expect("A=1 MESOS_PORT=5052; MESOS_QUIET=true\n", "quiet", "true");
	expect("# MESOS_PORT=1\n  #MESOS_PORT=2\n", "port", NULL);
	expect("MESOS_PORT=1\nMESOS_PORT=2", "port", "2");
	expect("MESOS_PORT=a#b\n", "port", "a#b");
	expect("MESOS_PORT=\n", "port", "");
	expect("MESOS_PORT=cost$\n", "port", "cost$");
	expect("MESOS_PORT=\"cost$\"\n", "port", "cost$");
	expect("MESOS_PORT=1\\", "port", "1");
}

static void test_arguments(void **state)
{
	(void)state;
	expect("MASTER=zk://m/mesos\nMESOS_MASTER=other\n", "master", "zk://m/mesos");
	expect("MASTER=\nMESOS_MASTER=other\n", "master", "other");
	expect("LOGS=/var/log/mesos\nIP=10.0.0.1\nISOLATION=cgroups/cpu\n", "log_dir", "/var/log/mesos");
	expect("IP=10.0.0.1\n", "ip", "10.0.0.1");
	expect("ISOLATION=cgroups/cpu\n", "isolation", "cgroups/cpu");
}

static void test_commands_and_expansions_beside_the_flags(void **state)
{
	(void)state;
	expect("ulimit -n 8192\nexport JAVA_HOME PATH\nOPTS=\"$OPTS -x $(date +%s)\"\nMESOS_PORT=1\n", "port", "1");
	expect("JAVA=`ls \"/opt/my java\"`\nMESOS_PORT=1\n", "port", "1");
	expect("X=${Y:-a b} MESOS_PORT=1\n", "port", "1");
	expect("[ -d /x ] && echo yes\nMESOS_PORT=1\n", "port", "1");
}

static void expect_failure(const char *text, enum error_kind kind, const char *words)
{
	struct flags flags = FLAGS_INIT;
	struct flags arguments = FLAGS_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(parse(text, &flags, &arguments, &err), -1);
	assert_error(&err, kind, words);
	assert_int_equal(flags.count + arguments.count, 0);
}

static void test_what_only_a_shell_can_tell(void **state)
{
	static const char *const texts[] = {
		"MESOS_HOSTNAME=$(hostname -f)\n",
		"MESOS_HOSTNAME=`hostname`\n",
		"MESOS_HOSTNAME=$HOST\n",
		"MESOS_HOSTNAME=\"${HOST}\"\n",
		"MESOS_HOSTNAME=$'a\\tb'\n",
		"MESOS_WORK_DIR=~/mesos\n",
		"if [ -f /x ]; then\nMESOS_PORT=1\nfi\n",
		"[ -f /x ] && MESOS_PORT=1\n",
		"test -n \"$X\" || export MASTER=m\n",
		"MESOS_PORT=1 | cat\n",
		". /etc/other\n",
		"f() { MESOS_PORT=1; }\n",
		"cat <<END\nMESOS_PORT=1\nEND\n",
		"unset MESOS_PORT\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		expect_failure(texts[i], ERROR_REFUSED, "shell");
	expect_failure("A=1\nMESOS_PORT='1\n", ERROR_CORRUPT, "defaults:2: a quote is never closed");
	expect_failure("MESOS_PORT=\"1\n", ERROR_CORRUPT, "never closed");
}

/* Commands that set a variable for themselves alone set none of ours. */
static void test_variables_of_a_command(void **state)
{
	(void)state;
	expect_failure("MESOS_PORT=1 mesos-resolve\n", ERROR_REFUSED, "a command and a flag");
	expect("X=1 true\nMESOS_PORT=2\n", "port", "2");
}

/* ---- editing */

static void expect_edit(const char *before, const char *name, const char *value, bool as_argument, const char *after)
{
	const struct flag_edit edit = {.name = (char *)name, .value = (char *)value};
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	struct buffer out = BUFFER_INIT(STORE_FILE_MAX);
	struct error err = ERROR_INIT;

	buffer_puts(&bytes, before);
	assert_ok(store_defaults_edit(&bytes, &edit, as_argument, &out, &err), &err);
	assert_string_equal(buffer_text(&out), after);
	if (value != NULL)
		expect(buffer_text(&out), name, value);
	buffer_clear(&bytes);
	buffer_clear(&out);
}

static void test_edits_the_word_alone(void **state)
{
	(void)state;
	expect_edit("# a\n  export MESOS_PORT=1  X=2 # keep\r\n\n\tY='3'\n", "port", "5052", false,
		    "# a\n  export MESOS_PORT='5052'  X=2 # keep\r\n\n\tY='3'\n");
	expect_edit("MESOS_PORT=1\nMESOS_PORT=2\n", "port", "3", false, "MESOS_PORT=1\nMESOS_PORT='3'\n");
	expect_edit("MESOS_PORT=\"2\" # same\n", "port", "2", false, "MESOS_PORT=\"2\" # same\n");
	expect_edit("MESOS_ATTRIBUTES='a:1'\\''2'", "attributes", "it's:1", false, "MESOS_ATTRIBUTES='it'\\''s:1'");
	expect_edit("MASTER=a\nMESOS_MASTER=b\n", "master", "c", true, "MASTER='c'\nMESOS_MASTER=b\n");
}

static void test_adds_in_the_style_of_the_file(void **state)
{
	(void)state;
	expect_edit("MESOS_PORT=1", "quiet", "true", false, "MESOS_PORT=1\nMESOS_QUIET='true'\n");
	expect_edit("X=1\n", "quiet", "true", false, "X=1\nexport MESOS_QUIET='true'\n");
	expect_edit("", "attributes", "a:$x`y`\"\\", false, "export MESOS_ATTRIBUTES='a:$x`y`\"\\'\n");
}

static void test_removes_the_assignment_alone(void **state)
{
	(void)state;
	expect_edit("A=1\nexport MESOS_PORT=1\nB=2\n", "port", NULL, false, "A=1\nB=2\n");
	expect_edit("A=1 MESOS_PORT=1 B=2\n", "port", NULL, false, "A=1 B=2\n");
	expect_edit("MESOS_PORT=1 # why\nB=2\n", "port", NULL, false, "# why\nB=2\n");
	expect_edit("MESOS_PORT=1; B=2\n", "port", NULL, false, " B=2\n");
	expect_edit("B=2; MESOS_PORT=1\n", "port", NULL, false, "B=2;\n");
	expect_edit("MASTER=a\n#\nMESOS_MASTER=b", "master", NULL, false, "#\n");
	expect_edit("MESOS_PORTS=1\n", "port", NULL, false, "MESOS_PORTS=1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_commands_and_expansions_beside_the_flags),
		cmocka_unit_test(test_what_only_a_shell_can_tell),
		cmocka_unit_test(test_variables_of_a_command),
		cmocka_unit_test(test_edits_the_word_alone),
		cmocka_unit_test(test_adds_in_the_style_of_the_file),
		cmocka_unit_test(test_removes_the_assignment_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
