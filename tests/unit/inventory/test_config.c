/* SPDX-License-Identifier: Apache-2.0 */
/* Config documents: what is accepted, what is refused and where, their versions, and what they want of an agent. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "inventory/cluster.h"
#include "inventory/config.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

static const struct fleet_agent fleet[] = {
	{.id = "m-S1",
	 .hostname = "a.example.com",
	 .attributes = "tier:web;rack:r1;pair:1;pair:2",
	 .region = "eu",
	 .zone = "eu-1a"},
	{.id = "m-S2", .hostname = "b.example.com", .attributes = "tier:db;hall:x"},
};

struct fixture {
	char *folder;
	struct store *store;
	struct error err;
	struct agent_record agents[2];
	struct flags flags;
};

#define SOURCE(file, text) (&(struct config_source){.name = (file), .bytes = (text), .len = strlen(text)})

static struct config *parse(const char *file, const char *text, struct error *err)
{
	return config_parse(SOURCE(file, text), err);
}

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	int64_t cluster;
	char *path;

	fixture->folder = scratch_new();
	path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(path, true, &fixture->err);
	free(path);
	assert_ok(cluster_id(fixture->store, "lab", &cluster, &fixture->err), &fixture->err);
	fleet_sync(fixture->store, cluster, fleet, 2);
	for (size_t i = 0; i < 2; i++)
		fleet_record(fixture->store, cluster, fleet[i].id, &fixture->agents[i]);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++)
		agent_record_clear(&fixture->agents[i]);
	flags_clear(&fixture->flags);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

/* ---- documents */

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "web.json:1:0: "},
		{"{\"name\": \"w\", \"rules\": [}", "web.json:1:25: "},
		{"{\"name\": \"w\",\n \"rules\": [{\"flags\": {\"a\": 1,}}]}", "web.json:2:"},
		{"[]", "web.json: must be an object"},
		{"{\"rules\": []}", "\"name\" is missing"},
		{"{\"name\": 3, \"rules\": []}", "name: must be a string"},
		{"{\"name\": \"\", \"rules\": []}", "name: must be 1 to 100 letters"},
		{"{\"name\": \"a@b\", \"rules\": []}", "name: must be 1 to 100 letters"},
		{"{\"name\": \"../w\", \"rules\": []}", "name: must be"},
		{"{\"name\": \"w\"}", "rules: needs at least one rule"},
		{"{\"name\": \"w\", \"rules\": []}", "rules: needs at least one rule"},
		{"{\"name\": \"w\", \"rule\": []}", "unknown key \"rule\"; did you mean \"rules\"?"},
		{"{\"name\": \"w\", \"name\": \"x\", \"rules\": []}", "duplicate"},
		{"{\"name\": \"w\", \"rules\": [3]}", "rules[0]: must be an object"},
		{"{\"name\": \"w\", \"rules\": [{}]}", "rules[0]: changes nothing"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {}}]}", "rules[0]: changes nothing"},
		{"{\"name\": \"w\", \"rules\": [{\"match\": \"rack = r1\"}]}", "rules[0]: changes nothing"},
		{"{\"name\": \"w\", \"rules\": [{\"attribute\": {\"a\": \"b\"}}]}",
		 "rules[0]: unknown key \"attribute\"; did you mean \"attributes\"?"},
		{"{\"name\": \"w\", \"rules\": [{\"match\": \"rack =\", \"attributes\": {\"a\": \"b\"}}]}",
		 "web.json: rules[0].match, column 7: expected a value"},
		{"{\"name\": \"w\", \"rules\": [{\"match\": \"\", \"attributes\": {\"a\": \"b\"}}]}",
		 "rules[0].match, column 1: the expression is empty"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": [\"a\"]}]}", "rules[0].attributes: must be an object"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": {}}}]}",
		 "rules[0].attributes.a: must be a text"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": [1]}}]}",
		 "rules[0].attributes.a: must be a text"},
		/* what an agent would refuse */
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"rack\": \"\"}}]}",
		 "rules[0].attributes.rack: the value is empty"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"rack\": \"  \"}}]}",
		 "rules[0].attributes.rack: the value is empty"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"\": \"x\"}}]}", "an attribute must have a name"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a:b\": \"x\"}}]}", "must not contain \":\""},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a;b\": null}}]}", "must not contain \";\""},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"x;b:y\"}}]}",
		 "rules[0].attributes.a: the value \"x;b:y\" must not contain \";\""},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"{x,y}\"}}]}", "rules[0].attributes.a: "},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"[5-1]x\"}}]}", "rules[0].attributes.a: "},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"x\\ny\"}}]}", "control characters"},
		{"{\"name\": \"w\", \"rules\": [{\"resources\": {\"cpus\": \"many\"}}]}", "rules[0].resources.cpus: "},
		{"{\"name\": \"w\", \"rules\": [{\"resources\": {\"cpus\": -1}}]}", "rules[0].resources.cpus: "},
		{"{\"name\": \"w\", \"rules\": [{\"resources\": {\"cpus\": \"\"}}]}", "rules[0].resources.cpus: "},
		{"{\"name\": \"w\", \"rules\": [{\"resources\": {\"cpus\": \"4;mem:5\"}}]}", "must not contain \";\""},
		{"{\"name\": \"w\", \"rules\": [{\"resources\": {\"ports\": 7}}]}",
		 "ports must be ranges such as [31000-32000]"},
		{"{\"name\": \"w\", \"rules\": [{\"resources\": {\"mem(web)\": \"[1-2]\"}}]}",
		 "mem(web) must be a number"},
		{"{\"name\": \"w\", \"rules\": [{\"domain\": \"eu\"}]}", "rules[0].domain: must be {"},
		{"{\"name\": \"w\", \"rules\": [{\"domain\": {}}]}", "rules[0].domain: needs \"region\""},
		{"{\"name\": \"w\", \"rules\": [{\"domain\": {\"region\": \"\"}}]}",
		 "rules[0].domain.region: must not be empty"},
		{"{\"name\": \"w\", \"rules\": [{\"domain\": {\"zones\": \"a\"}}]}", "did you mean \"zone\"?"},
		/* what may not be changed */
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"hostname\": \"x\"}}]}",
		 "rules[0].flags.hostname: --hostname cannot be changed by a config: the master shuts an agent down"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"hostname\": null}}]}", "--hostname cannot be changed"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"ip\": \"10.0.0.1\"}}]}", "another IP"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"advertise_port\": 5052}}]}",
		 "--advertise_port cannot be changed"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"work_dir\": \"/x\"}}]}", "registers as a new one"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"attributes\": \"a:b\"}}]}",
		 "write them under \"attributes\""},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"resources\": \"a:b\"}}]}",
		 "write them under \"resources\""},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"domain\": \"{}\"}}]}", "write it under \"domain\""},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"recover\": \"cleanup\"}}]}", "ends the agent's tasks"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"recover_state\": false}}]}", "--discard"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"credential\": \"/x\"}}]}", "holds a secret"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"--log_dir\": \"/x\"}}]}", "no name of a flag"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"log dir\": \"/x\"}}]}", "no name of a flag"},
		{"{\"name\": \"w\", \"rules\": [{\"flags\": {\"log_dir\": \"/x\\n/y\"}}]}", "control characters"},
		/* variables */
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"${host}\"}}]}",
		 "rules[0].attributes.a: \"${host}\" is not known"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"${hostname\"}}]}", "no closing \"}\""},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"${attribute.}\"}}]}", "is not known"},
		{"{\"name\": \"w\", \"rules\": [{\"domain\": {\"zone\": \"${x}\"}}]}", "rules[0].domain.zone: "},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *config = parse("web.json", cases[i].text, &fixture->err);

		if (config)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(fixture->err.text, cases[i].words) || strncmp(fixture->err.text, "web.json", 8) != 0)
			fail_msg("%s: expected \"%s\", got: %s", cases[i].text, cases[i].words, fixture->err.text);
		assert_int_equal(fixture->err.kind, ERROR_USAGE);
		error_clear(&fixture->err);
	}
}

