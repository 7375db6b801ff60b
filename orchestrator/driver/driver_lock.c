/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/driver/driver_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "inventory/store_share.h"

/* A process, a host, a user, a run, a plan and a time, twice; more than that is not ours. */
#define NOTE_MAX 2048
#define HOST_MAX 64

struct driver_lock {
	int fd;
	char *path;
	char *actor;
	char since[CLOCK_TEXT_MAX];
};

static char *lock_path(const char *database_path)
{
	return xasprintf("%s.driver.lock", database_path);
}

static void own_host(char host[HOST_MAX])
{
	memset(host, 0, HOST_MAX);
	if (gethostname(host, HOST_MAX - 1) < 0)
		snprintf(host, HOST_MAX, "?");
}

/* ---- what the file says */

/* The letter behind the name in parentheses; '?' when there is no such process. */
static char process_state(long pid)
{
	char path[64], text[512];
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	const char *end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' ? end[2] : '?';
}

static char *take_text(const json_t *document, const char *key)
{
	const char *text = json_string_value(json_object_get(document, key));
	return text != NULL ? text_printable(text, false) : NULL;
}

static void read_holder(int fd, struct driver_holder *holder)
{
	char note[NOTE_MAX + 1], host[HOST_MAX];
	ssize_t len = pread(fd, note, NOTE_MAX, 0);
	note[len > 0 ? len : 0] = '\0';
	const char *second = strchr(note, '\n');
	json_t *document = second != NULL ? json_loads(second + 1, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	*holder = (struct driver_holder){
		.run = take_text(document, "run"),
		.what = take_text(document, "what"),
		.actor = take_text(document, "actor"),
		.host = take_text(document, "host"),
		.since = take_text(document, "since"),
		.pid = (long)json_integer_value(json_object_get(document, "pid")),
	};
	json_decref(document);
	own_host(host);
	holder->here = holder->host != NULL && strcmp(holder->host, host) == 0;
	char state = holder->here ? process_state(holder->pid) : '?';
	holder->stopped = state == 'T' || state == 't';
}

void driver_holder_clear(struct driver_holder *holder)
{
	free(holder->run);
	free(holder->what);
	free(holder->actor);
	free(holder->host);
	free(holder->since);
	memset(holder, 0, sizeof(*holder));
}

/* The first line, for people. */
static char *read_line(int fd)
{
	char note[NOTE_MAX + 1];
	ssize_t len = pread(fd, note, NOTE_MAX, 0);
	note[len > 0 ? len : 0] = '\0';
	note[strcspn(note, "\n")] = '\0';
	return text_printable(note, false);
}

static void add_advice(const struct driver_holder *holder, struct buffer *out)
{
	const char *run = holder->run != NULL ? holder->run : "RUN";
	if (strncmp(run, "rescue-", 7) == 0)
		buffer_puts(out, "Wait until it has ended, or interrupt it there with Ctrl-C");
	else if (holder->stopped)
		buffer_printf(out,
			      "That process is stopped: `kill -CONT %ld` lets it go on, and `rollcall rollout resume "
			      "--take-over %s` goes on without it",
			      holder->pid, run);
	else
		buffer_printf(out,
			      "Wait until it has ended, or `rollcall rollout pause %s`; a run can then be resumed from "
			      "here. If it hangs, `rollcall rollout resume --take-over %s` goes on without it: hosts "
			      "are asked, nothing is guessed",
			      run, run);
}

static int refuse(int fd, const char *path, struct error *err)
{
	struct buffer advice = BUFFER_INIT(NOTE_MAX);
	struct driver_holder holder;
	char *line = read_line(fd);
	read_holder(fd, &holder);
	if (holder.pid > 0 && holder.host != NULL)
		add_advice(&holder, &advice);
	else
		buffer_puts(&advice, "Wait until it has ended, or interrupt it there with Ctrl-C; a run can then be "
				     "resumed from here");
	error_set(err, ERROR_CONFLICT, "another rollcall drives a run from this database: %.400s (%.160s). %s",
		  line[0] != '\0' ? line : "it has not said yet who it is", path, buffer_text(&advice));
	driver_holder_clear(&holder);
	buffer_clear(&advice);
	free(line);
	return -1;
}

/* ---- taking it */

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
	char *path = lock_path(database_path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		error_errno(err, ERROR_UNREACHABLE, errno, "%s: cannot be opened", path);
	if (fd < 0 || take(fd, path, err) < 0) {
		if (fd >= 0)
			close(fd);
		free(path);
		return NULL;
	}
	store_share_beside(database_path, fd);
	struct driver_lock *lock = xcalloc(1, sizeof(*lock));
	*lock = (struct driver_lock){.fd = fd, .path = path, .actor = xstrdup(actor)};
	clock_format(now_ms, lock->since);
	if (driver_lock_note(lock, NULL, NULL, err) == 0)
		return lock;
	driver_lock_release(lock);
	return NULL;
}

/* The file goes, and with it the name under which the old holder's lock could be found. Two who do so at once are told
 * apart by their epochs, as the old holder is. */
struct driver_lock *driver_lock_take_over(const char *database_path, const char *actor, int64_t now_ms,
					  struct error *err)
{
	char *path = lock_path(database_path);
	int result = unlink(path);
	if (result < 0 && errno != ENOENT)
		error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be removed", path);
	else
		result = 0;
	free(path);
	return result == 0 ? driver_lock_take(database_path, actor, now_ms, err) : NULL;
}

bool driver_lock_is_held(const char *database_path, struct driver_holder *holder)
{
	char *path = lock_path(database_path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (held && holder != NULL)
		read_holder(fd, holder);
	if (fd >= 0)
		close(fd);
	free(path);
	return held;
}

/* Written over what is there and then cut: a reader never finds the file empty. */
static int write_note(struct driver_lock *lock, const struct buffer *note, struct error *err)
{
	if (pwrite(lock->fd, note->data, note->len, 0) != (ssize_t)note->len ||
	    ftruncate(lock->fd, (off_t)note->len) < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "%s: cannot be written", lock->path);
	return 0;
}

int driver_lock_note(struct driver_lock *lock, const char *run, const char *what, struct error *err)
{
	char host[HOST_MAX];
	struct buffer note = BUFFER_INIT(NOTE_MAX);
	own_host(host);
	json_t *document = json_pack("{s:s*, s:s*, s:s%, s:s, s:I, s:s}", "run", run, "what", what, "actor",
				     lock->actor, strnlen(lock->actor, 128), "host", host, "pid", (json_int_t)getpid(),
				     "since", lock->since);
	char *line = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
	buffer_printf(&note, "%s%s%s%.200s%s, process %ld on %s, %.128s, since %s\n%s\n",
		      run != NULL ? "run " : "a run that is just starting", run != NULL ? run : "",
		      what != NULL ? " (" : "", what != NULL ? what : "", what != NULL ? ")" : "", (long)getpid(), host,
		      lock->actor, lock->since, line != NULL ? line : "{}");
	int result = write_note(lock, &note, err);
	free(line);
	json_decref(document);
	buffer_clear(&note);
	return result;
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
