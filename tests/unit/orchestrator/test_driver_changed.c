/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's word to observers: an agent that is proven to be another one has its event in the commit of the proof, wherever
 * the driver is killed. */
#include "tests/support/cmocka.h"

#include "orchestrator/ledger/ledger_backend.h"
#include "tests/support/driver_fixture.h"

struct seen {
	int changed, reverted;
	bool proven; /* the last event of any agent was a proof as planned, and its agent.changed is still to come */
};

static int visit(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct seen *seen = ctx;

	(void)err;
	if (strcmp(entry->kind, "agent.changed") == 0) {
		assert_text_has(entry->body, "\"slave_info\":{");
		seen->changed += strstr(entry->body, "\"reverted\":false") != NULL;
		seen->reverted += strstr(entry->body, "\"reverted\":true") != NULL;
		seen->proven = false;
		return 0;
	}
	/* Nothing comes between a proof and what follows from it. */
	assert_false(seen->proven);
	seen->proven = strcmp(entry->kind, "agent") == 0 && strstr(entry->body, "\"event\":\"proven\"") != NULL;
	return 0;
}

static struct seen look(struct fixture *fixture)
{
	struct seen seen = {.changed = 0};
	struct error err = ERROR_INIT;

	assert_int_equal(fixture->ledger->backend->walk(fixture->ledger, visit, &seen, &err), 0);
	assert_false(seen.proven);
	return seen;
}

static void each_changed_agent_has_an_event(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_int_equal(look(&fixture).changed, FIXTURE_AGENTS);
	assert_int_equal(look(&fixture).reverted, 0);
	fixture_close(&fixture);
}

static void an_undo_has_one_too(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = UNDOES;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	assert_int_equal(look(&fixture).changed, 0);
	assert_int_equal(look(&fixture).reverted, 1); /* told only to those who were told of the change */
	fixture_close(&fixture);
}

/* What is told of the first agent, in its order. */
static int tell(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	char *told = ctx;

	(void)err;
	if (strcmp(entry->kind, "agent.changed") != 0 || strcmp(entry->agent_id, "agent-S0") != 0)
		return 0;
	snprintf(told + strlen(told), 64 - strlen(told), "%s with rack:%s; ",
		 strstr(entry->body, "\"reverted\":true") ? "reverted" : "changed",
		 strstr(entry->body, "\"new\"") ? "new" : "old");
	return 0;
}

/* It was proven, and its observers were told; then its process ended before it was kept. */
static void an_undo_after_the_proof_is_told_after_it(void **state)
{
	struct fixture fixture;
	char told[64] = "";
	struct error err = ERROR_INIT;

	(void)state;
	fixture_open(&fixture);
	fixture.hosts[0].behaviour = UNDOES_LATE;
	assert_ok(fixture_drive(&fixture), &fixture.err);
	fixture_expect_state(&fixture, 0, "reverted");
	assert_int_equal(fixture.ledger->backend->walk(fixture.ledger, tell, told, &err), 0);
	assert_string_equal(told, "changed with rack:new; reverted with rack:old; ");
	fixture_close(&fixture);
}

static void no_crash_loses_one(void **state)
{
	bool whole = false;

	(void)state;
	for (int at = 0; !whole; at++) {
		struct fixture fixture;

		fixture_open(&fixture);
		whole = fixture_drive_until(&fixture, at);
		if (!whole)
			assert_ok(fixture_drive(&fixture), &fixture.err);
		assert_true(look(&fixture).changed >= FIXTURE_AGENTS);
		fixture_close(&fixture);
		assert_true(at < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_changed_agent_has_an_event),
		cmocka_unit_test(an_undo_has_one_too),
		cmocka_unit_test(an_undo_after_the_proof_is_told_after_it),
		cmocka_unit_test(no_crash_loses_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
