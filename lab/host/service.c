/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/host/service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "lab/core/files.h"
#include "lab/core/processes.h"

struct service_job {
	struct service_job *next;
	struct control_call *call;
	bool start; /* else a stop */
};

static void run_next(struct service *service);

static void finish_jobs(struct service *service, bool start, const char *error)
{
	for (struct service_job **at = &service->jobs; *at != NULL;) {
		struct service_job *job = *at;
		if (job->start != start) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		control_reply(job->call,
			      error != NULL ? json_pack("{sssi}", "error", error, "code", 1) : json_object());
		free(job);
	}
}

static void add_job(struct service *service, struct control_call *call, bool start)
{
	if (call == NULL)
		return;
	struct service_job *job = xcalloc(1, sizeof(*job));
	*job = (struct service_job){.next = service->jobs, .call = call, .start = start};
	service->jobs = job;
}

static void set_state(struct service *service, enum service_state state)
{
	service->state = state;
	timer_set(service->timer, -1);
}

static void fail(struct service *service, const char *result, const char *text)
{
	service->result = result;
	service->result_failed = true;
	service->pid = 0;
	set_state(service, SERVICE_FAILED);
	finish_jobs(service, true, text);
	finish_jobs(service, false, NULL);
}

/* The start limit counts every start, by whomever. True when this one is within it. */
static bool count_start(struct service *service)
{
	int64_t now = clock_monotonic_ms(), burst = service->unit.limit_burst;
	size_t recent = 0, kept = 0;
	for (size_t i = 0; i < service->start_count; i++) {
		if (now - service->starts[i] < service->unit.limit_interval_ms) {
			service->starts[kept++] = service->starts[i];
			recent++;
		}
	}
	service->start_count = kept;
	if (burst > 0 && service->unit.limit_interval_ms > 0 && (int64_t)recent >= burst)
		return false;
	if (service->start_count == SERVICE_STARTS_MAX)
		memmove(service->starts, service->starts + 1, --service->start_count * sizeof(service->starts[0]));
	service->starts[service->start_count++] = now;
	return true;
}

static void begin_start(struct service *service)
{
	if (!service->loaded) {
		fail(service, "resources", "Unit " LAB_UNIT " not found.");
		return;
	}
	if (!count_start(service)) {
		fail(service, "start-limit-hit",
		     "Job for " LAB_UNIT " failed.\nSee \"systemctl status " LAB_UNIT
		     "\" and \"journalctl -xeu " LAB_UNIT "\" for details.\nStart request repeated too quickly.");
		return;
	}
	service->hook = 0;
	service->start_after_stop = false;
	run_next(service);
}

/* The next hook, or the main process when all are done. */
static void run_next(struct service *service)
{
	bool hooks = service->hook < service->unit.start_pre_count;
	const struct strings *argv = hooks ? &service->unit.start_pre[service->hook].argv : &service->unit.start;
	struct error err = ERROR_INIT;
	pid_t pid = service_spawn(service, argv, &err);
	if (pid < 0) {
		log_warning("%s: %s", service->host, err.text);
		fail(service, "resources",
		     "Job for " LAB_UNIT " failed because of unavailable resources or another system error.");
		return;
	}
	service->pid = pid;
	set_state(service, hooks ? SERVICE_START_PRE : SERVICE_RUNNING);
	if (hooks)
		return;
	char *record = xasprintf("agents/%s", service->host);
	process_record(service->lab, record, pid, NULL);
	free(record);
	service->last_pid = pid;
	service->last_status = 0;
	service->result = "success";
	service->result_failed = false;
	finish_jobs(service, true, NULL);
}

static bool clean_end(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	int number = WTERMSIG(status);
	return number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGPIPE;
}

static void set_result(struct service *service, int status)
{
	service->last_status = status;
	service->result_failed = !clean_end(status);
	if (!service->result_failed)
		service->result = "success";
	else
		service->result = WIFEXITED(status) ? "exit-code" : "signal";
}

/* Not asked for: systemd restarts it, or leaves it failed. */
static void after_end(struct service *service)
{
	bool again = service->unit.restart == RESTART_ALWAYS ||
		     (service->unit.restart == RESTART_ON_FAILURE && service->result_failed);
	if (!again) {
		set_state(service, service->result_failed ? SERVICE_FAILED : SERVICE_INACTIVE);
		return;
	}
	set_state(service, SERVICE_AUTO_RESTART);
	timer_set(service->timer, service->unit.restart_ms);
}

static void hook_ended(struct service *service, int status)
{
	if (clean_end(status) || service->unit.start_pre[service->hook].ignore_failure) {
		service->hook++;
		run_next(service);
		return;
	}
	set_result(service, status);
	service->result_failed = true;
	service->result = WIFEXITED(status) ? "exit-code" : "signal";
	finish_jobs(service, true,
		    "Job for " LAB_UNIT " failed because the control process exited with error code.\nSee \"systemctl "
		    "status " LAB_UNIT "\" and \"journalctl -xeu " LAB_UNIT "\" for details.");
	after_end(service);
}

