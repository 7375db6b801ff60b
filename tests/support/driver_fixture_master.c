/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture's master: answers what was asked at the next look. */
#include "tests/support/driver_fixture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

struct fixture_master {
	struct master_source source;
	struct fixture *fixture;
	uint64_t tag; /* 0: nothing was asked */
};

static struct master_snapshot *take_snapshot(struct fixture *fixture)
{
	struct master_snapshot *snapshot = xcalloc(1, sizeof *snapshot);

	snapshot->master = xstrdup("http://master");
	snapshot->facts.id = xasprintf("M%d", fixture->failovers + 1);
	snapshot->agents = xcalloc(FIXTURE_AGENTS, sizeof *snapshot->agents);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		const struct fixture_host *host = &fixture->hosts[i];
		const struct plan_agent *planned = &fixture->plan.agents[i];

		snapshot->agents[snapshot->agent_count++] = (struct agent_view){
			.id = xstrdup(planned->agent_id),
			.hostname = xstrdup(planned->hostname),
			.ip = xstrdup(planned->ip),
			.port = planned->port,
			.version = xstrdup("1.11.0"),
			.active = host->active && !host->deactivated,
			.deactivated = host->deactivated,
			.attributes_complete = true,
			.registered_ns = 1,
			.reregistered_ns = host->reregistered_ns,
			.info = slaveinfo_copy(host->is_new ? planned->after : planned->before),
		};
	}
	if (fixture->on_snapshot)
		fixture->on_snapshot(fixture, snapshot);
	return snapshot;
}

static void ask(struct master_source *source, unsigned want, uint64_t tag)
{
	struct fixture_master *master = (struct fixture_master *)source;

	assert_true(want & WANT_AGENTS);
	assert_true(want & WANT_TASKS);
	assert_int_equal(master->tag, 0);
	master->tag = tag;
	master->fixture->asked_ms = master->fixture->now;
}

static bool next(struct master_source *source, struct master_event *event)
{
	struct fixture_master *master = (struct fixture_master *)source;

	if (!master->tag || master->fixture->master_hangs)
		return false;
	memset(event, 0, sizeof *event);
	event->tag = master->tag;
	master->tag = 0;
	if (master->fixture->master_fails) {
		master->fixture->asked_ms = 0;
		error_set(&event->error, ERROR_UNREACHABLE, "http://master does not answer");
		return true;
	}
	event->snapshot = take_snapshot(master->fixture);
	event->snapshot->asked_ms = master->fixture->asked_ms;
	master->fixture->asked_ms = 0;
	event->snapshot->answered_ms = master->fixture->now - master->fixture->answers_lie_about;
	return true;
}

static void free_master(struct master_source *source)
{
	free(source);
}

struct master_source *fixture_master_new(struct fixture *fixture)
{
	static const struct master_source_ops ops = {.ask = ask, .next = next, .free = free_master};
	struct fixture_master *master = xcalloc(1, sizeof *master);

	master->source.ops = &ops;
	master->fixture = fixture;
	fixture->asked_ms = 0;
	return &master->source;
}
