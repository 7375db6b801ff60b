/* SPDX-License-Identifier: Apache-2.0 */
/* The SlaveInfo an agent makes of its flags, and what it says when it cannot. */
#include "mesos/slaveinfo.h"
#include "tests/support/cmocka.h"
#include "tests/support/flag_pairs.h"

#define BASE "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

static void what_flags_leave_out_is_detected(void **state)
{
	struct detected detected = {.hostname = "found", .cpus = 2, .mem_mb = 1000, .disk_mb = 500, .gpus = 2};
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info = slaveinfo_from_pairs(FLAGS("default_role", "web"), &detected, &mesos_version_newest,
						      &err);
	struct resources resources;
	struct buffer text = BUFFER_INIT(4096);

	(void)state;
	assert_string_equal("", err.text);
	assert_string_equal("found", info->hostname);
	assert_int_equal(5051, slaveinfo_port(info));
	assert_string_equal("", slaveinfo_id(info));
	assert_true(info->checkpoint);
	resources = slaveinfo_resources(info);
	resources_to_text(&resources, &text);
	assert_string_equal("cpus(reservations: [(STATIC,web)]):2; mem(reservations: [(STATIC,web)]):1000; "
			    "disk(reservations: [(STATIC,web)]):500; ports(reservations: [(STATIC,web)]):[31000-32000]",
			    buffer_text(&text));
	resources_clear(&resources);
	slaveinfo_free(info);
	/* With GPUs isolated they are found too; named ones go behind what is known by then. */
	info = slaveinfo_from_pairs(FLAGS("isolation", "cgroups/cpu,gpu/nvidia", "resources", "ports:[1-2]"), &detected,
				    &mesos_version_newest, &err);
	resources = slaveinfo_resources(info);
	buffer_reset(&text);
	resources_to_text(&resources, &text);
	assert_string_equal("ports:[1-2]; cpus:2; gpus:2; mem:1000; disk:500", buffer_text(&text));
	resources_clear(&resources);
	slaveinfo_free(info);
	/* What is named as nothing is not detected. */
	info = slaveinfo_from_pairs(FLAGS("resources", "cpus:0;mem:0;disk:0;ports:[]"), &detected,
				    &mesos_version_newest, &err);
	assert_int_equal(0, info->n_resources);
	slaveinfo_free(info);
	buffer_clear(&text);
}

static void hostnames_come_from_where_agents_take_them(void **state)
{
	struct detected detected = {.hostname = "looked-up", .cpus = 1, .mem_mb = 1, .disk_mb = 1, .gpus = 0};
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	(void)state;
	info = slaveinfo_from_pairs(FLAGS("ip", "10.0.0.1"), &detected, &mesos_version_newest, &err);
	assert_string_equal("looked-up", info->hostname);
	slaveinfo_free(info);
	info = slaveinfo_from_pairs(FLAGS("ip", "10.0.0.1", "hostname_lookup", "false"), &detected,
				    &mesos_version_newest, &err);
	assert_string_equal("10.0.0.1", info->hostname);
	slaveinfo_free(info);
	info = slaveinfo_from_pairs(FLAGS("ip", "10.0.0.1", "hostname_lookup", "false", "hostname", "given", "port",
					  "1", "advertise_port", "2"),
				    &detected, &mesos_version_newest, &err);
	assert_string_equal("given", info->hostname);
	assert_int_equal(2, slaveinfo_port(info));
	slaveinfo_free(info);
}

