/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/ledger/ledger_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/ledger/ledger_backend.h"

static char *text_copy(const struct store_cursor *rows, int column)
{
	const char *text = store_text(rows, column);
	return text == NULL ? NULL : xstrdup(text);
}

/* ---- plans */

static int check_prefix(const char *name, struct error *err)
{
	size_t len = strlen(name);
	if (len < PLAN_PREFIX_MIN || len >= DIGEST_HEX_SIZE || strspn(name, "0123456789abcdef") != len)
		return error_set(err, ERROR_USAGE,
				 "%s: neither a file nor the hash of a plan (at least %d of its hex digits)", name,
				 PLAN_PREFIX_MIN);
	return 0;
}

static void read_plan(const struct store_cursor *rows, struct plan_row *out)
{
	size_t len;
	const void *document = store_blob(rows, 7, &len);
	*out = (struct plan_row){
		.hash = text_copy(rows, 0),
		.cluster = text_copy(rows, 1),
		.config = text_copy(rows, 2),
		.config_version = store_int(rows, 3),
		.author = text_copy(rows, 4),
		.created_ms = store_int(rows, 5),
		.agents = store_int(rows, 6),
		.document = document == NULL ? xstrdup("") : xstrndup(document, len),
		.document_len = document == NULL ? 0 : len,
	};
}

/* A plan is what its hash says: one that somebody edited in the database is nobody's plan. */
static int check_plan_hash(const struct store *store, const struct plan_row *plan, struct error *err)
{
	char hash[DIGEST_HEX_SIZE];
	digest_hex(plan->document, plan->document_len, hash);
	if (plan->hash != NULL && strcmp(hash, plan->hash) == 0)
		return 0;
	return error_set(
		err, ERROR_CORRUPT,
		"%s: plan %.12s is not what was stored under its hash (its bytes give %.12s); it was edited or "
		"damaged since it was shown, so nothing rests on it",
		store_path(store), plan->hash != NULL ? plan->hash : "", hash);
}

int ledger_find_plan(struct store *store, const char *name, struct plan_row *out, struct error *err)
{
	struct store_cursor rows;
	struct plan_row plan = {.hash = NULL};
	if (check_prefix(name, err) < 0 ||
	    store_query(store, &rows, err,
			"SELECT hash, cluster, config, config_version, author, created_ms, agents, document FROM plans "
			"WHERE substr(hash, 1, length(?1)) = ?1 LIMIT 2",
			"t", name) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0) {
		read_plan(&rows, &plan);
		int second = store_next(&rows, err);
		if (second > 0)
			error_set(err, ERROR_USAGE, "%s: more than one plan begins with it; give more digits", name);
		found = second == 0 ? 1 : -1;
	} else if (found == 0) {
		error_set(err, ERROR_USAGE, "%s: there is no such plan in %s; `rollcall rollout plan CONFIG` makes one",
			  name, store_path(store));
	}
	store_done(&rows);
	if (found > 0 && check_plan_hash(store, &plan, err) < 0)
		found = -1;
	if (found > 0)
		*out = plan;
	else
		plan_row_clear(&plan);
	return found > 0 ? 0 : -1;
}

/* ---- runs */

#define RUN_COLUMNS                                                                                                    \
	"r.id, r.plan, r.state, r.reason, r.epoch, r.forgiven, r.created_ms, r.finished_ms, r.rolls_back, "            \
	"r.rollback_due, r.stages_passed"

static void read_run(const struct store_cursor *rows, struct run_row *out)
{
	*out = (struct run_row){
		.id = text_copy(rows, 0),
		.plan = text_copy(rows, 1),
		.state = text_copy(rows, 2),
		.reason = text_copy(rows, 3),
		.epoch = store_int(rows, 4),
		.forgiven = store_int(rows, 5),
		.created_ms = store_int(rows, 6),
		.finished_ms = store_int(rows, 7),
		.rolls_back = text_copy(rows, 8),
		.rollback_due = store_int(rows, 9),
		.stages_passed = store_int(rows, 10),
	};
}

int ledger_find_run(struct store *store, const char *name, struct run_row *out, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err,
			"SELECT " RUN_COLUMNS " FROM runs r WHERE r.id = ?1 OR ?1 = 'latest' "
			"ORDER BY r.rowid DESC LIMIT 1",
			"t", name) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0)
		read_run(&rows, out);
	else if (found == 0)
		error_set(err, ERROR_USAGE, "%s: there is no such run in %s; `rollcall rollout list` shows them", name,
			  store_path(store));
	store_done(&rows);
	return found > 0 ? 0 : -1;
}

