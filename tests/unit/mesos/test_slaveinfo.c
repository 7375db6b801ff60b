/* SPDX-License-Identifier: Apache-2.0 */
/* SlaveInfos: what masters answer in both encodings, in text, and what changed between two. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "mesos/agent.h"
#include "mesos/pb.h"
#include "mesos/slaveinfo.h"
#include "tests/support/cmocka.h"
#include "tests/support/flag_pairs.h"
#include "tests/support/scratch.h"

#define BASE "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

static struct buffer read_captured(const char *name)
{
	char *relative = xasprintf("mesos/captured/%s", name), *path = test_data(relative);
	struct buffer bytes = BUFFER_INIT(1 << 20);
	struct error err = ERROR_INIT;

	assert_ok(file_read(path, &bytes, &err), &err);
	free(relative);
	free(path);
	return bytes;
}

static Mesos__SlaveInfo *make(const char *const pairs[])
{
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = slaveinfo_from_pairs(pairs, NULL, &mesos_version_newest, &err);

	assert_string_equal("", err.text);
	return info;
}

static void assert_text(const Mesos__SlaveInfo *info, const char *expected)
{
	struct buffer out = BUFFER_INIT(1 << 20);

	slaveinfo_to_text(info, &out);
	assert_string_equal(expected, buffer_text(&out));
	buffer_clear(&out);
}

/* ---- what a master answers */

static void both_encodings_of_get_agents_say_the_same(void **state)
{
	struct buffer pb = read_captured("master-v1-GET_AGENTS.pb"), text = read_captured("master-v1-GET_AGENTS.json");
	Mesos__Master__Response *response = pb_unpack(&mesos__master__response__descriptor, pb.data, pb.len);
	json_t *json = json_loads(buffer_text(&text), 0, NULL);
	const json_t *agents = json_object_get(json_object_get(json, "get_agents"), "agents");

	(void)state;
	assert_non_null(response);
	assert_int_equal(MESOS__MASTER__RESPONSE__TYPE__GET_AGENTS, response->type);
	assert_int_equal(3, response->get_agents->n_agents);
	assert_int_equal(3, json_array_size(agents));
	for (size_t i = 0; i < 3; i++) {
		const Mesos__Master__Response__GetAgents__Agent *agent = response->get_agents->agents[i];
		const json_t *agent_json = json_array_get(agents, i);
		struct error err = ERROR_INIT;
		Mesos__SlaveInfo *info = slaveinfo_from_json(json_object_get(agent_json, "agent_info"), &err);
		json_t *back, *whole;

		assert_string_equal("", err.text);
		assert_true(pb_equal(agent->agent_info, info));
		assert_int_equal(0, slaveinfo_diff(agent->agent_info, info));
		/* Nothing of the answer is unknown to us, and nothing is lost on the way back. */
		back = slaveinfo_to_json(info);
		assert_true(json_equal(json_object_get(agent_json, "agent_info"), back));
		whole = pb_to_json(agent);
		assert_true(json_equal(agent_json, whole));
		json_decref(back);
		json_decref(whole);
		slaveinfo_free(info);
	}
	pb_free(response);
	json_decref(json);
	buffer_clear(&pb);
	buffer_clear(&text);
}

static void other_answers_are_known_too(void **state)
{
	static const char *const names[] = {"GET_TASKS", "GET_FLAGS", "GET_VERSION", "GET_MASTER", "GET_STATE"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *file = xasprintf("master-v1-%s.json", names[i]);
		struct buffer text = read_captured(file);
		json_t *json = json_loads(buffer_text(&text), 0, NULL);
		struct error err = ERROR_INIT;
		/* v1 says agent_id where the older message says slave_id; the number is the same. */
		Mesos__Master__Response *response;
		char *p;

		while ((p = strstr(text.data, "\"agent_id\"")) != NULL)
			memcpy(p, "\"slave_id\"", 10);
		json_decref(json);
		json = json_loads(buffer_text(&text), 0, NULL);
		response = pb_from_json(&mesos__master__response__descriptor, json, &err);
		assert_string_equal("", err.text);
		assert_non_null(response);
		if (strcmp(names[i], "GET_TASKS") == 0)
			assert_string_equal("ck3", response->get_tasks->tasks[0]->task_id->value);
		if (strcmp(names[i], "GET_MASTER") == 0)
			assert_int_equal(MESOS__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE,
					 response->get_master->master_info->capabilities[0]->type);
		pb_free(response);
		json_decref(json);
		buffer_clear(&text);
		free(file);
	}
}

