/* SPDX-License-Identifier: Apache-2.0 */
/* Time, chance and events. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void world_init(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof *world);
	world->seed = seed;
	world->random = seed * 0x9e3779b97f4a7c15u + 1;
	world->now = 1000;
	world->masters = 1;
	world->run = "run";
	world->largest = 50;
}

void world_clear(struct world *world)
{
	free(world->events);
	for (size_t i = 0; i < world->host_count; i++)
		host_clear(&world->hosts[i]);
	free(world->hosts);
	free(world->stale_hosts);
	free(world->watched);
	free(world->failed);
	free(world->stage_gates_passed);
	free(world->targets);
	free(world->plan_targets);
	free(world->order);
	if (world->plan.agents != world->first_plan.agents)
		plan_clear(&world->first_plan);
	plan_clear(&world->plan);
	slaveinfo_free(world->info[OLD]);
	slaveinfo_free(world->info[NEW]);
	slaveinfo_free(world->figures[OLD]);
	slaveinfo_free(world->figures[NEW]);
}

/* splitmix64: small, and the same everywhere. */
uint64_t world_random(struct world *world)
{
	uint64_t z = (world->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int64_t world_between(struct world *world, int64_t low, int64_t high)
{
	return low + (int64_t)(world_random(world) % (uint64_t)(high - low + 1));
}

bool world_fault(struct world *world, int permille)
{
	bool hit = world_between(world, 0, 999) < permille;

	return hit && !world->faults_over;
}

static bool sooner(const struct sim_event *a, const struct sim_event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event kept = *a;

	*a = *b;
	*b = kept;
}

void world_at(struct world *world, int64_t delay_ms,
	      void (*act)(struct world *world, struct sim_host *host, int generation, uint64_t detail),
	      struct sim_host *host, int generation, uint64_t detail)
{
	size_t i = world->event_count++;

	if (world->event_count > world->event_cap) {
		world->event_cap = world->event_cap ? world->event_cap * 2 : 64;
		world->events = xreallocarray(world->events, world->event_cap, sizeof *world->events);
	}
	world->events[i] =
		(struct sim_event){world->now + delay_ms, world->next_order++, act, host, generation, detail};
	for (; i > 0 && sooner(&world->events[i], &world->events[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&world->events[i], &world->events[(i - 1) / 2]);
}

static struct sim_event take_first(struct world *world)
{
	struct sim_event first = world->events[0];
	size_t i = 0;

	world->events[0] = world->events[--world->event_count];
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= world->event_count)
			return first;
		if (child + 1 < world->event_count && sooner(&world->events[child + 1], &world->events[child]))
			child++;
		if (!sooner(&world->events[child], &world->events[i]))
			return first;
		swap(&world->events[i], &world->events[child]);
		i = child;
	}
}

void world_advance(struct world *world, int64_t until)
{
	if (world->event_count > 0 && world->events[0].at <= until) {
		int64_t at = world->events[0].at;

		world->now = at;
		while (world->event_count > 0 && world->events[0].at == at) {
			struct sim_event event = take_first(world);

			world->trace = (world->trace ^ (uint64_t)event.at) * 0x100000001b3u + event.order;
			event.act(world, event.host, event.generation, event.detail);
		}
		return;
	}
	world->now = until;
}

void world_violation(struct world *world, const char *format, ...)
{
	va_list args;

	if (world->violation[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(world->violation, sizeof world->violation, format, args);
	va_end(args);
	world_say(world, "VIOLATION: %s", world->violation);
}

void world_say(struct world *world, const char *format, ...)
{
	va_list args;

	if (!world->verbose)
		return;
	printf("%9.3f  ", (double)world->now / 1000);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}
