/* SPDX-License-Identifier: Apache-2.0 */
/* Config documents: what is accepted, what is refused and where, and their versions. */
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/config.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"

#define COUNT(array)       (sizeof(array) / sizeof((array)[0]))
#define SOURCE(file, text) (&(struct config_source){.name = (file), .bytes = (text), .len = strlen(text)})

static struct config *parse(const char *file, const char *text, struct error *err)
{
	return config_parse(SOURCE(file, text), err);
}

static int setup(void **state)
{
	return fleet_setup(state, NULL, 0);
}

/* ---- documents */

struct refusal {
	const char *text, *words;
};

static void check_refusals(const struct refusal *cases, size_t count)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < count; i++) {
		struct config *config = parse("web.json", cases[i].text, &err);

		if (config)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(err.text, cases[i].words) || strncmp(err.text, "web.json", 8) != 0)
			fail_msg("%s: expected \"%s\", got: %s", cases[i].text, cases[i].words, err.text);
		assert_int_equal(err.kind, ERROR_USAGE);
		error_clear(&err);
	}
}

static void test_documents_refused(void **state)
{
	static const struct refusal cases[] = {
		{"", "web.json:1:0: "},
		{"{\"name\": \"w\", \"rules\": [}", "web.json:1:25: "},
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
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_rules_refused(void **state)
{
	static const struct refusal cases[] = {
		{"{\"name\": \"w\",\n \"rules\": [{\"flags\": {\"a\": 1,}}]}", "web.json:2:"},
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
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_what_an_agent_would_refuse(void **state)
{
	static const struct refusal cases[] = {
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
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_what_may_not_be_changed(void **state)
{
	static const struct refusal cases[] = {
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
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
}

static void test_variables_refused(void **state)
{
	static const struct refusal cases[] = {
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"${host}\"}}]}",
		 "rules[0].attributes.a: \"${host}\" is not known"},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"${hostname\"}}]}", "no closing \"}\""},
		{"{\"name\": \"w\", \"rules\": [{\"attributes\": {\"a\": \"${attribute.}\"}}]}", "is not known"},
		{"{\"name\": \"w\", \"rules\": [{\"domain\": {\"zone\": \"${x}\"}}]}", "rules[0].domain.zone: "},
	};

	(void)state;
	check_refusals(cases, COUNT(cases));
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
	struct fleet_fixture *fixture = *state;
	struct config *config = parse("web.json", text, &fixture->err);

	if (!config)
		fail_msg("%s", fixture->err.text);
	assert_string_equal(config_name(config), "web-tier");
	assert_int_equal(config_rule_count(config), 2);
	config_free(config);
}

/* ---- versions */

#define DOCUMENT(value) "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"" value "\"}}]}"

static int64_t add(struct fleet_fixture *fixture, const char *text, bool expect_added)
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
	struct fleet_fixture *fixture = *state;
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
	struct fleet_fixture *fixture = *state;
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
	struct fleet_fixture *fixture = *state;
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
	struct fleet_fixture *fixture = *state;
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
	struct fleet_fixture *fixture = *state;
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fleet_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_refused),
		cmocka_unit_test(test_rules_refused),
		cmocka_unit_test(test_what_an_agent_would_refuse),
		cmocka_unit_test(test_what_may_not_be_changed),
		cmocka_unit_test(test_variables_refused),
		TEST(test_accepted),
		TEST(test_versions),
		TEST(test_find_refusals),
		TEST(test_bad_document_is_not_stored),
		TEST(test_list),
		TEST(test_tampering_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
