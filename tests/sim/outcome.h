/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_OUTCOME_H
#define TESTS_SIM_OUTCOME_H
/* One scenario from its beginning to its end, and what came of it. */
#include "tests/sim/world.h"

struct scenario {
	uint64_t seed;
	enum family family;
	size_t largest;   /* fleet */
	size_t exactly;   /* so many agents, whatever the seed says; 0: as it says */
	bool calm;        /* rollcall is neither killed nor stopped */
	uint64_t dies_at; /* it is killed once, at this moment of its commits; 0: as the seed has it */
	bool verbose;
	void (*prepare)(struct world *world, void *ctx); /* before it runs; NULL: as the seed has it */
	void *ctx;
};

struct outcome {
	char violation[512]; /* "": no invariant was broken */
	int by_state[AGENT_STATE_COUNT];
	char *table; /* one letter per agent */
	enum run_state run;
	size_t agents;
	int lives;
	uint64_t commit_calls; /* moments at which rollcall could have been killed */
	int64_t ms;            /* the world's time at the end */
	int64_t own_ns;        /* what rollcall took of the processor's time, where that is measured */
	uint64_t trace;
};

/* The caller clears the outcome. */
void simulate(const struct scenario *scenario, struct outcome *outcome);
void outcome_clear(struct outcome *outcome);
bool outcome_same_table(const struct outcome *with, const struct outcome *without);

/* ---- crash.c: rollcall is killed at every moment of a seed's calm scenario. Returns how many times an invariant was broken, and
 * adds to *kills how often rollcall was killed. */
int crash_everywhere(uint64_t seed, size_t largest, uint64_t *kills);
/* One of those. Returns 1 when an invariant was broken. */
int crash_at(uint64_t seed, size_t largest, uint64_t dies_at, bool verbose);

/* ---- bench.c: a rollout's duration against ideal list scheduling of the same times away. Prints a line. */
int bench(size_t agents, int window);

#endif
