/* SPDX-License-Identifier: Apache-2.0 */
/* Reading agents and tasks from the database. */
#include "inventory/agents.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "inventory/agents_internal.h"

#define TASK_COUNT "(SELECT count(*) FROM tasks t WHERE t.cluster = a.cluster AND t.agent = a.id)"

#define COLUMNS                                                                                                        \
	"a.row, a.id, a.hostname, a.ip, a.port, a.version, a.active, a.deactivated, a.attributes_complete, "           \
	"a.registered_ns, a.reregistered_ns, a.region, a.zone, a.first_seen_ms, a.changed_ms, a.gone_ms, a.info, "     \
	"a.total, a.used, " TASK_COUNT

int agents_unpack_resources(const void *data, size_t len, struct resources *out, struct error *err)
{
	Mesos__SlaveInfo *holder = slaveinfo_unpack(data, len, err);

	if (!holder)
		return -1;
	resources_copy(out, holder->resources, holder->n_resources);
	slaveinfo_free(holder);
	return 0;
}

void agent_record_clear(struct agent_record *record)
{
	agent_view_clear(&record->view);
	free(record->region);
	free(record->zone);
	*record = (struct agent_record){.row = 0};
}

void agent_list_clear(struct agent_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		agent_record_clear(&list->items[i]);
	free(list->items);
	*list = (struct agent_list){NULL, 0};
}

static char *column_copy(const struct store_cursor *rows, int column)
{
	const char *text = store_text(rows, column);

	return text ? xstrdup(text) : NULL;
}

static int read_messages(const struct store_cursor *rows, struct agent_view *view, struct error *err)
{
	const void *data;
	size_t len;

	data = store_blob(rows, 16, &len);
	view->info = slaveinfo_unpack(data, len, err);
	if (!view->info)
		return error_prefix(err, "the database's SlaveInfo of agent %s", view->id);
	data = store_blob(rows, 17, &len);
	if (agents_unpack_resources(data, len, &view->total, err) < 0)
		return error_prefix(err, "the database's resources of agent %s", view->id);
	data = store_blob(rows, 18, &len);
	if (agents_unpack_resources(data, len, &view->used, err) < 0)
		return error_prefix(err, "the database's used resources of agent %s", view->id);
	return 0;
}

/* The columns of COLUMNS. On failure the record is cleared. */
static int read_record(const struct store_cursor *rows, struct agent_record *out, struct error *err)
{
	struct agent_view *view = &out->view;

	*out = (struct agent_record){
		.row = store_int(rows, 0),
		.region = column_copy(rows, 11),
		.zone = column_copy(rows, 12),
		.first_seen_ms = store_int(rows, 13),
		.changed_ms = store_int(rows, 14),
		.gone_ms = store_int(rows, 15),
		.tasks = (size_t)store_int(rows, 19),
	};
	view->id = column_copy(rows, 1);
	view->hostname = column_copy(rows, 2);
	view->ip = column_copy(rows, 3);
	view->port = (int)store_int(rows, 4);
	view->version = column_copy(rows, 5);
	view->active = store_int(rows, 6) != 0;
	view->deactivated = store_int(rows, 7) != 0;
	view->attributes_complete = store_int(rows, 8) != 0;
	view->registered_ns = store_int(rows, 9);
	view->reregistered_ns = store_int(rows, 10);
	if (read_messages(rows, view, err) == 0)
		return 0;
	agent_record_clear(out);
	return -1;
}

static int read_records(struct store_cursor *rows, struct agent_list *out, struct error *err)
{
	struct agent_list list = {NULL, 0};
	int more;

	while ((more = store_next(rows, err)) > 0) {
		struct agent_record record;

		more = read_record(rows, &record, err);
		if (more < 0)
			break;
		list.items = xreallocarray(list.items, list.count + 1, sizeof(*list.items));
		list.items[list.count++] = record;
	}
	if (more < 0) {
		agent_list_clear(&list);
		return -1;
	}
	*out = list;
	return 0;
}

/* Which agents: a statement that gives their keys, with the cluster as the parameter behind the selector's own. The index gives
 * the rows in the order in which they lie; it is named, because SQLite may find another one more tempting. */
