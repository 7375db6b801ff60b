/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/core/faults.h"

#include <stddef.h>
#include <string.h>

const struct fault_kind fault_kinds[] = {
	/* the host as SSH sees it */
	{"refuse", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "SSH connections are refused (nothing listens)",
	 NULL, 0},
	{"hang", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "SSH connections are accepted and never answered",
	 NULL, 0},
	{"reset", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "SSH connections are accepted and reset", NULL, 0},
	{"auth", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0, "authentication is refused: the key is not known",
	 NULL, 0},
	{"hostkey", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0,
	 "the host shows another key than the one in known_hosts", NULL, 0},
	{"latency", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0,
	 "the network is slow: what SSH sends arrives late, in both directions", "milliseconds each way (200)", 200},
	{"bandwidth", FAULT_ON_HOST, CARRIED_BY_FRONT, "connections", 0,
	 "the network is narrow: SSH gets so many bytes per second through, in each direction",
	 "bytes per second (20000)", 20000},
	{"cut", FAULT_ON_HOST, CARRIED_BY_FRONT, "bytes of the command's output", 0,
	 "the connection is lost in the middle of the next command, as soon as it says something (--match TEXT: of the "
	 "next command that contains TEXT); strikes once",
	 NULL, 0},
	{"disk-full", FAULT_ON_HOST, CARRIED_BY_FRONT, "bytes a file may still have", 0,
	 "no file can be written by what comes in over SSH (writes fail with EFBIG)", NULL, 0},
	{"read-only", FAULT_ON_HOST, CARRIED_BY_FRONT, NULL, 0,
	 "the host's file system is read-only for what comes in over SSH from now on, and for agents that start: "
	 "writes fail with EROFS (with EACCES where the lab may not mount)",
	 NULL, 0},
	/* the host itself */
	{"power", FAULT_ON_HOST, CARRIED_BY_SUPERVISOR, NULL, 1000,
	 "power cut: every process of the host is gone, connections are dropped; it boots with a new boot ID after "
	 "--for (1 s)",
	 NULL, 0},
	/* its agent */
	{"agent-exit", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent exits at start unless its flags are those it has now: it will not start with new flags", NULL, 0},
	{"agent-exit-always", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0, "the agent exits at every start", NULL, 0},
	{"agent-hang", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent starts and then does nothing until healed: no recovery, no answer to pings or HTTP", NULL, 0},
	{"agent-freeze", FAULT_ON_HOST, CARRIED_BY_SUPERVISOR, NULL, 0,
	 "the running agent stops where it is (SIGSTOP): no answer to pings, HTTP or systemd, until healed", NULL, 0},
	{"away", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent comes back late: it recovers, answers pings, and registers only a while after its start",
	 "milliseconds (20000)", 20000},
	{"flap", FAULT_ON_HOST, CARRIED_BY_AGENT, "registrations", 0,
	 "the agent registers and drops its connection again and again", "milliseconds it stays (1000)", 1000},
	{"never-reregister", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent recovers and answers pings, but does not reregister until healed (--for T: it comes back after T)",
	 NULL, 0},
	{"slow-recovery", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent's recovery takes longer (of the lab's time)", "milliseconds (30000)", 30000},
	{"new-id", FAULT_ON_HOST, CARRIED_BY_AGENT, "starts", 0,
	 "the agent forgets who it was when it starts, and registers under a new ID", NULL, 0},
	{"late-executors", FAULT_ON_HOST, CARRIED_BY_EXECUTOR, NULL, 0,
	 "executors wait (in the lab's time) before they reconnect to a restarted agent", "milliseconds (4000)", 4000},
	{"stubborn-tasks", FAULT_ON_HOST, CARRIED_BY_EXECUTOR, NULL, 0,
	 "tasks do not listen to SIGTERM: to drain or kill them takes all of the grace period", NULL, 0},
	{"config-manager", FAULT_ON_HOST, CARRIED_BY_SUPERVISOR, NULL, 0,
	 "configuration management puts the flags back that the host has now, and restarts the agent when they had "
	 "changed; the host shows its traces (--match puppet, chef or salt; puppet)",
	 "milliseconds between its runs (5000)", 5000},
	{"old-info", FAULT_ON_HOST, CARRIED_BY_MASTER, "reregistrations", 0,
	 "the master keeps the agent's old SlaveInfo when it reregisters, as masters before 1.5 do", NULL, 0},
	/* the master */
	{"500", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 500 Internal Server Error", NULL, 0},
	{"503", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 503 Service Unavailable", NULL, 0},
	{"garbage", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 200 with nonsense", NULL, 0},
	{"truncated", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0,
	 "answers 200, and the connection is lost after half of the document", NULL, 0},
	{"redirect", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0,
	 "answers 307 with a scheme-relative Location at which it does answer, as a master does that does not lead",
	 NULL, 0},
	{"redirect-loop", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "answers 307 to itself, for ever", NULL,
	 0},
	{"stale", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0,
	 "answers are those of the moment it was armed: a master, or a cache before it, that is behind", NULL, 0},
	{"hang", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0, "takes requests and never answers", NULL, 0},
	{"failover", FAULT_ON_MASTER, CARRIED_BY_MASTER, "requests", 0,
	 "it gives up leadership at once and ends; another one leads, or (one master) it starts again and leads anew",
	 NULL, 0},
	{"refuse-role", FAULT_ON_MASTER, CARRIED_BY_MASTER, NULL, 0,
	 "its ACL reserve_resources lets no agent reserve a role statically (--match ROLE): such agents run, and are "
	 "ignored when they register",
	 NULL, 0},
	{"require-domain", FAULT_ON_MASTER, CARRIED_BY_MASTER, NULL, 0,
	 "it runs with --require_agent_domain: agents without a domain are ignored when they register", NULL, 0},
	{"zookeeper-down", FAULT_ON_MASTER, CARRIED_BY_SUPERVISOR, NULL, 0,
	 "the ZooKeeper of a lab with several masters is killed: when its session has run out the leader ends, and "
	 "nobody leads until it is healed",
	 NULL, 0},
	{"down", FAULT_ON_MASTER, CARRIED_BY_SUPERVISOR, NULL, 0,
	 "its process is killed; healed, it starts again with a new master ID and the registry it kept", NULL, 0},
	{NULL, FAULT_ON_HOST, CARRIED_BY_FRONT, NULL, 0, NULL, NULL, 0},
};

enum fault_target fault_target_of(const char *target)
{
	size_t len = strlen(FAULT_MASTER);
	bool is_master = strncmp(target, FAULT_MASTER, len) == 0 && (target[len] == '\0' || target[len] == ':');
	return is_master ? FAULT_ON_MASTER : FAULT_ON_HOST;
}

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
