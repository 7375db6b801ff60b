/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that speak of an agent: what is put in, and what never is. */
#include <stdlib.h>

#include "inventory/document.h"
#include "tests/support/cmocka.h"

static char *expand(const char *text, const struct agent_record *agent, struct error *err)
{
	struct buffer out = BUFFER_INIT(1000);

	if (document_expand_text(text, agent, NULL, &out, err) == 0)
		return buffer_take(&out);
	buffer_clear(&out);
	return NULL;
}

static struct agent_record named(const char *hostname)
{
	static Mesos__SlaveInfo info = MESOS__SLAVE_INFO__INIT;

	return (struct agent_record){.view = {.id = (char *)(uintptr_t) "m-S1",
					      .hostname = (char *)(uintptr_t)hostname,
					      .ip = (char *)(uintptr_t) "10.0.0.1",
					      .info = &info},
				     .region = (char *)(uintptr_t) "eu/west"};
}

static void check(const char *text, const char *expected)
{
	struct agent_record agent = named("node001.lab");
	struct error err = ERROR_INIT;
	char *found = expand(text, &agent, &err);

	if (!found)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(found, expected);
	free(found);
}

static void test_values(void **state)
{
	(void)state;
	check("", "");
	check("/srv/${hostname}/${id}", "/srv/node001.lab/m-S1");
	check("${ip}:${region}", "10.0.0.1:eu/west");
	check("$${hostname} $ {} $$", "${hostname} $ {} $$");
	check("${hostname}${hostname}", "node001.labnode001.lab");
}

/* Such a name in a root or an address would lead to another host's files, or to the workstation's. */
static void test_names_that_are_none(void **state)
{
	static const char *const names[] = {"", ".", "..", "../node002.lab", "a/b", "/"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct agent_record agent = named(names[i]);
		struct error err = ERROR_INIT;

		assert_null(expand("/srv/${hostname}", &agent, &err));
		assert_text_has(err.text, "(m-S1)");
		assert_error(&err, ERROR_USAGE, "which is no name");
	}
}

static void test_what_an_agent_lacks(void **state)
{
	struct agent_record agent = named("a");
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(expand("${zone}", &agent, &err));
	assert_error(&err, ERROR_USAGE, "agent a (m-S1) has no domain, which ${zone} needs");
	assert_null(expand("${attribute.rack}", &agent, &err));
	assert_error(&err, ERROR_USAGE, "agent a (m-S1) has no attribute \"rack\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_what_an_agent_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
