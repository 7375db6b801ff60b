/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger over the inventory's store. The chain's end is read inside the write transaction, so that two processes
 * cannot append to the same event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/store.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "orchestrator/outgoing/project.h"

static struct store *store_of(struct ledger *ledger)
{
	return ledger->data;
}

static char *text_copy(const struct store_cursor *rows, int column)
{
	return ledger_copy_text(store_text(rows, column));
}

static int read_end(struct store *store, struct ledger_end *end, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err, "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", "") < 0)
		return -1;
	int more = store_next(&rows, err);
	if (more > 0 && strlen(store_text(&rows, 1)) != DIGEST_HEX_SIZE - 1)
		more = error_set(err, ERROR_CORRUPT, "%s: the hash of the last event is damaged", store_path(store));
	if (more > 0) {
		end->seq = store_int(&rows, 0);
		memcpy(end->hash, store_text(&rows, 1), DIGEST_HEX_SIZE);
	}
	store_done(&rows);
	return more < 0 ? -1 : 0;
}

static int read_epoch(struct store *store, struct ledger_end *end, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store, &rows, err, "SELECT coalesce(max(epoch), 0) FROM epochs", "") < 0)
		return -1;
	int more = store_next(&rows, err);
	if (more > 0)
		end->epoch = store_int(&rows, 0);
	store_done(&rows);
	return more < 0 ? -1 : 0;
}

/* What somebody else has begun is his to end. */
static void rollback(struct ledger *ledger)
{
	if (!ledger->within)
		store_rollback(store_of(ledger));
}

static int begin(struct ledger *ledger, struct ledger_end *end, struct error *err)
{
	if (!ledger->within && store_begin(store_of(ledger), err) < 0)
		return -1;
	if (read_end(store_of(ledger), end, err) == 0 && read_epoch(store_of(ledger), end, err) == 0)
		return 0;
	rollback(ledger);
	return -1;
}

static int append(struct ledger *ledger, const struct ledger_entry *entry, struct error *err)
{
	if (store_run(store_of(ledger), err,
		      "INSERT INTO events (seq, time_ms, actor, run, agent, kind, body, hash) "
		      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		      "iittttbt", entry->seq, entry->time_ms, entry->actor, entry->run, entry->agent_id, entry->kind,
		      (const void *)entry->body, entry->body_len, entry->hash) < 0)
		return -1;
	return outgoing_project(store_of(ledger), entry, err);
}

static int put_plan(struct ledger *ledger, const struct plan_row *plan, struct error *err)
{
	return store_run(
		store_of(ledger), err,
		"INSERT INTO plans (hash, cluster, config, config_version, author, created_ms, agents, document) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (hash) DO NOTHING",
		"tttitiib", plan->hash, plan->cluster, plan->config, plan->config_version, plan->author,
		plan->created_ms, plan->agents, (const void *)plan->document, plan->document_len);
}

static int put_run(struct ledger *ledger, const struct run_row *run, struct error *err)
{
	return store_run(store_of(ledger), err,
			 "INSERT INTO runs (id, plan, state, reason, epoch, forgiven, created_ms, finished_ms, "
			 "rolls_back, rollback_due, stages_passed, before, memory) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9, ?10, ?11, ?12, ?13) "
			 "ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason, "
			 "epoch = excluded.epoch, forgiven = excluded.forgiven, finished_ms = excluded.finished_ms, "
			 "rollback_due = excluded.rollback_due, stages_passed = excluded.stages_passed, "
			 "before = coalesce(excluded.before, before), memory = excluded.memory",
			 "ttttiiiitiitt", run->id, run->plan, run->state, run->reason, run->epoch, run->forgiven,
			 run->created_ms, run->finished_ms, run->rolls_back, run->rollback_due, run->stages_passed,
			 run->before, run->memory);
}

static int put_order(struct ledger *ledger, const struct run_order *order, struct error *err)
{
	if (order->seq == 0) {
		int result = store_run(store_of(ledger), err,
				       "INSERT INTO run_orders (run, verb, actor, time_ms, done_ms, answer) "
				       "VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6)",
				       "tttiit", order->run, order->verb, order->actor, order->time_ms, order->done_ms,
				       order->answer);
		ledger->ordered = store_last_id(store_of(ledger));
		return result;
	}
	if (store_run(store_of(ledger), err,
		      "UPDATE run_orders SET done_ms = nullif(?2, 0), answer = ?3 WHERE seq = ?1 AND done_ms IS NULL",
		      "iit", order->seq, order->done_ms, order->answer) < 0)
		return -1;
	return store_changes(store_of(ledger)) == 1 ? 0 : ledger_order_is_over(order, err);
}

