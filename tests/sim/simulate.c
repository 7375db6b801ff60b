/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole rollouts from seeds, each under its own faults, each judged.
 *
 *   simulate [--seeds N] [--first S] [--largest N] [--failures N]   so many seeds from S; fleets of 1 to N agents
 *   simulate --for-ever [--first S] [--largest N]                   until it is stopped
 *   simulate --seed N [--largest N] [--verbose] [--calm]            one, with everything that happens; rollcall never dies
 *   simulate --crash-everywhere [--seeds N] [--first S]             rollcall is killed at every commit of each
 *   simulate --seed N --crash-at K [--verbose]                      one of those
 *   simulate --bench [--agents N] [--window N]                      against ideal list scheduling
 *
 * A seed that breaks an invariant is printed with the command that replays it exactly; --verbose ends with a digest of what
 * happened. --failures: stop after so many (10). A scenario is made of its seed and of --largest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/sim/outcome.h"

/* So many seeds are run twice, to see that they replay. */
#define REPLAY_EVERY 25

struct arguments {
	uint64_t first, seeds, failures, largest, agents, window, crash_at;
	bool for_ever, crash_everywhere, bench, calm, verbose;
};

struct totals {
	int seeds, failed, lives;
	size_t largest;
	uint64_t agents, kills;
	int by_state[AGENT_STATE_COUNT];
	int runs[RUN_STATE_COUNT];
};

/* ---- one seed */

/* Invariant 7: what comes out must be the same without crashes. */
static void check_calm(const struct scenario *scenario, struct outcome *outcome)
{
	struct scenario calm = *scenario;
	struct outcome without;

	calm.calm = true;
	calm.verbose = false;
	simulate(&calm, &without);
	if (without.violation[0])
		memcpy(outcome->violation, without.violation, sizeof outcome->violation);
	else if (!outcome_same_table(outcome, &without))
		snprintf(outcome->violation, sizeof outcome->violation,
			 "invariant 7: with crashes the table is %s, without %s", outcome->table, without.table);
	outcome_clear(&without);
}

/* A replay must be one. */
static void check_replay(const struct scenario *scenario, struct outcome *outcome)
{
	struct scenario same = *scenario;
	struct outcome again;

	same.verbose = false;
	simulate(&same, &again);
	if (again.trace != outcome->trace)
		snprintf(outcome->violation, sizeof outcome->violation,
			 "the same seed gives another trace: %016" PRIx64 ", then %016" PRIx64, outcome->trace,
			 again.trace);
	outcome_clear(&again);
}

static void add_up(const struct outcome *outcome, struct totals *totals)
{
	totals->seeds++;
	totals->lives += outcome->lives;
	totals->agents += outcome->agents;
	totals->largest = outcome->agents > totals->largest ? outcome->agents : totals->largest;
	totals->runs[outcome->run]++;
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		totals->by_state[i] += outcome->by_state[i];
}

/* One seed in four has crashes of rollcall as its only faults: its table is compared with the one of a run without. */
static void simulate_seed(uint64_t seed, const struct arguments *arguments, struct totals *totals)
{
	const struct scenario scenario = {
		.seed = seed,
		.family = seed % 4 == 0 ? CRASHES_ONLY : EVERYTHING,
		.largest = (size_t)arguments->largest,
		.calm = arguments->calm,
		.verbose = arguments->verbose,
	};
	struct outcome outcome;

	simulate(&scenario, &outcome);
	if (scenario.family == CRASHES_ONLY && !outcome.violation[0])
		check_calm(&scenario, &outcome);
	if (seed % REPLAY_EVERY == 0 && !outcome.violation[0])
		check_replay(&scenario, &outcome);
	if (arguments->verbose)
		printf("seed %" PRIu64 ": trace %016" PRIx64 "\n", seed, outcome.trace);
	add_up(&outcome, totals);
	if (outcome.violation[0]) {
		totals->failed++;
		printf("seed %" PRIu64 ": %s\n  replay: simulate --seed %" PRIu64 " --largest %zu --verbose\n", seed,
		       outcome.violation, seed, scenario.largest);
	}
	fflush(stdout);
	outcome_clear(&outcome);
}

/* ---- many */

