/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about events, events in words, and signed statements. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/audit/event_query.h"
#include "orchestrator/audit/sentence.h"
#include "orchestrator/audit/statement.h"
#include "tests/support/ledger_fixture.h"

static json_t *body_of(const char *text)
{
	json_t *body = json_loads(text, 0, NULL);

	assert_non_null(body);
	return body;
}

/* 1: a plan; 2: an intent; 3: a proof that killed a task under a new ID; 4: seen by a sync; 5: damaged. */
static int set_up(void **state)
{
	struct ledger_fixture *fixture;
	struct error err = ERROR_INIT;

	ledger_set_up(state);
	fixture = *state;
	ledger_put_plan(fixture->ledger, &a_plan);
	ledger_put_run(fixture->ledger, &a_run);
	ledger_event(fixture->ledger, "plan", NULL, NULL,
		     body_of("{\"plan\": \"44136fa3\", \"config\": \"web\", \"version\": 3}"));
	ledger_event(
		fixture->ledger, "agent", a_run.id, "S1",
		body_of("{\"event\": \"clear\", \"from\": \"checking\", \"to\": \"changing\", \"changes\": [{\"what\": "
			"\"attributes.rack\", \"before\": \"r1\", \"after\": \"r2\"}, {\"what\": "
			"\"resources.mem(web)\", \"after\": \"512\"}]}"));
	ledger_event(
		fixture->ledger, "agent", a_run.id, "S2",
		body_of("{\"event\": \"proven\", \"from\": \"proving\", \"to\": \"soaking\", \"proof\": {\"lines\": "
			"[{\"what\": \"id\", \"planned\": \"S2\", \"found\": \"S9\", \"ok\": false}], \"tasks\": "
			"{\"survived\": [], \"killed\": [{}]}}}"));
	ledger_event(fixture->ledger, "inventory.agent", NULL, "S1",
		     body_of("{\"event\": \"new-id\", \"replaces\": \"S0\"}"));
	ledger_event(fixture->ledger, "run", a_run.id, NULL, NULL);
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_int_equal(store_run(fixture->store, &err, "DROP TRIGGER events_are_immutable", ""), 0);
	assert_int_equal(
		store_run(fixture->store, &err, "UPDATE events SET body = CAST('{' AS BLOB) WHERE seq = 5", ""), 0);
	return 0;
}

static int note(void *ctx, const struct event_row *row, struct error *err)
{
	struct buffer *found = ctx;

	(void)err;
	buffer_printf(found, "%lld ", (long long)row->entry.seq);
	return 0;
}

