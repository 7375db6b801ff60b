/* SPDX-License-Identifier: Apache-2.0 */
/* A sync from an answer that comes part by part: what is the same is not read, what is half changes nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

#define AGENTS 300

/* An answer: each agent's "bytes" are its number and its generation. */
struct answer {
	int generation[AGENTS]; /* 0: it is not listed */
	int twice;              /* this agent comes a second time; -1: none */
	int fails_at;           /* -1: it does not */
	int tasks;
	int parsed; /* counted */
	int reads;
};

struct fixture {
	char *folder;
	struct store *store;
	int64_t cluster;
	struct answer answer;
	struct agents_summary summary;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fleet_fixture_open(&fixture->folder, &fixture->store, &fixture->cluster);
	fixture->answer = (struct answer){.twice = -1, .fails_at = -1, .tasks = 20};
	for (int i = 0; i < AGENTS; i++)
		fixture->answer.generation[i] = 1;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

static int give_agent(struct answer *answer, int number, struct agents_sink *sink, struct error *err)
{
	char id[32], raw[64], attributes[64];
	const struct fleet_agent agent = {.id = id, .attributes = attributes};
	struct agent_view view;

	snprintf(id, sizeof(id), "m-S%d", number);
	snprintf(attributes, sizeof(attributes), "generation:g%d", answer->generation[number]);
	snprintf(raw, sizeof(raw), "%d/%d", number, answer->generation[number]);
	if (agents_sink_knows(sink, raw, strlen(raw)))
		return 0;
	answer->parsed++;
	fleet_view(&agent, &view);
	int result = agents_sink_agent(sink, &view, raw, strlen(raw), err);
	agent_view_clear(&view);
	return result;
}

static int give_task(int number, struct agents_sink *sink, struct error *err)
{
	char id[32], agent[32];
	const struct task_view task = {.id = id,
				       .name = (char *)(uintptr_t) "t",
				       .framework_id = (char *)(uintptr_t) "f",
				       .executor_id = (char *)(uintptr_t) "",
				       .agent_id = agent,
				       .state = (char *)(uintptr_t) "TASK_RUNNING",
				       .reason = (char *)(uintptr_t) ""};

	snprintf(id, sizeof(id), "t%d", number);
	snprintf(agent, sizeof(agent), "m-S%d", number % 3);
	return agents_sink_task(sink, &task, err);
}

static int give(void *ctx, struct agents_sink *sink, struct error *err)
{
	struct answer *answer = ctx;
	int result = 0;

	answer->reads++;
	for (int i = 0; i < AGENTS && result == 0; i++) {
		if (i == answer->fails_at)
			return error_set(err, ERROR_CORRUPT, "half an answer");
		if (answer->generation[i])
			result = give_agent(answer, i, sink, err);
		if (i == answer->twice && result == 0)
			result = give_agent(answer, i, sink, err);
	}
	for (int i = 0; i < answer->tasks && result == 0; i++)
		result = give_task(i, sink, err);
	return result;
}

static int sync_with(struct fixture *fixture, const char *hash)
{
	struct agents_feed feed = {.master = "http://m", .read = give, .ctx = &fixture->answer};
	static int64_t now = 1000000;

	fixture->answer.parsed = fixture->answer.reads = 0;
	fixture->summary = (struct agents_summary){.total = 0};
	feed.hash = (const unsigned char *)hash;
	return agents_sync_feed(fixture->store, fixture->cluster, &feed, now++, &fixture->summary, &fixture->err);
}

static int64_t count(struct fixture *fixture, const char *sql)
{
	int64_t found = -1;

	assert_int_equal(store_find_int(fixture->store, &found, &fixture->err, sql, ""), 1);
	return found;
}

#define LISTED "SELECT count(*) FROM agents WHERE gone_ms IS NULL"
#define TASKS  "SELECT count(*) FROM tasks"

static void test_only_what_changed_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct answer *answer = &fixture->answer;

	assert_ok(sync_with(fixture, "0123456789abcdef"), &fixture->err);
	assert_int_equal(fixture->summary.added, AGENTS);
	assert_int_equal(answer->parsed, AGENTS);

	/* The whole answer is the same: nobody even looks at it. */
	assert_ok(sync_with(fixture, "0123456789abcdef"), &fixture->err);
	assert_int_equal(answer->reads, 0);
	assert_int_equal(fixture->summary.unchanged, AGENTS);
	assert_int_equal(fixture->summary.tasks, 20);

