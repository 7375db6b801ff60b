/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lab/agent/agent.h"
#include "mesos/flag_types.h"

/* The flags an agent of 1.12 takes; mesos/flag_types.h has their types. Those without a default are not shown by /flags
 * until they are given. */
static const struct known_flag {
	const char *name;
	const char *fallback;
} known_flags[] = {
	{"acls", NULL},
	{"advertise_ip", NULL},
	{"advertise_port", NULL},
	{"agent_features", NULL},
	{"agent_subsystems", NULL},
	{"allowed_devices", NULL},
	{"appc_simple_discovery_uri_prefix", "http://"},
	{"appc_store_dir", "/tmp/mesos/store/appc"},
	{"attributes", NULL},
	{"authenticate_http_executors", NULL},
	{"authenticate_http_readonly", "false"},
	{"authenticate_http_readwrite", "false"},
	{"authenticatee", "crammd5"},
	{"authentication_backoff_factor", "1secs"},
	{"authentication_timeout_max", "1mins"},
	{"authentication_timeout_min", "5secs"},
	{"authorizer", "local"},
	{"bounding_capabilities", NULL},
	{"cgroups_cpu_enable_pids_and_tids_count", "false"},
	{"cgroups_destroy_timeout", "1mins"},
	{"cgroups_enable_cfs", "false"},
	{"cgroups_hierarchy", "/sys/fs/cgroup"},
	{"cgroups_limit_swap", "false"},
	{"cgroups_net_cls_primary_handle", NULL},
	{"cgroups_net_cls_secondary_handles", NULL},
	{"cgroups_root", "mesos"},
	{"container_disk_watch_interval", "15secs"},
	{"container_logger", NULL},
	{"container_ports_watch_interval", NULL},
	{"containerizers", "mesos"},
	{"credential", NULL},
	{"csi_plugin_config_dir", NULL},
	{"default_container_dns", NULL},
	{"default_container_info", NULL},
	{"default_container_shm_size", NULL},
	{"default_role", "*"},
	{"disallow_sharing_agent_ipc_namespace", "false"},
	{"disallow_sharing_agent_pid_namespace", "false"},
	{"disk_profile_adaptor", NULL},
	{"disk_watch_interval", "1mins"},
	{"docker", "docker"},
	{"docker_config", NULL},
	{"docker_ignore_runtime", "false"},
	{"docker_kill_orphans", "true"},
	{"docker_mesos_image", NULL},
	{"docker_registry", "https://registry.lab"},
	{"docker_remove_delay", "6hrs"},
	{"docker_socket", "/var/run/docker.sock"},
	{"docker_stop_timeout", "0ns"},
	{"docker_store_dir", "/tmp/mesos/store/docker"},
	{"docker_volume_checkpoint_dir", "/var/run/mesos/isolators/docker/volume"},
	{"docker_volume_chown", "false"},
	{"domain", NULL},
	{"domain_socket_location", NULL},
	{"effective_capabilities", NULL},
	{"enforce_container_disk_quota", "false"},
	{"executor_environment_variables", NULL},
	{"executor_registration_timeout", "1mins"},
	{"executor_reregistration_retry_interval", NULL},
	{"executor_reregistration_timeout", "2secs"},
	{"executor_shutdown_grace_period", "5secs"},
	{"external_log_file", NULL},
	{"fetcher_cache_dir", "/tmp/mesos/fetch"},
	{"fetcher_cache_size", "2GB"},
	{"fetcher_stall_timeout", "1mins"},
	{"firewall_rules", NULL},
	{"frameworks_home", ""},
	{"gc_delay", "1weeks"},
	{"gc_disk_headroom", "0.1"},
	{"gc_non_executor_container_sandboxes", "false"},
	{"hadoop_home", NULL},
	{"help", "false"},
	{"hooks", NULL},
	{"host_path_volume_force_creation", NULL},
	{"hostname", NULL},
	{"hostname_lookup", "true"},
	{"http_authenticators", NULL},
	{"http_command_executor", "false"},
	{"http_credentials", NULL},
	{"http_executor_domain_sockets", "false"},
	{"http_heartbeat_interval", "30secs"},
	{"image_gc_config", NULL},
	{"image_providers", NULL},
	{"image_provisioner_backend", NULL},
	{"initialize_driver_logging", "true"},
	{"ip", NULL},
	{"ip6", NULL},
	{"ip6_discovery_command", NULL},
	{"ip_discovery_command", NULL},
	{"isolation", "posix/cpu,posix/mem"},
	{"jwt_secret_key", NULL},
	{"launcher", "posix"},
	{"launcher_dir", "/usr/libexec/mesos"},
	{"log_dir", NULL},
	{"logbufsecs", "0"},
	{"logging_level", "INFO"},
	{"master", NULL},
	{"master_detector", NULL},
	{"max_completed_executors_per_framework", "150"},
	{"memory_profiling", "false"},
	{"modules", NULL},
	{"modules_dir", NULL},
	{"network_cni_config_dir", NULL},
	{"network_cni_metrics", "true"},
	{"network_cni_plugins_dir", NULL},
	{"network_cni_root_dir_persist", "false"},
	{"nvidia_gpu_devices", NULL},
	{"oversubscribed_resources_interval", "15secs"},
	{"perf_duration", "10secs"},
	{"perf_events", NULL},
	{"perf_interval", "1mins"},
	{"port", "5051"},
	{"qos_controller", NULL},
	{"qos_correction_interval_min", "0ns"},
	{"quiet", "false"},
	{"reconfiguration_policy", "equal"},
	{"recover", "reconnect"},
	{"recovery_timeout", "15mins"},
	{"registration_backoff_factor", "1secs"},
	{"resource_estimator", NULL},
	{"resource_provider_config_dir", NULL},
	{"resources", NULL},
	{"revocable_cpu_low_priority", "true"},
	{"runtime_dir", "/var/run/mesos"},
	{"sandbox_directory", "/mnt/mesos/sandbox"},
	{"seccomp_config_dir", NULL},
	{"seccomp_profile_name", NULL},
	{"secret_resolver", NULL},
	{"strict", "true"},
	{"switch_user", "true"},
	{"systemd_enable_support", "false"},
	{"systemd_runtime_directory", "/run/systemd/system"},
	{"version", "false"},
	{"volume_gid_range", NULL},
	{"work_dir", NULL},
	{"xfs_kill_containers", NULL},
	{"xfs_project_range", NULL},
	{"xfs_quota_headroom", NULL},
	{"zk_session_timeout", "10secs"},
};
#define KNOWN_FLAGS (sizeof(known_flags) / sizeof(known_flags[0]))

