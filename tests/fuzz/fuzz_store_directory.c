/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any files as a flag store of the kind "directory": what can be read can be edited so that the flag comes out right and every
 * other flag stays. The input is lines "NAME=CONTENT"; a name may begin with attributes/ or resources/.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentctl/store.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/fuzz/store_edit.h"
#include "tests/support/scratch.h"

#define FILES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *root;

static void clean_up(void)
{
	scratch_remove(root);
}

/* ---- the files */

static void make_folders(void)
{
	static const char *const folders[] = {"/store", "/store/attributes", "/store/resources"};

	if (root == NULL) {
		root = scratch_new();
		atexit(clean_up);
	}
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char *path = path_under(root, folders[i]);

		mkdir(path, 0700);
		free(path);
	}
}

static char *path_of(const char *line, size_t len)
{
	static const char *const folders[] = {"attributes/", "resources/"};
	const char *folder = "";

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		size_t prefix = strlen(folders[i]);

		if (len > prefix && memcmp(line, folders[i], prefix) == 0) {
			folder = folders[i];
			line += prefix;
			len -= prefix;
		}
	}
	if (len == 0 || len > 64 || memchr(line, '/', len) != NULL || (line[0] == '.' && len <= 2))
		return NULL;
	return xasprintf("%s/store/%s%.*s", root, folder, (int)len, line);
}

/* Returns the path when the file was written. */
static char *write_line(const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	char *path = equals == NULL ? NULL : path_of(line, (size_t)(equals - line));
	size_t rest = equals == NULL ? 0 : len - (size_t)(equals - line) - 1;
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0) { /* no name for a file, or that of a folder */
		free(path);
		return NULL;
	}
	must(write(fd, equals + 1, rest) == (ssize_t)rest);
	close(fd);
	return path;
}

/* ---- what must hold */

static void read_store(void)
{
	struct flag_store store = {.path = NULL};
	struct error err = ERROR_INIT;

	if (flag_store_read(root, FLAG_STORE_DIRECTORY, "/store", &store, &err) == 0) {
		edit(&store, "attributes", "rack:r 2;level:4");
		edit(&store, "attributes", NULL);
		edit(&store, "resources", "cpus:4;mem:1");
		edit(&store, "master", "zk://m:2181/mesos");
		edit(&store, "strict", "false");
		edit(&store, "port", NULL);
	} else {
		must(err.kind == ERROR_REFUSED || err.kind == ERROR_CORRUPT);
	}
	flag_store_clear(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	const char *end = at + size;
	char *written[FILES_MAX];
	size_t count = 0;

	make_folders();
	while (at < end && count < FILES_MAX) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline == NULL ? (size_t)(end - at) : (size_t)(newline - at);

		written[count] = write_line(at, len);
		count += written[count] != NULL;
		at += newline == NULL ? len : len + 1;
	}
	read_store();
	for (size_t i = 0; i < count; i++) {
		unlink(written[i]);
		free(written[i]);
	}
	return 0;
}
