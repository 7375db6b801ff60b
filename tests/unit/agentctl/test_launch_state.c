/* SPDX-License-Identifier: Apache-2.0 */
/* What launch remembers, and the flags it makes of that to end old executors. */
#include "tests/support/cmocka.h"

#include <dirent.h>
#include <sys/stat.h>

#include "agentctl/launch_discard.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/scratch.h"
#include "tests/support/splice_fixture.h"

struct place {
	char *folder;
	struct launch_state state;
};

static int set_up(void **state)
{
	struct place *place = xcalloc(1, sizeof *place);

	place->folder = scratch_new();
	launch_state_init(&place->state, place->folder, "/state", "/var/lib/mesos/");
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	launch_state_clear(&place->state);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static void test_one_folder_for_each_work_dir(void **state)
{
	struct place *place = *state;
	struct launch_state same, other;

	launch_state_init(&same, place->folder, "/state", "/var/lib/mesos");
	launch_state_init(&other, place->folder, "/state", "/var/lib/mesos2");
	assert_string_equal(same.dir, place->state.dir);
	assert_string_not_equal(other.dir, place->state.dir);
	launch_state_clear(&same);
	launch_state_clear(&other);
}

static bool load_flags(const struct place *place, const char *id, struct flags *flags)
{
	struct error err = ERROR_INIT;
	bool found = true;

	assert_ok(launch_flags_load(&place->state, id, flags, &found, &err), &err);
	return found;
}

static void test_flags(void **state)
{
	struct place *place = *state;
	struct flags flags = FLAGS_INIT, back = FLAGS_INIT;
	struct error err = ERROR_INIT;
	struct stat info;
	char *path = path_join(place->state.dir, "flags");
	bool found;

	assert_false(load_flags(place, "S1", &back));
	flags_set(&flags, "attributes", "rack:r1");
	flags_set(&flags, "credential", "{\"secret\":\"s\"}");
	assert_ok(launch_flags_save(&place->state, "", &flags, &err), &err);
	assert_true(load_flags(place, "S1", &back)); /* its first start: the ID came later */
	assert_true(flags_equal(&flags, &back));
	flags_clear(&back);
	assert_ok(launch_flags_save(&place->state, "S1", &flags, &err), &err);
	assert_true(load_flags(place, "S1", &back));
	flags_clear(&back);
	assert_false(load_flags(place, "S2", &back));
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(stat(place->state.dir, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	free(scratch_write(place->state.dir, "flags", "{\"agent_id\":"));
	assert_int_equal(launch_flags_load(&place->state, "S1", &back, &found, &err), -1);
	flags_clear(&flags);
	free(path);
}

static void test_operations(void **state)
{
	struct place *place = *state;
	struct launch_operation operation = {.fate = LAUNCH_FATE_OPEN, .before = "b", .after = "a"};
	struct launch_operation back;
	struct error err = ERROR_INIT;

	assert_ok(launch_operation_load(&place->state, "../X 1", &back, &err), &err);
	assert_int_equal(back.fate, LAUNCH_FATE_NEW);
	assert_ok(launch_operation_save(&place->state, "../X 1", &operation, &err), &err);
	assert_ok(launch_operation_load(&place->state, "../X 1", &back, &err), &err);
	assert_int_equal(back.fate, LAUNCH_FATE_OPEN);
	assert_string_equal(back.before, "b");
	assert_string_equal(back.after, "a");
	operation.fate = LAUNCH_FATE_DONE;
	assert_ok(launch_operation_save(&place->state, "../X 1", &operation, &err), &err);
	assert_ok(launch_operation_load(&place->state, "../X 1", &back, &err), &err);
	assert_int_equal(back.fate, LAUNCH_FATE_DONE);
	assert_ok(launch_operation_load(&place->state, "X2", &back, &err), &err);
	assert_int_equal(back.fate, LAUNCH_FATE_NEW);
}

static size_t count_files(const char *folder)
{
	DIR *stream = opendir(folder);
	struct dirent *item;
	size_t count = 0;

	assert_non_null(stream);
	while ((item = readdir(stream)) != NULL)
		count += item->d_name[0] != '.';
	closedir(stream);
	return count;
}

static void test_backups(void **state)
{
	struct place *place = *state;
	struct buffer bytes = BUFFER_INIT(64);
	struct error err = ERROR_INIT;
	char *folder = path_join(place->state.dir, "backups");
	char *path = NULL;

	for (int i = 0; i < 13; i++) {
		char *there;

		free(path);
		path = NULL;
		buffer_reset(&bytes);
		buffer_printf(&bytes, "state %d", i);
		assert_ok(launch_backup(&place->state, &bytes, &path, &err), &err);
		there = scratch_read(path, NULL);
		assert_string_equal(there, buffer_text(&bytes));
		free(there);
	}
	assert_int_equal(count_files(folder), 10);
	free(path);
	assert_ok(launch_backup(&place->state, &bytes, &path, &err), &err); /* the same once more */
	assert_int_equal(count_files(folder), 10);
	free(path);
	free(folder);
	buffer_clear(&bytes);
}

/* ---- old flags */

static void expect_old_flags(const Mesos__SlaveInfo *checkpoint, const struct flags *base, struct flags *out)
{
	struct detected detected = {.hostname = "wrong", .cpus = 48, .mem_mb = 100000, .disk_mb = 900000};
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	assert_ok(launch_old_flags(checkpoint, base, "/", &detected, &mesos_version_newest, out, &err), &err);
	assert_string_equal(flags_get(out, "recover"), "cleanup");
	info = slaveinfo_from_flags(out, &detected, &mesos_version_newest, &err);
	assert_non_null(info);
	assert_int_equal(slaveinfo_diff(checkpoint, info), 0);
	slaveinfo_free(info);
}

static void test_old_flags_fit_the_checkpoint(void **state)
{
	Mesos__SlaveInfo *checkpoint = splice_make(
		"rack:r1;n:4.5;ports:[1-2,5-6]", "cpus(web):2;mem:4096;disk:10;ports:[1-9];gpus:1;set:{a,b}",
		"{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"\\\"z\"}}}", "16051");
	struct flags base = FLAGS_INIT, old = FLAGS_INIT;

	(void)state;
	flags_set(&base, "isolation", "posix/cpu");
	flags_set(&base, "default_role", "db");
	flags_set(&base, "attributes", "rack:new;bad");
	flags_set(&base, "advertise_port", "7");
	flags_set(&base, "reconfiguration_policy", "additive");
	flags_set(&base, "recover", "reconnect");
	expect_old_flags(checkpoint, &base, &old);
	assert_string_equal(flags_get(&old, "isolation"), "posix/cpu");
	assert_null(flags_get(&old, "reconfiguration_policy"));
	flags_clear(&old);
	flags_clear(&base);
	slaveinfo_free(checkpoint);
}

/* What fits stays as it was given; what the checkpoint does not have goes. */
static void test_old_flags_stay_where_they_fit(void **state)
{
	Mesos__SlaveInfo *checkpoint = splice_make("", SPLICE_RESOURCES, NULL, "5051");
	struct flags base = FLAGS_INIT, old = FLAGS_INIT;

	(void)state;
	flags_set(&base, "resources", "cpus:2;cpus:2;mem:4096;disk:10000");
	flags_set(&base, "attributes", "rack:r1");
	flags_set(&base, "domain", "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}");
	expect_old_flags(checkpoint, &base, &old);
	assert_string_equal(flags_get(&old, "resources"), "cpus:2;cpus:2;mem:4096;disk:10000");
	assert_null(flags_get(&old, "attributes"));
	assert_null(flags_get(&old, "domain"));
	flags_clear(&old);
	flags_clear(&base);
	slaveinfo_free(checkpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_folder_for_each_work_dir, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_operations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_backups, set_up, tear_down),
		cmocka_unit_test(test_old_flags_fit_the_checkpoint),
		cmocka_unit_test(test_old_flags_stay_where_they_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
