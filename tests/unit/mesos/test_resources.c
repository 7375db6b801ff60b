/* SPDX-License-Identifier: Apache-2.0 */
/* The --resources flag in text and JSON, and the arithmetic of resources. */
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/resources.h"
#include "tests/support/cmocka.h"

static const struct mesos_version newest = {1, 12, 0}, v5 = {1, 5, 0};

static struct resources parse(const char *text)
{
	struct resources parsed = {NULL, 0};
	struct error err = ERROR_INIT;

	assert_int_equal(0, resources_parse(text, NULL, &newest, &parsed, &err));
	assert_string_equal("", err.text);
	return parsed;
}

static void assert_text(const struct resources *resources, const char *expected)
{
	struct buffer out = BUFFER_INIT(65536);

	resources_to_text(resources, &out);
	assert_string_equal(expected, buffer_text(&out));
	buffer_clear(&out);
}

static void assert_parses(const char *text, const char *role, const char *expected)
{
	struct resources parsed = {NULL, 0};
	struct error err = ERROR_INIT;

	assert_int_equal(0, resources_parse(text, role, &newest, &parsed, &err));
	assert_text(&parsed, expected);
	resources_clear(&parsed);
}

static void assert_refused(const char *text, const char *expected)
{
	struct resources parsed = {NULL, 77};
	struct error err = ERROR_INIT;

	assert_int_equal(-1, resources_parse(text, NULL, &newest, &parsed, &err));
	assert_string_equal(expected, err.text);
	assert_int_equal(ERROR_USAGE, err.kind);
	assert_int_equal(77, parsed.count);
}

#define SCALAR(name, value) "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}"

