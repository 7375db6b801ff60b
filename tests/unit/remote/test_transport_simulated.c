/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/transport_simulated.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tests/support/cmocka.h"

/* A simulated host that writes down what it is told, and answers at once when told to. */
struct world {
	struct transport *transport;
	struct buffer told;
	bool answer_at_once;
};

static void world_exec(void *ctx, const struct simulated_exec *exec)
{
	struct world *world = ctx;
	buffer_printf(&world->told, "exec %d %s %s %.*s;", (int)exec->exec, exec->target->name, exec->word,
		      (int)exec->len, (const char *)exec->input);
	if (!world->answer_at_once)
		return;
	struct simulated_close close = {.exit_status = 3, .delivered = true, .end_of_stderr = "sorry"};
	assert_int_equal(transport_simulated_connected(world->transport, exec->exec, "SHA256:abc"), 0);
	assert_int_equal(transport_simulated_line(world->transport, exec->exec, "{\"event\":\"accepted\"}"), 0);
	assert_int_equal(transport_simulated_closed(world->transport, exec->exec, &close), 0);
}

static void world_received(void *ctx, uint64_t exec, const char *text)
{
	buffer_printf(&((struct world *)ctx)->told, "received %d %s;", (int)exec, text);
}

static void world_hung_up(void *ctx, uint64_t exec)
{
	buffer_printf(&((struct world *)ctx)->told, "hung up %d;", (int)exec);
}

static const struct simulated_hosts hosts = {
	.exec = world_exec,
	.received = world_received,
	.hung_up = world_hung_up,
};

static const struct transport_target target = {.name = "n1"};

static void world_open(struct world *world)
{
	*world = (struct world){.told = BUFFER_INIT(10000)};
	world->transport = transport_simulated_new(&hosts, world);
}

static void test_conversation(void **state)
{
	struct world world;
	struct exec_event event;
	(void)state;
	world_open(&world);
	world.answer_at_once = true;
	uint64_t exec = transport_exec(world.transport, &target, "apply", "bytes", 5, 77);
	assert_string_equal(world.told.data, "exec 1 n1 apply bytes;");
	assert_int_equal(transport_simulated_open(world.transport), 0);

	assert_true(transport_next(world.transport, &event));
	assert_int_equal(event.kind, EXEC_CONNECTED);
	assert_string_equal(event.text, "SHA256:abc");
	assert_int_equal(event.exec, exec);
	assert_int_equal(event.tag, 77);
	assert_true(transport_next(world.transport, &event));
	assert_int_equal(event.kind, EXEC_LINE);
	assert_string_equal(event.text, "{\"event\":\"accepted\"}");
	assert_int_equal(event.len, 20);
	assert_true(transport_next(world.transport, &event));
	assert_int_equal(event.kind, EXEC_CLOSED);
	assert_int_equal(event.exit_status, 3);
	assert_true(event.delivered);
	assert_int_equal(event.error.kind, ERROR_NONE);
	assert_string_equal(event.text, "sorry");
	assert_false(transport_next(world.transport, &event));

	/* Over is over, on both sides. */
	transport_send(world.transport, exec, "keep\n");
	assert_string_equal(world.told.data, "exec 1 n1 apply bytes;");
	assert_int_equal(transport_simulated_line(world.transport, exec, "late"), -1);
	assert_false(transport_next(world.transport, &event));
	transport_free(world.transport);
	buffer_clear(&world.told);
}

static void test_lost_exec(void **state)
{
	struct world world;
	struct exec_event event;
	struct error err = ERROR_INIT;
	(void)state;
	world_open(&world);
	uint64_t exec = transport_exec(world.transport, &target, "apply", "", 0, 1);
	transport_send(world.transport, exec, "undo\n");
	error_set(&err, ERROR_UNREACHABLE, "n1: power cut");
	struct simulated_close close = {.exit_status = 0, .delivered = false, .error = &err};
	assert_int_equal(transport_simulated_closed(world.transport, exec, &close), 0);
	assert_int_equal(transport_simulated_closed(world.transport, exec, &close), -1);
	assert_true(transport_next(world.transport, &event));
	assert_int_equal(event.kind, EXEC_CLOSED);
	assert_int_equal(event.exit_status, -1);
	assert_false(event.delivered);
	assert_int_equal(event.error.kind, ERROR_UNREACHABLE);
	assert_string_equal(event.error.text, "n1: power cut");
	assert_string_equal(event.text, "");
	assert_false(transport_next(world.transport, &event));
	transport_free(world.transport);
	assert_string_equal(world.told.data, "exec 1 n1 apply ;received 1 undo\n;");
	buffer_clear(&world.told);
}

static void test_cancel_drops_what_is_queued(void **state)
{
	struct world world;
	struct exec_event event;
	(void)state;
	world_open(&world);
	uint64_t a = transport_exec(world.transport, &target, "apply", "", 0, 1);
	uint64_t b = transport_exec(world.transport, &target, "settle", "", 0, 2);
	transport_simulated_line(world.transport, a, "a1");
	transport_simulated_line(world.transport, b, "b1");
	transport_simulated_line(world.transport, a, "a2");
	transport_cancel(world.transport, a);
	transport_cancel(world.transport, a);
	assert_int_equal(transport_simulated_open(world.transport), 1);
	transport_simulated_line(world.transport, b, "b2"); /* the queue's end is still right */
	assert_int_equal(transport_simulated_line(world.transport, a, "a3"), -1);
	assert_true(transport_next(world.transport, &event));
	assert_string_equal(event.text, "b1");
	assert_true(transport_next(world.transport, &event));
	assert_string_equal(event.text, "b2");
	assert_false(transport_next(world.transport, &event));

	transport_simulated_line(world.transport, b, "b3");
	transport_free(world.transport); /* a crash of rollcall: b's host sees the end of the connection */
	assert_string_equal(world.told.data, "exec 1 n1 apply ;exec 2 n1 settle ;hung up 1;hung up 2;");
	buffer_clear(&world.told);
	transport_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_lost_exec),
		cmocka_unit_test(test_cancel_drops_what_is_queued),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