static void kill_rest(struct service *service)
{
	if (service->unit.kill == KILL_CONTROL_GROUP)
		processes_kill_host(service->lab, service->root, LAB_UNIT);
}

static void stopped(struct service *service)
{
	bool again = service->start_after_stop;
	set_state(service, SERVICE_INACTIVE);
	finish_jobs(service, false, NULL);
	if (again)
		begin_start(service);
}

void service_ended(struct service *service, int status)
{
	enum service_state state = service->state;
	service->pid = 0;
	if (state == SERVICE_START_PRE) {
		hook_ended(service, status);
		return;
	}
	set_result(service, status);
	kill_rest(service);
	if (state == SERVICE_STOPPING)
		stopped(service);
	else
		after_end(service);
}

static void timer_due(void *ctx)
{
	struct service *service = ctx;
	if (service->state == SERVICE_AUTO_RESTART) {
		service->restarts++;
		begin_start(service);
	} else if (service->state == SERVICE_STOPPING && service->pid > 0) {
		kill(service->pid, SIGKILL);
	}
}

void service_start(struct service *service, struct control_call *call)
{
	add_job(service, call, true);
	switch (service->state) {
	case SERVICE_RUNNING:
		finish_jobs(service, true, NULL);
		break;
	case SERVICE_START_PRE:
		break;
	case SERVICE_STOPPING:
		service->start_after_stop = true;
		break;
	case SERVICE_INACTIVE:
	case SERVICE_AUTO_RESTART:
	case SERVICE_FAILED:
		begin_start(service);
		break;
	}
}

static void begin_stop(struct service *service)
{
	if (service->state == SERVICE_RUNNING || service->state == SERVICE_START_PRE) {
		set_state(service, SERVICE_STOPPING);
		timer_set(service->timer, service->unit.stop_timeout_ms);
		kill(service->pid, SIGTERM);
	} else if (service->state == SERVICE_AUTO_RESTART) {
		set_state(service, SERVICE_INACTIVE);
	}
}

void service_stop(struct service *service, struct control_call *call)
{
	add_job(service, call, false);
	service->start_after_stop = false;
	finish_jobs(service, true, "Job for " LAB_UNIT " canceled.");
	begin_stop(service);
	if (service->state != SERVICE_STOPPING)
		finish_jobs(service, false, NULL);
}

void service_restart(struct service *service, struct control_call *call)
{
	begin_stop(service);
	if (service->state == SERVICE_STOPPING) {
		add_job(service, call, true);
		service->start_after_stop = true;
	} else {
		service_start(service, call);
	}
}

void service_reset_failed(struct service *service)
{
	service->start_count = 0;
	service->restarts = 0;
	if (service->state == SERVICE_FAILED)
		set_state(service, SERVICE_INACTIVE);
	service->result = "success";
	service->result_failed = false;
}

int service_reload(struct service *service, struct error *err)
{
	struct unit unit;
	if (unit_load(service->root, LAB_UNIT, &unit, err) < 0) {
		service->loaded = false;
		return -1;
	}
	unit_clear(&service->unit);
	service->unit = unit;
	service->loaded = true;
	service->loaded_ms = clock_wall_ms();
	return 0;
}

int service_new_boot_id(const char *root, struct error *err)
{
	char hex[RANDOM_ID_SIZE];
	random_id(hex);
	char *uuid = xasprintf("%.8s-%.4s-4%.3s-8%.3s-%.12s\n", hex, hex + 8, hex + 13, hex + 17, hex + 20);
	char *path = path_join(root, "proc/sys/kernel/random/boot_id");
	int result = files_write_text(path, uuid, err);
	free(path);
	free(uuid);
	return result;
}

void service_power_off(struct service *service)
{
	service->off = true;
	service->pid = 0;
	service->start_after_stop = false;
	set_state(service, SERVICE_INACTIVE);
	processes_kill_host(service->lab, service->root, NULL);
	finish_jobs(service, true, "Connection to the host was lost.");
	finish_jobs(service, false, "Connection to the host was lost.");
	service_new_boot_id(service->root, NULL);
}

void service_power_on(struct service *service)
{
	struct error err = ERROR_INIT;
	service->off = false;
	service_reset_failed(service);
	if (service_reload(service, &err) < 0)
		log_warning("%s: %s", service->host, err.text);
	begin_start(service);
}

void service_init(struct service *service, struct events *events, const struct lab *lab, const char *host)
{
	*service = (struct service){
		.lab = lab, .host = xstrdup(host), .root = lab_host_root(lab, host), .result = "success"};
	service->timer = timer_new(events, timer_due, service);
}

void service_clear(struct service *service)
{
	finish_jobs(service, true, "The supervisor is going away.");
	finish_jobs(service, false, "The supervisor is going away.");
	timer_free(service->timer);
	unit_clear(&service->unit);
	free(service->host);
	free(service->root);
}
