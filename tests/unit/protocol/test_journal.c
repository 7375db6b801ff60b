/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "protocol/journal.h"
#include "tests/support/scratch.h"

#define FIRST  "0123456789abcdef0123456789abcdef"
#define SECOND "ffffffffffffffffffffffffffffffff"

struct place {
	char *folder;
	struct journal journal;
	struct journal_entry entry;
};

static int set_up(void **state)
{
	struct place *place = xcalloc(1, sizeof *place);
	struct error err = ERROR_INIT;

	place->folder = scratch_new();
	journal_init(&place->journal, place->folder, "/var/lib/rollcall");
	journal_entry_init(&place->entry, &place->journal, FIRST);
	*state = place;
	return journal_create(&place->journal, &err);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	journal_entry_clear(&place->entry);
	journal_clear(&place->journal);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static const struct operation_state full = {
	.step = STEP_STARTED,
	.boot_id = "e15dd7f0-09b6-4ab4-ac0f-c3240d624161",
	.discard = true,
	.rescue = true,
	.asked = true,
	.before = {.pid = 4, .start_ticks = 5},
	.started = {.pid = 6, .start_ticks = 9876543210},
	.start_timeout_ms = 1,
	.verdict_timeout_ms = 2,
	.asked_ms = 3,
	.restart_ticks = 6,
	.seen_ms = 4,
	.deadline_ms = 5,
	.kept_by_deadline = true,
	.reason = "it \"said\"\nsomething",
};

static void test_state_comes_back(void **state)
{
	struct place *place = *state;
	struct operation_state loaded;
	struct error err = ERROR_INIT;

	assert_int_equal(journal_load_state(&place->entry, &loaded, &err), 0);
	assert_int_equal(loaded.step, STEP_NONE);
	assert_int_equal(journal_save_state(&place->entry, &full, &err), 0);
	assert_int_equal(journal_load_state(&place->entry, &loaded, &err), 0);
	assert_memory_equal(&loaded.started, &full.started, sizeof full.started);
	assert_memory_equal(&loaded.before, &full.before, sizeof full.before);
	assert_string_equal(loaded.reason, full.reason);
	assert_string_equal(loaded.boot_id, full.boot_id);
	assert_int_equal(loaded.step, STEP_STARTED);
	assert_true(loaded.asked && loaded.kept_by_deadline);
	assert_int_equal(loaded.start_timeout_ms + loaded.verdict_timeout_ms + loaded.asked_ms + loaded.seen_ms +
				 loaded.deadline_ms,
			 15);
}

static void test_broken_state_is_corrupt(void **state)
{
	static const char *const cases[] = {"",
					    "{",
					    "[]",
					    "{\"format\":1}",
					    "{\"format\":9,\"step\":\"done\"}",
					    "{\"format\":1,\"step\":\"dancing\",\"boot_id\":\"x\",\"reason\":\"\"}"};
	struct place *place = *state;
	struct operation_state loaded = {.step = STEP_FLAGS};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(journal_put(&place->entry, "state", cases[i], strlen(cases[i]), &err), 0);
		assert_int_equal(journal_load_state(&place->entry, &loaded, &err), -1);
		assert_error(&err, ERROR_CORRUPT, "state");
		assert_int_equal(loaded.step, STEP_FLAGS);
	}
}

