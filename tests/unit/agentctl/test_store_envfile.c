/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentctl/store.h"
#include "base/alloc.h"
#include "base/process.h"
#include "tests/support/scratch.h"

static int parse(const char *text, struct flags *out, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	int result;

	buffer_puts(&bytes, text);
	result = store_envfile_parse("env", &bytes, out, err);
	buffer_clear(&bytes);
	return result;
}

static char *edit(const char *text, const char *name, const char *value)
{
	const struct flag_edit one = {.name = (char *)name, .value = (char *)value};
	struct buffer bytes = BUFFER_INIT(STORE_FILE_MAX);
	struct buffer out = BUFFER_INIT(STORE_FILE_MAX);
	struct error err = ERROR_INIT;

	buffer_puts(&bytes, text);
	assert_ok(store_envfile_edit(&bytes, &one, &out, &err), &err);
	buffer_clear(&bytes);
	return buffer_take(&out);
}

/* What systemd reads from each line. */
static void test_quoting(void **state)
{
	static const struct {
		const char *line;
		const char *value;
	} cases[] = {
		{"MESOS_A=plain", "plain"},
		{"  MESOS_A = spaces around \t", "spaces around"},
		{"MESOS_A=", ""},
		{"MESOS_A=\"double \\\" \\\\ \\n quoted\"", "double \" \\ \\n quoted"},
		{"MESOS_A='single \"as it is\" $HOME'", "single \"as it is\" $HOME"},
		{"MESOS_A='one'\"two\"", "onetwo"},
		{"MESOS_A={\"fault_domain\":{\"zone\":\"z\"}}", "{\"fault_domain\":{\"zone\":\"z\"}}"},
		{"MESOS_A=rack:r1;tier:web # no comment", "rack:r1;tier:web # no comment"},
		{"MESOS_A=one\\\ntwo", "onetwo"},
		{"MESOS_A=\"one\\\ntwo\"", "onetwo"},
		{"MESOS_A=\"one\ntwo\"", "one\ntwo"},
		{"MESOS_A=kept\\ \\ ", "kept  "},
		{"MESOS_A=first\nMESOS_A=last", "last"},
		{"#MESOS_A=no\\\nMESOS_A=still a comment\nMESOS_A=yes", "yes"},
		{"; MESOS_A=no\nMESOS_A=yes\r\n", "yes"},
		{"export MESOS_A=no\nMESOS_A=yes", "yes"},
		{"only comments go on \\\nMESOS_A=yes", "yes"},
		{"no name='quoted\nMESOS_A=no'\nMESOS_A=yes", "yes"},
		{"MESOS_A=yes\rMESOS A=no\r", "yes"},
		{"MESOS_A=one\\\rtwo", "onetwo"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct flags flags = FLAGS_INIT;
		struct error err = ERROR_INIT;

		assert_ok(parse(cases[i].line, &flags, &err), &err);
		assert_int_equal(flags.count, 1);
		assert_string_equal(flags_get(&flags, "a"), cases[i].value);
		flags_clear(&flags);
	}
}

static void test_only_the_agents_variables(void **state)
{
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(parse("PATH=/bin\nMESOS_=x\nMESOS_WORK_DIR=/w\n\nnonsense\n=x\n1MESOS_B=c\n", &flags, &err), &err);
	assert_int_equal(flags.count, 1);
	assert_string_equal(flags_get(&flags, "work_dir"), "/w");
	flags_clear(&flags);
}

static void test_broken_files(void **state)
{
	struct buffer nul = BUFFER_INIT(64);
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse("A=1\nMESOS_B='never\nclosed\n", &flags, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "env:2");
	assert_int_equal(parse("MESOS_B=\"never", &flags, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "env:1");
	buffer_append(&nul, "MESOS_A=\0b", 10);
	assert_int_equal(store_envfile_parse("env", &nul, &flags, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "NUL");
	assert_int_equal(flags.count, 0);
	buffer_clear(&nul);
}

static void test_everything_else_stays(void **state)
{
	static const char before[] =
		"# first\nOTHER='x'\n\n  MESOS_ATTRIBUTES = \"a:1\" \nMESOS_PORT=1\nno line at the end";
	char *after;

	(void)state;
	after = edit(before, "attributes", "a:2");
	assert_string_equal(after, "# first\nOTHER='x'\n\nMESOS_ATTRIBUTES=a:2\nMESOS_PORT=1\nno line at the end");
	free(after);
	after = edit(before, "attributes", NULL);
	assert_string_equal(after, "# first\nOTHER='x'\n\nMESOS_PORT=1\nno line at the end");
	free(after);
	after = edit(before, "domain", "{\"a\":1}");
	assert_string_equal(after,
			    "# first\nOTHER='x'\n\n  MESOS_ATTRIBUTES = \"a:1\" \nMESOS_PORT=1\nno line at the end\n"
			    "MESOS_DOMAIN='{\"a\":1}'\n");
	free(after);
	after = edit(before, "absent", NULL);
	assert_string_equal(after, before);
	free(after);
}

/* The last one counts; the ones before it are overridden and stay. Removing must remove all. */
static void test_repeated_assignments(void **state)
{
	char *after;

	(void)state;
	after = edit("MESOS_A=1\nX=y\nMESOS_A=2\nZ=z\n", "a", "3");
	assert_string_equal(after, "MESOS_A=1\nX=y\nMESOS_A=3\nZ=z\n");
	free(after);
	after = edit("MESOS_A=1\nX=y\nMESOS_A=2\nZ=z\n", "a", NULL);
	assert_string_equal(after, "X=y\nZ=z\n");
	free(after);
	after = edit("MESOS_A=one\\\ntwo\nX=y\n", "a", "3");
	assert_string_equal(after, "MESOS_A=3\nX=y\n");
	free(after);
}

static const char *const values[] = {
	"",
	"plain",
	"rack:r1;tier:web",
	" blanks at both ends ",
	"it's",
	"{\"fault_domain\":{\"region\":{\"name\":\"eu\"}}}",
	"back\\slash \"quoted\" 'single' $HOME `date` \\\" \\n",
	"#no comment",
	"[10-20,30-40]",
	"%n $$ !! ~ * ? &|<>()",
	"caf\xc3\xa9",
};

static void test_every_value_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct flags flags = FLAGS_INIT;
		struct error err = ERROR_INIT;
		char *after = edit("MESOS_A=old\nMESOS_B=b\n", "a", values[i]);

		assert_ok(parse(after, &flags, &err), &err);
		assert_string_equal(flags_get(&flags, "a"), values[i]);
		assert_string_equal(flags_get(&flags, "b"), "b");
		flags_clear(&flags);
		free(after);
	}
}

/* Some wrappers source the file: a shell must read the same. */
static void test_a_shell_reads_the_same(void **state)
{
	char *folder = scratch_new();

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct buffer out = BUFFER_INIT(4096);
		struct error err = ERROR_INIT;
		char *after = edit("", "a", values[i]);
		char *path = scratch_write(folder, "env", after);
		const char *const argv[] = {"sh", "-c", ". \"$0\"; printf %s \"$MESOS_A\"", path, NULL};
		int status = -1;

		assert_ok(process_run(argv, NULL, 10000, &out, NULL, &status, &err), &err);
		assert_int_equal(status, 0);
		assert_string_equal(buffer_text(&out), values[i]);
		buffer_clear(&out);
		free(path);
		free(after);
	}
	scratch_remove(folder);
}