static char *choose_statement(const struct selector *selector, size_t parameters)
{
	return xasprintf(
		"SELECT a.row FROM agents a INDEXED BY agents_listed WHERE a.cluster = ?%zu AND a.gone_ms IS NULL"
		"%s%s%s",
		parameters, selector ? " AND (" : "", selector ? selector_sql(selector) : "", selector ? ")" : "");
}

/* Starts the query before + the choosing statement + after. */
static int query_chosen(struct store *store, int64_t cluster, const struct selector *selector, const char *before,
			const char *after, struct store_cursor *rows, struct error *err)
{
	size_t count = 0;
	const struct store_value *given = selector ? selector_values(selector, &count) : NULL;
	struct store_value *values = xcalloc(count + 1, sizeof(*values));
	char *chosen = choose_statement(selector, count + 1), *sql = xasprintf("%s%s%s", before, chosen, after);
	int result;

	if (count)
		memcpy(values, given, count * sizeof(*values));
	values[count] = (struct store_value){.type = STORE_INT, .integer = cluster};
	result = store_query_values(store, rows, err, sql, values, count + 1);
	free(values);
	free(chosen);
	free(sql);
	return result;
}

int agents_load(struct store *store, int64_t cluster, const struct selector *selector, struct agent_list *out,
		struct error *err)
{
	struct store_cursor rows;
	int result;

	if (query_chosen(store, cluster, selector, "SELECT " COLUMNS " FROM agents a WHERE a.row IN (",
			 ") ORDER BY a.hostname, a.id", &rows, err) < 0)
		return -1;
	result = read_records(&rows, out, err);
	store_done(&rows);
	return result;
}

int agents_load_gone(struct store *store, int64_t cluster, const struct selector *selector, int64_t since_ms,
		     struct agent_list *out, struct error *err)
{
	size_t count = 0;
	const struct store_value *given = selector ? selector_values(selector, &count) : NULL;
	struct store_value *values = xcalloc(count + 2, sizeof(*values));
	char *sql = xasprintf("SELECT " COLUMNS
			      " FROM agents a WHERE a.cluster = ?%zu AND a.gone_ms > ?%zu AND NOT EXISTS "
			      "(SELECT 1 FROM agents b WHERE b.cluster = a.cluster AND b.hostname = a.hostname AND "
			      "b.gone_ms IS NULL)%s%s%s ORDER BY a.hostname, a.id",
			      count + 1, count + 2, selector ? " AND (" : "", selector ? selector_sql(selector) : "",
			      selector ? ")" : "");
	struct store_cursor rows;

	if (count)
		memcpy(values, given, count * sizeof(*values));
	values[count] = (struct store_value){.type = STORE_INT, .integer = cluster};
	values[count + 1] = (struct store_value){.type = STORE_INT, .integer = since_ms};
	int result = store_query_values(store, &rows, err, sql, values, count + 2);
	free(values);
	free(sql);
	if (result < 0)
		return -1;
	result = read_records(&rows, out, err);
	store_done(&rows);
	return result;
}

int agents_choose(struct store *store, int64_t cluster, const struct selector *selector, int64_t **rows, size_t *count,
		  struct error *err)
{
	struct store_cursor cursor;
	int64_t *keys = NULL;
	size_t found = 0;
	int more;

	if (query_chosen(store, cluster, selector, "", "", &cursor, err) < 0)
		return -1;
	while ((more = store_next(&cursor, err)) > 0) {
		if ((found & (found - 1)) == 0)
			keys = xreallocarray(keys, found ? 2 * found : 1, sizeof(*keys));
		keys[found++] = store_int(&cursor, 0);
	}
	store_done(&cursor);
	if (more < 0) {
		free(keys);
		return -1;
	}
	*rows = keys;
	*count = found;
	return 0;
}

