/* SPDX-License-Identifier: Apache-2.0 */
/* The indexes of the table of agents, taken away and made again from what the schema says of them. */
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/agents_internal.h"

void agents_indexes_clear(struct agents_indexes *indexes)
{
	for (size_t i = 0; i < indexes->count; i++)
		free(indexes->statements[i]);
	free(indexes->statements);
	*indexes = (struct agents_indexes){NULL, 0};
}

static int load(struct agents_indexes *indexes, char ***names, struct store *store, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(
		    store, &rows, err,
		    "SELECT sql, name FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = 'agents' AND sql IS NOT "
		    "NULL",
		    "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		indexes->statements = xreallocarray(indexes->statements, indexes->count + 1, sizeof(char *));
		*names = xreallocarray(*names, indexes->count + 1, sizeof(char *));
		indexes->statements[indexes->count] = xstrdup(store_text(&rows, 0));
		(*names)[indexes->count++] = xstrdup(store_text(&rows, 1));
	}
	store_done(&rows);
	return more;
}

int agents_indexes_drop(struct agents_indexes *indexes, struct store *store, struct error *err)
{
	char **names = NULL;
	int result = load(indexes, &names, store, err);

	for (size_t i = 0; names && i < indexes->count; i++) {
		char *sql = xasprintf("DROP INDEX main.\"%s\"", names[i]);

		result = result == 0 ? store_run(store, err, sql, "") : result;
		free(sql);
		free(names[i]);
	}
	free(names);
	return result;
}

int agents_indexes_make(struct agents_indexes *indexes, struct store *store, struct error *err)
{
	for (size_t i = 0; i < indexes->count; i++)
		if (store_run(store, err, indexes->statements[i], "") < 0)
			return -1;
	agents_indexes_clear(indexes);
	return 0;
}
