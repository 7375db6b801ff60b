/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

static const struct {
	const char *name, *value;
} fixed_flags[] = {
	{"agent_ping_timeout", "15secs"},
	{"agent_reregister_timeout", "10mins"},
	{"allocation_interval", "1secs"},
	{"allocator", "hierarchical"},
	{"allocator_agent_recovery_factor", "0.8"},
	{"allocator_recovery_timeout", "10mins"},
	{"authenticate_agents", "false"},
	{"authenticate_frameworks", "false"},
	{"authenticate_http_frameworks", "false"},
	{"authenticate_http_readonly", "false"},
	{"authenticate_http_readwrite", "false"},
	{"authentication_v0_timeout", "15secs"},
	{"authenticators", "crammd5"},
	{"authorizers", "local"},
	{"cluster", "lab"},
	{"filter_gpu_resources", "true"},
	{"framework_sorter", "drf"},
	{"help", "false"},
	{"hostname_lookup", "true"},
	{"http_authenticators", "basic"},
	{"initialize_driver_logging", "true"},
	{"log_auto_initialize", "true"},
	{"logbufsecs", "0"},
	{"logging_level", "INFO"},
	{"max_agent_ping_timeouts", "5"},
	{"max_completed_frameworks", "50"},
	{"max_completed_tasks_per_framework", "1000"},
	{"max_operator_event_stream_subscribers", "1000"},
	{"max_unreachable_tasks_per_framework", "1000"},
	{"memory_profiling", "false"},
	{"min_allocatable_resources", "cpus:0.01|mem:32"},
	{"offer_constraints_re2_max_mem", "4KB"},
	{"offer_constraints_re2_max_program_size", "100"},
	{"publish_per_framework_metrics", "true"},
	{"quiet", "false"},
	{"quorum", "1"},
	{"recovery_agent_removal_limit", "100%"},
	{"registry", "replicated_log"},
	{"registry_fetch_timeout", "1mins"},
	{"registry_gc_interval", "15mins"},
	{"registry_max_agent_age", "2weeks"},
	{"registry_max_agent_count", "102400"},
	{"registry_store_timeout", "20secs"},
	{"registry_strict", "false"},
	{"require_agent_domain", "false"},
	{"role_sorter", "drf"},
	{"root_submissions", "true"},
	{"version", "false"},
	{"webui_dir", "/usr/share/mesos/webui"},
	{"work_dir", "/var/lib/mesos-master"},
	{"zk_session_timeout", "10secs"},
};

json_t *master_flags(const struct master *master)
{
	json_t *flags = json_object();
	char *port = xasprintf("%d", master->port);
	for (size_t i = 0; i < sizeof(fixed_flags) / sizeof(fixed_flags[0]); i++)
		json_object_set_new(flags, fixed_flags[i].name, json_string(fixed_flags[i].value));
	json_object_set_new(flags, "hostname", json_string(master->ip));
	json_object_set_new(flags, "ip", json_string(master->ip));
	json_object_set_new(flags, "port", json_string(port));
	if (master->domain != NULL) {
		json_t *domain = pb_to_json(master->domain);
		char *text = json_dumps(domain, JSON_COMPACT);
		json_object_set_new(flags, "domain", json_string(text));
		free(text);
		json_decref(domain);
	}
	free(port);
	return flags;
}
