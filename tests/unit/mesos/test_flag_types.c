/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent says to values of its flags that it cannot read. */
#include "tests/support/cmocka.h"

#include "mesos/flag_types.h"

static void values_an_agent_takes(void **state)
{
	static const struct {
		const char *name, *value;
	} good[] = {
		{"executor_registration_timeout", "2mins"},
		{"executor_registration_timeout", "1.5hrs"},
		{"gc_delay", ".5weeks"},
		{"gc_delay", "1weeks"},
		{"docker_stop_timeout", "0ns"},
		{"strict", "true"},
		{"strict", "0"},
		{"strict", ""},
		{"logbufsecs", "0"},
		{"logbufsecs", " -5"},
		{"gc_disk_headroom", "0.1"},
		{"gc_disk_headroom", "1e-1"},
		{"fetcher_cache_size", "2GB"},
		{"fetcher_cache_size", "512mb"},
		{"isolation", "anything at all"},
		{"a_flag_of_next_year", "2 minutes"},
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_ok(flag_check_value(good[i].name, good[i].value, &err), &err);
}

static void values_it_refuses(void **state)
{
	static const struct {
		const char *name, *value, *complaint;
	} bad[] = {
		{"executor_registration_timeout", "2 minutes",
		 "Failed to load flag 'executor_registration_timeout': Failed to load value '2 minutes': Unknown "
		 "duration "
		 "unit ' minutes'; supported units are 'ns', 'us', 'ms', 'secs', 'mins', 'hrs', 'days', and 'weeks'"},
		{"gc_delay", "5", "Invalid duration '5'"},
		{"gc_delay", "", "Invalid duration ''"},
		{"gc_delay", "secs", "Failed to convert '' to number"},
		{"gc_delay", "1.2.3secs", "Failed to convert '1.2.3' to number"},
		{"gc_delay", ".secs", "Failed to convert '.' to number"},
		{"gc_delay", "-1secs", "Failed to convert '' to number"},
		{"gc_delay", "1Secs", "Unknown duration unit 'Secs'"},
		{"strict", "yes", "Expecting a boolean (e.g., true or false)"},
		{"strict", "True", "Expecting a boolean"},
		{"logbufsecs", "5x", "Failed to convert into required type"},
		{"logbufsecs", "", "Failed to convert into required type"},
		{"logbufsecs", "1.5", "Failed to convert into required type"},
		{"logbufsecs", "99999999999999999999", "Failed to convert into required type"},
		{"gc_disk_headroom", "inf", "Failed to convert into required type"},
		{"gc_disk_headroom", "0x1", "Failed to convert into required type"},
		{"gc_disk_headroom", "0.1 ", "Failed to convert into required type"},
		{"gc_disk_headroom", "--1", "Failed to convert into required type"},
		{"fetcher_cache_size", "2", "Invalid bytes '2'"},
		{"fetcher_cache_size", "1.5GB", "Fractional bytes '1.5GB'"},
		{"fetcher_cache_size", "GB", "Failed to convert '' to number"},
		{"fetcher_cache_size", "2gib", "Unknown bytes unit 'GIB'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(flag_check_value(bad[i].name, bad[i].value, &err), -1);
		assert_error(&err, ERROR_USAGE, bad[i].complaint);
	}
}

static void a_file_holds_the_value(void **state)
{
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	flags_set(&flags, "gc_delay", "file:///etc/mesos/gc_delay");
	assert_ok(flags_check_values(&flags, &err), &err);
	flags_set(&flags, "strict", "maybe");
	assert_int_equal(flags_check_values(&flags, &err), -1);
	assert_error(&err, ERROR_USAGE, "'strict'");
	flags_clear(&flags);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_an_agent_takes),
		cmocka_unit_test(values_it_refuses),
		cmocka_unit_test(a_file_holds_the_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
