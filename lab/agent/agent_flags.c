/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lab/agent/agent.h"

/* The flags an agent of 1.12 takes. Those without a default are not shown by /flags until they are given. */
static const struct known_flag {
	const char *name;
	const char *fallback;
	bool boolean;
} known_flags[] = {
	{"acls", NULL, false},
	{"advertise_ip", NULL, false},
	{"advertise_port", NULL, false},
	{"agent_features", NULL, false},
	{"agent_subsystems", NULL, false},
	{"allowed_devices", NULL, false},
	{"appc_simple_discovery_uri_prefix", "http://", false},
	{"appc_store_dir", "/tmp/mesos/store/appc", false},
	{"attributes", NULL, false},
	{"authenticate_http_executors", NULL, true},
	{"authenticate_http_readonly", "false", true},
	{"authenticate_http_readwrite", "false", true},
	{"authenticatee", "crammd5", false},
	{"authentication_backoff_factor", "1secs", false},
	{"authentication_timeout_max", "1mins", false},
	{"authentication_timeout_min", "5secs", false},
	{"authorizer", "local", false},
	{"bounding_capabilities", NULL, false},
	{"cgroups_cpu_enable_pids_and_tids_count", "false", true},
	{"cgroups_destroy_timeout", "1mins", false},
	{"cgroups_enable_cfs", "false", true},
	{"cgroups_hierarchy", "/sys/fs/cgroup", false},
	{"cgroups_limit_swap", "false", true},
	{"cgroups_net_cls_primary_handle", NULL, false},
	{"cgroups_net_cls_secondary_handles", NULL, false},
	{"cgroups_root", "mesos", false},
	{"container_disk_watch_interval", "15secs", false},
	{"container_logger", NULL, false},
	{"container_ports_watch_interval", NULL, false},
	{"containerizers", "mesos", false},
	{"credential", NULL, false},
	{"csi_plugin_config_dir", NULL, false},
	{"default_container_dns", NULL, false},
	{"default_container_info", NULL, false},
	{"default_container_shm_size", NULL, false},
	{"default_role", "*", false},
	{"disallow_sharing_agent_ipc_namespace", "false", true},
	{"disallow_sharing_agent_pid_namespace", "false", true},
	{"disk_profile_adaptor", NULL, false},
	{"disk_watch_interval", "1mins", false},
	{"docker", "docker", false},
	{"docker_config", NULL, false},
	{"docker_ignore_runtime", "false", true},
	{"docker_kill_orphans", "true", true},
	{"docker_mesos_image", NULL, false},
	{"docker_registry", "https://registry-1.docker.io", false},
	{"docker_remove_delay", "6hrs", false},
	{"docker_socket", "/var/run/docker.sock", false},
	{"docker_stop_timeout", "0ns", false},
	{"docker_store_dir", "/tmp/mesos/store/docker", false},
	{"docker_volume_checkpoint_dir", "/var/run/mesos/isolators/docker/volume", false},
	{"docker_volume_chown", "false", true},
	{"domain", NULL, false},
	{"domain_socket_location", NULL, false},
	{"effective_capabilities", NULL, false},
	{"enforce_container_disk_quota", "false", true},
	{"executor_environment_variables", NULL, false},
	{"executor_registration_timeout", "1mins", false},
	{"executor_reregistration_retry_interval", NULL, false},
	{"executor_reregistration_timeout", "2secs", false},
	{"executor_shutdown_grace_period", "5secs", false},
	{"external_log_file", NULL, false},
	{"fetcher_cache_dir", "/tmp/mesos/fetch", false},
	{"fetcher_cache_size", "2GB", false},
	{"fetcher_stall_timeout", "1mins", false},
	{"firewall_rules", NULL, false},
	{"frameworks_home", "", false},
	{"gc_delay", "1weeks", false},
	{"gc_disk_headroom", "0.1", false},
	{"gc_non_executor_container_sandboxes", "false", true},
	{"hadoop_home", NULL, false},
	{"help", "false", true},
	{"hooks", NULL, false},
	{"host_path_volume_force_creation", NULL, false},
	{"hostname", NULL, false},
	{"hostname_lookup", "true", true},
	{"http_authenticators", NULL, false},
	{"http_command_executor", "false", true},
	{"http_credentials", NULL, false},
	{"http_executor_domain_sockets", "false", true},
	{"http_heartbeat_interval", "30secs", false},
	{"image_gc_config", NULL, false},
	{"image_providers", NULL, false},
	{"image_provisioner_backend", NULL, false},
	{"initialize_driver_logging", "true", true},
	{"ip", NULL, false},
	{"ip6", NULL, false},
	{"ip6_discovery_command", NULL, false},
	{"ip_discovery_command", NULL, false},
	{"isolation", "posix/cpu,posix/mem", false},
	{"jwt_secret_key", NULL, false},
	{"launcher", "posix", false},
	{"launcher_dir", "/usr/libexec/mesos", false},
	{"log_dir", NULL, false},
	{"logbufsecs", "0", false},
	{"logging_level", "INFO", false},
	{"master", NULL, false},
	{"master_detector", NULL, false},
	{"max_completed_executors_per_framework", "150", false},
	{"memory_profiling", "false", true},
	{"modules", NULL, false},
	{"modules_dir", NULL, false},
	{"network_cni_config_dir", NULL, false},
	{"network_cni_metrics", "true", true},
	{"network_cni_plugins_dir", NULL, false},
	{"network_cni_root_dir_persist", "false", true},
	{"nvidia_gpu_devices", NULL, false},
	{"oversubscribed_resources_interval", "15secs", false},
	{"perf_duration", "10secs", false},
	{"perf_events", NULL, false},
	{"perf_interval", "1mins", false},
	{"port", "5051", false},
	{"qos_controller", NULL, false},
	{"qos_correction_interval_min", "0ns", false},
	{"quiet", "false", true},
	{"reconfiguration_policy", "equal", false},
	{"recover", "reconnect", false},
	{"recovery_timeout", "15mins", false},
	{"registration_backoff_factor", "1secs", false},
	{"resource_estimator", NULL, false},
	{"resource_provider_config_dir", NULL, false},
	{"resources", NULL, false},
	{"revocable_cpu_low_priority", "true", true},
	{"runtime_dir", "/var/run/mesos", false},
	{"sandbox_directory", "/mnt/mesos/sandbox", false},
	{"seccomp_config_dir", NULL, false},
	{"seccomp_profile_name", NULL, false},
	{"secret_resolver", NULL, false},
	{"strict", "true", true},
	{"switch_user", "true", true},
	{"systemd_enable_support", "false", true},
	{"systemd_runtime_directory", "/run/systemd/system", false},
	{"version", "false", true},
	{"volume_gid_range", NULL, false},
	{"work_dir", NULL, false},
	{"xfs_kill_containers", NULL, true},
	{"xfs_project_range", NULL, false},
	{"xfs_quota_headroom", NULL, false},
	{"zk_session_timeout", "10secs", false},
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

/* The command line alone: what it names must be known. In the environment only what is known counts. */
static int check_argument(const char *argument, struct error *err)
{
	const char *name = argument + 2;
	size_t len = strcspn(name, "=");
	bool negated = name[len] == '\0' && strncmp(name, "no-", 3) == 0;
	const struct known_flag *flag = find_flag(negated ? name + 3 : name, negated ? len - 3 : len);
	if (flag == NULL)
		return error_set(err, ERROR_USAGE, "Failed to load unknown flag '%.*s'", (int)(negated ? len - 3 : len),
				 negated ? name + 3 : name);
	if (negated && !flag->boolean)
		return error_set(err, ERROR_USAGE, "Failed to load non-boolean flag '%s' via '%s'", flag->name, name);
	if (!negated && name[len] == '\0' && !flag->boolean)
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
	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static void print_help(void)
{
	size_t width = 0;
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		size_t len = strlen(known_flags[i].name) + (known_flags[i].boolean ? 9 : 10);
		width = len > width ? len : width;
	}
	printf("Usage: mesos-agent [options]\n\n");
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		const struct known_flag *flag = &known_flags[i];
		int used = flag->boolean ? printf("  --[no-]%s", flag->name) : printf("  --%s=VALUE", flag->name);
		printf("%*s%s%s%s\n", (int)width + 5 - used, "", "A flag of the agent",
		       flag->fallback != NULL ? "; default: " : "", flag->fallback != NULL ? flag->fallback : "");
	}
}

static int check_values(const struct flags *flags, struct error *err)
{
	const char *policy = agent_flag(flags, "reconfiguration_policy"), *recover = agent_flag(flags, "recover");
	static const char *const durations[] = {"executor_reregistration_timeout", "recovery_timeout",
						"registration_backoff_factor"};
	int64_t ms;
	if (flags_get(flags, "work_dir") == NULL)
		return error_set(err, ERROR_USAGE, "Flag 'work_dir' is required, but it was not provided");
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		if (clock_parse_duration(agent_flag(flags, durations[i]), &ms, NULL) < 0)
			return error_set(err, ERROR_USAGE, "Failed to load flag '%s': Failed to load value '%s'",
					 durations[i], agent_flag(flags, durations[i]));
	}
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
