/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger in memory, for the simulator: what was committed survives a driver that dies, and nothing else does. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger_backend.h"

struct kept_event {
	struct pending_event event;
	char hash[DIGEST_HEX_SIZE];
};

struct kept_run {
	struct run_row row;
	struct run_agent *agents; /* by position; state NULL: none there */
	size_t agent_count;
};

struct memory {
	struct kept_event *events;
	size_t event_count, event_cap;
	struct kept_run *runs;
	size_t run_count;
	struct run_order *orders; /* order i has number i + 1 */
	size_t order_count;
	int64_t epoch;
	int users; /* ledgers that have it open */
};

static struct memory *memory_of(struct ledger *ledger)
{
	return ledger->data;
}

static int begin(struct ledger *ledger, struct ledger_end *end, struct error *err)
{
	(void)err;
	const struct memory *memory = memory_of(ledger);
	end->epoch = memory->epoch;
	if (memory->event_count == 0)
		return 0;
	end->seq = (int64_t)memory->event_count;
	memcpy(end->hash, memory->events[memory->event_count - 1].hash, DIGEST_HEX_SIZE);
	return 0;
}

static int append(struct ledger *ledger, const struct ledger_entry *entry, struct error *err)
{
	(void)err;
	struct memory *memory = memory_of(ledger);
	if (memory->event_count == memory->event_cap) {
		memory->event_cap = memory->event_cap == 0 ? 64 : memory->event_cap * 2;
		memory->events = xreallocarray(memory->events, memory->event_cap, sizeof(*memory->events));
	}
	struct kept_event *kept = &memory->events[memory->event_count++];
	*kept = (struct kept_event){
		.event = {.time_ms = entry->time_ms,
			  .run = ledger_copy_text(entry->run),
			  .agent_id = ledger_copy_text(entry->agent_id),
			  .kind = xstrdup(entry->kind)},
	};
	buffer_init(&kept->event.body, entry->body_len + 1);
	buffer_append(&kept->event.body, entry->body, entry->body_len);
	memcpy(kept->hash, entry->hash, sizeof(kept->hash));
	return 0;
}

static struct kept_run *find_run(struct memory *memory, const char *id)
{
	for (size_t i = 0; i < memory->run_count; i++) {
		if (strcmp(memory->runs[i].row.id, id) == 0)
			return &memory->runs[i];
	}
	return NULL;
}

/* The simulator has its plan at hand and never looks one up. */
static int put_plan(struct ledger *ledger, const struct plan_row *plan, struct error *err)
{
	(void)ledger;
	(void)plan;
	(void)err;
	return 0;
}

static int put_run(struct ledger *ledger, const struct run_row *run, struct error *err)
{
	(void)err;
	struct memory *memory = memory_of(ledger);
	struct kept_run *kept = find_run(memory, run->id);
	if (kept == NULL) {
		memory->runs = xreallocarray(memory->runs, memory->run_count + 1, sizeof(*memory->runs));
		kept = &memory->runs[memory->run_count++];
		*kept = (struct kept_run){.agent_count = 0};
	}
	struct run_row row;
	run_row_copy(&row, run);
	if (row.before == NULL)
		row.before = ledger_copy_text(kept->row.before);
	run_row_clear(&kept->row);
	kept->row = row;
	return 0;
}

static int put_order(struct ledger *ledger, const struct run_order *order, struct error *err)
{
	struct memory *memory = memory_of(ledger);
	if (order->seq < 0 || (size_t)order->seq > memory->order_count)
		return error_set(err, ERROR_BUG, "ledger: there is no such order");
	if (order->seq == 0) {
		memory->orders = xreallocarray(memory->orders, memory->order_count + 1, sizeof(*memory->orders));
		run_order_copy(&memory->orders[memory->order_count++], order);
		memory->orders[memory->order_count - 1].seq = ledger->ordered = (int64_t)memory->order_count;
		return 0;
	}
	struct run_order *kept = &memory->orders[order->seq - 1];
	if (kept->done_ms != 0)
		return ledger_order_is_over(order, err);
	run_order_clear(kept);
	run_order_copy(kept, order);
	return 0;
}

static int next_order(struct ledger *ledger, const char *run, struct run_order *out, struct error *err)
{
	(void)err;
	const struct memory *memory = memory_of(ledger);
	for (size_t i = 0; i < memory->order_count; i++) {
		if (memory->orders[i].done_ms == 0 && strcmp(memory->orders[i].run, run) == 0) {
			run_order_copy(out, &memory->orders[i]);
			return 1;
		}
	}
	return 0;
}

