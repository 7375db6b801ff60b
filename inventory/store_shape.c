/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/store_shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/migrations.h"
#include "inventory/store_internal.h"

/* What SQLite keeps for itself has no text of ours. */
static const char shape[] =
	"SELECT type || ' ' || name, coalesce(sql, '') FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite\\_autoindex\\_%' ESCAPE "
	"'\\' AND name NOT IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4') ORDER BY 1";

/* What a new database has, in memory. */
static int open_model(struct store *model, struct error *err)
{
	if (sqlite3_open_v2(":memory:", &model->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return store_fail(model, err, "opening it");
	if (store_add_functions(model, err) < 0)
		return -1;
	for (size_t i = 0; migrations[i].name; i++)
		if (sqlite3_exec(model->handle, migrations[i].sql, NULL, NULL, NULL) != SQLITE_OK)
			return store_fail(model, err, migrations[i].name);
	return 0;
}

struct comparison {
	struct store_cursor found, wanted;
	int more_found, more_wanted; /* 1: the cursor has a row */
	void (*differs)(void *ctx, const char *what);
	void *ctx;
};

static void tell(const struct comparison *comparison, const struct store_cursor *row, const char *what)
{
	char *text = xasprintf("the %s %s", store_text(row, 0), what);

	comparison->differs(comparison->ctx, text);
	free(text);
}

/* Both in the order of their names: of two names the lower one has nothing on the other side. */
static void compare(struct comparison *comparison, struct error *err)
{
	struct store_cursor *found = &comparison->found, *wanted = &comparison->wanted;

	comparison->more_found = store_next(found, err);
	comparison->more_wanted = store_next(wanted, err);
	while (comparison->more_found > 0 || comparison->more_wanted > 0) {
		int order = comparison->more_found <= 0    ? 1
			    : comparison->more_wanted <= 0 ? -1
							   : strcmp(store_text(found, 0), store_text(wanted, 0));

		if (order < 0)
			tell(comparison, found, "was added");
		else if (order > 0)
			tell(comparison, wanted, "is missing");
		else if (strcmp(store_text(found, 1), store_text(wanted, 1)) != 0)
			tell(comparison, found, "is not what rollcall made");
		if (order <= 0)
			comparison->more_found = store_next(found, err);
		if (order >= 0)
			comparison->more_wanted = store_next(wanted, err);
		if (comparison->more_found < 0 || comparison->more_wanted < 0)
			return;
	}
}

static int compare_with(struct store *store, struct store *model, struct comparison *comparison, struct error *err)
{
	if (store_query(store, &comparison->found, err, shape, "") < 0)
		return -1;
	if (store_query(model, &comparison->wanted, err, shape, "") < 0) {
		store_done(&comparison->found);
		return -1;
	}
	compare(comparison, err);
	store_done(&comparison->found);
	store_done(&comparison->wanted);
	return comparison->more_found < 0 || comparison->more_wanted < 0 ? -1 : 0;
}

int store_shape_check(struct store *store, void (*differs)(void *ctx, const char *what), void *ctx, struct error *err)
{
	struct store *model = xcalloc(1, sizeof(*model));
	struct comparison comparison = {.differs = differs, .ctx = ctx};
	int result;

	model->path = xstrdup("a new database");
	result = open_model(model, err);
	if (result == 0)
		result = compare_with(store, model, &comparison, err);
	store_close(model);
	return result;
}
