/* SPDX-License-Identifier: Apache-2.0 */
/* Who has been silent for too long: five pings in a row, and then one is unreachable, not before. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lab/master/master.h"
#include "mesos/pb.h"
#include "tests/support/cmocka.h"

struct world {
	struct lab lab;
	struct master master;
	struct master_peer peer;
	struct master_agent *agent;
	int other; /* the agent's end of its connection */
};

static void closed(void *ctx, struct link *link)
{
	(void)ctx;
	(void)link;
}

static void line(void *ctx, struct link *link, const json_t *message)
{
	(void)ctx;
	(void)link;
	(void)message;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static const struct link_ops ops = {.line = line, .closed = closed};

static int make(void **state)
{
	struct world *world = xcalloc(1, sizeof(*world));
	struct error err = ERROR_INIT;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	world->lab.time_scale = 1;
	world->master.lab = &world->lab;
	world->master.events = events_new(&err);
	world->master.registry_timer = timer_new(world->master.events, nothing, NULL);
	world->agent = master_agent_add(&world->master, "S1", pb_new(&mesos__slave_info__descriptor));
	pb_set_string(&world->agent->info->hostname, "node001.lab");
	world->agent->standing = STANDING_REGISTERED;
	world->agent->connected = true;
	world->agent->left_ms = clock_monotonic_ms();
	world->peer = (struct master_peer){.master = &world->master, .agent = world->agent, .ip = xstrdup("127.0.0.1")};
	world->peer.link = link_new(world->master.events, ends[0], &ops, NULL);
	world->agent->link = world->peer.link;
	world->master.peers = &world->peer;
	world->other = ends[1];
	*state = world;
	return 0;
}

static int clear(void **state)
{
	struct world *world = *state;
	link_free(world->peer.link);
	close(world->other);
	master_agents_free(&world->master);
	timer_free(world->master.registry_timer);
	events_free(world->master.events);
	free(world->peer.ip);
	free(world);
	return 0;
}

static size_t pings_received(const struct world *world)
{
	char text[4096];
	ssize_t got = read(world->other, text, sizeof(text) - 1);
	size_t count = 0;
	for (ssize_t i = 0; i < got; i++)
		count += text[i] == '\n';
	return count;
}

static void five_without_an_answer_and_no_fewer(void **state)
{
	struct world *world = *state;
	for (int round = 0; round < MASTER_MAX_PING_TIMEOUTS; round++) {
		master_ping(&world->master);
		assert_int_equal(world->agent->standing, STANDING_REGISTERED);
	}
	assert_int_equal(pings_received(world), MASTER_MAX_PING_TIMEOUTS);
	master_ping(&world->master); /* the fifth was not answered either */
	assert_int_equal(world->agent->standing, STANDING_UNREACHABLE);
	assert_int_equal(world->master.counters.removals_unhealthy, 1);
	master_ping(&world->master);
	assert_int_equal(pings_received(world), 0); /* nobody is pinged who is not listed */
}

static void an_answer_begins_the_count_anew(void **state)
{
	struct world *world = *state;
	for (int round = 0; round < 10 * MASTER_MAX_PING_TIMEOUTS; round++) {
		master_ping(&world->master);
		if (round % MASTER_MAX_PING_TIMEOUTS == MASTER_MAX_PING_TIMEOUTS - 1)
			master_pong(&world->master, &world->peer);
		assert_int_equal(world->agent->standing, STANDING_REGISTERED);
	}
}

/* Its process is not there: a ping to its address is as good as one that is not answered. */
static void one_that_is_not_there_is_silent(void **state)
{
	struct world *world = *state;
	master_agent_disconnect(&world->master, world->agent);
	world->peer.port = 1; /* another process */
	for (int round = 0; round <= MASTER_MAX_PING_TIMEOUTS; round++) {
		assert_int_equal(world->agent->standing, STANDING_REGISTERED);
		master_ping(&world->master);
	}
	assert_int_equal(world->agent->standing, STANDING_UNREACHABLE);
}

/* One that has not registered again answers for its address, as an agent does that is still recovering. */
static void one_that_recovers_answers(void **state)
{
	struct world *world = *state;
	world->agent->ip = (free(world->agent->ip), xstrdup("127.0.0.1"));
	master_agent_disconnect(&world->master, world->agent);
	for (int round = 0; round < 4 * MASTER_MAX_PING_TIMEOUTS; round++) {
		master_ping(&world->master);
		assert_int_equal(pings_received(world), 1);
		master_pong(&world->master, &world->peer);
		assert_int_equal(world->agent->standing, STANDING_REGISTERED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(five_without_an_answer_and_no_fewer, make, clear),
		cmocka_unit_test_setup_teardown(an_answer_begins_the_count_anew, make, clear),
		cmocka_unit_test_setup_teardown(one_that_is_not_there_is_silent, make, clear),
		cmocka_unit_test_setup_teardown(one_that_recovers_answers, make, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
