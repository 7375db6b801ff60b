/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator under random sequences: launches, declines, ends, shrinks, growths, moves between roles, closings, losses
 * and failovers. After every step what is used and offered is compared with what there is, in plain numbers that are
 * counted here and not by the allocator; at the end of a sequence nothing may have leaked, and all of it is offered.
 *
 *   ALLOCATOR_SEED=N        this sequence alone;  ALLOCATOR_SEQUENCES=N   so many, from seed 1
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lab/master/allocator.h"
#include "lab/master/allocator_book.h"
#include "tests/support/amounts.h"
#include "tests/support/cmocka.h"
#include "tests/support/random.h"

#define SEQUENCES  1500
#define STEPS      24
#define AGENTS     3
#define FRAMEWORKS 3
#define TASKS      24

struct task {
	bool lives;
	int agent, framework;
	const char *role;
	struct amounts uses;
};

struct world {
	struct allocator *allocator;
	uint64_t random;
	int64_t now_ms;
	struct amounts total[AGENTS];
	bool known[AGENTS], open[AGENTS], there[FRAMEWORKS];
	struct task tasks[TASKS];
	size_t launched;
};

/* ---- what is true of the world */

static struct amounts used_of(const struct world *world, int agent)
{
	struct amounts used = {.of = {0}};
	for (const struct task *task = world->tasks; task < world->tasks + TASKS; task++) {
		if (task->lives && task->agent == agent)
			amounts_sum(&used, &task->uses);
	}
	return used;
}

static const char *check_offer(const struct world *world, const struct allocator_offer *offer)
{
	int agent = offer->agent[0] - 'a', framework = offer->framework[0] - 'f';
	if (!world->known[agent] || !world->open[agent])
		return "an offer of an agent that is not open";
	if (!world->there[framework])
		return "an offer to a framework that is gone";
	for (size_t i = 0; i < offer->resources.count; i++) {
		const char *role = amounts_role_of(offer->resources.items[i]);
		if (strcmp(role, "*") != 0 && strcmp(role, offer->role) != 0)
			return "something is offered that is reserved for others";
	}
	return NULL;
}

/* What is offered of the agent; not NULL: what is wrong with it. */
static const char *offered_of(const struct world *world, int agent, struct amounts *offered)
{
	const char *wrong = NULL;
	for (const struct allocator_offer *offer = allocator_offers(world->allocator); offer != NULL && wrong == NULL;
	     offer = offer->next) {
		if (offer->agent[0] - 'a' != agent)
			continue;
		wrong = check_offer(world, offer);
		if (wrong == NULL)
			wrong = amounts_add(offered, &offer->resources);
	}
	return wrong;
}

static const char *check_agent(const struct world *world, int agent)
{
	struct amounts offered = {.of = {0}}, used = used_of(world, agent);
	const char *wrong = offered_of(world, agent, &offered);
	return wrong != NULL ? wrong : amounts_check(&world->total[agent], &used, &offered);
}

static const char *check(const struct world *world)
{
	const char *wrong = NULL;
	for (int agent = 0; agent < AGENTS && wrong == NULL; agent++)
		wrong = check_agent(world, agent);
	return wrong;
}

/* ---- steps */

static const char *const agent_names[AGENTS] = {"a", "b", "c"};
static const char *const framework_names[FRAMEWORKS] = {"f", "g", "h"};

static void tell_agent(struct world *world, int agent)
{
	struct resources total = amounts_to_resources(&world->total[agent]);
	allocator_set_agent(world->allocator, agent_names[agent], &total, world->open[agent], false);
	resources_clear(&total);
}

static void tell_uses(struct world *world, int agent)
{
	struct allocator_use uses[TASKS];
	struct resources resources[TASKS];
	size_t count = 0;
	for (size_t i = 0; i < TASKS; i++) {
		const struct task *task = &world->tasks[i];
		if (!task->lives || task->agent != agent)
			continue;
		resources[count] = amounts_to_resources(&task->uses);
		uses[count] = (struct allocator_use){framework_names[task->framework], task->role, &resources[count]};
		count++;
	}
	allocator_set_uses(world->allocator, agent_names[agent], uses, count);
	while (count > 0)
		resources_clear(&resources[--count]);
}

static void tell_framework(struct world *world, int framework)
{
	const char *const own[] = {amounts_roles[framework], amounts_roles[(framework + 1) % 3]};
	allocator_set_framework(world->allocator, framework_names[framework], own,
				1 + (size_t)random_below(&world->random, 2), false);
}

