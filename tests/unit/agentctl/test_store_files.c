/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of several files, and stores that somebody else writes. */
#include "tests/support/cmocka.h"

#include "agentctl/store.h"
#include "base/alloc.h"
#include "tests/support/scratch.h"

static int set_up(void **state)
{
	*state = scratch_new();
	return 0;
}

static int tear_down(void **state)
{
	scratch_remove(*state);
	return 0;
}

static void put(const char *folder, const char *name, const char *text)
{
	free(scratch_write(folder, name, text));
}

/* Three files, as DC/OS has them; the second need not be there. */
static int read_three(const char *folder, enum flag_store_kind kind, struct flag_store *out, struct error *err)
{
	char *later[] = {(char *)"/second", (char *)"/third", NULL};
	const struct host_settings host = {
		.root = (char *)folder, .store_kind = kind, .store_path = (char *)"/first", .store_later = later};

	return flag_store_read_host(&host, out, err);
}

static int edit(const struct flag_store *store, const char *name, const char *value, struct flag_store *out,
		struct error *err)
{
	const struct flag_edit edits[] = {{(char *)name, (char *)value}};

	return flag_store_edit(store, edits, 1, out, err);
}

static void test_later_files_win(void **state)
{
	struct flag_store store = {.path = NULL};
	struct error err = ERROR_INIT;
	char before[DIGEST_HEX_SIZE];

	put(*state, "first", "MESOS_PORT=1\nMESOS_IP=1.2.3.4\n");
	put(*state, "third", "MESOS_PORT=3\n");
	assert_ok(read_three(*state, FLAG_STORE_ENVFILE, &store, &err), &err);
	assert_string_equal(flags_get(&store.flags, "port"), "3");
	assert_string_equal(flags_get(&store.flags, "ip"), "1.2.3.4");
	memcpy(before, store.sha256, sizeof before);
	flag_store_clear(&store);
	put(*state, "second", "");
	assert_ok(read_three(*state, FLAG_STORE_ENVFILE, &store, &err), &err);
	assert_string_not_equal(store.sha256, before); /* a file that came is another store */
	flag_store_clear(&store);
}

static void test_edits_the_file_that_counts(void **state)
{
	struct flag_store store = {.path = NULL};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	put(*state, "first", "MESOS_PORT=1\n# kept\nMESOS_IP=1.2.3.4\n");
	put(*state, "third", "MESOS_PORT=3\n");
	assert_ok(read_three(*state, FLAG_STORE_ENVFILE, &store, &err), &err);
	assert_ok(edit(&store, "ip", "5.6.7.8", &edited, &err), &err);
	assert_int_equal(edited.file_count, 1);
	assert_string_equal(edited.files[0].path, "/first");
	assert_string_equal(buffer_text(&edited.files[0].bytes), "MESOS_PORT=1\n# kept\nMESOS_IP=5.6.7.8\n");
	flag_store_clear(&edited);
	assert_ok(edit(&store, "port", "4", &edited, &err), &err);
	assert_int_equal(edited.file_count, 1);
	assert_string_equal(edited.files[0].path, "/third");
	flag_store_clear(&edited);
	assert_ok(edit(&store, "quiet", "true", &edited, &err), &err);
	assert_string_equal(edited.files[0].path, "/third");
	assert_string_equal(buffer_text(&edited.files[0].bytes), "MESOS_PORT=3\nMESOS_QUIET=true\n");
	flag_store_clear(&edited);
	/* What is removed must not come back from an earlier file. */
	assert_ok(edit(&store, "port", NULL, &edited, &err), &err);
	assert_int_equal(edited.file_count, 2);
	assert_null(flags_get(&edited.flags, "port"));
	flag_store_clear(&edited);
	flag_store_clear(&store);
}

