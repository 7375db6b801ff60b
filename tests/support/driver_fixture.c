/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/driver_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

/* ---- the plan */

static Mesos__SlaveInfo *make_info(const char *attributes, const char *id)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", "cpus:4;mem:4096;disk:10000;ports:[31000-32000]");
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (!info)
		fail_msg("%s", err.text);
	slaveinfo_set_id(info, id);
	flags_clear(&flags);
	return info;
}

static void fill_plan(struct fixture *fixture)
{
	struct plan *plan = &fixture->plan;

	plan_init(plan);
	plan->options = engine_default_options;
	plan->agent_count = FIXTURE_AGENTS;
	plan->agents = xcalloc(FIXTURE_AGENTS, sizeof *plan->agents);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		struct plan_agent *agent = &plan->agents[i];

		agent->agent_id = xasprintf("agent-S%zu", i);
		agent->hostname = xstrdup("host");
		agent->ip = xasprintf("10.0.0.%zu", i);
		agent->port = 5051;
		host_settings_init(&agent->host);
		agent->mechanism = MECHANISM_RELAX;
		agent->before = make_info("rack:old", agent->agent_id);
		agent->after = make_info("rack:new", agent->agent_id);
		agent->edits = xcalloc(1, sizeof *agent->edits);
		agent->edits[agent->edit_count++] = (struct flag_edit){.name = xstrdup("attributes"),
								       .value = xstrdup("rack:new")};
		flags_set(&agent->before_flags, "attributes", "rack:old");
		snprintf(fixture->names[i], sizeof fixture->names[i], "%zu", i);
		fixture->targets[i] = (struct transport_target){.name = fixture->names[i], .address = agent->ip};
	}
}

static void make_run(struct fixture *fixture)
{
	struct run_row run = {.id = (char *)(uintptr_t)FIXTURE_RUN,
			      .plan = (char *)(uintptr_t) "plan",
			      .state = (char *)(uintptr_t) "running"};

	ledger_put_run(fixture->ledger, &run);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		struct run_agent row = {.run = run.id,
					.position = (int64_t)i,
					.agent_id = fixture->plan.agents[i].agent_id,
					.hostname = fixture->plan.agents[i].hostname,
					.state = (char *)(uintptr_t) "waiting"};

		ledger_put_agent(fixture->ledger, &row);
	}
	assert_ok(ledger_commit(fixture->ledger, &fixture->err), &fixture->err);
}

/* ---- the driver's backends */

static int64_t now(void *ctx)
{
	const struct fixture *fixture = ctx;

	return fixture->now;
}

static int64_t wall(void *ctx)
{
	const struct fixture *fixture = ctx;

	return 1700000000000 + fixture->now;
}

static int wait(void *ctx, int64_t timeout_ms)
{
	struct fixture *fixture = ctx;

	assert_in_range(timeout_ms, 0, 1000);
	fixture->now += timeout_ms > 0 && timeout_ms < 100 ? timeout_ms : 100;
	if (fixture->now > 24 * 3600 * 1000)
		fail_msg("the run does not end");
	if (fixture->on_wait)
		fixture->on_wait(fixture);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++)
		fixture_host_step(fixture, &fixture->hosts[i]);
	return 0;
}

static int count_interrupts(void *ctx)
{
	const struct fixture *fixture = ctx;

	return fixture->interrupts;
}

static void new_id(void *ctx, char out[RANDOM_ID_SIZE])
{
	struct fixture *fixture = ctx;

	snprintf(out, RANDOM_ID_SIZE, "%032d", ++fixture->ids);
}

/* ---- for tests */

void fixture_open(struct fixture *fixture)
{
	memset(fixture, 0, sizeof *fixture);
	fixture->now = 1000;
	fill_plan(fixture);
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		fixture->hosts[i].active = true;
		fixture->hosts[i].reregistered_ns = 1;
	}
	fixture->ledger = ledger_open_memory("00000000-0000-4000-8000-000000000000");
	make_run(fixture);
}

void fixture_close(struct fixture *fixture)
{
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		for (size_t j = 0; j < fixture->hosts[i].exec_count; j++) {
			request_clear(&fixture->hosts[i].execs[j].request);
			free(fixture->hosts[i].execs[j].bytes);
			free(fixture->hosts[i].execs[j].received);
		}
		free(fixture->hosts[i].execs);
	}
	ledger_close(fixture->ledger);
	plan_clear(&fixture->plan);
}

static void start_gate(void *ctx, uint64_t tag, const struct gate_question *question)
{
	struct fixture *fixture = ctx;

	fixture->gates_asked++;
	assert_true(fixture->gate_count < FIXTURE_GATES);
	fixture->gate_tags[fixture->gate_count++] = tag;
	if (fixture->on_gate)
		fixture->on_gate(fixture, question);
}

