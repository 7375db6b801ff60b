/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"

#define FILE_MAX ((size_t)64 * 1024 * 1024) /* more than any test writes */

static void __attribute__((noreturn)) give_up(const char *doing, const char *path)
{
	fprintf(stderr, "the test itself failed: %s %s\n", doing, path);
	abort();
}

char *scratch_new(void)
{
	const char *base = getenv("TMPDIR");
	char *folder = path_join(base != NULL && base[0] != '\0' ? base : "/tmp", "rollcall-XXXXXX");
	if (mkdtemp(folder) == NULL)
		give_up("cannot create the folder", folder);
	return folder;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

void scratch_remove(char *folder)
{
	if (folder == NULL)
		return;
	if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		give_up("cannot remove", folder);
	free(folder);
}

char *scratch_write(const char *folder, const char *name, const char *text)
{
	char *path = path_join(folder, name);
	FILE *file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		give_up("cannot write", path);
	return path;
}

char *scratch_read(const char *path, size_t *len)
{
	struct buffer text = BUFFER_INIT(FILE_MAX);
	struct error err = ERROR_INIT;
	if (file_read(path, &text, &err) < 0)
		give_up("cannot read", path);
	if (len != NULL)
		*len = text.len;
	return buffer_take(&text);
}

char *test_data(const char *name)
{
	const char *base = getenv("TEST_DATA");
	return path_join(base != NULL ? base : "tests/data", name);
}
