/* SPDX-License-Identifier: Apache-2.0 */
/* Which messages follow from which events: in the same transaction, once, for those who asked, and for nobody else. */

#include "orchestrator/outgoing/message.h"
#include "orchestrator/outgoing/project.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger_fixture.h"

static void commit(struct ledger_fixture *fixture)
{
	struct error err = ERROR_INIT;

	assert_ok(ledger_commit(fixture->ledger, &err), &err);
}

static void add(struct ledger_fixture *fixture, const char *kind, const char *name, const char *wants)
{
	ledger_event(fixture->ledger, kind, NULL, NULL,
		     json_pack("{s:s, s:s, s:s, s:s*, s:i}", "cluster", "lab", "name", name, "url",
			       "http://127.0.0.1:1/", "wants", wants, "timeout_ms", 1000));
	commit(fixture);
}

/* S0 runs two tasks of framework F1 (cassandra, role storage) and one of F2. */
static void change_agent(struct ledger_fixture *fixture, const char *operation, bool reverted)
{
	ledger_event(fixture->ledger, "agent.changed", a_run.id, "S0",
		     json_pack("{s:s, s:s, s:s, s:b, s:[s], s:{s:s}, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}], "
			       "s:[{s:s, s:s, s:s}, {s:s}]}",
			       "cluster", "lab", "hostname", "node1", "operation", operation, "reverted", reverted,
			       "changed", "attributes", "slave_info", "hostname", "node1", "tasks", "id", "t1",
			       "framework", "F1", "id", "t2", "framework", "F1", "id", "t1", "framework", "F2",
			       "frameworks", "id", "F1", "name", "cassandra", "role", "storage", "id", "F2"));
	commit(fixture);
}

static struct outgoing_list queue(struct ledger_fixture *fixture)
{
	struct error err = ERROR_INIT;
	struct outgoing_list list;

	assert_ok(outgoing_load(fixture->store, "lab", 0, &list, &err), &err);
	return list;
}

static size_t count(struct ledger_fixture *fixture)
{
	struct outgoing_list list = queue(fixture);
	size_t found = list.count;

	outgoing_list_clear(&list);
	return found;
}

static void frameworks_are_matched(void **state)
{
	(void)state;
	assert_true(observer_wants("F1", "F1", "cassandra", "storage"));
	assert_true(observer_wants("cassandra", "F1", "cassandra", "storage"));
	assert_true(observer_wants("storage", "F1", "cassandra", "storage"));
	assert_true(observer_wants("role:storage", "F1", "cassandra", "storage"));
	assert_false(observer_wants("role:cassandra", "F1", "cassandra", "storage"));
	assert_false(observer_wants("id:storage", "F1", "cassandra", "storage"));
	assert_false(observer_wants("cass", "F1", "cassandra", "storage"));
	assert_false(observer_wants("storage", "F1", NULL, NULL));
	assert_true(observer_wants("name:name:x", "F1", "name:x", NULL));
	assert_true(webhook_wants(NULL, "rollout.paused"));
	assert_true(webhook_wants("rollout.failed,rollout.paused", "rollout.paused"));
	assert_false(webhook_wants("rollout.failed", "rollout.paused"));
	assert_false(webhook_wants("rollout.paused_x", "rollout.paused"));
}

static void only_who_asked_is_told(void **state)
{
	struct ledger_fixture *fixture = *state;

	start_a_run(fixture->ledger);
	change_agent(fixture, "op-before", false);
	assert_int_equal(count(fixture), 0);
	add(fixture, "observer.added", "storage", "role:storage");
	add(fixture, "observer.added", "other", "nobody");
	change_agent(fixture, "op1", false);

	struct outgoing_list list = queue(fixture);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].task, "t1");
	assert_string_equal(list.items[0].framework, "F1");
	assert_string_equal(list.items[0].receiver_name, "storage");
	assert_string_equal(list.items[0].lane, "S0");
	assert_true(list.items[0].next_ms >= 0);
	assert_string_equal(list.items[1].task, "t2");
	assert_int_equal(list.items[1].next_ms, -1); /* behind the first */
	assert_string_not_equal(list.items[0].id, list.items[1].id);
	outgoing_list_clear(&list);
}

