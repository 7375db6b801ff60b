/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/plan_fixture.h"

#include "base/alloc.h"
#include "tests/support/cmocka.h"

static Mesos__SlaveInfo *info_of(const struct plan_agent *agent, const char *attributes, const char *resources)
{
	const struct detected detected = {.hostname = agent->hostname, .cpus = 4, .mem_mb = 1024, .disk_mb = 2048};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	flags_set(&flags, "attributes", attributes);
	flags_set(&flags, "resources", resources);
	Mesos__SlaveInfo *info = slaveinfo_from_flags(&flags, &detected, &mesos_version_newest, &err);
	assert_non_null(info);
	slaveinfo_set_id(info, agent->agent_id);
	flags_clear(&flags);
	return info;
}

static void add_edit(struct plan_agent *agent, const char *name, const char *before, const char *after)
{
	agent->edits = xreallocarray(agent->edits, agent->edit_count + 1, sizeof(*agent->edits));
	agent->edits[agent->edit_count++] = (struct flag_edit){.name = xstrdup(name),
							       .value = after ? xstrdup(after) : NULL};
	if (before)
		flags_set(&agent->before_flags, name, before);
}

static void add_task(struct plan_agent *agent)
{
	agent->tasks = xcalloc(1, sizeof(*agent->tasks));
	agent->tasks[agent->task_count++] = (struct plan_task){
		.id = xasprintf("t.%s", agent->agent_id),
		.name = xstrdup(""),
		.framework_id = xstrdup("F"),
		.framework_name = xstrdup("marathon"),
		.survives = true,
	};
}

static void fill_agent(struct plan_agent *agent, size_t number)
{
	*agent = (struct plan_agent){
		.agent_id = xasprintf("S%zu", number),
		.hostname = xasprintf("node%zu.example.com", number),
		.ip = xasprintf("10.0.0.%zu", number + 1),
		.port = 5051,
		.domain = xstrdup("eu/a"),
		.mechanism = MECHANISM_RELAX,
		.why = xstrdup("attributes differ; \"quoted\""),
		.differs = PART_ATTRIBUTES | PART_RESOURCES,
		.stock_message = xstrdup("Failed to perform recovery"),
	};
	agent->before = info_of(agent, "rack:r1;odd:ümlaut", "cpus:4;mem:1024");
	agent->after = info_of(agent, "rack:r2", "cpus:4;mem:512;ports(web):[31000-32000]");
	agent->expect.agent_id = xstrdup(agent->agent_id);
	agent->expect.checkpoint_sha256 = xstrdup("ab");
	host_settings_init(&agent->host);
	add_edit(agent, "attributes", "rack:r1;odd:ümlaut", "rack:r2");
	add_edit(agent, "gone", "x", NULL);
	add_edit(agent, "new", NULL, "");
	add_task(agent);
	agent->notes = xcalloc(1, sizeof(*agent->notes));
	agent->notes[agent->note_count++] = xstrdup("a note");
}

void plan_fixture_fill(struct plan *plan, size_t count)
{
	plan_init(plan);
	plan->cluster = xstrdup("lab");
	plan->config = xstrdup("web-tier");
	plan->config_version = 3;
	plan->config_sha256 = xstrdup("00");
	plan->created_ms = 1700000000123;
	plan->surveyed_ms = 1700000000001;
	plan->where = xstrdup("rack = 'r1'");
	plan->ignore = PART_ATTRIBUTES | PART_RESOURCES;
	plan->options.window = 7;
	plan->options.domain_window = 2;
	plan->options.max_failures = 1;
	plan->agents = xcalloc(count + 1, sizeof(*plan->agents));
	for (size_t i = 0; i < count; i++)
		fill_agent(&plan->agents[plan->agent_count++], i);
	plan->unchanged = xcalloc(1, sizeof(*plan->unchanged));
	plan->unchanged[plan->unchanged_count++] = xstrdup("idle.example.com");
}

char *plan_fixture_write(struct plan *plan)
{
	struct buffer out = BUFFER_INIT(PLAN_MAX);

	plan_write(plan, &out);
	return buffer_take(&out);
}
