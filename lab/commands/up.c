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
	json_t *answer = control_ask(lab, "master", json_pack("{ss}", "type", "status"), ASK_TIMEOUT_MS, NULL), *agent;
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

static int wait_for_all(const struct lab *lab, struct error *err)
{
	int64_t tasks = (int64_t)lab->host_count * (lab->tasks_per_agent + lab->loose_tasks_per_agent);
	int64_t deadline = clock_monotonic_ms() + WAIT_BASE_MS + (int64_t)lab->host_count * WAIT_PER_AGENT_MS;
	struct progress progress = {.registered = 0};
	while (clock_monotonic_ms() < deadline) {
		progress = look(lab);
		if (progress.registered == lab->host_count && progress.running >= tasks)
			return 0;
		usleep(LOOK_EVERY_US);
	}
	return error_set(
		err, ERROR_UNREACHABLE,
		"the lab did not come up: %zu of %zu agents registered, %lld of %lld tasks running; see %s/log",
		progress.registered, lab->host_count, (long long)progress.running, (long long)tasks, lab->dir);
}

static int start(const struct lab *lab, struct error *err)
{
	if (process_start_role(lab, "front", err) < 0 || process_start_role(lab, "supervisor", err) < 0)
		return -1;
	return wait_for_all(lab, err);
}

static void explain(const struct lab *lab, int64_t took_ms)
{
	char span[CLOCK_TEXT_MAX];
	printf("A lab of %zu agents is up in %s (%s).\n\n", lab->host_count, lab->dir,
	       clock_format_span(took_ms, span));
	printf("  master          http://%s\n", lab->master);
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
	int result = start(lab, err);
	if (result == 0)
		explain(lab, clock_monotonic_ms() - begin);
	else
		processes_kill_lab(lab); /* the folder stays: its logs say why */
	lab_free(lab);
	return result;
}

int command_up(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	struct layout_request request = {.dir = "lab", .agents = 12, .zones = 3, .tasks_per_agent = 2, .time_scale = 1};
	const char *scale = NULL;
	const struct option options[] = {
		{"agents", 'n', OPTION_INT, &request.agents, "N", "how many agents, each on a host of its own (12)", 1,
		 4000},
		{"zones", 'z', OPTION_INT, &request.zones, "K", "over how many zones they are spread (3)", 1, 1000},
		{"dir", 'd', OPTION_STRING, &request.dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{"tasks-per-agent", 't', OPTION_INT, &request.tasks_per_agent, "T",
		 "tasks of frameworks that checkpoint, per agent (2)", 0, 100},
		{"loose-tasks-per-agent", 0, OPTION_INT, &request.loose_tasks_per_agent, "T",
		 "tasks of a framework that does not checkpoint, per agent (0)", 0, 100},
		{"time-scale", 0, OPTION_STRING, &scale, "X", "divide all clocks of Mesos by X (1)", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	if (result == 0)
		result = parse_scale(scale, &request.time_scale, &session->error);
	if (result == 0)
		result = up(&request, &session->error);
	arguments_clear(&operands);
	return result < 0 ? -1 : 0;
}
