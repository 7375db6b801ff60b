/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/driver_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"

/* A process, a host, a user, a run and a time; more than that is not ours. */
#define NOTE_MAX 512

struct driver_lock {
	int fd;
	char *path;
	char *actor;
	char since[CLOCK_TEXT_MAX];
};

static int refuse(int fd, const char *path, struct error *err)
{
	char note[NOTE_MAX + 1];
	ssize_t len = pread(fd, note, NOTE_MAX, 0);
	note[len > 0 ? len : 0] = '\0';
	note[strcspn(note, "\n")] = '\0';
	char *shown = text_printable(note, false);
	error_set(err, ERROR_CONFLICT,
		  "another rollcall drives a run from this database: %s (%s). Wait until it has ended, or interrupt it "
		  "there "
		  "with Ctrl-C; a run can then be resumed from here",
		  shown[0] != '\0' ? shown : "it has not said yet who it is", path);
	free(shown);
	return -1;
}

/* Whoever only looks whether somebody holds it (driver_lock_is_held) does so for less than this. */
#define GLANCE_MS 20
#define GLANCES   5

static int take(int fd, const char *path, struct error *err)
{
	int glances = 0;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK && glances++ == GLANCES)
			return refuse(fd, path, err);
		if (errno == EWOULDBLOCK && usleep(GLANCE_MS * 1000) == 0)
			continue;
		if (errno != EINTR)
			return error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be locked", path);
	}
	return 0;
}

struct driver_lock *driver_lock_take(const char *database_path, const char *actor, int64_t now_ms, struct error *err)
{
	char *path = xasprintf("%s.driver.lock", database_path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot be opened", path);
	if (fd < 0 || take(fd, path, err) < 0) {
		if (fd >= 0)
			close(fd);
		free(path);
		return NULL;
	}
	struct driver_lock *lock = xcalloc(1, sizeof(*lock));
	*lock = (struct driver_lock){.fd = fd, .path = path, .actor = xstrdup(actor)};
	clock_format(now_ms, lock->since);
	if (driver_lock_note(lock, NULL, err) == 0)
		return lock;
	driver_lock_release(lock);
	return NULL;
}

bool driver_lock_is_held(const char *database_path)
{
	char *path = xasprintf("%s.driver.lock", database_path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	free(path);
	return held;
}

int driver_lock_note(struct driver_lock *lock, const char *run, struct error *err)
{
	char host[64] = "?", note[NOTE_MAX];
	gethostname(host, sizeof(host) - 1);
	int len = snprintf(note, sizeof(note), "%s%s, process %ld on %.64s, %.128s, since %s\n",
			   run != NULL ? "run " : "a run that is just starting", run != NULL ? run : "", (long)getpid(),
			   host, lock->actor, lock->since);
	if (ftruncate(lock->fd, 0) < 0 || pwrite(lock->fd, note, (size_t)len, 0) != len)
		return error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be written", lock->path);
	return 0;
}

/* The file stays: removing it would let a third process lock a file that a second one has just opened. */
void driver_lock_release(struct driver_lock *lock)
{
	if (lock == NULL)
		return;
	close(lock->fd);
	free(lock->path);
	free(lock->actor);
	free(lock);
}
