/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/stand_in.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/alloc.h"

/* AT_EXECFN is the path given to execve, symbolic links and all, however argv[0] was spelled. */
static char *root_of_program(void)
{
	const char *path = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	const char *end = path != NULL ? strstr(path, "/usr/bin/") : NULL;
	return end != NULL && path[0] == '/' ? xstrndup(path, (size_t)(end - path)) : NULL;
}

char *stand_in_root(void)
{
	const char *given = getenv("ROLLCALL_ROOT");
	return given != NULL ? xstrdup(given) : root_of_program();
}

int stand_in_host(struct lab **lab, char **root, const char **host, struct error *err)
{
	char *found = stand_in_root();
	if (found == NULL)
		return error_set(err, ERROR_USAGE, "this is no host of a lab: ROLLCALL_ROOT is not set");
	struct lab *loaded = lab_load_of_root(found, err);
	const char *name = strrchr(found, '/');
	if (loaded == NULL || name == NULL) {
		free(found);
		return -1;
	}
	*lab = loaded;
	*root = found;
	*host = name + 1;
	return 0;
}
