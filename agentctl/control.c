/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/control.h"

#include <string.h>
#include <time.h>

#include "agentctl/agent.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/process.h"

/* systemd itself gives a unit 90 s before it kills it. */
#define STOP_TIMEOUT_MS   120000
/* status is asked often; it has nothing to do. */
#define STATUS_TIMEOUT_MS 10000
#define LOOK_EVERY_MS     20

static void sleep_ms(long ms)
{
	struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&span, NULL);
}

static int wait_until_gone(const struct host_settings *host, int64_t deadline, struct error *err)
{
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
					 (long long)pid, STOP_TIMEOUT_MS / 1000);
		sleep_ms(LOOK_EVERY_MS);
	}
}

/* ---- argument lists */

static int commands_status(const struct host_settings *host, struct control_status *out, struct error *err)
{
	int status = 0;

	if (host->status == NULL)
		return 0;
	if (process_run((const char *const *)host->status, NULL, STATUS_TIMEOUT_MS, NULL, NULL, &status, err) != 0)
		return -1;
	out->known = true;
	out->active = status == 0;
	return 0;
}

static int commands_start(const struct host_settings *host, struct error *err)
{
	return process_detach((const char *const *)host->start, NULL, NULL, err);
}

/* What the command says of itself does not count: an agent that is down already makes many of them fail. */
static int commands_stop(const struct host_settings *host, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + STOP_TIMEOUT_MS;
	struct buffer said = BUFFER_INIT(512);
	struct error why = ERROR_INIT;
	int status = 0;
	int result;

	result = process_run((const char *const *)host->stop, NULL, STOP_TIMEOUT_MS, NULL, &said, &status, err);
	if (result == 0 && status != 0)
		deadline = clock_monotonic_ms();
	if (result == 0)
		result = wait_until_gone(host, deadline, &why);
	if (result != 0 && why.kind != ERROR_NONE)
		error_set(err, why.kind, "%s%s%s", why.text, said.len > 0 ? "; the stop command said: " : "",
			  buffer_text(&said));
	buffer_clear(&said);
	return result;
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
	return wait_until_gone(host, clock_monotonic_ms() + STOP_TIMEOUT_MS, err);
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
