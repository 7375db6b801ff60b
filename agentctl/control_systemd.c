/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agentctl/control.h"
#include "base/alloc.h"
#include "base/process.h"

/* systemctl answers at once, but for stop, which waits for the unit (90 s by default, then it is killed). */
#define CALL_TIMEOUT_MS 120000
#define SHOW_TIMEOUT_MS 10000

static int run(const char *const argv[], int timeout_ms, struct buffer *out, struct error *err)
{
	struct buffer said = BUFFER_INIT(512);
	int status = 0;
	int result = process_run(argv, NULL, timeout_ms, out, &said, &status, err);

	if (result == 0 && status != 0)
		result = error_set(err, ERROR_SYSTEM, "systemctl %s failed with status %d: %s", argv[1], status,
				   said.len > 0 ? buffer_text(&said) : "it said nothing");
	buffer_clear(&said);
	return result;
}

int systemd_call(const struct host_settings *host, const char *verb, bool no_block, struct error *err)
{
	const char *const now[] = {"systemctl", verb, host->unit, NULL};
	const char *const later[] = {"systemctl", verb, "--no-block", host->unit, NULL};

	return run(no_block ? later : now, CALL_TIMEOUT_MS, NULL, err);
}

int systemd_reload(struct error *err)
{
	static const char *const argv[] = {"systemctl", "daemon-reload", NULL};

	return run(argv, CALL_TIMEOUT_MS, NULL, err);
}

/* One property at a time: systemctl prints several in an order of its own. */
static int show(const char *unit, const char *property, struct buffer *out, struct error *err)
{
	const char *const argv[] = {"systemctl", "show", "-p", property, "--value", unit, NULL};

	buffer_reset(out);
	if (run(argv, SHOW_TIMEOUT_MS, out, err) != 0)
		return -1;
	while (out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return 0;
}

static int show_end(const struct host_settings *host, struct control_status *out, struct buffer *text,
		    struct error *err)
{
	char result[64];

	if (show(host->unit, "Result", text, err) != 0)
		return -1;
	snprintf(result, sizeof result, "%.60s", buffer_text(text));
	if (show(host->unit, "ExecMainStatus", text, err) != 0)
		return -1;
	if (strcmp(result, "success") != 0 && result[0] != '\0')
		snprintf(out->said, sizeof out->said, "%s: %s, status %.20s", host->unit, result, buffer_text(text));
	return 0;
}

int systemd_status(const struct host_settings *host, struct control_status *out, struct error *err)
{
	struct buffer text = BUFFER_INIT(4096);
	int result = show(host->unit, "ActiveState", &text, err);

	out->active = strcmp(buffer_text(&text), "active") == 0 || strcmp(buffer_text(&text), "activating") == 0 ||
		      strcmp(buffer_text(&text), "reloading") == 0;
	out->failed = strcmp(buffer_text(&text), "failed") == 0;
	if (result == 0)
		result = show(host->unit, "MainPID", &text, err);
	out->main_pid = strtol(buffer_text(&text), NULL, 10);
	if (result == 0)
		result = show(host->unit, "KillMode", &text, err);
	snprintf(out->kill_mode, sizeof out->kill_mode, "%.30s", buffer_text(&text));
	if (result == 0)
		result = show_end(host, out, &text, err);
	out->known = result == 0;
	buffer_clear(&text);
	return result;
}

void control_discover(struct host_settings *host)
{
	static const char *const units[] = {"mesos-agent.service", "mesos-slave.service", "dcos-mesos-slave.service",
					    "dcos-mesos-slave-public.service"};
	struct buffer text = BUFFER_INIT(64);

	if (host->control == CONTROL_COMMANDS || host->unit != NULL)
		return;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (show(units[i], "MainPID", &text, NULL) != 0 || strtol(buffer_text(&text), NULL, 10) <= 0)
			continue;
		host->control = CONTROL_SYSTEMD;
		host->unit = xstrdup(units[i]);
		break;
	}
	buffer_clear(&text);
}
