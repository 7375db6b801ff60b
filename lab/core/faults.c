/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/faults.h"

#include <stddef.h>
#include <string.h>

const struct fault_kind fault_kinds[] = {
	/* the host as SSH sees it */
	{"refuse", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "SSH connections are refused (nothing listens)"},
	{"hang", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "SSH connections are accepted and never answered"},
	{"reset", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "SSH connections are accepted and reset"},
	{"auth", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "authentication is refused: the key is not known"},
	{"hostkey", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0,
	 "the host shows another key than the one in known_hosts"},
	{"cut", FAULT_ON_HOST, CARRIED_BY_FRONT, "bytes of the command's output", 0,
	 "the connection is lost in the middle of the next command, as soon as it says something (--match TEXT: of the "
	 "next command that contains TEXT); strikes once"},
	{"disk-full", FAULT_ON_HOST, CARRIED_BY_FRONT, "bytes a file may still have", 0,
	 "no file can be written by what comes in over SSH (writes fail with EFBIG)"},
	/* the host itself */
	{"power", FAULT_ON_HOST, CARRIED_BY_SUPERVISOR, NULL, 1000,
	 "power cut: every process of the host is gone, connections are dropped; it boots with a new boot ID after "
	 "--for (1 s)"},
	/* its agent */
	{"agent-exit", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent exits at start unless its flags are those it has now: it will not start with new flags"},
	{"agent-exit-always", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0, "the agent exits at every start"},
	{"agent-hang", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent starts and then does nothing: no recovery, no answer to pings or HTTP"},
	{"never-reregister", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent recovers and answers pings, but does not reregister"},
	{"slow-recovery", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent's recovery takes 30 s longer (of the lab's time)"},
	{"new-id", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent forgets who it was when it starts, and registers under a new ID"},
	{"late-executors", FAULT_ON_HOST, CARRIED_BY_EXECUTOR, NULL, 0,
	 "executors wait 4 s (of the lab's time) before they reconnect to a restarted agent"},
	{"old-info", FAULT_ON_HOST, CARRIED_BY_MASTER, "reregistrations", 0,
	 "the master keeps the agent's old SlaveInfo when it reregisters, as masters before 1.5 do"},
	/* the master */
	{"500", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 500 Internal Server Error"},
	{"503", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 503 Service Unavailable"},
	{"garbage", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 200 with nonsense"},
	{"truncated", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0,
	 "answers 200, and the connection is lost after half of the document"},
	{"redirect", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0,
	 "answers 307 with a scheme-relative Location at which it does answer, as a master does that does not lead"},
	{"redirect-loop", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 307 to itself, for ever"},
	{"hang", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "takes requests and never answers"},
	{"down", FAULT_ON_MASTER, CARRIED_BY_SUPERVISOR, NULL, 0,
	 "its process is killed; healed, it starts again with a new master ID and the registry it kept"},
	{NULL, FAULT_ON_HOST, CARRIED_BY_FRONT, NULL, 0, NULL},
};

const struct fault_kind *fault_kind_find(enum fault_target target, const char *name)
{
	for (const struct fault_kind *kind = fault_kinds; kind->name != NULL; kind++) {
		if (kind->target == target && strcmp(kind->name, name) == 0)
			return kind;
	}
	return NULL;
}

const char *fault_carrier_name(enum fault_carrier carrier)
{
	static const char *const names[] = {
		[CARRIED_BY_FRONT] = "front",       [CARRIED_BY_AGENT] = "agent",
		[CARRIED_BY_EXECUTOR] = "executor", [CARRIED_BY_SUPERVISOR] = "supervisor",
		[CARRIED_BY_MASTER] = "master",
	};
	return names[carrier];
}
