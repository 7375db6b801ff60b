/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/proof_fixture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

Mesos__SlaveInfo *proof_info(const char *attributes, const char *id)
{
	struct flags flags = FLAGS_INIT;
	struct detected detected = DETECTED_UNKNOWN;
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *info;

	flags_set(&flags, "hostname", "host");
	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", "cpus:4;mem:4096;disk:10000;ports:[31000-32000]");
	info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	if (!info)
		fail_msg("%s", err.text);
	slaveinfo_set_id(info, id);
	flags_clear(&flags);
	return info;
}

void proof_add_task(struct plan_task **tasks, size_t *count, const char *id, bool survives)
{
	*tasks = xreallocarray(*tasks, *count + 1, sizeof **tasks);
	(*tasks)[(*count)++] = (struct plan_task){.id = xstrdup(id),
						  .framework_id = xstrdup("F1"),
						  .framework_name = xstrdup("web"),
						  .survives = survives};
}

void proof_add_task_view(struct task_view **tasks, size_t *count, const char *id, const char *state, const char *reason)
{
	*tasks = xreallocarray(*tasks, *count + 1, sizeof **tasks);
	(*tasks)[(*count)++] = (struct task_view){
		.id = xstrdup(id),
		.name = xstrdup(""),
		.framework_id = xstrdup("F1"),
		.executor_id = xstrdup(""),
		.agent_id = xstrdup(ID),
		.state = xstrdup(state),
		.reason = xstrdup(reason),
	};
}

static void fill_agent(struct plan_agent *agent)
{
	agent->agent_id = xstrdup(ID);
	agent->hostname = xstrdup("host");
	agent->ip = xstrdup("10.0.0.1");
	agent->port = 5051;
	agent->mechanism = MECHANISM_RELAX;
	agent->before = proof_info("rack:old", ID);
	agent->after = proof_info("rack:new", ID);
	agent->edits = xcalloc(2, sizeof *agent->edits);
	agent->edits[0] = (struct flag_edit){.name = xstrdup("attributes"), .value = xstrdup("rack:new")};
	agent->edits[1] = (struct flag_edit){.name = xstrdup("strict"), .value = NULL};
	agent->edit_count = 2;
	flags_set(&agent->before_flags, "attributes", "rack:old");
	flags_set(&agent->before_flags, "strict", "true");
}

struct agent_view proof_make_view(const char *id, const char *attributes)
{
	return (struct agent_view){
		.id = xstrdup(id),
		.hostname = xstrdup("host"),
		.ip = xstrdup("10.0.0.1"),
		.port = 5051,
		.version = xstrdup("1.11.0"),
		.active = true,
		.attributes_complete = true,
		.registered_ns = 500,
		.reregistered_ns = LATE,
		.info = proof_info(attributes, id),
	};
}

void proof_open(struct proof_fixture *fixture)
{
	memset(fixture, 0, sizeof *fixture);
	fill_agent(&fixture->agent);
	fixture->before = (struct before_picture){.registered_ns = 500,
						  .reregistered_ns = EARLY,
						  .active = true,
						  .master_id = xstrdup("M1"),
						  .info = proof_info("rack:old", ID)};
	proof_add_task(&fixture->before.tasks, &fixture->before.task_count, "T1", true);
	fixture->started = (struct answer){.pid = 4711,
					   .start_ticks = 99,
					   .away_ms = 3000,
					   .restarted = true,
					   .boot_id = xstrdup("boot"),
					   .info = proof_info("rack:new", ID)};
	flags_set(&fixture->started.flags, "attributes", "rack:new");
	fixture->snapshot.master = xstrdup("http://master");
	fixture->snapshot.facts.id = xstrdup("M1");
	fixture->snapshot.agents = xcalloc(2, sizeof *fixture->snapshot.agents);
	fixture->snapshot.agents[0] = proof_make_view(ID, "rack:new");
	fixture->snapshot.agent_count = 1;
	proof_add_task_view(&fixture->snapshot.tasks, &fixture->snapshot.task_count, "T1", "TASK_RUNNING", "");
}

/* The same agent, after its operation was undone. */
void proof_revert(struct proof_fixture *fixture)
{
	fixture->reverted = true;
	flags_set(&fixture->started.flags, "attributes", "rack:old");
	flags_set(&fixture->started.flags, "strict", "true");
	slaveinfo_free(fixture->started.info);
	fixture->started.info = proof_info("rack:old", ID);
	slaveinfo_free(fixture->snapshot.agents[0].info);
	fixture->snapshot.agents[0].info = proof_info("rack:old", ID);
}

static void clear_snapshot(struct master_snapshot *snapshot)
{
	struct master_snapshot *heap = xcalloc(1, sizeof *heap);

	*heap = *snapshot;
	master_snapshot_free(heap);
}

static void forget_result(struct proof_fixture *fixture)
{
	json_decref(fixture->document);
	free(fixture->reason);
	fixture->document = NULL;
	fixture->reason = NULL;
}

void proof_close(struct proof_fixture *fixture)
{
	forget_result(fixture);
	plan_agent_clear(&fixture->agent);
	before_picture_clear(&fixture->before);
	answer_clear(&fixture->started);
	clear_snapshot(&fixture->snapshot);
}

struct agent_view *proof_view(struct proof_fixture *fixture)
{
	return &fixture->snapshot.agents[0];
}

void proof_set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

enum proof_result proof_judged(struct proof_fixture *fixture)
{
	struct snapshot_index shown;
	enum proof_result result;

	forget_result(fixture);
	snapshot_index_init(&shown, &fixture->snapshot);
	result = proof_judge(&fixture->agent, &fixture->before, &fixture->started, fixture->reverted, &shown,
			     &fixture->document, &fixture->reason);
	snapshot_index_clear(&shown);
	return result;
}

/* Judges; the reason must hold the words. Closes the fixture. */
void proof_expect(struct proof_fixture *fixture, enum proof_result result, const char *words)
{
	assert_int_equal(proof_judged(fixture), result);
	if (words)
		assert_text_has(fixture->reason, words);
	else
		assert_null(fixture->reason);
	proof_close(fixture);
}

const json_t *proof_line(const struct proof_fixture *fixture, const char *what)
{
	const json_t *lines = json_object_get(fixture->document, "lines");

	for (size_t i = 0; i < json_array_size(lines); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(lines, i), "what")), what) == 0)
			return json_array_get(lines, i);
	return NULL;
}

size_t proof_count_tasks(const struct proof_fixture *fixture, const char *kind)
{
	return json_array_size(json_object_get(json_object_get(fixture->document, "tasks"), kind));
}
