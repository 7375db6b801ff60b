/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agentctl says, on its way to rollcall: at once, or from a far host after up to two minutes, in order all the same. A line
 * may be spoiled on its way: noise, or the word of another operation.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/transport_simulated.h"
#include "tests/sim/judge.h"

#define FAR_MS 120000

struct sim_line { /* or the end of a conversation */
	uint64_t number, exec;
	int listener;
	char *text; /* NULL: the end */
	int status; /* agentctl's; -1: the connection was lost */
	struct told told;
	struct sim_line *next;
};

static void free_line(struct sim_line *line)
{
	free(line->text);
	free(line);
}

static void close_exec(struct world *world, uint64_t exec, int status)
{
	struct error lost = ERROR_INIT;
	struct simulated_close close = {.exit_status = status, .delivered = true};

	if (status < 0) {
		error_set(&lost, ERROR_UNREACHABLE, "agentctl was killed");
		close.error = &lost;
	}
	transport_simulated_closed(world->process.transport, exec, &close);
}

static bool is_evidence(enum answer_event event)
{
	return event == ANSWER_STARTED || event == ANSWER_UNDONE || event == ANSWER_DONE;
}

static void deliver(struct sim_host *host, const struct sim_line *line)
{
	struct world *world = host->world;

	/* Who listened may be dead, or stand still while somebody else drives. */
	if (line->listener != world->process.number)
		return;
	if (line->text) {
		struct told told = line->told;

		/* Nor is what follows on that conversation listened to; without a process it is no evidence, either. */
		if (told.spoiled || (is_evidence(told.event) && !told.runs))
			host->spoiled_exec = line->exec;
		told.spoiled = host->spoiled_exec == line->exec;
		if (transport_simulated_line(world->process.transport, line->exec, line->text) == 0)
			judge_told(world, host, &told);
		return;
	}
	close_exec(world, line->exec, line->status);
	judge_hung_up(world, host, line->exec);
}

static void act_arrive(struct world *world, struct sim_host *host, int generation, uint64_t number)
{
	(void)generation;
	for (struct sim_line **at = &world->lines; *at; at = &(*at)->next) {
		struct sim_line *line = *at;

		if (line->number != number)
			continue;
		*at = line->next;
		deliver(host, line);
		free_line(line);
		return;
	}
}

static void send(struct sim_host *host, struct sim_line *line)
{
	struct world *world = host->world;

	if (!(host->traits & IS_FAR)) {
		deliver(host, line);
		free_line(line);
		return;
	}
	line->number = ++world->line_count;
	line->next = world->lines;
	world->lines = line;
	host->heard_until_ms = world->now + world_between(world, 0, FAR_MS) > host->heard_until_ms
				       ? world->now + world_between(world, 0, FAR_MS)
				       : host->heard_until_ms;
	world_at(world, host->heard_until_ms - world->now, act_arrive, host, 0, line->number);
}

static struct sim_line *new_line(const struct sim_host *host)
{
	struct sim_line *line = xcalloc(1, sizeof *line);

	line->exec = host->exec;
	line->listener = host->listener;
	return line;
}

/* true when rollcall cannot take it for a word of this operation any more. */
static bool spoil(struct world *world, char *text, const char *operation)
{
	char *id = operation ? strstr(text, operation) : NULL;

	if (!world_fault(world, world->faults.garbled))
		return false;
	world_say(world, "a line is spoiled");
	if (id && world_between(world, 0, 1))
		*id = *id == '0' ? '1' : '0';
	else
		memset(text, '?', strlen(text));
	return true;
}

void speech_say(struct sim_host *host, const char *text, const char *operation, const struct told *told)
{
	struct sim_line *line;

	if (!host->exec)
		return;
	line = new_line(host);
	line->text = xstrdup(text);
	line->told = *told;
	line->told.spoiled = spoil(host->world, line->text, operation);
	send(host, line);
}

void speech_end(struct sim_host *host, int status)
{
	struct sim_line *line;

	if (!host->exec)
		return;
	line = new_line(host);
	line->status = status;
	host->exec = 0;
	send(host, line);
}

void speech_forget(struct world *world)
{
	while (world->lines) {
		struct sim_line *next = world->lines->next;

		free_line(world->lines);
		world->lines = next;
	}
}
