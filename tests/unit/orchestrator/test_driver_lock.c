/* SPDX-License-Identifier: Apache-2.0 */
/* One driver at a time, and a dead one holds nobody up. */
#include "tests/support/cmocka.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/driver/driver_lock.h"
#include "tests/support/scratch.h"

static void the_second_is_told_who_holds_it(void **state)
{
	char *folder = scratch_new(), *database = path_join(folder, "rollcall.db");
	struct error err = ERROR_INIT;
	struct driver_lock *lock = driver_lock_take(database, "anna@admin1", 1700000000000, &err);

	(void)state;
	assert_non_null(lock);
	assert_null(driver_lock_take(database, "bert@admin1", 1700000001000, &err));
	assert_text_has(err.text, "just starting");
	error_clear(&err);
	assert_ok(driver_lock_note(lock, "r-20261123-7", "plan 0123456789ab, web@3", &err), &err);
	assert_null(driver_lock_take(database, "bert@admin1", 1700000001000, &err));
	assert_text_has(err.text, "r-20261123-7");
	assert_text_has(err.text, "plan 0123456789ab, web@3");
	assert_text_has(err.text, "anna@admin1");
	assert_text_has(err.text, "rollout resume --take-over r-20261123-7");
	assert_text_has(err.text, "2023-11-14T22:13:20");
	char *pid = xasprintf("process %ld ", (long)getpid());
	assert_error(&err, ERROR_CONFLICT, pid);
	free(pid);

	driver_lock_release(lock);
	lock = driver_lock_take(database, "bert@admin1", 1700000001000, &err);
	assert_non_null(lock);
	driver_lock_release(lock);
	free(database);
	scratch_remove(folder);
}

static void whoever_asks_learns_who_holds_it(void **state)
{
	char *folder = scratch_new(), *database = path_join(folder, "rollcall.db");
	struct error err = ERROR_INIT;
	struct driver_holder holder;
	struct driver_lock *lock = driver_lock_take(database, "anna@admin1", 1700000000000, &err);

	(void)state;
	assert_true(driver_lock_is_held(database, &holder));
	assert_null(holder.run);
	driver_holder_clear(&holder);
	assert_ok(driver_lock_note(lock, "r-1", "plan \xc3\xa9", &err), &err);
	assert_true(driver_lock_is_held(database, &holder));
	assert_string_equal(holder.run, "r-1");
	assert_string_equal(holder.what, "plan \xc3\xa9");
	assert_string_equal(holder.actor, "anna@admin1");
	assert_int_equal(holder.pid, getpid());
	assert_true(holder.here);
	assert_false(holder.stopped);
	driver_holder_clear(&holder);
	driver_lock_release(lock);
	assert_false(driver_lock_is_held(database, &holder));
	free(database);
	scratch_remove(folder);
}

/* A process that a signal has stopped keeps its lock; that is said, and it can be taken over. */
static void a_holder_that_hangs_is_taken_over(void **state)
{
	char *folder = scratch_new(), *database = path_join(folder, "rollcall.db");
	struct error err = ERROR_INIT;
	struct driver_holder holder;
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct driver_lock *lock = driver_lock_take(database, "anna@admin1", 1, &err);

		if (!lock || driver_lock_note(lock, "r-1", NULL, &err) < 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	assert_true(driver_lock_is_held(database, &holder));
	assert_true(holder.stopped);
	driver_holder_clear(&holder);
	assert_null(driver_lock_take(database, "bert@admin1", 2, &err));
	assert_error(&err, ERROR_CONFLICT, "resume --take-over r-1");
	error_clear(&err);
	struct driver_lock *lock = driver_lock_take_over(database, "bert@admin1", 2, &err);
	assert_non_null(lock);
	assert_ok(driver_lock_note(lock, "r-1", NULL, &err), &err);
	assert_true(driver_lock_is_held(database, &holder));
	assert_string_equal(holder.actor, "bert@admin1");
	driver_holder_clear(&holder);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_true(driver_lock_is_held(database, NULL));
	driver_lock_release(lock);
	free(database);
	scratch_remove(folder);
}

static void a_dead_holder_is_no_holder(void **state)
{
	char *folder = scratch_new(), *database = path_join(folder, "rollcall.db");
	struct error err = ERROR_INIT;
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(driver_lock_take(database, "anna", 1, &err) != NULL ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct driver_lock *lock = driver_lock_take(database, "bert", 2, &err);
	assert_non_null(lock);
	assert_true(driver_lock_is_held(database, NULL));
	driver_lock_release(lock);
	assert_false(driver_lock_is_held(database, NULL));
	free(database);
	scratch_remove(folder);
	assert_false(driver_lock_is_held("/nowhere/at/all/rollcall.db", NULL));
}

static void what_the_file_says_cannot_harm_a_terminal(void **state)
{
	char *folder = scratch_new(), *database = path_join(folder, "rollcall.db");
	struct error err = ERROR_INIT;
	struct driver_lock *lock = driver_lock_take(database, "anna", 1, &err);

	(void)state;
	free(scratch_write(folder, "rollcall.db.driver.lock", "run \033[2Jx\nsecond line"));
	assert_null(driver_lock_take(database, "bert", 2, &err));
	assert_null(strchr(err.text, '\033'));
	assert_null(strstr(err.text, "second line"));
	driver_lock_release(lock);
	free(database);
	scratch_remove(folder);
}

static void a_folder_that_is_not_there(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(driver_lock_take("/nowhere/at/all/rollcall.db", "anna", 1, &err));
	assert_error(&err, ERROR_UNREACHABLE, "/nowhere/at/all/rollcall.db.driver.lock");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_is_told_who_holds_it),
		cmocka_unit_test(whoever_asks_learns_who_holds_it),
		cmocka_unit_test(a_holder_that_hangs_is_taken_over),
		cmocka_unit_test(a_dead_holder_is_no_holder),
		cmocka_unit_test(what_the_file_says_cannot_harm_a_terminal),
		cmocka_unit_test(a_folder_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