static void test_none_of_the_files_is_there(void **state)
{
	struct flag_store store = {.path = NULL};
	struct error err = ERROR_INIT;

	assert_int_equal(read_three(*state, FLAG_STORE_ENVFILE, &store, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "none of the files");
	assert_null(store.path);
}

static void test_defaults_of_two_files(void **state)
{
	struct flag_store store = {.path = NULL};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	put(*state, "first", "MASTER=zk://a/mesos\nLOGS=/var/log/mesos\n");
	put(*state, "third", "MESOS_MASTER=b\nMESOS_ATTRIBUTES=rack:r1\n");
	assert_ok(read_three(*state, FLAG_STORE_DEFAULTS, &store, &err), &err);
	assert_string_equal(flags_get(&store.flags, "master"), "zk://a/mesos"); /* an argument, wherever it stands */
	assert_string_equal(flags_get(&store.arguments, "log_dir"), "/var/log/mesos");
	assert_null(flags_get(&store.arguments, "attributes"));
	assert_ok(edit(&store, "master", "zk://c/mesos", &edited, &err), &err);
	assert_int_equal(edited.file_count, 1);
	assert_string_equal(buffer_text(&edited.files[0].bytes), "MASTER='zk://c/mesos'\nLOGS=/var/log/mesos\n");
	flag_store_clear(&edited);
	assert_ok(edit(&store, "master", NULL, &edited, &err), &err);
	assert_int_equal(edited.file_count, 2);
	assert_null(flags_get(&edited.flags, "master"));
	flag_store_clear(&edited);
	flag_store_clear(&store);
}

static void test_external_is_read_and_never_written(void **state)
{
	struct flag_store store = {.path = NULL};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	put(*state, "env", "MESOS_ATTRIBUTES='rack:r2;zone:a'\n");
	assert_ok(flag_store_read(*state, FLAG_STORE_EXTERNAL, "/env", &store, &err), &err);
	assert_int_equal(store.form, FLAG_STORE_ENVFILE);
	assert_ok(edit(&store, "attributes", "zone:a;rack:r2", &edited, &err), &err);
	assert_int_equal(edited.file_count, 0);
	flag_store_clear(&edited);
	assert_int_equal(edit(&store, "attributes", "rack:r3", &edited, &err), -1);
	assert_error(&err, ERROR_REFUSED, "has not written --attributes yet");
	err = (struct error)ERROR_INIT;
	assert_int_equal(edit(&store, "attributes", NULL, &edited, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	flag_store_clear(&store);
}

static void test_external_without_a_path_is_believed(void **state)
{
	struct flag_store store = {.path = NULL};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	assert_ok(flag_store_read(*state, FLAG_STORE_EXTERNAL, NULL, &store, &err), &err);
	assert_int_equal(store.form, FLAG_STORE_UNKNOWN);
	assert_int_equal(strlen(store.sha256), DIGEST_HEX_SIZE - 1);
	assert_ok(edit(&store, "attributes", "rack:r3", &edited, &err), &err);
	assert_int_equal(edited.file_count, 0);
	assert_string_equal(flags_get(&edited.flags, "attributes"), "rack:r3");
	flag_store_clear(&edited);
	flag_store_clear(&store);
}

/* A backslash without a line behind it is nothing; with one it joins the two. */
static void test_what_an_edit_would_change_besides(void **state)
{
	struct flag_store store = {.path = NULL};
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	put(*state, "first", "LOGS=/var/log\\");
	assert_ok(flag_store_read(*state, FLAG_STORE_DEFAULTS, "/first", &store, &err), &err);
	assert_string_equal(flags_get(&store.flags, "log_dir"), "/var/log");
	assert_int_equal(edit(&store, "port", "5052", &edited, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "another flag"));
	assert_null(edited.path);
	flag_store_clear(&store);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_later_files_win),
		WITH_FOLDER(test_edits_the_file_that_counts),
		WITH_FOLDER(test_none_of_the_files_is_there),
		WITH_FOLDER(test_defaults_of_two_files),
		WITH_FOLDER(test_what_an_edit_would_change_besides),
		WITH_FOLDER(test_external_is_read_and_never_written),
		WITH_FOLDER(test_external_without_a_path_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
