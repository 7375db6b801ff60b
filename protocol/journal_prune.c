/* SPDX-License-Identifier: Apache-2.0 */
/* Which operations of a host's journal may go. */
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

/* `state` goes first: without it the operation does not exist, however little of the rest is removed. */
static void remove_operation(const struct journal *journal, const char *id)
{
	struct journal_entry entry;
	char *path;

	journal_entry_init(&entry, journal, id);
	path = path_join(entry.dir, "state");
	if (file_remove(path, NULL) == 0)
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
