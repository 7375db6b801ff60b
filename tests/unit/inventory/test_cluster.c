/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster file: what it says of clusters and hosts, and every mistake with its place. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

struct fixture {
	char *folder;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fixture->folder = scratch_new();
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

static struct cluster_file *read_text(struct fixture *fixture, const char *text)
{
	char *path = scratch_write(fixture->folder, "rollcall.json", text);
	struct cluster_file *file = cluster_file_read(path, &fixture->err);

	free(path);
	return file;
}

static struct cluster_file *must_read(struct fixture *fixture, const char *text)
{
	struct cluster_file *file = read_text(fixture, text);

	if (!file)
		fail_msg("%s", fixture->err.text);
	return file;
}

static void test_example(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(fixture, cluster_example);
	const struct cluster *cluster = cluster_file_find(file, NULL, &fixture->err);

	assert_non_null(cluster);
	assert_string_equal(cluster->name, "main");
	assert_int_equal(cluster->master_count, 3);
	assert_true(cluster->ssh.become);
	cluster_file_free(file);
}

static void test_whole_file(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(
		fixture,
		"{\"clusters\": {\"a\": {\"masters\": [\"http://10.0.0.1:5050/\", \"https://m\"],"
		" \"ssh\": {\"user\": \"op\", \"port\": 2222, \"identity\": \"keys/id\", \"known_hosts\": \"/etc/kh\","
		"  \"become\": true, \"directory\": \"/opt/${hostname}/bin\", \"connect_timeout\": 3}},"
		" \"b\": {\"masters\": [\"http://m\"], \"ssh\": {\"connect_timeout\": \"1500ms\"}}}}");
	const struct cluster *a = cluster_file_find(file, "a", &fixture->err), *b;
	char *identity = path_join(fixture->folder, "keys/id");

	assert_non_null(a);
	assert_string_equal(a->masters[0], "http://10.0.0.1:5050");
	assert_string_equal(a->masters[1], "https://m");
	assert_string_equal(a->ssh.user, "op");
	assert_int_equal(a->ssh.port, 2222);
	assert_string_equal(a->ssh.identity, identity);
	assert_string_equal(a->ssh.known_hosts, "/etc/kh");
	assert_int_equal(a->ssh.connect_timeout_ms, 3000);
	b = cluster_file_find(file, "b", &fixture->err);
	assert_non_null(b);
	assert_int_equal(b->ssh.port, 22);
	assert_false(b->ssh.become);
	assert_int_equal(b->ssh.connect_timeout_ms, 1500);
	assert_non_null(strstr(b->ssh.known_hosts, "/.ssh/known_hosts"));
	assert_string_equal(b->ssh.directory, "/var/lib/rollcall/bin");
	assert_null(cluster_file_find(file, NULL, &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "has 2 clusters; say which with --cluster: a, b");
	assert_null(cluster_file_find(file, "c", &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "there is no cluster \"c\" in the cluster file; there is: a, b");
	free(identity);
	cluster_file_free(file);
}

#define CLUSTER(members) "{\"clusters\": {\"a\": {\"masters\": [\"http://m\"], " members "}}}"

static void test_missing_file(void **state)
{
	struct fixture *fixture = *state;

	assert_null(cluster_file_read("/nonexistent/rollcall.json", &fixture->err));
	assert_error(&fixture->err, ERROR_UNREACHABLE,
		     "/nonexistent/rollcall.json: there is no cluster file; `rollcall init`");
}

static void test_home(void **state)
{
	struct fixture *fixture = *state;
	char *old = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;
	struct cluster_file *file;

	setenv("HOME", "/home/op", 1);
	file = must_read(fixture, CLUSTER("\"ssh\": {\"identity\": \"~/.ssh/key\"}"));
	assert_string_equal(file->clusters[0].ssh.identity, "/home/op/.ssh/key");
	assert_false(file->clusters[0].ssh.openssh);
	cluster_file_free(file);
	file = must_read(fixture, CLUSTER("\"ssh\": {\"transport\": \"openssh\"}")); /* ssh_config names the keys */
	assert_null(file->clusters[0].ssh.identity);
	assert_true(file->clusters[0].ssh.openssh);
	assert_string_equal(file->clusters[0].ssh.known_hosts, "/home/op/.ssh/known_hosts");
	cluster_file_free(file);
	if (old)
		setenv("HOME", old, 1);
	free(old);
}

/* ---- hosts */

static const struct fleet_agent fleet[] = {
	{.id = "m-S1", .hostname = "a", .ip = "127.0.0.1", .attributes = "rack:r1"},
	{.id = "m-S2", .hostname = "b", .ip = "127.0.0.2", .attributes = "rack:r2"},
	{.id = "m-S3", .hostname = "../../evil", .ip = "127.0.0.3"},
};

static void check_host(struct fixture *fixture, const struct cluster *cluster, struct store *store, int64_t id,
		       const char *agent, struct cluster_host *out)
{
	struct agent_record record;

	fleet_record(store, id, agent, &record);
	assert_ok(cluster_host(cluster, store, &record, out, &fixture->err), &fixture->err);
	agent_record_clear(&record);
}

static struct store *open_fleet(struct fixture *fixture, int64_t *id)
{
	char *path = path_join(fixture->folder, "rollcall.db");
	struct store *store = store_open(path, true, &fixture->err);

	assert_ok(cluster_id(store, "a", id, &fixture->err), &fixture->err);
	fleet_sync(store, *id, fleet, 3);
	free(path);
	return store;
}

static void test_overrides(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(
		fixture, CLUSTER("\"ssh\": {\"directory\": \"/opt/${id}\"}, \"defaults\": {\"work_dir\": "
				 "\"/var/lib/mesos\", \"address\": \"${hostname}.admin\",   \"flag_store\": {\"kind\": "
				 "\"envfile\", \"path\": \"/etc/default/mesos\"},   \"control\": {\"kind\": "
				 "\"commands\", \"start\": [\"/x/start\", \"${ip}\"], \"stop\": [\"/x/stop\"],     "
				 "\"status\": [\"/x/status\"]}}, \"hosts\": [{\"match\": \"rack = r2\", \"address\": "
				 "\"${ip}\", \"root\": \"/hosts/${hostname}\"},   {\"match\": \"rack = r9\", "
				 "\"work_dir\": \"/wrong\"},   {\"match\": \"id in (m-S2)\", \"flag_store\": "
				 "{\"kind\": \"directory\", \"path\": \"/etc/m\"}}]"));
	const struct cluster *cluster = &file->clusters[0];
	struct cluster_host host;
	int64_t id;
	struct store *store = open_fleet(fixture, &id);

	check_host(fixture, cluster, store, id, "m-S1", &host);
	assert_string_equal(host.address, "a.admin");
	assert_string_equal(host.directory, "/opt/m-S1");
	assert_string_equal(host.settings.root, "/");
	assert_string_equal(host.settings.work_dir, "/var/lib/mesos");
	assert_int_equal(host.settings.store_kind, FLAG_STORE_ENVFILE);
	assert_int_equal(host.settings.control, CONTROL_COMMANDS);
	assert_string_equal(host.settings.start[1], "127.0.0.1");
	assert_null(host.settings.start[2]);
	cluster_host_clear(&host);
	check_host(fixture, cluster, store, id, "m-S2", &host);
	assert_string_equal(host.address, "127.0.0.2");
	assert_string_equal(host.settings.root, "/hosts/b");
	assert_string_equal(host.settings.work_dir, "/var/lib/mesos");
	assert_int_equal(host.settings.store_kind, FLAG_STORE_DIRECTORY);
	assert_string_equal(host.settings.store_path, "/etc/m");
	cluster_host_clear(&host);
	store_close(store);
	cluster_file_free(file);
}

/* Who to be is said for all hosts, and by each entry that matches for some; the last one counts, key by key. */
static void test_logins(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(
		fixture,
		CLUSTER("\"ssh\": {\"user\": \"op\", \"port\": 2222, \"identity\": \"/k\", \"become\": true}, "
			"\"hosts\": [{\"match\": \"rack = r2\", \"ssh\": {\"user\": \"root\", \"become\": false, "
			"\"_comment\": \"old\"}}, {\"match\": \"id in m-S[2-3]\", \"ssh\": {\"port\": 22, "
			"\"identity\": \"old-key\"}}, {\"match\": \"hostname = b\", \"ssh\": {\"user\": \"admin\"}}]"));
	const struct cluster *cluster = &file->clusters[0];
	char *key = path_join(fixture->folder, "old-key");
	struct cluster_host host;
	int64_t id;
	struct store *store = open_fleet(fixture, &id);

	check_host(fixture, cluster, store, id, "m-S1", &host);
	assert_string_equal(host.user, "op");
	assert_int_equal(host.port, 2222);
	assert_string_equal(host.identity, "/k");
	assert_true(host.become);
	cluster_host_clear(&host);
	check_host(fixture, cluster, store, id, "m-S2", &host);
	assert_string_equal(host.user, "admin");
	assert_int_equal(host.port, 22);
	assert_string_equal(host.identity, key);
	assert_false(host.become);
	cluster_host_clear(&host);
	free(key);
	store_close(store);
	cluster_file_free(file);
}

/* Nothing said: the agent's own address, and everything else to be found out. */
static void test_nothing_said(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(fixture, CLUSTER("\"hosts\": []"));
	struct cluster_host host;
	int64_t id;
	struct store *store = open_fleet(fixture, &id);

	check_host(fixture, &file->clusters[0], store, id, "m-S2", &host);
	assert_string_equal(host.address, "127.0.0.2");
	assert_null(host.settings.work_dir);
	assert_int_equal(host.settings.store_kind, FLAG_STORE_UNKNOWN);
	assert_int_equal(host.settings.control, CONTROL_UNKNOWN);
	cluster_host_clear(&host);
	store_close(store);
	cluster_file_free(file);
}

/* A hostname is the master's word: it must not lead out of where the operator pointed. */
static void test_hostile_hostname(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(fixture, CLUSTER("\"defaults\": {\"root\": \"/hosts/${hostname}\"}"));
	struct agent_record record;
	struct cluster_host host;
	int64_t id;
	struct store *store = open_fleet(fixture, &id);

	fleet_record(store, id, "m-S3", &record);
	assert_int_equal(cluster_host(&file->clusters[0], store, &record, &host, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "clusters.a.defaults: root: ${hostname} of agent ");
	agent_record_clear(&record);
	store_close(store);
	cluster_file_free(file);
}

static void test_variable_that_is_missing(void **state)
{
	struct fixture *fixture = *state;
	struct cluster_file *file = must_read(fixture, CLUSTER("\"defaults\": {\"address\": \"${zone}.example.com\"}"));
	struct agent_record record;
	struct cluster_host host;
	int64_t id;
	struct store *store = open_fleet(fixture, &id);

	fleet_record(store, id, "m-S1", &record);
	assert_int_equal(cluster_host(&file->clusters[0], store, &record, &host, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "clusters.a.defaults.address: agent a (m-S1) has no domain");
	agent_record_clear(&record);
	store_close(store);
	cluster_file_free(file);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_example),      TEST(test_whole_file),       TEST(test_missing_file),
		TEST(test_home),         TEST(test_overrides),        TEST(test_logins),
		TEST(test_nothing_said), TEST(test_hostile_hostname), TEST(test_variable_that_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
