/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: what it plans for an agent, and every reason for which it refuses one. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "inventory/survey.h"
#include "orchestrator/plan/planner.h"
#include "orchestrator/report/plan_text.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

#define SURVEYED_MS 1700000002000

static const char attributes[] = "rack:r1;old:yes;zone:a";
static const char resources[] = "cpus:4;mem:4096;disk:2048;ports:[31000-32000]";

/* One agent, S0, in a database with a cluster file; tests change what the survey says before it is kept. */
struct fixture {
	char *folder;
	struct store *store;
	struct cluster_file *file;
	int64_t cluster_id;
	json_t *survey;
	struct fleet_agent agent;
	struct task_view task;
	struct framework_view framework;
	struct master_facts facts;
	struct planner_options options;

	struct plan plan;
	struct planner_refusals refusals;
};

static json_t *survey_of(const char *attributes_flag, const char *resources_flag)
{
	struct fleet_agent agent = {
		.id = "S0", .hostname = "node1", .attributes = attributes_flag, .resources = resources_flag};
	struct buffer bytes = BUFFER_INIT(1u << 20);
	struct agent_view view;

	fleet_view(&agent, &view);
	slaveinfo_pack(view.info, &bytes);
	char *text = base64_encode(bytes.data, bytes.len);
	json_t *flags = json_pack("{s:s, s:s, s:s, s:s}", "hostname", "node1", "attributes", attributes_flag,
				  "resources", resources_flag, "work_dir", "/var/lib/mesos");
	json_t *survey = json_pack("{s:i, s:s, s:s, s:{s:s, s:b, s:i, s:i, s:s, s:O, s:s}, s:{s:s, s:s}, s:{s:s, s:s, "
				   "s:s, s:O}, s:{s:s, s:s}, "
				   "s:{s:s, s:i, s:i, s:i}, s:[], s:[], s:[]}",
				   "format", 1, "boot_id", "b0", "work_dir", "/var/lib/mesos", "agent", "id", "S0",
				   "running", 1, "pid", 7, "start_ticks", 8, "version", "1.11.0", "flags", flags,
				   "flags_from", "process", "checkpoint", "sha256", "cafe", "slave_info", text,
				   "flag_store", "kind", "envfile", "path", "/etc/default/mesos-agent", "sha256",
				   "beef", "flags", flags, "control", "kind", "systemd", "unit", "mesos-agent.service",
				   "detected", "hostname", "node1", "cpus", 8, "mem_mb", 9000, "disk_mb", 8000, "tasks",
				   "operations", "reserved");
	assert_non_null(survey);
	json_decref(flags);
	agent_view_clear(&view);
	buffer_clear(&bytes);
	free(text);
	return survey;
}

static int set_up(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
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
	fixture->survey = survey_of(attributes, resources);
	fixture->agent =
		(struct fleet_agent){.id = "S0", .hostname = "node1", .attributes = attributes, .resources = resources};
	fixture->facts = (struct master_facts){.version = (char *)(uintptr_t) "1.11.0", .agent_update = true};
	fixture->options = (struct planner_options)PLANNER_OPTIONS_INIT;
	plan_init(&fixture->plan);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	plan_clear(&fixture->plan);
	planner_refusals_clear(&fixture->refusals);
	json_decref(fixture->survey);
	cluster_file_free(fixture->file);
	store_close(fixture->store);
	scratch_remove(fixture->folder);
	free(fixture);
	return 0;
}

static void sync_agents(struct fixture *fixture)
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

static void keep_survey(struct fixture *fixture, int64_t time_ms)
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

