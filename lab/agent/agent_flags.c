/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lab/agent/agent.h"
#include "mesos/flag_types.h"

#define IN_PROPOSAL (-1) /* no release has it */

/* The flags an agent of 1.12 takes; mesos/flag_types.h has their types. Those without a default are not shown by /flags
 * until they are given. */
static const struct known_flag {
	const char *name;
	const char *fallback;
	int since; /* the minor version of Mesos 1 that brought it; 0: 1.4 has it; IN_PROPOSAL */
} known_flags[] = {
	{"acls", NULL, 0},
	{"advertise_ip", NULL, 0},
	{"advertise_port", NULL, 0},
	{"agent_features", NULL, 5},
	{"agent_subsystems", NULL, 0},
	{"allowed_devices", NULL, 0},
	{"appc_simple_discovery_uri_prefix", "http://", 0},
	{"appc_store_dir", "/tmp/mesos/store/appc", 0},
	{"attributes", NULL, 0},
	{"authenticate_http_executors", NULL, 0},
	{"authenticate_http_readonly", "false", 0},
	{"authenticate_http_readwrite", "false", 0},
	{"authenticatee", "crammd5", 0},
	{"authentication_backoff_factor", "1secs", 0},
	{"authentication_timeout_max", "1mins", 7},
	{"authentication_timeout_min", "5secs", 7},
	{"authorizer", "local", 0},
	{"bounding_capabilities", NULL, 0},
	{"cgroups_cpu_enable_pids_and_tids_count", "false", 0},
	{"cgroups_destroy_timeout", "1mins", 7},
	{"cgroups_enable_cfs", "false", 0},
	{"cgroups_hierarchy", "/sys/fs/cgroup", 0},
	{"cgroups_limit_swap", "false", 0},
	{"cgroups_net_cls_primary_handle", NULL, 0},
	{"cgroups_net_cls_secondary_handles", NULL, 0},
	{"cgroups_root", "mesos", 0},
	{"container_disk_watch_interval", "15secs", 0},
	{"container_logger", NULL, 0},
	{"container_ports_watch_interval", NULL, 5},
	{"containerizers", "mesos", 0},
	{"credential", NULL, 0},
	{"csi_plugin_config_dir", NULL, 11},
	{"default_container_dns", NULL, 0},
	{"default_container_info", NULL, 0},
	{"default_container_shm_size", NULL, 9},
	{"default_role", "*", 0},
	{"disallow_sharing_agent_ipc_namespace", "false", 9},
	{"disallow_sharing_agent_pid_namespace", "false", 0},
	{"disk_profile_adaptor", NULL, 5},
	{"disk_watch_interval", "1mins", 0},
	{"docker", "docker", 0},
	{"docker_config", NULL, 0},
	{"docker_ignore_runtime", "false", 9},
	{"docker_kill_orphans", "true", 0},
	{"docker_mesos_image", NULL, 0},
	{"docker_registry", "https://registry.lab", 0},
	{"docker_remove_delay", "6hrs", 0},
	{"docker_socket", "/var/run/docker.sock", 0},
	{"docker_stop_timeout", "0ns", 0},
	{"docker_store_dir", "/tmp/mesos/store/docker", 0},
	{"docker_volume_checkpoint_dir", "/var/run/mesos/isolators/docker/volume", 0},
	{"docker_volume_chown", "false", 9},
	{"domain", NULL, 0},
	{"domain_socket_location", NULL, 10},
	{"effective_capabilities", NULL, 0},
	{"enforce_container_disk_quota", "false", 0},
	{"executor_environment_variables", NULL, 0},
	{"executor_registration_timeout", "1mins", 0},
	{"executor_reregistration_retry_interval", NULL, 0},
	{"executor_reregistration_timeout", "2secs", 0},
	{"executor_shutdown_grace_period", "5secs", 0},
	{"external_log_file", NULL, 0},
	{"fetcher_cache_dir", "/tmp/mesos/fetch", 0},
	{"fetcher_cache_size", "2GB", 0},
	{"fetcher_stall_timeout", "1mins", 6},
	{"firewall_rules", NULL, 0},
	{"frameworks_home", "", 0},
	{"gc_delay", "1weeks", 0},
	{"gc_disk_headroom", "0.1", 0},
	{"gc_non_executor_container_sandboxes", "false", 7},
	{"hadoop_home", NULL, 0},
	{"help", "false", 0},
	{"hooks", NULL, 0},
	{"host_path_volume_force_creation", NULL, 8},
	{"hostname", NULL, 0},
	{"hostname_lookup", "true", 0},
	{"http_authenticators", NULL, 0},
	{"http_command_executor", "false", 0},
	{"http_credentials", NULL, 0},
	{"http_executor_domain_sockets", "false", 10},
	{"http_heartbeat_interval", "30secs", 0},
	{"ignore_checkpointed_state", "[\"domains\"]", IN_PROPOSAL},
	{"image_gc_config", NULL, 5},
	{"image_providers", NULL, 0},
	{"image_provisioner_backend", NULL, 0},
	{"initialize_driver_logging", "true", 0},
	{"ip", NULL, 0},
	{"ip6", NULL, 0},
	{"ip6_discovery_command", NULL, 0},
	{"ip_discovery_command", NULL, 0},
	{"isolation", "posix/cpu,posix/mem", 0},
	{"jwt_secret_key", NULL, 5},
	{"launcher", "posix", 0},
	{"launcher_dir", "/usr/libexec/mesos", 0},
	{"log_dir", NULL, 0},
	{"logbufsecs", "0", 0},
	{"logging_level", "INFO", 0},
	{"master", NULL, 0},
	{"master_detector", NULL, 0},
	{"max_completed_executors_per_framework", "150", 0},
	{"memory_profiling", "false", 6},
	{"modules", NULL, 0},
	{"modules_dir", NULL, 0},
	{"network_cni_config_dir", NULL, 0},
	{"network_cni_metrics", "true", 7},
	{"network_cni_plugins_dir", NULL, 0},
	{"network_cni_root_dir_persist", "false", 8},
	{"nvidia_gpu_devices", NULL, 0},
	{"oversubscribed_resources_interval", "15secs", 0},
	{"perf_duration", "10secs", 0},
	{"perf_events", NULL, 0},
	{"perf_interval", "1mins", 0},
	{"port", "5051", 0},
	{"qos_controller", NULL, 0},
	{"qos_correction_interval_min", "0ns", 0},
	{"quiet", "false", 0},
	{"reconfiguration_policy", "equal", 5},
	{"recover", "reconnect", 0},
	{"recover_state", "true", IN_PROPOSAL},
	{"recovery_timeout", "15mins", 0},
	{"registration_backoff_factor", "1secs", 0},
	{"resource_estimator", NULL, 0},
	{"resource_provider_config_dir", NULL, 0},
	{"resources", NULL, 0},
	{"revocable_cpu_low_priority", "true", 0},
	{"runtime_dir", "/var/run/mesos", 0},
	{"sandbox_directory", "/mnt/mesos/sandbox", 0},
	{"seccomp_config_dir", NULL, 8},
	{"seccomp_profile_name", NULL, 8},
	{"secret_resolver", NULL, 0},
	{"strict", "true", 0},
	{"switch_user", "true", 0},
	{"systemd_enable_support", "false", 0},
	{"systemd_runtime_directory", "/run/systemd/system", 0},
	{"version", "false", 0},
	{"volume_gid_range", NULL, 8},
	{"work_dir", NULL, 0},
	{"xfs_kill_containers", NULL, 6},
	{"xfs_project_range", NULL, 0},
	{"xfs_quota_headroom", NULL, 12},
	{"zk_session_timeout", "10secs", 0},
};
#define KNOWN_FLAGS (sizeof(known_flags) / sizeof(known_flags[0]))

