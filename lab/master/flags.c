/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

static const struct {
	const char *name, *value;
} fixed_flags[] = {
	{"agent_ping_timeout", "15secs"},
	{"agent_reregister_timeout", MASTER_REREGISTER_TEXT},
	{"allocation_interval", "1secs"},
	{"allocator", "hierarchical"},
	{"allocator_agent_recovery_factor", "0.8"},
	{"allocator_recovery_timeout", "10mins"},
	{"authenticate_agents", "false"},
	{"authenticate_frameworks", "false"},
	{"authenticate_http_frameworks", "false"},
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
	{"recovery_agent_removal_limit", "100%"},
	{"registry", "replicated_log"},
	{"registry_fetch_timeout", "1mins"},
	{"registry_gc_interval", "15mins"},
	{"registry_max_agent_age", "2weeks"},
	{"registry_max_agent_count", "102400"},
	{"registry_store_timeout", "20secs"},
	{"registry_strict", "false"},
	{"role_sorter", "drf"},
	{"root_submissions", "true"},
	{"version", "false"},
	{"webui_dir", "/usr/share/mesos/webui"},
	{"work_dir", "/var/lib/mesos-master"},
	{"zk_session_timeout", "10secs"},
};

/* What `up` was asked to switch on, and what `break` changes. */
static void put_switches(const struct master *master, json_t *flags)
{
	const struct lab *lab = master->lab;
	const struct fault *role = fault_set_find(&master->faults, "refuse-role");
	bool require = fault_set_find(&master->faults, "require-domain") != NULL;
	char *quorum = xasprintf("%zu", lab->master_count / 2 + 1);
	json_object_set_new(flags, "quorum", json_string(quorum));
	json_object_set_new(flags, "authenticate_http_readonly", json_string(lab->authenticate ? "true" : "false"));
	json_object_set_new(flags, "authenticate_http_readwrite", json_string(lab->authenticate ? "true" : "false"));
	json_object_set_new(flags, "require_agent_domain", json_string(require ? "true" : "false"));
	free(quorum);
	if (role != NULL)
		json_object_set_new(
			flags, "acls",
			json_sprintf(
				"{\"permissive\":true,\"reserve_resources\":[{\"principals\":{\"type\":\"NONE\"},\"roles\":{\"values\":[\"%s\"]}}]}",
				role->match));
	if (lab->authenticate) {
		char *path = lab_path(lab, "credentials.json");
		json_object_set_new(flags, "credentials", json_string(path));
		free(path);
	}
	if (lab->zookeeper != NULL) {
		char *url = lab_master_flag(lab);
		json_object_set_new(flags, "zk", json_string(url));
		free(url);
	}
}

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
	put_switches(master, flags);
	free(port);
	return flags;
}
