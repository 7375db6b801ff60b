/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes in a cluster file, each with its place. */
#include "tests/support/cluster_text.h"
#include "tests/support/cmocka.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CLUSTER(members) "{\"clusters\": {\"a\": {\"masters\": [\"http://m\"], " members "}}}"

struct refusal {
	const char *text, *words;
};

static void check_refusals(const struct refusal *cases, size_t count)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < count; i++) {
		if (cluster_text(cases[i].text, &err))
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(err.text, cases[i].words) || !strstr(err.text, "/rollcall.json"))
			fail_msg("%s: expected \"%s\", got: %s", cases[i].text, cases[i].words, err.text);
		assert_int_equal(err.kind, ERROR_USAGE);
		error_clear(&err);
	}
}

static void test_documents_refused(void **state)
{
	static const struct refusal cases[] = {
		{"", ":1:0: "},
		{"{\"clusters\": {\n \"a\": {,}}}", ":2:"},
		{"{\"clusters\": {\"a\": {}, \"a\": {}}}", "duplicate"},
		{"3", ":1:"},
		{"[]", ": must be an object with \"clusters\""},
		{"{}", ": clusters: needs at least one cluster"},
		{"{\"clusters\": {}}", "needs at least one cluster"},
		{"{\"cluster\": {}}", "unknown key \"cluster\"; did you mean \"clusters\"?"},
		{"{\"clusters\": {\"a\": 3}}", "clusters.a: must be an object"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_masters_refused(void **state)
{
	static const struct refusal cases[] = {
		{"{\"clusters\": {\"a b\": {\"masters\": [\"http://m\"]}}}", "may only have letters"},
		{"{\"clusters\": {\"a\": {}}}", "clusters.a.masters: needs at least one master"},
		{"{\"clusters\": {\"a\": {\"masters\": []}}}", "clusters.a.masters: needs at least one master"},
		{"{\"clusters\": {\"a\": {\"masters\": 5}}}", "clusters.a.masters: must be a URL or an array"},
		{"{\"clusters\": {\"a\": {\"masters\": \"m:5050\"}}}", "clusters.a.masters: \"m:5050\" is no URL"},
		{"{\"clusters\": {\"a\": {\"masters\": [5]}}}", "clusters.a.masters[0]: must be a URL"},
		{"{\"clusters\": {\"a\": {\"masters\": [\"m:5050\"]}}}", "masters[0]: \"m:5050\" is no URL"},
		{"{\"clusters\": {\"a\": {\"masters\": [\"http://\"]}}}", "is no URL"},
		{"{\"clusters\": {\"a\": {\"masters\": [\"http://m\", \"zk://z/mesos\"]}}}",
		 "masters[1]: zk:// names all masters"},
		{"{\"clusters\": {\"a\": {\"masters\": \"zk://z:2181\"}}}", "zk://HOST:PORT,HOST:PORT/PATH"},
		{"{\"clusters\": {\"a\": {\"masters\": \"zk:///mesos\"}}}", "zk://HOST:PORT,HOST:PORT/PATH"},
		{"{\"clusters\": {\"a\": {\"masters\": [\"http://u:p@m\"]}}}", "do not belong into a URL"},
		{"{\"clusters\": {\"a\": {\"masters\": \"zk://u:p@z/mesos\"}}}", "\"access\": {\"zookeeper\""},
		{"{\"clusters\": {\"a\": {\"masters\": [\"http://m x\"]}}}", "scheme, host and port alone"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_ssh_refused(void **state)
{
	static const struct refusal cases[] = {
		{CLUSTER("\"ssh\": []"), "clusters.a.ssh: must be an object"},
		{CLUSTER("\"ssh\": {\"usr\": \"x\"}"), "clusters.a.ssh: unknown key \"usr\"; did you mean \"user\"?"},
		{CLUSTER("\"ssh\": {\"port\": 0}"), "clusters.a.ssh.port: must be from 1 to 65535"},
		{CLUSTER("\"ssh\": {\"port\": 65536}"), "must be from 1 to 65535"},
		{CLUSTER("\"ssh\": {\"port\": \"22\"}"), "clusters.a.ssh.port: must be a whole number"},
		{CLUSTER("\"ssh\": {\"user\": \"\"}"), "clusters.a.ssh.user: \"\" is no user name"},
		{CLUSTER("\"ssh\": {\"user\": \"-oProxyCommand=x\"}"), "is no user name"},
		{CLUSTER("\"ssh\": {\"become\": \"yes\"}"), "clusters.a.ssh.become: must be true or false"},
		{CLUSTER("\"ssh\": {\"directory\": \"bin\"}"), "clusters.a.ssh.directory: \"bin\" is no absolute path"},
		{CLUSTER("\"ssh\": {\"directory\": \"/a b\"}"), "may only have letters"},
		{CLUSTER("\"ssh\": {\"directory\": \"/$(reboot)\"}"), "may only have letters"},
		{CLUSTER("\"ssh\": {\"directory\": \"/${host}\"}"), "\"${host}\" is not known"},
		{CLUSTER("\"ssh\": {\"transport\": \"telnet\"}"), "clusters.a.ssh.transport: \"telnet\" is neither"},
		{CLUSTER("\"ssh\": {\"connect_timeout\": 0}"), "clusters.a.ssh.connect_timeout: must be"},
		{CLUSTER("\"ssh\": {\"connect_timeout\": \"soon\"}"), "clusters.a.ssh.connect_timeout: must be"},
		{CLUSTER("\"ssh\": {\"connect_timeout\": 99999999999}"), "clusters.a.ssh.connect_timeout: must be"},
		{CLUSTER("\"ssh\": {\"connect_timeout\": -9223372036854775808}"),
		 "clusters.a.ssh.connect_timeout: must be"},
		{CLUSTER("\"ssh\": {\"connect_timeout\": true}"), "clusters.a.ssh.connect_timeout: must be"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_defaults_refused(void **state)
{
	static const struct refusal cases[] = {
		{CLUSTER("\"defaults\": {\"workdir\": \"/x\"}"), "clusters.a.defaults: unknown key \"workdir\""},
		{CLUSTER("\"defaults\": {\"work_dir\": \"x\"}"),
		 "clusters.a.defaults.work_dir: \"x\" is no absolute path"},
		{CLUSTER("\"defaults\": {\"work_dir\": \"/x/${nme}\"}"), "clusters.a.defaults.work_dir: \"${nme}\""},
		{CLUSTER("\"defaults\": {\"match\": \"id = x\"}"), "clusters.a.defaults: unknown key \"match\""},
		{CLUSTER("\"defaults\": {\"address\": \"\"}"), "clusters.a.defaults.address: \"\" is no host name"},
		{CLUSTER("\"defaults\": {\"address\": \"a b\"}"), "is no host name"},
		{CLUSTER("\"defaults\": {\"address\": 3}"), "clusters.a.defaults.address: must be a string"},
		{CLUSTER("\"defaults\": {\"ssh\": {\"user\": \"x\"}}"), "clusters.a.defaults: unknown key \"ssh\""},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_hosts_refused(void **state)
{
	static const struct refusal cases[] = {
		{CLUSTER("\"hsots\": []"), "unknown key \"hsots\"; did you mean \"hosts\"?"},
		{CLUSTER("\"hosts\": {}"), "clusters.a.hosts: must be an array"},
		{CLUSTER("\"hosts\": [[]]"), "clusters.a.hosts[0]: must be an object"},
		{CLUSTER("\"hosts\": [{\"root\": \"/\"}]"), "clusters.a.hosts[0]: \"match\" is missing"},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\"}, {\"match\": \"rack =\"}]"),
		 "clusters.a.hosts[1].match, column 7: expected a value"},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\", \"flag_store\": {\"kind\": \"ini\"}}]"),
		 "clusters.a.hosts[0].flag_store"},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\", \"ssh\": 3}]"),
		 "clusters.a.hosts[0].ssh: must be an object"},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\", \"ssh\": {\"port\": 0}}]"),
		 "clusters.a.hosts[0].ssh.port: must be from 1 to 65535"},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\", \"ssh\": {\"user\": \"-x\"}}]"),
		 "clusters.a.hosts[0].ssh.user: \"-x\" is no user name"},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\", \"ssh\": {\"transport\": \"openssh\"}}]"),
		 "clusters.a.hosts[0].ssh: unknown key \"transport\""},
		{CLUSTER("\"hosts\": [{\"match\": \"id = x\", \"control\": {\"kind\": \"systemd\", \"unit\": 3}}]"),
		 "clusters.a.hosts[0].control.unit: must be a string"},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_refused), cmocka_unit_test(test_masters_refused),
		cmocka_unit_test(test_ssh_refused),       cmocka_unit_test(test_defaults_refused),
		cmocka_unit_test(test_hosts_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