static void test_accepted(void **state)
{
	static const char text[] =
		"{\"_comment\": \"for people\", \"name\": \"web-tier\", \"rules\": [\n"
		" {\"match\": \"tier = 'web'\", \"_comment_2\": [1, 2],\n"
		"  \"attributes\": {\"tier\": \"web\", \"n\": 4, \"f\": 0.1, \"ssd\": true, \"old\": null, \"r\": "
		"\"[1-5]\"},\n"
		"  \"resources\": {\"cpus\": 24, \"mem(web)\": 512.5, \"ports\": \"[1-2]\", \"set\": \"{a,b}\", "
		"\"gpus\": null},\n"
		"  \"domain\": {\"region\": \"eu\", \"zone\": \"${attribute.zone}\"},\n"
		"  \"flags\": {\"executor_registration_timeout\": \"2mins\", \"strict\": false, \"log_dir\": null}},\n"
		" {\"domain\": null}]}";
	struct fixture *fixture = *state;
	struct config *config = parse("web.json", text, &fixture->err);

	if (!config)
		fail_msg("%s", fixture->err.text);
	assert_string_equal(config_name(config), "web-tier");
	assert_int_equal(config_rule_count(config), 2);
	config_free(config);
}

/* ---- versions */

#define DOCUMENT(value) "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"" value "\"}}]}"

