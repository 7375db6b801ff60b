/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 7, everywhere: killed before or after any commit and resumed, a run ends as if nothing had happened. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/outcome.h"

static struct scenario calm_one(uint64_t seed, size_t largest)
{
	return (struct scenario){.seed = seed, .family = CRASHES_ONLY, .largest = largest, .calm = true};
}

static int kill_at(const struct scenario *calm, const struct outcome *without, uint64_t dies_at, bool verbose)
{
	struct scenario scenario = *calm;
	struct outcome with;
	int broken = 0;

	scenario.dies_at = dies_at;
	scenario.verbose = verbose;
	simulate(&scenario, &with);
	if (!with.violation[0] && !outcome_same_table(&with, without))
		snprintf(with.violation, sizeof with.violation, "invariant 7: the table is %s (%s), without %s (%s)",
			 with.table, run_state_name(with.run), without->table, run_state_name(without->run));
	if (with.violation[0]) {
		broken = 1;
		printf("seed %" PRIu64 ", killed at moment %" PRIu64 ": %s\n  replay: simulate --seed %" PRIu64
		       " --crash-at %" PRIu64 " --largest %zu --verbose\n",
		       calm->seed, dies_at, with.violation, calm->seed, dies_at, calm->largest);
	}
	outcome_clear(&with);
	return broken;
}

int crash_at(uint64_t seed, size_t largest, uint64_t dies_at, bool verbose)
{
	struct scenario calm = calm_one(seed, largest);
	struct outcome without;
	int broken;

	simulate(&calm, &without);
	broken = kill_at(&calm, &without, dies_at, verbose);
	outcome_clear(&without);
	return broken;
}

int crash_everywhere(uint64_t seed, size_t largest, uint64_t *kills)
{
	struct scenario calm = calm_one(seed, largest);
	struct outcome without;
	int broken = 0;

	simulate(&calm, &without);
	if (without.violation[0]) {
		printf("seed %" PRIu64 ", without a crash: %s\n", seed, without.violation);
		broken = 1;
	}
	for (uint64_t at = 1; !broken && at <= without.commit_calls; at++, ++*kills)
		broken = kill_at(&calm, &without, at, false);
	outcome_clear(&without);
	return broken;
}
