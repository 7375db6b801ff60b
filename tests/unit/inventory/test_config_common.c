/* SPDX-License-Identifier: Apache-2.0 */
/* A config out of what is running: what agents have in common, and nothing that would change any of them. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "inventory/cluster.h"
#include "inventory/config_common.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"
#include "tests/support/scratch.h"

#define AGENTS 2

static const struct fleet_agent fleet[AGENTS] = {{.id = "m-S1", .hostname = "a"}, {.id = "m-S2", .hostname = "b"}};

struct fixture {
	char *folder;
	struct store *store;
	struct error err;
	struct agent_record records[AGENTS];
	struct config_subject subjects[AGENTS];
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	int64_t cluster;

	fleet_fixture_open(&fixture->folder, &fixture->store, &cluster);
	fleet_sync(fixture->store, cluster, fleet, AGENTS);
	for (size_t i = 0; i < AGENTS; i++) {
		fleet_record(fixture->store, cluster, fleet[i].id, &fixture->records[i]);
		fixture->subjects[i] = (struct config_subject){.agent = &fixture->records[i],
							       .version = mesos_version_newest};
	}
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < AGENTS; i++) {
		flags_clear(&fixture->subjects[i].flags);
		agent_record_clear(&fixture->records[i]);
	}
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

/* The flag of both agents; NULL: it does not have it. */
static void set(struct fixture *fixture, const char *flag, const char *first, const char *second)
{
	const char *values[AGENTS] = {first, second};

	for (size_t i = 0; i < AGENTS; i++) {
		flags_remove(&fixture->subjects[i].flags, flag);
		if (values[i])
			flags_set(&fixture->subjects[i].flags, flag, values[i]);
	}
}

/* The document's one rule, as compact JSON, is the expected one. */
static void expect_rule(struct fixture *fixture, const char *match, const char *expected)
{
	json_t *document = config_common(fixture->store, "web", match, fixture->subjects, AGENTS, &fixture->err);
	char *text;

	if (!document)
		fail_msg("%s", fixture->err.text);
	assert_string_equal(json_string_value(json_object_get(document, "name")), "web");
	assert_int_equal(json_array_size(json_object_get(document, "rules")), 1);
	text = json_dumps(json_array_get(json_object_get(document, "rules"), 0), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
	free(text);
	json_decref(document);
}

static void test_what_all_have(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "attributes", "rack:r1;tier:web;hall:x", "tier:web;rack:r2;hall: x");
	set(fixture, "resources", "cpus:4;mem:1024;ports:[31000-32000]", "mem:1024;cpus:8;ports:[31000-32000]");
	set(fixture, "executor_registration_timeout", "2mins", "2mins");
	set(fixture, "gc_delay", "1days", "2days");
	set(fixture, "strict", "true", NULL);
	expect_rule(
		fixture, "tier = web",
		"{\"attributes\":{\"hall\":\"x\",\"tier\":\"web\"},\"flags\":{\"executor_registration_timeout\":\"2mins\"},\"match\":\"tier "
		"= web\",\"resources\":{\"mem\":\"1024\",\"ports\":\"[31000-32000]\"}}");
}

static void test_domain_by_halves(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "domain", "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"eu-1a\"}}}",
	    "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"eu-1b\"}}}");
	expect_rule(fixture, NULL, "{\"domain\":{\"region\":\"eu\"}}");
	set(fixture, "domain", "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"eu-1a\"}}}", NULL);
	set(fixture, "strict", "true", "true");
	expect_rule(fixture, NULL, "{\"flags\":{\"strict\":\"true\"}}");
}

/* What an agent has twice, reads from elsewhere, or what no config may say, is left out; the rest is not. */
static void test_left_out(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "strict", "true", "true");
	set(fixture, "attributes", "pair:1;pair:2;rack:r1", "pair:1;pair:2;rack:r1");
	set(fixture, "resources", "cpus:2;cpus:2;mem:64", "cpus:2;cpus:2;mem:64");
	set(fixture, "hostname", "same", "same");
	set(fixture, "work_dir", "/var/lib/mesos", "/var/lib/mesos");
	set(fixture, "credential", "/etc/secret", "/etc/secret");
	expect_rule(
		fixture, NULL,
		"{\"attributes\":{\"rack\":\"r1\"},\"flags\":{\"strict\":\"true\"},\"resources\":{\"mem\":\"64\"}}");
	set(fixture, "attributes", "file:///etc/attributes", "file:///etc/attributes");
	set(fixture, "resources", "[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2}}]", "cpus:2");
	expect_rule(fixture, NULL, "{\"flags\":{\"strict\":\"true\"}}");
}

/* Spelling that an agent takes in its own way must not become a change. Something is always left: the flag `strict`. */
static void expect_no_change(struct fixture *fixture, const char *flag, const char *text)
{
	struct error err = ERROR_INIT;
	json_t *document;

	set(fixture, "strict", "true", "true");
	set(fixture, flag, text, text);
	document = config_common(fixture->store, "web", NULL, fixture->subjects, AGENTS, &err);
	if (!document)
		fail_msg("--%s=%s: %s", flag, text, err.text);
	json_decref(document);
}

static void test_odd_spelling(void **state)
{
	static const char *const attributes[] = {
		"rack : r1",     " rack:r1",     "rack:r1 ",  "rack:r 1",       ";;rack:r1;",        "ra ck:r1",
		"rack:r1:2",     "level:004.50", "level:4.5", "keys:[1-2,3-4]", "keys:[ 3-4, 1-2 ]", "t:a\tb",
		"rack:${zone}x", "rack:$${x}",   "rack:$",    "t:\"quoted\"",
	};
	static const char *const resources[] = {
		"cpus : 4",
		"cpus:4.000",
		" cpus:4",
		"mem(web):64;mem:64",
		"cpus:0",
		"disks:{b,a}",
		"ports:[31000-31500,31501-32000]",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		expect_no_change(fixture, "attributes", attributes[i]);
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		expect_no_change(fixture, "resources", resources[i]);
}

static void test_nothing_in_common(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "attributes", "rack:r1", "rack:r2");
	assert_null(config_common(fixture->store, "web", NULL, fixture->subjects, AGENTS, &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "nothing in common");
	error_clear(&fixture->err);
	assert_null(config_common(fixture->store, "web", NULL, NULL, 0, &fixture->err));
	assert_error(&fixture->err, ERROR_USAGE, "these 0 agents");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_all_have), TEST(test_domain_by_halves),  TEST(test_left_out),
		TEST(test_odd_spelling),  TEST(test_nothing_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
