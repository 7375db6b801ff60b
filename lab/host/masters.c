/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/masters.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "lab/core/faults.h"
#include "lab/core/files.h"
#include "lab/core/processes.h"

#define CHECK_MS   50
#define RESTART_MS 200 /* what ended at once would otherwise end and start without a pause */

/* ZooKeeper's own smallest session is two ticks: less than the shortest that the lab asks for. */
#define ZOOKEEPER_TICK_MS 500
#define ZOOKEEPER_CLASS   "org.apache.zookeeper.server.ZooKeeperServerMain"

struct masters {
	const struct lab *lab;
	struct timer *timer;
	pid_t zookeeper;
	struct process {
		pid_t pid; /* 0: it does not run */
		bool down; /* and is not to run */
	} * processes;     /* one per master, in the lab's order */
};

/* ---- ZooKeeper */

static int write_configuration(const struct lab *lab, struct error *err)
{
	const char *colon = strrchr(lab->zookeeper, ':');
	char *path = lab_path(lab, "zookeeper/zoo.cfg"), *data = lab_path(lab, "zookeeper/data");
	char *text = xasprintf("tickTime=%d\n"
			       "dataDir=%s\n"
			       "clientPortAddress=%.*s\n"
			       "clientPort=%s\n"
			       "maxSessionTimeout=3600000\n" /* slow labs have long sessions */
			       "maxClientCnxns=0\n"
			       "admin.enableServer=false\n",
			       ZOOKEEPER_TICK_MS, data, (int)(colon - lab->zookeeper), lab->zookeeper, colon + 1);
	int result = file_make_dirs(data, 0755, err);
	if (result == 0)
		result = files_write_text(path, text, err);
	free(text);
	free(data);
	free(path);
	return result;
}

static void __attribute__((noreturn)) become_zookeeper(const struct lab *lab, const char *configuration, int log)
{
	const char *const argv[] = {"java",
				    "-Xmx128m",
				    "-XX:+UseSerialGC",
				    "-XX:TieredStopAtLevel=1",
				    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
				    "-cp",
				    ZOOKEEPER_JAR,
				    ZOOKEEPER_CLASS,
				    configuration,
				    NULL};
	int null = open("/dev/null", O_RDONLY);
	setsid();
	setenv("ROLLCALL_LAB", lab->id, 1);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	events_reset_signals();
	execvp("java", (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void start_zookeeper(struct masters *masters)
{
	struct error err = ERROR_INIT;
	char *configuration = lab_path(masters->lab, "zookeeper/zoo.cfg");
	char *log_path = lab_path(masters->lab, "log/zookeeper.log");
	int log = -1;
	if (access(ZOOKEEPER_JAR, R_OK) < 0)
		error_set(&err, ERROR_SYSTEM, "%s is missing: several masters need the package libzookeeper-java",
			  ZOOKEEPER_JAR);
	else if (write_configuration(masters->lab, &err) == 0 &&
		 (log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) >= 0)
		masters->zookeeper = fork();
	if (masters->zookeeper == 0 && log >= 0)
		become_zookeeper(masters->lab, configuration, log);
	if (masters->zookeeper > 0)
		process_record(masters->lab, "zookeeper", masters->zookeeper, &err);
	if (err.kind != ERROR_NONE)
		log_error("%s", err.text);
	if (log >= 0)
		close(log);
	free(log_path);
	free(configuration);
}

/* ---- masters */

static void start_master(struct masters *masters, size_t index)
{
	struct error err = ERROR_INIT;
	const char *role = masters->lab->masters[index].role;
	if (process_start_role(masters->lab, role, &err) < 0)
		log_error("%s", err.text);
	else
		masters->processes[index].pid = process_recorded(masters->lab, role);
	if (masters->processes[index].pid == 0) /* it has ended already */
		timer_set(masters->timer, RESTART_MS);
}

/* True when it has to be looked at again. */
static bool check_master(struct masters *masters, size_t index)
{
	struct process *process = &masters->processes[index];
	process->down = fault_is_armed(masters->lab, masters->lab->masters[index].role, "down", NULL);
	if (process->down && process->pid > 0)
		kill(process->pid, SIGKILL);
	if (!process->down && process->pid == 0)
		start_master(masters, index);
	return process->down;
}

/* The fault may be armed on any master: there is one ZooKeeper for all. */
static bool check_zookeeper(struct masters *masters)
{
	bool down = false;
	if (masters->lab->zookeeper == NULL)
		return false;
	for (size_t i = 0; i < masters->lab->master_count; i++)
		down |= fault_is_armed(masters->lab, masters->lab->masters[i].role, "zookeeper-down", NULL);
	if (down && masters->zookeeper > 0)
		kill(masters->zookeeper, SIGKILL);
	if (!down && masters->zookeeper <= 0)
		start_zookeeper(masters);
	return down;
}

void masters_check_faults(struct masters *masters)
{
	timer_set(masters->timer, -1);
	bool again = check_zookeeper(masters);
	for (size_t i = 0; i < masters->lab->master_count; i++)
		again |= check_master(masters, i);
	if (again)
		timer_set(masters->timer, CHECK_MS);
}

static void on_timer(void *ctx)
{
	struct masters *masters = ctx;
	masters_check_faults(masters);
}

bool masters_reap(struct masters *masters, pid_t pid)
{
	bool found = pid == masters->zookeeper;
	if (found)
		masters->zookeeper = 0;
	for (size_t i = 0; i < masters->lab->master_count; i++) {
		if (masters->processes[i].pid != pid)
			continue;
		masters->processes[i].pid = 0;
		found = true;
	}
	if (found)
		timer_set(masters->timer, RESTART_MS);
	return found;
}

void masters_start(struct masters *masters)
{
	on_timer(masters);
}

struct masters *masters_new(struct events *events, const struct lab *lab)
{
	struct masters *masters = xcalloc(1, sizeof(*masters));
	masters->lab = lab;
	masters->processes = xcalloc(lab->master_count, sizeof(*masters->processes));
	masters->timer = timer_new(events, on_timer, masters);
	return masters;
}

void masters_free(struct masters *masters)
{
	if (masters == NULL)
		return;
	timer_free(masters->timer);
	free(masters->processes);
	free(masters);
}