static int nothing_found(struct store *store, int64_t cluster, const char *name, struct error *err)
{
	int64_t synced = 0;

	if (agents_synced_ms(store, cluster, &synced, err) < 0)
		return -1;
	if (!synced)
		return error_set(err, ERROR_USAGE, "no agent is known yet; run `rollcall inventory sync` first");
	return error_set(err, ERROR_USAGE,
			 "no agent has the ID or hostname \"%s\"; `rollcall inventory list` shows those there are",
			 name);
}

static int several_found(const struct agent_list *list, const char *name, struct error *err)
{
	struct buffer ids = BUFFER_INIT(ERROR_TEXT_MAX / 2);

	/* An append that does not fit changes nothing: the list ends early. */
	for (size_t i = 0; i < list->count; i++)
		buffer_printf(&ids, "%s%s (%s)", i ? ", " : "", list->items[i].view.id, list->items[i].view.hostname);
	error_set(err, ERROR_USAGE, "\"%s\" could be %zu agents; say which by its ID: %s", name, list->count,
		  buffer_text(&ids));
	buffer_clear(&ids);
	return -1;
}

/* Order of preference: the very ID, then agents the master lists, then those that are gone. */
static int find_matches(struct store *store, int64_t cluster, const char *name, struct agent_list *out,
			struct error *err)
{
	struct store_cursor rows;
	int result;

	if (store_query(store, &rows, err,
			"WITH found AS (SELECT row, CASE WHEN id = ?2 THEN 0 WHEN gone_ms IS NULL THEN 1 ELSE 2 END AS "
			"rank FROM agents WHERE cluster = ?1 AND "
			"(id = ?2 OR hostname = ?2 OR (?2 <> '' AND (substr(id, 1, length(?2)) = ?2 OR "
			"substr(id, -length(?2) - 1) = '-' || ?2)))) "
			"SELECT " COLUMNS " FROM agents a JOIN found f ON f.row = a.row "
			"WHERE f.rank = (SELECT min(rank) FROM found) ORDER BY a.hostname, a.id",
			"it", cluster, name) < 0)
		return -1;
	result = read_records(&rows, out, err);
	store_done(&rows);
	return result;
}

int agents_find(struct store *store, int64_t cluster, const char *name, struct agent_record *out, struct error *err)
{
	struct agent_list list = {NULL, 0};

	if (find_matches(store, cluster, name, &list, err) < 0)
		return -1;
	if (list.count == 1) {
		*out = list.items[0];
		free(list.items);
		return 0;
	}
	if (list.count == 0)
		nothing_found(store, cluster, name, err);
	else
		several_found(&list, name, err);
	agent_list_clear(&list);
	return -1;
}

int agents_synced_ms(struct store *store, int64_t cluster, int64_t *time_ms, struct error *err)
{
	*time_ms = 0;
	return store_find_int(store, time_ms, err, "SELECT synced_ms FROM clusters WHERE id = ?1", "i", cluster) < 0
		       ? -1
		       : 0;
}

int agents_facts(struct store *store, int64_t cluster, struct master_facts *out, struct error *err)
{
	struct store_cursor rows;
	int found;

	if (store_query(store, &rows, err,
			"SELECT master_version, master_id, master_cluster, agent_update, region, zone, "
			"require_agent_domain, agent_ping_timeout_ms, max_agent_ping_timeouts, "
			"agent_reregister_timeout_ms, "
			"elected_ns FROM clusters WHERE id = ?1 AND master_version IS NOT NULL",
			"i", cluster) < 0)
		return -1;
	found = store_next(&rows, err);
	if (found > 0)
		*out = (struct master_facts){
			.version = column_copy(&rows, 0),
			.id = column_copy(&rows, 1),
			.cluster = column_copy(&rows, 2),
			.agent_update = store_int(&rows, 3) != 0,
			.has_domain = !store_is_null(&rows, 4),
			.region = column_copy(&rows, 4),
			.zone = column_copy(&rows, 5),
			.require_agent_domain = store_int(&rows, 6) != 0,
			.agent_ping_timeout_ms = store_int(&rows, 7),
			.max_agent_ping_timeouts = store_int(&rows, 8),
			.agent_reregister_timeout_ms = store_int(&rows, 9),
			.elected_ns = store_int(&rows, 10),
		};
	store_done(&rows);
	return found;
}