static int put_agent(struct ledger *ledger, const struct run_agent *agent, struct error *err)
{
	return store_run(store_of(ledger), err,
			 "INSERT INTO run_agents (run, position, agent, hostname, state, attempt, operation, epoch, "
			 "request, before, started, proof, error, away_from_ms, away_until_ms) VALUES (?1, ?2, ?3, ?4, "
			 "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, nullif(?14, 0), nullif(?15, 0)) ON CONFLICT (run, "
			 "position) DO UPDATE SET agent = excluded.agent, hostname = excluded.hostname, state = "
			 "excluded.state, attempt = excluded.attempt, operation = excluded.operation, epoch = "
			 "excluded.epoch, request = excluded.request, before = excluded.before, started = "
			 "excluded.started, proof = excluded.proof, error = excluded.error, away_from_ms = "
			 "excluded.away_from_ms, away_until_ms = excluded.away_until_ms",
			 "titttitibttttii", agent->run, agent->position, agent->agent_id, agent->hostname, agent->state,
			 agent->attempt, agent->operation, agent->epoch, (const void *)agent->request,
			 agent->request == NULL ? (size_t)0 : strlen(agent->request), agent->before, agent->started,
			 agent->proof, agent->error, agent->away_from_ms, agent->away_until_ms);
}

void ledger_set_epoch_floor(struct ledger *ledger, int64_t epoch)
{
	ledger->epoch_floor = epoch;
}

static int new_epoch(struct ledger *ledger, const char *run, int64_t time_ms, int64_t *epoch, struct error *err)
{
	if (store_run(store_of(ledger), err,
		      "INSERT INTO epochs (epoch, run, actor, time_ms) "
		      "SELECT max(coalesce(max(epoch), 0), ?4) + 1, ?1, ?2, ?3 FROM epochs",
		      "ttii", run, ledger->actor, time_ms, ledger->epoch_floor) < 0)
		return -1;
	*epoch = store_last_id(store_of(ledger));
	return 0;
}

static int commit(struct ledger *ledger, struct error *err)
{
	return ledger->within ? 0 : store_commit(store_of(ledger), err);
}

static void read_run(const struct store_cursor *rows, struct run_row *row)
{
	*row = (struct run_row){
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
		.before = text_copy(rows, 11),
		.memory = text_copy(rows, 12),
	};
}

static int load_run(struct ledger *ledger, const char *run, struct run_row *row, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store_of(ledger), &rows, err,
			"SELECT id, plan, state, reason, epoch, forgiven, created_ms, finished_ms, rolls_back, "
			"rollback_due, stages_passed, before, memory FROM runs WHERE id = ?1",
			"t", run) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0)
		read_run(&rows, row);
	store_done(&rows);
	if (found == 0)
		return error_set(err, ERROR_USAGE, "there is no run %s; `rollcall rollout list` shows them", run);
	return found < 0 ? -1 : 0;
}

static int find_order(struct ledger *ledger, const char *run, struct run_order *out, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store_of(ledger), &rows, err,
			"SELECT seq, run, verb, actor, time_ms FROM run_orders WHERE run = ?1 AND done_ms IS NULL "
			"ORDER BY seq LIMIT 1",
			"t", run) < 0)
		return -1;
	int found = store_next(&rows, err);
	if (found > 0)
		*out = (struct run_order){
			.seq = store_int(&rows, 0),
			.run = text_copy(&rows, 1),
			.verb = text_copy(&rows, 2),
			.actor = text_copy(&rows, 3),
			.time_ms = store_int(&rows, 4),
		};
	store_done(&rows);
	return found;
}

/* data_version moves with every commit of another connection, and with none of ours: orders come from others. */
static int next_order(struct ledger *ledger, const char *run, struct run_order *out, struct error *err)
{
	int64_t version = 0;
	if (store_find_int(store_of(ledger), &version, err, "PRAGMA data_version", "") < 0)
		return -1;
	if (version == ledger->seen_version && strcmp(ledger->seen_run, run) == 0)
		return 0;
	int found = find_order(ledger, run, out, err);
	if (found == 0) {
		ledger->seen_version = version;
		snprintf(ledger->seen_run, sizeof(ledger->seen_run), "%s", run);
	}
	return found;
}

