/* SPDX-License-Identifier: Apache-2.0 */
/* rollout simulate: how a run of a plan would go, from the plan alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/rollout.h"
#include "orchestrator/output.h"
#include "orchestrator/plan/outlook.h"

#define RUNS_MAX 100000

/* ---- for people */

static void print_line(const char *what, const struct forecast_outcome *outcome, size_t agents)
{
	char span[CLOCK_TEXT_MAX];

	printf("%-10s %s for %zu agent%s", what, clock_format_span(outcome->ms, span), agents, agents == 1 ? "" : "s");
	if (outcome->state != RUN_DONE)
		printf("; the run would be %s: %s", run_state_name(outcome->state), outcome->reason);
	putchar('\n');
}

static void print_spread(const struct outlook_spread *spread, const char *what)
{
	if (spread->low == spread->high)
		printf("%" PRId64 " %s", spread->middle, what);
	else
		printf("%" PRId64 " %s (%" PRId64 " to %" PRId64 ")", spread->middle, what, spread->low, spread->high);
}

static void print_end(const struct outlook *outlook, const struct outlook_end *end)
{
	char low[CLOCK_TEXT_MAX], middle[CLOCK_TEXT_MAX], high[CLOCK_TEXT_MAX];

	printf("  %5.1f%%  %s%s after %s", 100.0 * (double)end->runs / (double)outlook->runs,
	       run_state_name(end->state), end->rolls_back ? " and rolled back" : "",
	       clock_format_span(end->ms.middle, middle));
	if (end->ms.low != end->ms.high)
		printf(" (%s to %s)", clock_format_span(end->ms.low, low), clock_format_span(end->ms.high, high));
	printf(": ");
	print_spread(&end->done, "changed");
	printf(", ");
	print_spread(&end->failed, "failed");
	printf(", ");
	print_spread(&end->waiting, "not begun");
	printf("\n");
	if (end->reason[0])
		printf("          such as: %s\n", end->reason);
}

/* ---- gates that nobody knows the time of */

static void for_untimed(const struct plan_gate *gates, size_t count, void (*take)(void *ctx, const char *text),
			void *ctx)
{
	for (size_t i = 0; i < count; i++) {
		struct buffer text = BUFFER_INIT(GATES_FILE_MAX);
		char *shown;

		if (plan_gate_is_prompt(&gates[i]))
			continue;
		plan_gate_text(&gates[i], &text);
		shown = text_printable(buffer_text(&text), false);
		take(ctx, shown);
		free(shown);
		buffer_clear(&text);
	}
}

static void print_untimed(void *ctx, const char *text)
{
	bool *any = ctx;

	if (!*any)
		printf("Nobody knows how long these gates take; the expected time is without them:\n");
	*any = true;
	printf("  %s\n", text);
}

static void print_all_untimed(const struct plan *plan)
{
	bool any = false;

	for_untimed(plan->agent_gates, plan->agent_gate_count, print_untimed, &any);
	for_untimed(plan->stage_gates, plan->stage_gate_count, print_untimed, &any);
}

static void append_untimed(void *ctx, const char *text)
{
	json_array_append_new(ctx, output_text(text));
}

static json_t *untimed_to_json(const struct plan *plan)
{
	json_t *array = json_array();

	for_untimed(plan->agent_gates, plan->agent_gate_count, append_untimed, array);
	for_untimed(plan->stage_gates, plan->stage_gate_count, append_untimed, array);
	return array;
}

/* ---- all of it */

static void print_outlook(const struct plan *plan, const struct outlook *outlook, const char *fail)
{
	printf("Plan %.12s\n\n", plan->hash);
	print_line("expected", &outlook->expected, plan->agent_count);
	print_line("at worst", &outlook->worst, plan->agent_count);
	printf("At worst every agent is away as long as a restart and its undo may take; pauses are left out of both.\n");
	if (outlook->guessed)
		printf("%zu of them have no time away in the plan; 15 s were taken for each.\n", outlook->guessed);
	print_all_untimed(plan);
	if (outlook->runs == 0)
		return;
	printf("\nIf %s of the agents fail (%" PRId64
	       " simulated runs; in brackets what nine of ten of them lie between):\n",
	       fail, outlook->runs);
	for (size_t i = 0; i < outlook->end_count; i++)
		print_end(outlook, &outlook->ends[i]);
}

