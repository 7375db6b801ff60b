/* SPDX-License-Identifier: Apache-2.0 */
/* How flags and documents differ, in the agent's terms. */
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/config_effect.h"
#include "tests/support/cmocka.h"

struct fixture {
	struct config_subject subject;
	struct flags before, after;
	struct config_effects effects;
};

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));

	fixture->subject.version = mesos_version_newest;
	fixture->subject.survey.detected =
		(struct detected){.hostname = "a", .cpus = 8, .mem_mb = 4096, .disk_mb = 10000};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	flags_clear(&fixture->before);
	flags_clear(&fixture->after);
	config_effects_clear(&fixture->effects);
	free(fixture);
	return 0;
}

static void compare(struct fixture *fixture)
{
	config_effects_clear(&fixture->effects);
	config_effects_between(&fixture->subject, &fixture->before, &fixture->after, &fixture->effects);
}

/* NULL: not there. */
static void expect(const struct fixture *fixture, size_t index, const char *what, const char *before, const char *after)
{
	assert_in_range(index, 0, fixture->effects.count - 1);
	const struct config_effect *effect = &fixture->effects.items[index];

	assert_string_equal(effect->what, what);
	assert_string_equal(effect->before ? effect->before : "(none)", before ? before : "(none)");
	assert_string_equal(effect->after ? effect->after : "(none)", after ? after : "(none)");
}

static void test_as_the_agent_compares(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->before, "attributes", "rack:r1;old:x;level:4.50");
	flags_set(&fixture->after, "attributes", "level:4.5;rack:r2;new:y");
	flags_set(&fixture->before, "resources", "cpus:2;cpus:2;mem:1024");
	flags_set(&fixture->after, "resources", "mem:2048;cpus:4");
	compare(fixture);
	assert_int_equal(fixture->effects.count, 4);
	expect(fixture, 0, "resources.mem", "1024", "2048");
	expect(fixture, 1, "attributes.rack", "r1", "r2");
	expect(fixture, 2, "attributes.old", "x", NULL);
	expect(fixture, 3, "attributes.new", NULL, "y");
}

/* What no flag names the agent detects. */
static void test_detected_figures(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->after, "resources", "cpus:8;mem:2048");
	compare(fixture);
	assert_int_equal(fixture->effects.count, 1);
	expect(fixture, 0, "resources.mem", "4096", "2048");
}

static void test_other_flags(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->before, "gc_delay", "1days");
	flags_set(&fixture->before, "strict", "true");
	flags_set(&fixture->before, "same", "1");
	flags_set(&fixture->after, "same", "1");
	flags_set(&fixture->after, "gc_delay", "2days");
	flags_set(&fixture->after, "executor_registration_timeout", "");
	compare(fixture);
	assert_int_equal(fixture->effects.count, 3);
	expect(fixture, 0, "flags.gc_delay", "1days", "2days");
	expect(fixture, 1, "flags.strict", "true", NULL);
	expect(fixture, 2, "flags.executor_registration_timeout", NULL, "");
}

/* Flags with which no agent starts have no SlaveInfo: their texts are compared. */
static void test_flags_of_no_agent(void **state)
{
	struct fixture *fixture = *state;

	flags_set(&fixture->before, "attributes", "rack:r1");
	flags_set(&fixture->after, "attributes", "rack");
	compare(fixture);
	assert_int_equal(fixture->effects.count, 1);
	expect(fixture, 0, "flags.attributes", "rack:r1", "rack");
}

static void test_equal(void **state)
{
	struct fixture *fixture = *state;

	compare(fixture);
	assert_int_equal(fixture->effects.count, 0);
	flags_set(&fixture->before, "attributes", "a:1;b:[1-2,3-4]");
	flags_set(&fixture->after, "attributes", "b:[1-4];a:1.000");
	compare(fixture);
	assert_int_equal(fixture->effects.count, 0);
}

/* ---- documents */

static struct config_version version_of(const char *document, const char *csv_sha256)
{
	struct config_version version = {.name = (char *)(uintptr_t) "web",
					 .document = (char *)(uintptr_t)document,
					 .document_len = strlen(document)};

	memcpy(version.csv_sha256, csv_sha256, strlen(csv_sha256));
	return version;
}

static void test_documents(void **state)
{
	const struct config_version before =
		version_of("{\"name\": \"web\", \"_comment\": 1, \"rules\": [{\"match\": \"a = b\","
			   "\"attributes\": {\"rack\": \"r1\", \"old\": null}}, {\"flags\": {\"x\": 1}}]}",
			   "");
	const struct config_version after =
		version_of("{\"name\": \"web\", \"_comment\": 2, \"rules\": [{\"attributes\": "
			   "{\"rack\": \"r2\", \"old\": null}}]}",
			   "c5f");
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	assert_ok(config_documents_between(&before, &after, &fixture->effects, &err), &err);
	assert_int_equal(fixture->effects.count, 4);
	expect(fixture, 0, "rules[0].match", "a = b", NULL);
	expect(fixture, 1, "rules[0].attributes.rack", "r1", "r2");
	expect(fixture, 2, "rules[1]", "{\"flags\":{\"x\":1}}", NULL);
	expect(fixture, 3, "(CSV)", NULL, "c5f");
	config_effects_clear(&fixture->effects);
	assert_ok(config_documents_between(&before, &before, &fixture->effects, &err), &err);
	assert_int_equal(fixture->effects.count, 0);
}

static void test_a_document_that_is_none(void **state)
{
	const struct config_version good = version_of("{}", ""), bad = version_of("{", "");
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(config_documents_between(&good, &bad, &fixture->effects, &err), -1);
	assert_int_equal(config_documents_between(&bad, &good, &fixture->effects, &err), -1);
	assert_int_equal(fixture->effects.count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_as_the_agent_compares),
		TEST(test_detected_figures),
		TEST(test_other_flags),
		TEST(test_flags_of_no_agent),
		TEST(test_equal),
		TEST(test_documents),
		TEST(test_a_document_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
