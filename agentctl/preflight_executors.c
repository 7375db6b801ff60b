/* SPDX-License-Identifier: Apache-2.0 */
/* Executors that outlive their agent and that the next one would not take over all the same: by the agent's version and flags. */
#include <string.h>

#include "agentctl/doomed.h"
#include "base/alloc.h"

/* Which executors are in Docker containers. */
struct docker_lookup {
	bool docker, mesos; /* the containerizers that the agent runs with */
	struct checkpoint_agent agent;
	const char *container; /* the one that was asked about last: an executor's tasks come one after the other */
	bool answer;
};

static void lookup_init(struct docker_lookup *lookup, const struct facts *facts)
{
	const char *containerizers = flags_get(&facts->agent.flags, "containerizers");

	memset(lookup, 0, sizeof *lookup);
	lookup->docker = containerizers_have(containerizers, "docker");
	lookup->mesos = containerizers_have(containerizers, "mesos");
	checkpoint_agent_open(facts->host.root, facts->host.work_dir, facts->checkpoint.agent_id, &lookup->agent);
}

static void lookup_end(struct docker_lookup *lookup)
{
	checkpoint_agent_close(&lookup->agent);
}

static bool is_in_docker(struct docker_lookup *lookup, const struct checkpoint_task *task)
{
	if (!lookup->docker || !lookup->mesos)
		return lookup->docker;
	if (lookup->container == NULL || strcmp(lookup->container, task->container_id) != 0)
		lookup->answer = checkpoint_executor_in_docker(&lookup->agent, task);
	lookup->container = task->container_id;
	return lookup->answer;
}

bool *preflight_find_docker(const struct facts *facts)
{
	bool *found = xcalloc(facts->checkpoint.task_count + 1, sizeof *found);
	struct docker_lookup lookup;

	if (facts->checkpoint.task_count == 0)
		return found;
	lookup_init(&lookup, facts);
	for (size_t i = 0; i < facts->checkpoint.task_count; i++)
		found[i] = !facts->checkpoint.tasks[i].completed && is_in_docker(&lookup, &facts->checkpoint.tasks[i]);
	lookup_end(&lookup);
	return found;
}

static bool is_meant(const struct checkpoint_task *task)
{
	return !task->completed && task->framework_checkpoints;
}

void preflight_executors(const struct facts *facts, struct findings *out)
{
	const char *containerizers = flags_get(&facts->agent.flags, "containerizers");
	struct doomed starting = DOOMED_INIT;
	struct doomed http = DOOMED_INIT;
	struct docker_lookup lookup;
	char *why;

	lookup_init(&lookup, facts);
	for (size_t i = 0; i < facts->checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &facts->checkpoint.tasks[i];
		/* A thousand executors with a driver need not be asked: they are kept wherever they are. */
		bool docker = is_meant(task) && task->executor_api == EXECUTOR_HTTP && is_in_docker(&lookup, task);

		if (!is_meant(task))
			continue;
		if (task->executor_api == EXECUTOR_UNREGISTERED)
			doomed_add_task(&starting, task);
		else if (docker && executor_after_restart(task->executor_api, docker, containerizers,
							  &facts->version) == EXECUTOR_DOCKER_WITHOUT_PID)
			doomed_add_task(&http, task);
	}
	lookup_end(&lookup);
	why = xasprintf(
		"they are in Docker containers and use the executor API over HTTP, and an agent of Mesos %s that "
		"starts takes over only those with a driver, and stops the containers of the others",
		facts->version_text == NULL ? "(of unknown version)" : facts->version_text);
	doomed_report(&http, "tasks-docker-http", FINDING_TASK_LOSS, why, out);
	doomed_report(
		&starting, "tasks-starting", FINDING_WARN,
		"they have not registered with the agent yet, and the one that starts would not know how to reach "
		"them",
		out);
	free(why);
}

static bool loses(const char *before, const char *after, const char *name)
{
	return containerizers_have(before, name) && !containerizers_have(after, name);
}

void preflight_containerizers(const struct facts *facts, const struct flags *next, struct findings *out)
{
	const char *before = flags_get(&facts->agent.flags, "containerizers");
	const char *after = flags_get(next, "containerizers");
	struct doomed lost = DOOMED_INIT;
	struct docker_lookup lookup;

	if (facts->checkpoint.agent_id == NULL || (!loses(before, after, "docker") && !loses(before, after, "mesos")))
		return;
	lookup_init(&lookup, facts);
	for (size_t i = 0; i < facts->checkpoint.task_count; i++) {
		const struct checkpoint_task *task = &facts->checkpoint.tasks[i];

		if (is_meant(task) && executor_after_restart(task->executor_api, is_in_docker(&lookup, task), after,
							     &facts->version) == EXECUTOR_NOT_TAKEN_OVER)
			doomed_add_task(&lost, task);
	}
	lookup_end(&lookup);
	doomed_report(&lost, "tasks-containerizer", FINDING_TASK_LOSS,
		      "--containerizers would no longer name the one that runs them", out);
}
