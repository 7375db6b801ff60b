/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/read_only.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

/* ---- a mount of the root over itself, in a namespace of our own */

static bool by_mount(const char *root)
{
	if (unshare(CLONE_NEWNS) < 0)
		return false;
	bool mounted = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		       mount(root, root, NULL, MS_BIND, NULL) == 0 &&
		       mount(NULL, root, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
	char *here = mounted ? getcwd(NULL, 0) : NULL; /* still below the mount that was there before */
	if (here != NULL && chdir(here) < 0)
		mounted = false;
	free(here);
	return mounted;
}

/* ---- Landlock: it only allows, so everything beside the root is allowed, folder by folder on the way down to it */

#define WRITES                                                                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |              \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                    \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                 \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

static void allow(int rules, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = WRITES,
						  .parent_fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW)};
	if (rule.parent_fd < 0)
		return;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) {
		rule.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE; /* no folder */
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.parent_fd);
}

/* All that lies in folder except the way to root. */
static void allow_siblings(int rules, const char *folder, const char *next, size_t next_len)
{
	DIR *entries = opendir(folder);
	for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    (strlen(name) == next_len && strncmp(name, next, next_len) == 0))
			continue;
		char *path = path_join(folder, name);
		allow(rules, path);
		free(path);
	}
	if (entries != NULL)
		closedir(entries);
}

static bool by_landlock(const char *root)
{
	struct landlock_ruleset_attr wanted = {.handled_access_fs = WRITES};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, sizeof(wanted), 0);
	if (rules < 0)
		return false;
	for (const char *at = root; *at == '/' && at[1] != '\0';) {
		const char *next = at + 1;
		size_t len = strcspn(next, "/");
		char *folder = at == root ? xstrdup("/") : xstrndup(root, (size_t)(at - root));
		allow_siblings(rules, folder, next, len);
		free(folder);
		at = next + len;
	}
	bool entered = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		       syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return entered;
}

int read_only_enter(const char *root, struct error *err)
{
	char *real = realpath(root, NULL);
	bool entered = real != NULL && (by_mount(real) || by_landlock(real));
	int why = errno;
	free(real);
	return entered ? 0
		       : error_errno(err, ERROR_SYSTEM, why,
				     "%s cannot be made read-only: neither mounts nor Landlock are allowed here", root);
}
