/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall-lab up: makes a lab, starts it, and returns when every agent is registered and every task runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/commands/commands.h"
#include "lab/commands/layout.h"
#include "lab/commands/masters.h"
#include "lab/core/files.h"
#include "lab/core/link.h"
#include "lab/core/processes.h"
#include "lab/core/roles.h"

#define LOOK_EVERY_US     30000
#define WAIT_BASE_MS      30000
#define WAIT_PER_AGENT_MS 200
#define ASK_TIMEOUT_MS    5000

struct progress {
	size_t registered;
	int64_t running;
};

static struct progress look(const struct lab *lab)
{
	struct progress progress = {.registered = 0};
	json_t *answer = masters_ask_leader(lab, ASK_TIMEOUT_MS), *agent;
	const char *host;
	json_object_foreach(json_object_get(answer, "agents"), host, agent)
	{
		const char *state = json_string_value(json_object_get(agent, "state"));
		progress.registered += state != NULL && strcmp(state, "active") == 0;
		progress.running += json_integer_value(json_object_get(agent, "running"));
	}
	json_decref(answer);
	return progress;
}

static int wait_for_all(const struct lab *lab, int64_t tasks, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + WAIT_BASE_MS + (int64_t)lab->host_count * WAIT_PER_AGENT_MS;
	struct progress progress = {.registered = 0};
	while (clock_monotonic_ms() < deadline) {
		int64_t begin = clock_monotonic_ms();
		progress = look(lab);
		if (progress.registered == lab->host_count && progress.running >= tasks)
			return 0;
		/* The master has better to do than to answer all the time. */
		usleep(LOOK_EVERY_US + (useconds_t)(clock_monotonic_ms() - begin) * 4000);
	}
	return error_set(
		err, ERROR_UNREACHABLE,
		"the lab did not come up: %zu of %zu agents registered, %lld of %lld tasks running; see %s/log",
		progress.registered, lab->host_count, (long long)progress.running, (long long)tasks, lab->dir);
}

static int start(const struct lab *lab, int64_t tasks, struct error *err)
{
	if (process_start_role(lab, "front", err) < 0 || process_start_role(lab, "supervisor", err) < 0)
		return -1;
	return wait_for_all(lab, tasks, err);
}

static void explain(const struct lab *lab, int64_t took_ms)
{
	char span[CLOCK_TEXT_MAX];
	printf("A lab of %zu agent%s is up in %s (%s).\n\n", lab->host_count, lab->host_count == 1 ? "" : "s", lab->dir,
	       clock_format_span(took_ms, span));
	for (size_t i = 0; i < lab->master_count; i++)
		printf("  %-15s %s://%s\n", lab->masters[i].role, lab->tls ? "https" : "http", lab->masters[i].address);
	if (lab->zookeeper != NULL)
		printf("  zookeeper       %s\n", lab->zookeeper);
	printf("  cluster file    %s/rollcall.json\n", lab->dir);
	printf("  first host      ssh -i %s/id_ed25519 -o UserKnownHostsFile=%s/known_hosts -p %d %s@%s\n", lab->dir,
	       lab->dir, LAB_SSH_PORT, lab->user, lab->hosts[0].address);
	printf("\nUse it:    rollcall --config %s/rollcall.json inventory sync\n", lab->dir);
	printf("Look:      rollcall-lab status --dir %s\n", lab->dir);
	printf("Break it:  rollcall-lab break --dir %s %s agent-exit     (break --list explains all)\n", lab->dir,
	       lab->hosts[0].name);
	printf("End it:    rollcall-lab down --dir %s\n", lab->dir);
}

static int parse_scale(const char *text, double *scale, struct error *err)
{
	char *end;
	if (text == NULL)
		return 0;
	*scale = strtod(text, &end);
	if (end == text || *end != '\0' || !(*scale >= 0.01 && *scale <= 1000))
		return error_set(err, ERROR_USAGE, "--time-scale takes a number from 0.01 to 1000, not \"%s\"", text);
	return 0;
}

static int up(const struct layout_request *request, struct error *err)
{
	int64_t begin = clock_monotonic_ms();
	struct lab *lab = layout_make(request, err);
	if (lab == NULL)
		return -1;
	int64_t tasks = request->likeness != NULL
				? (int64_t)request->likeness->tasks
				: request->agents * (lab->tasks_per_agent + lab->loose_tasks_per_agent);
	int result = start(lab, tasks, err);
	if (result == 0)
		explain(lab, clock_monotonic_ms() - begin);
	else
		processes_kill_lab(lab); /* the folder stays: its logs say why */
	lab_free(lab);
	return result;
}

/* "1.4.0,1.12.0"; the caller frees *out. */
static int parse_versions(const char *text, struct mesos_version **out, size_t *count, struct error *err)
{
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ",");
		char *one = xstrndup(text, len);
		*out = xreallocarray(*out, *count + 1, sizeof(**out));
		int result = mesos_version_parse(one, &(*out)[*count], err);
		if (result == 0 && !mesos_version_is_known(&(*out)[*count]))
			result = error_set(err, ERROR_USAGE,
					   "--agent-version: the rules of Mesos %s are not known here", one);
		free(one);
		if (result < 0)
			return -1;
		(*count)++;
		text += text[len] == ',' ? len + 1 : len;
	}
	return 0;
}

