/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define JOURNAL_MODE 0700
#define FILE_MODE    0600

void journal_init(struct journal *journal, const char *root, const char *state_dir)
{
	journal->dir = path_under(root, state_dir);
}

void journal_clear(struct journal *journal)
{
	free(journal->dir);
	journal->dir = NULL;
}

bool journal_exists(const struct journal *journal)
{
	char *operations = path_join(journal->dir, "operations");
	bool there = file_exists(operations);

	free(operations);
	return there;
}

/* The program that runs before every start of the agent lies here, and so do the bytes an undo writes: whoever can write to
 * the folder can become root. */
static int check_private(const char *dir, struct error *err)
{
	struct stat info;

	if (lstat(dir, &info) < 0)
		return error_errno(err, ERROR_SYSTEM, errno, "cannot look at %s", dir);
	if (!S_ISDIR(info.st_mode))
		return error_set(err, ERROR_REFUSED, "%s is no folder (a symbolic link?): agentctl keeps nothing there",
				 dir);
	if (info.st_uid != geteuid() && info.st_uid != 0)
		return error_set(err, ERROR_REFUSED,
				 "%s belongs to user %ld: agentctl keeps nothing where others may write", dir,
				 (long)info.st_uid);
	if (info.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERROR_REFUSED,
				 "%s can be written by others (mode %04o): agentctl keeps nothing there; chmod go-w",
				 dir, (unsigned)(info.st_mode & 07777));
	return 0;
}

int journal_create(const struct journal *journal, struct error *err)
{
	char *operations = path_join(journal->dir, "operations");
	int result = file_make_dirs(operations, JOURNAL_MODE, err);

	if (result == 0)
		result = check_private(journal->dir, err);
	if (result == 0)
		result = check_private(operations, err);
	free(operations);
	return result;
}

int journal_lock(const struct journal *journal, int *fd, struct error *err)
{
	char *path = path_join(journal->dir, "lock");
	int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	int result = -1;

	if (opened < 0)
		error_errno(err, ERROR_SYSTEM, errno, "cannot open %s", path);
	else if (flock(opened, LOCK_EX | LOCK_NB) == 0)
		result = 0;
	else if (errno == EWOULDBLOCK)
		error_set(err, ERROR_CONFLICT, "another agentctl is at work on this host (it holds %s)", path);
	else
		error_errno(err, ERROR_SYSTEM, errno, "cannot lock %s", path);
	if (result == 0)
		*fd = opened;
	else if (opened >= 0)
		close(opened);
	free(path);
	return result;
}

/* ---- one operation's files */

void journal_entry_init(struct journal_entry *entry, const struct journal *journal, const char *id)
{
	memset(entry->id, 0, sizeof entry->id);
	memcpy(entry->id, id, strnlen(id, sizeof entry->id - 1));
	entry->dir = xasprintf("%s/operations/%s", journal->dir, entry->id);
}

void journal_entry_clear(struct journal_entry *entry)
{
	free(entry->dir);
	entry->dir = NULL;
}

int journal_put(const struct journal_entry *entry, const char *name, const void *data, size_t len, struct error *err)
{
	static const struct file_attributes attributes = {.mode = FILE_MODE};
	char *path = path_join(entry->dir, name);
	char *dir = path_dir(path);
	int result = file_make_dirs(dir, JOURNAL_MODE, err);

	if (result == 0)
		result = file_replace(path, data, len, &attributes, err);
	free(dir);
	free(path);
	return result;
}

int journal_get(const struct journal_entry *entry, const char *name, struct buffer *out, struct error *err)
{
	char *path = path_join(entry->dir, name);
	int result = file_read(path, out, err);

	free(path);
	return result;
}

bool journal_has(const struct journal_entry *entry, const char *name)
{
	char *path = path_join(entry->dir, name);
	bool there = file_exists(path);

	free(path);
	return there;
}

/* Files in `before` and `after` are one folder deep, and nothing else of ours is deeper. */
static void remove_below(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *item;

	if (stream == NULL)
		return;
	while ((item = readdir(stream)) != NULL) {
		char *path;

		if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
			continue;
		path = path_join(dir, item->d_name);
		if (unlink(path) != 0 && (errno == EISDIR || errno == EPERM))
			remove_below(path);
		free(path);
	}
	closedir(stream);
	rmdir(dir);
}

int journal_discard(const struct journal_entry *entry, struct error *err)
{
	if (journal_has(entry, "state"))
		return error_set(err, ERROR_BUG, "operation %s exists, and was about to be discarded", entry->id);
	remove_below(entry->dir);
	return 0;
}

