/* SPDX-License-Identifier: Apache-2.0 */
/* What flags would do on a host: which the agent would have, what it would detect, what it would say. */
#include "tests/support/cmocka.h"

#include "agentctl/facts.h"
#include "agentctl/figures.h"
#include "agentctl/survey.h"
#include "base/alloc.h"

#define NAMED "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

static Mesos__SlaveInfo *info_of(const char *resources)
{
	struct detected detected = {.hostname = "n1", .cpus = 48, .mem_mb = 100000, .disk_mb = 900000};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "resources", resources);
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	assert_non_null(info);
	flags_clear(&flags);
	return info;
}

static void detect(const char *present, const Mesos__SlaveInfo *checkpoint, struct detected *out)
{
	struct flags flags = FLAGS_INIT;

	if (present != NULL)
		flags_set(&flags, "resources", present);
	figures_detect("/", NULL, checkpoint, &flags, &mesos_version_newest, out);
	flags_clear(&flags);
}

/* What the agent detected by itself counts, not what this machine has. */
static void test_figures_of_the_checkpoint(void **state)
{
	Mesos__SlaveInfo *checkpoint = info_of("mem:2048");
	struct detected machine;
	struct detected found;

	(void)state;
	detect(NULL, NULL, &machine);
	assert_true(machine.cpus > 0 && machine.mem_mb > 0 && machine.disk_mb > 0);
	assert_null(machine.hostname);
	detect("mem:2048", checkpoint, &found);
	assert_true(found.cpus == 48 && found.disk_mb == 900000);
	assert_true(found.mem_mb == machine.mem_mb); /* it was named, so the agent has never said what it detects */
	assert_string_equal(found.hostname, "n1");
	detect("[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":48}}]", checkpoint, &found);
	assert_true(found.cpus == machine.cpus && found.mem_mb == 2048);
	slaveinfo_free(checkpoint);
}

/* On its own host the machine counts; only what nobody can compute is taken from the checkpoint. */
static void test_figures_of_the_machine(void **state)
{
	Mesos__SlaveInfo *checkpoint = info_of("mem:2048;gpus:2");
	struct detected machine = DETECTED_UNKNOWN;
	struct detected found;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(detect_machine("/", &machine, &err), &err);
	figures_measure("/", checkpoint, &found);
	assert_true(found.cpus == machine.cpus && found.mem_mb == machine.mem_mb && found.disk_mb == machine.disk_mb);
	assert_true(found.gpus == 2);
	assert_string_equal(found.hostname, "n1");
	figures_measure("/", NULL, &found);
	assert_null(found.hostname);
	assert_true(found.gpus == 0);
	slaveinfo_free(checkpoint);
}

static void set_process(struct facts *facts, const char *env_attributes, const char *argv_attributes)
{
	facts->running = true;
	flags_set(&facts->agent.from_env, "work_dir", "/w");
	if (env_attributes != NULL)
		flags_set(&facts->agent.from_env, "attributes", env_attributes);
	if (argv_attributes != NULL)
		flags_set(&facts->agent.from_argv, "attributes", argv_attributes);
	flags_copy(&facts->agent.flags, &facts->agent.from_env);
	if (argv_attributes != NULL)
		flags_set(&facts->agent.flags, "attributes", argv_attributes);
}

static void predict(const struct facts *facts, enum flag_store_kind kind, const char *value, struct flags *out)
{
	const struct flag_edit edit = {.name = (char *)"attributes", .value = (char *)value};
	struct flag_store store = {.kind = kind};

	if (value != NULL)
		flags_set(&store.flags, "attributes", value);
	facts_predict_flags(facts, &store, &edit, 1, out);
	flags_clear(&store.flags);
}

static void expect_prediction(const struct facts *facts, enum flag_store_kind kind, const char *edited,
			      const char *wanted)
{
	struct flags flags = FLAGS_INIT;

	predict(facts, kind, edited, &flags);
	assert_string_equal(flags_get(&flags, "work_dir"), "/w");
	if (wanted == NULL)
		assert_null(flags_get(&flags, "attributes"));
	else
		assert_string_equal(flags_get(&flags, "attributes"), wanted);
	flags_clear(&flags);
}

