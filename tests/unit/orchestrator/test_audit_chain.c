/* SPDX-License-Identifier: Apache-2.0 */
/* A chain is falsified at each of its events in turn, in every way we know: which event, and what was done to it? */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/audit/chain.h"
#include "orchestrator/ledger/ledger_backend.h"
#include "tests/support/ledger_fixture.h"

#define EVENTS 9

static void run(struct ledger_fixture *fixture, const char *sql, int64_t one, int64_t other)
{
	struct error err = ERROR_INIT;

	if (store_run(fixture->store, &err, sql, "ii", one, other) < 0)
		fail_msg("%s", err.text);
}

static void drop_triggers(struct ledger_fixture *fixture)
{
	struct error err = ERROR_INIT;

	assert_int_equal(store_run(fixture->store, &err, "DROP TRIGGER events_are_immutable", ""), 0);
	assert_int_equal(store_run(fixture->store, &err, "DROP TRIGGER events_are_kept", ""), 0);
}

static int set_up(void **state)
{
	struct ledger_fixture *fixture;
	struct error err = ERROR_INIT;

	ledger_set_up(state);
	fixture = *state;
	for (int i = 1; i <= EVENTS; i++)
		ledger_event(fixture->ledger, i % 2 ? "agent" : "run", i % 3 ? "r-1" : NULL, i % 2 ? "S1" : NULL,
			     json_pack("{s:i}", "number", i));
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	drop_triggers(fixture);
	return 0;
}

/* What is told about the chain, in a transaction that is taken back. kind NULL: nothing. */
static void assert_told(struct ledger_fixture *fixture, const char *kind, int64_t seq, const char *what)
{
	struct findings_list findings = {NULL, 0};
	struct error err = ERROR_INIT;
	struct chain chain;

	if (chain_check(fixture->store, &chain, &findings, &err) < 0)
		fail_msg("%s: %s", what, err.text);
	if (findings.count != (kind != NULL))
		fail_msg("%s at event %" PRId64 ": %zu findings", what, seq, findings.count);
	assert_int_equal(chain.whole, kind == NULL);
	if (kind && (strcmp(findings.items[0].kind, kind) != 0 || findings.items[0].seq != seq))
		fail_msg("%s at event %" PRId64 ": %s, event %" PRId64 ": %s", what, seq, findings.items[0].kind,
			 findings.items[0].seq, findings.items[0].text);
	findings_list_clear(&findings);
	chain_clear(&chain);
	store_rollback(fixture->store);
}

static void begin(struct ledger_fixture *fixture)
{
	struct error err = ERROR_INIT;

	assert_int_equal(store_begin(fixture->store, &err), 0);
}

/* Renumbers all from `first` on. */
static void shift(struct ledger_fixture *fixture, int64_t first, int64_t by)
{
	run(fixture, "UPDATE events SET seq = -seq WHERE seq >= ?1 AND ?2", first, 1);
	run(fixture, "UPDATE events SET seq = -seq + ?1 WHERE seq < 0 AND ?2", by, 1);
}

/* ---- tests */

static void test_what_was_recorded_is_whole(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct findings_list findings = {NULL, 0};
	struct error err = ERROR_INIT;
	struct chain chain;

	assert_int_equal(chain_check(fixture->store, &chain, &findings, &err), 0);
	assert_true(chain.whole);
	assert_int_equal(chain.events, EVENTS);
	assert_string_equal(chain.head, ledger_head(fixture->ledger));
	assert_int_equal(chain_find(&chain, ledger_head(fixture->ledger)), EVENTS);
	assert_int_equal(chain_find(&chain, "0000000000000000000000000000000000000000000000000000000000000000"), 0);
	assert_int_equal(chain_find(&chain, "1000000000000000000000000000000000000000000000000000000000000000"), -1);
	chain_clear(&chain);
}

static void test_every_column_counts(void **state)
{
	static const char *const changes[] = {
		"UPDATE events SET time_ms = time_ms + 1 WHERE seq = ?1 AND ?2",
		"UPDATE events SET actor = actor || 'x' WHERE seq = ?1 AND ?2",
		"UPDATE events SET run = ifnull(run || 'x', '') WHERE seq = ?1 AND ?2",
		"UPDATE events SET agent = ifnull(agent || 'x', '') WHERE seq = ?1 AND ?2",
		"UPDATE events SET kind = kind || 'x' WHERE seq = ?1 AND ?2",
		"UPDATE events SET body = CAST(body || ' ' AS BLOB) WHERE seq = ?1 AND ?2",
	};
	struct ledger_fixture *fixture = *state;

	for (int64_t seq = 1; seq <= EVENTS; seq++)
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			begin(fixture);
			run(fixture, changes[i], seq, 1);
			assert_told(fixture, "changed", seq, changes[i]);
		}
}