static int make(struct fixture *fixture, const char *config, struct error *err)
{
	struct config_version version;
	struct error why = ERROR_INIT;
	bool added;

	assert_ok(config_add(fixture->store, "web.json", config, strlen(config), "me", "", 1, &version, &added, &why),
		  &why);
	const struct planner_input input = {
		.store = fixture->store,
		.cluster = cluster_file_find(fixture->file, NULL, &why),
		.cluster_id = fixture->cluster_id,
		.config = &version,
		.facts = &fixture->facts,
		.now_ms = SURVEYED_MS + 1,
	};
	plan_clear(&fixture->plan);
	planner_refusals_clear(&fixture->refusals);
	int result = planner_make(&input, &fixture->options, &fixture->plan, &fixture->refusals, err);
	config_version_clear(&version);
	return result;
}

static const char change[] = "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r2\", \"ssd\": \"true\", "
			     "\"old\": null}, \"resources\": {\"mem\": 1024}}]}";

static const struct plan_agent *planned(struct fixture *fixture, const char *config)
{
	struct error err = ERROR_INIT;

	sync_agents(fixture);
	keep_survey(fixture, SURVEYED_MS);
	if (make(fixture, config, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fixture->plan.agent_count, 1);
	return &fixture->plan.agents[0];
}

static void assert_refused(struct fixture *fixture, const char *config, const char *words)
{
	struct error err = ERROR_INIT;

	assert_int_equal(make(fixture, config, &err), -1);
	assert_int_equal(fixture->refusals.count, 1);
	assert_string_equal(fixture->refusals.items[0].hostname, "node1");
	assert_text_has(err.text, "node1");
	assert_error(&err, ERROR_REFUSED, words);
	assert_int_equal(fixture->plan.agent_count, 0);
}

static void refused(struct fixture *fixture, const char *config, const char *words)
{
	sync_agents(fixture);
	keep_survey(fixture, SURVEYED_MS);
	assert_refused(fixture, config, words);
}

/* Members of the survey by "a.b": the object that holds the last one. */
static json_t *part(struct fixture *fixture, const char *name)
{
	json_t *value = json_object_get(fixture->survey, name);

	assert_non_null(value);
	return value;
}

static void set_running_flag(struct fixture *fixture, const char *flag, const char *value)
{
	json_t *flags = json_deep_copy(json_object_get(part(fixture, "agent"), "flags"));

	json_object_set_new(flags, flag, json_string(value));
	json_object_set_new(part(fixture, "agent"), "flags", flags);
}

static void set_both_flags(struct fixture *fixture, const char *flag, const char *value)
{
	set_running_flag(fixture, flag, value);
	json_object_set(part(fixture, "flag_store"), "flags", json_object_get(part(fixture, "agent"), "flags"));
}

static void add_task(struct fixture *fixture, bool checkpoint)
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

/* ---- what is planned */

static void a_change_of_attributes_and_resources(void **state)
{
	const struct plan_agent *agent = planned(*state, change);

	assert_int_equal(agent->mechanism, MECHANISM_RELAX);
	assert_int_equal(agent->differs, PART_ATTRIBUTES | PART_RESOURCES);
	assert_false(agent->stock_accepts);
	assert_text_has(agent->stock_message, "Incompatible agent info");
	assert_null(strchr(agent->stock_message, '\n'));
	assert_int_equal(agent->edit_count, 2);
	assert_string_equal(agent->edits[0].name, "attributes");
	assert_text_has(agent->edits[0].value, "rack:r2");
	assert_text_has(agent->edits[0].value, "ssd:true");
	assert_null(strstr(agent->edits[0].value, "old"));
	assert_string_equal(flags_get(&agent->before_flags, "attributes"), attributes);
	assert_string_equal(agent->after->id->value, "S0");
	assert_string_equal(agent->expect.agent_id, "S0");
	assert_string_equal(agent->expect.boot_id, "b0");
	assert_string_equal(agent->expect.checkpoint_sha256, "cafe");
	assert_string_equal(agent->expect.store_sha256, "beef");
	assert_string_equal(agent->expect.agent_version, "1.11.0");
	assert_string_equal(agent->domain, "a");
	assert_string_equal(agent->host.work_dir, "/var/lib/mesos");
}

static void other_flags_need_only_a_restart(void **state)
{
	const struct plan_agent *agent = planned(
		*state, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");

	assert_int_equal(agent->mechanism, MECHANISM_RESTART);
	assert_int_equal(agent->differs, 0);
	assert_true(agent->stock_accepts);
	assert_null(agent->stock_message);
	assert_int_equal(slaveinfo_diff(agent->before, agent->after), 0);
}

static void an_agent_that_is_as_wanted_is_unchanged(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	sync_agents(fixture);
	keep_survey(fixture, SURVEYED_MS);
	assert_ok(make(fixture,
		       "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r1\", \"none\": null}}]}", &err),
		  &err);
	assert_int_equal(fixture->plan.agent_count, 0);
	assert_int_equal(fixture->plan.unchanged_count, 1);
	assert_string_equal(fixture->plan.unchanged[0], "node1");
}

static void what_no_flag_names_stays_as_it_was_detected(void **state)
{
	struct fixture *fixture = *state;

	json_decref(fixture->survey);
	fixture->agent.resources = "mem:4096;ports:[31000-32000]";
	fixture->survey = survey_of(attributes, fixture->agent.resources);
	json_t *detected = json_object_get(fixture->survey, "detected");
	json_object_set_new(detected, "cpus", json_integer(1)); /* as in the checkpoint */
	json_object_set_new(detected, "disk_mb", json_integer(1));
	const struct plan_agent *agent = planned(fixture, change);
	struct resources before = {.items = agent->before->resources, .count = agent->before->n_resources};
	struct resources after = {.items = agent->after->resources, .count = agent->after->n_resources};

	assert_true(resources_scalar(&after, "mem") == 1024);
	assert_true(resources_scalar(&after, "cpus") == resources_scalar(&before, "cpus"));
	assert_true(resources_scalar(&after, "disk") == resources_scalar(&before, "disk"));
	/* … and what a flag named until now is detected anew: the survey says how much that is. */
	agent = planned(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": null}}]}");
	after = (struct resources){.items = agent->after->resources, .count = agent->after->n_resources};
	assert_true(resources_scalar(&after, "mem") == 9000);
	/* A machine that has changed since makes an agent that differs. */
	json_object_set_new(detected, "cpus", json_integer(2));
	agent = planned(fixture, change);
	after = (struct resources){.items = agent->after->resources, .count = agent->after->n_resources};
	assert_true(resources_scalar(&after, "cpus") == 2);
	refused(fixture, "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r2\"}}]}", "running flags");
}

static void add_finding(struct fixture *fixture, const char *code, const char *severity)
{
	json_object_set_new(fixture->survey, "findings",
			    json_pack("[{s:s, s:s, s:s}]", "code", code, "severity", severity, "text", "why it is so"));
}

static void what_agentctl_found(void **state)
{
	struct fixture *fixture = *state;

	add_finding(fixture, "work-dir-full", "warn");
	planned(fixture, change);
	add_finding(fixture, "work-dir-full", "refuse");
	fixture->options.allow_task_loss = true;
	refused(fixture, change, "work-dir-full: why it is so");
	fixture->options.allow_task_loss = false;
	add_finding(fixture, "tasks-in-unit", "refuse");
	refused(fixture, change, "--allow-task-loss");
	fixture->options.allow_task_loss = true;
	assert_false(planned(fixture, change)->tasks[0].survives);
}

static void flags_that_the_agent_does_not_know(void **state)
{
	struct fixture *fixture = *state;
	json_t *agent = json_object_get(fixture->survey, "agent");

	json_object_set_new(agent, "known_flags",
			    json_pack("[s, s, s]", "attributes", "resources", "executor_reregistration_timeout"));
	planned(fixture, change);
	refused(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"colour\": \"blue\"}}]}", "does not know");
}

/* Its owner has written the new flags before the plan was made. */
static void flags_that_somebody_else_has_written(void **state)
{
	struct fixture *fixture = *state;
	json_t *store = json_object_get(fixture->survey, "flag_store");

	json_object_set_new(store, "flags", json_pack("{s:s}", "attributes", "rack:r2"));
	refused(fixture, change, "was edited since the start");
	json_object_set_new(store, "kind", json_string("external"));
	planned(fixture, change);
}

static void tasks_are_kept_and_get_time_to_come_back(void **state)
{
	struct fixture *fixture = *state;

	add_task(fixture, true);
	const struct plan_agent *agent = planned(fixture, change);
	assert_int_equal(agent->task_count, 1);
	assert_string_equal(agent->tasks[0].id, "web.1");
	assert_string_equal(agent->tasks[0].framework_name, "marathon");
	assert_true(agent->tasks[0].survives);
	assert_int_equal(agent->edit_count, 3);
	assert_string_equal(agent->edits[2].name, "executor_reregistration_timeout");
	assert_string_equal(agent->edits[2].value, "15secs");
	assert_null(flags_get(&agent->before_flags, "executor_reregistration_timeout"));

	fixture->options.keep_reregistration_timeout = true;
	assert_int_equal(planned(fixture, change)->edit_count, 2);
	fixture->options.keep_reregistration_timeout = false;
	set_both_flags(fixture, "executor_reregistration_timeout", "15secs");
	assert_int_equal(planned(fixture, change)->edit_count, 2);
	set_both_flags(fixture, "executor_reregistration_timeout", "14999ms");
	assert_int_equal(planned(fixture, change)->edit_count, 3);
	/* What the config says itself counts. */
	agent = planned(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"executor_reregistration_timeout\": "
				 "\"5secs\"}}]}");
	assert_int_equal(agent->edit_count, 1);
	assert_string_equal(agent->edits[0].value, "5secs");
}

static void an_idle_agent_needs_no_time(void **state)
{
	assert_int_equal(planned(*state, change)->edit_count, 2);
}

static void overcommitment_is_noted(void **state)
{
	struct fixture *fixture = *state;

	fixture->agent.used = "cpus:4;mem:1500";
	const struct plan_agent *agent = planned(fixture, change);
	assert_int_equal(agent->note_count, 1);
	assert_text_has(agent->notes[0], "1500 of mem");
	assert_text_has(agent->notes[0], "1024");
}

static void a_fault_domain_comes_before_the_attribute(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.domain_attribute = "rack";
	assert_string_equal(planned(fixture, change)->domain, "r1");
	fixture->options.domain_attribute = "nothing";
	struct error err = ERROR_INIT;
	assert_int_equal(make(fixture, change, &err), -1);
	assert_error(&err, ERROR_USAGE, "--domain-attribute nothing");
}

static void what_is_not_in_the_config_is_explained(void **state)
{
	struct fixture *fixture = *state;
	size_t found = 0;

	json_object_set_new(fixture->survey, "driver", json_pack("{s:s, s:i}", "database", "0badcafe", "epoch", 7));
	const struct plan_agent *agent = planned(fixture, change);
	for (size_t i = 0; i < agent->note_count; i++)
		found += strstr(agent->notes[i], "0badcafe") && strstr(agent->notes[i], "--adopt");
	assert_int_equal(found, 1);

	json_object_set_new(fixture->survey, "driver",
			    json_pack("{s:s, s:i}", "database", store_uuid(fixture->store), "epoch", 7));
	agent = planned(fixture, change);
	for (size_t i = 0; i < agent->note_count; i++)
		assert_null(strstr(agent->notes[i], "--adopt"));
}

/* Agents that the master no longer lists are missed for a while, unless their host runs another one. */
static void agents_that_are_gone(void **state)
{
	struct fixture *fixture = *state;
	const struct agents_answer nobody = {.master = "http://127.0.0.1:5050"};
	struct agents_summary summary;
	struct agent_list gone;
	struct error err = ERROR_INIT;
	int64_t cluster = fixture->cluster_id;

	sync_agents(fixture);
	assert_ok(planner_select_gone(fixture->store, cluster, NULL, 0, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);

	assert_ok(agents_sync(fixture->store, cluster, &nobody, SURVEYED_MS + 9, &summary, &err), &err);
	assert_ok(planner_select_gone(fixture->store, cluster, "hostname = 'node1'", 0, &gone, &err), &err);
	assert_int_equal(gone.count, 1);
	assert_string_equal(gone.items[0].view.hostname, "node1");
	assert_int_equal(gone.items[0].gone_ms, SURVEYED_MS + 9);
	agent_list_clear(&gone);
	assert_ok(planner_select_gone(fixture->store, cluster, "hostname = 'node2'", 0, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);
	assert_ok(planner_select_gone(fixture->store, cluster, NULL, SURVEYED_MS + 9, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);

	fixture->agent.id = "S5";
	sync_agents(fixture);
	assert_ok(planner_select_gone(fixture->store, cluster, NULL, 0, &gone, &err), &err);
	assert_int_equal(gone.count, 0);
	agent_list_clear(&gone);
}

static void windows_may_be_shares(void **state)
{
	static const struct {
		const char *text;
		int window;
	} cases[] = {{"3", 3}, {"50%", 1}, {"100%", 1}, {"1%", 1}};
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_ok(planner_amount_parse("--window", cases[i].text, 1, &fixture->options.window, &err), &err);
		planned(fixture, change);
		assert_int_equal(fixture->plan.options.window, cases[i].window);
	}
	static const char *const bad[] = {"", "0", "-1", "x", "3x", "0%", "101%", "3%%", "99999999999", "1.5", "%"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct planner_amount amount = {.number = 42};

		assert_int_equal(planner_amount_parse("--window", bad[i], 1, &amount, &err), -1);
		assert_int_equal(amount.number, 42);
		assert_error(&err, ERROR_USAGE, "--window");
	}
}

/* ---- what is refused */

static void hosts_nobody_surveyed(void **state)
{
	struct fixture *fixture = *state;
	const struct error failure = {.kind = ERROR_UNREACHABLE, .text = "connection refused"};
	struct agent_record record;
	struct error err = ERROR_INIT;

	sync_agents(fixture);
	assert_refused(fixture, change, "never surveyed");
	keep_survey(fixture, SURVEYED_MS);
	fleet_record(fixture->store, fixture->cluster_id, "S0", &record);
	assert_ok(survey_store_failure(fixture->store, record.row, &failure, SURVEYED_MS + 5, &err), &err);
	agent_record_clear(&record);
	assert_int_equal(make(fixture, change, &err), -1);
	assert_int_equal(fixture->refusals.count, 1);
	assert_error(&err, ERROR_UNREACHABLE, "connection refused");

	/* A host that answers, and refuses, is there. */
	const struct error refusal = {.kind = ERROR_REFUSED, .text = "permission denied"};
	fleet_record(fixture->store, fixture->cluster_id, "S0", &record);
	assert_ok(survey_store_failure(fixture->store, record.row, &refusal, SURVEYED_MS + 6, &err), &err);
	agent_record_clear(&record);
	assert_refused(fixture, change, "permission denied");
	assert_refused(fixture, change, "not hostname = 'node1'");
}

static void surveys_that_are_older_than_the_agent(void **state)
{
	struct fixture *fixture = *state;

	sync_agents(fixture);
	keep_survey(fixture, 1700000000999);
	assert_refused(fixture, change, "reregistered since");
}

static void hosts_with_another_agent(void **state)
{
	struct fixture *fixture = *state;

	json_object_set_new(part(fixture, "agent"), "id", json_string("S9"));
	refused(fixture, change, "S9");
	json_object_set_new(part(fixture, "agent"), "id", json_null());
	refused(fixture, change, "no checkpointed agent");
}

static void agents_that_do_not_run(void **state)
{
	struct fixture *fixture = *state;

	json_object_set_new(part(fixture, "agent"), "running", json_false());
	refused(fixture, change, "no agent runs");
	json_object_set_new(part(fixture, "agent"), "running", json_true());
	json_object_set_new(part(fixture, "agent"), "flags_from", json_string("store"));
	refused(fixture, change, "no agent runs");
}

static void checkpoints_that_cannot_be_read(void **state)
{
	struct fixture *fixture = *state;

	json_object_del(part(fixture, "checkpoint"), "slave_info");
	json_object_del(part(fixture, "checkpoint"), "sha256");
	refused(fixture, change, "no slave.info");
	json_object_set_new(part(fixture, "checkpoint"), "error", json_string("slave.info: truncated, 3 of 90 bytes"));
	refused(fixture, change, "3 of 90 bytes");
}

static void hosts_whose_setup_is_not_known(void **state)
{
	struct fixture *fixture = *state;

	json_object_del(part(fixture, "control"), "kind");
	refused(fixture, change, "control");
	json_object_del(part(fixture, "flag_store"), "kind");
	refused(fixture, change, "flag_store");
	json_object_set_new(part(fixture, "flag_store"), "error", json_string("/etc/x: permission denied"));
	refused(fixture, change, "permission denied");
}

static void hosts_with_an_open_operation(void **state)
{
	static const char *const open[] = {"open", "stuck"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		json_object_set_new(fixture->survey, "operations",
				    json_pack("[{s:s, s:s}, {s:s, s:s, s:s}]", "operation", "aa", "state", "done",
					      "operation", "0badcafe", "state", open[i], "run", "r-20260101-1"));
		refused(fixture, change, "0badcafe");
	}
	json_object_set_new(fixture->survey, "operations",
			    json_pack("[{s:s, s:s}, {s:s, s:s}]", "operation", "aa", "state", "done", "operation", "bb",
				      "state", "undone"));
	planned(fixture, change);
}

static void flags_that_the_store_does_not_rule(void **state)
{
	struct fixture *fixture = *state;

	set_running_flag(fixture, "registration_backoff_factor", "9secs");
	refused(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}",
		"command line");
	/* Flags the plan does not touch may come from anywhere. */
	planned(fixture, change);
}

static void checkpoints_that_do_not_go_with_the_flags(void **state)
{
	struct fixture *fixture = *state;

	set_both_flags(fixture, "attributes", "rack:r1;old:yes;zone:b");
	refused(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 1024}}]}", "running flags");
	/* A plan that replaces that part brings them together again. */
	planned(fixture, change);
}

