/* SPDX-License-Identifier: Apache-2.0 */
/* What the master would ignore, by the facts of it that a request hands in. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"

struct fixture {
	struct facts facts;
	struct request request;
	struct findings findings;
};

static Mesos__SlaveInfo *info_of(const char *resources)
{
	struct detected detected = {.hostname = "n1", .cpus = 8, .mem_mb = 8000, .disk_mb = 8000};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "n1");
	flags_set(&flags, "resources", resources);
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	assert_non_null(info);
	flags_clear(&flags);
	return info;
}

static int set_up(void **state)
{
	static const char text[] = "MESOS_HOSTNAME=n1\nMESOS_RESOURCES='cpus:4'\n";
	struct fixture *fixture = xcalloc(1, sizeof *fixture);
	struct facts *facts = &fixture->facts;

	facts->host.root = xstrdup("/");
	facts->running = true;
	facts->version = mesos_version_newest;
	facts->detected = (struct detected){.hostname = "n1", .cpus = 8, .mem_mb = 8000, .disk_mb = 8000};
	flags_set(&facts->agent.flags, "hostname", "n1");
	flags_set(&facts->agent.flags, "resources", "cpus:4");
	flags_copy(&facts->agent.from_env, &facts->agent.flags);
	flags_copy(&facts->store.flags, &facts->agent.flags);
	facts->store.kind = facts->store.form = FLAG_STORE_ENVFILE;
	facts->store.path = xstrdup("/env");
	store_add_file(&facts->store, "/env", true, text, sizeof text - 1);
	facts->checkpoint.info = info_of("cpus:4");
	request_init(&fixture->request, REQUEST_APPLY);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	findings_clear(&fixture->findings);
	facts_clear(&fixture->facts);
	request_clear(&fixture->request);
	free(fixture);
	return 0;
}

static void edit(struct fixture *fixture, const char *name, const char *value)
{
	struct request *request = &fixture->request;

	request->edits = xreallocarray(request->edits, request->edit_count + 1, sizeof *request->edits);
	request->edits[request->edit_count++] = (struct flag_edit){.name = xstrdup(name), .value = xstrdup(value)};
}

/* Which of the three codes are found, in order. */
static void assert_found(struct fixture *fixture, const char *expected)
{
	struct buffer found = BUFFER_INIT(1024);

	findings_clear(&fixture->findings);
	preflight_change(&fixture->facts, &fixture->request, &fixture->findings);
	for (size_t i = 0; i < fixture->findings.count; i++) {
		const struct finding *finding = &fixture->findings.items[i];

		if (strncmp(finding->code, "domain-", 7) != 0 && strcmp(finding->code, "role-ignored") != 0)
			continue;
		assert_int_equal(finding->severity, FINDING_REFUSE);
		buffer_printf(&found, "%s ", finding->code);
	}
	assert_string_equal(buffer_text(&found), expected);
	buffer_clear(&found);
}

#define DOMAIN "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}"

static void test_domain(void **state)
{
	struct fixture *fixture = *state;
	struct request_master *master = &fixture->request.master;

	edit(fixture, "domain", DOMAIN);
	assert_found(fixture, "");
	master->known = true;
	assert_found(fixture, "domain-ignored ");
	master->has_domain = true;
	assert_found(fixture, "");
	master->require_domain = true;
	assert_found(fixture, "");
}

static void test_required_domain(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.master = (struct request_master){.known = true, .has_domain = true, .require_domain = true};
	edit(fixture, "attributes", "rack:r1");
	assert_found(fixture, "domain-required ");
}

static void test_role(void **state)
{
	struct fixture *fixture = *state;
	struct request_master *master = &fixture->request.master;

	master->known = true;
	master->refused_roles = xcalloc(3, sizeof *master->refused_roles);
	master->refused_roles[master->refused_role_count++] = xstrdup("db");
	edit(fixture, "resources", "cpus:4;mem(web):512");
	assert_found(fixture, "");
	master->refused_roles[master->refused_role_count++] = xstrdup("web");
	assert_found(fixture, "role-ignored ");
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(test_domain),
		WITH_HOST(test_required_domain),
		WITH_HOST(test_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
