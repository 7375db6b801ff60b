/* SPDX-License-Identifier: Apache-2.0 */
/* What real agents did (tests/data/mesos/verdicts.json): every pair of flags under both policies, and every single value. */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "mesos/checkpoint.h"
#include "mesos/recovery.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static json_t *verdicts;

static int load(void **state)
{
	struct error err = ERROR_INIT;
	char *path = test_data("mesos/verdicts.json");

	(void)state;
	verdicts = json_read_file(path, 8u << 20, &err);
	free(path);
	return verdicts != NULL ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(verdicts);
	return 0;
}

static unsigned char *decode(const json_t *object, size_t *len)
{
	struct error err = ERROR_INIT;
	unsigned char *bytes = NULL;

	assert_int_equal(
		0, base64_decode(json_string_value(json_object_get(object, "slave_info_base64")), &bytes, len, &err));
	return bytes;
}

static Mesos__SlaveInfo *checkpoint_of(const json_t *object)
{
	struct error err = ERROR_INIT;
	size_t len;
	unsigned char *bytes = decode(object, &len);
	Mesos__SlaveInfo *info = checkpoint_parse("verdicts.json", bytes, len, &err);

	assert_string_equal("", err.text);
	assert_non_null(info);
	free(bytes);
	return info;
}

static struct flags flags_of(const json_t *object)
{
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(0, flags_from_json(object, "verdicts.json", &flags, &err));
	return flags;
}

/* ---- pairs */

static void judge(const json_t *pair, const char *policy, const struct recovery_rules *rules)
{
	const json_t *seen = json_object_get(json_object_get(pair, policy), "accepted");
	const char *message = json_string_value(json_object_get(json_object_get(pair, policy), "message"));
	Mesos__SlaveInfo *before = checkpoint_of(pair), *after;
	struct flags flags = flags_of(json_object_get(pair, "new"));
	struct verdict verdict = {0};
	struct error err = ERROR_INIT;

	print_message("  %s: %s\n", policy, json_string_value(json_object_get(pair, "name")));
	after = slaveinfo_from_flags(&flags, NULL, &rules->version, &err);
	if (after != NULL) {
		recovery_check(before, after, NULL, rules, &verdict);
		assert_int_equal(json_is_true(seen), verdict.accepted);
		assert_string_equal(message != NULL ? message : "", buffer_text(&verdict.message));
	} else {
		assert_true(json_is_false(seen));
		assert_string_equal(message, err.text);
		assert_int_equal(ERROR_USAGE, err.kind);
	}
	verdict_clear(&verdict);
	slaveinfo_free(after);
	slaveinfo_free(before);
	flags_clear(&flags);
}

static void pairs_are_judged_as_real_agents_did(void **state)
{
	const json_t *pairs = json_object_get(verdicts, "pairs");
	struct recovery_rules rules = RECOVERY_STOCK;

	(void)state;
	assert_true(json_array_size(pairs) >= 40);
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		rules.policy = POLICY_EQUAL;
		judge(json_array_get(pairs, i), "equal", &rules);
		rules.policy = POLICY_ADDITIVE;
		judge(json_array_get(pairs, i), "additive", &rules);
	}
}

/* The flags an agent had and the checkpoint it made of them. */
static void old_flags_give_the_checkpoint_byte_for_byte(void **state)
{
	const json_t *pairs = json_object_get(verdicts, "pairs");

	(void)state;
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);
		struct flags flags = flags_of(json_object_get(pair, "old"));
		Mesos__SlaveInfo *checkpoint = checkpoint_of(pair), *made;
		struct buffer built = BUFFER_INIT(CHECKPOINT_MAX);
		struct error err = ERROR_INIT;
		size_t len;
		unsigned char *bytes = decode(pair, &len);

		made = slaveinfo_from_flags(&flags, NULL, &mesos_version_newest, &err);
		assert_non_null(made);
		assert_int_equal(0, slaveinfo_diff(checkpoint, made));
		slaveinfo_set_id(made, slaveinfo_id(checkpoint));
		checkpoint_build(made, &built);
		assert_int_equal(len, built.len);
		assert_memory_equal(bytes, built.data, len);
		buffer_clear(&built);
		free(bytes);
		slaveinfo_free(made);
		slaveinfo_free(checkpoint);
		flags_clear(&flags);
	}
}

/* ---- single values */

static void test_single(const json_t *single, const struct flags *common)
{
	const char *flag = json_string_value(json_object_get(single, "flag"));
	const char *message = json_string_value(json_object_get(single, "message"));
	struct detected detected = {.hostname = NULL, .cpus = 1, .mem_mb = 1, .disk_mb = 1, .gpus = 0};
	Mesos__SlaveInfo *expected = NULL, *made;
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	print_message("  %s=%s\n", flag, json_string_value(json_object_get(single, "value")));
	flags_copy(&flags, common);
	flags_set(&flags, flag, json_string_value(json_object_get(single, "value")));
	if (json_is_true(json_object_get(single, "starts"))) {
		struct resources resources;

		expected = checkpoint_of(single);
		resources = slaveinfo_resources(expected);
		detected.cpus = resources_scalar(&resources, "cpus");
		detected.disk_mb = resources_scalar(&resources, "disk");
		detected.mem_mb = resources_scalar(&resources, "mem");
		resources_clear(&resources);
	}
	made = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (expected != NULL) {
		struct buffer built = BUFFER_INIT(CHECKPOINT_MAX);
		size_t len;
		unsigned char *bytes = decode(single, &len);

		assert_string_equal("", err.text);
		assert_int_equal(0, slaveinfo_diff(expected, made));
		slaveinfo_set_id(made, slaveinfo_id(expected));
		checkpoint_build(made, &built);
		assert_int_equal(len, built.len);
		assert_memory_equal(bytes, built.data, len);
		buffer_clear(&built);
		free(bytes);
	} else {
		assert_null(made);
		assert_string_equal(message, err.text);
	}
	slaveinfo_free(expected);
	slaveinfo_free(made);
	flags_clear(&flags);
}

static void single_values_start_as_real_agents_did(void **state)
{
	const json_t *singles = json_object_get(verdicts, "single");
	struct flags common = FLAGS_INIT;

	(void)state;
	assert_true(json_array_size(singles) >= 17);
	flags_set(&common, "hostname", "n1.example.com");
	flags_set(&common, "port", "16091");
	for (size_t i = 0; i < json_array_size(singles); i++) {
		const json_t *single = json_array_get(singles, i);

		flags_set(&common, "attributes", "rack:r1;tier:web");
		flags_set(&common, "resources", "cpus:4;mem:4096;disk:10000;ports:[31000-32000]");
		test_single(single, &common);
	}
	flags_clear(&common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_judged_as_real_agents_did),
		cmocka_unit_test(old_flags_give_the_checkpoint_byte_for_byte),
		cmocka_unit_test(single_values_start_as_real_agents_did),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
