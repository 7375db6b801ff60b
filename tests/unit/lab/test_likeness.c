/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the export of a real cluster, and what agents and master of its likeness get. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "lab/commands/likeness.h"
#include "lab/core/wire.h"
#include "lab/host/unit.h"
#include "mesos/attributes.h"
#include "mesos/flags.h"
#include "mesos/pb.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define HEAD "{\"rollcall_export\":1,\"schema\":3,\"database\":\"1365ab45c6c3979a5228bd43d2ef106d\"}\n"
#define CLUSTER                                                                                                        \
	"{\"table\":\"clusters\",\"row\":{\"id\":1,\"name\":\"eu\",\"region\":\"eu\",\"zone\":\"eu-1\",\"master_"      \
	"version\":\"1.9.0\"}}\n"
#define OTHER "{\"table\":\"clusters\",\"row\":{\"id\":2,\"name\":\"us\",\"region\":null,\"zone\":null}}\n"
#define WEB                                                                                                            \
	"{\"table\":\"frameworks\",\"row\":{\"cluster\":1,\"id\":\"F0\",\"name\":\"web\",\"role\":\"web\",\"active\":" \
	"1,\"checkpoint\":1,\"partition_aware\":0}}\n"
#define TASK(id, framework, state)                                                                                     \
	"{\"table\":\"tasks\",\"row\":{\"cluster\":1,\"agent\":\"A-S0\",\"framework\":\"" framework "\",\"id\":\"" id  \
	"\",\"name\":\"task\",\"executor\":\"\",\"state\":\"" state "\",\"reason\":\"\"}}\n"
#define END "{\"end\":true,\"rows\":1,\"sha256\":\"\"}\n"

static void set_resources(Mesos__SlaveInfo *info, const char *text)
{
	struct resources resources = {.items = NULL};
	struct error err = ERROR_INIT;
	assert_ok(resources_parse(text, NULL, &mesos_version_newest, &resources, &err), &err);
	info->resources = resources.items;
	info->n_resources = resources.count;
}

static char *packed(const Mesos__SlaveInfo *info)
{
	json_t *value = wire_pack(info);
	char *text = xstrdup(json_string_value(value));
	json_decref(value);
	return text;
}

/* A row of agents; more is put into it as it is. */
static char *agent_row(const char *hostname, const char *resources, const char *used, const char *more)
{
	Mesos__SlaveInfo *info = pb_new(&mesos__slave_info__descriptor), *use = pb_new(&mesos__slave_info__descriptor);
	struct attributes attributes = {.items = NULL};
	struct error err = ERROR_INIT;
	info->hostname = xstrdup(hostname);
	use->hostname = xstrdup("");
	set_resources(info, resources);
	set_resources(use, used);
	assert_ok(attributes_parse("rack:r1;say:\"$5\" `x`;level:4.5;keys:[1-3,7-9];rack:r2", &mesos_version_newest,
				   &attributes, &err),
		  &err);
	info->attributes = attributes.items;
	info->n_attributes = attributes.count;
	char *one = packed(info), *two = packed(use);
	char *row = xasprintf(
		"{\"table\":\"agents\",\"row\":{\"row\":7,\"cluster\":1,\"id\":\"A-S0\",\"hostname\":\"%s\",\"version\":\"1.8.1\",\"registered_ns\":5,\"info\":{\"base64\":\"%s\"},\"total\":{\"base64\":\"%s\"},\"used\":{\"base64\":\"%s\"},%s}}\n",
		hostname, one, one, two, more);
	free(one);
	free(two);
	pb_free(info);
	pb_free(use);
	return row;
}

static struct likeness *read_text(const char *text, const char *cluster, struct error *err)
{
	char *folder = scratch_new(), *path = scratch_write(folder, "export", text);
	struct likeness *likeness = likeness_read(path, cluster, err);
	free(path);
	scratch_remove(folder);
	return likeness;
}

static struct likeness *read_host(const char *resources, const char *used, const char *more, struct error *err)
{
	char *row = agent_row("n1.example.com", resources, used, "\"gone_ms\":null");
	char *text = xasprintf(HEAD CLUSTER "%s" WEB "%s" END, row, more);
	struct likeness *likeness = read_text(text, NULL, err);
	free(text);
	free(row);
	return likeness;
}

/* The flags of the environment file as the agent reads them, and the SlaveInfo that they give. */
static Mesos__SlaveInfo *info_from_flags(const struct likeness_host *host)
{
	struct buffer text = BUFFER_INIT(1u << 20);
	struct strings env = {.items = NULL};
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	static const char *const no_words[] = {NULL};
	likeness_put_flags(host, &text);
	environment_file_parse(buffer_text(&text), &env);
	flags_from_process(no_words, (const char *const *)env.items, &flags);
	detected.hostname = "n1.example.com";
	detected.cpus = 64;
	detected.mem_mb = 1000;
	detected.disk_mb = 1000;
	Mesos__SlaveInfo *info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (info == NULL)
		fail_msg("%s\n%s", err.text, text.data);
	flags_clear(&flags);
	strings_clear(&env);
	buffer_clear(&text);
	return info;
}

static void check_flags(const char *resources)
{
	struct error err = ERROR_INIT;
	struct likeness *likeness = read_host(resources, "cpus:1", "", &err);
	assert_non_null(likeness);
	assert_int_equal(likeness->count, 1);
	assert_string_equal(likeness->hosts[0].version, "1.8.1");
	Mesos__SlaveInfo *info = info_from_flags(&likeness->hosts[0]);
	const Mesos__SlaveInfo *wanted = likeness->hosts[0].info;
	struct resources a = {.items = NULL}, b = {.items = NULL};
	resources_copy(&a, info->resources, info->n_resources);
	resources_copy(&b, wanted->resources, wanted->n_resources);
	assert_true(resources_equal(&a, &b));
	assert_int_equal(info->n_attributes, wanted->n_attributes);
	for (size_t i = 0; i < info->n_attributes; i++)
		assert_true(pb_equal(info->attributes[i], wanted->attributes[i]));
	resources_clear(&a);
	resources_clear(&b);
	slaveinfo_free(info);
	likeness_free(likeness);
}