static int64_t add(struct fixture *fixture, const char *text, bool expect_added)
{
	struct config_version version;
	int64_t number;
	bool added;

	assert_ok(config_add(fixture->store, SOURCE("web.json", text), "me@here", "why", 1000, &version, &added,
			     &fixture->err),
		  &fixture->err);
	assert_int_equal(added, expect_added);
	assert_string_equal(version.name, "web");
	assert_string_equal(version.document, text);
	number = version.version;
	config_version_clear(&version);
	return number;
}

static void test_versions(void **state)
{
	struct fixture *fixture = *state;
	struct config_version version;
	char sha256[DIGEST_HEX_SIZE];

	assert_int_equal(add(fixture, DOCUMENT("r1"), true), 1);
	assert_int_equal(add(fixture, DOCUMENT("r1"), false), 1);
	assert_int_equal(add(fixture, DOCUMENT("r2"), true), 2);
	assert_int_equal(add(fixture, DOCUMENT("r1") "\n", true), 3); /* other bytes are another version */
	assert_int_equal(add(fixture, DOCUMENT("r1"), true), 4);
	assert_int_equal(add(fixture, DOCUMENT("r1"), false), 4);
	assert_ok(config_find(fixture->store, "web@2", &version, &fixture->err), &fixture->err);
	assert_int_equal(version.version, 2);
	assert_string_equal(version.document, DOCUMENT("r2"));
	digest_hex(DOCUMENT("r2"), strlen(DOCUMENT("r2")), sha256);
	assert_string_equal(version.sha256, sha256);
	assert_string_equal(version.author, "me@here");
	assert_string_equal(version.message, "why");
	assert_int_equal(version.created_ms, 1000);
	config_version_clear(&version);
	assert_ok(config_find(fixture->store, "web", &version, &fixture->err), &fixture->err);
	assert_int_equal(version.version, 4);
	config_version_clear(&version);
}

