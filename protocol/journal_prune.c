/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which operations of a host's journal may go, and what is remembered of them: a line with ID, step, whether the deadline kept it, and
 * the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "protocol/journal.h"

struct ended {
	char id[RANDOM_ID_SIZE];
	struct timespec when; /* its state was last saved */
};

struct ended_list {
	struct ended *items;
	size_t count;
};

static int note_ended(const struct journal_entry *entry, const struct operation_state *state, void *ctx)
{
	struct ended_list *list = ctx;
	char *path = path_join(entry->dir, "state");
	struct stat info;

	if (operation_is_final(state->step) && stat(path, &info) == 0) {
		struct ended *item;

		list->items = xreallocarray(list->items, list->count + 1, sizeof *list->items);
		item = &list->items[list->count++];
		memcpy(item->id, entry->id, sizeof item->id);
		item->when = info.st_mtim;
	}
	free(path);
	return 0;
}

static int newest_first(const void *left, const void *right)
{
	const struct timespec *a = &((const struct ended *)left)->when;
	const struct timespec *b = &((const struct ended *)right)->when;

	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? 1 : -1;
	return (a->tv_nsec < b->tv_nsec) - (a->tv_nsec > b->tv_nsec);
}

/* ---- what is remembered */

/* An ID, a step, and a reason that is at most as long as a state's. */
#define LINE_MAX_SIZE (RANDOM_ID_SIZE + 32 + OPERATION_REASON_SIZE)
#define ENDED_MAX     ((size_t)JOURNAL_RECALL * LINE_MAX_SIZE)

static int read_ended(const struct journal *journal, struct buffer *out, struct error *err)
{
	char *path = path_join(journal->dir, "ended");
	int result = file_exists(path) ? file_read(path, out, err) : 0;

	free(path);
	return result;
}

static const char *find_line(const struct buffer *text, const char *id)
{
	const char *line = buffer_text(text);

	while (*line != '\0' && strncmp(line, id, strlen(id)) != 0) {
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return *line == '\0' ? NULL : line;
}

static void write_line(struct buffer *out, const char *id, const struct operation_state *state)
{
	buffer_printf(out, "%s %s %d ", id, operation_step_name(state->step), state->kept_by_deadline);
	for (const char *c = state->reason; *c != '\0'; c++)
		buffer_putc(out, *c == '\n' ? ' ' : *c);
	buffer_putc(out, '\n');
}

/* The oldest lines stand first; so many of them are left out that there is room for one more. */
static const char *without_oldest(const struct buffer *text)
{
	const char *start = buffer_text(text);
	size_t lines = 0;

	for (const char *c = start; *c != '\0'; c++)
		lines += *c == '\n';
	for (; lines >= JOURNAL_RECALL; lines--)
		start = strchr(start, '\n') + 1;
	return start;
}

static int remember(const struct journal *journal, const char *id, const struct operation_state *state)
{
	static const struct file_attributes attributes = {.mode = 0600};
	struct buffer old = BUFFER_INIT(ENDED_MAX), text = BUFFER_INIT(ENDED_MAX + LINE_MAX_SIZE);
	char *path = path_join(journal->dir, "ended");
	int result = read_ended(journal, &old, NULL);

	if (result == 0 && find_line(&old, id) == NULL) {
		buffer_puts(&text, without_oldest(&old));
		write_line(&text, id, state);
		result = file_replace(path, buffer_text(&text), text.len, &attributes, NULL);
	}
	free(path);
	buffer_clear(&old);
	buffer_clear(&text);
	return result;
}

int journal_recall(const struct journal *journal, const char *id, struct operation_state *out, struct error *err)
{
	struct operation_state state = {.step = STEP_NONE};
	struct buffer text = BUFFER_INIT(ENDED_MAX + LINE_MAX_SIZE);
	int result = read_ended(journal, &text, err);
	const char *line = result == 0 ? find_line(&text, id) : NULL;
	char step[32];
	int kept = 0, at = 0;

	if (line != NULL && sscanf(line + strlen(id), " %31s %d%n", step, &kept, &at) == 2) {
		line += strlen(id) + (size_t)at + 1;
		result = operation_step_parse(step, &state.step, err);
		state.kept_by_deadline = kept != 0;
		snprintf(state.reason, sizeof state.reason, "%.*s", (int)strcspn(line, "\n"), line);
	}
	if (result == 0)
		*out = state;
	buffer_clear(&text);
	return result;
}

/* ---- what goes */

/* `state` goes first: without it the operation does not exist, however little of the rest is removed. */
static void remove_operation(const struct journal *journal, const char *id)
{
	struct operation_state state = {.step = STEP_NONE};
	struct journal_entry entry;
	char *path;

	journal_entry_init(&entry, journal, id);
	path = path_join(entry.dir, "state");
	if (journal_load_state(&entry, &state, NULL) == 0 && remember(journal, id, &state) == 0 &&
	    file_remove(path, NULL) == 0)
		journal_discard(&entry, NULL);
	free(path);
	journal_entry_clear(&entry);
}

void journal_prune(const struct journal *journal, size_t keep)
{
	struct ended_list list = {.items = NULL};

	if (journal_each(journal, note_ended, &list, NULL) == 0 && list.count > keep) {
		qsort(list.items, list.count, sizeof *list.items, newest_first);
		for (size_t i = keep; i < list.count; i++)
			remove_operation(journal, list.items[i].id);
	}
	free(list.items);
}
