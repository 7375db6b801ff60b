/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/planner_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "inventory/survey.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

const char fixture_attributes[] = "rack:r1;old:yes;zone:a";
const char fixture_change[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r2\", \"ssd\": \"true\", "
			      "\"old\": null}, \"resources\": {\"mem\": 1024}}]}";
const char fixture_resources[] = "cpus:4;mem:4096;disk:2048;ports:[31000-32000]";

json_t *fixture_survey_of(const char *attributes_flag, const char *resources_flag)
{
	return fixture_survey_for("S0", "node1", attributes_flag, resources_flag);
}

json_t *fixture_survey_for(const char *id, const char *hostname, const char *attributes_flag,
			   const char *resources_flag)
{
	struct fleet_agent agent = {
		.id = id, .hostname = hostname, .attributes = attributes_flag, .resources = resources_flag};

	return fixture_survey_agent(&agent);
}

static void set_domain_flag(json_t *flags, const struct fleet_agent *agent)
{
	json_t *domain = json_pack("{s:{s:{s:s}, s:{s:s}}}", "fault_domain", "region", "name", agent->region, "zone",
				   "name", agent->zone);
	char *text = json_dumps(domain, JSON_COMPACT);

	json_object_set_new(flags, "domain", json_string(text));
	free(text);
	json_decref(domain);
}

json_t *fixture_survey_agent(const struct fleet_agent *agent)
{
	struct buffer bytes = BUFFER_INIT(1u << 20);
	struct agent_view view;

	fleet_view(agent, &view);
	slaveinfo_pack(view.info, &bytes);
	char *text = base64_encode(bytes.data, bytes.len);
	json_t *flags = json_pack("{s:s, s:s, s:s, s:s}", "hostname", agent->hostname, "attributes", agent->attributes,
				  "resources", agent->resources, "work_dir", "/var/lib/mesos");
	if (agent->region)
		set_domain_flag(flags, agent);
	json_t *survey = json_pack(
		"{s:i, s:s, s:s, s:{s:s, s:b, s:i, s:i, s:s, s:O, s:s}, s:{s:s, s:s}, s:{s:s, s:s, "
		"s:s, s:O}, s:{s:s, s:s}, s:{s:s, s:i, s:i, s:i}, s:[], s:[], s:[]}",
		"format", 1, "boot_id", "b0", "work_dir", "/var/lib/mesos", "agent", "id", agent->id, "running", 1,
		"pid", 7, "start_ticks", 8, "version", agent->version ? agent->version : "1.11.0", "flags", flags,
		"flags_from", "process", "checkpoint", "sha256", "cafe", "slave_info", text, "flag_store", "kind",
		"envfile", "path", "/etc/default/mesos-agent", "sha256", "beef", "flags", flags, "control", "kind",
		"systemd", "unit", "mesos-agent.service", "detected", "hostname", agent->hostname, "cpus", 8, "mem_mb",
		9000, "disk_mb", 8000, "tasks", "operations", "reserved");
	assert_non_null(survey);
	json_decref(flags);
	agent_view_clear(&view);
	buffer_clear(&bytes);
	free(text);
	return survey;
}

int fixture_set_up(void **state)
{
	struct planner_fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct error err = ERROR_INIT;

	fixture->folder = scratch_new();
	char *path = path_join(fixture->folder, "rollcall.db");
	fixture->store = store_open(path, true, &err);
	free(path);
	assert_non_null(fixture->store);
	path = scratch_write(fixture->folder, "rollcall.json",
			     "{\"clusters\": {\"lab\": {\"masters\": [\"http://127.0.0.1:5050\"], \"defaults\": "
			     "{\"work_dir\": \"/var/lib/mesos\"}}}}");
	fixture->file = cluster_file_read(path, &err);
	free(path);
	if (!fixture->file)
		fail_msg("%s", err.text);
	assert_ok(cluster_id(fixture->store, "lab", &fixture->cluster_id, &err), &err);
	fixture->survey = fixture_survey_of(fixture_attributes, fixture_resources);
	fixture->agent = (struct fleet_agent){
		.id = "S0", .hostname = "node1", .attributes = fixture_attributes, .resources = fixture_resources};
	fixture->facts = (struct master_facts){.version = (char *)(uintptr_t) "1.11.0", .agent_update = true};
	fixture->options = (struct planner_options)PLANNER_OPTIONS_INIT;
	plan_init(&fixture->plan);
	*state = fixture;
	return 0;
}

int fixture_tear_down(void **state)
{
	struct planner_fixture *fixture = *state;

	plan_clear(&fixture->plan);
	planner_refusals_clear(&fixture->refusals);
	json_decref(fixture->survey);
	cluster_file_free(fixture->file);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

void fixture_sync(struct planner_fixture *fixture)
{
	struct agent_view view;
	struct agents_answer answer = {.master = "http://127.0.0.1:5050", .agents = &view, .agent_count = 1};
	struct agents_summary summary;
	struct error err = ERROR_INIT;

	fleet_view(&fixture->agent, &view);
	view.reregistered_ns = 1700000001000000000;
	if (fixture->task.id) {
		answer.tasks = &fixture->task;
		answer.frameworks = &fixture->framework;
		answer.task_count = answer.framework_count = 1;
	}
	assert_ok(agents_sync(fixture->store, fixture->cluster_id, &answer, SURVEYED_MS, &summary, &err), &err);
	agent_view_clear(&view);
}

void fixture_keep_survey(struct planner_fixture *fixture, int64_t time_ms)
{
	struct buffer text = BUFFER_INIT(1u << 20);
	struct agent_record record;
	struct error err = ERROR_INIT;

	fleet_record(fixture->store, fixture->cluster_id, "S0", &record);
	json_write(fixture->survey, false, &text);
	assert_ok(survey_store(fixture->store, record.row, text.data, text.len, "SHA256:x", time_ms, &err), &err);
	agent_record_clear(&record);
	buffer_clear(&text);
}

int fixture_make(struct planner_fixture *fixture, const char *config, struct error *err)
{
	struct config_version version;
	struct error why = ERROR_INIT;
	bool added;

	const struct config_source source = {.name = "web.json", .bytes = config, .len = strlen(config)};

	assert_ok(config_add(fixture->store, &source, "me", "", 1, &version, &added, &why), &why);
	const struct planner_input input = {
		.store = fixture->store,
		.cluster = cluster_file_find(fixture->file, NULL, &why),
		.cluster_id = fixture->cluster_id,
		.config = &version,
		.facts = &fixture->facts,
		.masters = fixture->masters,
		.master_count = fixture->master_count,
		.listed_agents = fixture->listed_agents,
		.listed_tasks = fixture->listed_tasks,
		.synced_ms = SURVEYED_MS,
		.now_ms = SURVEYED_MS + 1,
	};
	plan_clear(&fixture->plan);
	planner_refusals_clear(&fixture->refusals);
	int result = planner_make(&input, &fixture->options, &fixture->plan, &fixture->refusals, err);
	config_version_clear(&version);
	return result;
}

const struct plan_agent *fixture_planned(struct planner_fixture *fixture, const char *config)
{
	struct error err = ERROR_INIT;

	fixture_sync(fixture);
	fixture_keep_survey(fixture, SURVEYED_MS);
	if (fixture_make(fixture, config, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fixture->plan.agent_count, 1);
	return &fixture->plan.agents[0];
}

void fixture_assert_refused(struct planner_fixture *fixture, const char *config, const char *words)
{
	struct error err = ERROR_INIT;

	assert_int_equal(fixture_make(fixture, config, &err), -1);
	assert_int_equal(fixture->refusals.count, 1);
	assert_string_equal(fixture->refusals.items[0].hostname, "node1");
	assert_text_has(err.text, "node1");
	assert_error(&err, ERROR_REFUSED, words);
	assert_int_equal(fixture->plan.agent_count, 0);
}

void fixture_refused(struct planner_fixture *fixture, const char *config, const char *words)
{
	fixture_sync(fixture);
	fixture_keep_survey(fixture, SURVEYED_MS);
	fixture_assert_refused(fixture, config, words);
}

/* Members of the survey by "a.b": the object that holds the last one. */
json_t *fixture_part(struct planner_fixture *fixture, const char *name)
{
	json_t *value = json_object_get(fixture->survey, name);

	assert_non_null(value);
	return value;
}

void fixture_set_running_flag(struct planner_fixture *fixture, const char *flag, const char *value)
{
	json_t *flags = json_deep_copy(json_object_get(fixture_part(fixture, "agent"), "flags"));

	json_object_set_new(flags, flag, json_string(value));
	json_object_set_new(fixture_part(fixture, "agent"), "flags", flags);
}

void fixture_set_both_flags(struct planner_fixture *fixture, const char *flag, const char *value)
{
	fixture_set_running_flag(fixture, flag, value);
	json_object_set(fixture_part(fixture, "flag_store"), "flags",
			json_object_get(fixture_part(fixture, "agent"), "flags"));
}

void fixture_add_task(struct planner_fixture *fixture, bool checkpoint)
{
	fixture->task = (struct task_view){
		.id = (char *)(uintptr_t) "web.1",
		.name = (char *)(uintptr_t) "web",
		.framework_id = (char *)(uintptr_t) "F1",
		.executor_id = (char *)(uintptr_t) "",
		.agent_id = (char *)(uintptr_t) "S0",
		.state = (char *)(uintptr_t) "TASK_RUNNING",
		.reason = (char *)(uintptr_t) "",
	};
	fixture->framework = (struct framework_view){
		.id = (char *)(uintptr_t) "F1",
		.name = (char *)(uintptr_t) "marathon",
		.role = (char *)(uintptr_t) "*",
		.active = true,
		.checkpoint = checkpoint,
	};
}

void fixture_add_finding(struct planner_fixture *fixture, const char *code, const char *severity)
{
	json_object_set_new(fixture->survey, "findings",
			    json_pack("[{s:s, s:s, s:s}]", "code", code, "severity", severity, "text", "why it is so"));
}

/* ---- a fleet */

struct fleet_texts {
	char id[32], hostname[32], attributes[64];
};

static void describe(size_t i, struct fleet_texts *texts, struct fleet_agent *agent)
{
	snprintf(texts->id, sizeof(texts->id), "S%zu", i);
	snprintf(texts->hostname, sizeof(texts->hostname), "node%04zu", i);
	snprintf(texts->attributes, sizeof(texts->attributes), "rack:r%zu;zone:%c%s", i % 3, "abcd"[i % 4],
		 i % 2 ? ";odd:yes" : "");
	*agent = (struct fleet_agent){.id = texts->id,
				      .hostname = texts->hostname,
				      .attributes = texts->attributes,
				      .resources = fixture_resources};
}

static void keep_fleet_survey(struct planner_fixture *fixture, const struct fleet_agent *agent)
{
	json_t *survey = fixture_survey_agent(agent);
	struct buffer text = BUFFER_INIT(1u << 20);
	struct agent_record record;
	struct error err = ERROR_INIT;

	fleet_record(fixture->store, fixture->cluster_id, agent->id, &record);
	json_write(survey, false, &text);
	assert_ok(survey_store(fixture->store, record.row, text.data, text.len, "SHA256:x", SURVEYED_MS, &err), &err);
	agent_record_clear(&record);
	buffer_clear(&text);
	json_decref(survey);
}

void fixture_set_agents(struct planner_fixture *fixture, const struct fleet_agent *agents, size_t count)
{
	struct error err = ERROR_INIT;

	fleet_sync(fixture->store, fixture->cluster_id, agents, count);
	assert_ok(store_begin(fixture->store, &err), &err);
	for (size_t i = 0; i < count; i++)
		keep_fleet_survey(fixture, &agents[i]);
	assert_ok(store_commit(fixture->store, &err), &err);
}

void fixture_set_fleet(struct planner_fixture *fixture, size_t count)
{
	struct fleet_texts *texts = xcalloc(count, sizeof(*texts));
	struct fleet_agent *agents = xcalloc(count, sizeof(*agents));

	for (size_t i = 0; i < count; i++)
		describe(i, &texts[i], &agents[i]);
	fixture_set_agents(fixture, agents, count);
	free(agents);
	free(texts);
}