static void test_starts_and_word(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	enum operation_word word = WORD_KEEP;
	int starts = 7;

	assert_int_equal(journal_load_starts(&place->entry, &starts, &err), 0);
	assert_int_equal(starts, 0);
	assert_int_equal(journal_save_starts(&place->entry, 2, &err), 0);
	assert_int_equal(journal_load_starts(&place->entry, &starts, &err), 0);
	assert_int_equal(starts, 2);
	assert_int_equal(journal_put(&place->entry, "starts", "-1\n", 3, &err), 0);
	assert_int_equal(journal_load_starts(&place->entry, &starts, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "starts");

	assert_int_equal(journal_load_word(&place->entry, &word, &err), 0);
	assert_int_equal(word, WORD_NONE);
	assert_int_equal(journal_save_word(&place->entry, WORD_UNDO, &err), 0);
	assert_int_equal(journal_load_word(&place->entry, &word, &err), 0);
	assert_int_equal(word, WORD_UNDO);
}

static void test_secrets_are_for_root_alone(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	struct stat info;
	char *path = path_join(place->entry.dir, "request");

	assert_int_equal(journal_put(&place->entry, "request", "{}", 2, &err), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(stat(place->journal.dir, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	free(path);
}

/* Whoever can write to the folder can put a program before every start of the agent. */
static void test_a_folder_others_can_write_is_refused(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	char *operations = path_join(place->journal.dir, "operations");

	assert_int_equal(chmod(place->journal.dir, 0777), 0);
	assert_int_equal(journal_create(&place->journal, &err), -1);
	assert_error(&err, ERROR_REFUSED, "can be written by others (mode 0777)");
	assert_int_equal(chmod(place->journal.dir, 0755), 0);
	assert_int_equal(journal_create(&place->journal, &err), 0);
	assert_int_equal(rmdir(operations), 0);
	assert_int_equal(symlink("/tmp", operations), 0);
	assert_int_equal(journal_create(&place->journal, &err), -1);
	assert_error(&err, ERROR_REFUSED, "is no folder");
	assert_int_equal(unlink(operations), 0);
	free(operations);
}

static void test_finds_the_open_operation(void **state)
{
	struct place *place = *state;
	struct operation_state done = {.step = STEP_DONE, .boot_id = "b"};
	struct operation_state open = {.step = STEP_UNDOING, .boot_id = "b"};
	struct journal_entry second;
	struct error err = ERROR_INIT;
	char id[RANDOM_ID_SIZE] = "?";

	journal_entry_init(&second, &place->journal, SECOND);
	assert_int_equal(journal_find_open(&place->journal, id, &err), 0);
	assert_string_equal(id, "");
	/* Without a state there is no operation yet. */
	assert_int_equal(journal_put(&second, "request", "{}", 2, &err), 0);
	assert_int_equal(journal_save_state(&place->entry, &done, &err), 0);
	assert_int_equal(journal_find_open(&place->journal, id, &err), 0);
	assert_string_equal(id, "");
	assert_int_equal(journal_save_state(&second, &open, &err), 0);
	assert_int_equal(journal_find_open(&place->journal, id, &err), 0);
	assert_string_equal(id, SECOND);
	assert_int_equal(journal_discard(&second, &err), -1);
	journal_entry_clear(&second);
}

static void test_discards_what_never_began(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(journal_put(&place->entry, "before/slave.info", "x", 1, &err), 0);
	assert_int_equal(journal_discard(&place->entry, &err), 0);
	assert_false(file_exists(place->entry.dir));
}

/* A lock is the holder's until it dies, and another open of the file does not share it. */
static void test_lock(void **state)
{
	struct place *place = *state;
	struct error err = ERROR_INIT;
	int first = -1;
	int second = -1;
	int status = -1;
	pid_t child;

	assert_int_equal(journal_lock(&place->journal, &first, &err), 0);
	assert_int_equal(journal_lock(&place->journal, &second, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "another agentctl");
	close(first);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(journal_lock(&place->journal, &first, NULL) == 0 ? 0 : 1); /* dies holding it */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(journal_lock(&place->journal, &second, &err), 0);
	close(second);
}

static void test_epoch_rules(void **state)
{
	const struct journal_epoch nobody = {.database = ""};
	const struct journal_epoch seen = {.database = "ours", .epoch = 5};
	struct journal_epoch next = {.epoch = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(journal_epoch_admit(&nobody, "any", 1, false, &next, &err), 0);
	assert_string_equal(next.database, "any");
	assert_int_equal(journal_epoch_admit(&seen, "ours", 5, false, &next, &err), 0);
	assert_int_equal(journal_epoch_admit(&seen, "ours", 6, false, &next, &err), 0);
	assert_int_equal(next.epoch, 6);
	assert_int_equal(journal_epoch_admit(&seen, "ours", 4, true, &next, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "older");
	assert_int_equal(journal_epoch_admit(&seen, "theirs", 9, false, &next, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "ours");
	assert_int_equal(journal_epoch_admit(&seen, "theirs", 1, true, &next, &err), 0);
	assert_string_equal(next.database, "theirs");
	assert_int_equal(next.epoch, 1);
	assert_int_equal(journal_epoch_admit(&nobody, "", 1, false, &next, &err), -1);
	assert_error(&err, ERROR_USAGE, "name");
}

static void test_epoch_lasts(void **state)
{
	struct place *place = *state;
	struct journal_epoch seen;
	struct error err = ERROR_INIT;

	assert_int_equal(journal_epoch_raise(&place->journal, "ours", 3, false, &err), 0);
	assert_int_equal(journal_epoch_raise(&place->journal, "ours", 2, false, &err), -1);
	assert_error(&err, ERROR_CONFLICT, "older");
	assert_int_equal(journal_epoch_load(&place->journal, &seen, &err), 0);
	assert_int_equal(seen.epoch, 3);
	assert_string_equal(seen.database, "ours");
}

#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(test_state_comes_back),
		WITH_JOURNAL(test_broken_state_is_corrupt),
		WITH_JOURNAL(test_starts_and_word),
		WITH_JOURNAL(test_secrets_are_for_root_alone),
		WITH_JOURNAL(test_a_folder_others_can_write_is_refused),
		WITH_JOURNAL(test_finds_the_open_operation),
		WITH_JOURNAL(test_discards_what_never_began),
		WITH_JOURNAL(test_lock),
		cmocka_unit_test(test_epoch_rules),
		WITH_JOURNAL(test_epoch_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
