/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "orchestrator/ledger/ledger_backend.h"

/* A body holds one answer of agentctl or one proof: less than an answer's line may be. */
#define BODY_MAX (16u << 20)

static const char no_event[] = "0000000000000000000000000000000000000000000000000000000000000000";

static int64_t clock_of_this_machine(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

struct ledger *ledger_new(const struct ledger_backend *backend, void *data, const char *database, const char *actor)
{
	struct ledger *ledger = xcalloc(1, sizeof(*ledger));
	ledger->backend = backend;
	ledger->data = data;
	ledger->database = xstrdup(database);
	ledger->actor = xstrdup(actor);
	ledger->wall_ms = clock_of_this_machine;
	memcpy(ledger->head, no_event, sizeof(no_event));
	return ledger;
}

void ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	ledger_discard(ledger);
	ledger->backend->close(ledger);
	free(ledger->events);
	free(ledger->agents);
	free(ledger->runs);
	free(ledger->plans);
	free(ledger->orders);
	free(ledger->database);
	free(ledger->actor);
	json_decref(ledger->origin);
	free(ledger);
}

const char *ledger_database(const struct ledger *ledger)
{
	return ledger->database;
}

const char *ledger_head(const struct ledger *ledger)
{
	return ledger->head;
}

void ledger_set_commit_hook(struct ledger *ledger, int (*hook)(void *ctx, bool durable), void *ctx)
{
	ledger->hook = hook;
	ledger->hook_ctx = ctx;
}

void ledger_set_clock(struct ledger *ledger, int64_t (*wall_ms)(void *ctx), void *ctx)
{
	ledger->wall_ms = wall_ms;
	ledger->clock_ctx = ctx;
}

void ledger_set_origin(struct ledger *ledger, json_t *origin)
{
	json_decref(ledger->origin);
	ledger->origin = origin;
}

/* ---- what is buffered */

static void *room_for_one(void *items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return items;
	*cap = *cap == 0 ? 16 : *cap * 2;
	return xreallocarray(items, *cap, size);
}

void ledger_event(struct ledger *ledger, const char *kind, const char *run, const char *agent_id, json_t *body)
{
	ledger->events = room_for_one(ledger->events, ledger->event_count, &ledger->event_cap, sizeof(*ledger->events));
	struct pending_event *event = &ledger->events[ledger->event_count++];
	*event = (struct pending_event){
		.time_ms = ledger->wall_ms(ledger->clock_ctx),
		.kind = xstrdup(kind),
		.run = ledger_copy_text(run),
		.agent_id = ledger_copy_text(agent_id),
	};
	buffer_init(&event->body, BODY_MAX);
	if (body == NULL)
		body = json_object();
	if (ledger->origin != NULL)
		json_object_set(body, "origin", ledger->origin);
	if (json_is_object(body) && json_object_size(body) == 0)
		buffer_puts(&event->body, "{}");
	else
		json_write(body, false, &event->body);
	json_decref(body);
}

/* The event that says why a row is as it is: the newest of what is buffered about the same agent (or run). NULL: there is none. */
static struct pending_event *event_of_row(struct ledger *ledger, const char *run, const char *agent_id)
{
	for (size_t i = ledger->event_count; i-- > 0;) {
		struct pending_event *event = &ledger->events[i];
		bool of_run = event->run != NULL && strcmp(event->run, run) == 0;
		bool of_agent = agent_id == NULL ? event->agent_id == NULL
						 : event->agent_id != NULL && strcmp(event->kind, "agent") == 0 &&
							   strcmp(event->agent_id, agent_id) == 0;
		if (of_run && of_agent)
			return event;
	}
	return NULL;
}

void ledger_put_agent(struct ledger *ledger, const struct run_agent *agent)
{
	struct pending_event *event = event_of_row(ledger, agent->run, agent->agent_id);
	if (event != NULL)
		run_agent_digest(agent, event->row);
	ledger->agents = room_for_one(ledger->agents, ledger->agent_count, &ledger->agent_cap, sizeof(*ledger->agents));
	run_agent_copy(&ledger->agents[ledger->agent_count++], agent);
}

void ledger_put_run(struct ledger *ledger, const struct run_row *run)
{
	struct pending_event *event = event_of_row(ledger, run->id, NULL);
	if (event != NULL)
		run_row_digest(run, event->row);
	if (event != NULL && run->before != NULL)
		digest_hex(run->before, strlen(run->before), event->row_before);
	ledger->runs = room_for_one(ledger->runs, ledger->run_count, &ledger->run_cap, sizeof(*ledger->runs));
	run_row_copy(&ledger->runs[ledger->run_count++], run);
}

void ledger_put_plan(struct ledger *ledger, const struct plan_row *plan)
{
	ledger->plans = room_for_one(ledger->plans, ledger->plan_count, &ledger->plan_cap, sizeof(*ledger->plans));
	plan_row_copy(&ledger->plans[ledger->plan_count++], plan);
}