static void records_of_the_master_that_differ(void **state)
{
	struct fixture *fixture = *state;

	fixture->agent.resources = "cpus:3;mem:4096;disk:2048;ports:[31000-32000]";
	refused(fixture, "{\"name\": \"web\", \"rules\": [{\"attributes\": {\"rack\": \"r2\"}}]}", "master's record");
}

static void parts_that_may_not_differ(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.ignore = PART_ATTRIBUTES;
	refused(fixture, change, "--ignore");
	assert_text_has(fixture->refusals.items[0].reason, "resources");
	assert_null(strstr(fixture->refusals.items[0].reason, "attributes"));
	fixture->options.ignore = 0;
	refused(fixture, change, "attributes");
	/* What leaves the SlaveInfo alone needs no permission. */
	planned(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");
}

static void reservations_that_no_longer_fit(void **state)
{
	struct fixture *fixture = *state;

	json_object_set_new(fixture->survey, "reserved",
			    json_pack("[{s:s, s:s, s:{s:f}, s:[{s:s, s:s}]}]", "name", "mem", "type", "SCALAR",
				      "scalar", "value", 2048.0, "reservations", "type", "DYNAMIC", "role", "db"));
	refused(fixture, change, "Checkpointed resources");
	planned(fixture, "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 2048}}]}");
}

static void agents_that_would_refuse_their_own_slave_info(void **state)
{
	struct fixture *fixture = *state;
	static const char twice[] = "rack:r1;old:yes;zone:a;disk:ssd;disk:hdd";

	json_decref(fixture->survey);
	fixture->survey = survey_of(twice, resources);
	fixture->agent.attributes = twice;
	planned(fixture, change);
	set_both_flags(fixture, "reconfiguration_policy", "additive");
	refused(fixture, change, "would not come back");
	set_both_flags(fixture, "reconfiguration_policy", "any");
	refused(fixture, change, "reconfiguration_policy=any");
}

static void growth_under_additive_is_written_back_too(void **state)
{
	struct fixture *fixture = *state;

	set_both_flags(fixture, "reconfiguration_policy", "additive");
	const struct plan_agent *agent = planned(fixture,
						 "{\"name\": \"web\", \"rules\": [{\"resources\": {\"mem\": 8192}}]}");
	assert_true(agent->stock_accepts);
	assert_null(agent->stock_message);
	assert_int_equal(agent->differs, PART_RESOURCES);
	assert_int_equal(agent->mechanism, MECHANISM_RELAX);
}

static void tasks_that_would_die(void **state)
{
	struct fixture *fixture = *state;

	add_task(fixture, false);
	refused(fixture, change, "web.1 of marathon");
	fixture->options.allow_task_loss = true;
	assert_false(planned(fixture, change)->tasks[0].survives);
}

static void discard_ends_the_tasks_of_what_changes(void **state)
{
	struct fixture *fixture = *state;

	add_task(fixture, true);
	add_task(fixture, false);
	fixture->options.discard = true;
	const struct plan_agent *agent = planned(fixture, change);
	assert_int_equal(agent->mechanism, MECHANISM_DISCARD);
	assert_false(agent->tasks[0].survives);
	assert_true(agent->note_count > 0);
	assert_text_has(agent->notes[0], "nothing brings them back");
	/* What leaves the SlaveInfo alone leaves the tasks alone, so those that do not survive a restart count again. */
	refused(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}",
		"would die with any restart");
	fixture->options.allow_task_loss = true;
	agent = planned(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": "
				 "\"2secs\"}}]}");
	assert_int_equal(agent->mechanism, MECHANISM_RESTART);
}

