/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of a host that its supervisor carries: power, an agent that stands still, configuration management. */
#include <signal.h>

#include "base/log.h"
#include "lab/core/faults.h"
#include "lab/host/manager.h"
#include "lab/host/service.h"

static void check_power(struct service *service)
{
	bool off = fault_is_armed(service->lab, service->host, "power", NULL);
	if (off && !service->off)
		service_power_off(service);
	else if (!off && service->off)
		service_power_on(service);
}

/* Strikes the process that runs when it is armed; one that systemd starts later is another. */
static void check_freeze(struct service *service)
{
	bool armed = fault_is_armed(service->lab, service->host, "agent-freeze", NULL);
	if (armed && service->frozen == 0 && service->state == SERVICE_RUNNING) {
		service->frozen = service->pid;
		kill(service->frozen, SIGSTOP);
	} else if (!armed && service->frozen != 0) {
		if (service->frozen == service->pid)
			kill(service->frozen, SIGCONT);
		service->frozen = 0;
	}
}

static void check_manager(struct service *service)
{
	bool armed = !service->off && fault_is_armed(service->lab, service->host, "config-manager", NULL);
	if (armed && service->manager == 0) {
		service->manager = manager_start(service->lab, service->host);
		if (service->manager < 0) {
			log_error("%s: cannot start configuration management", service->host);
			service->manager = 0;
		}
	} else if (!armed && service->manager != 0) {
		kill(service->manager, SIGKILL);
		service->manager = 0; /* it is reaped as nobody's */
	}
}

bool service_check_faults(struct service *service)
{
	check_power(service);
	check_freeze(service);
	check_manager(service);
	return service->off || service->frozen != 0 || service->manager != 0;
}