static bool next_gate(void *ctx, struct gate_result *out)
{
	struct fixture *fixture = ctx;

	if (fixture->gate_count == 0 || fixture->gates_silent)
		return false;
	*out = (struct gate_result){.tag = fixture->gate_tags[--fixture->gate_count],
				    .answer = fixture->gate_answer,
				    .seen = xstrdup("what was \033 seen")};
	return true;
}

static void cancel_gate(void *ctx, uint64_t tag)
{
	struct fixture *fixture = ctx;

	for (size_t i = fixture->gate_count; i-- > 0;)
		if (fixture->gate_tags[i] == tag)
			fixture->gate_tags[i] = fixture->gate_tags[--fixture->gate_count];
}

int fixture_drive(struct fixture *fixture)
{
	struct driver_backends backends = {.ledger = fixture->ledger,
					   .settles = fixture->settles,
					   .monotonic_ms = now,
					   .wall_ms = wall,
					   .wait = wait,
					   .interrupts = count_interrupts,
					   .random_id = new_id,
					   .gate_start = start_gate,
					   .gate_next = next_gate,
					   .gate_cancel = cancel_gate,
					   .ctx = fixture};
	int result;

	backends.master = fixture_master_new(fixture);
	backends.transport = fixture->transport = transport_simulated_new(&fixture_simulated_hosts, fixture);
	fixture->gate_count = 0;
	error_clear(&fixture->err);
	result = driver_run(&fixture->plan, fixture->targets, FIXTURE_RUN, &backends, NULL, &fixture->err);
	assert_int_equal(transport_simulated_open(fixture->transport), 0);
	assert_int_equal(fixture->gate_count, 0);
	ledger_discard(fixture->ledger);
	transport_free(fixture->transport);
	master_source_free(backends.master);
	return result;
}

struct crash {
	int at, calls;
};

static int crash_there(void *ctx, bool durable)
{
	struct crash *crash = ctx;

	(void)durable;
	return crash->calls++ == crash->at ? -1 : 0;
}

bool fixture_drive_until(struct fixture *fixture, int at)
{
	struct crash crash = {.at = at};

	ledger_set_commit_hook(fixture->ledger, crash_there, &crash);
	bool whole = fixture_drive(fixture) == 0;
	ledger_set_commit_hook(fixture->ledger, NULL, NULL);
	return whole;
}

struct run_agent fixture_row(struct fixture *fixture, size_t agent)
{
	struct run_agent *rows = NULL, row;
	size_t count = 0;

	assert_ok(ledger_load_agents(fixture->ledger, FIXTURE_RUN, &rows, &count, &fixture->err), &fixture->err);
	row = rows[agent];
	memset(&rows[agent], 0, sizeof rows[agent]);
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&rows[i]);
	free(rows);
	return row;
}

struct run_row fixture_run(struct fixture *fixture)
{
	struct run_row run;

	assert_ok(ledger_load_run(fixture->ledger, FIXTURE_RUN, &run, &fixture->err), &fixture->err);
	return run;
}

size_t fixture_count(const struct fixture *fixture, const char *word)
{
	size_t count = 0;

	for (size_t i = 0; i < FIXTURE_AGENTS; i++)
		for (size_t j = 0; j < fixture->hosts[i].exec_count; j++)
			count += strcmp(fixture->hosts[i].execs[j].word, word) == 0;
	return count;
}

void fixture_expect_state(struct fixture *fixture, size_t agent, const char *state)
{
	struct run_agent row = fixture_row(fixture, agent);

	assert_string_equal(row.state, state);
	run_agent_clear(&row);
}

void fixture_expect_error(struct fixture *fixture, size_t agent, const char *words)
{
	struct run_agent row = fixture_row(fixture, agent);

	assert_non_null(row.error);
	assert_text_has(row.error, words);
	run_agent_clear(&row);
}

void fixture_expect_run(struct fixture *fixture, const char *state, const char *reason)
{
	struct run_row run = fixture_run(fixture);

	assert_string_equal(run.state, state);
	if (reason)
		assert_text_has(run.reason, reason);
	else
		assert_null(run.reason);
	run_row_clear(&run);
}

void fixture_expect_done(struct fixture *fixture)
{
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		struct run_agent row = fixture_row(fixture, i);

		assert_string_equal(row.state, "done");
		assert_null(row.error);
		assert_text_has(row.proof, "\"result\":\"pass\"");
		assert_int_not_equal(row.away_until_ms, 0);
		assert_int_equal(fixture->hosts[i].changed, 1);
		run_agent_clear(&row);
	}
	fixture_expect_run(fixture, "done", NULL);
	assert_int_equal(ledger_verify(fixture->ledger, NULL, NULL), 0);
}

const struct fixture_exec *fixture_exec(const struct fixture *fixture, size_t agent, size_t n)
{
	assert_true(n < fixture->hosts[agent].exec_count);
	return &fixture->hosts[agent].execs[n];
}
