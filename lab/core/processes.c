/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "lab/core/events.h"
#include "lab/core/files.h"

#define ENVIRONMENT_MAX (256u << 10)
#define KILL_ROUNDS     200 /* of 10 ms: a process in an uninterruptible wait is not waited for longer */

/* What makes a process one of those looked for; NULL members are not asked. */
struct wanted {
	const char *lab;
	const char *root;
	const char *unit;
	char *sshd_dir; /* sessions of every host: they belong to the lab and to no host */
};

void process_list_clear(struct process_list *list)
{
	free(list->pids);
	*list = (struct process_list){.pids = NULL};
}

/* "NAME=value" as a whole entry. */
static bool environment_has(const char *data, size_t len, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	for (const char *at = data, *end = data + len; at < end;) {
		size_t entry = strnlen(at, (size_t)(end - at));
		if (entry == name_len + 1 + value_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=' &&
		    memcmp(at + name_len + 1, value, value_len) == 0)
			return true;
		at += entry + 1;
	}
	return false;
}

static size_t read_environment(pid_t pid, char *data, size_t size)
{
	char path[64];
	size_t len = 0;
	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	for (ssize_t got; len < size && (got = read(fd, data + len, size - len)) > 0;)
		len += (size_t)got;
	close(fd);
	return len;
}

bool process_has_env(pid_t pid, const char *name, const char *value)
{
	char *data = xmalloc(ENVIRONMENT_MAX);
	size_t len = read_environment(pid, data, ENVIRONMENT_MAX);
	bool has = environment_has(data, len, name, value);
	free(data);
	return has;
}

static bool works_in(pid_t pid, const char *dir)
{
	char path[64], target[4096];
	snprintf(path, sizeof(path), "/proc/%ld/cwd", (long)pid);
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = '\0';
	return strcmp(target, dir) == 0;
}

static bool is_zombie(pid_t pid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	const char *at = got > 0 ? strrchr(text, ')') : NULL;
	return at == NULL || strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0;
}

static bool matches(pid_t pid, const struct wanted *wanted, char *data)
{
	if (wanted->sshd_dir != NULL && works_in(pid, wanted->sshd_dir))
		return !is_zombie(pid);
	size_t len = read_environment(pid, data, ENVIRONMENT_MAX);
	return environment_has(data, len, "ROLLCALL_LAB", wanted->lab) &&
	       (wanted->root == NULL || environment_has(data, len, "ROLLCALL_ROOT", wanted->root)) &&
	       (wanted->unit == NULL || environment_has(data, len, "ROLLCALL_UNIT", wanted->unit)) && !is_zombie(pid);
}

static void find(const struct wanted *wanted, struct process_list *out)
{
	DIR *proc = opendir("/proc");
	char *data = xmalloc(ENVIRONMENT_MAX);
	for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
		if (pid <= 1 || pid == getpid() || !matches(pid, wanted, data))
			continue;
		out->pids = xreallocarray(out->pids, out->count + 1, sizeof(*out->pids));
		out->pids[out->count++] = pid;
	}
	if (proc != NULL)
		closedir(proc);
	free(data);
}

static struct wanted wanted_of(const struct lab *lab, const char *root, const char *unit)
{
	struct wanted wanted = {.lab = lab->id, .root = root, .unit = unit};
	if (root == NULL)
		wanted.sshd_dir = lab_path(lab, "run/sshd");
	return wanted;
}

void processes_of_host(const struct lab *lab, const char *root, const char *unit, struct process_list *out)
{
	struct wanted wanted = wanted_of(lab, root, unit);
	find(&wanted, out);
	free(wanted.sshd_dir);
}

void processes_of_lab(const struct lab *lab, struct process_list *out)
{
	processes_of_host(lab, NULL, NULL, out);
}

void processes_kill_host(const struct lab *lab, const char *root, const char *unit)
{
	for (int round = 0; round < KILL_ROUNDS; round++) {
		struct process_list list = {.pids = NULL};
		processes_of_host(lab, root, unit, &list);
		for (size_t i = 0; i < list.count; i++)
			kill(list.pids[i], SIGKILL);
		size_t count = list.count;
		process_list_clear(&list);
		if (count == 0)
			return;
		usleep(10000);
	}
}

void processes_kill_lab(const struct lab *lab)
{
	processes_kill_host(lab, NULL, NULL);
}

int process_record(const struct lab *lab, const char *name, pid_t pid, struct error *err)
{
	char *path = lab_path(lab, "run/%s.pid", name);
	char *text = xasprintf("%ld %llu\n", (long)pid, process_start_ticks(pid));
	int result = files_write_text(path, text, err);
	free(text);
	free(path);
	return result;
}

pid_t process_recorded(const struct lab *lab, const char *name)
{
	char *path = lab_path(lab, "run/%s.pid", name);
	char *text = files_read_line(path);
	long pid = 0;
	unsigned long long ticks = 0;
	if (text == NULL || sscanf(text, "%ld %llu", &pid, &ticks) != 2 || ticks == 0 ||
	    process_start_ticks((pid_t)pid) != ticks || is_zombie((pid_t)pid))
		pid = 0;
	free(text);
	free(path);
	return (pid_t)pid;
}

char *process_own_path(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	return len > 0 ? xstrndup(path, (size_t)len) : xstrdup("rollcall-lab");
}

char *process_host_program(void)
{
	char *own = process_own_path(), *dir = path_dir(own), *path = path_join(dir, LAB_HOST_PROGRAM);
	free(own);
	free(dir);
	return path;
}

static void __attribute__((noreturn)) become_role(const char *program, char *role, const char *dir, int log)
{
	char *colon = strchr(role, ':'); /* master:2 */
	if (colon != NULL)
		*colon = '\0';
	const char *const argv[] = {"rollcall-lab",
				    role,
				    "--dir",
				    dir,
				    colon != NULL ? "--number" : NULL,
				    colon != NULL ? colon + 1 : NULL,
				    NULL};
	int null = open("/dev/null", O_RDONLY);
	setsid();
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	events_reset_signals();
	execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

int process_start_role(const struct lab *lab, const char *role, struct error *err)
{
	char *log_path = lab_path(lab, "log/%s.log", role), *program = process_own_path();
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), result = -1;
	pid_t pid = log < 0 ? -1 : fork();
	if (pid == 0) {
		setenv("ROLLCALL_LAB", lab->id, 1);
		become_role(program, xstrdup(role), lab->dir, log);
	}
	if (pid < 0)
		error_errno(err, ERROR_SYSTEM, errno, "cannot start the lab's %s", role);
	else
		result = process_record(lab, role, pid, err);
	if (log >= 0)
		close(log);
	free(log_path);
	free(program);
	return result;
}
