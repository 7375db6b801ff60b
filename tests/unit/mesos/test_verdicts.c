/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What real agents did (tests/data/mesos/verdicts.json and verdicts-more.json): every pair of flags under both policies,
 * and every single value. Where a pair has no "message" the agent had one; it is left out because it repeats both
 * SlaveInfos.
 */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "mesos/checkpoint.h"
#include "mesos/recovery.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static const struct {
	const char *path;
	size_t pairs, singles; /* at least */
} files[] = {
	{"mesos/verdicts.json", 40, 17},
	{"mesos/verdicts-more.json", 500, 400},
};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

static json_t *verdicts[FILE_COUNT];

static int load(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct error err = ERROR_INIT;
		char *path = test_data(files[i].path);

		verdicts[i] = json_read_file(path, 8u << 20, &err);
		free(path);
		if (verdicts[i] == NULL)
			return -1;
	}
	return 0;
}

static int unload(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++)
		json_decref(verdicts[i]);
	return 0;
}

static void expect_text(const char *what, const char *which, const char *expected, const char *got)
{
	if (strcmp(expected, got) != 0)
		fail_msg("%s, %s: a real agent says\n%s\nand we say\n%s", what, which, expected, got);
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
	flags_trim(&flags);
	return flags;
}

/* ---- pairs */

static void judge(const json_t *pair, const char *policy, const struct recovery_rules *rules)
{
	const json_t *seen = json_object_get(pair, policy);
	const json_t *message = json_object_get(seen, "message");
	const char *name = json_string_value(json_object_get(pair, "name"));
	bool accepted = json_is_true(json_object_get(seen, "accepted"));
	Mesos__SlaveInfo *before = checkpoint_of(pair), *after;
	struct flags flags = flags_of(json_object_get(pair, "new"));
	struct verdict verdict = {0};
	struct error err = ERROR_INIT;
	const char *words = err.text;

	after = slaveinfo_from_flags(&flags, NULL, &rules->version, &err);
	if (after != NULL) {
		recovery_check(before, after, NULL, rules, &verdict);
		words = buffer_text(&verdict.message);
	}
	expect_text(name, policy, accepted ? "accepted" : "refused", verdict.accepted ? "accepted" : "refused");
	if (message != NULL)
		expect_text(name, policy, json_is_string(message) ? json_string_value(message) : "", words);
	verdict_clear(&verdict);
	slaveinfo_free(after);
	slaveinfo_free(before);
	flags_clear(&flags);
}

static void pairs_are_judged_as_real_agents_did(void **state)
{
	struct recovery_rules rules = RECOVERY_STOCK;

	(void)state;
	for (size_t file = 0; file < FILE_COUNT; file++) {
		const json_t *pairs = json_object_get(verdicts[file], "pairs");
		const json_t *pair;
		size_t i;

		assert_true(json_array_size(pairs) >= files[file].pairs);
		json_array_foreach(pairs, i, pair)
		{
			rules.policy = POLICY_EQUAL;
			judge(pair, "equal", &rules);
			rules.policy = POLICY_ADDITIVE;
			judge(pair, "additive", &rules);
		}
	}
}

/* The checkpoint an agent made of these flags, byte for byte. */
static void expect_checkpoint(const char *what, const json_t *object, const struct flags *flags,
			      const struct detected *detected)
{
	Mesos__SlaveInfo *checkpoint = checkpoint_of(object), *made;
	struct buffer built = BUFFER_INIT(CHECKPOINT_MAX);
	struct error err = ERROR_INIT;
	size_t len;
	unsigned char *bytes = decode(object, &len);

	made = slaveinfo_from_flags(flags, detected, &mesos_version_newest, &err);
	expect_text(what, "at its start", "", err.text);
	slaveinfo_set_id(made, slaveinfo_id(checkpoint));
	checkpoint_build(made, &built);
	if (len != built.len || memcmp(bytes, buffer_text(&built), len) != 0)
		fail_msg("%s: the checkpoint is another than that of a real agent", what);
	buffer_clear(&built);
	free(bytes);
	slaveinfo_free(made);
	slaveinfo_free(checkpoint);
}

static void old_flags_give_the_checkpoint_byte_for_byte(void **state)
{
	(void)state;
	for (size_t file = 0; file < FILE_COUNT; file++) {
		const json_t *pair;
		size_t i;

		json_array_foreach(json_object_get(verdicts[file], "pairs"), i, pair)
		{
			struct flags flags = flags_of(json_object_get(pair, "old"));

			expect_checkpoint(json_string_value(json_object_get(pair, "name")), pair, &flags, NULL);
			flags_clear(&flags);
		}
	}
}

/* ---- single values */

/* What the agent found on its machine is what its checkpoint says. */
static void expect_start(const char *what, const json_t *single, const struct flags *flags)
{
	Mesos__SlaveInfo *expected = checkpoint_of(single);
	struct resources resources = slaveinfo_resources(expected);
	const struct detected detected = {.hostname = NULL,
					  .cpus = resources_scalar(&resources, "cpus"),
					  .mem_mb = resources_scalar(&resources, "mem"),
					  .disk_mb = resources_scalar(&resources, "disk"),
					  .gpus = 0};

	expect_checkpoint(what, single, flags, &detected);
	resources_clear(&resources);
	slaveinfo_free(expected);
}

static void test_single(const json_t *single, const struct flags *common)
{
	const struct detected detected = {.hostname = NULL, .cpus = 1, .mem_mb = 1, .disk_mb = 1, .gpus = 0};
	const char *flag = json_string_value(json_object_get(single, "flag"));
	const char *value = json_string_value(json_object_get(single, "value"));
	char *what = xasprintf("--%s=%s", flag, value);
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *made;

	flags_copy(&flags, common);
	flags_set(&flags, flag, value);
	flags_trim(&flags);
	if (json_is_true(json_object_get(single, "starts"))) {
		expect_start(what, single, &flags);
	} else {
		made = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
		assert_null(made);
		expect_text(what, "alone", json_string_value(json_object_get(single, "message")), err.text);
	}
	free(what);
	flags_clear(&flags);
}

static void single_values_start_as_real_agents_did(void **state)
{
	struct flags common = FLAGS_INIT;

	(void)state;
	flags_set(&common, "hostname", "n1.example.com");
	flags_set(&common, "port", "16091");
	flags_set(&common, "attributes", "rack:r1;tier:web");
	flags_set(&common, "resources", "cpus:4;mem:4096;disk:10000;ports:[31000-32000]");
	for (size_t file = 0; file < FILE_COUNT; file++) {
		const json_t *singles = json_object_get(verdicts[file], "single");
		const json_t *single;
		size_t i;

		assert_true(json_array_size(singles) >= files[file].singles);
		json_array_foreach(singles, i, single) test_single(single, &common);
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