int journal_save_starts(const struct journal_entry *entry, int count, struct error *err)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d\n", count);

	return journal_put(entry, "starts", text, (size_t)len, err);
}

int journal_load_starts(const struct journal_entry *entry, int *count, struct error *err)
{
	struct buffer text = BUFFER_INIT(16);
	char *end = NULL;
	long value;
	int result = -1;

	if (!journal_has(entry, "starts")) {
		*count = 0;
		return 0;
	}
	if (journal_get(entry, "starts", &text, err) == 0) {
		value = strtol(buffer_text(&text), &end, 10);
		if (end == buffer_text(&text) || strcmp(end, "\n") != 0 || value < 0 || value > 1000)
			error_set(err, ERROR_CORRUPT, "%s/starts holds no count", entry->dir);
		else
			result = 0;
		if (result == 0)
			*count = (int)value;
	}
	buffer_clear(&text);
	return result;
}

int journal_save_word(const struct journal_entry *entry, enum operation_word word, struct error *err)
{
	const char *text = word == WORD_KEEP ? "keep\n" : "undo\n";

	return journal_put(entry, "word", text, strlen(text), err);
}

int journal_load_word(const struct journal_entry *entry, enum operation_word *out, struct error *err)
{
	struct buffer text = BUFFER_INIT(16);
	int result = -1;

	if (!journal_has(entry, "word")) {
		*out = WORD_NONE;
		return 0;
	}
	if (journal_get(entry, "word", &text, err) == 0) {
		result = 0;
		if (strcmp(buffer_text(&text), "keep\n") == 0)
			*out = WORD_KEEP;
		else if (strcmp(buffer_text(&text), "undo\n") == 0)
			*out = WORD_UNDO;
		else
			result = error_set(err, ERROR_CORRUPT, "%s/word holds neither keep nor undo", entry->dir);
	}
	buffer_clear(&text);
	return result;
}

void journal_log(const struct journal_entry *entry, const char *what, const char *detail)
{
	struct buffer line = BUFFER_INIT(4096);
	char now[CLOCK_TEXT_MAX];
	char *path = path_join(entry->dir, "log");
	json_t *object = json_object();
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

	json_object_set_new(object, "time", json_string(clock_format(clock_wall_ms(), now)));
	json_object_set_new(object, "what", json_string(what));
	if (detail != NULL)
		json_object_set_new(object, "detail", json_string(detail));
	json_write(object, false, &line);
	buffer_putc(&line, '\n');
	if (fd >= 0) {
		ssize_t written = write(fd, buffer_text(&line), line.len);

		(void)written;
		close(fd);
	}
	json_decref(object);
	free(path);
	buffer_clear(&line);
}

/* ---- all operations */

static bool is_operation_name(const char *name)
{
	return strlen(name) == RANDOM_ID_SIZE - 1 && strspn(name, "0123456789abcdef") == RANDOM_ID_SIZE - 1;
}

static int visit_one(const struct journal *journal, const char *name, journal_visit *visit, void *ctx,
		     struct error *err)
{
	struct operation_state state;
	struct journal_entry entry;
	int result = 0;

	if (!is_operation_name(name))
		return 0;
	journal_entry_init(&entry, journal, name);
	if (journal_has(&entry, "state")) {
		result = journal_load_state(&entry, &state, err);
		if (result == 0)
			result = visit(&entry, &state, ctx);
	}
	journal_entry_clear(&entry);
	return result;
}

int journal_each(const struct journal *journal, journal_visit *visit, void *ctx, struct error *err)
{
	char *path = path_join(journal->dir, "operations");
	DIR *stream = opendir(path);
	struct dirent *item;
	int result = 0;

	if (stream == NULL && errno != ENOENT)
		result = error_errno(err, ERROR_SYSTEM, errno, "cannot read the folder %s", path);
	while (result == 0 && stream != NULL && (item = readdir(stream)) != NULL)
		result = visit_one(journal, item->d_name, visit, ctx, err);
	if (stream != NULL)
		closedir(stream);
	free(path);
	return result;
}

static int stop_at_open(const struct journal_entry *entry, const struct operation_state *state, void *ctx)
{
	if (operation_fate(state->step) != FATE_OPEN)
		return 0;
	memcpy(ctx, entry->id, RANDOM_ID_SIZE);
	return 1;
}

int journal_find_open(const struct journal *journal, char id[RANDOM_ID_SIZE], struct error *err)
{
	char found[RANDOM_ID_SIZE] = "";

	if (journal_each(journal, stop_at_open, found, err) < 0)
		return -1;
	memcpy(id, found, RANDOM_ID_SIZE);
	return 0;
}
