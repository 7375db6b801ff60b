/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/flags.h"
#include "tests/support/cmocka.h"

static void assert_flag(const struct flags *flags, const char *name, const char *value)
{
	const char *found = flags_get(flags, name);

	if (value == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(value, found);
}

static void a_map_that_keeps_its_order(void **state)
{
	struct flags flags = FLAGS_INIT, copy = FLAGS_INIT;
	json_t *json;

	(void)state;
	flags_set(&flags, "b", "1");
	flags_set(&flags, "a", "2");
	flags_set(&flags, "b", "3");
	assert_int_equal(2, flags.count);
	assert_string_equal("b", flags.items[0].name);
	assert_flag(&flags, "b", "3");
	flags_remove(&flags, "none");
	flags_copy(&copy, &flags);
	assert_true(flags_equal(&flags, &copy));
	flags_remove(&copy, "b");
	assert_int_equal(1, copy.count);
	assert_flag(&copy, "b", NULL);
	assert_false(flags_equal(&flags, &copy));
	flags_set(&copy, "b", "3"); /* another order */
	assert_true(flags_equal(&flags, &copy));
	flags_set(&copy, "b", "4");
	assert_false(flags_equal(&flags, &copy));
	json = flags_to_json(&flags);
	flags_clear(&copy);
	assert_int_equal(0, flags_from_json(json, "here", &copy, NULL));
	assert_true(flags_equal(&flags, &copy));
	json_decref(json);
	flags_clear(&flags);
	flags_clear(&copy);
}

static void json_has_to_be_strings_by_name(void **state)
{
	static const char *const bad[] = {"[]",
					  "{\"port\":5051}",
					  "{\"a\":\"1\",\"strict\":true}",
					  "{\"a\":null}",
					  "{\"--port\":\"1\"}",
					  "{\"\":\"1\"}",
					  "{\"a\":\"x\\u0000y\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct flags flags = {NULL, 77};
		struct error err = ERROR_INIT;
		json_t *json = json_loads(bad[i], JSON_ALLOW_NUL, NULL);

		assert_non_null(json);
		assert_int_equal(-1, flags_from_json(json, "flags.json", &flags, &err));
		assert_int_equal(ERROR_USAGE, err.kind);
		assert_non_null(strstr(err.text, "flags.json"));
		assert_int_equal(77, flags.count);
		json_decref(json);
	}
}

static void a_process_is_read_as_the_agent_reads_itself(void **state)
{
	static const char *const argv[] = {
		"mesos-agent", "--port=5052", "--attributes=a:b=c", "--no-strict", "operand", "-x", "--recover",
		"--hostname=", "--",          "--late=1",           NULL};
	static const char *const env[] = {"MESOS_PORT=1",
					  "MESOS_WORK_DIR=/w=1",
					  "PATH=/bin",
					  "MESOS_",
					  "MESOS_=x",
					  "MESOS_NATIVE_JAVA_LIBRARY=/lib.so",
					  "MESOS_STRICT=true",
					  "MESOSX=1",
					  NULL};
	struct flags flags = FLAGS_INIT;

	(void)state;
	flags_from_process(argv, env, &flags);
	assert_flag(&flags, "port", "5052");
	assert_flag(&flags, "attributes", "a:b=c");
	assert_flag(&flags, "strict", "false");
	assert_flag(&flags, "recover", "true");
	assert_flag(&flags, "hostname", "");
	assert_flag(&flags, "work_dir", "/w=1");
	assert_flag(&flags, "native_java_library", "/lib.so");
	assert_flag(&flags, "late", NULL);
	assert_int_equal(7, flags.count);
	flags_clear(&flags);
	flags_from_process(NULL, NULL, &flags);
	assert_int_equal(0, flags.count);
}

/* Seen: an agent trims each argument and lowers the flag's name; its environment it takes as it is. */
static void space_around_an_argument_does_not_count(void **state)
{
	static const char *const argv[] = {
		"mesos-agent", " --Hostname= n1 \t\r\n", "--attributes= \n", "\n--no-STRICT ", "-- ", "--late=1", NULL};
	static const char *const env[] = {"MESOS_DEFAULT_ROLE= web ", NULL};
	struct flags flags = FLAGS_INIT;

	(void)state;
	flags_from_process(argv, env, &flags);
	assert_flag(&flags, "hostname", " n1");
	assert_flag(&flags, "attributes", "");
	assert_flag(&flags, "strict", "false");
	assert_flag(&flags, "default_role", " web ");
	assert_int_equal(4, flags.count);
	flags_trim(&flags);
	assert_flag(&flags, "hostname", " n1");
	assert_flag(&flags, "attributes", "");
	assert_flag(&flags, "default_role", " web");
	flags_clear(&flags);
}

static void secrets_are_known(void **state)
{
	static const char *const secret[] = {"credential",
					     "http_credentials",
					     "jwt_secret_key",
					     "executor_secret_key",
					     "docker_config",
					     "modules",
					     "executor_environment_variables"};
	static const char *const open[] = {"attributes", "resources", "work_dir", "master", "modules_dir", "port"};

	(void)state;
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		assert_true(flag_is_secret(secret[i]));
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		assert_false(flag_is_secret(open[i]));
}

static void files_are_read_below_root(void **state)
{
	char root[] = "/tmp/flags.XXXXXX";
	struct flags flags = FLAGS_INIT, before = FLAGS_INIT;
	struct error err = ERROR_INIT;
	char *path;

	(void)state;
	assert_non_null(mkdtemp(root));
	path = path_join(root, "attributes");
	assert_int_equal(0, file_replace(path, "a:b\n", 4, NULL, &err));
	flags_set(&flags, "port", "1");
	flags_set(&flags, "attributes", "file:///attributes");
	flags_set(&flags, "domain", "/attributes");
	flags_set(&flags, "work_dir", "/attributes");
	flags_set(&flags, "credential", "file:///no/such/file");
	assert_int_equal(0, flags_resolve_files(&flags, root, &err));
	assert_flag(&flags, "attributes", "a:b\n");
	assert_flag(&flags, "domain", "a:b\n");
	assert_flag(&flags, "work_dir", "/attributes");
	assert_flag(&flags, "credential", "file:///no/such/file");
	/* One that fails leaves them all alone. */
	flags_set(&flags, "resources", "file:///gone");
	flags_copy(&before, &flags);
	assert_int_equal(-1, flags_resolve_files(&flags, root, &err));
	assert_int_equal(ERROR_UNREACHABLE, err.kind);
	assert_string_equal("Failed to load flag 'resources': Failed to load value 'file:///gone': "
			    "Error reading file '/gone': No such file or directory",
			    err.text);
	assert_true(flags_equal(&before, &flags));
	flags_clear(&flags);
	flags_clear(&before);
	unlink(path);
	rmdir(root);
	free(path);
}

static void test_same_value(void **state)
{
	(void)state;
	assert_true(flags_same_value("attributes", "a:1;b:2", "b:2;;a:1"));
	assert_true(flags_same_value("resources", "cpus:1;mem:2", "mem:2;cpus:1"));
	assert_false(flags_same_value("attributes", "a:1;a:1;b:2", "a:1;b:2;b:2"));
	assert_false(flags_same_value("attributes", "a:1;b:2", "a:1"));
	assert_false(flags_same_value("attributes", "a:1", "a:1;b:2"));
	assert_false(flags_same_value("attributes", "a:12", "a:1"));
	assert_false(flags_same_value("resources", "[{};{}]", "[{};{} ]"));
	assert_false(flags_same_value("isolation", "a;b", "b;a"));
	assert_true(flags_same_value("isolation", NULL, NULL));
	assert_false(flags_same_value("isolation", NULL, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_that_keeps_its_order),
		cmocka_unit_test(test_same_value),
		cmocka_unit_test(json_has_to_be_strings_by_name),
		cmocka_unit_test(a_process_is_read_as_the_agent_reads_itself),
		cmocka_unit_test(space_around_an_argument_does_not_count),
		cmocka_unit_test(secrets_are_known),
		cmocka_unit_test(files_are_read_below_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
