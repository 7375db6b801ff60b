/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemctl and journalctl as a lab host has them: the verbs and options that running an agent takes, with systemd's
 * own exit statuses. They ask the lab's supervisor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "lab/core/link.h"
#include "lab/core/roles.h"
#include "lab/host/stand_in.h"
#include "lab/host/unit.h"

#define JOB_TIMEOUT_MS 180000 /* longer than any stop timeout and start hook */

#define STATUS_NOT_RUNNING 3 /* of is-active and status */
#define STATUS_NO_UNIT     4 /* of is-active and status */
#define STATUS_NOT_LOADED  5 /* of jobs */

struct invocation {
	const char *verb;
	bool no_block, value, quiet;
	struct strings properties;
	struct strings units;
	struct lab *lab;
	const char *host;
};

static void add_properties(struct invocation *self, const char *list)
{
	for (size_t len; *list != '\0'; list += len + (list[len] == ',' ? 1 : 0)) {
		len = strcspn(list, ",");
		char *name = xstrndup(list, len);
		if (len > 0)
			strings_add(&self->properties, name);
		free(name);
	}
}

/* Returns how many words it took; 0: unknown. */
static int take_option(struct invocation *self, const char *word, const char *next)
{
	static const char *const ignored[] = {
		"--no-pager", "--no-ask-password", "--system", "--full", "-l", "--all", "-a", "--now", NULL};
	if (strcmp(word, "--no-block") == 0)
		return self->no_block = true, 1;
	if (strcmp(word, "--value") == 0)
		return self->value = true, 1;
	if (strcmp(word, "--quiet") == 0 || strcmp(word, "-q") == 0)
		return self->quiet = true, 1;
	if (strncmp(word, "--property=", 11) == 0)
		return add_properties(self, word + 11), 1;
	if ((strcmp(word, "-p") == 0 || strcmp(word, "--property") == 0) && next != NULL)
		return add_properties(self, next), 2;
	if (strncmp(word, "-p", 2) == 0)
		return add_properties(self, word + 2), 1;
	for (size_t i = 0; ignored[i] != NULL; i++) {
		if (strcmp(word, ignored[i]) == 0)
			return 1;
	}
	return 0;
}

static int parse(struct invocation *self, int argc, const char *const argv[])
{
	for (int i = 1; i < argc;) {
		int taken = 1;
		if (argv[i][0] == '-') {
			taken = take_option(self, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
			if (taken == 0) {
				fprintf(stderr, "systemctl: unrecognized option '%s'\n", argv[i]);
				return -1;
			}
		} else if (self->verb == NULL) {
			self->verb = argv[i];
		} else {
			strings_add(&self->units, argv[i]);
		}
		i += taken;
	}
	if (self->verb == NULL)
		self->verb = "list-units";
	return 0;
}

static bool is_our_unit(const char *name)
{
	return strcmp(name, LAB_UNIT) == 0 ||
	       (strlen(name) == strlen(LAB_UNIT) - 8 && strncmp(LAB_UNIT, name, strlen(name)) == 0);
}

static json_t *ask(const struct invocation *self, const char *verb, struct error *err)
{
	json_t *request = json_pack("{ss ss ss sb}", "type", "systemctl", "host", self->host, "verb", verb, "no_block",
				    self->no_block);
	return control_ask(self->lab, "supervisor", request, JOB_TIMEOUT_MS, err);
}

static int run_job(const struct invocation *self)
{
	struct error err = ERROR_INIT;
	json_t *answer = ask(self, self->verb, &err);
	if (answer == NULL)
		fprintf(stderr, "%s\n", err.text);
	json_decref(answer);
	return answer != NULL ? 0 : 1;
}

static void print_property(const struct invocation *self, const char *name, const json_t *value)
{
	if (!self->value)
		printf("%s=", name);
	for (size_t i = 0; i < json_array_size(value); i++)
		printf("%s%s", i > 0 ? " " : "", json_string_value(json_array_get(value, i)));
	if (json_is_string(value))
		fputs(json_string_value(value), stdout);
	putchar('\n');
}

static bool is_wanted(const struct invocation *self, const char *name)
{
	bool wanted = self->properties.count == 0;
	for (size_t i = 0; !wanted && i < self->properties.count; i++)
		wanted = strcmp(self->properties.items[i], name) == 0;
	return wanted;
}

/* What systemd says of a unit that it does not know. */
static json_t *unknown_properties(const char *unit)
{
	return json_pack("{ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss ss}", "Type", "", "Restart", "no",
			 "MainPID", "0", "ControlPID", "0", "Result", "success", "NRestarts", "0", "ExecMainPID", "0",
			 "ExecMainCode", "0", "ExecMainStatus", "0", "KillMode", "control-group", "Id", unit, "Names",
			 unit, "LoadState", "not-found", "ActiveState", "inactive", "SubState", "dead", "FragmentPath",
			 "", "DropInPaths", "", "UnitFileState", "", "NeedDaemonReload", "no");
}

static int show_unit(const struct invocation *self, const char *unit)
{
	struct error err = ERROR_INIT;
	json_t *properties = is_our_unit(unit) ? ask(self, "show", &err) : unknown_properties(unit), *value;
	const char *name;
	if (properties == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	json_object_foreach(properties, name, value)
	{
		if (is_wanted(self, name))
			print_property(self, name, value);
	}
	json_decref(properties);
	return 0;
}

/* The units in the order in which they are named, with an empty line between two. */
static int run_show(const struct invocation *self)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < self->units.count; i++) {
		if (i > 0)
			putchar('\n');
		status = show_unit(self, self->units.items[i]);
	}
	return status;
}

