/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/sender_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "inventory/store_share.h"

/* Each cluster has a byte of the file. The lock belongs to the open file, not to the process: two senders of one process
 * exclude each other too. */
static int lock_byte(int fd, int64_t cluster)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)cluster, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

int sender_lock(const char *database_path, int64_t cluster, struct error *err)
{
	char *path = xasprintf("%s.outgoing.lock", database_path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		store_share_beside(database_path, fd);
	if (fd < 0) {
		error_errno(err, ERROR_SYSTEM, errno, "%s", path);
	} else if (lock_byte(fd, cluster) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			error_set(err, ERROR_CONFLICT, "%s: another process sends", path);
		else
			error_errno(err, ERROR_SYSTEM, errno, "%s", path);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}