static void read_agent(const struct store_cursor *rows, struct run_agent *agent)
{
	size_t len;
	const void *request = store_blob(rows, 8, &len);
	*agent = (struct run_agent){
		.run = text_copy(rows, 0),
		.position = store_int(rows, 1),
		.agent_id = text_copy(rows, 2),
		.hostname = text_copy(rows, 3),
		.state = text_copy(rows, 4),
		.attempt = store_int(rows, 5),
		.operation = text_copy(rows, 6),
		.epoch = store_int(rows, 7),
		.request = request == NULL ? NULL : xstrndup(request, len),
		.before = text_copy(rows, 9),
		.started = text_copy(rows, 10),
		.proof = text_copy(rows, 11),
		.error = text_copy(rows, 12),
		.away_from_ms = store_int(rows, 13),
		.away_until_ms = store_int(rows, 14),
	};
}

static void free_agents(struct run_agent *agents, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&agents[i]);
	free(agents);
}

static int load_agents(struct ledger *ledger, const char *run, struct run_agent **agents, size_t *count,
		       struct error *err)
{
	struct store_cursor rows;
	if (store_query(store_of(ledger), &rows, err,
			"SELECT run, position, agent, hostname, state, attempt, operation, epoch, request, before, "
			"started, proof, error, away_from_ms, away_until_ms FROM run_agents WHERE run = ?1 "
			"ORDER BY position",
			"t", run) < 0)
		return -1;
	struct run_agent *found = NULL;
	size_t n = 0, cap = 0;
	int more;
	while ((more = store_next(&rows, err)) > 0) {
		if (n == cap) {
			cap = cap == 0 ? 16 : cap * 2;
			found = xreallocarray(found, cap, sizeof(*found));
		}
		read_agent(&rows, &found[n++]);
	}
	store_done(&rows);
	if (more < 0) {
		free_agents(found, n);
		return -1;
	}
	*agents = found;
	*count = n;
	return 0;
}

static void read_entry(const struct store_cursor *rows, struct ledger_entry *out)
{
	const char *hash = store_text(rows, 7);
	*out = (struct ledger_entry){
		.seq = store_int(rows, 0),
		.time_ms = store_int(rows, 1),
		.actor = store_text(rows, 2),
		.run = store_text(rows, 3),
		.agent_id = store_text(rows, 4),
		.kind = store_text(rows, 5),
	};
	out->body = store_blob(rows, 6, &out->body_len);
	/* One that was made longer is not to pass for what it begins with. */
	snprintf(out->hash, sizeof(out->hash), "%s", hash && strlen(hash) < sizeof(out->hash) ? hash : "no hash");
}

int ledger_visit_rows(struct store_cursor *rows,
		      int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err), void *ctx,
		      struct error *err)
{
	struct ledger_entry entry;
	int more;
	while ((more = store_next(rows, err)) > 0) {
		read_entry(rows, &entry);
		int result = visit(ctx, &entry, err);
		if (result != 0)
			return result;
	}
	return more;
}

static int walk(struct ledger *ledger, int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err),
		void *ctx, struct error *err)
{
	struct store_cursor rows;
	if (store_query(store_of(ledger), &rows, err,
			"SELECT seq, time_ms, actor, run, agent, kind, body, hash FROM events ORDER BY seq", "") < 0)
		return -1;
	int result = ledger_visit_rows(&rows, visit, ctx, err);
	store_done(&rows);
	return result;
}

static void close_nothing(struct ledger *ledger)
{
	(void)ledger; /* the store belongs to whoever opened it */
}

static const struct ledger_backend store_backend = {
	.begin = begin,
	.append = append,
	.put_plan = put_plan,
	.put_run = put_run,
	.put_agent = put_agent,
	.put_order = put_order,
	.new_epoch = new_epoch,
	.commit = commit,
	.rollback = rollback,
	.load_run = load_run,
	.load_agents = load_agents,
	.next_order = next_order,
	.walk = walk,
	.close = close_nothing,
};

struct ledger *ledger_open(struct store *store, const char *actor, struct error *err)
{
	struct ledger *ledger = ledger_new(&store_backend, store, store_uuid(store), actor);
	struct ledger_end end = {.seq = 0};
	if (read_end(store, &end, err) < 0) {
		ledger_close(ledger);
		return NULL;
	}
	if (end.seq > 0)
		memcpy(ledger->head, end.hash, sizeof(ledger->head));
	return ledger;
}
