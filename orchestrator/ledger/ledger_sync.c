/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/ledger/ledger_sync.h"

#include <string.h>

#include "inventory/history.h"
#include "orchestrator/output.h"

static void put_event(struct ledger *ledger, const struct ledger_sync *sync, const struct store_cursor *rows,
		      const char *event, json_t *more)
{
	json_t *body = json_pack("{s:s, s:s, s:o}", "event", event, "cluster", sync->name, "hostname",
				 output_text(store_text(rows, 1)));

	json_object_update(body, more);
	json_decref(more);
	ledger_event(ledger, "inventory.agent", NULL, store_text(rows, 0), body);
}

/* One query of id, hostname and what else `event` needs; put is told of each row. */
static int each(struct ledger *ledger, struct store *store, const struct ledger_sync *sync, const char *sql,
		int (*put)(struct ledger *, struct store *, const struct ledger_sync *, const struct store_cursor *,
			   struct error *),
		struct error *err)
{
	struct store_cursor rows;
	int more, result = 0;

	if (store_query(store, &rows, err, sql, "iid", sync->cluster, sync->time_ms, LEDGER_SYNC_AGENTS_MAX) < 0)
		return -1;
	while (result == 0 && (more = store_next(&rows, err)) != 0)
		result = more < 0 ? -1 : put(ledger, store, sync, &rows, err);
	store_done(&rows);
	return result;
}

/* An agent where another one was is the same host with a new ID. */
static int put_new(struct ledger *ledger, struct store *store, const struct ledger_sync *sync,
		   const struct store_cursor *rows, struct error *err)
{
	const char *replaces = store_text(rows, 2);

	(void)store;
	(void)err;
	put_event(ledger, sync, rows, replaces ? "new-id" : "appeared", json_pack("{s:s*}", "replaces", replaces));
	return 0;
}

static int put_gone(struct ledger *ledger, struct store *store, const struct ledger_sync *sync,
		    const struct store_cursor *rows, struct error *err)
{
	(void)store;
	(void)err;
	put_event(ledger, sync, rows, "gone", NULL);
	return 0;
}

/* A restart and a failover change these, and nothing else. */
static bool is_passing(const char *what)
{
	static const char *const passing[] = {"registered", "reregistered", "state", "total"};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (strcmp(what, passing[i]) == 0)
			return true;
	return false;
}

static json_t *changes_to_json(const struct agent_changes *changes)
{
	json_t *array = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct agent_change *change = &changes->items[i];

		if (!is_passing(change->what))
			json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "what", output_text(change->what),
							       "before", output_text(change->before), "after",
							       output_text(change->after)));
	}
	return array;
}

static int put_changed(struct ledger *ledger, struct store *store, const struct ledger_sync *sync,
		       const struct store_cursor *rows, struct error *err)
{
	struct agent_states states = {NULL, 0};
	struct agent_changes changes = {NULL, 0};
	const struct agent_state *now, *before;
	json_t *array;

	if (history_load(store, store_int(rows, 2), &states, err) < 0)
		return -1;
	if (states.count >= 2) {
		now = &states.items[states.count - 1];
		before = now - 1;
		agent_changes_find(&before->view, &now->view, &changes);
		array = changes_to_json(&changes);
		if (before->until_ms < now->from_ms)
			put_event(ledger, sync, rows, "returned", json_pack("{s:O}", "changes", array));
		else if (json_array_size(array))
			put_event(ledger, sync, rows, "changed", json_pack("{s:O}", "changes", array));
		json_decref(array);
	}
	agent_changes_clear(&changes);
	agent_states_clear(&states);
	return 0;
}

static int put_agents(struct ledger *ledger, struct store *store, const struct ledger_sync *sync, struct error *err)
{
	const struct agents_summary *found = &sync->summary;

	if (found->added &&
	    each(ledger, store, sync,
		 "SELECT a.id, a.hostname, (SELECT b.id FROM agents b WHERE b.cluster = a.cluster AND b.hostname = "
		 "a.hostname AND b.port = a.port AND b.id != a.id AND b.first_seen_ms < a.first_seen_ms "
		 "ORDER BY b.changed_ms DESC LIMIT 1) FROM agents a WHERE a.cluster = ?1 AND a.gone_ms IS NULL AND "
		 "a.first_seen_ms = ?2 ORDER BY a.row LIMIT ?3",
		 put_new, err) < 0)
		return -1;
	if (found->gone && each(ledger, store, sync,
				"SELECT id, hostname FROM agents WHERE cluster = ?1 AND gone_ms = ?2 ORDER BY row "
				"LIMIT ?3",
				put_gone, err) < 0)
		return -1;
	if (!found->changed && !found->returned)
		return 0;
	return each(ledger, store, sync,
		    "SELECT id, hostname, row FROM agents WHERE cluster = ?1 AND gone_ms IS NULL AND changed_ms = ?2 "
		    "AND since_ms = ?2 AND first_seen_ms < ?2 ORDER BY row LIMIT ?3",
		    put_changed, err);
}

int ledger_sync_events(struct ledger *ledger, struct store *store, const struct ledger_sync *sync, struct error *err)
{
	const struct agents_summary *found = &sync->summary;

	ledger_event(ledger, "inventory.sync", NULL, NULL,
		     json_pack("{s:s, s:s*, s:b, s:{s:I, s:I, s:I, s:I, s:I}, s:I, s:I}", "cluster", sync->name,
			       "master", sync->master, "first", sync->before_ms == 0, "agents", "total",
			       (json_int_t)found->total, "new", (json_int_t)found->added, "gone",
			       (json_int_t)found->gone, "returned", (json_int_t)found->returned, "changed",
			       (json_int_t)found->changed, "tasks", (json_int_t)found->tasks, "frameworks",
			       (json_int_t)found->frameworks));
	return sync->before_ms ? put_agents(ledger, store, sync, err) : 0;
}
