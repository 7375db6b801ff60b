/* SPDX-License-Identifier: Apache-2.0 */
/* The ignore list: what holds when, under which name, and that nothing on it is ever forgotten. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "inventory/ignores.h"
#include "tests/support/scratch.h"

#define NOW 1700000000000

struct fixture {
	char *folder;
	struct store *store;
	int64_t lab, other;
};

static int set_up(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct error err = ERROR_INIT;

	fixture->folder = scratch_new();
	char *path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(path, true, &err);
	free(path);
	assert_non_null(fixture->store);
	assert_ok(cluster_id(fixture->store, "lab", &fixture->lab, &err), &err);
	assert_ok(cluster_id(fixture->store, "other", &fixture->other, &err), &err);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

static int try_add(struct fixture *fixture, int64_t cluster, const char *selector, int64_t until_ms, struct error *err)
{
	const struct ignore wanted = {.selector = (char *)(uintptr_t)selector,
				      .reason = (char *)(uintptr_t) "new disk",
				      .author = (char *)(uintptr_t) "eve",
				      .created_ms = NOW,
				      .until_ms = until_ms};
	int64_t number = -1;
	int result = ignores_add(fixture->store, cluster, &wanted, &number, err);

	return result < 0 ? -1 : (int)number;
}

static int add(struct fixture *fixture, int64_t cluster, const char *selector, int64_t until_ms)
{
	struct error err = ERROR_INIT;
	int number = try_add(fixture, cluster, selector, until_ms, &err);

	if (number < 0)
		fail_msg("%s", err.text);
	return number;
}

static void assert_count(struct fixture *fixture, int64_t cluster, int64_t now_ms, size_t wanted)
{
	struct ignore_list list;
	struct error err = ERROR_INIT;

	assert_ok(ignores_load(fixture->store, cluster, now_ms, &list, &err), &err);
	assert_int_equal(list.count, wanted);
	ignore_list_clear(&list);
}

static void each_cluster_has_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct ignore_list list;
	struct error err = ERROR_INIT;

	assert_count(fixture, fixture->lab, NOW, 0);
	assert_int_equal(add(fixture, fixture->lab, "zone = a", 0), 1);
	assert_int_equal(add(fixture, fixture->other, "zone = a", 0), 2);
	assert_int_equal(add(fixture, fixture->lab, "zone = b", NOW + 5), 3);
	assert_ok(ignores_load(fixture->store, fixture->lab, NOW, &list, &err), &err);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[1].number, 3);
	assert_string_equal(list.items[1].selector, "zone = b");
	assert_string_equal(list.items[1].reason, "new disk");
	assert_string_equal(list.items[1].author, "eve");
	assert_int_equal(list.items[1].created_ms, NOW);
	assert_int_equal(list.items[1].until_ms, NOW + 5);
	ignore_list_clear(&list);
}

static void it_ends_by_itself(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, fixture->lab, "zone = a", NOW + 5);
	assert_count(fixture, fixture->lab, NOW + 4, 1);
	assert_count(fixture, fixture->lab, NOW + 5, 0);
}

static void what_cannot_be_added(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	add(fixture, fixture->lab, "zone = a", 0);
	assert_int_equal(try_add(fixture, fixture->lab, "zone = a", 0, &err), -1);
	assert_error(&err, ERROR_USAGE, "already, as number 1");
	assert_int_equal(try_add(fixture, fixture->lab, "zone =", 0, &err), -1);
	assert_error(&err, ERROR_USAGE, "inventory ignore");
	assert_count(fixture, fixture->lab, NOW, 1);
}

static void it_is_taken_off_by_either_name(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = {"1", "zone = b"};
	struct error err = ERROR_INIT;
	struct ignore found;

	add(fixture, fixture->lab, "zone = a", 0);
	add(fixture, fixture->lab, "zone = b", 0);
	assert_int_equal(ignores_find(fixture->store, fixture->other, "1", NOW, &found, &err), -1);
	assert_error(&err, ERROR_USAGE, "nothing on the ignore list is called 1");
	for (size_t i = 0; i < 2; i++) {
		assert_ok(ignores_find(fixture->store, fixture->lab, names[i], NOW, &found, &err), &err);
		assert_ok(ignores_remove(fixture->store, found.number, "adam", NOW + 1, &err), &err);
		ignore_clear(&found);
		assert_int_equal(ignores_find(fixture->store, fixture->lab, names[i], NOW, &found, &err), -1);
		error_clear(&err);
	}
	/* The number is not used again, and who took it off is kept. */
	assert_int_equal(add(fixture, fixture->lab, "zone = a", 0), 3);
	char *by = NULL;
	assert_int_equal(
		store_find_text(fixture->store, &by, &err, "SELECT removed_by FROM ignores WHERE number = 1", ""), 1);
	assert_string_equal(by, "adam");
	free(by);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, set_up, tear_down, NULL                                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_cluster_has_its_own),
		TEST(it_ends_by_itself),
		TEST(what_cannot_be_added),
		TEST(it_is_taken_off_by_either_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