static int put_agent(struct ledger *ledger, const struct run_agent *agent, struct error *err)
{
	struct kept_run *run = find_run(memory_of(ledger), agent->run);
	if (run == NULL || agent->position < 0)
		return error_set(err, ERROR_BUG, "ledger: agent %s belongs to no run", agent->agent_id);
	size_t position = (size_t)agent->position;
	if (position >= run->agent_count) {
		run->agents = xreallocarray(run->agents, position + 1, sizeof(*run->agents));
		memset(&run->agents[run->agent_count], 0, (position + 1 - run->agent_count) * sizeof(*run->agents));
		run->agent_count = position + 1;
	}
	run_agent_clear(&run->agents[position]);
	run_agent_copy(&run->agents[position], agent);
	return 0;
}

static int new_epoch(struct ledger *ledger, const char *run, int64_t time_ms, int64_t *epoch, struct error *err)
{
	(void)run;
	(void)time_ms;
	(void)err;
	struct memory *memory = memory_of(ledger);
	if (memory->epoch < ledger->epoch_floor)
		memory->epoch = ledger->epoch_floor;
	*epoch = ++memory->epoch;
	return 0;
}

static int commit(struct ledger *ledger, struct error *err)
{
	(void)ledger;
	(void)err;
	return 0;
}

static void rollback(struct ledger *ledger)
{
	(void)ledger; /* only a bug comes here, and its run is over */
}

const struct run_row *ledger_memory_run(struct ledger *ledger, const char *run)
{
	const struct kept_run *kept = find_run(memory_of(ledger), run);
	return kept == NULL ? NULL : &kept->row;
}

static int load_run(struct ledger *ledger, const char *run, struct run_row *row, struct error *err)
{
	const struct kept_run *kept = find_run(memory_of(ledger), run);
	if (kept == NULL)
		return error_set(err, ERROR_USAGE, "there is no run %s", run);
	run_row_copy(row, &kept->row);
	return 0;
}

static int load_agents(struct ledger *ledger, const char *run, struct run_agent **agents, size_t *count,
		       struct error *err)
{
	(void)err;
	const struct kept_run *kept = find_run(memory_of(ledger), run);
	size_t found = 0, room = kept == NULL ? 0 : kept->agent_count;
	struct run_agent *copies = xcalloc(room + 1, sizeof(*copies));
	for (size_t i = 0; i < room; i++) {
		if (kept->agents[i].state != NULL)
			run_agent_copy(&copies[found++], &kept->agents[i]);
	}
	*agents = copies;
	*count = found;
	return 0;
}

static int walk(struct ledger *ledger, int (*visit)(void *ctx, const struct ledger_entry *entry, struct error *err),
		void *ctx, struct error *err)
{
	const struct memory *memory = memory_of(ledger);
	for (size_t i = 0; i < memory->event_count; i++) {
		const struct kept_event *kept = &memory->events[i];
		struct ledger_entry entry = {
			.seq = (int64_t)i + 1,
			.time_ms = kept->event.time_ms,
			.actor = ledger->actor,
			.run = kept->event.run,
			.agent_id = kept->event.agent_id,
			.kind = kept->event.kind,
			.body = buffer_text(&kept->event.body),
			.body_len = kept->event.body.len,
		};
		memcpy(entry.hash, kept->hash, sizeof(entry.hash));
		int result = visit(ctx, &entry, err);
		if (result != 0)
			return result;
	}
	return 0;
}

static void close_memory(struct ledger *ledger)
{
	struct memory *memory = memory_of(ledger);
	if (--memory->users > 0)
		return;
	for (size_t i = 0; i < memory->event_count; i++) {
		free(memory->events[i].event.run);
		free(memory->events[i].event.agent_id);
		free(memory->events[i].event.kind);
		buffer_clear(&memory->events[i].event.body);
	}
	for (size_t i = 0; i < memory->run_count; i++) {
		for (size_t j = 0; j < memory->runs[i].agent_count; j++)
			run_agent_clear(&memory->runs[i].agents[j]);
		free(memory->runs[i].agents);
		run_row_clear(&memory->runs[i].row);
	}
	for (size_t i = 0; i < memory->order_count; i++)
		run_order_clear(&memory->orders[i]);
	free(memory->orders);
	free(memory->events);
	free(memory->runs);
	free(memory);
}

static const struct ledger_backend memory_backend = {
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
	.close = close_memory,
};

struct ledger *ledger_open_memory(const char *database_uuid)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));
	memory->users = 1;
	return ledger_new(&memory_backend, memory, database_uuid, "simulator");
}

struct ledger *ledger_share_memory(struct ledger *other)
{
	struct ledger *ledger;

	memory_of(other)->users++;
	ledger = ledger_new(&memory_backend, memory_of(other), other->database, "simulator");
	ledger_set_clock(ledger, other->wall_ms, other->clock_ctx);
	return ledger;
}