/* ---- for programs */

static json_t *spread_to_json(const struct outlook_spread *spread)
{
	return json_pack("{s:I, s:I, s:I}", "low", (json_int_t)spread->low, "middle", (json_int_t)spread->middle,
			 "high", (json_int_t)spread->high);
}

static json_t *outcome_to_json(const struct forecast_outcome *outcome)
{
	return json_pack("{s:s, s:I, s:i, s:i, s:i, s:o}", "state", run_state_name(outcome->state), "ms",
			 (json_int_t)outcome->ms, "changed", outcome->done, "failed", outcome->failed, "not_begun",
			 outcome->waiting, "reason", output_text(outcome->reason[0] ? outcome->reason : NULL));
}

static json_t *end_to_json(const struct outlook_end *end)
{
	return json_pack("{s:s, s:b, s:I, s:o, s:o, s:o, s:o, s:o}", "state", run_state_name(end->state), "rolled_back",
			 end->rolls_back, "runs", (json_int_t)end->runs, "ms", spread_to_json(&end->ms), "changed",
			 spread_to_json(&end->done), "failed", spread_to_json(&end->failed), "not_begun",
			 spread_to_json(&end->waiting), "reason", output_text(end->reason[0] ? end->reason : NULL));
}

static json_t *outlook_to_json(const struct plan *plan, const struct outlook *outlook,
			       const struct outlook_options *options)
{
	json_t *ends = json_array();

	for (size_t i = 0; i < outlook->end_count; i++)
		json_array_append_new(ends, end_to_json(&outlook->ends[i]));
	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:f, s:I, s:I, s:o}", "plan", plan->hash, "agents",
			 (json_int_t)plan->agent_count, "guessed", (json_int_t)outlook->guessed, "untimed_gates",
			 untimed_to_json(plan), "expected", outcome_to_json(&outlook->expected), "worst",
			 outcome_to_json(&outlook->worst), "fail_percent", (double)options->fail_per_million / 10000,
			 "runs", (json_int_t)outlook->runs, "seed", (json_int_t)options->seed, "ends", ends);
}

/* ---- the command */

/* "5%", "0.5%" or "5". */
static int parse_percent(const char *text, int *per_million, struct error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || (strcmp(end, "%") != 0 && *end != '\0') || !(value >= 0 && value <= 100))
		return error_set(err, ERROR_USAGE, "--fail %s: say how many of the agents fail, from 0%% to 100%%",
				 text);
	*per_million = (int)(value * 10000 + 0.5);
	return 0;
}

static int simulate(struct session *session, const char *name, const char *fail, struct outlook_options *options)
{
	struct outlook outlook;
	struct plan plan;

	if ((fail && parse_percent(fail, &options->fail_per_million, &session->error) < 0) ||
	    rollout_find_plan(session, name, &plan) < 0)
		return -1;
	outlook_make(&plan, options, &outlook);
	if (session->json)
		output_json(outlook_to_json(&plan, &outlook, options));
	else
		print_outlook(&plan, &outlook, fail);
	outlook_clear(&outlook);
	plan_clear(&plan);
	return 0;
}

int command_rollout_simulate(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct outlook_options options = {.runs = 200};
	const char *fail = NULL;
	int64_t seed = 1;
	const struct option own[] = {
		{"fail", 0, OPTION_STRING, &fail, "PERCENT",
		 "also say how it ends if so many of the agents fail: that share exactly, rounded, at least one", 0, 0},
		{"runs", 0, OPTION_INT, &options.runs, "N", "runs with failures (default 200)", 1, RUNS_MAX},
		{"seed", 0, OPTION_INT, &seed, "N",
		 "of the first of them: the same seed fails the same agents (default 1)", 0, INT32_MAX},
		{.name = NULL},
	};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	options.seed = (uint64_t)seed;
	if (parsed == 0)
		result = simulate(session, operands.items[0], fail, &options);
	arguments_clear(&operands);
	return result;
}
