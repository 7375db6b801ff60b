/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fleet.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

static const char *or_default(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static void set_flags(const struct fleet_agent *agent, struct flags *flags)
{
	flags_set(flags, "hostname", or_default(agent->hostname, agent->id));
	flags_set(flags, "resources", or_default(agent->resources, "cpus:4;mem:1024;disk:2048;ports:[31000-32000]"));
	if (agent->attributes)
		flags_set(flags, "attributes", agent->attributes);
	if (agent->region) {
		char *domain = xasprintf("{\"fault_domain\":{\"region\":{\"name\":\"%s\"},\"zone\":{\"name\":\"%s\"}}}",
					 agent->region, agent->zone);

		flags_set(flags, "domain", domain);
		free(domain);
	}
}

void fleet_view(const struct fleet_agent *agent, struct agent_view *out)
{
	const struct detected unknown = {.hostname = NULL, .cpus = 1, .mem_mb = 1, .disk_mb = 1, .gpus = 0};
	struct flags flags = FLAGS_INIT;
	struct error err = ERROR_INIT;

	set_flags(agent, &flags);
	*out = (struct agent_view){
		.id = xstrdup(agent->id),
		.hostname = xstrdup(or_default(agent->hostname, agent->id)),
		.ip = xstrdup(or_default(agent->ip, "10.0.0.1")),
		.port = 5051,
		.version = xstrdup(or_default(agent->version, "1.11.0")),
		.active = !agent->inactive,
		.attributes_complete = true,
		.registered_ns = 1700000000000000000,
	};
	out->info = slaveinfo_from_flags(&flags, &unknown, &mesos_version_newest, &err);
	if (!out->info) {
		fail_msg("%s: %s", agent->id, err.text);
		return;
	}
	slaveinfo_set_id(out->info, agent->id);
	resources_copy(&out->total, out->info->resources, out->info->n_resources);
	if (agent->used)
		assert_ok(resources_parse(agent->used, NULL, &mesos_version_newest, &out->used, &err), &err);
	flags_clear(&flags);
}

void fleet_sync(struct store *store, int64_t cluster, const struct fleet_agent *agents, size_t count)
{
	struct agent_view *views = xcalloc(count + 1, sizeof(*views));
	struct agents_answer answer = {.master = "http://127.0.0.1:5050", .agents = views, .agent_count = count};
	struct agents_summary summary;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < count; i++)
		fleet_view(&agents[i], &views[i]);
	assert_ok(agents_sync(store, cluster, &answer, 1700000001000, &summary, &err), &err);
	for (size_t i = 0; i < count; i++)
		agent_view_clear(&views[i]);
	free(views);
}

void fleet_record(struct store *store, int64_t cluster, const char *id, struct agent_record *out)
{
	struct error err = ERROR_INIT;

	assert_ok(agents_find(store, cluster, id, out, &err), &err);
}