static const struct known_flag *find_any_flag(const char *name)
{
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		if (strcmp(known_flags[i].name, name) == 0)
			return &known_flags[i];
	}
	return NULL;
}

static bool has_flag(const struct known_flag *flag, const struct agent_release *release)
{
	if (flag->since == IN_PROPOSAL)
		return release->proposal;
	return mesos_version_at_least(&release->version, 1, flag->since);
}

static const struct known_flag *find_flag(const char *name, size_t len, const struct agent_release *release)
{
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		if (strlen(known_flags[i].name) == len && strncmp(known_flags[i].name, name, len) == 0)
			return has_flag(&known_flags[i], release) ? &known_flags[i] : NULL;
	}
	return NULL;
}

static bool is_boolean(const struct known_flag *flag)
{
	return flag_type_of(flag->name) == FLAG_BOOLEAN;
}

/* The command line alone: what it names must be known. In the environment only what is known counts. */
static int check_argument(const char *argument, const struct agent_release *release, struct error *err)
{
	const char *given = argument + 2, *equals = strchr(given, '=');
	size_t len = strcspn(given, "=");
	bool negated = strncmp(given, "no-", 3) == 0 && find_flag(given, len, release) == NULL;
	const char *name = negated ? given + 3 : given;
	const struct known_flag *flag = find_flag(name, negated ? len - 3 : len, release);
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

static void forget_unknown(struct flags *flags, const struct agent_release *release)
{
	for (size_t i = flags->count; i-- > 0;) {
		const char *name = flags->items[i].name;
		if (find_flag(name, strlen(name), release) == NULL)
			flags_remove(flags, name);
	}
}

static bool is_true(const struct flags *flags, const char *name)
{
	const char *value = flags_get(flags, name);
	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0 || *value == '\0');
}