static void the_message_is_the_same_at_every_attempt(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct buffer first = BUFFER_INIT(MESSAGE_MAX), second = BUFFER_INIT(MESSAGE_MAX);
	struct error err = ERROR_INIT;

	start_a_run(fixture->ledger);
	add(fixture, "observer.added", "storage", "F2");
	change_agent(fixture, "op1", false);
	struct outgoing_list list = queue(fixture);
	assert_int_equal(list.count, 1);
	assert_ok(message_compose(fixture->store, &list.items[0], &first, &err), &err);
	assert_ok(message_compose(fixture->store, &list.items[0], &second, &err), &err);
	assert_string_equal(buffer_text(&first), buffer_text(&second));
	assert_text_has(buffer_text(&first), "\"reason\":\"REASON_SLAVE_STATE_CHANGED\"");
	assert_text_has(buffer_text(&first), "\"data\":{\"hostname\":\"node1\"}");
	assert_text_has(buffer_text(&first), "\"task\":{\"id\":\"t1\"}");
	assert_text_has(buffer_text(&first), list.items[0].id);
	outgoing_list_clear(&list);
	buffer_clear(&first);
	buffer_clear(&second);
}

/* A resumed run proves once more; an undo is news only for those who were told, and only once. */
static void proofs_that_come_again_are_no_news(void **state)
{
	struct ledger_fixture *fixture = *state;

	start_a_run(fixture->ledger);
	add(fixture, "observer.added", "two", "F2");
	change_agent(fixture, "op0", true);
	assert_int_equal(count(fixture), 0);
	change_agent(fixture, "op1", false);
	change_agent(fixture, "op1", false);
	assert_int_equal(count(fixture), 1);
	change_agent(fixture, "op1", true);
	change_agent(fixture, "op1", true);
	assert_int_equal(count(fixture), 2);
	change_agent(fixture, "op2", false);
	assert_int_equal(count(fixture), 3);
}

/* The change was delivered already; then it is taken back: the second message is about the same task, says so, and only who was told
 * of the change gets it. */
static void an_undo_is_told_to_who_was_told(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct buffer text = BUFFER_INIT(MESSAGE_MAX);
	struct error err = ERROR_INIT;
	struct outgoing_list list, after;

	start_a_run(fixture->ledger);
	add(fixture, "observer.added", "two", "F2");
	change_agent(fixture, "op1", false);
	add(fixture, "observer.added", "late", "F2");
	list = queue(fixture);
	assert_int_equal(list.count, 1);
	assert_ok(outgoing_delivered(fixture->store, list.items[0].number, 99, &err), &err);
	change_agent(fixture, "op1", true);
	after = queue(fixture);
	assert_int_equal(after.count, 1);
	assert_string_equal(after.items[0].receiver_name, "two");
	assert_string_equal(after.items[0].task, list.items[0].task);
	assert_string_not_equal(after.items[0].id, list.items[0].id);
	assert_true(after.items[0].next_ms >= 0);
	assert_ok(message_compose(fixture->store, &after.items[0], &text, &err), &err);
	assert_text_has(buffer_text(&text), "\"reverted\":true");
	outgoing_list_clear(&list);
	outgoing_list_clear(&after);
	buffer_clear(&text);
}

static void a_lane_goes_on_when_its_first_has_ended(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	start_a_run(fixture->ledger);
	add(fixture, "observer.added", "storage", "F1");
	change_agent(fixture, "op1", false);
	change_agent(fixture, "op2", false);
	struct outgoing_list list = queue(fixture), due;
	assert_int_equal(list.count, 4);
	/* One behind another is dropped: nobody passes the first. */
	ledger_event(fixture->ledger, "outgoing.dropped", NULL, NULL,
		     json_pack("{s:I}", "number", (json_int_t)list.items[1].number));
	commit(fixture);
	assert_ok(outgoing_load_due(fixture->store, list.items[0].receiver, INT64_MAX, 10, &due, &err), &err);
	assert_int_equal(due.count, 1);
	assert_int_equal(due.items[0].number, list.items[0].number);
	outgoing_list_clear(&due);
	assert_ok(outgoing_failed(fixture->store, list.items[0].number, 77, false, "no", &err), &err);
	assert_ok(outgoing_delivered(fixture->store, list.items[0].number, 99, &err), &err);
	assert_ok(outgoing_load_due(fixture->store, list.items[0].receiver, INT64_MAX, 10, &due, &err), &err);
	assert_int_equal(due.count, 1);
	assert_int_equal(due.items[0].number, list.items[2].number);
	outgoing_list_clear(&due);
	outgoing_list_clear(&list);
}

static int die(void *ctx, bool durable)
{
	(void)ctx;
	return durable ? 0 : -1;
}

static void what_is_not_committed_is_told_to_nobody(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct error err = ERROR_INIT;

	start_a_run(fixture->ledger);
	add(fixture, "observer.added", "two", "F2");
	ledger_set_commit_hook(fixture->ledger, die, NULL);
	ledger_event(fixture->ledger, "agent.changed", a_run.id, "S0",
		     json_pack("{s:s, s:[{s:s, s:s}]}", "cluster", "lab", "tasks", "id", "t", "framework", "F2"));
	assert_int_equal(ledger_commit(fixture->ledger, &err), -1);
	assert_int_equal(count(fixture), 0);
}

