/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/outlook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A restart with tasks takes so long where agents keep what executor_reregistration_timeout allows. */
#define GUESSED_MS 15000

/* ---- what the engine is given */

struct fleet {
	struct forecast_input input;
	int64_t *away_ms;
	int *domains;
	const char **names;
};

static int domain_of(const struct plan *plan, size_t index, const char **names, int *count)
{
	const char *name = plan->agents[index].domain;

	if (!name)
		return -1;
	for (int i = 0; i < *count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	names[*count] = name;
	return (*count)++;
}

static void fleet_init(struct fleet *fleet, const struct plan *plan)
{
	int domains = 0;

	fleet->away_ms = xcalloc(plan->agent_count + 1, sizeof *fleet->away_ms);
	fleet->domains = xcalloc(plan->agent_count + 1, sizeof *fleet->domains);
	fleet->names = xcalloc(plan->agent_count + 1, sizeof *fleet->names);
	for (size_t i = 0; i < plan->agent_count; i++)
		fleet->domains[i] = domain_of(plan, i, fleet->names, &domains);
	fleet->input = (struct forecast_input){
		.options = &plan->options,
		.stages = plan->stages,
		.stage_count = plan->stage_count,
		.domains = fleet->domains,
		.domain_names = fleet->names,
		.away_ms = fleet->away_ms,
		.count = plan->agent_count,
	};
}

static void fleet_clear(struct fleet *fleet)
{
	free(fleet->away_ms);
	free(fleet->domains);
	free(fleet->names);
}

/* The master's next answer for each that it settles; the others are known to nobody, and count nothing. */
static int64_t expected_gates_ms(const struct plan_gate *gates, size_t count)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += plan_gate_is_prompt(&gates[i]) ? FORECAST_LOOK_MS : 0;
	return sum;
}

/* Returns how many were guessed. */
static size_t expect(struct fleet *fleet, const struct plan *plan)
{
	size_t guessed = 0;

	for (size_t i = 0; i < plan->agent_count; i++) {
		int64_t known = plan->agents[i].expected_away_ms;

		fleet->away_ms[i] = known > 0 ? known : GUESSED_MS;
		guessed += known <= 0;
	}
	fleet->input.look_ms = FORECAST_LOOK_MS;
	fleet->input.keep_ms = FORECAST_KEEP_MS;
	fleet->input.agent_gate_ms = expected_gates_ms(plan->agent_gates, plan->agent_gate_count);
	fleet->input.stage_gate_ms = expected_gates_ms(plan->stage_gates, plan->stage_gate_count);
	return guessed;
}

static void expect_the_worst(struct fleet *fleet, const struct plan *plan)
{
	const struct engine_options *options = &plan->options;

	for (size_t i = 0; i < plan->agent_count; i++) {
		int64_t known = plan->agents[i].worst_away_ms;

		fleet->away_ms[i] = known > 0 ? known : options->change_ms + options->return_ms + options->prove_ms;
	}
	fleet->input.look_ms = options->check_ms;
	fleet->input.keep_ms = options->keep_ms;
	fleet->input.agent_gate_ms = fleet->input.stage_gate_ms = options->gate_ms;
}

void outlook_expected(const struct plan *plan, struct forecast_outcome *out)
{
	struct fleet fleet;

	fleet_init(&fleet, plan);
	expect(&fleet, plan);
	forecast_run(&fleet.input, out);
	fleet_clear(&fleet);
}

void outlook_worst(const struct plan *plan, struct forecast_outcome *out)
{
	struct fleet fleet;

	fleet_init(&fleet, plan);
	expect_the_worst(&fleet, plan);
	forecast_run(&fleet.input, out);
	fleet_clear(&fleet);
}

/* ---- how the runs ended */

struct samples {
	struct outlook_end end;
	int64_t *ms, *done, *failed, *waiting;
};

static struct samples *samples_for(struct samples **all, size_t *count, const struct forecast_outcome *outcome,
				   size_t runs)
{
	struct samples *fresh;

	for (size_t i = 0; i < *count; i++)
		if ((*all)[i].end.state == outcome->state && (*all)[i].end.rolls_back == outcome->rolls_back)
			return &(*all)[i];
	*all = xreallocarray(*all, *count + 1, sizeof **all);
	fresh = &(*all)[(*count)++];
	*fresh = (struct samples){.end = {.state = outcome->state, .rolls_back = outcome->rolls_back}};
	snprintf(fresh->end.reason, sizeof fresh->end.reason, "%s", outcome->reason);
	fresh->ms = xcalloc(runs, sizeof *fresh->ms);
	fresh->done = xcalloc(runs, sizeof *fresh->done);
	fresh->failed = xcalloc(runs, sizeof *fresh->failed);
	fresh->waiting = xcalloc(runs, sizeof *fresh->waiting);
	return fresh;
}

static void add(struct samples *samples, const struct forecast_outcome *outcome)
{
	size_t at = (size_t)samples->end.runs++;

	samples->ms[at] = outcome->ms;
	samples->done[at] = outcome->done;
	samples->failed[at] = outcome->failed;
	samples->waiting[at] = outcome->waiting;
}

static int compare_numbers(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Takes the values. */
static struct outlook_spread spread(int64_t *values, int64_t count)
{
	struct outlook_spread found;

	qsort(values, (size_t)count, sizeof *values, compare_numbers);
	found.low = values[count / 20];
	found.middle = values[count / 2];
	found.high = values[count - 1 - count / 20];
	free(values);
	return found;
}

static int compare_ends(const void *a, const void *b)
{
	const struct outlook_end *x = a, *y = b;

	return (x->runs < y->runs) - (x->runs > y->runs);
}

static void sum_up(struct samples *all, size_t count, struct outlook *out)
{
	out->ends = xcalloc(count + 1, sizeof *out->ends);
	out->end_count = count;
	for (size_t i = 0; i < count; i++) {
		struct samples *samples = &all[i];

		out->ends[i] = samples->end;
		out->ends[i].ms = spread(samples->ms, samples->end.runs);
		out->ends[i].done = spread(samples->done, samples->end.runs);
		out->ends[i].failed = spread(samples->failed, samples->end.runs);
		out->ends[i].waiting = spread(samples->waiting, samples->end.runs);
	}
	qsort(out->ends, count, sizeof *out->ends, compare_ends);
	free(all);
}

void outlook_make(const struct plan *plan, const struct outlook_options *options, struct outlook *out)
{
	struct samples *all = NULL;
	size_t count = 0;
	struct fleet fleet;

	memset(out, 0, sizeof *out);
	fleet_init(&fleet, plan);
	outlook_worst(plan, &out->worst);
	out->guessed = expect(&fleet, plan);
	forecast_run(&fleet.input, &out->expected);
	out->runs = options->fail_per_million ? options->runs : 0;
	fleet.input.fail_per_million = options->fail_per_million;
	for (int64_t i = 0; i < out->runs; i++) {
		struct forecast_outcome outcome;

		fleet.input.seed = options->seed + (uint64_t)i;
		forecast_run(&fleet.input, &outcome);
		add(samples_for(&all, &count, &outcome, (size_t)out->runs), &outcome);
	}
	sum_up(all, count, out);
	fleet_clear(&fleet);
}

void outlook_clear(struct outlook *outlook)
{
	free(outlook->ends);
	memset(outlook, 0, sizeof *outlook);
}
