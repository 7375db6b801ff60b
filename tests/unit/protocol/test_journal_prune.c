/* SPDX-License-Identifier: Apache-2.0 */
/* Which operations a journal keeps, and what it remembers of the others. */
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "protocol/journal.h"
#include "tests/support/scratch.h"

struct place {
	char *folder;
	struct journal journal;
};

static int set_up(void **state)
{
	struct place *place = xcalloc(1, sizeof *place);
	struct error err = ERROR_INIT;

	place->folder = scratch_new();
	journal_init(&place->journal, place->folder, "/var/lib/rollcall");
	*state = place;
	return journal_create(&place->journal, &err);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	journal_clear(&place->journal);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static void make_ended(struct place *place, char digit, enum operation_step step, time_t when)
{
	struct operation_state state = {.step = step, .boot_id = "b"};
	struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
	struct journal_entry entry;
	struct error err = ERROR_INIT;
	char id[RANDOM_ID_SIZE];
	char *path;

	memset(id, digit, sizeof id - 1);
	id[sizeof id - 1] = '\0';
	journal_entry_init(&entry, &place->journal, id);
	assert_int_equal(journal_put(&entry, "before/slave.info", "x", 1, &err), 0);
	assert_int_equal(journal_save_state(&entry, &state, &err), 0);
	path = path_join(entry.dir, "state");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	free(path);
	journal_entry_clear(&entry);
}

static int note_id(const struct journal_entry *entry, const struct operation_state *state, void *ctx)
{
	(void)state;
	((bool *)ctx)[(unsigned char)entry->id[0]] = true;
	return 0;
}

static void test_prunes_the_oldest_that_have_ended(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	bool there[256] = {false};

	make_ended(place, '1', STEP_DONE, 1000);
	make_ended(place, '2', STEP_UNDONE, 3000);
	make_ended(place, '3', STEP_DONE, 2000);
	make_ended(place, '4', STEP_STUCK, 500);
	make_ended(place, '5', STEP_STARTED, 400);
	journal_prune(&place->journal, 3);
	assert_int_equal(journal_each(&place->journal, note_id, there, &err), 0);
	assert_true(there['1'] && there['2'] && there['3'] && there['4'] && there['5']);
	memset(there, 0, sizeof there);
	journal_prune(&place->journal, 2);
	assert_int_equal(journal_each(&place->journal, note_id, there, &err), 0);
	assert_true(!there['1'] && there['2'] && there['3'] && there['4'] && there['5']);
	journal_prune(&place->journal, 0);
	memset(there, 0, sizeof there);
	assert_int_equal(journal_each(&place->journal, note_id, there, &err), 0);
	assert_true(!there['2'] && !there['3'] && there['4'] && there['5']);
}

static void end_and_forget(struct place *place, unsigned number, const struct operation_state *state)
{
	struct journal_entry entry;
	char id[RANDOM_ID_SIZE];

	snprintf(id, sizeof id, "%032x", number);
	journal_entry_init(&entry, &place->journal, id);
	assert_int_equal(journal_save_state(&entry, state, NULL), 0);
	journal_entry_clear(&entry);
	journal_prune(&place->journal, 0);
}

static void recall(struct place *place, unsigned number, struct operation_state *out)
{
	char id[RANDOM_ID_SIZE];

	snprintf(id, sizeof id, "%032x", number);
	memset(out, 0xff, sizeof *out);
	assert_int_equal(journal_recall(&place->journal, id, out, NULL), 0);
}

static void test_remembers_how_they_ended(void **state)
{
	struct place *place = *state;
	struct operation_state done = {.step = STEP_DONE, .boot_id = "b", .kept_by_deadline = true};
	struct operation_state undone = {.step = STEP_UNDONE, .boot_id = "b", .reason = "it ended:\nstatus 1"};
	struct operation_state seen;

	recall(place, 1, &seen);
	assert_int_equal(seen.step, STEP_NONE);
	end_and_forget(place, 1, &done);
	end_and_forget(place, 2, &undone);
	recall(place, 1, &seen);
	assert_int_equal(seen.step, STEP_DONE);
	assert_true(seen.kept_by_deadline);
	assert_string_equal(seen.reason, "");
	recall(place, 2, &seen);
	assert_int_equal(seen.step, STEP_UNDONE);
	assert_false(seen.kept_by_deadline);
	assert_string_equal(seen.reason, "it ended: status 1");
	recall(place, 3, &seen);
	assert_int_equal(seen.step, STEP_NONE);
}

static void write_ended(struct place *place, unsigned count, const char *reason)
{
	struct buffer text = BUFFER_INIT(8u << 20);
	char *path = path_join(place->journal.dir, "ended");

	for (unsigned i = 1; i <= count; i++)
		buffer_printf(&text, "%032x undone 0 %s\n", i, reason);
	assert_int_equal(file_replace(path, buffer_text(&text), text.len, NULL, NULL), 0);
	buffer_clear(&text);
	free(path);
}

/* As many as there is room for, and the oldest go first. */
static void test_forgets_the_oldest(void **state)
{
	struct place *place = *state;
	struct operation_state undone = {.step = STEP_UNDONE, .boot_id = "b"};
	struct operation_state seen;

	memset(undone.reason, 'x', sizeof undone.reason - 1);
	write_ended(place, JOURNAL_RECALL, undone.reason);
	end_and_forget(place, JOURNAL_RECALL + 1, &undone);
	end_and_forget(place, JOURNAL_RECALL + 2, &undone);
	for (unsigned i = 1; i <= JOURNAL_RECALL + 2; i++) {
		recall(place, i, &seen);
		assert_int_equal(seen.step, i <= 2 ? STEP_NONE : STEP_UNDONE);
	}
	assert_int_equal(strlen(seen.reason), sizeof undone.reason - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_prunes_the_oldest_that_have_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_remembers_how_they_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forgets_the_oldest, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