static void masters_that_would_not_take_it(void **state)
{
	struct fixture *fixture = *state;
	static const char domain[] =
		"{\"name\": \"web\", \"rules\": [{\"domain\": {\"region\": \"eu\", \"zone\": \"a\"}}]}";

	fixture->facts.agent_update = false;
	refused(fixture, change, "AGENT_UPDATE");
	planned(fixture, "{\"name\": \"web\", \"rules\": [{\"flags\": {\"registration_backoff_factor\": \"2secs\"}}]}");
	fixture->facts.agent_update = true;
	refused(fixture, domain, "the master has none");
	fixture->facts.has_domain = true;
	assert_int_equal(planned(fixture, domain)->differs, PART_DOMAIN);
	fixture->facts.require_agent_domain = true;
	refused(fixture, change, "--require_agent_domain");
}

static void versions_nobody_checked(void **state)
{
	struct fixture *fixture = *state;

	json_object_set_new(part(fixture, "agent"), "version", json_string("0.28.2"));
	refused(fixture, change, "0.28.2");
	fixture->options.allow_unknown_version = true;
	planned(fixture, change);
	json_object_set_new(part(fixture, "agent"), "version", json_string("newest"));
	refused(fixture, change, "version is not known");
}

/* ---- who is chosen */

static void selectors_that_match_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(make(fixture, change, &err), -1);
	assert_error(&err, ERROR_USAGE, "inventory sync");
	sync_agents(fixture);
	keep_survey(fixture, SURVEYED_MS);
	fixture->options.where = "rack = 'r9'";
	assert_int_equal(make(fixture, change, &err), -1);
	assert_error(&err, ERROR_USAGE, "rack = 'r9'");
	fixture->options.where = "rack =";
	assert_int_equal(make(fixture, change, &err), -1);
	assert_error(&err, ERROR_USAGE, "--where");
	fixture->options.where = NULL;
	assert_int_equal(make(fixture,
			      "{\"name\": \"web\", \"rules\": [{\"match\": \"rack = 'r9'\", \"attributes\": {\"a\": "
			      "\"b\"}}]}",
			      &err),
			 -1);
	assert_error(&err, ERROR_USAGE, "no rule");
}

