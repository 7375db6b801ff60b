/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const char *plan_left_why_name(enum plan_left_why why)
{
	static const char *const names[LEFT_WHY_COUNT] = {
		[LEFT_IGNORED] = "ignored",     [LEFT_EXCLUDED] = "excluded", [LEFT_REFUSED] = "refused",
		[LEFT_UNMATCHED] = "unmatched", [LEFT_UNCHOSEN] = "unchosen", [LEFT_UNLISTED] = "unlisted",
	};

	return names[why];
}

void plan_init(struct plan *plan)
{
	*plan = (struct plan){.format = PLAN_FORMAT, .options = engine_default_options};
}

static void clear_expectation(struct request_expectation *expect)
{
	free(expect->agent_id);
	free(expect->boot_id);
	free(expect->agent_version);
	free(expect->checkpoint_sha256);
	free(expect->store_sha256);
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void clear_tasks(struct plan_agent *agent)
{
	for (size_t i = 0; i < agent->task_count; i++) {
		free(agent->tasks[i].id);
		free(agent->tasks[i].name);
		free(agent->tasks[i].framework_id);
		free(agent->tasks[i].framework_name);
	}
	free(agent->tasks);
}

static void clear_edits(struct plan_agent *agent)
{
	for (size_t i = 0; i < agent->edit_count; i++) {
		free(agent->edits[i].name);
		free(agent->edits[i].value);
	}
	free(agent->edits);
	flags_clear(&agent->before_flags);
}

void plan_agent_clear(struct plan_agent *agent)
{
	free(agent->agent_id);
	free(agent->hostname);
	free(agent->ip);
	free(agent->domain);
	host_settings_clear(&agent->host);
	free(agent->why);
	free(agent->stock_message);
	clear_edits(agent);
	slaveinfo_free(agent->before);
	slaveinfo_free(agent->after);
	clear_expectation(&agent->expect);
	clear_tasks(agent);
	free_texts(agent->notes, agent->note_count);
	free_texts(agent->reservations, agent->reservation_count);
	memset(agent, 0, sizeof(*agent));
}

static void clear_findings(struct plan *plan)
{
	for (size_t i = 0; i < plan->finding_count; i++) {
		free(plan->findings[i].about);
		free(plan->findings[i].text);
		free(plan->findings[i].remedy);
	}
	free(plan->findings);
}

static void clear_left_out(struct plan *plan)
{
	for (size_t i = 0; i < plan->left_out_count; i++) {
		free(plan->left_out[i].agent_id);
		free(plan->left_out[i].hostname);
		free(plan->left_out[i].reason);
	}
	free(plan->left_out);
}

static void clear_gates(struct plan_gate *items, size_t count)
{
	struct plan_gates gates = {.items = items, .count = count};

	plan_gates_clear(&gates);
}

void plan_clear(struct plan *plan)
{
	free(plan->cluster);
	free(plan->config);
	free(plan->config_sha256);
	free(plan->where);
	for (size_t i = 0; i < plan->agent_count; i++)
		plan_agent_clear(&plan->agents[i]);
	free(plan->agents);
	free_texts(plan->unchanged, plan->unchanged_count);
	free(plan->rolls_back);
	free(plan->exclude);
	free(plan->order);
	free(plan->stages);
	free_texts(plan->stage_names, plan->stage_count);
	clear_gates(plan->agent_gates, plan->agent_gate_count);
	clear_gates(plan->stage_gates, plan->stage_gate_count);
	clear_findings(plan);
	clear_left_out(plan);
	plan_init(plan);
}

/* ---- growing */

void plan_add_finding(struct plan *plan, bool risk, const char *about, const char *text, const char *remedy)
{
	plan->findings = xreallocarray(plan->findings, plan->finding_count + 1, sizeof(*plan->findings));
	plan->findings[plan->finding_count++] = (struct plan_finding){
		.risk = risk,
		.about = xstrdup(about),
		.text = xstrdup(text),
		.remedy = remedy ? xstrdup(remedy) : NULL,
	};
}

void plan_add_left_out(struct plan *plan, const char *agent_id, const char *hostname, enum plan_left_why why,
		       const char *reason)
{
	plan->left_out = xreallocarray(plan->left_out, plan->left_out_count + 1, sizeof(*plan->left_out));
	plan->left_out[plan->left_out_count++] = (struct plan_left_out){
		.agent_id = xstrdup(agent_id),
		.hostname = xstrdup(hostname),
		.why = why,
		.reason = xstrdup(reason),
	};
}

void plan_add_stage(struct plan *plan, const char *name, size_t end, int window)
{
	plan->stages = xreallocarray(plan->stages, plan->stage_count + 1, sizeof(*plan->stages));
	plan->stage_names = xreallocarray(plan->stage_names, plan->stage_count + 1, sizeof(*plan->stage_names));
	plan->stages[plan->stage_count] = (struct engine_stage){.end = end, .window = window};
	plan->stage_names[plan->stage_count++] = xstrdup(name);
}

/* Connecting, and the driver's own turn between two gates. */
#define GATE_MARGIN_MS 10000

void plan_take_gates(struct plan *plan, struct plan_gates *after_agent, struct plan_gates *after_stage)
{
	int64_t agent_ms = plan_gates_longest_ms(after_agent), stage_ms = plan_gates_longest_ms(after_stage);

	plan->agent_gates = after_agent->items;
	plan->agent_gate_count = after_agent->count;
	plan->stage_gates = after_stage->items;
	plan->stage_gate_count = after_stage->count;
	plan->options.agent_gates = after_agent->count > 0;
	plan->options.stage_gates = after_stage->count > 0;
	if (after_agent->count + after_stage->count > 0)
		plan->options.gate_ms = GATE_MARGIN_MS + (agent_ms > stage_ms ? agent_ms : stage_ms);
	*after_agent = *after_stage = (struct plan_gates){.items = NULL};
}
