/* SPDX-License-Identifier: Apache-2.0 */
/* A host's settings: where its flags are kept, in every form that a file may say it. */
#include "tests/support/cmocka.h"

#include <jansson.h>

#include "mesos/host.h"

static int read_json(const char *text, struct host_settings *host, struct error *err)
{
	struct json_place place = {.source = "test"};
	json_t *object = json_loads(text, 0, NULL);
	int result;

	assert_non_null(object);
	result = host_settings_from_json(object, &place, host, err);
	json_decref(object);
	return result;
}

static void test_several_files(void **state)
{
	struct host_settings host;
	struct host_settings copy;
	struct error err = ERROR_INIT;
	json_t *object;

	(void)state;
	host_settings_init(&host);
	assert_ok(read_json("{\"flag_store\": {\"kind\": \"defaults\", \"paths\": [\"/a\", \"/b\", \"/c\"]}}", &host,
			    &err),
		  &err);
	assert_int_equal(host.store_kind, FLAG_STORE_DEFAULTS);
	assert_string_equal(host.store_path, "/a");
	assert_string_equal(host.store_later[1], "/c");
	assert_null(host.store_later[2]);
	memset(&copy, 0, sizeof copy);
	object = host_settings_to_json(&host);
	host_settings_init(&copy);
	assert_ok(host_settings_from_json(object, NULL, &copy, &err), &err);
	assert_string_equal(copy.store_later[0], "/b");
	json_decref(object);
	host_settings_clear(&copy);
	/* A single path ends the list that defaults gave. */
	assert_ok(read_json("{\"flag_store\": {\"kind\": \"directory\", \"path\": \"/d\"}}", &host, &err), &err);
	assert_string_equal(host.store_path, "/d");
	assert_null(host.store_later);
	host_settings_clear(&host);
}

static void test_external(void **state)
{
	struct host_settings host;
	struct error err = ERROR_INIT;
	json_t *object;

	(void)state;
	host_settings_init(&host);
	assert_ok(read_json("{\"flag_store\": {\"kind\": \"external\"}}", &host, &err), &err);
	assert_int_equal(host.store_kind, FLAG_STORE_EXTERNAL);
	assert_null(host.store_path);
	object = host_settings_to_json(&host);
	assert_string_equal(json_string_value(json_object_get(json_object_get(object, "flag_store"), "kind")),
			    "external");
	json_decref(object);
	host_settings_clear(&host);
}

static void test_what_is_refused(void **state)
{
	static const char *const texts[] = {
		"{\"flag_store\": {\"kind\": \"ini\"}}",
		"{\"flag_store\": {\"kind\": \"envfile\", \"path\": \"/a\", \"paths\": [\"/b\"]}}",
		"{\"flag_store\": {\"kind\": \"envfile\", \"paths\": []}}",
		"{\"flag_store\": {\"kind\": \"envfile\", \"paths\": [\"/a\", \"b\"]}}",
		"{\"flag_store\": {\"kind\": \"envfile\", \"paths\": [\"/a\", \"/../b\"]}}",
		"{\"flag_store\": {\"kind\": \"directory\", \"paths\": [\"/a\", \"/b\"]}}",
		"{\"flag_store\": {\"kind\": \"external\", \"paths\": [\"/a\", \"/b\"]}}",
		"{\"flag_store\": {\"kind\": \"envfile\", \"paths\": [1]}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct host_settings host;
		struct error err = ERROR_INIT;

		host_settings_init(&host);
		assert_int_equal(read_json(texts[i], &host, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_null(host.store_path);
		host_settings_clear(&host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_files),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