static void test_find_refusals(void **state)
{
	static const struct {
		const char *reference, *words;
	} cases[] = {
		{"web", "there is no config \"web\"; `rollcall config list`"},
		{"db@1", "there is no config \"db\""},
		{"app@2", "config app has no version 2; the newest is 1"},
		{"app@", "after @ comes the number"},
		{"app@0", "after @ comes the number"},
		{"app@-1", "after @ comes the number"},
		{"app@1x", "after @ comes the number"},
		{"app@1@1", "after @ comes the number"},
		{"app@99999999999999999999", "after @ comes the number"},
	};
	static const char app[] = "{\"name\": \"app\", \"rules\": [{\"domain\": null}]}";
	struct fixture *fixture = *state;
	struct config_version version;
	bool added;

	assert_ok(config_add(fixture->store, SOURCE("f", app), "me", NULL, 1, &version, &added, &fixture->err),
		  &fixture->err);
	assert_string_equal(version.message, "");
	config_version_clear(&version);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(config_find(fixture->store, cases[i].reference, &version, &fixture->err), -1);
		assert_error(&fixture->err, ERROR_USAGE, cases[i].words);
	}
}

static void test_bad_document_is_not_stored(void **state)
{
	static const char bad[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"\"}}]}";
	struct fixture *fixture = *state;
	struct config_version version;
	struct config_versions list;
	bool added;

	assert_int_equal(config_add(fixture->store, SOURCE("f", bad), "me", NULL, 1, &version, &added, &fixture->err),
			 -1);
	assert_error(&fixture->err, ERROR_USAGE, "rules[0].attributes.rack");
	assert_ok(config_list(fixture->store, NULL, &list, &fixture->err), &fixture->err);
	assert_int_equal(list.count, 0);
	config_versions_clear(&list);
}

static void test_list(void **state)
{
	static const char app[] = "{\"name\": \"app\", \"rules\": [{\"domain\": null}]}";
	struct fixture *fixture = *state;
	struct config_versions list;
	struct config_version version;
	bool added;

	add(fixture, DOCUMENT("r1"), true);
	add(fixture, DOCUMENT("r2"), true);
	assert_ok(config_add(fixture->store, SOURCE("f", app), "me", NULL, 1, &version, &added, &fixture->err),
		  &fixture->err);
	config_version_clear(&version);
	assert_ok(config_list(fixture->store, NULL, &list, &fixture->err), &fixture->err);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].name, "app");
	assert_string_equal(list.items[1].name, "web");
	assert_int_equal(list.items[1].version, 2);
	config_versions_clear(&list);
	assert_ok(config_list(fixture->store, "web", &list, &fixture->err), &fixture->err);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].version, 1);
	config_versions_clear(&list);
	assert_int_equal(config_list(fixture->store, "nothing", &list, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_USAGE, "there is no config \"nothing\"");
}

/* Somebody edited the database behind our back: the hash covers the stored bytes. */
static void test_tampering_is_seen(void **state)
{
	struct fixture *fixture = *state;
	struct config_version version;

	add(fixture, DOCUMENT("r1"), true);
	assert_ok(store_run(fixture->store, &fixture->err, "DROP TRIGGER config_versions_are_immutable", ""),
		  &fixture->err);
	assert_ok(store_run(fixture->store, &fixture->err, "UPDATE config_versions SET document = ?1", "b",
			    DOCUMENT("r9"), strlen(DOCUMENT("r9"))),
		  &fixture->err);
	assert_int_equal(config_find(fixture->store, "web", &version, &fixture->err), -1);
	assert_error(&fixture->err, ERROR_CORRUPT, "the database was changed");
}

/* ---- what a config wants of an agent */

/* The edits as "flag: before -> after" lines. */
static char *resolve(struct fixture *fixture, size_t agent, const char *rules)
{
	char *text = xasprintf("{\"name\": \"w\", \"rules\": %s}", rules);
	struct config *config = parse("w.json", text, &fixture->err);
	struct buffer out = BUFFER_INIT(1u << 20);
	struct config_edits edits;
	int result;

	if (!config)
		fail_msg("%s", fixture->err.text);
	free(text);
	result = config_resolve(config, fixture->store, &fixture->agents[agent], &fixture->flags, &mesos_version_newest,
				&edits, &fixture->err);
	config_free(config);
	if (result < 0)
		return NULL;
	for (size_t i = 0; i < edits.count; i++) {
		const struct config_edit *edit = &edits.items[i];

		buffer_printf(&out, "%s%s: %s -> %s", i ? "\n" : "", edit->flag, edit->before ? edit->before : "none",
			      edit->after ? edit->after : "none");
	}
	config_edits_clear(&edits);
	return buffer_take(&out);
}

