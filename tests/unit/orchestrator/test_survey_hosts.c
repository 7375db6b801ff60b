/* SPDX-License-Identifier: Apache-2.0 */
/* Asking many hosts at once, over simulated ones: how many at a time, and what becomes of every kind of answer. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/survey_hosts.h"
#include "protocol/request.h"
#include "remote/transport_simulated.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

#define AGENTS 12

struct fixture {
	char *folder;
	struct session session;
	struct agent_list agents;
	struct error err;

	/* the simulated hosts */
	uint64_t execs[AGENTS * 2];
	size_t started;
	size_t answered;
	size_t most_open;
	size_t hung_up;
	char *last_address;
	char *last_input;
	void (*behave)(struct fixture *fixture, uint64_t exec); /* NULL: wait until the window is full */

	/* what the watch was told */
	size_t told;
	struct survey_counts last_counts;
};

static void host_exec(void *ctx, const struct simulated_exec *exec)
{
	struct fixture *fixture = ctx;
	size_t open;

	assert_string_equal(exec->word, "inspect");
	fixture->execs[fixture->started++] = exec->exec;
	free(fixture->last_address);
	fixture->last_address = xstrdup(exec->target->address);
	free(fixture->last_input);
	fixture->last_input = xstrndup(exec->input, exec->len);
	open = fixture->started - fixture->answered;
	if (open > fixture->most_open)
		fixture->most_open = open;
	fixture->behave(fixture, exec->exec);
}

static void host_received(void *ctx, uint64_t exec, const char *text)
{
	(void)ctx, (void)exec;
	fail_msg("inspect was told: %s", text);
}

static void host_hung_up(void *ctx, uint64_t exec)
{
	(void)exec;
	((struct fixture *)ctx)->hung_up++;
}

static const struct simulated_hosts hosts = {.exec = host_exec, .received = host_received, .hung_up = host_hung_up};

static const char cluster_text[] = "{\"clusters\": {\"lab\": {\"masters\": [\"http://127.0.0.1:1\"], \"hosts\": ["
				   "{\"match\": \"id = m-S03\", \"root\": \"/hosts/${zone}\"},"
				   "{\"match\": \"id = m-S00\", \"address\": \"admin.${hostname}\"}]}}}";

static void make_fleet(struct fixture *fixture, int64_t cluster)
{
	struct fleet_agent fleet[AGENTS];
	char ids[AGENTS][16];

	for (size_t i = 0; i < AGENTS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m-S%02zu", i);
		fleet[i] = (struct fleet_agent){.id = ids[i]};
	}
	fleet_sync(fixture->session.store, cluster, fleet, AGENTS);
	assert_ok(agents_load(fixture->session.store, cluster, NULL, &fixture->agents, &fixture->err), &fixture->err);
}

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct session *session = &fixture->session;
	int64_t cluster = 0;

	fixture->folder = scratch_new();
	session_init(session);
	session->config_path = scratch_write(fixture->folder, "rollcall.json", cluster_text);
	session->database_path = path_join(fixture->folder, "rollcall.db");
	if (!session_new_store(session) || session_cluster_id(session, &cluster) < 0)
		fail_msg("%s", session->error.text);
	make_fleet(fixture, cluster);
	session->transport = transport_simulated_new(&hosts, fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	agent_list_clear(&fixture->agents);
	session_close(&fixture->session);
	scratch_remove(fixture->folder);
	free(fixture->last_address);
	free(fixture->last_input);
	free(fixture);
	return 0;
}

static void close_exec(struct fixture *fixture, uint64_t exec, int status, const struct error *error, const char *said)
{
	const struct simulated_close close = {
		.exit_status = status, .delivered = true, .error = error, .end_of_stderr = said};

	fixture->answered++;
	transport_simulated_closed(fixture->session.transport, exec, &close);
}

/* A good answer, on several lines, from whoever is the n-th to be asked. */
static void answer_well(struct fixture *fixture, uint64_t exec)
{
	transport_simulated_connected(fixture->session.transport, exec, "SHA256:key");
	transport_simulated_line(fixture->session.transport, exec, "{\"format\": 1,");
	transport_simulated_line(fixture->session.transport, exec, "\"agent\": {\"running\": true}}");
	close_exec(fixture, exec, 0, NULL, NULL);
}

