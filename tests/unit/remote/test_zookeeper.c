/* SPDX-License-Identifier: Apache-2.0 */
/* Masters found in ZooKeeper: a real server, which is killed and loses its memory. */
#include "remote/zookeeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/zookeeper_node.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake_master.h"
#include "tests/support/zookeeper_server.h"

#define PATIENCE_MS 60000
#define SECRET      "reader:very-secret"

/* ---- URLs and nodes */

static void test_urls(void **state)
{
	static const char *const bad[] = {"http://z/mesos", "zk://",       "zk://z",    "zk://z:2181", "zk://z/",
					  "zk://,z/mesos",  "zk:///mesos", "zk://z/a/", "zk://z/a b",  "zk://z a/m"};
	struct error err = ERROR_INIT;
	char *servers, *path;
	(void)state;
	assert_int_equal(zookeeper_parse_url("zk://one:2000,two,10.0.0.3:2181/a/mesos", &servers, &path, &err), 0);
	assert_string_equal(servers, "one:2000,two:2181,10.0.0.3:2181");
	assert_string_equal(path, "/a/mesos");
	free(servers);
	free(path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error why = ERROR_INIT;
		assert_int_equal(zookeeper_parse_url(bad[i], &servers, &path, &why), -1);
		assert_error(&why, ERROR_USAGE, "zk://");
	}
	assert_int_equal(zookeeper_parse_url("zk://me:hush@z/mesos", &servers, &path, &err), -1);
	assert_null(strstr(err.text, "hush"));
	assert_error(&err, ERROR_USAGE, "{\"zookeeper\": {\"file\": PATH}}");
}

static void test_names(void **state)
{
	(void)state;
	assert_true(zookeeper_node_sequence("json.info_0000000012") == 12);
	assert_true(zookeeper_node_sequence("info_0000000012") == -1);
	assert_true(zookeeper_node_sequence("json.info_") == -1);
	assert_true(zookeeper_node_sequence("json.info_12x") == -1);
	assert_true(zookeeper_node_sequence("json.info_99999999999999999999") == -1);
	assert_true(zookeeper_node_sequence("log_replicas") == -1);
}

#define NODE(port, more)                                                                                               \
	"{\"address\":{\"hostname\":\"m.example.com\",\"ip\":\"127.0.0.1\",\"port\":" port "},\"id\":\"m" port         \
	"\",\"version\":\"1.11.0\"" more "}"

static void test_nodes(void **state)
{
	static const char full[] = NODE(
		"5050",
		",\"capabilities\":[{\"type\":\"AGENT_UPDATE\"}],\"domain\":{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}");
	static const char *const bad[] = {"",
					  "7",
					  "[]",
					  "{}",
					  NODE("0", ""),
					  NODE("70000", ""),
					  NODE("1000000000000", ""),
					  "{\"address\":{\"ip\":\"a/b\",\"port\":1}}",
					  "{\"address\":"};
	struct zookeeper_master master;
	struct error err = ERROR_INIT;
	(void)state;
	assert_int_equal(zookeeper_parse_node(full, strlen(full), false, &master, &err), 0);
	assert_string_equal(master.url, "http://127.0.0.1:5050");
	assert_true(master.facts.agent_update && master.facts.has_domain);
	assert_string_equal(master.facts.zone, "a");
	zookeeper_master_clear(&master);
	assert_int_equal(zookeeper_parse_node(full, strlen(full), true, &master, &err), 0);
	assert_string_equal(master.url, "https://m.example.com:5050");
	zookeeper_master_clear(&master);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error why = ERROR_INIT;
		assert_int_equal(zookeeper_parse_node(bad[i], strlen(bad[i]), false, &master, &why), -1);
		assert_error(&why, ERROR_CORRUPT, "node in ZooKeeper");
	}
}

/* ---- a real server */

static void count_change(void *ctx)
{
	++*(int *)ctx;
}

static void wait_until(struct loop *loop, const struct zookeeper *zookeeper, const char *leader)
{
	int64_t until = clock_monotonic_ms() + PATIENCE_MS;
	for (;;) {
		const struct zookeeper_list *list = zookeeper_masters(zookeeper);
		if (leader == NULL ? list->count == 0 : list->count > 0 && strcmp(list->masters[0].url, leader) == 0)
			return;
		if (clock_monotonic_ms() > until)
			fail_msg("%s never led; %zu masters; %s", leader != NULL ? leader : "nobody", list->count,
				 zookeeper_trouble(zookeeper));
		loop_wait(loop, 200);
	}
}