static const char *property(const json_t *properties, const char *name)
{
	const char *text = json_string_value(json_object_get(properties, name));
	return text != NULL ? text : "";
}

static int run_is(const struct invocation *self)
{
	struct error err = ERROR_INIT;
	json_t *properties = ask(self, "show", &err);
	bool failed = strcmp(self->verb, "is-failed") == 0;
	if (properties == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return STATUS_NO_UNIT;
	}
	const char *state = property(properties, "ActiveState");
	int status = strcmp(state, failed ? "failed" : "active") == 0 ? 0 : failed ? 1 : STATUS_NOT_RUNNING;
	if (!self->quiet)
		puts(state);
	json_decref(properties);
	return status;
}

static int run_status(const struct invocation *self)
{
	struct error err = ERROR_INIT;
	json_t *properties = ask(self, "show", &err);
	if (properties == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return STATUS_NO_UNIT;
	}
	bool active = strcmp(property(properties, "ActiveState"), "active") == 0;
	printf("* %s\n     Loaded: %s (%s; %s)\n     Active: %s (%s) (Result: %s)\n   Main PID: %s\n", LAB_UNIT,
	       property(properties, "LoadState"), property(properties, "FragmentPath"),
	       property(properties, "UnitFileState"), property(properties, "ActiveState"),
	       property(properties, "SubState"), property(properties, "Result"), property(properties, "MainPID"));
	json_decref(properties);
	return active ? 0 : STATUS_NOT_RUNNING;
}

static int run_enabled(const struct invocation *self)
{
	if (!self->quiet)
		puts("enabled");
	return 0;
}

static const struct {
	const char *name;
	int unknown_unit; /* the exit status for a unit that does not exist; 0: it sees to that itself; -1: takes no unit */
	int (*run)(const struct invocation *self);
} systemctl_verbs[] = {
	{"start", STATUS_NOT_LOADED, run_job},
	{"stop", STATUS_NOT_LOADED, run_job},
	{"restart", STATUS_NOT_LOADED, run_job},
	{"show", 0, run_show},
	{"is-active", STATUS_NOT_RUNNING, run_is},
	{"is-failed", 1, run_is},
	{"status", STATUS_NO_UNIT, run_status},
	{"is-enabled", 1, run_enabled},
	{"reset-failed", 1, run_job},
	{"daemon-reload", -1, run_job},
};

static int run_verb(struct invocation *self)
{
	for (size_t i = 0; i < sizeof(systemctl_verbs) / sizeof(systemctl_verbs[0]); i++) {
		if (strcmp(systemctl_verbs[i].name, self->verb) != 0)
			continue;
		int unknown = systemctl_verbs[i].unknown_unit;
		const char *unit = self->units.count > 0 ? self->units.items[0] : NULL;
		if (unknown >= 0 && unit == NULL && strcmp(self->verb, "reset-failed") != 0) {
			fprintf(stderr, "Too few arguments.\n");
			return 1;
		}
		if (unknown > 0 && unit != NULL && !is_our_unit(unit)) {
			fprintf(stderr, "Unit %s could not be found.\n", unit);
			return unknown;
		}
		return systemctl_verbs[i].run(self);
	}
	fprintf(stderr, "Unknown command verb '%s': the lab's systemctl knows what running an agent takes.\n",
		self->verb);
	return 1;
}

int role_systemctl(int argc, const char *const argv[])
{
	struct invocation self = {.verb = NULL};
	struct error err = ERROR_INIT;
	char *root = NULL;
	int status = 1;
	if (parse(&self, argc, argv) == 0) {
		if (stand_in_host(&self.lab, &root, &self.host, &err) < 0)
			fprintf(stderr, "systemctl: %s\n", err.text);
		else
			status = run_verb(&self);
	}
	strings_clear(&self.properties);
	strings_clear(&self.units);
	lab_free(self.lab);
	free(root);
	return status;
}

/* ---- journalctl: the end of what the agent wrote */

static long lines_wanted(int argc, const char *const argv[])
{
	long lines = -1;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			lines = strtol(argv[++i], NULL, 10);
		else if (strncmp(argv[i], "-n", 2) == 0)
			lines = strtol(argv[i] + 2, NULL, 10);
		else if (strncmp(argv[i], "--lines=", 8) == 0)
			lines = strtol(argv[i] + 8, NULL, 10);
	}
	return lines;
}

int role_journalctl(int argc, const char *const argv[])
{
	struct lab *lab = NULL;
	struct error err = ERROR_INIT;
	struct buffer text = BUFFER_INIT(64u << 20);
	const char *host;
	char *root = NULL, *path = NULL;
	long lines = lines_wanted(argc, argv);
	int result = stand_in_host(&lab, &root, &host, &err);
	if (result == 0) {
		path = path_join(root, "var/log/mesos-agent.log");
		result = file_read(path, &text, &err);
	}
	if (result < 0) {
		fprintf(stderr, "journalctl: %s\n", err.text);
	} else {
		const char *start = buffer_text(&text), *at = start + text.len;
		for (long seen = -1; at > start && lines >= 0; at--) {
			if (at[-1] == '\n' && ++seen == lines)
				break;
		}
		fputs(lines >= 0 ? at : start, stdout);
	}
	buffer_clear(&text);
	free(path);
	free(root);
	lab_free(lab);
	return result < 0 ? 1 : 0;
}