bool ledger_has_events_of(struct store *store, const char *run)
{
	struct error ignored = ERROR_INIT;
	int64_t one;

	return store_find_int(store, &one, &ignored, "SELECT 1 FROM events WHERE run = ?1 LIMIT 1", "t", run) > 0;
}

/* The first run that a statement with one parameter finds. */
static int find_run(struct store *store, const char *sql, const char *key, struct run_row *out, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err, sql, "t", key) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0)
		read_run(&rows, out);
	store_done(&rows);
	return found;
}

int ledger_find_run_of(struct store *store, const char *plan, struct run_row *out, struct error *err)
{
	return find_run(store, "SELECT " RUN_COLUMNS " FROM runs r WHERE r.plan = ?1 ORDER BY r.rowid DESC LIMIT 1",
			plan, out, err);
}

int ledger_find_rollback_of(struct store *store, const char *run, struct run_row *out, struct error *err)
{
	return find_run(store,
			"SELECT " RUN_COLUMNS " FROM runs r WHERE r.rolls_back = ?1 ORDER BY r.rowid DESC LIMIT 1", run,
			out, err);
}

int ledger_is_taken_back(struct store *store, const char *run, const char *agent_id, struct error *err)
{
	int64_t one;

	return store_find_int(
		store, &one, err,
		"SELECT 1 FROM run_agents a JOIN runs r ON r.id = a.run WHERE r.rolls_back = ?1 AND a.agent = ?2 "
		"AND a.state NOT IN ('waiting', 'checking', 'draining', 'failed', 'reverted') LIMIT 1",
		"tt", run, agent_id);
}

int ledger_put_back_by(struct store *store, const char *run, const char *newest, const char *agent_id, char **by,
		       struct error *err)
{
	return store_find_text(
		store, by, err,
		"SELECT r.id FROM run_agents a JOIN runs r ON r.id = a.run WHERE r.rolls_back = ?1 AND a.agent = "
		"?3 AND a.state = 'done' AND (r.id = ?2 OR NOT EXISTS (SELECT 1 FROM runs c WHERE "
		"c.rolls_back = r.id)) ORDER BY r.rowid DESC LIMIT 1",
		"ttt", run, newest, agent_id);
}

int ledger_has_gone_on(struct store *store, const char *run, const char *plan, struct error *err)
{
	int64_t one;

	return store_find_int(
		store, &one, err,
		"SELECT 1 FROM events WHERE run = ?1 AND kind = 'agent' AND seq > (SELECT max(seq) FROM events "
		"WHERE kind = 'plan' AND json_extract(CAST(body AS TEXT), '$.plan') = ?2) LIMIT 1",
		"tt", run, plan);
}

int ledger_order_is_done(struct store *store, int64_t seq, char **answer, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err, "SELECT done_ms IS NOT NULL, answer FROM run_orders WHERE seq = ?1", "i",
			seq) < 0)
		return -1;
	int found = store_next(&rows, err);
	int done = found > 0 ? (int)store_int(&rows, 0) : found;
	if (done > 0)
		*answer = text_copy(&rows, 1);
	store_done(&rows);
	return done;
}

int ledger_newest_epoch(struct store *store, int64_t *epoch, struct error *err)
{
	return store_find_int(store, epoch, err, "SELECT coalesce(max(epoch), 0) FROM epochs", "") < 0 ? -1 : 0;
}

static int check_seen(const char *hostname, int64_t seen, int64_t newest, struct error *err)
{
	if (seen <= newest || seen - newest <= EPOCH_LIFT)
		return 0;
	return error_set(
		err, ERROR_CONFLICT,
		"%s says that it has seen the epoch %" PRId64 " of this database, which has counted to %" PRId64
		" so far: somebody has changed the file `epoch` in its state_dir. Mend it and survey it again, or "
		"leave the host out (`rollout plan --exclude`)",
		hostname, seen, newest);
}

int ledger_seen_epoch_by(struct store *store, int64_t agent_row, int64_t *epoch, struct error *err)
{
	struct store_cursor rows;
	int64_t newest, seen = 0;

	if (ledger_newest_epoch(store, &newest, err) < 0 ||
	    store_query(
		    store, &rows, err,
		    "SELECT CAST(json_extract(CAST(s.document AS TEXT), '$.driver.epoch') AS INTEGER), a.hostname FROM "
		    "agents a JOIN surveys s ON s.agent = a.row WHERE a.row = ?1 AND json_extract(CAST(s.document AS "
		    "TEXT), '$.driver.database') = (SELECT uuid FROM database)",
		    "i", agent_row) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0) {
		seen = store_int(&rows, 0);
		found = check_seen(store_text(&rows, 1), seen, newest, err);
	}
	store_done(&rows);
	if (found == 0)
		*epoch = seen;
	return found;
}

