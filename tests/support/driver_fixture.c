/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/driver_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "protocol/answer.h"
#include "remote/transport_simulated.h"
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

/* ---- the hosts */

static struct fixture_exec *last_exec(struct fixture_host *host)
{
	return host->exec_count ? &host->execs[host->exec_count - 1] : NULL;
}

static size_t index_of(const struct fixture *fixture, const struct fixture_host *host)
{
	return (size_t)(host - fixture->hosts);
}

static void say_line(struct fixture *fixture, struct fixture_host *host, const char *line)
{
	if (last_exec(host)->open)
		transport_simulated_line(fixture->transport, last_exec(host)->exec, line);
}

static void hang_up(struct fixture *fixture, struct fixture_host *host, bool delivered, const char *lost)
{
	struct error error = ERROR_INIT;
	struct simulated_close close = {.exit_status = 1, .delivered = delivered, .end_of_stderr = "cut \xff\xc3"};

	if (!last_exec(host)->open)
		return;
	last_exec(host)->open = false;
	if (lost) {
		error_set(&error, ERROR_UNREACHABLE, "%s", lost);
		close.error = &error;
	}
	transport_simulated_closed(fixture->transport, last_exec(host)->exec, &close);
}

static void say(struct fixture *fixture, struct fixture_host *host, enum answer_event event)
{
	struct buffer line = BUFFER_INIT(ANSWER_LINE_MAX);
	struct answer answer;
	bool process = event == ANSWER_STARTED || event == ANSWER_DONE || event == ANSWER_UNDONE;

	memset(&answer, 0, sizeof answer);
	answer.event = event;
	answer.operation = xstrdup(last_exec(host)->request.operation);
	answer.kind = ERROR_CONFLICT;
	answer.fate = strcmp(host->operation, answer.operation) != 0 ? FATE_ABSENT
		      : host->step == HOST_KEPT                      ? FATE_DONE
		      : host->step == HOST_UNDONE                    ? FATE_UNDONE
								     : FATE_OPEN;
	answer.reason = event == ANSWER_UNDONE || event == ANSWER_REFUSED ? xstrdup("the reason why") : NULL;
	if (process && !(host->no_process && event != ANSWER_STARTED)) {
		const struct plan_agent *planned = &fixture->plan.agents[index_of(fixture, host)];

		answer.pid = 100 + host->changed;
		answer.start_ticks = 7;
		answer.restarted = true;
		answer.boot_id = xstrdup("boot");
		answer.info = slaveinfo_copy(host->is_new ? planned->after : planned->before);
		flags_set(&answer.flags, "attributes", host->is_new ? "rack:new" : "rack:old");
	} else if (process) {
		host->no_process = false;
	}
	answer_write(&answer, &line);
	line.data[line.len - 1] = '\0';
	say_line(fixture, host, line.data);
	buffer_clear(&line);
	answer_clear(&answer);
}

static void start(struct fixture *fixture, struct fixture_host *host, bool is_new)
{
	host->changed += is_new;
	host->is_new = is_new;
	host->active = true;
	host->reregistered_ns = fixture->now;
	host->step = is_new ? HOST_STARTED : HOST_UNDONE;
}

static void begin(struct fixture *fixture, struct fixture_host *host)
{
	snprintf(host->operation, sizeof host->operation, "%s", last_exec(host)->request.operation);
	host->step = HOST_STARTING;
	host->active = false;
	say(fixture, host, ANSWER_ACCEPTED);
}

static enum behaviour take_behaviour(struct fixture_host *host)
{
	enum behaviour behaviour = host->behaviour;

	if (host->once)
		host->behaviour = BEHAVES;
	return behaviour;
}

static void take_apply(struct fixture *fixture, struct fixture_host *host)
{
	enum behaviour behaviour = take_behaviour(host);

	if (behaviour == UNREACHABLE)
		hang_up(fixture, host, false, "connection refused");
	else if (behaviour == LOSES_REQUEST)
		hang_up(fixture, host, true, "connection reset");
	else if (behaviour == REFUSES)
		say(fixture, host, ANSWER_REFUSED);
	if (behaviour == UNREACHABLE || behaviour == LOSES_REQUEST || behaviour == REFUSES)
		return;
	begin(fixture, host);
	if (behaviour == LOSES_CONNECTION)
		hang_up(fixture, host, true, "connection reset");
	if (behaviour == TALKS_NONSENSE)
		say_line(fixture, host, "Segmentation fault");
	if (behaviour == TALKS_OF_OTHERS)
		say_line(fixture, host, "{\"event\":\"accepted\",\"operation\":\"ffffffffffffffffffffffffffffffff\"}");
	if (behaviour == REFUSES_LATER)
		say(fixture, host, ANSWER_REFUSED);
	if (behaviour == DIES_LOUDLY)
		hang_up(fixture, host, true, NULL);
	host->behaviour = behaviour == UNDOES || behaviour == SAYS_NOTHING ? behaviour : host->behaviour;
}

/* What is over is said at once, as agentctl does: the status and the final word. */
static void take_settle(struct fixture *fixture, struct fixture_host *host)
{
	say(fixture, host, ANSWER_STATUS);
	if (strcmp(host->operation, last_exec(host)->request.operation) != 0)
		hang_up(fixture, host, true, NULL);
	else if (host->step == HOST_KEPT || host->step == HOST_UNDONE)
		say(fixture, host, host->step == HOST_KEPT ? ANSWER_DONE : ANSWER_UNDONE);
	else if (host->step == HOST_STARTED)
		say(fixture, host, ANSWER_STARTED);
}

