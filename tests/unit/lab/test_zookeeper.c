/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's client of ZooKeeper against a server that says what a test wants it to. The real one: test_lab_ha.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/core/files.h"
#include "lab/core/jute.h"
#include "lab/core/link.h"
#include "lab/core/zookeeper.h"
#include "tests/support/cmocka.h"

#define PACKET_MAX  (1u << 20)
#define PATIENCE_MS 60000
#define SESSION_MS  3000000 /* no test waits for one to run out */

/* One connection at a time; what it says in answer to the n-th packet is the test's. */
struct server {
	struct events *events;
	struct listener *listener;
	struct watch *watch;
	int fd;
	int port;
	int connections, packets;
	void (*answer)(struct server *server, struct jute_reader *packet);
	struct buffer in;
};

struct fixture {
	struct server server;
	struct zookeeper *zookeeper;
	struct timer *patience;
	int connected, changed, expired, code;
	char text[128];
};

static void say(struct server *server, const struct buffer *packet)
{
	struct buffer out = BUFFER_INIT(PACKET_MAX);
	jute_put_bytes(&out, packet->data, packet->len);
	assert_int_equal(write(server->fd, out.data, out.len), out.len);
	buffer_clear(&out);
}

static void hang_up(struct server *server)
{
	watch_free(server->watch);
	server->watch = NULL;
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
	buffer_reset(&server->in);
}

static void on_data(void *ctx, uint32_t got)
{
	struct server *server = ctx;
	char chunk[4096];
	(void)got;
	ssize_t len = read(server->fd, chunk, sizeof(chunk));
	if (len <= 0) {
		hang_up(server);
		return;
	}
	buffer_append(&server->in, chunk, (size_t)len);
	while (server->fd >= 0 && server->in.len >= 4) {
		struct jute_reader head = {.at = server->in.data, .left = server->in.len};
		size_t size = (size_t)jute_get_int(&head);
		if (head.left < size)
			return;
		struct jute_reader packet = {.at = head.at, .left = size};
		server->packets++;
		server->answer(server, &packet);
		if (server->fd >= 0)
			buffer_consume(&server->in, size + 4);
	}
}

static void on_accept(void *ctx, int fd)
{
	struct server *server = ctx;
	hang_up(server);
	server->fd = fd;
	server->connections++;
	server->packets = 0;
	server->watch = watch_new(server->events, fd, EPOLLIN, on_data, server);
}

static void on_connected(void *ctx)
{
	struct fixture *fixture = ctx;
	fixture->connected++;
	events_stop(fixture->server.events);
}

static void on_changed(void *ctx)
{
	struct fixture *fixture = ctx;
	fixture->changed++;
	events_stop(fixture->server.events);
}

static void on_expired(void *ctx)
{
	struct fixture *fixture = ctx;
	fixture->expired++;
	events_stop(fixture->server.events);
}

static const struct zookeeper_ops ops = {.connected = on_connected, .changed = on_changed, .expired = on_expired};

static void too_late(void *ctx)
{
	(void)ctx;
	fail_msg("nothing happened for %d ms", PATIENCE_MS);
}

static void begin_with(struct fixture *fixture, void (*answer)(struct server *server, struct jute_reader *packet),
		       const struct zookeeper_ops *others)
{
	struct error err = ERROR_INIT;
	char address[64];
	*fixture = (struct fixture){.server = {.fd = -1, .answer = answer}};
	fixture->server.events = events_new(&err);
	buffer_init(&fixture->server.in, PACKET_MAX);
	int fd = socket_listen_tcp("127.0.0.1", 0, &fixture->server.port, &err);
	assert_true(fd >= 0);
	fixture->server.listener = listener_new(fixture->server.events, fd, on_accept, &fixture->server);
	snprintf(address, sizeof(address), "127.0.0.1:%d", fixture->server.port);
	fixture->zookeeper = zookeeper_new(fixture->server.events, address, SESSION_MS, others, fixture);
	fixture->patience = timer_new(fixture->server.events, too_late, NULL);
	timer_set(fixture->patience, PATIENCE_MS);
}

static void begin(struct fixture *fixture, void (*answer)(struct server *server, struct jute_reader *packet))
{
	begin_with(fixture, answer, &ops);
}

static void end(struct fixture *fixture)
{
	zookeeper_free(fixture->zookeeper);
	hang_up(&fixture->server);
	listener_free(fixture->server.listener);
	timer_free(fixture->patience);
	buffer_clear(&fixture->server.in);
	events_free(fixture->server.events);
}

/* ---- what servers say */

static void say_session(struct server *server, int32_t timeout)
{
	struct buffer packet = BUFFER_INIT(PACKET_MAX);
	jute_put_int(&packet, 0);
	jute_put_int(&packet, timeout);
	jute_put_long(&packet, 0x123456789abcdef0);
	jute_put_bytes(&packet, "0123456789abcdef", 16);
	buffer_putc(&packet, 0);
	say(server, &packet);
	buffer_clear(&packet);
}

static void put_head(struct buffer *packet, int32_t xid, int32_t code)
{
	jute_put_int(packet, xid);
	jute_put_long(packet, 7);
	jute_put_int(packet, code);
}

static void refuses_the_session(struct server *server, struct jute_reader *packet)
{
	(void)packet;
	say_session(server, 0);
}

static void loses_the_first_request(struct server *server, struct jute_reader *packet)
{
	struct buffer answer = BUFFER_INIT(PACKET_MAX);
	if (server->packets == 1) {
		say_session(server, SESSION_MS);
	} else if (server->connections == 1) {
		hang_up(server);
	} else {
		put_head(&answer, jute_get_int(packet), ZOOKEEPER_OK);
		jute_put_bytes(&answer, "/a/json.info_0000000007", 23);
		say(server, &answer);
	}
	buffer_clear(&answer);
}

