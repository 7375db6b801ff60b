/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/store_share.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/store_internal.h"

#define SHARED 0660

static bool is_shared(const char *database, struct stat *st)
{
	return stat(database, st) == 0 && (st->st_mode & 0060) == 0060;
}

/* By the descriptor, and also for one that only names the file. Only who made the file may do this; if it fails, the file's
 * next user is told that it cannot be opened. */
static void share(int fd, gid_t group)
{
	char name[64];
	struct stat file;

	if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
		return;
	if (file.st_gid != group && fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) < 0)
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if ((file.st_mode & 0777) != SHARED)
		(void)!chmod(name, SHARED);
}

void store_share_beside(const char *path, int fd)
{
	struct stat database;

	if (is_shared(path, &database))
		share(fd, database.st_gid);
}

/* O_PATH, because closing any other descriptor of these files would drop the locks that SQLite holds on them in this process. */
void store_share_log(const char *path)
{
	static const char *const suffixes[] = {"-wal", "-shm"};
	struct stat database;

	if (!is_shared(path, &database))
		return;
	for (size_t i = 0; i < 2; i++) {
		char *name = xasprintf("%s%s", path, suffixes[i]);
		int fd = open(name, O_PATH | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0) {
			share(fd, database.st_gid);
			close(fd);
		}
		free(name);
	}
}

/* SQLite's log comes and goes beside the database: whoever opens it must be able to make one. */
static int check_folder(const char *path, const char *group, gid_t gid, struct error *err)
{
	char *folder = path_dir(path);
	struct stat st;
	int result = stat(folder, &st);

	if (result < 0)
		error_errno(err, ERROR_UNREACHABLE, errno, "%s", folder);
	else if (st.st_gid != gid || (st.st_mode & 02030) != 02030)
		result = error_set(err, ERROR_REFUSED,
				   "%s: members of %s could not use the database there; `chgrp %s %s && chmod 2770 %s` "
				   "gives them the folder",
				   folder, group, group, folder, folder);
	free(folder);
	return result;
}

static int give(const char *path, const char *group, gid_t gid, struct error *err)
{
	if (chown(path, (uid_t)-1, gid) < 0 || chmod(path, SHARED) < 0)
		return error_errno(err, ERROR_REFUSED, errno,
				   "%s: cannot be given to group %s (only its owner can, and only as a member)", path,
				   group);
	return 0;
}

int store_share(const char *path, const char *group, struct error *err)
{
	const struct group *found = getgrnam(group);
	struct store *store;

	if (!found)
		return error_set(err, ERROR_USAGE, "there is no group \"%s\" on this machine", group);
	gid_t gid = found->gr_gid;

	if (check_folder(path, group, gid, err) < 0)
		return -1;
	store = store_open(path, true, err);
	if (!store)
		return -1;
	int result = give(path, group, gid, err);

	if (result == 0)
		store_share_log(path);
	store_close(store);
	return result;
}