static void watch_host(void *ctx, const struct agent_record *agent, const struct survey *survey,
		       const struct error *failure, const struct survey_counts *so_far)
{
	struct fixture *fixture = ctx;

	assert_non_null(agent);
	assert_true((survey == NULL) != (failure == NULL));
	fixture->told++;
	fixture->last_counts = *so_far;
}

static void run(struct fixture *fixture, size_t parallel, struct survey_counts *counts)
{
	const struct survey_watch watch = {.host = watch_host, .ctx = fixture};

	if (survey_hosts(&fixture->session, &fixture->agents, parallel, &watch, counts) < 0)
		fail_msg("%s", fixture->session.error.text);
	assert_int_equal(fixture->told, fixture->agents.count);
	assert_int_equal(counts->surveyed + counts->failed, counts->total);
	assert_memory_equal(counts, &fixture->last_counts, sizeof(*counts));
	assert_int_equal(transport_simulated_open(fixture->session.transport), 0);
	assert_false(store_in_transaction(fixture->session.store));
}

static struct survey_record load(struct fixture *fixture, size_t agent)
{
	struct survey_record record = {.time_ms = 0};

	assert_int_equal(survey_load(fixture->session.store, fixture->agents.items[agent].row, &record, &fixture->err),
			 1);
	return record;
}

/* ---- tests */

static void test_everybody_answers(void **state)
{
	struct fixture *fixture = *state;
	struct survey_counts counts;
	struct survey_record record;

	fixture->behave = answer_well;
	/* One agent needs a zone that it does not have: its own failure, without a connection. */
	run(fixture, 4, &counts);
	assert_int_equal(counts.total, AGENTS);
	assert_int_equal(counts.surveyed, AGENTS - 1);
	assert_int_equal(fixture->started, AGENTS - 1);
	record = load(fixture, 0);
	assert_string_equal(record.document, "{\"format\": 1,\n\"agent\": {\"running\": true}}\n");
	assert_string_equal(record.host_key, "SHA256:key");
	assert_true(record.time_ms > 0 && record.failed_ms == 0);
	survey_record_clear(&record);
	record = load(fixture, 3);
	assert_string_equal(record.failure_kind, "usage");
	assert_text_has(record.failure, "clusters.lab.hosts[0]: root: agent m-S03 (m-S03) has no domain");
	survey_record_clear(&record);
}

static void test_request(void **state)
{
	struct fixture *fixture = *state;
	struct survey_counts counts;
	struct request request;
	const char *body;

	fixture->behave = answer_well;
	fixture->agents.count = 1;
	run(fixture, 1, &counts);
	assert_string_equal(fixture->last_address, "admin.m-S00");
	assert_int_equal(strncmp(fixture->last_input, "rollcall 1 ", 11), 0);
	body = strchr(fixture->last_input, '\n') + 1;
	assert_ok(request_parse(body, strlen(body), &request, &fixture->err), &fixture->err);
	assert_int_equal(request.kind, REQUEST_INSPECT);
	assert_string_equal(request.host.root, "/");
	request_clear(&request);
	fixture->agents.count = AGENTS;
}

/* Hosts that answer only when as many as allowed are waiting: the window is filled, and never more than that. */
static void answer_when_full(struct fixture *fixture, uint64_t exec)
{
	(void)exec;
	if (fixture->started - fixture->answered < 3 && fixture->started < AGENTS - 1)
		return;
	while (fixture->answered < fixture->started)
		answer_well(fixture, fixture->execs[fixture->answered]);
}

static void test_window(void **state)
{
	struct fixture *fixture = *state;
	struct survey_counts counts;

	fixture->behave = answer_when_full;
	run(fixture, 3, &counts);
	assert_int_equal(counts.surveyed, AGENTS - 1);
	assert_int_equal(fixture->most_open, 3);
}