static void test_line_breaks_are_refused(void **state)
{
	const struct flag_edit one = {.name = (char *)"a", .value = (char *)"two\nlines"};
	struct buffer bytes = BUFFER_INIT(64);
	struct buffer out = BUFFER_INIT(64);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(store_envfile_edit(&bytes, &one, &out, &err), -1);
	assert_error(&err, ERROR_REFUSED, "line break");
}

static void test_store_as_a_whole(void **state)
{
	const struct flag_edit edits[] = {{(char *)"a", (char *)"2"}, {(char *)"b", NULL}, {(char *)"c", (char *)"3"}};
	const struct flag_edit nothing[] = {{(char *)"a", (char *)"1"}};
	struct flag_store store = {.path = NULL};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;
	char *folder = scratch_new();
	char *path = scratch_write(folder, "env", "MESOS_A=1\nMESOS_B=1\n");
	char *link;

	(void)state;
	assert_ok(flag_store_read(folder, FLAG_STORE_ENVFILE, "/env", &store, &err), &err);
	assert_int_equal(strlen(store.sha256), 64);
	assert_ok(flag_store_edit(&store, edits, 3, &edited, &err), &err);
	assert_int_equal(edited.file_count, 1);
	assert_string_equal(edited.files[0].path, "/env");
	assert_string_equal(buffer_text(&edited.files[0].bytes), "MESOS_A=2\nMESOS_C=3\n");
	flag_store_clear(&edited);
	assert_ok(flag_store_edit(&store, nothing, 1, &edited, &err), &err);
	assert_int_equal(edited.file_count, 0);
	flag_store_clear(&edited);
	flag_store_clear(&store);

	link = xasprintf("%s/link", folder);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(flag_store_read(folder, FLAG_STORE_ENVFILE, "/link", &store, &err), -1);
	assert_error(&err, ERROR_REFUSED, "symbolic link");
	assert_int_equal(flag_store_read(folder, FLAG_STORE_ENVFILE, "/absent", &store, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "absent");
	free(link);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_only_the_agents_variables),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_everything_else_stays),
		cmocka_unit_test(test_repeated_assignments),
		cmocka_unit_test(test_every_value_comes_back),
		cmocka_unit_test(test_a_shell_reads_the_same),
		cmocka_unit_test(test_line_breaks_are_refused),
		cmocka_unit_test(test_store_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
