/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/version.h"
#include "tests/support/cmocka.h"

static void versions_are_parsed(void **state)
{
	static const struct {
		const char *text;
		struct mesos_version version;
	} rows[] = {
		{"1.11.0", {1, 11, 0}}, {"1.4", {1, 4, 0}},          {"1.12.0-rc1", {1, 12, 0}},
		{"0.28.3", {0, 28, 3}}, {"1.9.1+dcos.2", {1, 9, 1}}, {"1.4-x", {1, 4, 0}},
	};
	static const char *const bad[] = {
		"", "1", "1.", "1.x", "1.4.", "v1.4", "1.4.0.1", "1.4.0 ", "-1.4", "1.4.99999999999", "1.4-é"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mesos_version found = {9, 9, 9};

		assert_int_equal(0, mesos_version_parse(rows[i].text, &found, NULL));
		assert_int_equal(0, mesos_version_compare(&rows[i].version, &found));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mesos_version found = {9, 9, 9};
		struct error err = ERROR_INIT;

		assert_int_equal(-1, mesos_version_parse(bad[i], &found, &err));
		assert_int_equal(ERROR_USAGE, err.kind);
		assert_int_equal(9, found.major);
	}
}

static void versions_have_an_order(void **state)
{
	const struct mesos_version a = {1, 4, 3}, b = {1, 5, 0}, c = {2, 0, 0};

	(void)state;
	assert_true(mesos_version_compare(&a, &b) < 0);
	assert_true(mesos_version_compare(&c, &b) > 0);
	assert_true(mesos_version_at_least(&b, 1, 5));
	assert_false(mesos_version_at_least(&a, 1, 5));
	assert_true(mesos_version_at_least(&c, 1, 5));
}

static void only_some_are_known(void **state)
{
	const struct mesos_version known[] = {{1, 4, 0}, {1, 11, 0}, {1, 12, 9}};
	const struct mesos_version unknown[] = {{1, 3, 9}, {1, 13, 0}, {0, 28, 0}, {2, 4, 0}};

	(void)state;
	assert_true(mesos_version_is_known(&mesos_version_newest));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(mesos_version_is_known(&known[i]));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(mesos_version_is_known(&unknown[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_parsed),
		cmocka_unit_test(versions_have_an_order),
		cmocka_unit_test(only_some_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