void ledger_put_order(struct ledger *ledger, const struct run_order *order)
{
	ledger->orders = room_for_one(ledger->orders, ledger->order_count, &ledger->order_cap, sizeof(*ledger->orders));
	run_order_copy(&ledger->orders[ledger->order_count++], order);
	ledger->seen_version = 0; /* our own commits do not move data_version */
	if (order->done_ms == 0)
		ledger_event(ledger, "run.ordered", order->run, NULL,
			     json_pack("{s:s, s:s, s:I}", "order", order->verb, "by", order->actor, "time_ms",
				       (json_int_t)order->time_ms));
	else
		ledger_event(ledger, "run.obeyed", order->run, NULL,
			     json_pack("{s:s, s:s, s:I, s:I, s:I, s:s*}", "order", order->verb, "by", order->actor,
				       "number", (json_int_t)order->seq, "time_ms", (json_int_t)order->time_ms,
				       "done_ms", (json_int_t)order->done_ms, "answer", order->answer));
}

int64_t ledger_ordered(const struct ledger *ledger)
{
	return ledger->ordered;
}

static void pending_event_clear(struct pending_event *event)
{
	free(event->run);
	free(event->agent_id);
	free(event->kind);
	buffer_clear(&event->body);
}

void ledger_discard(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->event_count; i++)
		pending_event_clear(&ledger->events[i]);
	for (size_t i = 0; i < ledger->agent_count; i++)
		run_agent_clear(&ledger->agents[i]);
	for (size_t i = 0; i < ledger->run_count; i++)
		run_row_clear(&ledger->runs[i]);
	for (size_t i = 0; i < ledger->plan_count; i++)
		plan_row_clear(&ledger->plans[i]);
	for (size_t i = 0; i < ledger->order_count; i++)
		run_order_clear(&ledger->orders[i]);
	ledger->event_count = ledger->agent_count = ledger->run_count = ledger->plan_count = ledger->order_count = 0;
}

/* ---- one transaction */

/* A body is an object: this becomes its last member. */
static void write_seal(struct pending_event *event, const char *name, const char *digest)
{
	if (digest[0] == '\0' || event->body.len < 2)
		return;
	bool first = event->body.len == 2;
	event->body.len--;
	buffer_printf(&event->body, "%s\"%s\":\"%s\"}", first ? "" : ",", name, digest);
}

static int append_events(struct ledger *ledger, struct ledger_end *end, struct error *err)
{
	for (size_t i = 0; i < ledger->event_count; i++) {
		struct pending_event *event = &ledger->events[i];
		write_seal(event, "row", event->row);
		write_seal(event, "row_before", event->row_before);
		struct ledger_entry entry = {
			.seq = end->seq + 1,
			.time_ms = event->time_ms,
			.actor = ledger->actor,
			.run = event->run,
			.agent_id = event->agent_id,
			.kind = event->kind,
			.body = buffer_text(&event->body),
			.body_len = event->body.len,
		};
		if (event->body.len == 0)
			return error_set(err, ERROR_BUG, "ledger: the body of event %s cannot be written as JSON",
					 event->kind);
		ledger_hash(end->hash, &entry, entry.hash);
		if (ledger->backend->append(ledger, &entry, err) < 0)
			return -1;
		end->seq = entry.seq;
		memcpy(end->hash, entry.hash, sizeof(end->hash));
	}
	return 0;
}