static void agents_no_rule_matches_need_no_survey(void **state)
{
	struct fixture *fixture = *state;
	struct error err = ERROR_INIT;

	sync_agents(fixture);
	assert_int_equal(make(fixture,
			      "{\"name\": \"web\", \"rules\": [{\"match\": \"rack = 'r9'\", \"attributes\": {\"a\": "
			      "\"b\"}}]}",
			      &err),
			 -1);
	assert_int_equal(fixture->refusals.count, 0);
	assert_error(&err, ERROR_USAGE, "no rule");
}

/* ---- how it reads */

static void the_plan_in_words(void **state)
{
	struct fixture *fixture = *state;
	struct buffer bytes = BUFFER_INIT(PLAN_MAX);
	char *text = NULL;
	size_t len = 0;

	add_task(fixture, true);
	planned(fixture, change);
	plan_write(&fixture->plan, &bytes);
	FILE *stream = open_memstream(&text, &len);
	plan_print(&fixture->plan, stream);
	fclose(stream);
	assert_text_has(text, "web@1 on cluster lab");
	assert_text_has(text, "1 agent\n");
	assert_text_has(text, "rack");
	assert_text_has(text, "r1 \u2192 r2");
	assert_text_has(text, "yes \u2192 (none)");
	assert_text_has(text, "(none) \u2192 true");
	assert_text_has(text, "4096 \u2192 1024");
	assert_text_has(text, "would refuse: \"");
	assert_text_has(text, "relax: ");
	assert_text_has(text, "node1 (a)  1 task kept: web.1 (marathon)");
	assert_text_has(text, "--executor_reregistration_timeout  (none) \u2192 15secs");
	assert_text_has(text, "resources, attributes, domain");
	free(text);
	buffer_clear(&bytes);
}

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, set_up, tear_down, NULL                                                                   \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_change_of_attributes_and_resources),
		TEST(other_flags_need_only_a_restart),
		TEST(an_agent_that_is_as_wanted_is_unchanged),
		TEST(what_no_flag_names_stays_as_it_was_detected),
		TEST(what_agentctl_found),
		TEST(flags_that_the_agent_does_not_know),
		TEST(flags_that_somebody_else_has_written),
		TEST(tasks_are_kept_and_get_time_to_come_back),
		TEST(an_idle_agent_needs_no_time),
		TEST(overcommitment_is_noted),
		TEST(a_fault_domain_comes_before_the_attribute),
		TEST(what_is_not_in_the_config_is_explained),
		TEST(agents_that_are_gone),
		TEST(windows_may_be_shares),
		TEST(hosts_nobody_surveyed),
		TEST(surveys_that_are_older_than_the_agent),
		TEST(hosts_with_another_agent),
		TEST(agents_that_do_not_run),
		TEST(checkpoints_that_cannot_be_read),
		TEST(hosts_whose_setup_is_not_known),
		TEST(hosts_with_an_open_operation),
		TEST(flags_that_the_store_does_not_rule),
		TEST(checkpoints_that_do_not_go_with_the_flags),
		TEST(records_of_the_master_that_differ),
		TEST(parts_that_may_not_differ),
		TEST(reservations_that_no_longer_fit),
		TEST(agents_that_would_refuse_their_own_slave_info),
		TEST(growth_under_additive_is_written_back_too),
		TEST(tasks_that_would_die),
		TEST(discard_ends_the_tasks_of_what_changes),
		TEST(masters_that_would_not_take_it),
		TEST(versions_nobody_checked),
		TEST(selectors_that_match_nothing),
		TEST(agents_no_rule_matches_need_no_survey),
		TEST(the_plan_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