static void resize(struct world *world, int agent) /* shrinks, grows, moves between roles */
{
	world->total[agent] = amounts_random(&world->random);
	world->known[agent] = true;
	tell_agent(world, agent);
}

static const struct allocator_offer *some_offer(struct world *world)
{
	const struct allocator_offer *offer = allocator_offers(world->allocator);
	for (int i = random_below(&world->random, 4); offer != NULL && i > 0 && offer->next != NULL; i--)
		offer = offer->next;
	return offer;
}

static struct task *free_task(struct world *world)
{
	for (size_t i = 0; i < TASKS; i++) {
		if (!world->tasks[i].lives)
			return &world->tasks[i];
	}
	return NULL;
}

/* A task of a random part of an offer; the rest goes back, perhaps with a filter. */
static void launch(struct world *world)
{
	const struct allocator_offer *offer = some_offer(world);
	struct task *task = free_task(world);
	if (offer == NULL || task == NULL)
		return;
	*task = (struct task){.lives = true,
			      .agent = offer->agent[0] - 'a',
			      .framework = offer->framework[0] - 'f',
			      .role = amounts_roles[amounts_role_index(offer->role)]};
	amounts_add(&task->uses, &offer->resources);
	for (size_t i = 0; i < AMOUNTS_KINDS; i++)
		task->uses.of[i] = task->uses.of[i] > 0 ? random_below(&world->random, task->uses.of[i] + 1) : 0;
	for (size_t i = 0; i < AMOUNTS_ROLES; i++)
		task->uses.ports[i] &= (unsigned)random_below(&world->random, 1 << AMOUNTS_PORTS);
	allocator_end_offer(world->allocator, offer->number, random_below(&world->random, 2) ? &offer->resources : NULL,
			    world->now_ms + 500);
	tell_uses(world, task->agent);
	world->launched++;
}

static void decline(struct world *world)
{
	const struct allocator_offer *offer = some_offer(world);
	if (offer != NULL)
		allocator_end_offer(world->allocator, offer->number,
				    random_below(&world->random, 2) ? &offer->resources : NULL, world->now_ms + 500);
}

static void end_one(struct world *world)
{
	struct task *task = &world->tasks[random_below(&world->random, TASKS)];
	if (!task->lives)
		return;
	task->lives = false;
	tell_uses(world, task->agent);
}

static void lose_agent(struct world *world, int agent)
{
	for (size_t i = 0; i < TASKS; i++)
		world->tasks[i].lives &= world->tasks[i].agent != agent;
	world->known[agent] = false;
	world->total[agent] = (struct amounts){.of = {0}};
	allocator_remove_agent(world->allocator, agent_names[agent]);
}

static void lose_framework(struct world *world, int framework) /* its tasks run on */
{
	world->there[framework] = false;
	allocator_remove_framework(world->allocator, framework_names[framework]);
}

static void offered(void *ctx, const struct allocator_offer *offer)
{
	(void)ctx;
	(void)offer;
}

static const struct allocator_ops ops = {.offered = offered, .rescinded = offered};

/* Another master: it knows what agents and frameworks tell it, and no offer of the one before. */
static void fail_over(struct world *world)
{
	allocator_free(world->allocator);
	world->allocator = allocator_new(&ops, world);
	for (int i = 0; i < AGENTS; i++) {
		if (!world->known[i])
			continue;
		tell_agent(world, i);
		tell_uses(world, i);
	}
	for (int i = 0; i < FRAMEWORKS; i++) {
		if (world->there[i])
			tell_framework(world, i);
	}
}

static void come(struct world *world, int framework)
{
	world->there[framework] = true;
	tell_framework(world, framework);
}

static void toggle(struct world *world, int agent)
{
	world->open[agent] = !world->open[agent];
	if (world->known[agent])
		tell_agent(world, agent);
}

static void run(struct world *world)
{
	world->now_ms += 100;
	allocator_run(world->allocator, world->now_ms);
}

static void suppress_or_revive(struct world *world, int framework, bool suppress)
{
	(suppress ? allocator_suppress : allocator_revive)(world->allocator, framework_names[framework],
							   &amounts_roles[framework],
							   (size_t)random_below(&world->random, 2));
}