static void talks_nonsense_at_first(struct server *server, struct jute_reader *packet)
{
	static const unsigned char nonsense[] = {0x7f, 0xff, 0xff, 0xff, 'H', 'T', 'T', 'P'};
	(void)packet;
	if (server->connections == 1)
		assert_int_equal(write(server->fd, nonsense, sizeof(nonsense)), sizeof(nonsense));
	else
		say_session(server, SESSION_MS);
}

/* The session, and then, unasked, that something has changed. */
static void reports_a_change(struct server *server, struct jute_reader *packet)
{
	struct buffer event = BUFFER_INIT(PACKET_MAX);
	(void)packet;
	say_session(server, SESSION_MS);
	put_head(&event, -1, 0);
	say(server, &event);
	buffer_clear(&event);
}

static void announces_more_children_than_it_names(struct server *server, struct jute_reader *packet)
{
	struct buffer answer = BUFFER_INIT(PACKET_MAX);
	if (server->packets == 1) {
		say_session(server, SESSION_MS);
		return;
	}
	put_head(&answer, jute_get_int(packet), ZOOKEEPER_OK);
	jute_put_int(&answer, 1000000);
	jute_put_bytes(&answer, "json.info_0000000001", 20);
	say(server, &answer);
	buffer_clear(&answer);
}

/* ---- tests */

static void on_done(void *ctx, const struct zookeeper_answer *answer)
{
	struct fixture *fixture = ctx;
	fixture->code = answer->code;
	snprintf(fixture->text, sizeof(fixture->text), "%s %zu",
		 answer->child_count > 0 ? answer->children[0] : answer->text, answer->child_count);
	events_stop(fixture->server.events);
}

/* Until a callback has stopped the loop, which is for good: every test has one such moment. */
static void run(struct fixture *fixture)
{
	events_run(fixture->server.events);
}

static void a_session_that_is_refused_has_expired(void **state)
{
	struct fixture fixture;
	(void)state;
	begin(&fixture, refuses_the_session);
	run(&fixture);
	assert_int_equal(fixture.expired, 1);
	assert_int_equal(fixture.connected, 0);
	end(&fixture);
}

static void nonsense_is_answered_by_another_try(void **state)
{
	struct fixture fixture;
	(void)state;
	begin(&fixture, talks_nonsense_at_first);
	run(&fixture);
	assert_int_equal(fixture.connected, 1);
	assert_int_equal(fixture.server.connections, 2);
	assert_int_equal(fixture.expired, 0);
	end(&fixture);
}

static void asks_before_it_is_connected(void **state)
{
	struct fixture fixture;
	(void)state;
	begin(&fixture, refuses_the_session);
	zookeeper_get(fixture.zookeeper, "/a", on_done);
	assert_int_equal(fixture.code, ZOOKEEPER_LOST);
	end(&fixture);
}

static void on_lost(void *ctx, const struct zookeeper_answer *answer)
{
	struct fixture *fixture = ctx;
	fixture->changed += answer->code == ZOOKEEPER_LOST;
}

static void ask_when_connected(void *ctx)
{
	struct fixture *fixture = ctx;
	if (++fixture->connected == 1)
		zookeeper_create(fixture->zookeeper, "/a/json.info_", "{}", true, on_lost);
	else
		zookeeper_create(fixture->zookeeper, "/a/json.info_", "{}", true, on_done);
}

static void list_when_connected(void *ctx)
{
	struct fixture *fixture = ctx;
	zookeeper_children(fixture->zookeeper, "/a", on_done);
}

static void a_lost_connection_loses_what_was_asked_and_comes_back(void **state)
{
	static const struct zookeeper_ops asking = {
		.connected = ask_when_connected, .changed = on_changed, .expired = on_expired};
	struct fixture fixture;
	(void)state;
	begin_with(&fixture, loses_the_first_request, &asking);
	run(&fixture);
	assert_int_equal(fixture.changed, 1); /* told of the loss, once */
	assert_int_equal(fixture.code, ZOOKEEPER_OK);
	assert_string_equal(fixture.text, "/a/json.info_0000000007 0");
	assert_int_equal(fixture.server.connections, 2);
	end(&fixture);
}

static void ignore(void *ctx)
{
	(void)ctx;
}

static void changes_are_reported(void **state)
{
	static const struct zookeeper_ops waiting = {.connected = ignore, .changed = on_changed, .expired = on_expired};
	struct fixture fixture;
	(void)state;
	begin_with(&fixture, reports_a_change, &waiting);
	run(&fixture);
	assert_int_equal(fixture.changed, 1);
	end(&fixture);
}

static void a_list_that_is_cut_short_is_no_reason_to_read_on(void **state)
{
	static const struct zookeeper_ops listing = {
		.connected = list_when_connected, .changed = on_changed, .expired = on_expired};
	struct fixture fixture;
	(void)state;
	begin_with(&fixture, announces_more_children_than_it_names, &listing);
	run(&fixture);
	assert_int_equal(fixture.code, ZOOKEEPER_BAD);
	assert_string_equal(fixture.text, " 0");
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_is_refused_has_expired),
		cmocka_unit_test(nonsense_is_answered_by_another_try),
		cmocka_unit_test(asks_before_it_is_connected),
		cmocka_unit_test(a_lost_connection_loses_what_was_asked_and_comes_back),
		cmocka_unit_test(changes_are_reported),
		cmocka_unit_test(a_list_that_is_cut_short_is_no_reason_to_read_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