int ledger_knows_operation(struct store *store, const char *operation, struct error *err)
{
	int64_t one;

	return store_find_int(
		store, &one, err,
		"SELECT 1 FROM run_agents WHERE operation = ?1 UNION ALL SELECT 1 FROM events WHERE kind = "
		"'rescue.intent' AND json_extract(CAST(body AS TEXT), '$.operation') = ?1 LIMIT 1",
		"t", operation);
}

int ledger_version(struct store *store, int64_t *version, struct error *err)
{
	return store_find_int(store, version, err, "PRAGMA data_version", "") < 0 ? -1 : 0;
}

int ledger_find_unfinished(struct store *store, const char *cluster, char **run, struct error *err)
{
	return store_find_text(
		store, run, err,
		"SELECT r.id FROM runs r JOIN plans p ON p.hash = r.plan WHERE p.cluster = ?1 AND (r.state = 'running' "
		"OR EXISTS (SELECT 1 FROM run_agents a WHERE a.run = r.id AND a.state IN ('checking', 'draining', "
		"'changing', 'returning', 'proving', 'soaking', 'reverting', 'unknown'))) ORDER BY r.rowid LIMIT 1",
		"t", cluster);
}

int ledger_next_run_id(struct store *store, int64_t wall_ms, char out[RUN_ID_SIZE], struct error *err)
{
	char time[CLOCK_TEXT_MAX], prefix[16];
	int64_t last = 0;
	clock_format(wall_ms, time);
	snprintf(prefix, sizeof(prefix), "r-%.4s%.2s%.2s-", time, time + 5, time + 8);
	if (store_find_int(store, &last, err,
			   "SELECT max(CAST(substr(id, length(?1) + 1) AS INTEGER)) FROM runs "
			   "WHERE substr(id, 1, length(?1)) = ?1",
			   "t", prefix) < 0)
		return -1;
	snprintf(out, RUN_ID_SIZE, "%s%" PRId64, prefix, last + 1);
	return 0;
}

void run_summary_clear(struct run_summary *run)
{
	run_row_clear(&run->row);
	free(run->cluster);
	free(run->config);
	for (size_t j = 0; j < run->count_count; j++)
		free(run->counts[j].state);
	free(run->counts);
}

void run_list_clear(struct run_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		run_summary_clear(&list->items[i]);
	free(list->items);
	*list = (struct run_list){.items = NULL};
}

static int load_counts(struct store *store, struct run_summary *run, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err, "SELECT state, count(*) FROM run_agents WHERE run = ?1 GROUP BY state", "t",
			run->row.id) < 0)
		return -1;
	int more;
	while ((more = store_next(&rows, err)) > 0) {
		run->counts = xreallocarray(run->counts, run->count_count + 1, sizeof(*run->counts));
		run->counts[run->count_count++] = (struct state_count){.state = text_copy(&rows, 0),
								       .count = store_int(&rows, 1)};
	}
	store_done(&rows);
	return more;
}

static int load_runs(struct store *store, struct run_list *list, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err,
			"SELECT " RUN_COLUMNS ", p.cluster, p.config, p.config_version FROM runs r "
			"JOIN plans p ON p.hash = r.plan ORDER BY r.rowid DESC",
			"") < 0)
		return -1;
	int more;
	while ((more = store_next(&rows, err)) > 0) {
		list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
		struct run_summary *run = &list->items[list->count++];
		*run = (struct run_summary){
			.cluster = text_copy(&rows, 11),
			.config = text_copy(&rows, 12),
			.config_version = store_int(&rows, 13),
		};
		read_run(&rows, &run->row);
	}
	store_done(&rows);
	return more;
}

int ledger_list_runs(struct store *store, struct run_list *out, struct error *err)
{
	struct run_list list = {.items = NULL};
	int result = load_runs(store, &list, err);
	for (size_t i = 0; result == 0 && i < list.count; i++)
		result = load_counts(store, &list.items[i], err);
	if (result == 0)
		*out = list;
	else
		run_list_clear(&list);
	return result;
}

/* ---- events */

int ledger_run_events(struct store *store, const char *run,
		      int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err), void *ctx,
		      struct error *err)
{
	struct store_cursor rows;
	if (store_query(
		    store, &rows, err,
		    "SELECT seq, time_ms, actor, run, agent, kind, body, hash FROM events WHERE run = ?1 ORDER BY seq",
		    "t", run) < 0)
		return -1;
	int result = ledger_visit_rows(&rows, visit, ctx, err);
	store_done(&rows);
	return result;
}
