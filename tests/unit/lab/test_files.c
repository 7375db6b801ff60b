/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lab/core/files.h"
#include "lab/core/lab.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static void sockets_with_long_paths(void **state)
{
	char *folder = scratch_new(), *deep = xstrdup(folder);
	struct error err = ERROR_INIT;
	(void)state;
	for (int i = 0; i < 5; i++) {
		char *next = path_join(deep, "a-folder-with-a-name-of-some-forty-letters-");
		free(deep);
		deep = next;
	}
	assert_true(strlen(deep) > 200);
	assert_ok(file_make_dirs(deep, 0755, &err), &err);
	char *path = path_join(deep, "daemon.sock");
	assert_int_equal(socket_connect_unix(path, NULL), -1);
	int server = socket_listen_unix(path, &err);
	assert_true(server >= 0);
	int client = socket_connect_unix(path, &err);
	assert_true(client >= 0);
	int taken = accept(server, NULL, NULL);
	assert_int_equal(write(client, "x", 1), 1);
	char byte = 0;
	assert_int_equal(read(taken, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(taken);
	close(client);
	close(server);
	free(path);
	free(deep);
	scratch_remove(folder);
}

static void trees_are_removed_and_links_not_followed(void **state)
{
	char *folder = scratch_new(), *kept = scratch_write(folder, "kept", "precious");
	char *tree = path_join(folder, "tree"), *link = path_join(tree, "sub/link"), *other = path_join(tree, "dir");
	struct error err = ERROR_INIT;
	(void)state;
	assert_ok(files_link(folder, link, &err), &err);
	assert_ok(files_link(kept, other, &err), &err);
	assert_ok(files_remove_tree(tree, &err), &err);
	assert_false(file_exists(tree));
	assert_true(file_exists(kept));
	assert_ok(files_remove_tree(tree, &err), &err);
	free(other);
	free(link);
	free(tree);
	free(kept);
	scratch_remove(folder);
}

static void a_lab_is_saved_and_loaded(void **state)
{
	char *folder = scratch_new();
	struct error err = ERROR_INIT;
	struct lab_host hosts[] = {{"node001.lab", "127.80.1.1", "zone-1"}, {"node002.lab", "127.80.1.2", "zone-2"}};
	struct lab lab = {.dir = folder,
			  .id = "0123456789abcdef0123456789abcdef",
			  .time_scale = 2.5,
			  .user = "root",
			  .master = "127.80.1.254:5050",
			  .master_other = "127.80.1.253:5050",
			  .tasks_per_agent = 2,
			  .hosts = hosts,
			  .host_count = 2};
	(void)state;
	lab_add_master(&lab, lab.master, "1.12.0", true);
	lab_add_master(&lab, "127.80.1.252:5050", "1.4.0", false);
	assert_null(lab_load(folder, &err));
	assert_error(&err, ERROR_USAGE, "there is no lab in");
	assert_ok(lab_save(&lab, &err), &err);
	struct lab *read = lab_load(folder, &err);
	assert_non_null(read);
	assert_string_equal(read->id, lab.id);
	assert_int_equal(read->host_count, 2);
	assert_string_equal(lab_host_find(read, "node002.lab")->address, "127.80.1.2");
	assert_null(lab_host_find(read, "node003.lab"));
	assert_int_equal(lab_scaled_ms(read, 1000), 400);
	assert_int_equal(lab_scaled_ms(read, 1), 1);
	assert_int_equal(lab_scaled_ms(read, 0), 0);
	lab_free(read);
	char *root = path_join(folder, "hosts/node001.lab");
	assert_ok(file_make_dirs(root, 0755, &err), &err);
	read = lab_load_of_root(root, &err);
	assert_non_null(read);
	assert_string_equal(read->master, lab.master);
	assert_int_equal(read->host_count, 0);
	assert_int_equal(read->master_count, 2);
	assert_false(read->masters[1].has_domain);
	lab_free(read);
	free(root);
	for (size_t i = 0; i < lab.master_count; i++) {
		free(lab.masters[i].role);
		free(lab.masters[i].address);
		free(lab.masters[i].version);
	}
	free(lab.masters);
	scratch_remove(folder);
}

static void a_broken_description_is_an_error(void **state)
{
	char *folder = scratch_new();
	struct error err = ERROR_INIT;
	(void)state;
	free(scratch_write(folder, "lab.json", "{\"format\": 1}"));
	assert_null(lab_load(folder, &err));
	assert_error(&err, ERROR_USAGE, "lab.json");
	free(scratch_write(folder, "lab.json", "{\"format\":"));
	assert_null(lab_load(folder, &err));
	assert_error(&err, ERROR_USAGE, "lab.json:1");
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_with_long_paths),
		cmocka_unit_test(trees_are_removed_and_links_not_followed),
		cmocka_unit_test(a_lab_is_saved_and_loaded),
		cmocka_unit_test(a_broken_description_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