static void flags_give_the_same_info(void **state)
{
	(void)state;
	check_flags("cpus:4;mem:1024;disk:100;ports:[31000-31009,31020-31029]");
	check_flags("cpus:4;cpus(web):2;mem:1024;disk:100;ports:[1-2];bugs(debug):{a,b,c}");
	check_flags("cpus:0.5;mem:10"); /* no disk, no ports: they are not to be detected */
	check_flags(
		"[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4}},{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":50},\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/mnt/a\"}}}}]");
}

static double scalar_of(const json_t *task, const char *name)
{
	const json_t *item;
	size_t index;
	double value = 0;
	json_array_foreach(json_object_get(task, "resources"), index, item)
	{
		Mesos__Resource *resource = wire_unpack(&mesos__resource__descriptor, item);
		if (strcmp(resource->name, name) == 0 && resource->scalar != NULL)
			value += resource->scalar->value;
		pb_free(resource);
	}
	return value;
}

static void what_is_used_is_spread_over_the_tasks(void **state)
{
	struct error err = ERROR_INIT;
	(void)state;
	struct likeness *likeness = read_host("cpus:4;mem:1024;ports:[1-9]", "cpus:1;mem:100;ports:[2-3]",
					      TASK("t1", "F0", "TASK_RUNNING") TASK("t2", "F0", "TASK_STAGING")
						      TASK("t3", "F9", "TASK_RUNNING")
							      TASK("t4", "F0", "TASK_UNREACHABLE"),
					      &err);
	assert_non_null(likeness);
	assert_int_equal(likeness->tasks, 3);
	json_t *document = likeness_for_master(likeness);
	const json_t *tasks = json_object_get(json_object_get(document, "tasks"), "n1.example.com");
	assert_int_equal(json_array_size(tasks), 3);
	assert_float_equal(scalar_of(json_array_get(tasks, 0), "cpus"), 0.334, 0);
	assert_float_equal(scalar_of(json_array_get(tasks, 1), "cpus"), 0.333, 0);
	assert_int_equal(json_array_size(json_object_get(json_array_get(tasks, 0), "resources")), 3);
	assert_int_equal(json_array_size(json_object_get(json_array_get(tasks, 2), "resources")), 2);
	assert_string_equal(json_string_value(json_object_get(document, "region")), "eu");
	/* One that the master no longer lists is made up. */
	assert_int_equal(json_array_size(json_object_get(document, "frameworks")), 2);
	assert_string_equal(likeness->master_version, "1.9.0");
	json_decref(document);
	likeness_free(likeness);
}

static void reservations_come_from_the_survey(void **state)
{
	static const char document[] =
		"{\"reserved\":[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":8},\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"web\"}]}]}";
	struct error err = ERROR_INIT;
	char *bytes = base64_encode(document, strlen(document));
	char *row = xasprintf("{\"table\":\"surveys\",\"row\":{\"agent\":7,\"document\":{\"base64\":\"%s\"}}}\n",
			      bytes);
	(void)state;
	struct likeness *likeness = read_host("cpus:4;disk:100", "cpus:1", row, &err);
	assert_non_null(likeness);
	assert_int_equal(likeness->hosts[0].reserved.count, 1);
	assert_float_equal(resources_scalar(&likeness->hosts[0].reserved, "disk"), 8, 0);
	likeness_free(likeness);
	free(row);
	free(bytes);
}

static void refused(const char *text, const char *cluster, const char *words)
{
	struct error err = ERROR_INIT;
	assert_null(read_text(text, cluster, &err));
	assert_error(&err, ERROR_USAGE, words);
}

static void what_is_no_export_is_refused(void **state)
{
	char *row = agent_row("n1", "cpus:1", "cpus:1", "\"gone_ms\":null");
	char *gone = agent_row("n1", "cpus:1", "cpus:1", "\"gone_ms\":5");
	char *bad = agent_row("../n1", "cpus:1", "cpus:1", "\"gone_ms\":null");
	char *text = NULL;
	struct error err = ERROR_INIT;
	(void)state;
	assert_null(likeness_read("/nonexistent", NULL, &err));
	refused("hello\n", NULL, "not what rollcall inventory export writes");
	refused("", NULL, "ends early");
	refused(HEAD "no JSON\n" END, NULL, ":2: this is no JSON");
	refused(HEAD END, NULL, "has no cluster");
	refused(HEAD CLUSTER END, NULL, "no agents");
	refused(HEAD CLUSTER OTHER END, NULL, "several clusters");
	refused(HEAD CLUSTER END, "us", "has no cluster us");
	const char *const rows[] = {row, gone, bad};
	static const char *const words[] = {"ends early", "no agents", "cannot name a host"};
	for (size_t i = 0; i < 3; i++) {
		text = xasprintf(HEAD CLUSTER "%s%s", rows[i], i > 0 ? END : "");
		refused(text, "eu", words[i]);
		free(text);
	}
	text = xasprintf(HEAD CLUSTER "%s%s" END, row, row);
	refused(text, NULL, "two agents of one hostname");
	free(text);
	free(row);
	free(gone);
	free(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_give_the_same_info),
		cmocka_unit_test(what_is_used_is_spread_over_the_tasks),
		cmocka_unit_test(reservations_come_from_the_survey),
		cmocka_unit_test(what_is_no_export_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