static void step(struct world *world)
{
	int agent = random_below(&world->random, AGENTS), framework = random_below(&world->random, FRAMEWORKS),
	    what = random_below(&world->random, 34);
	if (what < 8)
		run(world);
	else if (what < 15)
		launch(world);
	else if (what < 18)
		decline(world);
	else if (what < 22)
		end_one(world);
	else if (what < 26)
		resize(world, agent);
	else if (what < 28)
		come(world, framework);
	else if (what == 28)
		lose_framework(world, framework);
	else if (what == 29)
		toggle(world, agent);
	else if (what == 30)
		lose_agent(world, agent);
	else if (what == 31)
		fail_over(world);
	else
		suppress_or_revive(world, framework, what == 32);
}

/* ---- a sequence */

static const char *check_left(const struct world *world, int agent)
{
	struct amounts left = world->total[agent], offered = {.of = {0}};
	const char *wrong = offered_of(world, agent, &offered);
	for (size_t i = 0; i < AMOUNTS_KINDS; i++)
		left.of[i] -= offered.of[i];
	return wrong == NULL && amounts_worth_offering(&left) ? "what is free is not offered again" : wrong;
}

/* When all frameworks are there and want everything, everything is offered. */
static const char *check_offered_again(struct world *world)
{
	const char *wrong = NULL;
	for (int i = 0; i < FRAMEWORKS; i++) {
		come(world, i);
		allocator_revive(world->allocator, framework_names[i], NULL, 0);
	}
	for (int i = 0; i < AGENTS; i++) {
		world->open[i] = true;
		if (world->known[i])
			tell_agent(world, i);
	}
	run(world);
	for (int i = 0; i < AGENTS && wrong == NULL; i++)
		wrong = world->known[i] ? check_left(world, i) : NULL;
	return wrong != NULL ? wrong : check(world);
}

static const char *check_leaks(struct world *world)
{
	const char *wrong = NULL;
	memset(world->tasks, 0, sizeof(world->tasks));
	while (allocator_offers(world->allocator) != NULL)
		allocator_end_offer(world->allocator, allocator_offers(world->allocator)->number, NULL, 0);
	for (int i = 0; i < AGENTS && wrong == NULL; i++) {
		struct resources left = {.items = NULL}, total = amounts_to_resources(&world->total[i]);
		const struct allocator_agent *agent = allocator_agent_find(world->allocator, agent_names[i]);
		tell_uses(world, i);
		if (agent != NULL)
			allocator_free_of(world->allocator, agent, &left);
		if ((agent != NULL) != world->known[i] || !resources_equal(&left, &total))
			wrong = "not all that there is is free when nothing is used";
		resources_clear(&left);
		resources_clear(&total);
	}
	return wrong;
}

static void begin(struct world *world, uint64_t seed)
{
	*world = (struct world){.random = seed, .allocator = allocator_new(&ops, world)};
	for (int i = 0; i < AGENTS; i++) {
		world->open[i] = true;
		resize(world, i);
	}
	for (int i = 0; i < FRAMEWORKS; i++)
		come(world, i);
	run(world);
}

static size_t run_sequence(uint64_t seed)
{
	struct world world;
	const char *wrong = NULL;
	int at = 0;
	begin(&world, seed);
	for (; at < STEPS && (wrong = check(&world)) == NULL; at++)
		step(&world);
	if (wrong == NULL)
		wrong = check(&world);
	if (wrong == NULL)
		wrong = check_leaks(&world);
	if (wrong == NULL)
		wrong = check_offered_again(&world);
	allocator_free(world.allocator);
	if (wrong != NULL)
		fail_msg("%s after step %d: ALLOCATOR_SEED=%llu repeats it", wrong, at, (unsigned long long)seed);
	return world.launched;
}

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);
	return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

static void nothing_leaks_and_nothing_is_given_twice(void **state)
{
	uint64_t seed = setting("ALLOCATOR_SEED", 0), count = setting("ALLOCATOR_SEQUENCES", SEQUENCES);
	size_t launched = 0;
	(void)state;
	if (seed != 0)
		run_sequence(seed);
	for (uint64_t i = 1; i <= count && seed == 0; i++)
		launched += run_sequence(i);
	assert_true(seed != 0 || launched > count); /* the sequences do something */
	print_message("%llu sequences, %zu launches\n", (unsigned long long)count, launched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_leaks_and_nothing_is_given_twice)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