static int put_rows(struct ledger *ledger, struct error *err)
{
	for (size_t i = 0; i < ledger->plan_count; i++) {
		if (ledger->backend->put_plan(ledger, &ledger->plans[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ledger->run_count; i++) {
		if (ledger->backend->put_run(ledger, &ledger->runs[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ledger->agent_count; i++) {
		if (ledger->backend->put_agent(ledger, &ledger->agents[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ledger->order_count; i++) {
		if (ledger->backend->put_order(ledger, &ledger->orders[i], err) < 0)
			return -1;
	}
	return 0;
}

/* An epoch is an event too: whoever reads the chain sees who drove when. */
static int take_epoch(struct ledger *ledger, const char *run, int64_t *epoch, struct error *err)
{
	int64_t time_ms = ledger->wall_ms(ledger->clock_ctx);
	if (ledger->backend->new_epoch(ledger, run, time_ms, epoch, err) < 0)
		return -1;
	ledger_event(ledger, "run.epoch", run, NULL,
		     json_pack("{s:I, s:I}", "epoch", (json_int_t)*epoch, "time_ms", (json_int_t)time_ms));
	return 0;
}

/* Whoever drives writes only as long as nobody has taken a newer epoch: a second driver may have come by in spite of the
 * lock (somebody removed its file), and then the older one must not act any more. */
static int check_epoch(const struct ledger *ledger, const struct ledger_end *end, struct error *err)
{
	if (ledger->epoch == 0 || end->epoch <= ledger->epoch)
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "another rollcall drives from this database now (epoch %" PRId64 ", ours is %" PRId64
			 "): this one stops. `rollcall rollout list` shows what it drives",
			 end->epoch, ledger->epoch);
}

static int write_transaction(struct ledger *ledger, const char *epoch_run, int64_t *epoch, struct error *err)
{
	struct ledger_end end = {.seq = 0};
	memcpy(end.hash, no_event, sizeof(no_event));
	if (ledger->backend->begin(ledger, &end, err) < 0)
		return -1;
	if (check_epoch(ledger, &end, err) < 0 ||
	    (epoch_run != NULL && take_epoch(ledger, epoch_run, epoch, err) < 0) ||
	    append_events(ledger, &end, err) < 0 || put_rows(ledger, err) < 0) {
		ledger->backend->rollback(ledger);
		return -1;
	}
	if (ledger->backend->commit(ledger, err) < 0)
		return -1;
	memcpy(ledger->head, end.hash, sizeof(ledger->head));
	return 0;
}

static int run_hook(struct ledger *ledger, bool durable, struct error *err)
{
	if (ledger->hook == NULL || ledger->hook(ledger->hook_ctx, durable) == 0)
		return 0;
	return error_set(err, ERROR_INTERRUPTED, "stopped %s a commit of the ledger", durable ? "after" : "before");
}

static int commit(struct ledger *ledger, const char *epoch_run, int64_t *epoch, struct error *err)
{
	int result = run_hook(ledger, false, err);
	if (result == 0)
		result = write_transaction(ledger, epoch_run, epoch, err);
	ledger_discard(ledger);
	return result == 0 ? run_hook(ledger, true, err) : -1;
}

int ledger_commit(struct ledger *ledger, struct error *err)
{
	if (ledger->event_count + ledger->agent_count + ledger->run_count + ledger->plan_count == 0)
		return 0;
	return commit(ledger, NULL, NULL, err);
}

int ledger_confirm(struct ledger *ledger, struct error *err)
{
	struct ledger_end end = {.seq = 0};
	if (ledger->backend->begin(ledger, &end, err) < 0)
		return -1;
	ledger->backend->rollback(ledger);
	return check_epoch(ledger, &end, err);
}

int ledger_commit_within(struct ledger *ledger, struct error *err)
{
	ledger->within = true;
	int result = ledger_commit(ledger, err);
	ledger->within = false;
	return result;
}

int64_t ledger_new_epoch(struct ledger *ledger, const char *run, struct error *err)
{
	int64_t epoch = -1;
	int result = commit(ledger, run, &epoch, err);
	/* Whether a commit that failed was durable is not known: whoever goes on with this ledger begins as a new driver. */
	ledger->epoch = result == 0 ? epoch : 0;
	return result == 0 ? epoch : -1;
}

int ledger_next_order(struct ledger *ledger, const char *run, struct run_order *out, struct error *err)
{
	return ledger->backend->next_order(ledger, run, out, err);
}

int ledger_load_run(struct ledger *ledger, const char *run, struct run_row *row, struct error *err)
{
	return ledger->backend->load_run(ledger, run, row, err);
}

int ledger_load_agents(struct ledger *ledger, const char *run, struct run_agent **agents, size_t *count,
		       struct error *err)
{
	return ledger->backend->load_agents(ledger, run, agents, count, err);
}

/* ---- the chain */

static int check_entry(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct ledger_end *end = ctx;
	char hash[DIGEST_HEX_SIZE];
	if (entry->seq != end->seq + 1)
		return error_set(err, ERROR_CORRUPT,
				 "ledger: after event %" PRId64 " comes event %" PRId64
				 ": what was between them was removed",
				 end->seq, entry->seq);
	ledger_hash(end->hash, entry, hash);
	if (strcmp(hash, entry->hash) != 0)
		return error_set(err, ERROR_CORRUPT,
				 "ledger: event %" PRId64 " (%s%s%s) is not what was recorded: its hash is %.12s, and "
				 "its content gives %.12s",
				 entry->seq, entry->kind, entry->agent_id != NULL ? " of " : "",
				 entry->agent_id != NULL ? entry->agent_id : "", entry->hash, hash);
	end->seq = entry->seq;
	memcpy(end->hash, hash, sizeof(end->hash));
	return 0;
}

int ledger_verify(struct ledger *ledger, int64_t *checked, struct error *err)
{
	struct ledger_end end = {.seq = 0};
	memcpy(end.hash, no_event, sizeof(no_event));
	int result = ledger->backend->walk(ledger, check_entry, &end, err);
	if (checked != NULL)
		*checked = end.seq;
	return result;
}
