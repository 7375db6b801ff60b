/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/control.h"

#include <string.h>
#include <time.h>

#include "agentctl/agent.h"
#include "base/clock.h"

#define LOOK_EVERY_MS 20

static void sleep_ms(long ms)
{
	struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&span, NULL);
}

int control_wait_until_gone(const struct host_settings *host, int64_t timeout_ms, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		struct agent_process agent = {.executable = NULL};
		bool found = false;
		int64_t pid;

		if (agent_find(host, &agent, &found, err) != 0)
			return -1;
		pid = agent.process.pid;
		agent_process_clear(&agent);
		if (!found)
			return 0;
		if (clock_monotonic_ms() >= deadline)
			return error_set(err, ERROR_SYSTEM,
					 "the agent (process %lld) still runs %d s after it was told to stop",
					 (long long)pid, (int)(timeout_ms / 1000));
		sleep_ms(LOOK_EVERY_MS);
	}
}

/* ---- either */

int control_status(const struct host_settings *host, struct control_status *out, struct error *err)
{
	struct control_status status = {.known = false};
	int result = host->control == CONTROL_SYSTEMD ? systemd_status(host, &status, err)
						      : commands_status(host, &status, err);

	if (result == 0)
		*out = status;
	return result;
}

int control_start(const struct host_settings *host, struct error *err)
{
	if (host->control == CONTROL_COMMANDS)
		return commands_start(host, err);
	/* A unit that failed too often would be refused a start. */
	systemd_call(host, "reset-failed", false, NULL);
	return systemd_call(host, "start", true, err);
}

int control_stop(const struct host_settings *host, struct error *err)
{
	if (host->control == CONTROL_COMMANDS)
		return commands_stop(host, err);
	if (systemd_call(host, "stop", false, err) != 0)
		return -1;
	return control_wait_until_gone(host, CONTROL_STOP_TIMEOUT_MS, err);
}

int control_restart(const struct host_settings *host, const struct operation_process *before, struct error *err)
{
	if (!agent_runs(before))
		return control_start(host, err);
	if (host->control == CONTROL_COMMANDS)
		return commands_stop(host, err) == 0 ? commands_start(host, err) : -1;
	systemd_call(host, "reset-failed", false, NULL);
	return systemd_call(host, "restart", true, err);
}

int control_check(const struct host_settings *host, struct error *err)
{
	if (host->control == CONTROL_UNKNOWN)
		return error_set(
			err, ERROR_USAGE,
			"it is not known how the agent is started on this host: set \"control\" for it, with a "
			"systemd unit or with start and stop commands");
	if (host->control == CONTROL_SYSTEMD && host->unit == NULL)
		return error_set(err, ERROR_USAGE, "control is systemd, but no unit is given: set \"unit\"");
	if (host->control == CONTROL_COMMANDS && (host->start == NULL || host->stop == NULL))
		return error_set(err, ERROR_USAGE, "control is commands, but start and stop are not both given");
	if (host->control == CONTROL_COMMANDS && host->start_hook == NULL)
		return error_set(
			err, ERROR_USAGE,
			"control is commands, but no start_hook is given: without a hook that runs before every "
			"start, a reboot in the middle of a change would cost the agent its ID");
	return 0;
}
