/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/agent/agent.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "lab/agent/agent_log.h"
#include "lab/core/detector.h"
#include "lab/core/files.h"
#include "lab/core/roles.h"
#include "lab/host/stand_in.h"
#include "mesos/pb.h"
#include "mesos/version.h"

extern char **environ;

static void free_tasks(struct agent_task *list)
{
	while (list != NULL) {
		struct agent_task *task = list;
		list = task->next;
		agent_task_free(task);
	}
}

static void agent_clear(struct agent *agent)
{
	free_tasks(agent->tasks);
	free_tasks(agent->completed);
	pb_free(agent->drain);
	agent_updates_clear(agent);
	agent_log_close(agent->log);
	link_free(agent->master);
	detector_free(agent->detector);
	free(agent->leader);
	listener_free(agent->executors);
	agent_web_free(agent->web);
	timer_free(agent->master_timer);
	timer_free(agent->recovery_timer);
	timer_free(agent->fault_timer);
	timer_free(agent->ping_timer);
	timer_free(agent->update_timer);
	events_free(agent->events);
	slaveinfo_free(agent->info);
	resources_clear(&agent->reserved);
	flags_clear(&agent->flags);
	json_decref(agent->pending);
	lab_free(agent->lab);
	free(agent->root);
	free(agent->work_dir);
	free(agent->ip);
}

static void on_signal(void *ctx, int number)
{
	struct agent *agent = ctx;
	if (number == SIGUSR1) {
		agent_say(agent, 'I', "slave.cpp:1047", "Received SIGUSR1 signal; unregistering and shutting down");
		agent_unregister(agent);
		agent_end_tasks(agent);
		agent->phase = AGENT_TERMINATING;
		if (agent->tasks != NULL)
			return; /* ends when the last executor is gone */
	} else {
		agent->signal = number;
	}
	events_stop(agent->events);
}

/* Who this agent is, from its flags. */
static int make_info(struct agent *agent, struct error *err)
{
	struct detected detected = DETECTED_UNKNOWN;
	char *work_dir = path_under(agent->root, agent->work_dir);
	int result = file_make_dirs(work_dir, 0755, err);
	if (result == 0)
		result = detect_machine(work_dir, &detected, err);
	free(work_dir);
	if (result < 0 || flags_resolve_files(&agent->flags, agent->root, err) < 0)
		return -1;
	detected.hostname = agent->host;
	agent->info = slaveinfo_from_flags(&agent->flags, &detected, &agent->release.version, err);
	return agent->info != NULL ? 0 : -1;
}

static void say_itself(const struct agent *agent)
{
	struct buffer resources = BUFFER_INIT(1u << 20);
	struct resources own = {.items = NULL};
	char *started = xasprintf("Mesos agent started on (1)@%s:%d", agent->ip, agent->port);
	char *hostname = xasprintf("Agent hostname: %s", agent->info->hostname);
	resources_copy(&own, agent->info->resources, agent->info->n_resources);
	buffer_puts(&resources, "Agent resources: ");
	resources_to_text(&own, &resources);
	agent_say(agent, 'I', "slave.cpp:283", started);
	agent_say(agent, 'I', "slave.cpp:631", buffer_text(&resources));
	agent_say(agent, 'I', "slave.cpp:648", hostname);
	resources_clear(&own);
	buffer_clear(&resources);
	free(started);
	free(hostname);
}

static int open_log(struct agent *agent, struct error *err)
{
	const char *folder = agent_flag(&agent->flags, "log_dir");
	if (folder == NULL)
		return 0;
	agent->log = agent_log_open(agent->root, folder, agent->host, err);
	if (agent->log == NULL)
		return -1;
	char *version = xasprintf("Version: %s", agent->version_text);
	agent_say(agent, 'I', "main.cpp:546", version);
	free(version);
	json_t *flags = flags_to_json(&agent->flags);
	char *shown = json_dumps(flags, JSON_COMPACT), *line = xasprintf("Flags at startup: %s", shown);
	agent_log_write(agent->log, 'I', "slave.cpp:263", line);
	free(line);
	free(shown);
	json_decref(flags);
	return 0;
}

static int prepare(struct agent *agent, struct error *err)
{
	const char *host = NULL, *ip = NULL;
	if (stand_in_host(&agent->lab, &agent->root, &host, err) < 0)
		return -1;
	agent->host = agent->root + (host - agent->root);
	agent->work_dir = xstrdup(agent_flag(&agent->flags, "work_dir"));
	ip = agent_flag(&agent->flags, "ip");
	agent->ip = xstrdup(ip != NULL ? ip : "127.0.0.1");
	agent->start_time = (double)clock_wall_ms() / 1000;
	agent->cleanup = strcmp(agent_flag(&agent->flags, "recover"), "cleanup") == 0;
	agent->pending = json_array();
	if (open_log(agent, err) < 0 || agent_exit_faults(agent, err) < 0 || make_info(agent, err) < 0)
		return -1;
	agent->port = agent->info->has_port ? agent->info->port : LAB_AGENT_PORT;
	say_itself(agent);
	return 0;
}