static const struct known_flag *find_flag(const char *name, size_t len)
{
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		if (strlen(known_flags[i].name) == len && strncmp(known_flags[i].name, name, len) == 0)
			return &known_flags[i];
	}
	return NULL;
}

static bool is_boolean(const struct known_flag *flag)
{
	return flag_type_of(flag->name) == FLAG_BOOLEAN;
}

/* The command line alone: what it names must be known. In the environment only what is known counts. */
static int check_argument(const char *argument, struct error *err)
{
	const char *given = argument + 2, *equals = strchr(given, '=');
	size_t len = strcspn(given, "=");
	bool negated = strncmp(given, "no-", 3) == 0 && find_flag(given, len) == NULL;
	const char *name = negated ? given + 3 : given;
	const struct known_flag *flag = find_flag(name, negated ? len - 3 : len);
	if (flag == NULL && negated)
		return error_set(err, ERROR_USAGE, "Failed to load unknown flag '%.*s' via '%.*s'", (int)len - 3, name,
				 (int)len, given);
	if (flag == NULL)
		return error_set(err, ERROR_USAGE, "Failed to load unknown flag '%.*s'", (int)len, given);
	if (negated && !is_boolean(flag))
		return error_set(err, ERROR_USAGE, "Failed to load non-boolean flag '%s' via '%.*s'", flag->name,
				 (int)len, given);
	if (negated && equals != NULL && equals[1] != '\0')
		return error_set(err, ERROR_USAGE, "Failed to load boolean flag '%s' via '%.*s' with value '%s'",
				 flag->name, (int)len, given, equals + 1);
	if (!negated && equals == NULL && !is_boolean(flag))
		return error_set(err, ERROR_USAGE, "Failed to load non-boolean flag '%s': Missing value", flag->name);
	return 0;
}

static void forget_unknown(struct flags *flags)
{
	for (size_t i = flags->count; i-- > 0;) {
		const char *name = flags->items[i].name;
		if (find_flag(name, strlen(name)) == NULL)
			flags_remove(flags, name);
	}
}