static void host_step(struct fixture *fixture, struct fixture_host *host)
{
	struct fixture_exec *exec = last_exec(host);

	if (host->step == HOST_STARTING && host->behaviour != SAYS_NOTHING) {
		start(fixture, host, host->behaviour != UNDOES);
		say(fixture, host, host->is_new ? ANSWER_STARTED : ANSWER_UNDONE);
	} else if (host->step == HOST_STARTED && exec->open && strstr(exec->received, "keep")) {
		host->step = HOST_KEPT;
		say(fixture, host, ANSWER_DONE);
	}
}

static void on_exec(void *ctx, const struct simulated_exec *simulated)
{
	struct fixture *fixture = ctx;
	struct fixture_host *host = &fixture->hosts[strtoul(simulated->target->name, NULL, 10)];
	const char *newline = memchr(simulated->input, '\n', simulated->len);
	size_t len = simulated->len - (size_t)(newline + 1 - (const char *)simulated->input);
	struct fixture_exec *exec;

	host->execs = xreallocarray(host->execs, host->exec_count + 1, sizeof *host->execs);
	exec = &host->execs[host->exec_count++];
	memset(exec, 0, sizeof *exec);
	exec->exec = simulated->exec;
	snprintf(exec->word, sizeof exec->word, "%s", simulated->word);
	exec->bytes = xstrndup(newline + 1, len);
	exec->received = xstrdup("");
	exec->open = true;
	assert_ok(request_parse(exec->bytes, len, &exec->request, &fixture->err), &fixture->err);
	if (fixture->on_exec)
		fixture->on_exec(fixture, host, exec);
	if (strcmp(exec->word, "apply") == 0)
		take_apply(fixture, host);
	else
		take_settle(fixture, host);
}

static struct fixture_exec *find_exec(struct fixture *fixture, uint64_t id)
{
	for (size_t i = 0; i < FIXTURE_AGENTS; i++) {
		struct fixture_exec *exec = last_exec(&fixture->hosts[i]);

		if (exec && exec->open && exec->exec == id)
			return exec;
	}
	return NULL;
}

static void on_received(void *ctx, uint64_t id, const char *text)
{
	struct fixture_exec *exec = find_exec(ctx, id);
	char *received = exec ? xasprintf("%s%s", exec->received, text) : NULL;

	if (!exec)
		return;
	free(exec->received);
	exec->received = received;
}

static void on_hung_up(void *ctx, uint64_t id)
{
	struct fixture_exec *exec = find_exec(ctx, id);

	if (exec)
		exec->open = false;
}

/* ---- the master: answers what was asked at the next look */

struct fixture_master {
	struct master_source source;
	struct fixture *fixture;
	uint64_t tag; /* 0: nothing was asked */
	int64_t asked_ms;
};

static struct master_snapshot *take_snapshot(const struct fixture *fixture)
{
	struct master_snapshot *snapshot = xcalloc(1, sizeof *snapshot);

	snapshot->master = xstrdup("http://master");
	snapshot->facts.id = xstrdup("M1");
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
	return snapshot;
}

static void ask(struct master_source *source, unsigned want, uint64_t tag)
{
	struct fixture_master *master = (struct fixture_master *)source;

	assert_true(want & WANT_AGENTS);
	assert_true(want & WANT_TASKS);
	assert_int_equal(master->tag, 0);
	master->tag = tag;
	master->asked_ms = master->fixture->now;
}

static bool next(struct master_source *source, struct master_event *event)
{
	struct fixture_master *master = (struct fixture_master *)source;

	if (!master->tag)
		return false;
	memset(event, 0, sizeof *event);
	event->tag = master->tag;
	master->tag = 0;
	if (master->fixture->master_fails) {
		error_set(&event->error, ERROR_UNREACHABLE, "http://master does not answer");
		return true;
	}
	event->snapshot = take_snapshot(master->fixture);
	event->snapshot->asked_ms = master->asked_ms;
	event->snapshot->answered_ms = master->fixture->now - master->fixture->answers_lie_about;
	return true;
}

static void free_master(struct master_source *source)
{
	free(source);
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
		host_step(fixture, &fixture->hosts[i]);
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

int fixture_drive(struct fixture *fixture)
{
	static const struct simulated_hosts hosts = {.exec = on_exec, .received = on_received, .hung_up = on_hung_up};
	static const struct master_source_ops ops = {.ask = ask, .next = next, .free = free_master};
	struct fixture_master *master = xcalloc(1, sizeof *master);
	struct driver_backends backends = {.ledger = fixture->ledger,
					   .monotonic_ms = now,
					   .wall_ms = wall,
					   .wait = wait,
					   .interrupts = count_interrupts,
					   .random_id = new_id,
					   .ctx = fixture};
	int result;

	master->source.ops = &ops;
	master->fixture = fixture;
	backends.master = &master->source;
	backends.transport = fixture->transport = transport_simulated_new(&hosts, fixture);
	error_clear(&fixture->err);
	result = driver_run(&fixture->plan, fixture->targets, FIXTURE_RUN, &backends, NULL, &fixture->err);
	assert_int_equal(transport_simulated_open(fixture->transport), 0);
	ledger_discard(fixture->ledger);
	transport_free(fixture->transport);
	master_source_free(&master->source);
	return result;
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
