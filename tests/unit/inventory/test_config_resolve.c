/* SPDX-License-Identifier: Apache-2.0 */
/* What a config wants of an agent: the edits of its flags. */
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/config.h"
#include "tests/support/cmocka.h"
#include "tests/support/fleet_fixture.h"

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

static int setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	int64_t cluster;

	fleet_fixture_open(&fixture->folder, &fixture->store, &cluster);
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
	fleet_fixture_close(fixture->folder, fixture->store);
	free(fixture);
	return 0;
}

/* The edits as "flag: before -> after" lines. */
static char *resolve(struct fixture *fixture, size_t agent, const char *rules)
{
	char *text = xasprintf("{\"name\": \"w\", \"rules\": %s}", rules);
	const struct config_source source = {.name = "w.json", .bytes = text, .len = strlen(text)};
	struct config *config = config_parse(&source, &fixture->err);
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