static bool is_true(const struct flags *flags, const char *name)
{
	const char *value = flags_get(flags, name);
	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0 || *value == '\0');
}

static void print_help(void)
{
	size_t width = 0;
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		size_t len = strlen(known_flags[i].name) + (is_boolean(&known_flags[i]) ? 9 : 10);
		width = len > width ? len : width;
	}
	printf("Usage: mesos-agent [options]\n\n");
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		const struct known_flag *flag = &known_flags[i];
		int used = is_boolean(flag) ? printf("  --[no-]%s", flag->name) : printf("  --%s=VALUE", flag->name);
		printf("%*s%s%s%s\n", (int)width + 5 - used, "", "A flag of the agent",
		       flag->fallback != NULL ? "; default: " : "", flag->fallback != NULL ? flag->fallback : "");
	}
}

static int check_values(const struct flags *flags, struct error *err)
{
	const char *policy = agent_flag(flags, "reconfiguration_policy"), *recover = agent_flag(flags, "recover");
	int64_t ms;
	if (flags_check_values(flags, err) < 0)
		return -1;
	if (flags_get(flags, "work_dir") == NULL)
		return error_set(err, ERROR_USAGE, "Flag 'work_dir' is required, but it was not provided");
	if (clock_parse_duration(agent_flag(flags, "executor_reregistration_timeout"), &ms, NULL) == 0 && ms > 15000)
		return error_set(err, ERROR_USAGE,
				 "Expected `--executor_reregistration_timeout` to be not more than 15secs");
	if (strcmp(policy, "equal") != 0 && strcmp(policy, "additive") != 0)
		return error_set(err, ERROR_REFUSED,
				 "Unknown option for 'reconfiguration_policy' flag %s. Please run the agent with "
				 "'--help' to see the valid options.",
				 policy);
	if (strcmp(recover, "reconnect") != 0 && strcmp(recover, "cleanup") != 0)
		return error_set(err, ERROR_REFUSED,
				 "Unknown option for 'recover' flag %s. Please run the agent with '--help' to see the "
				 "valid options",
				 recover);
	if (flags_get(flags, "master") == NULL)
		return error_set(err, ERROR_REFUSED, "Missing required option `--master` or `--master_detector`");
	return 0;
}

int agent_flags_read(int argc, const char *const argv[], const char *const env[], struct flags *out, struct error *err)
{
	struct flags flags = FLAGS_INIT;
	int result = 0;
	flags_from_process(argv, env, &flags);
	forget_unknown(&flags);
	if (is_true(&flags, "help")) {
		print_help();
		result = 1;
	} else if (is_true(&flags, "version")) {
		printf("mesos %s\n", LAB_MESOS_VERSION);
		result = 1;
	}
	for (int i = 1; i < argc && result == 0; i++) {
		if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0')
			result = check_argument(argv[i], err);
	}
	if (result == 0)
		result = check_values(&flags, err);
	if (result != 0) {
		flags_clear(&flags);
		return result;
	}
	*out = flags;
	return 0;
}

const char *agent_flag(const struct flags *flags, const char *name)
{
	const char *given = flags_get(flags, name);
	const struct known_flag *known = find_flag(name, strlen(name));
	return given != NULL || known == NULL ? given : known->fallback;
}

int64_t agent_flag_ms(const struct agent *agent, const char *name)
{
	int64_t ms = 0;
	const char *value = agent_flag(&agent->flags, name);
	if (value == NULL || clock_parse_duration(value, &ms, NULL) < 0)
		return 0;
	return lab_scaled_ms(agent->lab, ms);
}

json_t *agent_flags_to_json(const struct flags *flags)
{
	json_t *object = json_object();
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		const char *value = agent_flag(flags, known_flags[i].name);
		if (value != NULL)
			json_object_set_new(object, known_flags[i].name, json_string(value));
	}
	return object;
}

void agent_flags_digest(const struct flags *flags, char out[DIGEST_HEX_SIZE])
{
	json_t *object = json_object();
	for (size_t i = 0; i < flags->count; i++) {
		if (find_flag(flags->items[i].name, strlen(flags->items[i].name)) != NULL)
			json_object_set_new(object, flags->items[i].name, json_string(flags->items[i].value));
	}
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	digest_hex(text, strlen(text), out);
	free(text);
	json_decref(object);
}
