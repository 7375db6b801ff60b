/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: systemd and the power supply of every host of the lab, and of the master, in one process. When it
 * dies, agents and tasks go on, as they do when systemd is killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/core/faults.h"
#include "lab/core/processes.h"
#include "lab/core/roles.h"
#include "lab/host/masters.h"
#include "lab/host/service.h"

struct supervisor {
	struct lab *lab;
	struct events *events;
	struct control *control;
	struct timer *power_timer;
	struct service *services; /* one per host, in the lab's order */
	struct masters *masters;
};

static struct service *service_of_host(struct supervisor *supervisor, const char *host)
{
	for (size_t i = 0; i < supervisor->lab->host_count; i++) {
		if (strcmp(supervisor->services[i].host, host) == 0)
			return &supervisor->services[i];
	}
	return NULL;
}

static struct service *service_of_pid(struct supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < supervisor->lab->host_count; i++) {
		if (supervisor->services[i].pid == pid)
			return &supervisor->services[i];
	}
	return NULL;
}

static void manager_ended(struct supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < supervisor->lab->host_count; i++) {
		if (supervisor->services[i].manager == pid)
			supervisor->services[i].manager = 0;
	}
}

static void reap_children(struct supervisor *supervisor)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		struct service *service = service_of_pid(supervisor, pid);
		if (service != NULL)
			service_ended(service, status);
		else if (!masters_reap(supervisor->masters, pid))
			manager_ended(supervisor, pid);
	}
}

static void on_signal(void *ctx, int number)
{
	struct supervisor *supervisor = ctx;
	if (number == SIGCHLD)
		reap_children(supervisor);
	else
		events_stop(supervisor->events);
}

static bool looks_again(const struct service *service)
{
	return service->off || service->frozen != 0 || service->manager != 0;
}

/* Powers hosts on when their time has come, and asks again when something will. */
static void check_faults(void *ctx)
{
	struct supervisor *supervisor = ctx;
	bool waiting = false;
	for (size_t i = 0; i < supervisor->lab->host_count; i++) {
		if (looks_again(&supervisor->services[i]))
			waiting |= service_check_faults(&supervisor->services[i]);
	}
	timer_set(supervisor->power_timer, waiting ? 50 : -1);
}

static void faults_changed(struct supervisor *supervisor, const char *target)
{
	struct service *service = service_of_host(supervisor, target);
	if (service != NULL)
		service_check_faults(service);
	else
		masters_check_faults(supervisor->masters);
	check_faults(supervisor);
}

static void refuse(struct control_call *call, const char *text, int code)
{
	control_reply(call, json_pack("{sssi}", "error", text, "code", code));
}

static void do_reload(struct service *service, struct control_call *call)
{
	struct error err = ERROR_INIT;
	if (service_reload(service, &err) < 0)
		refuse(call, err.text, 1);
	else
		control_reply(call, json_object());
}

static void do_reset_failed(struct service *service, struct control_call *call)
{
	service_reset_failed(service);
	control_reply(call, json_object());
}

static void do_show(struct service *service, struct control_call *call)
{
	control_reply(call, service_properties(service));
}

static const struct {
	const char *verb;
	bool is_job; /* may be asked for without waiting */
	void (*run)(struct service *service, struct control_call *call);
} verbs[] = {
	{"start", true, service_start},      {"stop", true, service_stop}, {"restart", true, service_restart},
	{"daemon-reload", false, do_reload}, {"show", false, do_show},     {"reset-failed", false, do_reset_failed},
};

static void do_systemctl(struct supervisor *supervisor, struct control_call *call, const json_t *request)
{
	const char *host = json_string_value(json_object_get(request, "host"));
	const char *verb = json_string_value(json_object_get(request, "verb"));
	struct service *service = host != NULL ? service_of_host(supervisor, host) : NULL;
	if (service == NULL || verb == NULL || service->off) {
		refuse(call, "Failed to connect to bus: Host is down", 1);
		return;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, verb) != 0)
			continue;
		bool wait = !verbs[i].is_job || !json_is_true(json_object_get(request, "no_block"));
		verbs[i].run(service, wait ? call : NULL);
		if (!wait)
			control_reply(call, json_object());
		return;
	}
	refuse(call, "Unknown command verb.", 1);
}

static void do_status(struct supervisor *supervisor, struct control_call *call)
{
	json_t *hosts = json_object();
	for (size_t i = 0; i < supervisor->lab->host_count; i++) {
		const struct service *service = &supervisor->services[i];
		json_object_set_new(hosts, service->host,
				    json_pack("{sssssi}", "state", service->off ? "off" : service_active_state(service),
					      "result", service->result, "pid",
					      service->state == SERVICE_RUNNING ? (int)service->pid : 0));
	}
	control_reply(call, json_pack("{so}", "hosts", hosts));
}

static void on_request(void *ctx, struct control_call *call, const json_t *request)
{
	struct supervisor *supervisor = ctx;
	const char *type = link_type(request);
	if (strcmp(type, "systemctl") == 0) {
		do_systemctl(supervisor, call, request);
	} else if (strcmp(type, "status") == 0) {
		do_status(supervisor, call);
	} else if (strcmp(type, "faults") == 0) {
		const char *target = json_string_value(json_object_get(request, "target"));
		faults_changed(supervisor, target != NULL ? target : "");
		control_reply(call, json_object());
	} else {
		refuse(call, "the supervisor does not know this request", 1);
	}
}

static void supervisor_free(struct supervisor *supervisor)
{
	for (size_t i = 0; supervisor->services != NULL && i < supervisor->lab->host_count; i++)
		service_clear(&supervisor->services[i]);
	free(supervisor->services);
	control_free(supervisor->control); /* after the last answers */
	masters_free(supervisor->masters);
	timer_free(supervisor->power_timer);
	events_free(supervisor->events);
}

static int supervisor_open(struct supervisor *supervisor, struct error *err)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, 0};
	struct lab *lab = supervisor->lab;
	supervisor->events = events_new(err);
	if (supervisor->events == NULL ||
	    events_on_signals(supervisor->events, signals, on_signal, supervisor, err) < 0)
		return -1;
	supervisor->power_timer = timer_new(supervisor->events, check_faults, supervisor);
	supervisor->masters = masters_new(supervisor->events, lab);
	supervisor->services = xcalloc(lab->host_count, sizeof(*supervisor->services));
	for (size_t i = 0; i < lab->host_count; i++)
		service_init(&supervisor->services[i], supervisor->events, lab, lab->hosts[i].name);
	supervisor->control = control_serve(supervisor->events, lab, "supervisor", on_request, supervisor, err);
	return supervisor->control != NULL ? 0 : -1;
}

int role_supervisor(struct lab *lab, struct error *err)
{
	struct supervisor supervisor = {.lab = lab};
	int result = supervisor_open(&supervisor, err);
	if (result == 0) {
		masters_start(supervisor.masters);
		for (size_t i = 0; i < lab->host_count; i++)
			service_power_on(&supervisor.services[i]);
		events_run(supervisor.events);
	}
	supervisor_free(&supervisor);
	return result;
}
