/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator learns from the master's book what there is and what is used; its offers go to the schedulers. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lab/master/scheduler.h"

#define ROUND_MS       1000 /* the real master's --allocation_interval */
#define ROUND_LEAST_MS 20   /* however fast the lab's clocks run */

static void offered(void *ctx, const struct allocator_offer *offer)
{
	const struct master_framework *framework = master_framework_find(ctx, offer->framework);
	if (framework != NULL && framework->scheduler != NULL)
		scheduler_send_offer(framework->scheduler, offer);
}

static void rescinded(void *ctx, const struct allocator_offer *offer)
{
	const struct master_framework *framework = master_framework_find(ctx, offer->framework);
	if (framework != NULL && framework->scheduler != NULL)
		scheduler_send_rescind(framework->scheduler, offer);
}

static const struct allocator_ops allocator_ops = {.offered = offered, .rescinded = rescinded};

/* ---- agents */

static const char *region_of(const Mesos__DomainInfo *domain)
{
	return domain != NULL && domain->fault_domain != NULL ? domain->fault_domain->region->name : NULL;
}

static bool is_remote(const struct master *master, const struct master_agent *agent)
{
	const char *own = region_of(master->domain), *its = region_of(agent->info->domain);
	return own != NULL && its != NULL && strcmp(own, its) != 0;
}

const char *master_task_role(const struct master_task *task)
{
	const Mesos__Task *message = task->task;
	if (message->n_resources > 0 && message->resources[0]->allocation_info != NULL &&
	    message->resources[0]->allocation_info->role != NULL)
		return message->resources[0]->allocation_info->role;
	size_t count;
	const char *const *roles = master_framework_roles(task->framework, &count);
	return count > 0 ? roles[0] : "*";
}

static void settle_uses(struct master *master, const struct master_agent *agent)
{
	size_t count = 0, room = 1;
	for (const struct master_task *task = agent->tasks; task != NULL; task = task->next)
		room++;
	struct allocator_use *uses = xcalloc(room, sizeof(*uses));
	struct resources *borrowed = xcalloc(room, sizeof(*borrowed));
	for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
		if (task->unreachable)
			continue;
		borrowed[count] = (struct resources){.items = task->task->resources, .count = task->task->n_resources};
		uses[count] = (struct allocator_use){.framework = task->framework->info->id->value,
						     .role = master_task_role(task),
						     .resources = &borrowed[count]};
		count++;
	}
	allocator_set_uses(master->allocator, agent->id, uses, count);
	free(borrowed);
	free(uses);
}

static void settle(struct master *master, struct master_agent *agent)
{
	struct resources total = {.items = NULL};
	agent->settled = true;
	if (agent->standing != STANDING_REGISTERED) {
		allocator_remove_agent(master->allocator, agent->id);
		return;
	}
	master_agent_total(agent, &total);
	allocator_set_agent(master->allocator, agent->id, &total, master_agent_is_active(agent),
			    is_remote(master, agent));
	settle_uses(master, agent);
	resources_clear(&total);
}

void scheduler_settle(struct master *master)
{
	for (struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		if (!agent->settled)
			settle(master, agent);
	}
}

void scheduler_agent_removed(struct master *master, const struct master_agent *agent)
{
	if (master->allocator == NULL)
		return;
	allocator_remove_agent(master->allocator, agent->id);
	for (struct master_framework *framework = master->frameworks; framework != NULL; framework = framework->next) {
		if (framework->scheduler != NULL)
			scheduler_send_failure(framework->scheduler, agent->id);
	}
}

void scheduler_agent_back(const struct master *master, const struct master_agent *agent)
{
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (framework->scheduler != NULL && framework->scheduler->stream != NULL)
			scheduler_tell_agent(agent, framework);
	}
}

/* ---- rounds */

static bool anybody_subscribed(const struct master *master)
{
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (framework->scheduler != NULL && framework->scheduler->stream != NULL)
			return true;
	}
	return false;
}

static void round_due(void *ctx)
{
	struct master *master = ctx;
	int64_t wait = lab_scaled_ms(master->lab, ROUND_MS);
	if (anybody_subscribed(master)) {
		scheduler_settle(master);
		allocator_run(master->allocator, clock_monotonic_ms());
	}
	timer_set(master->round_timer, wait > ROUND_LEAST_MS ? wait : ROUND_LEAST_MS);
}

void scheduler_open(struct master *master)
{
	master->allocator = allocator_new(&allocator_ops, master);
	master->round_timer = timer_new(master->events, round_due, master);
	timer_set(master->round_timer, 0);
}

void scheduler_close(struct master *master)
{
	allocator_free(master->allocator);
	timer_free(master->round_timer);
	master->allocator = NULL;
	master->round_timer = NULL;
}