static void check_edits(struct fixture *fixture, size_t agent, const char *rules, const char *expected)
{
	char *edits = resolve(fixture, agent, rules);

	if (!edits)
		fail_msg("%s: %s", rules, fixture->err.text);
	assert_string_equal(edits, expected);
	free(edits);
}

static void check_failure(struct fixture *fixture, size_t agent, const char *rules, const char *words)
{
	assert_null(resolve(fixture, agent, rules));
	assert_error(&fixture->err, ERROR_USAGE, words);
}

static void test_attributes_are_edited_in_place(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->flags, "attributes", "tier:web;rack:r1;old:1");
	check_edits(fixture, 0, "[{\"attributes\": {\"rack\": \"r2\"}}]",
		    "attributes: tier:web;rack:r1;old:1 -> tier:web;rack:r2;old:1");
	check_edits(fixture, 0, "[{\"attributes\": {\"rack\": \"r1\", \"gone\": null}}]", "");
	check_edits(fixture, 0, "[{\"attributes\": {\"tier\": null, \"rack\": null, \"old\": null}}]",
		    "attributes: tier:web;rack:r1;old:1 -> none");
	check_edits(fixture, 0, "[{\"match\": \"tier = db\", \"attributes\": {\"rack\": \"r2\"}}]", "");
	check_edits(fixture, 1, "[{\"match\": \"tier = db\", \"attributes\": {\"rack\": \"r2\"}}]",
		    "attributes: tier:web;rack:r1;old:1 -> tier:web;rack:r2;old:1");
}

static void test_flag_that_is_not_there(void **state)
{
	struct fixture *fixture = *state;

	check_edits(fixture, 0, "[{\"attributes\": {\"rack\": \"r2\"}}]", "attributes: none -> rack:r2");
	check_edits(fixture, 0,
		    "[{\"attributes\": {\"rack\": null}, \"domain\": null, \"flags\": {\"log_dir\": null}}]", "");
	check_edits(fixture, 0, "[{\"flags\": {\"log_dir\": \"/var/log\", \"strict\": false}}]",
		    "log_dir: none -> /var/log\nstrict: none -> false");
}

/* What one rule sets and a later one sets otherwise counts once; the last rule that matches has the word. */
static void test_later_rules_win(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->flags, "attributes", "tier:web");
	flags_set(&fixture->flags, "log_dir", "/old");
	check_edits(
		fixture, 0,
		"[{\"attributes\": {\"rack\": \"r1\", \"tier\": null}, \"flags\": {\"log_dir\": \"/new\"},  "
		"\"domain\": {\"region\": \"x\", \"zone\": \"y\"}}, {\"match\": \"tier = web\", \"attributes\": "
		"{\"tier\": \"web\"}, \"flags\": {\"log_dir\": \"/old\"}}, {\"match\": \"tier = db\", \"attributes\": "
		"{\"rack\": \"r9\"}}, {\"attributes\": {\"rack\": null}, \"domain\": null}]",
		"");
}

static void test_resources(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->flags, "resources", "cpus:8;mem:4096;mem(web):100");
	check_edits(fixture, 0, "[{\"resources\": {\"mem\": 2048}}]",
		    "resources: cpus:8;mem:4096;mem(web):100 -> cpus:8;mem:2048;mem(web):100");
	check_edits(fixture, 0, "[{\"resources\": {\"cpus\": \"8.0\", \"mem(web)\": 100.0}}]",
		    ""); /* only spelt otherwise */
	check_edits(fixture, 0, "[{\"resources\": {\"mem(web)\": null}}]",
		    "resources: cpus:8;mem:4096;mem(web):100 -> cpus:8;mem:4096");
}