	/* Some agents are not. */
	for (int i = 0; i < AGENTS; i += 100)
		answer->generation[i] = 2;
	answer->tasks = 5;
	assert_ok(sync_with(fixture, "another answer.."), &fixture->err);
	assert_int_equal(answer->parsed, 3);
	assert_int_equal(fixture->summary.changed, 3);
	assert_int_equal(fixture->summary.unchanged, AGENTS - 3);
	assert_int_equal(count(fixture, "SELECT count(*) FROM agent_states"), 3);
	assert_int_equal(count(fixture, TASKS), 5);

	/* Without hashes everything is read, and nothing is found. */
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	assert_int_equal(answer->reads, 1);
	assert_int_equal(answer->parsed, 0);
	assert_int_equal(fixture->summary.unchanged, AGENTS);
	assert_ok(sync_with(fixture, "another answer.."), &fixture->err);
	assert_int_equal(answer->reads, 1); /* the sync before it did not know what it saw */
}

static void test_gone_and_back_in_the_same_bytes(void **state)
{
	struct fixture *fixture = *state;
	struct answer *answer = &fixture->answer;

	assert_ok(sync_with(fixture, NULL), &fixture->err);
	answer->generation[7] = 0;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	assert_int_equal(fixture->summary.gone, 1);
	assert_int_equal(count(fixture, LISTED), AGENTS - 1);
	answer->generation[7] = 1;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	assert_int_equal(answer->parsed, 1);
	assert_int_equal(fixture->summary.returned, 1);
	assert_int_equal(count(fixture, LISTED), AGENTS);
}

static void test_half_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct answer *answer = &fixture->answer;

	assert_ok(sync_with(fixture, "0123456789abcdef"), &fixture->err);
	for (int i = 0; i < AGENTS; i++)
		answer->generation[i] = i % 2 ? 3 : 0;
	answer->fails_at = AGENTS - 1;
	assert_int_equal(sync_with(fixture, "another answer.."), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "half an answer");
	assert_int_equal(count(fixture, LISTED), AGENTS);
	assert_int_equal(count(fixture, "SELECT count(*) FROM agent_states"), 0);
	assert_int_equal(count(fixture, "SELECT count(*) FROM agents WHERE agent_attribute('generation', info) = 'g3'"),
			 0);

	/* And the next whole one is read in full. */
	answer->fails_at = -1;
	assert_ok(sync_with(fixture, "another answer.."), &fixture->err);
	assert_int_equal(fixture->summary.changed, AGENTS / 2);
	assert_int_equal(fixture->summary.gone, AGENTS / 2);
}

/* New, known by its bytes, and known but changed. */
static void test_twice(void **state)
{
	struct fixture *fixture = *state;
	struct answer *answer = &fixture->answer;

	answer->twice = 5;
	assert_int_equal(sync_with(fixture, NULL), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S5 twice");
	assert_int_equal(count(fixture, LISTED), 0);
	answer->twice = -1;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	answer->twice = 5;
	assert_int_equal(sync_with(fixture, NULL), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S5 twice");
	answer->generation[5] = 2;
	assert_int_equal(sync_with(fixture, NULL), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S5 twice");
	answer->twice = -1;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	assert_int_equal(fixture->summary.changed, 1);
}

#define INDEXES "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'agents'"

static void check_whole(struct fixture *fixture, int64_t indexes)
{
	char *said = NULL;

	assert_int_equal(count(fixture, INDEXES), indexes);
	assert_int_equal(store_find_text(fixture->store, &said, &fixture->err, "PRAGMA integrity_check", ""), 1);
	assert_string_equal(said, "ok");
	free(said);
}

/* The indexes of an empty table are made at the end; they are there whatever becomes of the answer. */
static void test_first_fleet(void **state)
{
	struct fixture *fixture = *state;
	struct answer *answer = &fixture->answer;
	int64_t indexes = count(fixture, INDEXES), first = fixture->cluster;

	assert_true(indexes > 0);
	answer->fails_at = AGENTS / 2;
	assert_int_equal(sync_with(fixture, NULL), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "half an answer");
	check_whole(fixture, indexes);
	answer->fails_at = -1;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	check_whole(fixture, indexes);

	/* The first fleet of another cluster comes to a table that is not empty. */
	assert_ok(cluster_id(fixture->store, "other", &fixture->cluster, &fixture->err), &fixture->err);
	answer->twice = AGENTS - 1;
	assert_int_equal(sync_with(fixture, NULL), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "lists agent m-S299 twice");
	assert_int_equal(count(fixture, LISTED), AGENTS);
	answer->twice = -1;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	assert_int_equal(fixture->summary.added, AGENTS);
	assert_int_equal(count(fixture, LISTED), 2 * AGENTS);
	check_whole(fixture, indexes);
	fixture->cluster = first;
	assert_ok(sync_with(fixture, NULL), &fixture->err);
	assert_int_equal(fixture->summary.unchanged, AGENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_what_changed_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_and_back_in_the_same_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_fleet, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
