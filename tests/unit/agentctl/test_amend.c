/* SPDX-License-Identifier: Apache-2.0 */
/* Which refusals give figures for a new checkpoint, and which do not. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "agentctl/amend.h"
#include "base/alloc.h"
#include "mesos/recovery.h"

#define LOG_MAX (1u << 20)

static Mesos__SlaveInfo *info_of(const char *resources, const char *attributes, double disk)
{
	struct mesos_version version = mesos_version_newest;
	struct detected detected = {.hostname = "n1", .cpus = 2, .mem_mb = 1024, .disk_mb = disk, .gpus = 0};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "resources", resources);
	flags_set(&flags, "attributes", attributes);
	info = slaveinfo_from_flags(&flags, &detected, &version, &err);
	assert_non_null(info);
	slaveinfo_set_id(info, "id-S1");
	flags_clear(&flags);
	return info;
}

/* The log of an agent of that version which has refused `fresh` over `old`, with lines before and behind. */
static void refuse(const Mesos__SlaveInfo *old, const Mesos__SlaveInfo *fresh, struct mesos_version version,
		   struct buffer *log)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(LOG_MAX)};

	rules.version = version;
	recovery_check(old, fresh, NULL, &rules, &verdict);
	assert_false(verdict.accepted);
	buffer_printf(log,
		      "E1123 slave.cpp:1] EXIT with status 1: Failed to perform recovery: %s\nTo remedy this do as "
		      "follows:\nrm -f latest\n",
		      buffer_text(&verdict.message));
	verdict_clear(&verdict);
}

static Mesos__SlaveInfo *amend(const Mesos__SlaveInfo *old, const Mesos__SlaveInfo *fresh, int minor)
{
	struct buffer log = BUFFER_INIT(LOG_MAX);
	Mesos__SlaveInfo *amended;

	buffer_puts(&log, "I1123 something\n");
	refuse(old, fresh, (struct mesos_version){1, minor, 0}, &log);
	amended = amend_from_refusal(buffer_text(&log), old);
	buffer_clear(&log);
	return amended;
}

static void assert_amended(const char *resources, const char *other, double disk, bool expected)
{
	static const int minors[] = {4, 8, 12};

	for (size_t i = 0; i < 3; i++) {
		Mesos__SlaveInfo *old = info_of(resources, "rack:r1", 5000);
		Mesos__SlaveInfo *fresh = info_of(other, "rack:r1", disk);
		Mesos__SlaveInfo *amended = amend(old, fresh, minors[i]);

		assert_int_equal(amended != NULL, expected);
		if (expected)
			assert_int_equal(slaveinfo_diff(amended, fresh), 0);
		slaveinfo_free(old);
		slaveinfo_free(fresh);
		slaveinfo_free(amended);
	}
}

static void test_figures(void **state)
{
	(void)state;
	assert_amended("cpus:4", "cpus:4", 6000.5, true);
	assert_amended("cpus:4;mem(web):10", "cpus:4;mem(web):10", 7000, true);
	assert_amended("cpus:4;disk(web):10;disk:5000", "cpus:4;disk(web):10;disk:6000", 1, true);
	/* The same entries in another order. */
	assert_amended("disk:5000;cpus:4", "cpus:4", 6000, true);
}

static void test_other_differences(void **state)
{
	(void)state;
	assert_amended("cpus:4", "cpus:4;x:1", 6000, false);
	assert_amended("cpus:4;ports:[1-2]", "cpus:4;ports:[1-3]", 6000, false);
	assert_amended("cpus:4;mem(web):10", "cpus:4;mem(web):11", 6000, false);
	assert_amended("cpus:4;gpus:1", "cpus:4", 6000, false);
}

static void test_attributes_too(void **state)
{
	Mesos__SlaveInfo *old = info_of("cpus:4", "rack:r1", 5000);
	Mesos__SlaveInfo *fresh = info_of("cpus:4", "rack:r2", 6000);

	(void)state;
	assert_null(amend(old, fresh, 12));
	slaveinfo_free(old);
	slaveinfo_free(fresh);
}

/* An older refusal, of another checkpoint, is none of this start's; of two the last one counts. */
static void test_other_refusals(void **state)
{
	Mesos__SlaveInfo *first = info_of("cpus:4", "rack:r1", 5000);
	Mesos__SlaveInfo *second = info_of("cpus:4", "rack:r1", 6000);
	Mesos__SlaveInfo *third = info_of("cpus:4", "rack:r1", 7000);
	struct buffer log = BUFFER_INIT(LOG_MAX);
	Mesos__SlaveInfo *amended;

	(void)state;
	refuse(first, second, mesos_version_newest, &log);
	assert_null(amend_from_refusal(buffer_text(&log), third));
	refuse(first, third, mesos_version_newest, &log);
	amended = amend_from_refusal(buffer_text(&log), first);
	assert_non_null(amended);
	assert_int_equal(slaveinfo_diff(amended, third), 0);
	slaveinfo_free(amended);
	refuse(second, third, mesos_version_newest, &log);
	assert_null(amend_from_refusal(buffer_text(&log), first));
	slaveinfo_free(first);
	slaveinfo_free(second);
	slaveinfo_free(third);
	buffer_clear(&log);
}

/* A log that was cut anywhere gives the right figures or none. */
static void test_cut_anywhere(void **state)
{
	Mesos__SlaveInfo *old = info_of("cpus:4", "rack:r1", 5000);
	Mesos__SlaveInfo *fresh = info_of("cpus:4", "rack:r1", 6000);
	struct buffer log = BUFFER_INIT(LOG_MAX);

	(void)state;
	refuse(old, fresh, mesos_version_newest, &log);
	for (size_t len = 0; len <= log.len; len++) {
		char *text = xstrndup(buffer_text(&log), len);
		Mesos__SlaveInfo *amended = amend_from_refusal(text, old);

		if (amended != NULL)
			assert_int_equal(slaveinfo_diff(amended, fresh), 0);
		slaveinfo_free(amended);
		free(text);
	}
	slaveinfo_free(old);
	slaveinfo_free(fresh);
	buffer_clear(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures),        cmocka_unit_test(test_other_differences),
		cmocka_unit_test(test_attributes_too), cmocka_unit_test(test_other_refusals),
		cmocka_unit_test(test_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
