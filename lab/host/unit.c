/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/unit.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"

#define UNIT_FILE_MAX (1u << 20)

/* systemd's own defaults. */
#define DEFAULT_RESTART_MS  100
#define DEFAULT_STOP_MS     90000
#define DEFAULT_INTERVAL_MS 10000
#define DEFAULT_BURST       5

static const char *const unit_dirs[] = {"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"};
#define UNIT_DIRS (sizeof(unit_dirs) / sizeof(unit_dirs[0]))

static void clear_start_pre(struct unit *unit)
{
	for (size_t i = 0; i < unit->start_pre_count; i++)
		strings_clear(&unit->start_pre[i].argv);
	free(unit->start_pre);
	unit->start_pre = NULL;
	unit->start_pre_count = 0;
}

void unit_clear(struct unit *unit)
{
	free(unit->path);
	strings_clear(&unit->drop_ins);
	clear_start_pre(unit);
	strings_clear(&unit->start);
	strings_clear(&unit->environment);
	strings_clear(&unit->environment_files);
	*unit = (struct unit){.path = NULL};
}

static void set_start_pre(struct unit *unit, const char *value)
{
	struct unit_command command = {.ignore_failure = false};
	if (*value == '\0') {
		clear_start_pre(unit);
		return;
	}
	for (; *value != '\0' && strchr("-@:+!", *value) != NULL; value++)
		command.ignore_failure |= *value == '-';
	if (!unit_split_words(value, &command.argv) || command.argv.count == 0) {
		strings_clear(&command.argv);
		return;
	}
	unit->start_pre = xreallocarray(unit->start_pre, unit->start_pre_count + 1, sizeof(*unit->start_pre));
	unit->start_pre[unit->start_pre_count++] = command;
}

static void set_start(struct unit *unit, const char *value)
{
	strings_clear(&unit->start);
	while (*value != '\0' && strchr("-@:+!", *value) != NULL)
		value++;
	if (!unit_split_words(value, &unit->start))
		strings_clear(&unit->start);
}

static void set_environment(struct unit *unit, const char *value)
{
	struct strings words = {.items = NULL};
	if (*value == '\0')
		strings_clear(&unit->environment);
	if (unit_split_words(value, &words)) {
		for (size_t i = 0; i < words.count; i++)
			strings_set_env(&unit->environment, words.items[i]);
	}
	strings_clear(&words);
}

static void set_environment_file(struct unit *unit, const char *value)
{
	if (*value == '\0')
		strings_clear(&unit->environment_files);
	else
		strings_add(&unit->environment_files, value);
}

static void set_restart(struct unit *unit, const char *value)
{
	if (strcmp(value, "always") == 0)
		unit->restart = RESTART_ALWAYS;
	else
		unit->restart = strcmp(value, "no") == 0 ? RESTART_NO : RESTART_ON_FAILURE;
}

static void set_kill(struct unit *unit, const char *value)
{
	unit->kill = strcmp(value, "process") == 0 ? KILL_PROCESS : KILL_CONTROL_GROUP;
}

static void set_span(int64_t *target, const char *value)
{
	int64_t ms = unit_parse_span(value);
	if (ms >= 0)
		*target = ms;
}

static void set_restart_ms(struct unit *unit, const char *value)
{
	set_span(&unit->restart_ms, value);
}

static void set_stop_timeout(struct unit *unit, const char *value)
{
	set_span(&unit->stop_timeout_ms, value);
}

static void set_interval(struct unit *unit, const char *value)
{
	set_span(&unit->limit_interval_ms, value);
}

static void set_burst(struct unit *unit, const char *value)
{
	unit->limit_burst = strtol(value, NULL, 10);
}

static const struct {
	const char *name;
	void (*set)(struct unit *unit, const char *value);
} settings[] = {
	{"ExecStartPre", set_start_pre},
	{"ExecStart", set_start},
	{"Environment", set_environment},
	{"EnvironmentFile", set_environment_file},
	{"Restart", set_restart},
	{"RestartSec", set_restart_ms},
	{"KillMode", set_kill},
	{"TimeoutStopSec", set_stop_timeout},
	{"StartLimitIntervalSec", set_interval},
	{"StartLimitInterval", set_interval},
	{"StartLimitBurst", set_burst},
};