/* ---- webhooks */

static void change_run(struct ledger_fixture *fixture, const char *to, const char *reason, const char *agents)
{
	struct run_row row = a_run;

	row.state = (char *)(uintptr_t)to;
	row.reason = (char *)(uintptr_t)reason;
	ledger_event(fixture->ledger, "run", a_run.id, NULL,
		     json_pack("{s:s, s:s*, s:{s:i}}", "state", to, "reason", reason, "agents", agents, 2));
	ledger_put_run(fixture->ledger, &row);
	commit(fixture);
}

static void each_turn_of_a_run_is_told_once(void **state)
{
	static const char *const wanted[] = {"rollout.started", "rollout.paused", "rollout.paused",
					     "rollout.resumed", "rollout.failed", "rollout.rolled_back"};
	struct ledger_fixture *fixture = *state;

	add(fixture, "webhook.added", "all", NULL);
	add(fixture, "webhook.added", "finish", "rollout.finished");
	start_a_run(fixture->ledger);
	ledger_event(fixture->ledger, "run.created", a_run.id, NULL,
		     json_pack("{s:s, s:s, s:i}", "plan", a_plan.hash, "cluster", "lab", "agents", 2));
	commit(fixture);
	change_run(fixture, "running", NULL, "waiting");
	change_run(fixture, "paused", "first", "waiting");
	change_run(fixture, "paused", "first", "waiting");
	change_run(fixture, "paused", "second", "waiting");
	change_run(fixture, "running", NULL, "waiting");
	change_run(fixture, "done", NULL, "stuck");
	change_run(fixture, "done", NULL, "stuck");
	ledger_event(fixture->ledger, "run.rolled_back", a_run.id, NULL, json_pack("{s:s}", "by", "r-2"));
	commit(fixture);
	struct outgoing_list list = queue(fixture);
	assert_int_equal(list.count, 6);
	for (size_t i = 0; i < list.count; i++)
		assert_string_equal(list.items[i].kind, wanted[i]);
	outgoing_list_clear(&list);
}

static void a_run_without_failures_has_finished(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct buffer text = BUFFER_INIT(MESSAGE_MAX);
	struct error err = ERROR_INIT;

	start_a_run(fixture->ledger);
	add(fixture, "webhook.added", "finish", "rollout.finished");
	change_run(fixture, "done", NULL, "done");
	struct outgoing_list list = queue(fixture);
	assert_int_equal(list.count, 1);
	assert_ok(message_compose(fixture->store, &list.items[0], &text, &err), &err);
	assert_text_has(buffer_text(&text), "\"config\":\"web\"");
	assert_text_has(buffer_text(&text), "\"agents\":{\"done\":2}");
	outgoing_list_clear(&list);
	buffer_clear(&text);
}

static void who_is_removed_is_told_no_more(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct receiver found;
	struct error err = ERROR_INIT;

	start_a_run(fixture->ledger);
	add(fixture, "observer.added", "two", "F2");
	change_agent(fixture, "op1", false);
	assert_ok(receiver_find(fixture->store, "lab", "observer", "two", &found, &err), &err);
	ledger_event(fixture->ledger, "observer.removed", NULL, NULL,
		     json_pack("{s:I}", "number", (json_int_t)found.number));
	commit(fixture);
	assert_int_equal(count(fixture), 0);
	change_agent(fixture, "op2", false);
	assert_int_equal(count(fixture), 0);
	receiver_clear(&found);
	assert_int_equal(receiver_find(fixture->store, "lab", "observer", "two", &found, &err), -1);
	assert_error(&err, ERROR_USAGE, "no observer two");
	add(fixture, "observer.added", "two", "F2"); /* the name is free again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frameworks_are_matched),
		cmocka_unit_test_setup_teardown(only_who_asked_is_told, ledger_set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(the_message_is_the_same_at_every_attempt, ledger_set_up,
						ledger_tear_down),
		cmocka_unit_test_setup_teardown(proofs_that_come_again_are_no_news, ledger_set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(an_undo_is_told_to_who_was_told, ledger_set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(a_lane_goes_on_when_its_first_has_ended, ledger_set_up,
						ledger_tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_committed_is_told_to_nobody, ledger_set_up,
						ledger_tear_down),
		cmocka_unit_test_setup_teardown(each_turn_of_a_run_is_told_once, ledger_set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(a_run_without_failures_has_finished, ledger_set_up, ledger_tear_down),
		cmocka_unit_test_setup_teardown(who_is_removed_is_told_no_more, ledger_set_up, ledger_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