static void flags_an_agent_would_not_start_with(void **state)
{
#define LOAD(flag, value) "Failed to load flag '" flag "': Failed to load value '" value "': "
	static const struct {
		const char *flag, *value, *expected;
	} rows[] = {
		{"port", "x", LOAD("port", "x") "Failed to convert into required type"},
		{"port", "", LOAD("port", "") "Failed to convert into required type"},
		{"port", "5051 ", LOAD("port", "5051 ") "Failed to convert into required type"},
		{"port", "65536", LOAD("port", "65536") "Failed to convert into required type"},
		{"port", "0x10", LOAD("port", "0x10") "Failed to convert into required type"},
		{"domain", "", LOAD("domain", "") "syntax error at line 1 near: "},
		{"domain", "[]", LOAD("domain", "[]") "Unexpected JSON type parsed"},
		{"domain", "5", LOAD("domain", "5") "Unexpected JSON type parsed"},
		{"domain", "{}", "`domain` must define `fault_domain`"},
		{"domain", "{\"fault_domain\":null}", "`domain` must define `fault_domain`"},
		{"domain", "{\"fault_domain\":{\"region\":{},\"zone\":{\"name\":\"a\"}}}",
		 LOAD("domain",
		      "{\"fault_domain\":{\"region\":{},\"zone\":{\"name\":\"a\"}}}") "Missing required fields: "
										      "fault_domain.region.name"},
		{"domain", "{\"fault_domain\":{\"region\":{\"name\":5},\"zone\":{\"name\":\"a\"}}}",
		 LOAD("domain",
		      "{\"fault_domain\":{\"region\":{\"name\":5},\"zone\":{\"name\":\"a\"}}}") "Not expecting a JSON "
												"number for field "
												"'name'"},
		{"domain", "{\"fault_domain\":\"eu\"}",
		 LOAD("domain", "{\"fault_domain\":\"eu\"}") "Not expecting a JSON string for field 'fault_domain'"},
		{"domain", "{\"fault_domain\":{}",
		 LOAD("domain", "{\"fault_domain\":{}") "syntax error at line 1 near: "},
		{"domain", "{\"a\":\n{\"b\" 5}}",
		 LOAD("domain", "{\"a\":\n{\"b\" 5}}") "syntax error at line 2 near: 5}}"},
		{"domain", "{} x",
		 LOAD("domain", "{} x") "Parsed JSON included non-whitespace trailing characters:  x"},
		{"resources", "cpus",
		 "Failed to determine agent resources: Bad value for resources, missing or extra ':' in cpus"},
		{"resources", "cpus:1;mem:1;disk:1;ports:[1-2];x:{a,a}",
		 "Failed to determine agent resources: Invalid set resource: duplicated elements"},
		{"resources", "mem:1;disk:1",
		 "Failed to determine agent resources: The flags leave 'cpus' to what the agent finds on its host, "
		 "which is not known here; name it in --resources"},
		{"resources",
		 "[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{}}}}]",
		 "MOUNT disk root directory is not specified 'disk[MOUNT]:1'"},
		{"resources",
		 "[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{\"type\":\"RAW\"}}}]",
		 "Unsupported 'DiskInfo.Source.Type' in 'disk[RAW]:1'"},
		{"nvidia_gpu_devices", "0",
		 "Failed to determine agent resources: Failed to obtain GPU resources: '--nvidia_gpus_devices' can "
		 "only be specified if the `--isolation` flag contains 'gpu/nvidia'"},
		{"attributes", "rack", "Invalid attribute key:value pair 'rack'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = ERROR_INIT;

		assert_null(
			slaveinfo_from_pairs(FLAGS("hostname", "n1", "resources", BASE, rows[i].flag, rows[i].value),
					     NULL, &mesos_version_newest, &err));
		assert_string_equal(rows[i].expected, err.text);
		assert_int_equal(ERROR_USAGE, err.kind);
	}
}

static void the_first_mistake_is_the_one_named(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(slaveinfo_from_pairs(FLAGS("attributes", "rack", "resources", "cpus", "port", "x", "domain", "x"),
					 NULL, &mesos_version_newest, &err));
	assert_non_null(strstr(err.text, "flag 'domain'"));
	error_clear(&err);
	assert_null(slaveinfo_from_pairs(FLAGS("attributes", "rack", "resources", "cpus"), NULL, &mesos_version_newest,
					 &err));
	assert_non_null(strstr(err.text, "Failed to determine agent resources"));
	error_clear(&err);
	assert_null(slaveinfo_from_pairs(FLAGS("resources", BASE), NULL, &mesos_version_newest, &err));
	assert_non_null(strstr(err.text, "--hostname"));
	error_clear(&err);
	assert_null(slaveinfo_from_pairs(FLAGS("port", "0"), NULL, &mesos_version_newest, &err));
	assert_non_null(strstr(err.text, "--port=0"));
}

static void this_machine_is_detected(void **state)
{
	struct detected found = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(0, detect_machine("/", &found, &err));
	assert_true(found.cpus >= 1 && found.mem_mb > 0 && found.disk_mb > 0);
	assert_null(found.hostname);
	assert_int_equal(-1, detect_machine("/no/such/folder", &found, &err));
	assert_int_equal(ERROR_UNREACHABLE, err.kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_flags_leave_out_is_detected),
		cmocka_unit_test(hostnames_come_from_where_agents_take_them),
		cmocka_unit_test(flags_an_agent_would_not_start_with),
		cmocka_unit_test(the_first_mistake_is_the_one_named),
		cmocka_unit_test(this_machine_is_detected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