static void assert_finds(struct ledger_fixture *fixture, const struct event_filter *filter, const char *expected)
{
	struct buffer found = BUFFER_INIT(1024);
	struct error err = ERROR_INIT;

	if (event_query(fixture->store, filter, note, &found, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buffer_text(&found), expected);
	buffer_clear(&found);
}

static void assert_selects(struct ledger_fixture *fixture, const char *text, const char *expected)
{
	struct error err = ERROR_INIT;
	struct selector *where = selector_parse_events("--where", text, &err);

	if (!where)
		fail_msg("%s", err.text);
	assert_finds(fixture, &(struct event_filter){.where = where}, expected);
	selector_free(where);
}

static void test_selectors(void **state)
{
	struct ledger_fixture *fixture = *state;

	assert_selects(fixture, "seq > 2", "3 4 5 ");
	assert_selects(fixture, "actor = 'tester@here'", "1 2 3 4 5 ");
	assert_selects(fixture, "agent = S1", "2 4 ");
	assert_selects(fixture, "agent != S1 and kind = agent", "3 ");
	assert_selects(fixture, "event in (clear, proven) or to = soaking", "2 3 ");
	assert_selects(fixture, "config = web", "1 2 3 5 ");
	assert_selects(fixture, "config = web and config_version = 3 and kind = plan", "1 ");
	assert_selects(fixture, "killed > 0", "3 ");
	assert_selects(fixture, "new_id = true", "3 4 ");
	assert_selects(fixture, "changed = rack", "2 ");
	assert_selects(fixture, "changed = 'attributes.rack'", "2 ");
	assert_selects(fixture, "attribute.rack = r1", "2 ");
	assert_selects(fixture, "attribute.rack = r3", "");
	assert_selects(fixture, "resource.mem = 512", "2 ");
	assert_selects(fixture, "resource.me = 512", "");
	assert_selects(fixture, "attribute.rack ~ '^r[12]$' and not run = ''", "2 ");
	assert_selects(fixture, "time < 1h", "1 2 3 4 5 ");
}

/* What a rescue changed, and under which ID its agent came back, is found by the same questions. */
static void test_selectors_of_rescues(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	ledger_event(
		fixture->ledger, "rescue.intent", "rescue-1", "S3",
		body_of("{\"act\": \"rescue\", \"changes\": [{\"part\": \"attributes\", \"what\": \"rack\", \"before\": "
			"\"r1\", \"after\": null}, {\"part\": \"domain\", \"what\": \"domain\", \"before\": null, \"after\": "
			"\"eu/a\"}]}"));
	ledger_event(fixture->ledger, "rescue.proof", "rescue-1", "S3",
		     body_of("{\"pass\": true, \"id_after\": \"S3\"}"));
	ledger_event(fixture->ledger, "rescue.proof", "rescue-1", "S4",
		     body_of("{\"pass\": false, \"id_after\": \"S8\"}"));
	ledger_event(fixture->ledger, "rescue.proof", "rescue-1", "S5",
		     body_of("{\"pass\": false, \"id_after\": null}"));
	assert_int_equal(ledger_commit(fixture->ledger, &err), 0);
	assert_selects(fixture, "changed = rack", "2 6 ");
	assert_selects(fixture, "changed = attributes.rack", "2 6 ");
	assert_selects(fixture, "attribute.rack = r1", "2 6 ");
	assert_selects(fixture, "attribute.rack = r2", "2 ");
	assert_selects(fixture, "changed = domain", "6 ");
	assert_selects(fixture, "new_id = true", "3 4 8 ");
	assert_selects(fixture, "new_id = false and kind = 'rescue.proof'", "7 9 ");
}

static void test_filters(void **state)
{
	struct ledger_fixture *fixture = *state;

	assert_finds(fixture, &(struct event_filter){.kind = "inventory"}, "4 ");
	assert_finds(fixture, &(struct event_filter){.kind = "inv"}, "");
	assert_finds(fixture, &(struct event_filter){.run = a_run.id, .after = 2}, "3 5 ");
	assert_finds(fixture, &(struct event_filter){.agent = "S1"}, "2 4 ");
	assert_finds(fixture, &(struct event_filter){.agent = "nobody' OR '1' = '1"}, "");
	assert_finds(fixture, &(struct event_filter){.until_ms = 1}, "");
	assert_finds(fixture, &(struct event_filter){.since_ms = 1}, "1 2 3 4 5 ");
}

static void test_what_an_event_does_not_have(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(selector_parse_events("--where", "rack = r1", &err));
	assert_text_has(err.text, "rack is nothing that an event has");
	error_clear(&err);
	assert_null(selector_parse_events("--where", "changed > 3", &err));
	assert_text_has(err.text, "changed has no order");
	error_clear(&err);
	assert_null(selector_parse_events("--where", "time = now", &err));
}

static void assert_says(const char *kind, const char *body_text, const char *expected)
{
	json_t *body = body_text ? body_of(body_text) : NULL;
	char *text = event_sentence(kind, body);

	assert_text_has(text, expected);
	free(text);
	json_decref(body);
}

static void test_sentences(void **state)
{
	static const char *const kinds[] = {"plan",
					    "run.created",
					    "run.epoch",
					    "run.resumed",
					    "run",
					    "run.ordered",
					    "run.obeyed",
					    "run.rolled_back",
					    "agent",
					    "connected",
					    "host",
					    "gate",
					    "inventory.sync",
					    "inventory.agent",
					    "inventory.survey",
					    "inventory.ignore",
					    "config.added",
					    "audit.signed",
					    "never.heard.of"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]);
	     i++) { /* nothing, and nonsense, are no reason to fall */
		assert_says(kinds[i], "{}", "");
		assert_says(kinds[i], "[1]", "");
		assert_says(kinds[i], NULL, "cannot be read");
	}
	assert_says("inventory.agent", "{\"event\": \"new-id\", \"hostname\": \"h\", \"replaces\": \"S0\"}",
		    "new ID; it was S0");
	assert_says("run.obeyed", "{\"order\": \"pause\", \"by\": \"o\", \"answer\": \"yes\"}",
		    "obeyed the order to pause of o: yes");
	assert_says("run.obeyed", "{\"order\": \"pause\", \"by\": \"o\", \"answer\": \"declined: no\"}",
		    "declined the order to pause of o: no");
	assert_says("agent", "{\"from\": \"a\", \"to\": \"b\", \"event\": \"e\", \"note\": \"why\"}", "a → b (e): why");
	assert_says("never.heard.of", "{\"x\": 1, \"origin\": {\"pid\": 1}}", "{\"x\":1}");
}

static void test_statements(void **state)
{
	struct statement statement = {.database = "0123456789abcdef0123456789abcdef",
				      .seq = 12,
				      .head = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
				      .recorded_ms = 1795454647385,
				      .signed_ms = 1795454648000,
				      .by = "anna@admin1"};
	struct buffer text = BUFFER_INIT(STATEMENT_MAX);
	struct error err = ERROR_INIT;
	struct statement found;

	(void)state;
	statement_write(&statement, &text);
	assert_int_equal(statement_read("it", buffer_text(&text), &found, &err), 0);
	assert_int_equal(found.seq, 12);
	assert_int_equal(found.recorded_ms, statement.recorded_ms);
	assert_string_equal(found.head, statement.head);
	assert_string_equal(found.by, "anna@admin1");
	for (size_t len = 0; len < text.len; len++) { /* cut anywhere it is none */
		char *cut = xstrndup(buffer_text(&text), len);

		error_clear(&err);
		assert_int_equal(statement_read("it", cut, &found, &err), -1);
		free(cut);
	}
	buffer_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_selectors, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_selectors_of_rescues, set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(test_filters, set_up, ledger_tear_down),
		cmocka_unit_test(test_what_an_event_does_not_have),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_statements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