static void test_elections(void **state)
{
	struct zookeeper_server server;
	struct error err = ERROR_INIT;
	struct loop *loop = loop_new(&err);
	int changes = 0;
	zookeeper_server_start(&server);
	char *url = xasprintf("zk://127.0.0.1:%d/mesos", server.port);
	const struct zookeeper_options options = {.url = url};
	(void)state;
	struct zookeeper *zookeeper = zookeeper_open(loop, &options, count_change, &changes, &err);
	assert_non_null(zookeeper);

	/* The path is made after we have asked for it. */
	zookeeper_server_put(&server, "/mesos", "", NULL);
	zookeeper_server_put(&server, "/mesos/log_replicas", "", NULL);
	int first = zookeeper_server_put(&server, "/mesos/json.info_", NODE("5001", ""), NULL);
	zookeeper_server_put(&server, "/mesos/json.info_", NODE("5002", ""), NULL);
	zookeeper_server_put(&server, "/mesos/json.info_", "nonsense", NULL);
	wait_until(loop, zookeeper, "http://127.0.0.1:5001");
	assert_true(changes > 0);

	/* The leader goes, and the next one leads. */
	char *node = xasprintf("/mesos/json.info_%010d", first);
	zookeeper_server_remove(&server, node);
	wait_until(loop, zookeeper, "http://127.0.0.1:5002");

	/* ZooKeeper dies: what was known stays known. It comes back with its memory: the session goes on. */
	zookeeper_server_kill(&server, 0);
	for (int i = 0; i < 5; i++)
		loop_wait(loop, 50);
	wait_until(loop, zookeeper, "http://127.0.0.1:5002");
	zookeeper_server_restart(&server);
	zookeeper_server_remove(&server, "/mesos/json.info_0000000002"); /* log_replicas was 0 */
	wait_until(loop, zookeeper, NULL);
	assert_text_has(zookeeper_trouble(zookeeper), "no master is registered");

	/* It comes back without: nobody knows the session any more, and a new one is begun. */
	zookeeper_server_kill(&server, 1);
	zookeeper_server_restart(&server);
	zookeeper_server_put(&server, "/mesos", "", NULL);
	zookeeper_server_put(&server, "/mesos/json.info_", NODE("5003", ""), NULL);
	wait_until(loop, zookeeper, "http://127.0.0.1:5003");

	zookeeper_shut(zookeeper);
	zookeeper_shut(NULL);
	loop_free(loop);
	zookeeper_server_clear(&server);
	free(node);
	free(url);
}

/* A source from end to end: credentials, a leader that redirects, one that dies, and every master by itself. */
static void test_source(void **state)
{
	struct fake_masters *f = *state;
	struct zookeeper_server server;
	struct error err = ERROR_INIT;
	char one[300], two[300], node[64];
	zookeeper_server_start(&server);
	snprintf(one, sizeof(one), "{\"address\":{\"ip\":\"127.0.0.1\",\"port\":%d},\"version\":\"1.11.0\"}",
		 f->fakes[0].server.port);
	snprintf(two, sizeof(two), "{\"address\":{\"ip\":\"127.0.0.1\",\"port\":%d},\"version\":\"1.11.0\"}",
		 f->fakes[1].server.port);
	zookeeper_server_put(&server, "/mesos", "", NULL);
	int first = zookeeper_server_put(&server, "/mesos/json.info_", one, SECRET);
	zookeeper_server_put(&server, "/mesos/json.info_", two, SECRET);
	char *url = xasprintf("zk://127.0.0.1:%d/mesos", server.port);
	struct master_options options = {.http = f->http, .zookeeper = url, .timeout_ms = 30000, .attempts = 3};

	/* Without credentials the nodes cannot be read. */
	options.timeout_ms = 300;
	struct master_source *source = master_open(f->loop, &options, &err);
	assert_null(master_ask_now(source, f->loop, WANT_AGENTS, &err));
	assert_error(&err, ERROR_UNREACHABLE, url);
	master_source_free(source);
	error_clear(&err);

	options.timeout_ms = 30000;
	options.zookeeper_credentials = SECRET;
	source = master_open(f->loop, &options, &err);
	f->fakes[0].behaviour = f->fakes[1].behaviour = NORMAL;
	struct master_snapshot *snapshot = master_ask_now(source, f->loop, WANT_AGENTS, &err);
	assert_non_null(snapshot);
	assert_string_equal(snapshot->master, f->fakes[0].server.url);
	master_snapshot_free(snapshot);

	/* It lost the election, and sends on to the next one before ZooKeeper has told us. */
	f->fakes[0].behaviour = REDIRECT;
	f->fakes[0].other = f->fakes[1].server.port;
	snapshot = master_ask_now(source, f->loop, WANT_AGENTS, &err);
	assert_non_null(snapshot);
	assert_string_equal(snapshot->master, f->fakes[1].server.url);
	master_snapshot_free(snapshot);

	struct master_roll roll;
	assert_int_equal(master_ask_all(source, f->loop, &roll, &err), 0);
	assert_int_equal(roll.count, 2);
	assert_true(roll.items[1].leads && !roll.items[0].leads);
	master_roll_clear(&roll);

	/* Its node goes as well. */
	snprintf(node, sizeof(node), "/mesos/json.info_%010d", first);
	zookeeper_server_remove(&server, node);
	f->fakes[0].behaviour = ERROR_500;
	snapshot = master_ask_now(source, f->loop, WANT_AGENTS, &err);
	assert_non_null(snapshot);
	master_snapshot_free(snapshot);
	master_source_free(source);
	zookeeper_server_clear(&server);
	free(url);
}

/* Nobody is there, for as long as the patience lasts. */
static void test_no_server(void **state)
{
	struct fake_masters *f = *state;
	struct error err = ERROR_INIT;
	char *url = xasprintf("zk://127.0.0.1:%d/mesos", closed_port());
	const struct master_options options = {.http = f->http, .zookeeper = url, .timeout_ms = 200, .attempts = 3};
	struct master_source *source = master_open(f->loop, &options, &err);
	assert_null(master_ask_now(source, f->loop, WANT_AGENTS, &err));
	assert_text_has(err.text, url);
	assert_error(&err, ERROR_UNREACHABLE, "no connection to any of its servers");
	master_ask(source, WANT_AGENTS, 1);
	master_source_free(source); /* while it waits */
	free(url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),      cmocka_unit_test(test_names),  cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_elections), cmocka_unit_test(test_source), cmocka_unit_test(test_no_server),
	};
	return cmocka_run_group_tests(tests, fake_masters_set_up, fake_masters_tear_down);
}