static void print_totals(const struct totals *totals, int64_t ms)
{
	printf("%d seeds, %d broke an invariant; fleets up to %zu agents; rollcall started %d times; runs:",
	       totals->seeds, totals->failed, totals->largest, totals->lives);
	for (int i = 0; i < RUN_STATE_COUNT; i++)
		printf(" %s %d", run_state_name((enum run_state)i), totals->runs[i]);
	printf("; agents:");
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		if (totals->by_state[i])
			printf(" %s %d", agent_state_name((enum agent_state)i), totals->by_state[i]);
	printf("; %.1f s\n", (double)ms / 1000);
}

static int simulate_many(const struct arguments *arguments)
{
	struct totals totals = {0};
	int64_t began = clock_monotonic_ms();

	for (uint64_t i = 0; arguments->for_ever || i < arguments->seeds; i++) {
		simulate_seed(arguments->first + i, arguments, &totals);
		if ((uint64_t)totals.failed >= arguments->failures)
			break;
		if (arguments->for_ever && totals.seeds % 1000 == 0)
			print_totals(&totals, clock_monotonic_ms() - began);
	}
	print_totals(&totals, clock_monotonic_ms() - began);
	return totals.failed ? 1 : 0;
}

static int crash_many(const struct arguments *arguments)
{
	int64_t began = clock_monotonic_ms();
	uint64_t kills = 0, broken = 0;

	for (uint64_t i = 0; i < arguments->seeds && broken < arguments->failures; i++)
		broken += (uint64_t)crash_everywhere(arguments->first + i, (size_t)arguments->largest, &kills);
	printf("%" PRIu64 " scenarios, rollcall killed %" PRIu64 " times, at every commit of each; %" PRIu64
	       " broke an invariant; %.1f s\n",
	       arguments->seeds, kills, broken, (double)(clock_monotonic_ms() - began) / 1000);
	return broken ? 1 : 0;
}

/* ---- what is wanted */

static bool parse(int argc, char *argv[], struct arguments *out)
{
	const struct {
		const char *name;
		uint64_t *number; /* NULL: a flag */
		bool *flag;
	} options[] = {
		{"--seeds", &out->seeds, NULL},       {"--first", &out->first, NULL},
		{"--seed", &out->first, NULL},        {"--largest", &out->largest, NULL},
		{"--failures", &out->failures, NULL}, {"--crash-at", &out->crash_at, NULL},
		{"--agents", &out->agents, NULL},     {"--window", &out->window, NULL},
		{"--verbose", NULL, &out->verbose},   {"--crash-everywhere", NULL, &out->crash_everywhere},
		{"--bench", NULL, &out->bench},       {"--calm", NULL, &out->calm},
		{"--for-ever", NULL, &out->for_ever},
	};

	for (int i = 1; i < argc; i++) {
		size_t at = 0;

		while (at < sizeof options / sizeof *options && strcmp(argv[i], options[at].name) != 0)
			at++;
		if (at == sizeof options / sizeof *options || (options[at].number && i + 1 == argc))
			return false;
		if (strcmp(argv[i], "--seed") == 0)
			out->seeds = 1;
		if (options[at].flag)
			*options[at].flag = true;
		else
			*options[at].number = strtoull(argv[++i], NULL, 10);
	}
	return out->largest > 0 && out->window > 0 && out->agents > 0;
}

int main(int argc, char *argv[])
{
	struct arguments arguments = {
		.first = 1, .seeds = 500, .failures = 10, .largest = 50, .agents = 1000, .window = 50};

	if (!parse(argc, argv, &arguments)) {
		fprintf(stderr,
			"usage: simulate [--seeds N] [--first S] [--seed N] [--largest N] [--failures N] [--verbose]\n"
			"       simulate --for-ever | --crash-everywhere | --crash-at K | --bench [--agents N] "
			"[--window N]\n");
		return 2;
	}
	if (arguments.bench)
		return bench((size_t)arguments.agents, (int)arguments.window);
	if (arguments.crash_at)
		return crash_at(arguments.first, (size_t)arguments.largest, arguments.crash_at, arguments.verbose);
	return arguments.crash_everywhere ? crash_many(&arguments) : simulate_many(&arguments);
}