/* "proposal", "proposal,stock"; the caller frees *out. */
static int parse_dialects(const char *text, bool **out, size_t *count, struct error *err)
{
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ",");
		bool proposal = len == strlen(LAB_DIALECT_PROPOSAL) && strncmp(text, LAB_DIALECT_PROPOSAL, len) == 0;
		if (!proposal && (len != strlen("stock") || strncmp(text, "stock", len) != 0))
			return error_set(err, ERROR_USAGE,
					 "--dialect: there are \"stock\" and \"" LAB_DIALECT_PROPOSAL
					 "\", and not \"%.*s\"",
					 (int)len, text);
		*out = xreallocarray(*out, *count + 1, sizeof(**out));
		(*out)[(*count)++] = proposal;
		text += text[len] == ',' ? len + 1 : len;
	}
	return 0;
}

/* The likeness decides what options would have. */
static int take_likeness(struct layout_request *request, const char *from, const char *cluster,
			 struct likeness **likeness, struct error *err)
{
	if (from == NULL)
		return cluster == NULL ? 0 : error_set(err, ERROR_USAGE, "--cluster goes with --from");
	*likeness = likeness_read(from, cluster, err);
	if (*likeness == NULL)
		return -1;
	request->likeness = *likeness;
	request->agents = (int64_t)(*likeness)->count;
	request->tasks_per_agent = 0;
	request->loose_tasks_per_agent = 0;
	if (request->masters.versions == NULL)
		request->masters.versions = (*likeness)->master_version;
	if ((*likeness)->region == NULL)
		request->masters.without_domain = request->masters.count;
	if ((*likeness)->gone > 0)
		log_info("%zu agents of the export are left out: the master no longer listed them", (*likeness)->gone);
	return 0;
}

int command_up(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	struct layout_request request = {
		.dir = "lab", .agents = 12, .zones = 3, .tasks_per_agent = 2, .time_scale = 1, .masters = {.count = 1}};
	const char *scale = NULL, *from = NULL, *cluster = NULL, *versions = NULL, *dialects = NULL;
	struct mesos_version *parsed = NULL;
	bool *proposal = NULL;
	struct likeness *likeness = NULL;
	const struct option options[] = {
		{"agents", 'n', OPTION_INT, &request.agents, "N", "how many agents, each on a host of its own (12)", 1,
		 4000},
		{"zones", 'z', OPTION_INT, &request.zones, "K", "over how many zones they are spread (3)", 1, 1000},
		{"dir", 'd', OPTION_STRING, &request.dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{"tasks-per-agent", 't', OPTION_INT, &request.tasks_per_agent, "T",
		 "tasks of frameworks that checkpoint, per agent (2)", 0, 100},
		{"loose-tasks-per-agent", 0, OPTION_INT, &request.loose_tasks_per_agent, "T",
		 "tasks of a framework that does not checkpoint, per agent (0)", 0, 100},
		{"masters", 0, OPTION_INT, &request.masters.count, "N",
		 "masters that elect their leader through a ZooKeeper of the lab's own (1: none)", 1, MASTERS_MAX},
		{"masters-without-domain", 0, OPTION_INT, &request.masters.without_domain, "N",
		 "so many of them, the last ones, have no fault domain (0)", 0, MASTERS_MAX},
		{"master-version", 0, OPTION_STRING, &request.masters.versions, "V[,V...]",
		 "the masters' version of Mesos, or that of each (" LAB_MESOS_VERSION ")", 0, 0},
		{"tls", 0, OPTION_FLAG, &request.masters.tls, NULL, "masters speak HTTPS only, with a CA of the lab's",
		 0, 0},
		{"client-certificates", 0, OPTION_FLAG, &request.masters.client_certificates, NULL,
		 "with --tls: masters let nobody in without a certificate of that CA", 0, 0},
		{"authenticate", 0, OPTION_FLAG, &request.masters.authenticate, NULL,
		 "masters want a principal and its secret (basic authentication)", 0, 0},
		{"agent-version", 0, OPTION_STRING, &versions, "V[,V...]",
		 "the agents' version of Mesos, or several that hosts have in turn (" LAB_MESOS_VERSION ")", 0, 0},
		{"dialect", 0, OPTION_STRING, &dialects, "D[,D...]",
		 "stock agents, or those of the proposal for relaxed recovery (proposal), or in turn (stock)", 0, 0},
		{"from", 0, OPTION_STRING, &from, "FILE",
		 "the likeness of a real cluster: what rollcall inventory export wrote of it", 0, 0},
		{"cluster", 0, OPTION_STRING, &cluster, "NAME", "which of several clusters in that file", 0, 0},
		{"time-scale", 0, OPTION_STRING, &scale, "X", "divide all clocks of Mesos by X (1)", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	if (result == 0)
		result = parse_scale(scale, &request.time_scale, &session->error);
	if (result == 0)
		result = parse_versions(versions, &parsed, &request.version_count, &session->error);
	request.versions = parsed;
	if (result == 0)
		result = parse_dialects(dialects, &proposal, &request.dialect_count, &session->error);
	request.proposal = proposal;
	if (result == 0)
		result = take_likeness(&request, from, cluster, &likeness, &session->error);
	if (result == 0)
		result = up(&request, &session->error);
	arguments_clear(&operands);
	likeness_free(likeness);
	free(parsed);
	free(proposal);
	return result < 0 ? -1 : 0;
}