/* What it ends with, where it is looked for: on stderr, and in its log. */
static void say_last_words(const struct agent *agent, const char *text)
{
	fprintf(stderr, "%s\n", text);
	agent_log_write(agent->log, 'E', "main.cpp:612", text);
}

static void print_refusal(const struct agent *agent, const struct buffer *refusal)
{
	char *text = xasprintf("Failed to perform recovery: %s\n"
			       "If recovery failed due to a change in configuration and you want to\n"
			       "keep the current agent id, you might want to change the\n"
			       "`--reconfiguration_policy` flag to a more permissive value.\n"
			       "\n"
			       "To restart this agent with a new agent id instead, do as follows:\n"
			       "rm -f %s/meta/slaves/latest\n"
			       "This ensures that the agent does not recover old live executors.",
			       buffer_text(refusal), agent->work_dir);
	say_last_words(agent, text);
	free(text);
}

static int run(struct agent *agent, struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, 0};
	struct buffer refusal = BUFFER_INIT(32u << 20);
	signal(SIGCHLD, SIG_IGN); /* executors tell of their end by closing their connection */
	agent->events = events_new(err);
	if (agent->events == NULL || events_on_signals(agent->events, signals, on_signal, agent, err) < 0 ||
	    agent_serve(agent, err) < 0 || agent_listen_executors(agent, err) < 0)
		return -1;
	if (agent_begin_faults(agent, err) < 0)
		return -1;
	if (!agent->cleanup)
		agent_connect(agent);
	int result = agent_recover(agent, &refusal, err);
	if (result < 0 && refusal.len > 0)
		print_refusal(agent, &refusal);
	buffer_clear(&refusal);
	if (result < 0)
		return -1;
	agent_await_executors(agent);
	events_run(agent->events);
	if (agent->failure != NULL)
		return error_set(err, ERROR_REFUSED, "%s", agent->failure);
	agent_say(agent, 'I', "slave.cpp:1004", "Agent terminating");
	return 0;
}

void agent_say(const struct agent *agent, char level, const char *place, const char *text)
{
	agent_log_write(agent->log, level, place, text);
}

void agent_trim(void)
{
	malloc_trim(0);
}

/* Which Mesos is installed on this host: a file that a package's upgrade would replace. */
static void read_version(struct agent *agent)
{
	char *root = stand_in_root();
	char *path = root != NULL ? path_join(root, LAB_VERSION_FILE) : NULL;
	char *text = path != NULL && file_exists(path) ? files_read_line(path) : NULL;
	struct mesos_version *version = &agent->release.version;
	if (text == NULL || mesos_version_parse(text, version, NULL) < 0)
		*version = mesos_version_newest;
	snprintf(agent->version_text, sizeof(agent->version_text), "%d.%d.%d", version->major % 1000,
		 version->minor % 1000, version->patch % 1000);
	free(text);
	free(path);
	path = root != NULL ? path_join(root, LAB_DIALECT_FILE) : NULL;
	text = path != NULL && file_exists(path) ? files_read_line(path) : NULL;
	agent->release.proposal = text != NULL && strcmp(text, LAB_DIALECT_PROPOSAL) == 0;
	free(text);
	free(path);
	free(root);
}

int role_agent(int argc, const char *const argv[])
{
	struct agent agent = {.phase = AGENT_RECOVERING};
	struct error err = ERROR_INIT;
	log_setup("mesos-agent", LOG_INFO);
	read_version(&agent);
	int result = agent_flags_read(argc, argv, (const char *const *)(uintptr_t)environ, &agent.release, &agent.flags,
				      &err);
	if (result > 0)
		return 0;
	if (result < 0 && err.kind == ERROR_USAGE)
		fprintf(stderr, "%s\n\nSee `mesos-agent --help` for a list of supported flags.\n", err.text);
	else if (result < 0)
		fprintf(stderr, "%s\n", err.text);
	if (result < 0)
		return 1;
	result = prepare(&agent, &err);
	if (result == 0)
		result = run(&agent, &err);
	if (result < 0 && err.kind != ERROR_NONE)
		say_last_words(&agent, err.text);
	int number = agent.signal;
	agent_clear(&agent);
	if (result == 0 && number != 0) { /* as if it had never been caught: systemd takes that for a clean end */
		events_reset_signals();
		raise(number);
	}
	return result < 0 ? 1 : 0;
}
