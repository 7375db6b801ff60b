/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static int set_up(void **state)
{
	*state = scratch_new();
	return 0;
}

static int tear_down(void **state)
{
	scratch_remove(*state);
	return 0;
}

static void assert_holds(const char *path, const char *text)
{
	char *found = scratch_read(path, NULL);
	assert_string_equal(found, text);
	free(found);
}

static size_t count_entries(const char *folder)
{
	size_t count = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

static void reading_appends(void **state)
{
	char *path = scratch_write(*state, "f", "second");
	struct buffer out = BUFFER_INIT(100);
	struct error err = ERROR_INIT;
	buffer_puts(&out, "first ");
	assert_ok(file_read(path, &out, &err), &err);
	assert_string_equal(buffer_text(&out), "first second");
	buffer_clear(&out);
	free(path);
}

static void reading_stops_at_the_maximum(void **state)
{
	char *path = scratch_write(*state, "f", "12345678");
	struct buffer out = BUFFER_INIT(10);
	struct error err = ERROR_INIT;
	buffer_puts(&out, "ab");
	assert_ok(file_read(path, &out, &err), &err);
	assert_int_equal(out.len, 10);
	buffer_reset(&out);
	buffer_puts(&out, "abc");
	assert_int_equal(file_read(path, &out, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "too large");
	assert_string_equal(buffer_text(&out), "abc");
	buffer_clear(&out);
	free(path);
}

/* Larger than a chunk: what was read before the limit was met is taken back. */
static void a_large_file_leaves_nothing_behind(void **state)
{
	char *path = path_join(*state, "large");
	struct error err = ERROR_INIT;
	char *data = xcalloc(100000, 1);
	assert_ok(file_replace(path, data, 100000, NULL, &err), &err);
	struct buffer out = BUFFER_INIT(99999);
	assert_int_equal(file_read(path, &out, &err), -1);
	assert_error(&err, ERROR_CORRUPT, path);
	assert_int_equal(out.len, 0);
	buffer_clear(&out);
	buffer_init(&out, 100000);
	assert_ok(file_read(path, &out, &err), &err);
	assert_int_equal(out.len, 100000);
	buffer_clear(&out);
	free(data);
	free(path);
}

static void reading_what_is_no_file(void **state)
{
	struct buffer out = BUFFER_INIT(10);
	struct error err = ERROR_INIT;
	char *missing = path_join(*state, "missing");
	assert_int_equal(file_read(missing, &out, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "missing: No such file");
	assert_int_equal(file_read(*state, &out, &err), -1);
	assert_error(&err, ERROR_CORRUPT, "not a regular file");
	assert_int_equal(mkfifo(missing, 0600), 0);
	assert_int_equal(file_read(missing, &out, &err), -1); /* and does not wait for a writer */
	assert_error(&err, ERROR_CORRUPT, "not a regular file");
	free(missing);
}

static void a_new_file_gets_0644_whatever_the_umask(void **state)
{
	char *path = path_join(*state, "new");
	struct error err = ERROR_INIT;
	struct stat st;
	mode_t old = umask(077);
	assert_ok(file_replace(path, "x", 1, NULL, &err), &err);
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_holds(path, "x");
	free(path);
}

static void mode_and_owner_are_kept(void **state)
{
	char *path = scratch_write(*state, "f", "old");
	struct error err = ERROR_INIT;
	struct stat before, after;
	bool root = geteuid() == 0;
	assert_int_equal(chown(path, root ? 12345 : geteuid(), root ? 23456 : getegid()), 0);
	assert_int_equal(chmod(path, 02751), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_ok(file_replace(path, "newer", 5, NULL, &err), &err);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_holds(path, "newer");
	assert_int_equal(count_entries(*state), 1);
	free(path);
}

static void attributes_win_over_the_old_file(void **state)
{
	char *path = scratch_write(*state, "f", "old");
	struct error err = ERROR_INIT;
	struct stat st;
	struct file_attributes attrs = {.mode = 0600, .set_owner = true, .uid = geteuid(), .gid = getegid()};
	assert_ok(file_replace(path, "", 0, &attrs, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 0);
	free(path);
}

static void links_are_refused(void **state)
{
	char *target = scratch_write(*state, "target", "untouched");
	char *link = path_join(*state, "link");
	char *dangling = path_join(*state, "dangling");
	struct error err = ERROR_INIT;
	struct stat st;
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(symlink("nowhere", dangling), 0);
	assert_int_equal(file_replace(link, "x", 1, NULL, &err), -1);
	assert_error(&err, ERROR_REFUSED, "symbolic link");
	assert_int_equal(file_replace(dangling, "x", 1, NULL, &err), -1);
	assert_error(&err, ERROR_REFUSED, "symbolic link");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_holds(target, "untouched");
	assert_int_equal(count_entries(*state), 3);
	free(target);
	free(link);
	free(dangling);
}

static void folders_are_not_replaced(void **state)
{
	struct error err = ERROR_INIT;
	char *missing = path_join(*state, "no/such");
	char *slash = path_join(*state, "name/");
	assert_int_equal(file_replace(*state, "x", 1, NULL, &err), -1);
	assert_error(&err, ERROR_REFUSED, "not a regular file");
	assert_int_equal(file_replace(missing, "x", 1, NULL, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "No such file");
	assert_int_equal(file_replace(slash, "x", 1, NULL, &err), -1);
	assert_error(&err, ERROR_USAGE, "names no file");
	free(missing);
	free(slash);
}

/* Writing fails in the middle, as on a full disk: the old file is whole and no temporary file stays. */
static void a_failed_write_leaves_the_old_file(void **state)
{
	char *path = scratch_write(*state, "f", "old");
	pid_t child = fork();
	if (child == 0) {
		static const char large[65536];
		struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
		struct error err = ERROR_INIT;
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		bool failed = file_replace(path, large, sizeof(large), NULL, &err) < 0;
		_exit(failed && err.kind == ERROR_SYSTEM && strstr(err.text, "File too large") != NULL ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_holds(path, "old");
	assert_int_equal(count_entries(*state), 1);
	free(path);
}

/* A reader that opens the file again and again sees one of the two versions, whole, and never none. */
static void readers_see_old_or_new(void **state)
{
	char *path = path_join(*state, "f");
	size_t size = 200000;
	char *data = xmalloc(size);
	struct error err = ERROR_INIT;
	memset(data, 'A', size);
	assert_ok(file_replace(path, data, size, NULL, &err), &err);
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 60; i++) {
			memset(data, 'A' + i % 2, size);
			if (file_replace(path, data, size, NULL, &err) < 0)
				_exit(1);
		}
		_exit(0);
	}
	int status = -1, reads = 0;
	do {
		struct buffer out = BUFFER_INIT(size);
		assert_ok(file_read(path, &out, &err), &err);
		assert_int_equal(out.len, size);
		assert_int_equal(strspn(out.data, out.data[0] == 'A' ? "A" : "B"), size);
		buffer_clear(&out);
		reads++;
	} while (waitpid(child, &status, WNOHANG) == 0);
	assert_int_equal(status, 0);
	assert_true(reads > 1);
	assert_int_equal(count_entries(*state), 1);
	free(data);
	free(path);
}

static void the_longest_name_works(void **state)
{
	char name[NAME_MAX + 1];
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	char *path = path_join(*state, name);
	struct error err = ERROR_INIT;
	assert_ok(file_replace(path, "x", 1, NULL, &err), &err);
	assert_holds(path, "x");
	free(path);
}

static void a_name_without_folder_is_in_the_current_one(void **state)
{
	char old[PATH_MAX];
	struct error err = ERROR_INIT;
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(*state), 0);
	int result = file_replace("plain", "x", 1, NULL, &err);
	int removed = file_remove("plain", &err);
	assert_int_equal(chdir(old), 0);
	assert_ok(result, &err);
	assert_ok(removed, &err);
}

static void removing(void **state)
{
	char *path = scratch_write(*state, "f", "x");
	struct error err = ERROR_INIT;
	assert_true(file_exists(path));
	assert_ok(file_remove(path, &err), &err);
	assert_false(file_exists(path));
	assert_ok(file_remove(path, &err), &err);
	assert_int_equal(file_remove(*state, &err), -1);
	assert_text_has(err.text, "cannot remove");
	free(path);
}

static void a_dangling_link_exists(void **state)
{
	char *link = path_join(*state, "link");
	assert_int_equal(symlink("nowhere", link), 0);
	assert_true(file_exists(link));
	free(link);
}

static void folders_on_the_way_are_made(void **state)
{
	char *deep = path_join(*state, "a//b/c/");
	char *b = path_join(*state, "a/b");
	char *file = scratch_write(*state, "file", "");
	char *below = path_join(file, "x/y");
	struct error err = ERROR_INIT;
	struct stat st;
	assert_ok(file_make_dirs(deep, 0750, &err), &err);
	assert_ok(file_make_dirs(deep, 0700, &err), &err);
	assert_int_equal(stat(b, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_ok(file_make_dirs("/", 0755, &err), &err);
	assert_int_equal(file_make_dirs(file, 0755, &err), -1);
	assert_text_has(err.text, "File exists");
	error_clear(&err);
	assert_int_equal(file_make_dirs(below, 0755, &err), -1);
	assert_text_has(err.text, file);
	error_clear(&err);
	assert_int_equal(file_make_dirs("", 0755, &err), -1);
	free(deep);
	free(b);
	free(file);
	free(below);
}

static void assert_path(char *path, const char *wanted)
{
	assert_string_equal(path, wanted);
	free(path);
}

static void paths(void **state)
{
	(void)state;
	assert_path(path_under(NULL, "/etc/x"), "/etc/x");
	assert_path(path_under("", "/etc/x"), "/etc/x");
	assert_path(path_under("/", "/etc/x"), "/etc/x");
	assert_path(path_under("/root", "/etc/x"), "/root/etc/x");
	assert_path(path_under("/root/", "//etc/x"), "/root/etc/x");
	assert_path(path_join("a", "b"), "a/b");
	assert_path(path_join("/", "b"), "/b");
	assert_path(path_dir("/a/b"), "/a");
	assert_path(path_dir("/a"), "/");
	assert_path(path_dir("a"), ".");
	assert_path(path_dir("a/b/"), "a/b");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(reading_appends),
		WITH_FOLDER(reading_stops_at_the_maximum),
		WITH_FOLDER(a_large_file_leaves_nothing_behind),
		WITH_FOLDER(reading_what_is_no_file),
		WITH_FOLDER(a_new_file_gets_0644_whatever_the_umask),
		WITH_FOLDER(mode_and_owner_are_kept),
		WITH_FOLDER(attributes_win_over_the_old_file),
		WITH_FOLDER(links_are_refused),
		WITH_FOLDER(folders_are_not_replaced),
		WITH_FOLDER(a_failed_write_leaves_the_old_file),
		WITH_FOLDER(readers_see_old_or_new),
		WITH_FOLDER(the_longest_name_works),
		WITH_FOLDER(a_name_without_folder_is_in_the_current_one),
		WITH_FOLDER(removing),
		WITH_FOLDER(a_dangling_link_exists),
		WITH_FOLDER(folders_on_the_way_are_made),
		cmocka_unit_test(paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
