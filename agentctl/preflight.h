/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_PREFLIGHT_H
#define AGENTCTL_PREFLIGHT_H
/*
 * Everything that would make the agent or its master refuse, or cost tasks, found before anything is touched. Each thing has a name
 * (its code), so that programs can tell them apart, and a text that says what to do.
 *
 *   work-dir-missing, work-dir-read-only, work-dir-full     the agent could not write its checkpoint
 *   foreign-owner             its files belong to another user than the one it runs as
 *   environment-unread        the agent's environment may not be read: only it itself said its flags
 *   container                 the agent runs inside a container, and it is not said how it is started and stopped
 *   two-agents                another agent runs here, and it is not proven that the control means this one
 *   rebooted                  it has not recovered since a reboot, and a difference would cost its ID
 *   checkpoint-broken         the checkpoint cannot be read
 *   checkpoint-older          the running agent accepted its flags as an addition and never wrote that back
 *   checkpoint-differs        its running flags do not give its checkpoint
 *   flags-edited              the flag store says something else than what the agent runs with
 *   external-no-undo          an undo cannot put back what configuration management has written
 *   external-unread           nobody said where configuration management writes the flags
 *   config-management         a file is managed by something that may write it again
 *   tasks-not-checkpointed    executors of frameworks that do not checkpoint: any restart ends them
 *   tasks-in-unit             executors that stopping the unit kills
 *   tasks-in-container        executors that live in the agent's container
 *   tasks-docker-http         executors in Docker that this version does not take over
 *   tasks-containerizer       executors whose containerizer the new flags leave out
 *   tasks-starting            executors that have not registered yet
 *   hostname-change, ip-change, port-change                 the master would not have it, or it must be allowed
 *   unknown-flag, help-unknown                              what the agent's --help knows
 *   flag-value                a value with which this version would not start
 *   domain-ignored, domain-required, role-ignored           what the master would not have, by the request's facts of it
 *   reservations              reservations or volumes that no longer fit
 */
#include <jansson.h>

#include "agentctl/facts.h"
#include "protocol/request.h"

enum finding_severity {
	FINDING_WARN,
	FINDING_REFUSE,
	FINDING_TASK_LOSS, /* refuse, unless the loss is allowed; shown as refuse, then as warn */
};

struct finding {
	const char *code;
	enum finding_severity severity;
	char *text;
};
struct findings {
	struct finding *items;
	size_t count;
};
void findings_clear(struct findings *findings);
void findings_add(struct findings *findings, const char *code, enum finding_severity severity, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* [{"code": …, "severity": "refuse"|"warn", "text": …}, …] */
json_t *findings_to_json(const struct findings *findings);
/* ERROR_REFUSED with the text of every finding that refuses; 0 when none does. */
int findings_judge(const struct findings *findings, struct error *err);

/* What stands in the way of a restart as it is: for inspect. */
void preflight_host(const struct facts *facts, struct findings *out);
/* What stands in the way of this request, the above included, by what the request allows. */
void preflight_request(const struct facts *facts, const struct request *request, struct findings *out);

/* The parts. */
void preflight_work_dir(const struct facts *facts, struct findings *out);
void preflight_process(const struct facts *facts, struct findings *out);
void preflight_checkpoint(const struct facts *facts, struct findings *out);
void preflight_store(const struct facts *facts, struct findings *out);
void preflight_tasks(const struct facts *facts, struct findings *out);
void preflight_executors(const struct facts *facts, struct findings *out);
void preflight_containerizers(const struct facts *facts, const struct flags *next, struct findings *out);
/* Which tasks of facts->checkpoint are in Docker containers; the caller frees it. */
bool *preflight_find_docker(const struct facts *facts);
void preflight_change(const struct facts *facts, const struct request *request, struct findings *out);

/* The flags that `<executable> --help` lists. */
struct known_flags {
	char **names;
	size_t count; /* 0: it said nothing of the kind */
};
void known_flags_clear(struct known_flags *known);
void known_flags_parse(const char *help, struct known_flags *out); /* out must be cleared */
void known_flags_ask(const char *executable, struct known_flags *out);
bool known_flags_have(const struct known_flags *known, const char *name);

/* "Puppet", "Chef", "Salt", "Ansible" or "CFEngine" when it manages that file of a store; NULL: nobody that we know of. */
const char *preflight_manager(const char *root, const struct store_file *file);

/* Does the agent run in a container with processes of its own? */
bool preflight_has_own_processes(const struct facts *facts);
/* The control group of its container: one that a container engine made and that is not ours, too; NULL: it is in none. The caller's. */
char *preflight_container_group(const struct facts *facts);

/* The control group that systemd put a process into, "/system.slice/mesos-agent.service" (version 2, or the hierarchy
 * name=systemd); NULL when it cannot be read. The caller's. */
char *preflight_cgroup(long pid);
/* The same, from the text of /proc/PID/cgroup. */
char *preflight_cgroup_parse(const char *text);

#endif