static void test_domain(void **state)
{
	static const char old[] = "{ \"fault_domain\": {\"zone\": {\"name\": \"b\"}, \"region\": {\"name\": \"a\"}} }";
	struct fixture *fixture = *state;
	char *expected;

	check_edits(fixture, 0, "[{\"domain\": {\"region\": \"${region}\", \"zone\": \"${zone}\"}}]",
		    "domain: none -> {\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"eu-1a\"}}}");
	check_failure(fixture, 1, "[{\"domain\": {\"zone\": \"z\"}}]",
		      "w.json: rules[0].domain: agent b.example.com (m-S2) has no domain yet");
	check_failure(fixture, 1, "[{\"domain\": {\"zone\": \"z\", \"region\": \"${region}\"}}]",
		      "w.json: rules[0].domain: agent b.example.com (m-S2) has no domain, which ${region} needs");
	flags_set(&fixture->flags, "domain", old);
	check_edits(fixture, 0, "[{\"domain\": {\"region\": \"a\", \"zone\": \"b\"}}]", "");
	check_edits(fixture, 0, "[{\"domain\": {\"zone\": \"b\"}}]", "");
	expected = xasprintf("domain: %s -> {\"fault_domain\":{\"region\":{\"name\":\"a\"},\"zone\":{\"name\":\"c\"}}}",
			     old);
	check_edits(fixture, 0, "[{\"domain\": {\"zone\": \"c\"}}]", expected);
	free(expected);
	expected = xasprintf("domain: %s -> none", old);
	check_edits(fixture, 0, "[{\"domain\": null}]", expected);
	free(expected);
}

static void test_variables(void **state)
{
	struct fixture *fixture = *state;

	check_edits(fixture, 0, "[{\"attributes\": {\"h\": \"${hostname}-${attribute.rack}-${ip}\"}}]",
		    "attributes: none -> h:a.example.com-r1-10.0.0.1");
	check_edits(fixture, 0, "[{\"flags\": {\"log_dir\": \"/var/log/${id}/$${x}/$$/$\"}}]",
		    "log_dir: none -> /var/log/m-S1/${x}/$$/$");
	check_failure(fixture, 1, "[{\"attributes\": {\"h\": \"${attribute.rack}\"}}]",
		      "w.json: rules[0].attributes.h: agent b.example.com (m-S2) has no attribute \"rack\", which "
		      "${attribute.rack} needs");
	check_failure(fixture, 0, "[{\"attributes\": {\"h\": \"${attribute.pair}\"}}]",
		      "has several attributes \"pair\": ${attribute.pair} is not clear");
	check_failure(fixture, 0, "[{\"resources\": {\"cpus\": \"${hostname}\"}}]",
		      "w.json: rules[0].resources.cpus: agent a.example.com (m-S1): ");
}

static void test_flag_in_a_file(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->flags, "attributes", "file:///etc/mesos/attributes");
	check_failure(fixture, 0, "[{\"attributes\": {\"rack\": \"r2\"}}]",
		      "agent a.example.com (m-S1) reads --attributes from file:///etc/mesos/attributes");
	check_edits(fixture, 0, "[{\"flags\": {\"log_dir\": \"/x\"}}]", "log_dir: none -> /x");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refusals),
		TEST(test_accepted),
		TEST(test_versions),
		TEST(test_find_refusals),
		TEST(test_bad_document_is_not_stored),
		TEST(test_list),
		TEST(test_tampering_is_seen),
		TEST(test_attributes_are_edited_in_place),
		TEST(test_flag_that_is_not_there),
		TEST(test_later_rules_win),
		TEST(test_resources),
		TEST(test_domain),
		TEST(test_variables),
		TEST(test_flag_in_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