/* Every way not to answer, one per host. */
static void answer_badly(struct fixture *fixture, uint64_t exec)
{
	struct transport *transport = fixture->session.transport;
	struct error lost = ERROR_INIT;

	switch (fixture->started - 1) {
	case 0:
		error_set(&lost, ERROR_UNREACHABLE, "connection refused");
		close_exec(fixture, exec, -1, &lost, NULL);
		break;
	case 1:
		close_exec(fixture, exec, 2, NULL, "agentctl: no such flag store");
		break;
	case 2:
		close_exec(fixture, exec, 3, NULL, "");
		break;
	case 3:
		close_exec(fixture, exec, 0, NULL, NULL); /* nothing said */
		break;
	case 4:
		transport_simulated_line(transport, exec, "Welcome to this host!");
		close_exec(fixture, exec, 0, NULL, NULL);
		break;
	case 5:
		transport_simulated_line(transport, exec, "{\"format\": 1, \"agent\": {\"id\": \"m-S99\"}}");
		close_exec(fixture, exec, 0, NULL, NULL);
		break;
	case 6:
		transport_simulated_line(transport, exec,
					 "{\"format\": 1, \"agent\": {}}"); /* good, but then it failed */
		close_exec(fixture, exec, 70, NULL, "bug");
		break;
	default:
		answer_well(fixture, exec);
	}
}

static void check_failure(struct fixture *fixture, size_t agent, const char *kind, const char *words)
{
	struct survey_record record = load(fixture, agent);

	assert_int_equal(record.time_ms, 0);
	assert_non_null(record.failure);
	assert_string_equal(record.failure_kind, kind);
	assert_text_has(record.failure, words);
	survey_record_clear(&record);
}

static void test_every_kind_of_failure(void **state)
{
	struct fixture *fixture = *state;
	struct survey_counts counts;

	fixture->behave = answer_badly;
	run(fixture, 1, &counts);
	assert_int_equal(counts.failed, 8); /* and the one whose settings cannot be made */
	check_failure(fixture, 0, "unreachable", "connection refused");
	check_failure(fixture, 1, "usage", "agentctl inspect ended with status 2: agentctl: no such flag store");
	check_failure(fixture, 2, "refused", "agentctl inspect ended with status 3");
	check_failure(fixture, 4, "corrupt", "agentctl's answer:");
	check_failure(fixture, 5, "corrupt", "agentctl's answer:1:");
	check_failure(fixture, 6, "conflict", "the agent on this host is m-S99, not m-S06");
	check_failure(fixture, 7, "system", "status 70: bug");
}

static void say_nothing(struct fixture *fixture, uint64_t exec)
{
	transport_simulated_connected(fixture->session.transport, exec, "SHA256:key");
}

static void test_silent_hosts(void **state)
{
	struct fixture *fixture = *state;
	struct survey_counts counts;

	fixture->behave = say_nothing;
	fixture->session.survey_timeout_ms = 30;
	run(fixture, 6, &counts);
	assert_int_equal(counts.surveyed, 0);
	assert_int_equal(counts.reached, AGENTS - 1);
	assert_int_equal(fixture->hung_up, AGENTS - 1);
	check_failure(fixture, 1, "unreachable", "no answer within 0.0 s");
}

/* The database goes away in the middle: that is the command's own failure, and no connection stays. */
static void break_database(struct fixture *fixture, uint64_t exec)
{
	if (fixture->started == 3)
		assert_ok(store_run(fixture->session.store, &fixture->err, "DROP TABLE surveys", ""), &fixture->err);
	answer_well(fixture, exec);
}

static void test_database_fails(void **state)
{
	struct fixture *fixture = *state;
	struct survey_counts counts = {.total = 4711};

	fixture->behave = break_database;
	assert_int_equal(survey_hosts(&fixture->session, &fixture->agents, 1, NULL, &counts), -1);
	assert_int_equal(counts.total, 4711);
	assert_error(&fixture->session.error, ERROR_BUG, "no such table");
	assert_false(store_in_transaction(fixture->session.store));
	assert_int_equal(transport_simulated_open(fixture->session.transport), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everybody_answers),     TEST(test_request),      TEST(test_window),
		TEST(test_every_kind_of_failure), TEST(test_silent_hosts), TEST(test_database_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
