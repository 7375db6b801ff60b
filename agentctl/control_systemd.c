/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agentctl/control.h"
#include "base/alloc.h"
#include "base/process.h"

/* systemctl answers at once, but for stop, which waits for the unit (90 s by default, then it is killed). */
#define CALL_TIMEOUT_MS 120000
#define SHOW_TIMEOUT_MS 10000
#define SHOWN_MAX       4096
#define UNITS_MAX       4

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

/* Appends what systemd says of each unit, in their order: "Name=Value" lines, and an empty line between two units. --value is
 * not asked for: systemd has it since 230 only, and prints the properties in an order of its own. */
static int show(const char *const units[], size_t count, struct buffer *out, struct error *err)
{
	const char *argv[4 + UNITS_MAX + 1] = {"systemctl", "show", "-p",
					       "ActiveState,MainPID,KillMode,Result,ExecMainStatus"};

	for (size_t i = 0; i < count; i++)
		argv[4 + i] = units[i];
	return run(argv, SHOW_TIMEOUT_MS, out, err);
}

/* The value of a property in the block that begins at text; "" when it has none. */
static void read_property(const char *text, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);

	out[0] = '\0';
	for (size_t len; (len = strcspn(text, "\n")) > 0; text += len + (text[len] == '\n' ? 1 : 0))
		if (strncmp(text, name, name_len) == 0 && text[name_len] == '=')
			snprintf(out, size, "%.*s", (int)(len - name_len - 1), text + name_len + 1);
}

/* NULL: there is none. */
static const char *next_block(const char *text)
{
	const char *end = strstr(text, "\n\n");

	return end == NULL ? NULL : end + 2;
}

static void read_status(const char *unit, const char *block, struct control_status *out)
{
	char value[64], code[32];

	read_property(block, "ActiveState", value, sizeof value);
	out->known = value[0] != '\0';
	out->active = strcmp(value, "active") == 0 || strcmp(value, "activating") == 0 ||
		      strcmp(value, "reloading") == 0;
	out->failed = strcmp(value, "failed") == 0;
	read_property(block, "MainPID", value, sizeof value);
	out->main_pid = strtol(value, NULL, 10);
	read_property(block, "KillMode", out->kill_mode, sizeof out->kill_mode);
	read_property(block, "Result", value, sizeof value);
	read_property(block, "ExecMainStatus", code, sizeof code);
	if (value[0] != '\0' && strcmp(value, "success") != 0)
		snprintf(out->said, sizeof out->said, "%.120s: %s, status %s", unit, value, code);
}

int systemd_status(const struct host_settings *host, struct control_status *out, struct error *err)
{
	const char *const units[] = {host->unit};
	struct buffer text = BUFFER_INIT(SHOWN_MAX);
	int result = show(units, 1, &text, err);

	if (result == 0)
		read_status(host->unit, buffer_text(&text), out);
	if (result == 0 && !out->known)
		result = error_set(err, ERROR_UNREACHABLE, "systemctl show says nothing of %s", host->unit);
	buffer_clear(&text);
	return result;
}

void control_discover(struct host_settings *host, struct control_status *out)
{
	static const char *const units[UNITS_MAX] = {"mesos-agent.service", "mesos-slave.service",
						     "dcos-mesos-slave.service", "dcos-mesos-slave-public.service"};
	struct buffer text = BUFFER_INIT(SHOWN_MAX);
	const char *block = NULL;

	if (host->control == CONTROL_COMMANDS || host->unit != NULL)
		return;
	if (show(units, UNITS_MAX, &text, NULL) == 0)
		block = buffer_text(&text);
	for (size_t i = 0; i < UNITS_MAX && block != NULL; i++, block = next_block(block)) {
		struct control_status status = {.known = false};

		read_status(units[i], block, &status);
		if (status.main_pid <= 0)
			continue;
		host->control = CONTROL_SYSTEMD;
		host->unit = xstrdup(units[i]);
		*out = status;
		break;
	}
	buffer_clear(&text);
}
