/* SPDX-License-Identifier: Apache-2.0 */
/* The network between rollcall and the hosts: requests arrive late, or after their connection was lost, or never. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/transport_simulated.h"
#include "tests/sim/judge.h"

static struct delivery *take_delivery(struct world *world, int life, uint64_t exec)
{
	for (struct delivery **at = &world->deliveries; *at; at = &(*at)->next)
		if ((*at)->exec == exec && (*at)->life == life) {
			struct delivery *found = *at;

			*at = found->next;
			return found;
		}
	return NULL;
}

static void free_delivery(struct delivery *delivery)
{
	request_clear(&delivery->request);
	free(delivery->bytes);
	free(delivery);
}

static void lose(struct world *world, struct sim_host *host, uint64_t exec, bool delivered, const char *why)
{
	struct error error = ERROR_INIT;
	struct simulated_close close = {.exit_status = -1, .delivered = delivered, .error = &error};

	if (!exec)
		return;
	error_set(&error, ERROR_UNREACHABLE, "%s", why);
	transport_simulated_closed(world->process.transport, exec, &close);
	judge_hung_up(world, host, exec);
}

static void act_arrive(struct world *world, struct sim_host *host, int life, uint64_t exec)
{
	struct delivery *delivery = take_delivery(world, life, exec);

	if (!delivery)
		return;
	if (delivery->late) {
		delivery->late = false;
		delivery->next = world->deliveries;
		world->deliveries = delivery;
		world_at(world, world_between(world, 0, 60000), act_arrive, host, life, exec);
		return;
	}
	/* Who sent it may have died since: then nobody listens, but it arrives all the same. */
	if (life != world->process.number)
		delivery->exec = exec = 0;
	if (!host->up) {
		lose(world, host, exec, false, "the host does not answer");
	} else if (delivery->request.epoch < host->epoch) {
		agentctl_refuse(host, exec, "a newer epoch was seen on this host");
	} else {
		host->epoch = delivery->request.epoch;
		if (delivery->request.kind == REQUEST_APPLY)
			agentctl_on_apply(world, host, delivery);
		else
			agentctl_on_settle(world, host, delivery);
	}
	free_delivery(delivery);
}

static void act_lose(struct world *world, struct sim_host *host, int life, uint64_t exec)
{
	struct delivery *delivery;

	if (life != world->process.number)
		return;
	/* Whether the request had arrived is not for rollcall to know. */
	lose(world, host, exec, true, "the connection was lost");
	if (host->exec == exec && host->listener == life)
		host->exec = 0;
	delivery = take_delivery(world, life, exec);
	if (!delivery)
		return;
	if (!world_fault(world, world->faults.late_request)) {
		free_delivery(delivery);
		return;
	}
	delivery->late = true;
	delivery->next = world->deliveries;
	world->deliveries = delivery;
}

static void remember(struct world *world, const struct sim_host *host, uint64_t exec)
{
	if (exec >= world->process.exec_cap) {
		world->process.exec_cap = 2 * (size_t)exec + 64;
		world->process.exec_hosts = xreallocarray(world->process.exec_hosts, world->process.exec_cap,
							  sizeof *world->process.exec_hosts);
	}
	world->process.exec_hosts[exec] = host->index;
}

static void begin(struct world *world, const struct simulated_exec *exec)
{
	struct sim_host *host = &world->hosts[strtoul(exec->target->name, NULL, 10)];
	struct delivery *delivery = xcalloc(1, sizeof *delivery);
	const char *body = memchr(exec->input, '\n', exec->len);
	size_t len = exec->len - (size_t)(body + 1 - (const char *)exec->input);
	struct error err = ERROR_INIT;

	remember(world, host, exec->exec);
	delivery->exec = exec->exec;
	delivery->life = world->process.number;
	delivery->host = host;
	delivery->bytes = xstrndup(body + 1, len);
	if (request_parse(body + 1, len, &delivery->request, &err) < 0)
		world_violation(world, "rollcall sent a request that does not parse: %s", err.text);
	judge_exec(world, host, exec->exec, exec->word);
	if (!host->up || world_fault(world, world->faults.refused)) {
		if (delivery->request.kind == REQUEST_APPLY)
			judge_told(world, host, &(struct told){.event = ANSWER_REFUSED});
		free_delivery(delivery);
		lose(world, host, exec->exec, false, "connection refused");
		return;
	}
	if ((host->traits & IS_DEAF) && delivery->request.kind == REQUEST_APPLY) {
		free_delivery(delivery);
		lose(world, host, exec->exec, true, "the connection was lost");
		return;
	}
	delivery->next = world->deliveries;
	world->deliveries = delivery;
	transport_simulated_connected(world->process.transport, exec->exec, "SHA256:simulated");
	if (world_fault(world, world->faults.hangs))
		return; /* it is accepted, and never answered */
	world_at(world, world_between(world, 5, 200), act_arrive, host, world->process.number, exec->exec);
	if (world_fault(world, world->faults.connection_lost))
		world_at(world, world_between(world, 0, 6000), act_lose, host, world->process.number, exec->exec);
}

static void on_exec(void *ctx, const struct simulated_exec *exec)
{
	world_enter(ctx);
	begin(ctx, exec);
	world_leave(ctx);
}

static void act_hear(struct world *world, struct sim_host *host, int generation, uint64_t word)
{
	(void)world;
	if (generation != host->agentctl_life)
		return;
	host->word = (enum operation_word)word;
	agentctl_wake(host);
}

static void on_received(void *ctx, uint64_t exec, const char *text)
{
	struct world *world = ctx;
	struct sim_host *host = &world->hosts[world->process.exec_hosts[exec]];

	if (host->exec != exec || host->listener != world->process.number)
		return;
	world_enter(world);
	judge_effect(world);
	host->owed_keep = 0;
	world_at(world, world->measures || world_between(world, 0, 3) ? 0 : world_between(world, 0, 5000), act_hear,
		 host, host->agentctl_life, strcmp(text, "keep\n") == 0 ? WORD_KEEP : WORD_UNDO);
	world_leave(world);
}

static void on_hung_up(void *ctx, uint64_t exec)
{
	struct world *world = ctx;
	struct sim_host *host = &world->hosts[world->process.exec_hosts[exec]];

	if (!world->process.superseded)
		judge_hung_up(world, host, exec);
	if (host->exec == exec && host->listener == world->process.number)
		host->exec = 0;
}

void network_forget(struct world *world)
{
	while (world->deliveries) {
		struct delivery *next = world->deliveries->next;

		free_delivery(world->deliveries);
		world->deliveries = next;
	}
}

void network_attach(struct world *world)
{
	static const struct simulated_hosts hosts = {.exec = on_exec, .received = on_received, .hung_up = on_hung_up};

	world->process.transport = transport_simulated_new(&hosts, world);
}
