/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka.h"

#include <sys/stat.h>

#include "agentctl/store.h"
#include "base/alloc.h"
#include "tests/support/scratch.h"

struct place {
	char *folder;
	struct flag_store store;
};

static void put(const struct place *place, const char *name, const char *text)
{
	char *path = xasprintf("etc/%s", name);

	free(scratch_write(place->folder, path, text));
	free(path);
}

static void make_folder(const struct place *place, const char *name)
{
	char *path = xasprintf("%s/%s", place->folder, name);

	assert_int_equal(mkdir(path, 0755), 0);
	free(path);
}

static int set_up(void **state)
{
	struct place *place = xcalloc(1, sizeof *place);

	place->folder = scratch_new();
	make_folder(place, "etc");
	put(place, "attributes", "rack:r1\n");
	put(place, "work_dir", "/var/lib/mesos");
	put(place, "?strict", "");
	put(place, "?no-quiet", "");
	put(place, ".attributes.swp", "rack:old");
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	flag_store_clear(&place->store);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static void read_store(struct place *place)
{
	struct error err = ERROR_INIT;

	flag_store_clear(&place->store);
	assert_ok(flag_store_read(place->folder, FLAG_STORE_DIRECTORY, "/etc", &place->store, &err), &err);
}

static void test_reads_flags(void **state)
{
	struct place *place = *state;

	read_store(place);
	assert_int_equal(place->store.flags.count, 4);
	assert_string_equal(flags_get(&place->store.flags, "attributes"), "rack:r1");
	assert_string_equal(flags_get(&place->store.flags, "strict"), "true");
	assert_string_equal(flags_get(&place->store.flags, "quiet"), "false");
}

static void test_reads_entries(void **state)
{
	struct place *place = *state;

	make_folder(place, "etc/resources");
	put(place, "resources/cpus", "4\n");
	put(place, "resources/mem(web)", "512");
	put(place, "resources/.tmp", "x");
	read_store(place);
	assert_string_equal(flags_get(&place->store.flags, "resources"), "cpus:4;mem(web):512");
	assert_true(place->store.entries_resources);
	assert_false(place->store.entries_attributes);
}

static void test_digest_is_of_names_and_bytes(void **state)
{
	struct place *place = *state;
	char first[DIGEST_HEX_SIZE];

	read_store(place);
	memcpy(first, place->store.sha256, sizeof first);
	read_store(place);
	assert_string_equal(place->store.sha256, first);
	put(place, "attributes", "rack:r2\n");
	read_store(place);
	assert_string_not_equal(place->store.sha256, first);
}

static const struct store_file *file_of(const struct flag_store *store, const char *path)
{
	for (size_t i = 0; i < store->file_count; i++)
		if (strcmp(store->files[i].path, path) == 0)
			return &store->files[i];
	fail_msg("%s would not be written", path);
	return NULL;
}

static void test_edits_flags(void **state)
{
	const struct flag_edit edits[] = {{(char *)"attributes", (char *)"rack:r2"},
					  {(char *)"strict", (char *)"false"},
					  {(char *)"quiet", NULL},
					  {(char *)"domain", (char *)"{\"a\":1}"}};
	struct place *place = *state;
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	read_store(place);
	assert_ok(flag_store_edit(&place->store, edits, 4, &edited, &err), &err);
	assert_int_equal(edited.file_count, 5);
	assert_string_equal(buffer_text(&file_of(&edited, "/etc/attributes")->bytes), "rack:r2\n");
	assert_string_equal(buffer_text(&file_of(&edited, "/etc/domain")->bytes), "{\"a\":1}\n");
	assert_string_equal(buffer_text(&file_of(&edited, "/etc/strict")->bytes), "false\n");
	assert_false(file_of(&edited, "/etc/?strict")->exists);
	assert_false(file_of(&edited, "/etc/?no-quiet")->exists);
	assert_string_equal(flags_get(&edited.flags, "work_dir"), "/var/lib/mesos");
	assert_null(flags_get(&edited.flags, "quiet"));
	flag_store_clear(&edited);
}

static void test_leaves_what_is_so_already(void **state)
{
	const struct flag_edit edits[] = {{(char *)"strict", (char *)"true"},
					  {(char *)"attributes", (char *)"rack:r1"},
					  {(char *)"absent", NULL}};
	struct place *place = *state;
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	read_store(place);
	assert_ok(flag_store_edit(&place->store, edits, 3, &edited, &err), &err);
	assert_int_equal(edited.file_count, 0);
	flag_store_clear(&edited);
}

/* ---- one entry per file */

static int edit(struct place *place, const char *name, const char *value, struct flag_store *out, struct error *err)
{
	const struct flag_edit edits[] = {{(char *)name, (char *)value}};

	return flag_store_edit(&place->store, edits, 1, out, err);
}

static const struct store_file *changed(const struct flag_store *store, const char *path)
{
	for (size_t i = 0; i < store->file_count; i++)
		if (strcmp(store->files[i].path, path) == 0)
			return &store->files[i];
	return NULL;
}

static void test_edits_entries(void **state)
{
	struct place *place = *state;
	struct flag_store edited = {.path = NULL};
	struct error err = ERROR_INIT;

	make_folder(place, "etc/resources");
	put(place, "resources/cpus", "4");
	put(place, "resources/mem", "1024\n\n");
	put(place, "resources/ports", "[31000-32000]\n");
	put(place, "resources/.disk.swp", "1");
	read_store(place);
	assert_ok(edit(place, "resources", "mem:1024;gpus:2;cpus:8", &edited, &err), &err);
	assert_int_equal(edited.file_count, 3);
	assert_null(changed(&edited, "/etc/resources/mem")); /* byte for byte, with its empty line */
	assert_false(changed(&edited, "/etc/resources/ports")->exists);
	assert_string_equal(buffer_text(&changed(&edited, "/etc/resources/cpus")->bytes), "8\n");
	assert_string_equal(buffer_text(&changed(&edited, "/etc/resources/gpus")->bytes), "2\n");
	/* In the order of the files: that is how the agent gets it. */
	assert_string_equal(flags_get(&edited.flags, "resources"), "cpus:8;gpus:2;mem:1024");
	flag_store_clear(&edited);
	assert_ok(edit(place, "resources", NULL, &edited, &err), &err);
	assert_int_equal(edited.file_count, 3);
	assert_null(flags_get(&edited.flags, "resources"));
	flag_store_clear(&edited);
	assert_ok(edit(place, "resources", "ports:[31000-32000];mem:1024;cpus:4", &edited, &err), &err);
	assert_int_equal(edited.file_count, 0);
	flag_store_clear(&edited);
}

static void test_refuses_what_no_folder_of_entries_holds(void **state)
{
	static const char *const values[] = {
		"[{\"name\":\"cpus\"}]", "cpus:4;cpus:4", "../mem:4", "a/b:1", ".hidden:1", "cpus", ":4",
		"cpus:4\nmem:5"};
	struct place *place = *state;

	make_folder(place, "etc/resources");
	put(place, "resources/cpus", "4");
	read_store(place);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct flag_store edited = {.path = NULL};
		struct error err = ERROR_INIT;

		assert_int_equal(edit(place, "resources", values[i], &edited, &err), -1);
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_null(edited.path);
	}
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_reads_flags),
		WITH_FOLDER(test_reads_entries),
		WITH_FOLDER(test_digest_is_of_names_and_bytes),
		WITH_FOLDER(test_edits_flags),
		WITH_FOLDER(test_leaves_what_is_so_already),
		WITH_FOLDER(test_edits_entries),
		WITH_FOLDER(test_refuses_what_no_folder_of_entries_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
