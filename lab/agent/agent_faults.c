/* SPDX-License-Identifier: Apache-2.0 */
/* The faults that the agent itself carries. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lab/agent/agent.h"
#include "lab/core/faults.h"
#include "lab/host/read_only.h"

#define LOOK_AGAIN_MS 200 /* whether one that lasts has been healed, or has expired */

static bool strikes(const struct agent *agent, const char *name, struct fault *fault)
{
	return fault_is_armed(agent->lab, agent->host, name, fault) && fault_strikes(agent->lab, agent->host, fault);
}

int agent_exit_faults(const struct agent *agent, struct error *err)
{
	struct fault fault;
	char digest[DIGEST_HEX_SIZE];
	if (strikes(agent, "agent-exit-always", &fault))
		return error_set(err, ERROR_REFUSED, "Failed to initialize: broken by the lab (agent-exit-always)");
	agent_flags_digest(&agent->flags, digest);
	if (fault_is_armed(agent->lab, agent->host, "agent-exit", &fault) && strcmp(fault.memory, digest) != 0 &&
	    fault_strikes(agent->lab, agent->host, &fault))
		return error_set(err, ERROR_REFUSED,
				 "Failed to initialize: broken by the lab (agent-exit): these are not the flags it "
				 "would start with");
	return 0;
}

/* Whether an agent that was silenced at its start is to speak now. */
static bool may_speak(struct agent *agent)
{
	bool away = agent->back_ms != 0 && fault_is_armed(agent->lab, agent->host, "away", NULL);
	return !fault_is_armed(agent->lab, agent->host, "never-reregister", NULL) &&
	       (!away || clock_monotonic_ms() >= agent->back_ms);
}

static void drop_connection(struct agent *agent)
{
	agent_disconnect(agent);
}

static void fault_due(void *ctx)
{
	struct agent *agent = ctx;
	if (agent->silent && may_speak(agent)) {
		agent->silent = false;
		if (agent->phase == AGENT_DISCONNECTED)
			agent_register(agent);
	} else if (agent->silent) {
		timer_set(agent->fault_timer, LOOK_AGAIN_MS);
	} else if (agent->phase == AGENT_REGISTERED && fault_is_armed(agent->lab, agent->host, "flap", NULL)) {
		drop_connection(agent);
	}
}

int agent_begin_faults(struct agent *agent, struct error *err)
{
	struct fault fault;
	agent->fault_timer = timer_new(agent->events, fault_due, agent);
	if (strikes(agent, "slow-recovery", &fault))
		agent->slow_ms = lab_scaled_ms(agent->lab, fault.amount);
	if (strikes(agent, "away", &fault))
		agent->back_ms = clock_monotonic_ms() + lab_scaled_ms(agent->lab, fault.amount);
	agent->silent = strikes(agent, "never-reregister", &fault) || agent->back_ms != 0;
	if (agent->silent)
		timer_set(agent->fault_timer, LOOK_AGAIN_MS);
	if (fault_is_armed(agent->lab, agent->host, "read-only", NULL) && read_only_enter(agent->root, err) < 0)
		return -1;
	if (strikes(agent, "agent-hang", &fault)) {
		/* Until it is healed or killed: signals come as events, which it does not read. */
		while (fault_is_armed(agent->lab, agent->host, "agent-hang", NULL))
			usleep(LOOK_AGAIN_MS * 1000);
	}
	return 0;
}

void agent_faults_changed(struct agent *agent)
{
	if (agent->silent)
		timer_set(agent->fault_timer, 0);
	else if (agent->phase == AGENT_REGISTERED)
		agent_flap(agent);
}

void agent_flap(struct agent *agent)
{
	struct fault fault;
	if (fault_is_armed(agent->lab, agent->host, "flap", &fault) && fault_strikes(agent->lab, agent->host, &fault))
		timer_set(agent->fault_timer, lab_scaled_ms(agent->lab, fault.amount));
}
