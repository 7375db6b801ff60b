/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger, over the store and in memory: what is committed is there, what is not is not, and the chain holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/store.h"
#include "orchestrator/ledger/ledger.h"
#include "tests/support/ledger_fixture.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static int set_up_memory(void **state)
{
	*state = ledger_open_memory("0123456789abcdef0123456789abcdef");
	return 0;
}

static int tear_down_memory(void **state)
{
	ledger_close(*state);
	return 0;
}

/* ---- both peers */

static void check_rows_come_back(struct ledger *ledger)
{
	struct error err = ERROR_INIT;
	struct run_row run;
	struct run_agent *agents;
	size_t count;
	start_a_run(ledger);
	struct run_agent changed = an_agent(0, "done");
	changed.operation = (char *)(uintptr_t) "0123";
	changed.request = (char *)(uintptr_t) "{\"a\": \"ä\"}";
	changed.before = (char *)(uintptr_t) "{}";
	changed.epoch = 9;
	changed.away_from_ms = 5;
	changed.away_until_ms = 8;
	ledger_put_agent(ledger, &changed);
	assert_int_equal(ledger_commit(ledger, &err), 0);

	assert_int_equal(ledger_load_run(ledger, a_run.id, &run, &err), 0);
	assert_string_equal(run.plan, a_plan.hash);
	assert_string_equal(run.state, "running");
	assert_null(run.reason);
	assert_int_equal(run.created_ms, 1000);
	assert_int_equal(run.finished_ms, 0);
	run_row_clear(&run);

	assert_int_equal(ledger_load_agents(ledger, a_run.id, &agents, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(agents[0].agent_id, "S0");
	assert_string_equal(agents[0].state, "done");
	assert_string_equal(agents[0].operation, "0123");
	assert_string_equal(agents[0].request, "{\"a\": \"ä\"}");
	assert_string_equal(agents[0].before, "{}");
	assert_null(agents[0].proof);
	assert_int_equal(agents[0].epoch, 9);
	assert_int_equal(agents[0].away_from_ms, 5);
	assert_int_equal(agents[0].away_until_ms, 8);
	assert_string_equal(agents[1].agent_id, "S1");
	assert_string_equal(agents[1].state, "waiting");
	assert_null(agents[1].operation);
	for (size_t i = 0; i < count; i++)
		run_agent_clear(&agents[i]);
	free(agents);
}

static void check_the_chain_grows(struct ledger *ledger)
{
	struct error err = ERROR_INIT;
	char first[DIGEST_HEX_SIZE];
	int64_t checked;
	assert_string_equal(ledger_head(ledger), ZEROS);
	start_a_run(ledger);
	snprintf(first, sizeof(first), "%s", ledger_head(ledger));
	assert_string_not_equal(first, ZEROS);
	ledger_event(ledger, "agent", a_run.id, "S0", NULL);
	ledger_event(ledger, "agent", a_run.id, "S0", NULL);
	assert_string_equal(ledger_head(ledger), first);
	assert_int_equal(ledger_commit(ledger, &err), 0);
	assert_string_not_equal(ledger_head(ledger), first);
	assert_int_equal(ledger_verify(ledger, &checked, &err), 0);
	assert_int_equal(checked, 3);
}

static void check_unknown_run(struct ledger *ledger)
{
	struct error err = ERROR_INIT;
	struct run_row run;
	assert_int_equal(ledger_load_run(ledger, "r-20260101-9", &run, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.text, "r-20260101-9"));
}

static void check_epochs_only_grow(struct ledger *ledger)
{
	struct error err = ERROR_INIT;
	start_a_run(ledger);
	int64_t first = ledger_new_epoch(ledger, a_run.id, &err);
	int64_t second = ledger_new_epoch(ledger, a_run.id, &err);
	assert_true(first > 0);
	assert_true(second > first);
	assert_int_equal(ledger_verify(ledger, NULL, &err), 0);
}

static int64_t a_fixed_time(void *ctx)
{
	(void)ctx;
	return 1234567890123;
}

static void check_hash_is_the_documented_one(struct ledger *ledger)
{
	static const char bytes[] = "64:" ZEROS "1:113:1234567890123";
	struct error err = ERROR_INIT;
	struct digest_state digest;
	unsigned char raw[DIGEST_SIZE];
	char expected[DIGEST_HEX_SIZE];
	const char *actor = strcmp(ledger_database(ledger), "0123456789abcdef0123456789abcdef") == 0 ? "9:simulator"
												     : "11:tester@here";
	ledger_set_clock(ledger, a_fixed_time, NULL);
	ledger_event(ledger, "note", NULL, "", json_pack("{s:i}", "n", 1));
	assert_int_equal(ledger_commit(ledger, &err), 0);
	digest_start(&digest);
	digest_add(&digest, bytes, sizeof(bytes) - 1);
	digest_add(&digest, actor, strlen(actor));
	digest_add(&digest, "-0:4:note7:{\"n\":1}", strlen("-0:4:note7:{\"n\":1}"));
	digest_finish(&digest, raw);
	hex_encode(raw, sizeof(raw), expected);
	assert_string_equal(ledger_head(ledger), expected);
}

struct death {
	bool durable;
	int calls;
};

static int die(void *ctx, bool durable)
{
	struct death *death = ctx;
	death->calls++;
	return durable == death->durable ? -1 : 0;
}

static void check_death_at_a_commit(struct ledger *ledger, bool durable)
{
	struct error err = ERROR_INIT;
	struct death death = {.durable = durable};
	struct run_row run;
	start_a_run(ledger);
	struct run_row paused = a_run;
	paused.state = (char *)(uintptr_t) "paused";
	ledger_set_commit_hook(ledger, die, &death);
	ledger_put_run(ledger, &paused);
	assert_int_equal(ledger_commit(ledger, &err), -1);
	assert_int_equal(death.calls, durable ? 2 : 1);
	ledger_set_commit_hook(ledger, NULL, NULL);
	/* Nothing of it may come along with the next commit. */
	error_clear(&err);
	ledger_event(ledger, "note", NULL, NULL, NULL);
	assert_int_equal(ledger_commit(ledger, &err), 0);
	assert_int_equal(ledger_load_run(ledger, a_run.id, &run, &err), 0);
	assert_string_equal(run.state, durable ? "paused" : "running");
	run_row_clear(&run);
}

static void check_discard(struct ledger *ledger)
{
	struct error err = ERROR_INIT;
	int64_t checked;
	start_a_run(ledger);
	ledger_event(ledger, "note", NULL, NULL, NULL);
	ledger_discard(ledger);
	assert_int_equal(ledger_commit(ledger, &err), 0);
	assert_int_equal(ledger_verify(ledger, &checked, &err), 0);
	assert_int_equal(checked, 1);
}

#define BOTH(name, call)                                                                                               \
	static void name##_store(void **state)                                                                         \
	{                                                                                                              \
		struct ledger *ledger = ((struct ledger_fixture *)*state)->ledger;                                     \
		call;                                                                                                  \
	}                                                                                                              \
	static void name##_memory(void **state)                                                                        \
	{                                                                                                              \
		struct ledger *ledger = *state;                                                                        \
		call;                                                                                                  \
	}

BOTH(rows_come_back, check_rows_come_back(ledger))
BOTH(the_chain_grows, check_the_chain_grows(ledger))
BOTH(unknown_run, check_unknown_run(ledger))
BOTH(epochs_only_grow, check_epochs_only_grow(ledger))
BOTH(hash_is_the_documented_one, check_hash_is_the_documented_one(ledger))
BOTH(death_before_a_commit, check_death_at_a_commit(ledger, false))
BOTH(death_after_a_commit, check_death_at_a_commit(ledger, true))
BOTH(discard, check_discard(ledger))

/* ---- the store alone */

static void two_ledgers_share_one_chain(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct store *other_store = store_open(fixture->path, false, &err);
	struct ledger *other = ledger_open(other_store, "other@there", &err);
	int64_t checked;
	assert_non_null(other);
	for (int i = 0; i < 5; i++) {
		ledger_event(fixture->ledger, "note", NULL, NULL, NULL);
		ledger_event(other, "note", NULL, NULL, NULL);
		assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
		assert_int_equal(ledger_commit(other, &err), 0);
	}
	assert_int_equal(ledger_verify(fixture->ledger, &checked, &err), 0);
	assert_int_equal(checked, 10);
	/* One that opens later goes on where they stopped. */
	struct ledger *third = ledger_open(other_store, "third", &err);
	assert_string_equal(ledger_head(third), ledger_head(other));
	ledger_close(third);
	ledger_close(other);
	store_close(other_store);
}

static void two_processes_at_once(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	int64_t checked;
	pid_t children[2];
	for (size_t c = 0; c < 2; c++) {
		children[c] = fork();
		if (children[c] == 0) {
			struct store *store = store_open(fixture->path, false, &err);
			struct ledger *ledger = store == NULL ? NULL : ledger_open(store, "child", &err);
			int failed = ledger == NULL;
			for (int i = 0; !failed && i < 30; i++) {
				ledger_event(ledger, "note", NULL, NULL, json_pack("{s:i}", "i", i));
				failed = ledger_commit(ledger, &err) < 0;
			}
			_exit(failed);
		}
	}
	for (size_t c = 0; c < 2; c++) {
		int status;
		assert_int_equal(waitpid(children[c], &status, 0), children[c]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(ledger_verify(fixture->ledger, &checked, &err), 0);
	assert_int_equal(checked, 60);
}

static void assert_found_out(struct ledger_fixture *fixture, const char *sql, int64_t holds, const char *named)
{
	struct error err = ERROR_INIT;
	int64_t checked = -1;
	assert_int_equal(store_run(fixture->store, &err, "DROP TRIGGER IF EXISTS events_are_immutable", ""), 0);
	assert_int_equal(store_run(fixture->store, &err, "DROP TRIGGER IF EXISTS events_are_kept", ""), 0);
	assert_int_equal(store_run(fixture->store, &err, sql, ""), 0);
	assert_int_equal(ledger_verify(fixture->ledger, &checked, &err), -1);
	assert_int_equal(err.kind, ERROR_CORRUPT);
	assert_int_equal(checked, holds);
	assert_non_null(strstr(err.text, named));
}

static void a_changed_event_is_named(void **state)
{
	struct ledger_fixture *fixture = *state;
	write_events(fixture->ledger, 9);
	assert_found_out(fixture, "UPDATE events SET body = CAST('{\"i\":40}' AS BLOB) WHERE seq = 5", 4, "event 5");
}

static void a_changed_time_is_named(void **state)
{
	struct ledger_fixture *fixture = *state;
	write_events(fixture->ledger, 3);
	assert_found_out(fixture, "UPDATE events SET time_ms = time_ms + 1 WHERE seq = 1", 0, "event 1 ");
}

static void text_moved_between_columns_is_named(void **state)
{
	struct ledger_fixture *fixture = *state;
	write_events(fixture->ledger, 3);
	assert_found_out(fixture, "UPDATE events SET run = agent, agent = NULL WHERE seq = 2", 1, "event 2");
}

static void a_removed_event_is_named(void **state)
{
	struct ledger_fixture *fixture = *state;
	write_events(fixture->ledger, 9);
	assert_found_out(fixture, "DELETE FROM events WHERE seq = 4", 3, "after event 3 comes event 5");
}

static void a_removed_first_event_is_named(void **state)
{
	struct ledger_fixture *fixture = *state;
	write_events(fixture->ledger, 3);
	assert_found_out(fixture, "DELETE FROM events WHERE seq = 1", 0, "comes event 2");
}

static void an_inserted_event_is_named(void **state)
{
	struct ledger_fixture *fixture = *state;
	write_events(fixture->ledger, 3);
	assert_found_out(fixture,
			 "INSERT INTO events SELECT 4, time_ms, actor, run, agent, kind, body, hash FROM events "
			 "WHERE seq = 3",
			 3, "event 4");
}

static void events_cannot_be_changed_by_accident(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	write_events(fixture->ledger, 1);
	assert_int_equal(store_run(fixture->store, &err, "UPDATE events SET kind = 'x'", ""), -1);
	error_clear(&err);
	assert_int_equal(store_run(fixture->store, &err, "DELETE FROM events", ""), -1);
	error_clear(&err);
	start_a_run(fixture->ledger);
	assert_int_equal(store_run(fixture->store, &err, "UPDATE plans SET config = 'x'", ""), -1);
}

static void a_failed_commit_keeps_nothing(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	struct run_agent stray = an_agent(0, "waiting");
	int64_t checked;
	ledger_event(fixture->ledger, "note", NULL, NULL, NULL);
	ledger_put_agent(fixture->ledger, &stray); /* of a run that does not exist */
	assert_int_equal(ledger_commit(fixture->ledger, &err), -1);
	assert_string_equal(ledger_head(fixture->ledger), ZEROS);
	error_clear(&err);
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_int_equal(ledger_verify(fixture->ledger, &checked, &err), 0);
	assert_int_equal(checked, 0);
	assert_false(store_in_transaction(fixture->store));
}

/* ---- questions */

#define STORE(test)                                                                                                    \
	{                                                                                                              \
#test, test, ledger_set_up, ledger_tear_down, NULL                                                     \
	}
#define PEERS(test)                                                                                                    \
	{#test "_store", test##_store, ledger_set_up, ledger_tear_down, NULL},                                         \
	{                                                                                                              \
#test "_memory", test##_memory, set_up_memory, tear_down_memory, NULL                                  \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PEERS(rows_come_back),
		PEERS(the_chain_grows),
		PEERS(unknown_run),
		PEERS(epochs_only_grow),
		PEERS(hash_is_the_documented_one),
		PEERS(death_before_a_commit),
		PEERS(death_after_a_commit),
		PEERS(discard),
		STORE(two_ledgers_share_one_chain),
		STORE(two_processes_at_once),
		STORE(a_changed_event_is_named),
		STORE(a_changed_time_is_named),
		STORE(text_moved_between_columns_is_named),
		STORE(a_removed_event_is_named),
		STORE(a_removed_first_event_is_named),
		STORE(an_inserted_event_is_named),
		STORE(events_cannot_be_changed_by_accident),
		STORE(a_failed_commit_keeps_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
