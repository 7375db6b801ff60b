/* SPDX-License-Identifier: Apache-2.0 */
/* The policies beyond what was captured of real agents (test_verdicts.c), and the options a stock agent does not have. */
#include "mesos/recovery.h"
#include "tests/support/cmocka.h"
#include "tests/support/splice_fixture.h"

static Mesos__SlaveInfo *make(const char *attributes, const char *resources, const char *domain)
{
	return splice_make(attributes, resources, domain, "5051");
}

#define BASE   "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"
#define DOMAIN "{\"fault_domain\":{\"region\":{\"name\":\"eu/x\"},\"zone\":{\"name\":\"a\"}}}"

struct two {
	const char *attributes[2], *resources[2], *domain[2];
};

static struct verdict check(const struct two *two, const struct recovery_rules *rules)
{
	Mesos__SlaveInfo *before = make(two->attributes[0], two->resources[0], two->domain[0]);
	Mesos__SlaveInfo *after = make(two->attributes[1], two->resources[1], two->domain[1]);
	struct verdict verdict = {0};

	recovery_check(before, after, NULL, rules, &verdict);
	slaveinfo_free(before);
	slaveinfo_free(after);
	return verdict;
}

static void additive_says_what_it_does_not_permit(void **state)
{
	static const struct {
		struct two two;
		const char *message;
	} rows[] = {
		{{{"a:x", "a:4"}, {BASE, BASE}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Type of attribute 'a' changed from 3 to "
		 "0"},
		{{{"a:1.2345", "a:1.24"}, {BASE, BASE}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Value of scalar attribute 'a' changed "
		 "from 1.235 to 1.24"},
		{{{"a:1234567.5", "a:0.1"}, {BASE, BASE}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Value of scalar attribute 'a' changed "
		 "from 1234567.5 to 0.1"},
		{{{"a:[1-5]", "a:[1-2,3-9]"}, {BASE, BASE}, {NULL, NULL}}, ""},
		{{{"a:[1-5]", "b:x"}, {BASE, BASE}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Couldn't find attribute a=[1-5]"},
		{{{"a:x", "a:x;a:y"}, {BASE, BASE}, {NULL, DOMAIN}}, ""},
		{{{"a:x", "a:x"}, {BASE, BASE}, {DOMAIN, NULL}},
		 "Configuration change not permitted under `additive` policy: Domain changed from "
		 "{\"fault_domain\":{\"region\":{\"name\":\"eu/x\"},\"zone\":{\"name\":\"a\"}}} to {}"},
		{{{"", ""}, {BASE, "cpus:4;mem:4095.999;disk:10000;ports:[31000-32000]"}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Value of scalar resource 'mem' decreased "
		 "from 4096 to 4095.999"},
		{{{"", ""}, {BASE, "cpus:4;mem:4096;disk:10000;ports:[31000-31999]"}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Previous value of range resource 'ports' "
		 "([31000-32000]) not included in current [31000-31999]"},
		{{{"", ""}, {BASE ";s:{b,a}", BASE ";s:{a,b,c}"}, {NULL, NULL}}, ""},
		{{{"", ""}, {BASE ";s:{b,a}", BASE ";s:{a,c,d}"}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy: Previous value of set resource 's' ({b, "
		 "a}) not included in current {a, c, d}"},
		{{{"", ""}, {BASE ";x:1", BASE ";x:[1-2]"}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy. Resource not found: x:1"},
		{{{"", ""}, {BASE ";x(r/s):1", BASE}, {NULL, NULL}},
		 "Configuration change not permitted under 'additive' policy. Resource not found: "
		 "x(reservations: [(STATIC,r/s)]):1"},
	};
	struct recovery_rules rules = RECOVERY_STOCK;

	(void)state;
	rules.policy = POLICY_ADDITIVE;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict verdict = check(&rows[i].two, &rules);

		assert_string_equal(rows[i].message, buffer_text(&verdict.message));
		assert_int_equal(rows[i].message[0] == '\0', verdict.accepted);
		verdict_clear(&verdict);
	}
}

static void equal_knows_what_is_the_same(void **state)
{
	static const struct {
		struct two two;
		unsigned differs;
	} rows[] = {
		{{{"a:x;a:x;b:y", "a:x;b:y;b:y"}, {BASE, BASE}, {NULL, NULL}}, 0},
		{{{"a:x;a:x", "a:x"}, {BASE, BASE}, {NULL, NULL}}, PART_ATTRIBUTES},
		{{{"a:[1-5,6-9]", "a:[1-9]"}, {BASE, BASE}, {NULL, NULL}}, 0},
		{{{"a:[1-5]", "a:[1-6]"}, {BASE, BASE}, {NULL, NULL}}, PART_ATTRIBUTES},
		{{{"a:x", "a:x"}, {BASE, BASE}, {NULL, DOMAIN}}, PART_DOMAIN},
		{{{"", ""}, {BASE ";s:{a,b}", BASE ";s:{b,a}"}, {NULL, NULL}}, 0},
		{{{"", ""}, {BASE ";s:{a,b}", BASE ";s:{b,c}"}, {NULL, NULL}}, PART_RESOURCES},
		{{{"", ""}, {BASE ";s:{a}", BASE ";s:{a,b}"}, {NULL, NULL}}, PART_RESOURCES},
		{{{"", ""}, {BASE ";p:[1-3];p:[4-6]", BASE ";p:[1-6]"}, {NULL, NULL}}, 0},
		{{{"", ""}, {BASE ";x(web):1;x(db):2", BASE ";x(db):2;x(web):1"}, {NULL, NULL}}, 0},
		{{{"", ""}, {BASE ";x(web):1", BASE ";x:1"}, {NULL, NULL}}, PART_RESOURCES},
		{{{"a:b", ""}, {BASE, BASE ";x:1"}, {DOMAIN, NULL}}, PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN},
	};
	struct recovery_rules rules = RECOVERY_STOCK;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict verdict = check(&rows[i].two, &rules);

		assert_int_equal(rows[i].differs, verdict.differs);
		assert_int_equal(rows[i].differs == 0, verdict.accepted);
		verdict_clear(&verdict);
	}
}

static void versions_before_1_5_have_their_own_rules(void **state)
{
	static const struct two same = {{"a:x;a:y", "a:x;a:y"}, {BASE, BASE}, {NULL, NULL}};
	static const struct two other = {{"a:x", "a:y"}, {BASE, BASE}, {NULL, NULL}};
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict;

	(void)state;
	rules.version = (struct mesos_version){1, 4, 0};
	/* The second value is compared with the first: such an agent cannot restart at all. */
	verdict = check(&same, &rules);
	assert_false(verdict.accepted);
	verdict_clear(&verdict);
	verdict = check(&other, &rules);
	assert_false(verdict.accepted);
	assert_non_null(strstr(buffer_text(&verdict.message), "Incompatible agent info detected.\n------"));
	assert_null(strstr(strstr(buffer_text(&verdict.message), "New agent info"), "\nid {"));
	verdict_clear(&verdict);
	rules.policy = POLICY_ADDITIVE;
	verdict = check(&other, &rules);
	assert_string_equal("Failed to load unknown flag 'reconfiguration_policy'", buffer_text(&verdict.message));
	verdict_clear(&verdict);
	rules.version = (struct mesos_version){1, 5, 0};
	rules.policy = POLICY_EQUAL;
	verdict = check(&same, &rules);
	assert_true(verdict.accepted);
	verdict_clear(&verdict);
}

/* ---- the proposal's options */

static void ignored_parts_are_accepted_with_a_warning(void **state)
{
	static const struct two two = {{"a:x", "a:y"}, {BASE, "cpus:1;mem:1;disk:1;ports:[1-2]"}, {NULL, DOMAIN}};
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict;

	(void)state;
	rules.ignore = PART_RESOURCES | PART_DOMAIN;
	verdict = check(&two, &rules);
	assert_false(verdict.accepted);
	assert_non_null(strstr(buffer_text(&verdict.message), "Incompatible agent info"));
	assert_non_null(strstr(buffer_text(&verdict.message), "value: 4096")); /* the old info as it was */
	verdict_clear(&verdict);
	rules.ignore |= PART_ATTRIBUTES;
	verdict = check(&two, &rules);
	assert_true(verdict.accepted);
	assert_int_equal(PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN, verdict.differs);
	assert_non_null(strstr(buffer_text(&verdict.message), "resources, attributes, domain"));
	verdict_clear(&verdict);
	rules.ignore = 0;
	rules.recover_state = false;
	verdict = check(&two, &rules);
	assert_true(verdict.accepted);
	assert_non_null(strstr(buffer_text(&verdict.message), "tasks are killed"));
	verdict_clear(&verdict);
}

static void ignore_option_is_parsed(void **state)
{
	struct error err = ERROR_INIT;
	unsigned parts = 77;
	json_t *json;

	(void)state;
	assert_int_equal(0, recovery_ignore_parse("[\"resources\",\"attributes\"]", &parts, &err));
	assert_int_equal(PART_RESOURCES | PART_ATTRIBUTES, parts);
	assert_int_equal(0, recovery_ignore_parse("[\"none\"]", &parts, &err));
	assert_int_equal(0, parts);
	assert_int_equal(0, recovery_ignore_parse_list("domains,resources", &parts, &err));
	assert_int_equal(PART_RESOURCES | PART_DOMAIN, parts);
	json = recovery_ignore_to_json(parts);
	assert_int_equal(2, json_array_size(json));
	json_decref(json);
	json = recovery_ignore_to_json(0);
	assert_string_equal("none", json_string_value(json_array_get(json, 0)));
	json_decref(json);
	static const char *const bad[] = {"",    "[]", "none",  "[\"none\",\"domains\"]", "[\"hostname\"]",
					  "[1]", "{}", "[\"a\""};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct error)ERROR_INIT;
		parts = 77;
		assert_int_equal(-1, recovery_ignore_parse(bad[i], &parts, &err));
		assert_int_equal(ERROR_USAGE, err.kind);
		assert_int_equal(77, parts);
	}
	assert_int_equal(-1, recovery_ignore_parse_list("domains,,resources", &parts, NULL));
	assert_int_equal(-1, recovery_ignore_parse_list("none,resources", &parts, NULL));
	assert_int_equal(-1, recovery_ignore_parse_list("", &parts, NULL));
}

/* ---- dynamic reservations and volumes */

static struct resources reserved(const char *json)
{
	struct resources list = {NULL, 0};
	struct error err = ERROR_INIT;
	json_t *array = json_loads(json, 0, NULL);

	assert_int_equal(0, resources_from_json(array, &list, &err));
	json_decref(array);
	return list;
}

static struct verdict check_reserved(const char *json, const char *after_resources)
{
	Mesos__SlaveInfo *before = make("", BASE, NULL), *after = make("", after_resources, NULL);
	struct resources list = reserved(json);
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {0};

	rules.ignore = PART_RESOURCES;
	recovery_check(before, after, &list, &rules, &verdict);
	resources_clear(&list);
	slaveinfo_free(before);
	slaveinfo_free(after);
	return verdict;
}

#define RESERVED_CPU                                                                                                   \
	"[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2},"                                            \
	"\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\",\"principal\":\"p\"}]}]"
#define VOLUME                                                                                                         \
	"[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":100},\"role\":\"web\",\"reservation\":{},"      \
	"\"disk\":{\"persistence\":{\"id\":\"v1\"},\"volume\":{\"container_path\":\"data\",\"mode\":\"RW\"}}}]"

static void reservations_must_fit_whatever_is_ignored(void **state)
{
	struct verdict verdict = check_reserved(RESERVED_CPU, "cpus:2;mem:1;disk:1;ports:[1-2]");

	(void)state;
	assert_true(verdict.accepted);
	verdict_clear(&verdict);
	verdict = check_reserved(RESERVED_CPU, "cpus:1.5;mem:1;disk:1;ports:[1-2]");
	assert_false(verdict.accepted);
	assert_string_equal(
		"Checkpointed resources cpus(reservations: [(DYNAMIC,web,p)]):2 are incompatible with agent resources "
		"[{\"name\":\"cpus\",\"scalar\":{\"value\":1.5},\"type\":\"SCALAR\"},{\"name\":\"mem\",\"scalar\":{\"value\":1.0},\"type\":\"SCALAR\"},{\"name\":\"disk\",\"scalar\":{\"value\":1.0},\"type\":\"SCALAR\"},{\"name\":\"ports\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":2}]},\"type\":\"RANGES\"}]: "
		"Incompatible agent resources: cpus:1.5; mem:1; disk:1; ports:[1-2] does not contain cpus:2",
		buffer_text(&verdict.message));
	verdict_clear(&verdict);
	verdict = check_reserved(VOLUME, "cpus:1;mem:1;disk:100;ports:[1-2]");
	assert_true(verdict.accepted);
	verdict_clear(&verdict);
	verdict = check_reserved(VOLUME, "cpus:1;mem:1;disk:99;ports:[1-2]");
	assert_false(verdict.accepted);
	assert_non_null(strstr(buffer_text(&verdict.message),
			       "Checkpointed resources disk(reservations: [(DYNAMIC,web)])[v1:data]:100 are"));
	verdict_clear(&verdict);
	/* A static reservation does not give what a dynamic one on unreserved resources needs. */
	verdict = check_reserved(RESERVED_CPU, "cpus(web):4;cpus:1;mem:1;disk:1;ports:[1-2]");
	assert_false(verdict.accepted);
	verdict_clear(&verdict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additive_says_what_it_does_not_permit),
		cmocka_unit_test(equal_knows_what_is_the_same),
		cmocka_unit_test(versions_before_1_5_have_their_own_rules),
		cmocka_unit_test(ignored_parts_are_accepted_with_a_warning),
		cmocka_unit_test(ignore_option_is_parsed),
		cmocka_unit_test(reservations_must_fit_whatever_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
