/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/flag_types.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const struct {
	const char *name;
	enum flag_type type;
} types[] = {
	{"authenticate_http_executors", FLAG_BOOLEAN},
	{"authenticate_http_readonly", FLAG_BOOLEAN},
	{"authenticate_http_readwrite", FLAG_BOOLEAN},
	{"authentication_backoff_factor", FLAG_DURATION},
	{"authentication_timeout_max", FLAG_DURATION},
	{"authentication_timeout_min", FLAG_DURATION},
	{"cgroups_cpu_enable_pids_and_tids_count", FLAG_BOOLEAN},
	{"cgroups_destroy_timeout", FLAG_DURATION},
	{"cgroups_enable_cfs", FLAG_BOOLEAN},
	{"cgroups_limit_swap", FLAG_BOOLEAN},
	{"container_disk_watch_interval", FLAG_DURATION},
	{"container_ports_watch_interval", FLAG_DURATION},
	{"default_container_shm_size", FLAG_BYTES},
	{"disallow_sharing_agent_ipc_namespace", FLAG_BOOLEAN},
	{"disallow_sharing_agent_pid_namespace", FLAG_BOOLEAN},
	{"disk_watch_interval", FLAG_DURATION},
	{"docker_ignore_runtime", FLAG_BOOLEAN},
	{"docker_kill_orphans", FLAG_BOOLEAN},
	{"docker_remove_delay", FLAG_DURATION},
	{"docker_stop_timeout", FLAG_DURATION},
	{"docker_volume_chown", FLAG_BOOLEAN},
	{"enforce_container_disk_quota", FLAG_BOOLEAN},
	{"executor_registration_timeout", FLAG_DURATION},
	{"executor_reregistration_retry_interval", FLAG_DURATION},
	{"executor_reregistration_timeout", FLAG_DURATION},
	{"executor_shutdown_grace_period", FLAG_DURATION},
	{"fetcher_cache_size", FLAG_BYTES},
	{"fetcher_stall_timeout", FLAG_DURATION},
	{"gc_delay", FLAG_DURATION},
	{"gc_disk_headroom", FLAG_REAL},
	{"gc_non_executor_container_sandboxes", FLAG_BOOLEAN},
	{"help", FLAG_BOOLEAN},
	{"hostname_lookup", FLAG_BOOLEAN},
	{"http_command_executor", FLAG_BOOLEAN},
	{"http_executor_domain_sockets", FLAG_BOOLEAN},
	{"http_heartbeat_interval", FLAG_DURATION},
	{"initialize_driver_logging", FLAG_BOOLEAN},
	{"logbufsecs", FLAG_NUMBER},
	{"max_completed_executors_per_framework", FLAG_NUMBER},
	{"memory_profiling", FLAG_BOOLEAN},
	{"network_cni_metrics", FLAG_BOOLEAN},
	{"network_cni_root_dir_persist", FLAG_BOOLEAN},
	{"oversubscribed_resources_interval", FLAG_DURATION},
	{"perf_duration", FLAG_DURATION},
	{"perf_interval", FLAG_DURATION},
	{"qos_correction_interval_min", FLAG_DURATION},
	{"quiet", FLAG_BOOLEAN},
	{"recover_state", FLAG_BOOLEAN}, /* of the proposal for relaxed recovery */
	{"recovery_timeout", FLAG_DURATION},
	{"registration_backoff_factor", FLAG_DURATION},
	{"revocable_cpu_low_priority", FLAG_BOOLEAN},
	{"strict", FLAG_BOOLEAN},
	{"switch_user", FLAG_BOOLEAN},
	{"systemd_enable_support", FLAG_BOOLEAN},
	{"version", FLAG_BOOLEAN},
	{"xfs_kill_containers", FLAG_BOOLEAN},
	{"zk_session_timeout", FLAG_DURATION},
};

enum flag_type flag_type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return FLAG_TEXT;
}