static void test_predicted_flags(void **state)
{
	struct facts facts;

	(void)state;
	memset(&facts, 0, sizeof facts);
	set_process(&facts, "rack:old", NULL);
	expect_prediction(&facts, FLAG_STORE_ENVFILE, "rack:new", "rack:new");
	expect_prediction(&facts, FLAG_STORE_ENVFILE, NULL, NULL);
	expect_prediction(&facts, FLAG_STORE_DIRECTORY, "rack:new", "rack:new");
	facts_clear(&facts);

	/* An environment file loses against the command line; a directory becomes the command line. */
	set_process(&facts, NULL, "rack:argv");
	expect_prediction(&facts, FLAG_STORE_ENVFILE, "rack:new", "rack:argv");
	expect_prediction(&facts, FLAG_STORE_DIRECTORY, "rack:new", "rack:new");
	expect_prediction(&facts, FLAG_STORE_DIRECTORY, NULL, NULL);
	facts_clear(&facts);
}

/* MASTER of /etc/default is an argument that the store gives; what else is on the command line still wins. */
static void test_arguments_of_a_defaults_file(void **state)
{
	struct flag_store edited = {.kind = FLAG_STORE_DEFAULTS, .form = FLAG_STORE_DEFAULTS};
	struct flags flags = FLAGS_INIT;
	struct facts facts;

	(void)state;
	memset(&facts, 0, sizeof facts);
	set_process(&facts, NULL, "rack:argv");
	flags_set(&facts.agent.from_argv, "master", "old");
	flags_set(&facts.store.arguments, "master", "old");
	flags_set(&edited.flags, "attributes", "rack:store");
	flags_set(&edited.flags, "master", "new");
	flags_set(&edited.arguments, "master", "new");
	facts_predict_flags(&facts, &edited, NULL, 0, &flags);
	assert_string_equal(flags_get(&flags, "master"), "new");
	assert_string_equal(flags_get(&flags, "attributes"), "rack:argv");
	assert_string_equal(flags_get(&flags, "work_dir"), "/w");
	flags_clear(&flags);
	flag_store_clear(&edited);
	facts_clear(&facts);
}

static void test_verdict_follows_the_policy(void **state)
{
	struct verdict verdict = {.message = BUFFER_INIT(1 << 20)};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	struct facts facts;

	(void)state;
	memset(&facts, 0, sizeof facts);
	facts.version = mesos_version_newest;
	facts.checkpoint.info = info_of(NAMED);
	slaveinfo_set_id(facts.checkpoint.info, "id-S1");
	facts.checkpoint.agent_id = xstrdup("id-S1");
	facts.detected.hostname = "n1";
	flags_set(&flags, "resources", NAMED);
	flags_set(&flags, "attributes", "rack:r1");
	assert_ok(facts_verdict(&facts, &flags, &verdict, &err), &err);
	assert_false(verdict.accepted);
	assert_int_equal(verdict.differs, PART_ATTRIBUTES);
	verdict_clear(&verdict);
	flags_set(&flags, "reconfiguration_policy", "additive");
	buffer_init(&verdict.message, 1 << 20);
	assert_ok(facts_verdict(&facts, &flags, &verdict, &err), &err);
	assert_true(verdict.accepted);
	verdict_clear(&verdict);
	flags_set(&flags, "reconfiguration_policy", "any");
	assert_int_equal(facts_verdict(&facts, &flags, &verdict, &err), -1);
	assert_int_equal(err.kind, ERROR_USAGE);
	flags_clear(&flags);
	facts_clear(&facts);
}

static void test_secrets_are_not_shown(void **state)
{
	struct flags flags = FLAGS_INIT;
	struct flags shown = FLAGS_INIT;

	(void)state;
	flags_set(&flags, "credential", "{\"secret\":\"x\"}");
	flags_set(&flags, "attributes", "rack:r1");
	flags_redact(&flags, &shown);
	assert_string_equal(flags_get(&shown, "credential"), "<redacted>");
	assert_string_equal(flags_get(&shown, "attributes"), "rack:r1");
	flags_clear(&flags);
	flags_clear(&shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures_of_the_checkpoint),    cmocka_unit_test(test_figures_of_the_machine),
		cmocka_unit_test(test_arguments_of_a_defaults_file), cmocka_unit_test(test_predicted_flags),
		cmocka_unit_test(test_verdict_follows_the_policy),   cmocka_unit_test(test_secrets_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
