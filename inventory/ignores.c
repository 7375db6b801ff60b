/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/ignores.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/selector.h"

void ignore_clear(struct ignore *ignore)
{
	free(ignore->selector);
	free(ignore->reason);
	free(ignore->author);
	*ignore = (struct ignore){.number = 0};
}

void ignore_list_clear(struct ignore_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		ignore_clear(&list->items[i]);
	free(list->items);
	*list = (struct ignore_list){NULL, 0};
}

static void read_row(const struct store_cursor *rows, struct ignore *out)
{
	*out = (struct ignore){
		.number = store_int(rows, 0),
		.selector = xstrdup(store_text(rows, 1)),
		.reason = xstrdup(store_text(rows, 2)),
		.author = xstrdup(store_text(rows, 3)),
		.created_ms = store_int(rows, 4),
		.until_ms = store_int(rows, 5),
	};
}

int ignores_load(struct store *store, int64_t cluster, int64_t now_ms, struct ignore_list *out, struct error *err)
{
	struct ignore_list list = {NULL, 0};
	struct store_cursor rows;
	int more;

	if (store_query(
		    store, &rows, err,
		    "SELECT number, selector, reason, author, created_ms, until_ms FROM ignores "
		    "WHERE cluster = ?1 AND removed_ms IS NULL AND (until_ms IS NULL OR until_ms > ?2) ORDER BY number",
		    "ii", cluster, now_ms) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		list.items = xreallocarray(list.items, list.count + 1, sizeof(*list.items));
		read_row(&rows, &list.items[list.count++]);
	}
	store_done(&rows);
	if (more < 0)
		ignore_list_clear(&list);
	else
		*out = list;
	return more;
}

static bool is_named(const struct ignore *ignore, const char *name)
{
	char number[32];

	snprintf(number, sizeof(number), "%" PRId64, ignore->number);
	return strcmp(name, number) == 0 || strcmp(name, ignore->selector) == 0;
}

int ignores_find(struct store *store, int64_t cluster, const char *name, int64_t now_ms, struct ignore *out,
		 struct error *err)
{
	struct ignore_list list;
	bool found = false;

	if (ignores_load(store, cluster, now_ms, &list, err) < 0)
		return -1;
	for (size_t i = 0; !found && i < list.count; i++) {
		found = is_named(&list.items[i], name);
		if (found) {
			*out = list.items[i];
			list.items[i] = (struct ignore){.number = 0};
		}
	}
	ignore_list_clear(&list);
	if (found)
		return 0;
	return error_set(err, ERROR_USAGE,
			 "nothing on the ignore list is called %s; `rollcall inventory ignores` shows the numbers and "
			 "the selectors on it",
			 name);
}

int ignores_check(struct store *store, int64_t cluster, const struct ignore *wanted, struct error *err)
{
	struct selector *selector = selector_parse("inventory ignore", wanted->selector, err);
	struct ignore_list list;
	int result = 0;

	if (!selector)
		return -1;
	selector_free(selector);
	if (ignores_load(store, cluster, wanted->created_ms, &list, err) < 0)
		return -1;
	for (size_t i = 0; result == 0 && i < list.count; i++)
		if (strcmp(list.items[i].selector, wanted->selector) == 0)
			result = error_set(err, ERROR_USAGE,
					   "%s is on the ignore list already, as number %" PRId64
					   " (%s); `rollcall inventory unignore %" PRId64 "` takes it off",
					   wanted->selector, list.items[i].number, list.items[i].reason,
					   list.items[i].number);
	ignore_list_clear(&list);
	return result;
}

int ignores_add(struct store *store, int64_t cluster, const struct ignore *wanted, int64_t *number, struct error *err)
{
	if (ignores_check(store, cluster, wanted, err) < 0)
		return -1;
	if (store_run(store, err,
		      "INSERT INTO ignores (cluster, selector, reason, author, created_ms, until_ms) "
		      "VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, 0))",
		      "itttii", cluster, wanted->selector, wanted->reason, wanted->author, wanted->created_ms,
		      wanted->until_ms) < 0)
		return -1;
	*number = store_last_id(store);
	return 0;
}

int ignores_remove(struct store *store, int64_t number, const char *author, int64_t now_ms, struct error *err)
{
	return store_run(store, err,
			 "UPDATE ignores SET removed_ms = ?2, removed_by = ?3 WHERE number = ?1 AND removed_ms IS NULL",
			 "iit", number, now_ms, author);
}