/* ---- one reader per type; each gives the agent's complaint, the caller's, or NULL */

/* Without a value a boolean is true. */
static char *check_boolean(const char *value)
{
	static const char *const good[] = {"true", "1", "false", "0", ""};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (strcmp(value, good[i]) == 0)
			return NULL;
	return xstrdup("Expecting a boolean (e.g., true or false)");
}

static bool is_one_of(const char *text, const char *const list[])
{
	for (size_t i = 0; list[i] != NULL; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

static char *no_number(const char *text, size_t len)
{
	return xasprintf("Failed to convert '%.*s' to number", (int)len, text);
}

/* Digits with at most one point among them, and at least one of them. */
static bool is_decimal(const char *text, size_t len)
{
	size_t points = 0;

	for (size_t i = 0; i < len; i++)
		points += text[i] == '.';
	return points <= 1 && len > points;
}

static char *check_duration(const char *value)
{
	static const char *const units[] = {"ns", "us", "ms", "secs", "mins", "hrs", "days", "weeks", NULL};
	size_t len = strspn(value, "0123456789.");

	if (value[len] == '\0')
		return xasprintf("Invalid duration '%s'", value);
	if (!is_decimal(value, len))
		return no_number(value, len);
	if (is_one_of(value + len, units))
		return NULL;
	return xasprintf("Unknown duration unit '%s'; supported units are 'ns', 'us', 'ms', 'secs', 'mins', 'hrs', "
			 "'days', and 'weeks'",
			 value + len);
}

static char *check_bytes(const char *value)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", NULL};
	size_t len = strspn(value, "0123456789");
	char *unit, *complaint = NULL;

	if (value[len] == '\0')
		return xasprintf("Invalid bytes '%s'", value);
	if (value[len] == '.')
		return xasprintf("Fractional bytes '%s'", value);
	if (len == 0)
		return no_number(value, len);
	unit = xstrdup(value + len);
	for (char *at = unit; *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
	if (!is_one_of(unit, units))
		complaint = xasprintf("Unknown bytes unit '%s'", unit);
	free(unit);
	return complaint;
}

/* Both as a C++ stream reads them: blanks before are passed over, and nothing may follow. */
static char *check_number(const char *value, bool real)
{
	const char *digits = value + strspn(value, " \t\n\r\v\f");
	char *end;

	digits += *digits == '-' || *digits == '+';
	errno = 0;
	if (real)
		(void)strtod(digits, &end);
	else
		(void)strtoll(digits, &end, 10);
	if (errno == 0 && end != digits && *end == '\0' && (isdigit((unsigned char)*digits) || *digits == '.') &&
	    strpbrk(digits, "xXpP") == NULL)
		return NULL;
	return xstrdup("Failed to convert into required type");
}

static char *complaint_about(enum flag_type type, const char *value)
{
	switch (type) {
	case FLAG_BOOLEAN:
		return check_boolean(value);
	case FLAG_DURATION:
		return check_duration(value);
	case FLAG_NUMBER:
	case FLAG_REAL:
		return check_number(value, type == FLAG_REAL);
	case FLAG_BYTES:
		return check_bytes(value);
	case FLAG_TEXT:
		break;
	}
	return NULL;
}

int flag_check_value(const char *name, const char *value, struct error *err)
{
	char *complaint = complaint_about(flag_type_of(name), value);

	if (complaint == NULL)
		return 0;
	error_set(err, ERROR_USAGE, "Failed to load flag '%s': Failed to load value '%s': %s", name, value, complaint);
	free(complaint);
	return -1;
}

int flags_check_values(const struct flags *flags, struct error *err)
{
	for (size_t i = 0; i < flags->count; i++) {
		const struct flag *flag = &flags->items[i];

		if (strncmp(flag->value, "file://", strlen("file://")) == 0)
			continue;
		if (flag_check_value(flag->name, flag->value, err) != 0)
			return -1;
	}
	return 0;
}