static void json_that_is_no_slaveinfo_is_refused(void **state)
{
	json_t *empty = json_object(), *number = json_integer(1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(slaveinfo_from_json(empty, &err));
	assert_string_equal("Missing required fields: hostname", err.text);
	error_clear(&err);
	assert_null(slaveinfo_from_json(number, &err));
	assert_null(slaveinfo_from_json(NULL, NULL));
	json_decref(empty);
	json_decref(number);
}

/* ---- text */

static void text_is_as_protobuf_prints_it(void **state)
{
	Mesos__SlaveInfo *info = make(FLAGS("hostname", "n\"1\\\n\xc3\xa4", "attributes", "n:0.1;m:1e21;t:x",
					    "resources", "cpus(web):1.5;mem:0;disk:0;ports:[1-2,4-5];s:{a}"));

	(void)state;
	assert_text(
		info,
		"hostname: \"n\\\"1\\\\\\n\\303\\244\"\n"
		"resources {\n  name: \"cpus\"\n  type: SCALAR\n  scalar {\n    value: 1.5\n  }\n"
		"  reservations {\n    role: \"web\"\n    type: STATIC\n  }\n}\n"
		"resources {\n  name: \"ports\"\n  type: RANGES\n  ranges {\n"
		"    range {\n      begin: 1\n      end: 2\n    }\n    range {\n      begin: 4\n      end: 5\n    }\n"
		"  }\n}\n"
		"resources {\n  name: \"s\"\n  type: SET\n  set {\n    item: \"a\"\n  }\n}\n"
		"attributes {\n  name: \"n\"\n  type: SCALAR\n  scalar {\n    value: 0.1\n  }\n}\n"
		"attributes {\n  name: \"m\"\n  type: SCALAR\n  scalar {\n    value: 1e+21\n  }\n}\n"
		"attributes {\n  name: \"t\"\n  type: TEXT\n  text {\n    value: \"x\"\n  }\n}\n"
		"checkpoint: true\nport: 5051\n");
	slaveinfo_free(info);
}

static void unknown_fields_are_printed_by_number(void **state)
{
	static const unsigned char bytes[] = "\x0a\x01h\x98\x06\x05"            /* 99: varint 5 */
					     "\xa5\x06\x01\x02\x03\x04"         /* 100: 32 bits */
					     "\xa9\x06\x01\x02\x03\x04\0\0\0\0" /* 101: 64 bits */
					     "\xb2\x06\x03\x0a\x01x"            /* 102: a message */
					     "\xba\x06\x02\xff\"";              /* 103: bytes that are none */
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = slaveinfo_unpack(bytes, sizeof(bytes) - 1, &err);

	(void)state;
	assert_string_equal("", err.text);
	assert_text(info, "hostname: \"h\"\n99: 5\n100: 0x04030201\n101: 0x0000000004030201\n102 {\n  1: \"x\"\n}\n"
			  "103: \"\\377\\\"\"\n");
	slaveinfo_free(info);
}

/* ---- changes */

static void assert_changes(const char *const before_flags[], const char *const after_flags[], const char *expected)
{
	Mesos__SlaveInfo *before = make(before_flags), *after = make(after_flags);
	struct slaveinfo_changes changes = {NULL, 0};
	struct buffer out = BUFFER_INIT(65536);

	slaveinfo_changes(before, after, &changes);
	for (size_t i = 0; i < changes.count; i++) {
		const struct slaveinfo_change *row = &changes.items[i];

		buffer_printf(&out, "%s %s: %s -> %s\n", slaveinfo_part_name(row->part), row->what,
			      row->before != NULL ? row->before : "-", row->after != NULL ? row->after : "-");
	}
	assert_string_equal(expected, buffer_text(&out));
	slaveinfo_changes_clear(&changes);
	assert_int_equal(0, changes.count);
	buffer_clear(&out);
	slaveinfo_free(before);
	slaveinfo_free(after);
}

static void changes_are_rows_for_people(void **state)
{
	static const char domain_a[] = "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"a\"}}}";
	static const char domain_b[] = "{\"fault_domain\":{\"region\":{\"name\":\"eu\"},\"zone\":{\"name\":\"b\"}}}";

	(void)state;
	assert_changes(FLAGS("hostname", "n1", "resources", BASE, "attributes", "rack:r1;n:4"),
		       FLAGS("hostname", "n1", "resources", BASE ";x:0", "attributes", "n:4.0;rack:r1"), "");
	assert_changes(FLAGS("hostname", "n1", "resources", BASE ";mem(web):100", "attributes", "rack:r1;old:1;l:4"),
		       FLAGS("hostname", "n2", "port", "5052", "resources",
			     "cpus:2;mem:4096;disk:10000;ports:[1-2,5-6];mem(db):100", "attributes",
			     "l:5.5;rack:r2;new:x", "domain", domain_a),
		       "hostname hostname: n1 -> n2\nport port: 5051 -> 5052\nresources cpus: 4 -> 2\n"
		       "resources ports: [31000-32000] -> [1-2, 5-6]\nresources mem(web): 100 -> -\n"
		       "resources mem(db): - -> 100\nattributes rack: r1 -> r2\nattributes old: 1 -> -\n"
		       "attributes l: 4 -> 5.5\nattributes new: - -> x\ndomain region: - -> eu\ndomain zone: - -> a\n");
	assert_changes(FLAGS("hostname", "n1", "resources", BASE, "domain", domain_a, "attributes", "a:1;a:2;a:3"),
		       FLAGS("hostname", "n1", "resources", BASE, "domain", domain_b, "attributes", "a:3;a:1;a:9;a:8"),
		       "attributes a: 2 -> 9\nattributes a: - -> 8\ndomain zone: a -> b\n");
}

static void views_are_copied_deeply(void **state)
{
	struct agent_view from = {.id = xstrdup("S1"), .port = 5}, to;

	(void)state;
	from.info = make(FLAGS("hostname", "n1", "resources", BASE));
	from.total = slaveinfo_resources(from.info);
	agent_view_copy(&to, &from);
	agent_view_clear(&from);
	assert_string_equal("S1", to.id);
	assert_string_equal("n1", to.info->hostname);
	assert_int_equal(4, to.total.count);
	agent_view_clear(&to);
}

static void parts_have_names(void **state)
{
	json_t *names = slaveinfo_parts_to_json(PART_ATTRIBUTES | PART_PORT | PART_DOMAIN);

	(void)state;
	assert_int_equal(3, json_array_size(names));
	assert_string_equal("port", json_string_value(json_array_get(names, 0)));
	assert_string_equal("attributes", json_string_value(json_array_get(names, 1)));
	assert_string_equal("domain", json_string_value(json_array_get(names, 2)));
	json_decref(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_encodings_of_get_agents_say_the_same),
		cmocka_unit_test(other_answers_are_known_too),
		cmocka_unit_test(json_that_is_no_slaveinfo_is_refused),
		cmocka_unit_test(text_is_as_protobuf_prints_it),
		cmocka_unit_test(unknown_fields_are_printed_by_number),
		cmocka_unit_test(changes_are_rows_for_people),
		cmocka_unit_test(views_are_copied_deeply),
		cmocka_unit_test(parts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
