/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture's hosts: what they say when they are asked something, and what they do meanwhile. */
#include "tests/support/driver_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "protocol/answer.h"
#include "tests/support/cmocka.h"

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
	answer.agent_said = host->agent_said ? xstrdup(host->agent_said) : NULL;
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
	if (behaviour == UNDOES || behaviour == UNDOES_LATE || behaviour == SAYS_NOTHING)
		host->behaviour = behaviour;
}

/* What is over is said at once, as agentctl does: the status and the final word. */
static void take_settle(struct fixture *fixture, struct fixture_host *host)
{
	if (host->read_only > 0) {
		host->read_only--;
		say_line(
			fixture, host,
			"{\"event\":\"refused\",\"kind\":\"system\",\"reason\":\"cannot lock it: Read-only file system\"}");
		return;
	}
	say(fixture, host, ANSWER_STATUS);
	if (strcmp(host->operation, last_exec(host)->request.operation) != 0)
		hang_up(fixture, host, true, NULL);
	else if (host->step == HOST_KEPT || host->step == HOST_UNDONE)
		say(fixture, host, host->step == HOST_KEPT ? ANSWER_DONE : ANSWER_UNDONE);
	else if (host->step == HOST_STARTED)
		say(fixture, host, ANSWER_STARTED);
}

void fixture_host_step(struct fixture *fixture, struct fixture_host *host)
{
	struct fixture_exec *exec = last_exec(host);

	if (host->step == HOST_STARTING && host->behaviour != SAYS_NOTHING) {
		start(fixture, host, host->behaviour != UNDOES);
		say(fixture, host, host->is_new ? ANSWER_STARTED : ANSWER_UNDONE);
	} else if (host->step == HOST_STARTED && exec->open && strstr(exec->received, "keep")) {
		if (host->behaviour == UNDOES_LATE)
			start(fixture, host, false);
		else
			host->step = HOST_KEPT;
		say(fixture, host, host->step == HOST_KEPT ? ANSWER_DONE : ANSWER_UNDONE);
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

const struct simulated_hosts fixture_simulated_hosts = {
	.exec = on_exec, .received = on_received, .hung_up = on_hung_up};