static void trim(char *text)
{
	size_t len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
}

static void apply_line(struct unit *unit, char *line)
{
	line += strspn(line, " \t");
	char *value = strchr(line, '=');
	if (value == NULL || *line == '#' || *line == ';' || *line == '[')
		return;
	*value++ = '\0';
	trim(line);
	value += strspn(value, " \t");
	trim(value);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(settings[i].name, line) == 0)
			settings[i].set(unit, value);
	}
}

/* Lines that end with a backslash continue in the next one. */
static void join_lines(char *text)
{
	for (char *at = text; (at = strstr(at, "\\\n")) != NULL;) {
		at[0] = ' ';
		at[1] = ' ';
	}
}

static int read_unit_file(const char *root, const char *path, struct unit *unit, struct error *err)
{
	struct buffer text = BUFFER_INIT(UNIT_FILE_MAX);
	char *full = path_under(root, path);
	int result = file_read(full, &text, err);
	free(full);
	if (result == 0 && text.data != NULL) {
		join_lines(text.data);
		for (char *line = text.data, *end; line != NULL; line = end) {
			end = strchr(line, '\n');
			if (end != NULL)
				*end++ = '\0';
			apply_line(unit, line);
		}
	}
	buffer_clear(&text);
	return result;
}

static int compare_names(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	const char *left_name = strrchr(*left, '/'), *right_name = strrchr(*right, '/');
	return strcmp(left_name, right_name);
}

static bool has_name(const struct strings *paths, const char *name)
{
	for (size_t i = 0; i < paths->count; i++) {
		if (strcmp(strrchr(paths->items[i], '/') + 1, name) == 0)
			return true;
	}
	return false;
}

static void find_drop_ins(const char *root, const char *name, struct strings *out)
{
	for (size_t i = 0; i < UNIT_DIRS; i++) {
		char *path = xasprintf("%s/%s.d", unit_dirs[i], name), *full = path_under(root, path);
		DIR *dir = opendir(full);
		for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
			size_t len = strlen(entry->d_name);
			if (entry->d_name[0] == '.' || len < 6 || strcmp(entry->d_name + len - 5, ".conf") != 0 ||
			    has_name(out, entry->d_name))
				continue;
			char *file = path_join(path, entry->d_name);
			strings_add(out, file);
			free(file);
		}
		if (dir != NULL)
			closedir(dir);
		free(path);
		free(full);
	}
	if (out->count > 1)
		qsort(out->items, out->count, sizeof(char *), compare_names);
}

static char *find_fragment(const char *root, const char *name)
{
	for (size_t i = 0; i < UNIT_DIRS; i++) {
		char *path = path_join(unit_dirs[i], name), *full = path_under(root, path);
		bool exists = file_exists(full);
		free(full);
		if (exists)
			return path;
		free(path);
	}
	return NULL;
}

int unit_load(const char *root, const char *name, struct unit *out, struct error *err)
{
	struct unit unit = {.path = find_fragment(root, name),
			    .restart = RESTART_NO,
			    .kill = KILL_CONTROL_GROUP,
			    .restart_ms = DEFAULT_RESTART_MS,
			    .stop_timeout_ms = DEFAULT_STOP_MS,
			    .limit_interval_ms = DEFAULT_INTERVAL_MS,
			    .limit_burst = DEFAULT_BURST};
	if (unit.path == NULL)
		return error_set(err, ERROR_UNREACHABLE, "Unit %s could not be found.", name);
	int result = read_unit_file(root, unit.path, &unit, err);
	find_drop_ins(root, name, &unit.drop_ins);
	for (size_t i = 0; result == 0 && i < unit.drop_ins.count; i++)
		result = read_unit_file(root, unit.drop_ins.items[i], &unit, err);
	if (result == 0 && unit.start.count == 0)
		result = error_set(err, ERROR_USAGE, "%s: Service has no ExecStart= setting. Refusing.", name);
	if (result < 0) {
		unit_clear(&unit);
		return -1;
	}
	*out = unit;
	return 0;
}