static void flags_are_taken_as_agents_take_them(void **state)
{
	static const struct {
		const char *text, *role, *expected;
	} rows[] = {
		{"", NULL, "{}"},
		{"cpus:4;mem:512", NULL, "cpus:4; mem:512"},
		{";;cpus:4;;", NULL, "cpus:4"},
		{"cpus:2;mem:1;cpus:2.5", NULL, "cpus:4.5; mem:1"},
		{"cpus:0.1;cpus:0.2", NULL, "cpus:0.3"},
		{"cpus:0", NULL, "{}"},
		{"ports:[1-3,5-9];ports:[4-4]", NULL, "ports:[1-9]"},
		{"ports:[1-3,2-9]", NULL, "ports:[1-9]"},
		{"s:{b,a};s:{c,a}", NULL, "s:{b, a, c}"},
		{"s:{}", NULL, "{}"},
		{" cpus : 4 ", NULL, "cpus:4"},
		{"cpus( web ):4", NULL, "cpus(reservations: [(STATIC,web)]):4"},
		{"cpus(*):4;cpus:1", NULL, "cpus:5"},
		{"cpus:4;mem(db):1", "web", "cpus(reservations: [(STATIC,web)]):4; mem(reservations: [(STATIC,db)]):1"},
		{"cpus(*):4", "web", "cpus:4"},
		{"mem(web)(db):5", NULL, "mem(reservations: [(STATIC,web)]):5"},
		{"mem(eng/web/a):5", NULL, "mem(reservations: [(STATIC,eng/web/a)]):5"},
		{"::cpus::4::", NULL, "cpus:4"},
		{"cpus:1e3", NULL, "cpus:1000"},
		{"[]", NULL, "{}"},
		{" [ " SCALAR("cpus", "4") "} ] ", NULL, "cpus:4"},
		{"[" SCALAR("cpus", "4") "}," SCALAR("cpus", "\"1.5\"") "}]", NULL, "cpus:5.5"},
		{"[" SCALAR("cpus", "4") "}]", "web", "cpus(reservations: [(STATIC,web)]):4"},
		{"[" SCALAR("cpus", "4") ",\"role\":\"*\"}]", "web", "cpus:4"},
		{"[" SCALAR("cpus", "4") ",\"role\":\"db\"}]", "web", "cpus(reservations: [(STATIC,db)]):4"},
		{"[" SCALAR(
			 "cpus",
			 "4") ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"db\",\"principal\":\"p\",\"labels\":{\"labels\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"l\"}]}}]}]",
		 "web", "cpus(reservations: [(STATIC,db,p,{k: v, l})]):4"},
		{"[" SCALAR("cpus", "4") ",\"unknown\":{\"x\":[1]}}]", NULL, "cpus:4"},
		{"[" SCALAR(
			 "disk",
			 "5") ",\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/a\"}}}},"
			      "" SCALAR(
				      "disk",
				      "5") ",\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/a\"}}}}]",
		 NULL, "disk[MOUNT:/a]:5; disk[MOUNT:/a]:5"},
		{"[" SCALAR("disk",
			    "5") ",\"disk\":{\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/a\"}}}},"
				 "" SCALAR(
					 "disk",
					 "5") ",\"disk\":{\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/a\"}}}}]",
		 NULL, "disk[PATH:/a]:10"},
		{"[" SCALAR(
			 "disk",
			 "5") ",\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/a\"},\"id\":\"i\",\"profile\":\"p\",\"vendor\":\"v\"}}}]",
		 NULL, "disk[MOUNT(v,i,p)]:5"},
		{"[{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":5,\"end\":9},{\"begin\":1,\"end\":4}]}}]",
		 NULL, "ports:[5-9, 1-4]"},
		{"[{\"name\":\"s\",\"type\":\"SET\",\"set\":{\"item\":[\"a\",\"b\"]}}]", NULL, "s:{a, b}"},
		{"[{\"name\":\"s\",\"type\":\"SET\",\"set\":{\"item\":\"a\"}}]", NULL, "s:{a}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_parses(rows[i].text, rows[i].role, rows[i].expected);
}

#define JSON_ERROR "Some JSON resources were not formatted properly: "

struct mistake {
	const char *text, *expected;
};

/* They are named as agents name them. */
static void check_mistakes(const struct mistake *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(rows[i].text, rows[i].expected);
}

static void mistakes_in_text(void **state)
{
	static const struct mistake rows[] = {
		{"cpus", "Bad value for resources, missing or extra ':' in cpus"},
		{"cpus:", "Bad value for resources, missing or extra ':' in cpus:"},
		{"cpus:1:2", "Bad value for resources, missing or extra ':' in cpus:1:2"},
		{"cpus:4; ", "Bad value for resources, missing or extra ':' in  "},
		{"mem(web:1", "Bad value for resources, mismatched parentheses in mem(web:1"},
		{"mem)(:1", "Bad value for resources, mismatched parentheses in mem)(:1"},
		{"cpus:x", "Bad type for resource cpus value x type TEXT"},
		{"cpus:-1", "Bad type for resource cpus value -1 type TEXT"},
		{"cpus:4\n", "Bad type for resource cpus value 4\n type TEXT"},
		{"cpus:[1-", "Failed to parse resource cpus value [1- error Mismatched brackets"},
		{"cpus:[1]", "Failed to parse resource cpus value [1] error Expecting one or more \"ranges\""},
		{"cpus: ", "Failed to parse resource cpus value   error Expecting non-empty string"},
		{"cpus:1e-310", "Failed to parse resource cpus value 1e-310 error Subnormal values not supported"},
		{"cpus:0.0004", "Invalid scalar resource: value <= 0"},
		{"cpus:1e300", "Invalid scalar resource: value <= 0"},
		{"ports:[5-1]", "Invalid ranges resource: begin > end"},
		{"s:{a,b,a}", "Invalid set resource: duplicated elements"},
		{"(web):1", "Empty resource name"},
		{"mem():1", "Role names cannot be the empty string"},
		{"mem(/a):1", "Role '/a' cannot start with a slash"},
		{"mem(a/):1", "Role 'a/' cannot end with a slash"},
		{"mem(a//b):1", "Role 'a//b' cannot contain two adjacent slashes"},
		{"mem(a/./b):1", "Role 'a/./b' cannot include '.' as a component"},
		{"mem(..):1", "Role '..' cannot include '..' as a component"},
		{"mem(a/*):1", "Role 'a/*' cannot include '*' as a component"},
		{"mem(-a):1", "Role component '-a' is invalid because it starts with a dash"},
		{"mem(a/b c):1", "Role component 'b c' is invalid because it contains backspace or whitespace"},
		{"x:1;x:[1-2]", "Resources with the same name ('x') but different types are not allowed"},
		{"x:1;x(web):{a}", "Resources with the same name ('x') but different types are not allowed"},
		{"[", "Bad value for resources, missing or extra ':' in ["},
		{"{\"name\":\"cpus\"}", "Failed to parse resource {\"name\" value \"cpus\"} error Mismatched brackets"},
	};

	(void)state;
	check_mistakes(rows, sizeof(rows) / sizeof(rows[0]));
}

static void mistakes_in_json(void **state)
{
	static const struct mistake rows[] = {
		{"[1]", JSON_ERROR "Expecting a JSON object"},
		{"[{}]", JSON_ERROR "Missing required fields: name, type"},
		{"[" SCALAR("c", "null") "}]", JSON_ERROR "Missing required fields: scalar.value"},
		{"[{\"name\":\"p\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":2},{\"end\":2}]}}]",
		 JSON_ERROR "Missing required fields: ranges.range[1].begin"},
		{"[{\"name\":\"c\",\"type\":\"FOO\"}]", JSON_ERROR "Failed to find enum for 'FOO'"},
		{"[{\"name\":\"c\",\"type\":1}]", JSON_ERROR "Not expecting a JSON number for field 'type'"},
		{"[{\"name\":1,\"type\":\"SCALAR\"}]", JSON_ERROR "Not expecting a JSON number for field 'name'"},
		{"[{\"name\":{},\"type\":true}]", JSON_ERROR "Not expecting a JSON object for field 'name'"},
		{"[{\"name\":true}]", JSON_ERROR "Not expecting a JSON boolean for field 'name'"},
		{"[{\"name\":[\"c\"]}]", JSON_ERROR "Not expecting a JSON array for field 'name'"},
		{"[{\"name\":\"c\",\"scalar\":\"4\"}]", JSON_ERROR "Not expecting a JSON string for field 'scalar'"},
		{"[" SCALAR("c", "\"x\"") "}]",
		 JSON_ERROR "Failed to parse 'x' as a JSON number for field 'value': syntax error at line 1 near: x"},
		{"[{\"name\":\"c\",\"type\":\"TEXT\"}]", "Unsupported resource type"},
		{"[{\"name\":\"c\",\"type\":\"SCALAR\"}]", "Invalid scalar resource"},
		{"[" SCALAR("c", "1") ",\"set\":{\"item\":[\"a\"]}}]", "Invalid scalar resource"},
		{"[" SCALAR("c", "-1") "}]", "Invalid scalar resource: value <= 0"},
		{"[{\"name\":\"p\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":4},{\"begin\":4,\"end\":5}]}}]",
		 "Invalid ranges resource: overlapping ranges"},
		{"[" SCALAR("", "1") "}]", "Empty resource name"},
	};

	(void)state;
	check_mistakes(rows, sizeof(rows) / sizeof(rows[0]));
}

static void json_that_no_command_line_may_hold(void **state)
{
	static const struct mistake rows[] = {
		{"[" SCALAR("c", "1") ",\"disk\":{}}]", "DiskInfo should not be set for c resource"},
		{"[" SCALAR("c", "1") ",\"shared\":{}}]", "Resource c cannot be shared"},
		{"[" SCALAR("disk", "1") ",\"shared\":{}}]", "Only persistent volumes can be shared"},
		{"[" SCALAR("disk", "1") ",\"disk\":{\"source\":{\"type\":\"RAW\",\"mount\":{}}}}]",
		 "Mount should not be set for RAW disk source"},
		{"[" SCALAR("disk", "1") ",\"disk\":{\"source\":{\"type\":\"BLOCK\",\"path\":{}}}}]",
		 "Path should not be set for BLOCK disk source"},
		{"[" SCALAR("disk", "1") ",\"disk\":{\"source\":{\"type\":\"UNKNOWN\"}}}]",
		 "Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'"},
		{"[" SCALAR("c", "1") ",\"revocable\":{}}]",
		 "Revocable resources cannot be specified at the command line; do not include a 'revocable' key in the "
		 "resources JSON"},
		{"[" SCALAR("c", "1") ",\"role\":\"a\",\"reservation\":{}}]",
		 "Dynamic reservations cannot be specified at the command line; do not include a reservation with "
		 "DYNAMIC type in the resources JSON"},
		{"[" SCALAR("disk", "1") ",\"role\":\"a\",\"disk\":{\"persistence\":{\"id\":\"x\"}}}]",
		 "Persistent volumes cannot be specified at the command line"},
		{"[" SCALAR("c", "1") ",\"reservations\":[{\"role\":\"a\"}]}]",
		 "Invalid reservation: 'Resource.ReservationInfo.type' field must be set."},
		{"[" SCALAR("c", "1") ",\"reservations\":[{\"type\":\"STATIC\"}]}]",
		 "Invalid reservation: 'Resource.ReservationInfo.role' field must be set."},
		{"[" SCALAR("c", "1") ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"*\"}]}]",
		 "Invalid reservation: role \"*\" cannot be reserved"},
		{"[" SCALAR(
			 "c",
			 "1") ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"a\"},{\"type\":\"STATIC\",\"role\":\"a/b\"}]}]",
		 "Invalid refined reservation: A refined reservation cannot be STATIC"},
		{"[" SCALAR(
			 "c",
			 "1") ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"a\"},{\"type\":\"DYNAMIC\",\"role\":\"ab\"}]}]",
		 "Invalid refined reservation: role 'ab' is not a refinement of 'a'"},
	};

	(void)state;
	check_mistakes(rows, sizeof(rows) / sizeof(rows[0]));
}

static void versions_differ(void **state)
{
	struct resources parsed = {NULL, 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(-1, resources_parse("cpus:-1", NULL, &v5, &parsed, &err));
	assert_string_equal("Invalid scalar resource: value <= 0", err.text);
}

/* ---- arithmetic */

static void the_two_forms_are_the_same(void **state)
{
	static const char json[] = "[" SCALAR("cpus", "1") ",\"role\":\"*\"}," SCALAR(
		"cpus",
		"2") ",\"role\":\"web\",\"reservation\":{\"principal\":\"p\"}}," SCALAR("cpus",
											"3") ",\"role\":\"web\"}]";
	struct resources list = {NULL, 0}, before = {NULL, 0};
	struct error err = ERROR_INIT;
	json_t *array = json_loads(json, 0, NULL);

	(void)state;
	assert_int_equal(0, resources_from_json(array, &list, &err));
	resources_copy(&before, list.items, list.count);
	resources_normalise(&list);
	assert_text(&list, "cpus:1; cpus(reservations: [(DYNAMIC,web,p)]):2; cpus(reservations: [(STATIC,web)]):3");
	assert_true(resources_equal(&list, &before));
	for (size_t i = 0; i < list.count; i++) {
		resource_downgrade(list.items[i]);
		assert_true(pb_equal(list.items[i], before.items[i]));
	}
	assert_true(resources_scalar(&list, "cpus") == 6);
	assert_true(resources_scalar(&list, "mem") == 0);
	resources_clear(&list);
	resources_clear(&before);
	json_decref(array);
}

static void containment(void **state)
{
	static const struct {
		const char *all, *part;
		bool contains;
	} rows[] = {
		{"cpus:4", "cpus:4", true},
		{"cpus:4", "cpus:4.0004", true},
		{"cpus:4", "cpus:4.001", false},
		{"cpus:4", "", true},
		{"", "cpus:1", false},
		{"", "cpus:0", true},
		{"cpus(web):4", "cpus:1", false},
		{"ports:[1-5,6-9]", "ports:[4-7]", true},
		{"ports:[1-5]", "ports:[5-6]", false},
		{"s:{a,b}", "s:{b}", true},
		{"s:{a,b}", "s:{c}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct resources all = parse(rows[i].all), part = parse(rows[i].part);

		assert_int_equal(rows[i].contains, resources_contain(&all, &part));
		resources_clear(&all);
		resources_clear(&part);
	}
}

static void adding_and_taking_away(void **state)
{
	struct resources sum = parse("cpus:1;ports:[1-9];s:{a}"), more = parse("cpus:0.5;mem:1;ports:[10-12];s:{b}");
	struct resources less = parse("cpus:1.5;ports:[3-4,11-11];s:{a};disk:5");

	(void)state;
	resources_add(&sum, &more);
	assert_text(&sum, "cpus:1.5; ports:[1-12]; s:{a, b}; mem:1");
	for (size_t i = 0; i < less.count; i++)
		resources_subtract(&sum, less.items[i]);
	assert_text(&sum, "ports:[1-2, 5-10, 12-12]; s:{b}; mem:1");
	resources_clear(&sum);
	resources_clear(&more);
	resources_clear(&less);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_taken_as_agents_take_them),
		cmocka_unit_test(mistakes_in_text),
		cmocka_unit_test(mistakes_in_json),
		cmocka_unit_test(json_that_no_command_line_may_hold),
		cmocka_unit_test(versions_differ),
		cmocka_unit_test(the_two_forms_are_the_same),
		cmocka_unit_test(containment),
		cmocka_unit_test(adding_and_taking_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