static void print_help(const struct agent_release *release)
{
	size_t width = 0;
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		size_t len = strlen(known_flags[i].name) + (is_boolean(&known_flags[i]) ? 9 : 10);
		width = len > width ? len : width;
	}
	printf("Usage: mesos-agent [options]\n\n");
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		const struct known_flag *flag = &known_flags[i];
		if (!has_flag(flag, release))
			continue;
		int used = is_boolean(flag) ? printf("  --[no-]%s", flag->name) : printf("  --%s=VALUE", flag->name);
		printf("%*s%s%s%s\n", (int)width + 5 - used, "", "A flag of the agent",
		       flag->fallback != NULL ? "; default: " : "", flag->fallback != NULL ? flag->fallback : "");
	}
}

static int check_values(const struct flags *flags, struct error *err)
{
	const char *policy = agent_flag(flags, "reconfiguration_policy"), *recover = agent_flag(flags, "recover");
	int64_t ms;
	if (flags_check_values(flags, err) < 0 || agent_proposal_check(flags, err) < 0)
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

int agent_flags_read(int argc, const char *const argv[], const char *const env[], const struct agent_release *release,
		     struct flags *out, struct error *err)
{
	struct flags flags = FLAGS_INIT;
	int result = 0;
	flags_from_process(argv, env, &flags);
	forget_unknown(&flags, release);
	if (is_true(&flags, "help")) {
		print_help(release);
		result = 1;
	} else if (is_true(&flags, "version")) {
		printf("mesos %d.%d.%d\n", release->version.major, release->version.minor, release->version.patch);
		result = 1;
	}
	for (int i = 1; i < argc && result == 0; i++) {
		if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0')
			result = check_argument(argv[i], release, err);
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
	const struct known_flag *known = find_any_flag(name);
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

json_t *agent_flags_to_json(const struct flags *flags, const struct agent_release *release)
{
	json_t *object = json_object();
	for (size_t i = 0; i < KNOWN_FLAGS; i++) {
		const char *value = agent_flag(flags, known_flags[i].name);
		if (value != NULL && has_flag(&known_flags[i], release))
			json_object_set_new(object, known_flags[i].name, json_string(value));
	}
	return object;
}

void agent_flags_digest(const struct flags *flags, char out[DIGEST_HEX_SIZE])
{
	json_t *object = json_object();
	for (size_t i = 0; i < flags->count; i++) {
		if (find_any_flag(flags->items[i].name) != NULL)
			json_object_set_new(object, flags->items[i].name, json_string(flags->items[i].value));
	}
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	digest_hex(text, strlen(text), out);
	free(text);
	json_decref(object);
}
