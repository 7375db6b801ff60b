/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate [--seeds N] [--first S] [--failures N] [--verbose]: whole rollouts from seeds, each under its own faults, each judged. A seed that
 * breaks an invariant is printed and replays exactly with --first S --seeds 1 --verbose, which ends with a digest of what happened.
 * --failures: stop after so many (10).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/sim/world.h"

/* So many seeds are run twice, to see that they replay. */
#define REPLAY_EVERY 25

struct outcome {
	int by_state[AGENT_STATE_COUNT];
	char *table; /* one letter per agent */
	enum run_state run;
	int lives;
	uint64_t trace;
};

/* ---- judging it */

static void read_outcome(struct world *world, struct outcome *outcome)
{
	struct run_agent *rows = NULL;
	struct run_row run;
	size_t count = 0;

	memset(outcome, 0, sizeof *outcome);
	outcome->lives = world->lives;
	outcome->trace = world->trace ^ world->random;
	outcome->table = xcalloc(world->host_count + 1, 1);
	if (ledger_load_run(world->ledger, "run", &run, NULL) == 0) {
		outcome->run = (enum run_state)run_state_parse(run.state);
		run_row_clear(&run);
	}
	if (ledger_load_agents(world->ledger, "run", &rows, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		int state = agent_state_parse(rows[i].state);

		outcome->by_state[state]++;
		outcome->table[i] = (char)('a' + state);
		run_agent_clear(&rows[i]);
	}
	free(rows);
}

struct totals {
	int seeds, failed, lives;
	int by_state[AGENT_STATE_COUNT];
	int runs[RUN_STATE_COUNT];
};

static void simulate(uint64_t seed, enum family family, bool crashes, bool verbose, struct outcome *outcome,
		     char violation[512])
{
	struct world world;

	world_init(&world, seed);
	world.verbose = verbose;
	scenario_build(&world, family);
	if (!crashes)
		world.faults.rollcall_crash = 0;
	scenario_run(&world);
	if (!world.violation[0])
		judge_end(&world, family);
	read_outcome(&world, outcome);
	memcpy(violation, world.violation, 512);
	scenario_clear(&world);
}

static void check_same_table(const struct outcome *a, const struct outcome *b, char violation[512])
{
	if (!violation[0] && strcmp(a->table, b->table) != 0)
		snprintf(violation, 512, "invariant 7: with crashes the table is %s, without %s", a->table, b->table);
}

/* A replay must be one. */
static void check_same_trace(uint64_t seed, enum family family, const struct outcome *outcome, char violation[512])
{
	struct outcome again;

	simulate(seed, family, true, false, &again, violation);
	if (!violation[0] && again.trace != outcome->trace)
		snprintf(violation, 512, "the same seed gives another trace: %016" PRIx64 ", then %016" PRIx64,
			 outcome->trace, again.trace);
	free(again.table);
}

/* One seed in four has crashes of rollcall as its only faults: its table is compared with the one of a run without. */
static void simulate_seed(uint64_t seed, bool verbose, struct totals *totals)
{
	enum family family = seed % 4 == 0 ? CRASHES_ONLY : EVERYTHING;
	struct outcome outcome, calm = {.table = NULL};
	char violation[512];

	simulate(seed, family, true, verbose, &outcome, violation);
	if (family == CRASHES_ONLY && !violation[0]) {
		simulate(seed, family, false, false, &calm, violation);
		check_same_table(&outcome, &calm, violation);
	}
	if (seed % REPLAY_EVERY == 0 && !violation[0])
		check_same_trace(seed, family, &outcome, violation);
	if (verbose)
		printf("seed %" PRIu64 ": trace %016" PRIx64 "\n", seed, outcome.trace);
	totals->seeds++;
	totals->lives += outcome.lives;
	totals->runs[outcome.run]++;
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		totals->by_state[i] += outcome.by_state[i];
	if (violation[0]) {
		totals->failed++;
		printf("seed %" PRIu64 ": %s\n  replay: simulate --first %" PRIu64 " --seeds 1 --verbose\n", seed,
		       violation, seed);
	}
	free(outcome.table);
	free(calm.table);
}

static void print_totals(const struct totals *totals, int64_t ms)
{
	printf("%d seeds, %d broke an invariant; rollcall started %d times; runs done %d, paused %d; agents:",
	       totals->seeds, totals->failed, totals->lives, totals->runs[RUN_DONE], totals->runs[RUN_PAUSED]);
	for (int i = 0; i < AGENT_STATE_COUNT; i++)
		if (totals->by_state[i])
			printf(" %s %d", agent_state_name((enum agent_state)i), totals->by_state[i]);
	printf("; %.1f s\n", (double)ms / 1000);
}

int main(int argc, char *argv[])
{
	uint64_t first = 1, count = 500, failures = 10;
	bool verbose = false;
	struct totals totals = {0};
	int64_t began = clock_monotonic_ms();

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			count = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
			first = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--failures") == 0 && i + 1 < argc)
			failures = strtoull(argv[++i], NULL, 10);
		else
			return fprintf(stderr, "usage: simulate [--seeds N] [--first S] [--failures N] [--verbose]\n"),
			       2;
	}
	for (uint64_t seed = first; seed < first + count && (uint64_t)totals.failed < failures; seed++)
		simulate_seed(seed, verbose, &totals);
	print_totals(&totals, clock_monotonic_ms() - began);
	return totals.failed ? 1 : 0;
}
