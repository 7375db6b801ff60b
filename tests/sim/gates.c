/* SPDX-License-Identifier: Apache-2.0 */
/* Gates that reach outside: a check that passes, fails where something is wrong, is unclear, or hangs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/sim/judge.h"

static enum gate_answer draw_answer(struct world *world, const struct sim_host *host)
{
	if (world_fault(world, world->faults.gate_unclear))
		return host || world_between(world, 0, 1) ? GATE_INCONCLUSIVE : GATE_FAIL;
	return host && (host->traits & FAILS_GATES) ? GATE_FAIL : GATE_PASS;
}

static void act_answer(struct world *world, struct sim_host *host, int life, uint64_t tag)
{
	(void)host;
	for (size_t i = 0; life == world->process.number && i < world->process.gate_count; i++)
		if (world->process.gates[i].tag == tag)
			world->process.gates[i].answered = true;
}

static struct sim_host *host_of(struct world *world, const struct gate_question *question)
{
	return question->agent_id ? &world->hosts[strtoul(strrchr(question->agent_id, 'S') + 1, NULL, 10)] : NULL;
}

void sim_gate_start(void *ctx, uint64_t tag, const struct gate_question *question)
{
	struct world *world = ctx;
	struct sim_host *host = host_of(world, question);
	const struct plan_gate *first = host ? world->plan.agent_gates : world->plan.stage_gates;
	struct sim_gate gate = {.tag = tag, .host = host, .number = (int)(question->gate - first)};

	gate.stage = (int)strtol(question->stage, NULL, 10) - 1;
	gate.answer = draw_answer(world, host);
	if (host) {
		host->gates_due = false;
		host->unclear_ms = 0;
	}
	if (host && gate.number == 0)
		host->gates_passed = 0;
	if (!host && gate.number == 0)
		world->stage_gates_passed[gate.stage] = 0;
	world->process.gates = xreallocarray(world->process.gates, world->process.gate_count + 1,
					     sizeof *world->process.gates);
	world->process.gates[world->process.gate_count++] = gate;
	if (!world_fault(world, world->faults.gate_silent))
		world_at(world, world_between(world, 1, 4000), act_answer, NULL, world->process.number, tag);
}

static void note(struct world *world, const struct sim_gate *gate)
{
	if (!gate->host) {
		world->stage_gates_passed[gate->stage] += gate->answer == GATE_PASS;
		return;
	}
	gate->host->gates_passed += gate->answer == GATE_PASS;
	gate->host->gate_failed = gate->answer == GATE_FAIL;
	if (gate->answer == GATE_INCONCLUSIVE)
		gate->host->unclear_ms = gate->host->world->now;
	if (gate->answer == GATE_FAIL)
		judge_failed(gate->host);
}

bool sim_gate_next(void *ctx, struct gate_result *out)
{
	struct world *world = ctx;

	for (size_t i = 0; i < world->process.gate_count; i++) {
		struct sim_gate *gate = &world->process.gates[i];

		if (!gate->answered)
			continue;
		note(world, gate);
		*out = (struct gate_result){.tag = gate->tag, .answer = gate->answer, .seen = xstrdup("seen")};
		*gate = world->process.gates[--world->process.gate_count];
		return true;
	}
	return false;
}

void sim_gate_cancel(void *ctx, uint64_t tag)
{
	struct world *world = ctx;

	for (size_t i = 0; i < world->process.gate_count; i++)
		if (world->process.gates[i].tag == tag) {
			world->process.gates[i] = world->process.gates[--world->process.gate_count];
			return;
		}
}
