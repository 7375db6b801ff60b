/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as Mesos' endpoints write it, held against answers of a real master. */
#include <stdlib.h>

#include "base/json.h"
#include "lab/core/shapes.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define TEXT_MAX (1u << 20)

static void text_is_escaped_and_separated(void **state)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);
	struct writer writer = {.out = &out};
	(void)state;
	writer_open(&writer, '{');
	writer_put_string(&writer, "a\"b", "line\n\ttab \\ \xc3\xa9");
	writer_key(&writer, "list");
	writer_open(&writer, '[');
	writer_close(&writer, ']');
	writer_put_int(&writer, "n", -3);
	writer_put_bool(&writer, "t", true);
	writer_put_raw(&writer, "t", "{}");
	writer_close(&writer, '}');
	assert_string_equal(
		out.data, "{\"a\\\"b\":\"line\\n\\u0009tab \\\\ \xc3\xa9\",\"list\":[],\"n\":-3,\"t\":true,\"t\":{}}");
	buffer_clear(&out);
}

static void check_number(double number, const char *text)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);
	struct writer writer = {.out = &out};
	writer_number(&writer, number);
	assert_string_equal(out.data, text);
	buffer_clear(&out);
}

static void numbers_have_a_point_and_read_back(void **state)
{
	(void)state;
	check_number(4, "4.0");
	check_number(0, "0.0");
	check_number(0.1, "0.1");
	check_number(1795416837.285768, "1795416837.285768");
	check_number(0.1 + 0.2, "0.30000000000000004");
	check_number(252899, "252899.0");
}

struct captured {
	json_t *slaves; /* of /slaves */
	json_t *agents; /* of GET_AGENTS, the same agents in the same order */
};

static int read_captured(void **state)
{
	struct captured *captured = calloc(1, sizeof(*captured));
	struct error err = ERROR_INIT;
	char *slaves = test_data("mesos/captured/master-slaves.json");
	char *agents = test_data("mesos/captured/master-v1-GET_AGENTS.json");
	captured->agents = json_read_file(agents, TEXT_MAX, &err);
	captured->slaves = json_load_file(slaves, 0, NULL); /* it has a key twice, which ours refuses to read */
	free(slaves);
	free(agents);
	*state = captured;
	return captured->agents != NULL && captured->slaves != NULL ? 0 : -1;
}

static int free_captured(void **state)
{
	struct captured *captured = *state;
	json_decref(captured->agents);
	json_decref(captured->slaves);
	free(captured);
	return 0;
}

static const json_t *agent_at(const struct captured *captured, size_t index)
{
	return json_array_get(json_object_get(json_object_get(captured->agents, "get_agents"), "agents"), index);
}

/* What show writes must be what the real master said. */
static void check_same(const json_t *slave, const char *key, struct buffer *out)
{
	json_t *ours = json_loadb(out->data, out->len, 0, NULL);
	if (!json_equal(ours, json_object_get(slave, key))) {
		char *wanted = json_dumps(json_object_get(slave, key), JSON_COMPACT | JSON_ENCODE_ANY);
		fail_msg("%s is %s and should be %s", key, out->data, wanted);
	}
	json_decref(ours);
	buffer_clear(out);
}

static void resources_are_summed_as_the_master_sums_them(void **state)
{
	const struct captured *captured = *state;
	const json_t *slave;
	size_t index;
	json_array_foreach(json_object_get(captured->slaves, "slaves"), index, slave)
	{
		struct resources total = {.items = NULL};
		struct error err = ERROR_INIT;
		struct buffer out = BUFFER_INIT(TEXT_MAX);
		struct writer writer = {.out = &out};
		const json_t *array = json_object_get(agent_at(captured, index), "total_resources");
		assert_ok(resources_from_json(array, &total, &err), &err);
		resources_normalise(&total);
		shape_resources(&writer, &total, NULL);
		check_same(slave, "resources", &out);
		writer.comma = false;
		shape_resources(&writer, &total, "*");
		check_same(slave, "unreserved_resources", &out);
		writer.comma = false;
		shape_reserved(&writer, &total);
		check_same(slave, "reserved_resources", &out);
		writer.comma = false;
		shape_resources_full(&writer, &total, "*");
		check_same(slave, "unreserved_resources_full", &out);
		writer.comma = false;
		shape_reserved_full(&writer, &total);
		check_same(slave, "reserved_resources_full", &out);
		resources_clear(&total);
	}
}

static void attributes_keep_a_name_that_comes_twice(void **state)
{
	const struct captured *captured = *state;
	struct buffer out = BUFFER_INIT(TEXT_MAX);
	struct writer writer = {.out = &out};
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = slaveinfo_from_json(json_object_get(agent_at(captured, 1), "agent_info"), &err);
	assert_non_null(info);
	shape_attributes(&writer, info);
	assert_string_equal(
		out.data,
		"{\"rack\":\"r1\",\"tier\":\"web\",\"level\":4.5,\"keys\":\"[10-20, 30-40]\",\"rack\":\"r1b\"}");
	buffer_clear(&out);
	slaveinfo_free(info);
}

/* As a real master showed it: the older form says who reserved, but neither the role nor the type. */
static void a_dynamic_reservation_is_shown_in_both_forms(void **state)
{
	static const char given[] =
		"[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1.0},\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\",\"principal\":\"op\"}]}]";
	static const char shown[] =
		"{\"web\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1.0},\"role\":\"web\",\"reservation\":{\"principal\":\"op\"},\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\",\"principal\":\"op\"}]}]}";
	struct resources resources = {.items = NULL};
	struct error err = ERROR_INIT;
	struct buffer out = BUFFER_INIT(TEXT_MAX);
	struct writer writer = {.out = &out};
	json_t *array = json_loads(given, 0, NULL), *wanted = json_loads(shown, 0, NULL);
	(void)state;
	assert_ok(resources_from_json(array, &resources, &err), &err);
	resources_normalise(&resources);
	shape_reserved_full(&writer, &resources);
	json_t *ours = json_loadb(out.data, out.len, 0, NULL);
	assert_true(json_equal(ours, wanted));
	json_decref(ours);
	json_decref(wanted);
	json_decref(array);
	buffer_clear(&out);
	resources_clear(&resources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped_and_separated),
		cmocka_unit_test(numbers_have_a_point_and_read_back),
		cmocka_unit_test_setup_teardown(resources_are_summed_as_the_master_sums_them, read_captured,
						free_captured),
		cmocka_unit_test(a_dynamic_reservation_is_shown_in_both_forms),
		cmocka_unit_test_setup_teardown(attributes_keep_a_name_that_comes_twice, read_captured, free_captured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