static void test_another_hash(void **state)
{
	struct ledger_fixture *fixture = *state;

	for (int64_t seq = 1; seq <= EVENTS; seq++) {
		begin(fixture);
		run(fixture, "UPDATE events SET hash = substr(hash, 2) || 'f' WHERE seq = ?1 AND ?2", seq, 1);
		/* Of the last one nothing follows that could tell its content from its hash. */
		assert_told(fixture, seq == EVENTS ? "changed" : "hash", seq, "another hash");
	}
}

static void test_removed(void **state)
{
	struct ledger_fixture *fixture = *state;

	for (int64_t seq = 1; seq <= EVENTS; seq++)
		for (int64_t count = 1; seq + count <= EVENTS; count++) {
			begin(fixture);
			run(fixture, "DELETE FROM events WHERE seq >= ?1 AND seq < ?1 + ?2", seq, count);
			assert_told(fixture, "removed", seq, "removed");
			begin(fixture);
			run(fixture, "DELETE FROM events WHERE seq >= ?1 AND seq < ?1 + ?2", seq, count);
			shift(fixture, seq + count, -count);
			assert_told(fixture, seq + count == EVENTS ? "changed" : "removed", seq, "renumbered");
		}
}

/* The chain alone cannot know that it went on: heads that were noted elsewhere do. */
static void test_a_cut_end_is_whole(void **state)
{
	struct ledger_fixture *fixture = *state;

	begin(fixture);
	run(fixture, "DELETE FROM events WHERE seq > ?1 AND ?2", 4, 1);
	assert_told(fixture, NULL, 0, "cut");
}

static void forge(struct ledger_fixture *fixture, int64_t seq, bool with_hash)
{
	struct error err = ERROR_INIT;
	struct ledger_entry entry = {
		.seq = seq, .time_ms = 1, .actor = "bert@there", .kind = "plan", .body = "{}", .body_len = 2};
	char *previous = NULL;

	store_find_text(fixture->store, &previous, &err, "SELECT hash FROM events WHERE seq = ?1", "i", seq - 1);
	ledger_hash(previous ? previous : "0000000000000000000000000000000000000000000000000000000000000000", &entry,
		    entry.hash);
	if (!with_hash)
		entry.hash[0] = entry.hash[0] == 'a' ? 'b' : 'a';
	assert_int_equal(fixture->ledger->backend->append(fixture->ledger, &entry, &err), 0);
	free(previous);
}

static void test_inserted(void **state)
{
	struct ledger_fixture *fixture = *state;

	for (int64_t seq = 1; seq <= EVENTS; seq++)
		for (int with_hash = 0; with_hash < 2; with_hash++) {
			begin(fixture);
			shift(fixture, seq, 1);
			forge(fixture, seq, with_hash);
			assert_told(fixture, "inserted", seq, with_hash ? "inserted" : "inserted with a wrong hash");
		}
	begin(fixture);
	forge(fixture, 0, true);
	assert_told(fixture, "inserted", 0, "before the first");
}

static void test_moved(void **state)
{
	struct ledger_fixture *fixture = *state;

	for (int64_t seq = 1; seq < EVENTS; seq++)
		for (int64_t other = seq + 1; other <= EVENTS; other++) {
			begin(fixture);
			run(fixture, "UPDATE events SET seq = -1 WHERE seq = ?1 AND ?2", seq, 1);
			run(fixture, "UPDATE events SET seq = ?1 WHERE seq = ?2", seq, other);
			run(fixture, "UPDATE events SET seq = ?1 WHERE seq = -1 AND ?2", other, 1);
			assert_told(fixture, "moved", seq, "swapped");
		}
}

/* The one that was rewritten looks well; the one behind it rests on what it was. */
static void test_a_new_hash_shows_behind_it(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	begin(fixture);
	run(fixture, "DELETE FROM events WHERE seq = ?1 AND ?2", 4, 1);
	forge(fixture, 4, true);
	struct findings_list findings = {NULL, 0};
	struct chain chain;
	assert_int_equal(chain_check(fixture->store, &chain, &findings, &err), 0);
	assert_int_equal(findings.count, 1);
	assert_int_equal(findings.items[0].seq, 5);
	assert_text_has(findings.items[0].text, "or the one before it");
	findings_list_clear(&findings);
	chain_clear(&chain);
	store_rollback(fixture->store);
}

static void test_an_empty_ledger_is_whole(void **state)
{
	struct ledger_fixture *fixture = *state;

	begin(fixture);
	run(fixture, "DELETE FROM events WHERE ?1 AND ?2", 1, 1);
	assert_told(fixture, NULL, 0, "empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_recorded_is_whole, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_every_column_counts, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_another_hash, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_removed, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_a_cut_end_is_whole, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_inserted, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_moved, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_hash_shows_behind_it, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_an_empty_ledger_is_whole, set_up, ledger_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
