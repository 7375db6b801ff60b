/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lab/core/faults.h"
#include "lab/core/files.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define HOST "node001.lab"

static int make_lab(void **state)
{
	struct lab *lab = xcalloc(1, sizeof(*lab));
	lab->dir = scratch_new();
	lab->time_scale = 1;
	*state = lab;
	return 0;
}

static int remove_lab(void **state)
{
	struct lab *lab = *state;
	scratch_remove(lab->dir);
	free(lab);
	return 0;
}

static struct fault arm(const struct lab *lab, const char *target, const char *name, int64_t after, int64_t for_ms)
{
	struct error err = ERROR_INIT;
	bool on_master = strcmp(target, FAULT_MASTER) == 0;
	struct fault fault = {.kind = fault_kind_find(on_master ? FAULT_ON_MASTER : FAULT_ON_HOST, name),
			      .after = after,
			      .until_ms = for_ms > 0 ? clock_wall_ms() + for_ms : 0};
	assert_non_null(fault.kind);
	assert_ok(fault_arm(lab, target, &fault, &err), &err);
	return fault;
}

static void the_table_explains_each_fault_once(void **state)
{
	(void)state;
	for (const struct fault_kind *kind = fault_kinds; kind->name != NULL; kind++) {
		assert_ptr_equal(fault_kind_find(kind->target, kind->name), kind);
		assert_true(strlen(kind->explanation) > 20);
		assert_non_null(fault_carrier_name(kind->carrier));
		assert_int_equal(kind->name[strspn(kind->name, "abcdefghijklmnopqrstuvwxyz0123456789-")], '\0');
	}
	assert_null(fault_kind_find(FAULT_ON_HOST, "503"));
	assert_null(fault_kind_find(FAULT_ON_MASTER, "refuse"));
	assert_null(fault_kind_find(FAULT_ON_HOST, "none"));
}

static void armed_and_healed(void **state)
{
	const struct lab *lab = *state;
	struct fault found;
	struct error err = ERROR_INIT;
	assert_false(fault_is_armed(lab, HOST, "refuse", NULL));
	struct fault armed = arm(lab, HOST, "refuse", 3, 0);
	assert_true(fault_is_armed(lab, HOST, "refuse", &found));
	assert_string_equal(found.id, armed.id);
	assert_int_equal(found.after, 3);
	assert_false(fault_is_armed(lab, "node002.lab", "refuse", NULL));
	assert_false(fault_is_armed(lab, HOST, "no-such-fault", NULL));
	assert_ok(fault_heal(lab, HOST, "reset", &err), &err);
	assert_true(fault_is_armed(lab, HOST, "refuse", NULL));
	assert_ok(fault_heal(lab, HOST, NULL, &err), &err);
	assert_false(fault_is_armed(lab, HOST, "refuse", NULL));
}

static void one_that_expires(void **state)
{
	const struct lab *lab = *state;
	struct fault_set set = {.items = NULL};
	arm(lab, HOST, "hang", 0, 40);
	arm(lab, HOST, "new-id", 0, 0);
	fault_set_load(lab, HOST, &set);
	assert_int_equal(set.count, 2);
	assert_non_null(fault_set_find(&set, "hang"));
	assert_in_range(fault_set_next_expiry(&set), 0, 40);
	usleep(60000);
	assert_null(fault_set_find(&set, "hang"));
	assert_non_null(fault_set_find(&set, "new-id"));
	assert_false(fault_is_armed(lab, HOST, "hang", NULL));
	fault_set_clear(&set);
	fault_set_load(lab, HOST, &set);
	assert_int_equal(set.count, 1);
	assert_int_equal(fault_set_next_expiry(&set), -1);
	fault_set_clear(&set);
}

static void strikes_after_so_many(void **state)
{
	const struct lab *lab = *state;
	struct fault fault = arm(lab, HOST, "agent-exit-always", 2, 0);
	assert_false(fault_strikes(lab, HOST, &fault));
	assert_false(fault_strikes(lab, HOST, &fault));
	assert_true(fault_strikes(lab, HOST, &fault));
	assert_true(fault_strikes(lab, HOST, &fault));
	fault = arm(lab, HOST, "agent-exit-always", 1, 0); /* armed again: counted again */
	assert_false(fault_strikes(lab, HOST, &fault));
	assert_true(fault_strikes(lab, HOST, &fault));
	fault = arm(lab, HOST, "agent-exit-always", 0, 0);
	assert_true(fault_strikes(lab, HOST, &fault));
}

static void a_broken_file_is_no_fault(void **state)
{
	const struct lab *lab = *state;
	struct error err = ERROR_INIT;
	char *path = lab_path(lab, "faults/%s/503.json", FAULT_MASTER);
	assert_ok(files_write_text(path, "{\"id\":", &err), &err);
	assert_false(fault_is_armed(lab, FAULT_MASTER, "503", NULL));
	free(path);
	arm(lab, FAULT_MASTER, "503", 0, 0);
	assert_true(fault_is_armed(lab, FAULT_MASTER, "503", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_explains_each_fault_once),
		cmocka_unit_test_setup_teardown(armed_and_healed, make_lab, remove_lab),
		cmocka_unit_test_setup_teardown(one_that_expires, make_lab, remove_lab),
		cmocka_unit_test_setup_teardown(strikes_after_so_many, make_lab, remove_lab),
		cmocka_unit_test_setup_teardown(a_broken_file_is_no_fault, make_lab, remove_lab),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
