/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the way of a change of a host as it is, found before anything is touched. */
#include "tests/support/cmocka.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/preflight_fixture.h"
#include "tests/support/scratch.h"

/* ---- how findings are told */

static void test_judging(void **state)
{
	struct findings findings = {.items = NULL, .count = 0};
	struct error err = ERROR_INIT;
	json_t *array;

	(void)state;
	findings_add(&findings, "one", FINDING_WARN, "of %d", 1);
	assert_ok(findings_judge(&findings, &err), &err);
	findings_add(&findings, "two", FINDING_REFUSE, "first reason");
	findings_add(&findings, "three", FINDING_TASK_LOSS, "second reason");
	assert_int_equal(findings_judge(&findings, &err), -1);
	assert_error(&err, ERROR_REFUSED, "first reason; and second reason");
	array = findings_to_json(&findings);
	assert_int_equal(json_array_size(array), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "severity")), "warn");
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 2), "severity")), "refuse");
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "text")), "of 1");
	json_decref(array);
	findings_clear(&findings);
}

static void test_nothing_stands_in_the_way(void **state)
{
	struct preflight_fixture *fixture = *state;

	preflight_look(fixture);
	assert_int_equal(fixture->findings.count, 0);
	preflight_ask(fixture, "attributes", "rack:r2");
	assert_int_equal(fixture->findings.count, 0);
}

/* ---- the host */

static void test_checkpoints_and_flags_that_differ(void **state)
{
	struct preflight_fixture *fixture = *state;

	flags_set(&fixture->facts.agent.flags, "attributes", "rack:r1;zone:a");
	preflight_look(fixture);
	preflight_expect(fixture, "checkpoint-differs", FINDING_WARN, "attributes");
	flags_set(&fixture->facts.agent.flags, "reconfiguration_policy", "additive");
	preflight_look(fixture);
	preflight_expect(fixture, "checkpoint-older", FINDING_WARN, "never written back");
	assert_null(preflight_find(fixture, "checkpoint-differs"));
}

static void test_flags_edited_since_the_start(void **state)
{
	struct preflight_fixture *fixture = *state;

	flags_set(&fixture->facts.store.flags, "attributes", "rack:r9");
	preflight_look(fixture);
	preflight_expect(fixture, "flags-edited", FINDING_WARN, "--attributes");
}

static void test_reboots(void **state)
{
	struct preflight_fixture *fixture = *state;

	memcpy(fixture->facts.boot_id, "b2", 3);
	preflight_look(fixture);
	preflight_expect(fixture, "rebooted", FINDING_WARN, "since the agent's last recovery");
	fixture->facts.running = false;
	flags_set(&fixture->facts.store.flags, "attributes", "rack:r9");
	preflight_look(fixture);
	preflight_expect(fixture, "rebooted", FINDING_REFUSE, "throws its ID");
}

static void test_broken_checkpoint(void **state)
{
	struct preflight_fixture *fixture = *state;

	error_set(&fixture->facts.checkpoint_error, ERROR_CORRUPT, "it is cut off");
	preflight_look(fixture);
	preflight_expect(fixture, "checkpoint-broken", FINDING_REFUSE, "it is cut off");
}

static void test_missing_work_dir(void **state)
{
	struct preflight_fixture *fixture = *state;

	free(fixture->facts.host.work_dir);
	fixture->facts.host.work_dir = xstrdup("/not/there");
	preflight_look(fixture);
	preflight_expect(fixture, "work-dir-missing", FINDING_REFUSE, "/not/there");
}

static int become_nobody(void)
{
	return setgid(65534) == 0 && setuid(65534) == 0 ? 0 : -1;
}

static void test_foreign_owner(void **state)
{
	struct preflight_fixture *fixture = *state;

	free(scratch_write(fixture->folder, "slave.info", ""));
	fixture->facts.checkpoint.slave_info_path = xstrdup("/slave.info");
	preflight_look(fixture);
	assert_null(preflight_find(fixture, "foreign-owner"));
	if (geteuid() != 0 || preflight_start_child(fixture, become_nobody) == 0)
		skip();
	fixture->facts.agent.process.pid = fixture->child;
	preflight_look(fixture);
	preflight_expect(fixture, "foreign-owner", FINDING_REFUSE, "runs as the user 65534");
}

/* ---- who else writes the flags */

static void write_below(const struct preflight_fixture *fixture, const char *folder, const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	char *dir = path_join(fixture->folder, folder);

	assert_ok(file_make_dirs(dir, 0755, &err), &err);
	free(scratch_write(dir, name, text));
	free(dir);
}

static void set_store_text(struct preflight_fixture *fixture, const char *text)
{
	buffer_reset(&fixture->facts.store.files[0].bytes);
	buffer_puts(&fixture->facts.store.files[0].bytes, text);
	preflight_look(fixture);
}

static void test_notices_of_configuration_management(void **state)
{
	struct preflight_fixture *fixture = *state;

	set_store_text(fixture, "# Please do not edit puppet strings\nMESOS_X='managed by chef'\n");
	assert_null(preflight_find(fixture, "config-management"));
	set_store_text(fixture, "\n  # This file is MANAGED by Salt: do not touch\n");
	preflight_expect(fixture, "config-management", FINDING_WARN, "/env is managed by Salt");
	set_store_text(fixture, "# Generated by Chef for node7\nA=1\n");
	preflight_expect(fixture, "config-management", FINDING_WARN, "Chef");
	fixture->facts.store.kind = FLAG_STORE_EXTERNAL;
	preflight_look(fixture);
	assert_null(preflight_find(fixture, "config-management"));
}

static void test_puppet_lists_the_file(void **state)
{
	struct preflight_fixture *fixture = *state;

	write_below(fixture, "var/lib/puppet/state", "resources.txt", "service[mesos]\nfile[/env2]\n");
	preflight_look(fixture);
	assert_null(preflight_find(fixture, "config-management"));
	write_below(fixture, "var/lib/puppet/state", "resources.txt", "service[mesos]\nfile[/env]\n");
	preflight_look(fixture);
	preflight_expect(fixture, "config-management", FINDING_WARN, "Puppet");
}

static void test_chef_keeps_what_it_has_replaced(void **state)
{
	struct preflight_fixture *fixture = *state;

	write_below(fixture, "var/chef/backup", "env.chef-20240101120000.000000", "");
	preflight_look(fixture);
	preflight_expect(fixture, "config-management", FINDING_WARN, "Chef");
}

static void test_external_store_nobody_reads(void **state)
{
	struct preflight_fixture *fixture = *state;

	fixture->facts.store.kind = FLAG_STORE_EXTERNAL;
	fixture->facts.store.form = FLAG_STORE_UNKNOWN;
	preflight_look(fixture);
	preflight_expect(fixture, "external-unread", FINDING_WARN, "give its path: --store external:PATH");
	preflight_expect(fixture, "external-no-undo", FINDING_WARN, "puts the checkpoint back and not the flags");
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, preflight_set_up, preflight_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judging),
		WITH_HOST(test_nothing_stands_in_the_way),
		WITH_HOST(test_checkpoints_and_flags_that_differ),
		WITH_HOST(test_flags_edited_since_the_start),
		WITH_HOST(test_reboots),
		WITH_HOST(test_broken_checkpoint),
		WITH_HOST(test_missing_work_dir),
		WITH_HOST(test_foreign_owner),
		WITH_HOST(test_notices_of_configuration_management),
		WITH_HOST(test_puppet_lists_the_file),
		WITH_HOST(test_chef_keeps_what_it_has_replaced),
		WITH_HOST(test_external_store_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
