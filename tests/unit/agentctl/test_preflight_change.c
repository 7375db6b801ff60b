/* SPDX-License-Identifier: Apache-2.0 */
/* What a request would make of a host. */
#include "tests/support/cmocka.h"

#include <sys/stat.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/preflight_fixture.h"
#include "tests/support/scratch.h"

static void test_identity(void **state)
{
	struct preflight_fixture *fixture = *state;

	preflight_ask(fixture, "hostname", "n2");
	preflight_expect(fixture, "hostname-change", FINDING_REFUSE, "from n1 to n2");
	preflight_ask(fixture, "ip", "10.0.0.2");
	preflight_expect(fixture, "ip-change", FINDING_REFUSE, "(not set) to 10.0.0.2");
	preflight_ask(fixture, "port", "6000");
	preflight_expect(fixture, "port-change", FINDING_REFUSE, "from 5051 to 6000");
	fixture->request.allow_port_change = true;
	findings_clear(&fixture->findings);
	preflight_request(&fixture->facts, &fixture->request, &fixture->findings);
	preflight_expect(fixture, "port-change", FINDING_WARN, "6000");
}

static void test_reservations(void **state)
{
	struct preflight_fixture *fixture = *state;
	struct error err = ERROR_INIT;
	json_t *reserved = json_pack("[{s:s, s:s, s:{s:f}, s:[{s:s, s:s, s:s}]}]", "name", "mem", "type", "SCALAR",
				     "scalar", "value", 2048.0, "reservations", "role", "web", "type", "DYNAMIC",
				     "principal", "p");

	assert_ok(resources_from_json(reserved, &fixture->facts.checkpoint.reserved, &err), &err);
	json_decref(reserved);
	preflight_ask(fixture, "resources", "cpus:4;mem:3000;disk:10000;ports:[31000-32000]");
	assert_null(preflight_find(fixture, "reservations"));
	preflight_ask(fixture, "resources", "cpus:4;mem:2000;disk:10000;ports:[31000-32000]");
	preflight_expect(fixture, "reservations", FINDING_REFUSE, "no longer fit");
}

static void test_values(void **state)
{
	static const struct {
		const char *flag, *value, *words;
	} cases[] = {
		{"attributes", "rack:", "would not start"},
		{"attributes", "a:{b,c}", "would not start"},
		{"executor_reregistration_timeout", "16secs", "at most 15secs"},
		{"recovery_timeout", "15", "recovery_timeout=15"},
		{"reconfiguration_policy", "any", "policy"},
	};
	struct preflight_fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		preflight_ask(fixture, cases[i].flag, cases[i].value);
		preflight_expect(fixture, "flag-value", FINDING_REFUSE, cases[i].words);
	}
	preflight_ask(fixture, "executor_reregistration_timeout", "15secs");
	assert_null(preflight_find(fixture, "flag-value"));
	fixture->facts.version = (struct mesos_version){1, 4, 0};
	preflight_ask(fixture, "reconfiguration_policy", "additive");
	preflight_expect(fixture, "flag-value", FINDING_REFUSE, "came with Mesos 1.5");
}

static void test_what_help_lists(void **state)
{
	static const char help[] = "Usage: mesos-agent [options]\n\n"
				   "  --attributes=VALUE                  Attributes of the agent, in the form:\n"
				   "                                      --colour=blue is none\n"
				   "  --[no-]strict                       If `strict=true`…\n"
				   "  --help\n"
				   "  -x\n";
	struct known_flags known = {.names = NULL, .count = 0};

	(void)state;
	known_flags_parse(help, &known);
	assert_int_equal(known.count, 3);
	assert_true(known_flags_have(&known, "attributes"));
	assert_true(known_flags_have(&known, "strict"));
	assert_false(known_flags_have(&known, "colour"));
	known_flags_clear(&known);
}

static void write_agent(struct preflight_fixture *fixture, const char *help)
{
	char *text = xasprintf("#!/bin/sh\n%s\n", help);
	char *path = scratch_write(fixture->folder, "mesos-agent", text);

	assert_int_equal(chmod(path, 0755), 0);
	free(fixture->facts.agent.executable);
	fixture->facts.agent.executable = path;
	free(text);
}

static void test_flags_the_agent_does_not_know(void **state)
{
	struct preflight_fixture *fixture = *state;

	write_agent(fixture, "echo '  --attributes=VALUE  x'; exit 1");
	preflight_ask(fixture, "attributes", "rack:r2");
	assert_int_equal(fixture->findings.count, 0);
	preflight_ask(fixture, "colour", "blue");
	preflight_expect(fixture, "unknown-flag", FINDING_REFUSE, "--colour");
	preflight_ask(fixture, "colour", NULL); /* what is taken away need not be known */
	assert_null(preflight_find(fixture, "unknown-flag"));
	write_agent(fixture, "echo nothing of the kind");
	preflight_ask(fixture, "colour", "blue");
	preflight_expect(fixture, "help-unknown", FINDING_WARN, "lists no flags");
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, preflight_set_up, preflight_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(test_identity),
		WITH_HOST(test_reservations),
		WITH_HOST(test_values),
		cmocka_unit_test(test_what_help_lists),
		WITH_HOST(test_flags_the_agent_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
