/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_OUTLOOK_H
#define ORCHESTRATOR_PLAN_OUTLOOK_H
/*
 * How a run of a plan would go, from the plan alone: the real engine with a clock of its own (engine/forecast.h). Once with every
 * agent as long away as expected, once with each as long as it may be, and many times with some that fail. Soaks take their time
 * in all of them; a gate takes the master's next answer, or nothing where nobody knows how long it will take (plan_gate_is_prompt).
 */
#include <stdint.h>

#include "orchestrator/engine/forecast.h"
#include "orchestrator/plan/plan.h"

struct outlook_options {
	int fail_per_million; /* of the agents; 0: none is to fail */
	int64_t runs;         /* with failures; each has other agents that fail */
	uint64_t seed;        /* of the first one */
};

/* The middle of the runs, and what nine of ten of them lie between. */
struct outlook_spread {
	int64_t low, middle, high;
};

/* Runs that ended the same way. */
struct outlook_end {
	enum run_state state;
	bool rolls_back;
	char reason[sizeof((struct forecast_outcome *)0)->reason]; /* of one of them */
	int64_t runs;
	struct outlook_spread ms, done, failed, waiting; /* of these runs */
};

struct outlook {
	struct forecast_outcome expected; /* nobody fails */
	struct forecast_outcome worst;    /* nobody fails, and everybody takes as long as possible */
	struct outlook_end *ends;         /* the most frequent one first */
	size_t end_count;
	int64_t runs;
	size_t guessed; /* agents whose time away nobody knows, so that it was guessed */
};

/* One run in which nobody fails: with everybody as long away as expected, and with everybody, and whatever is asked, as slow as
 * may be. The plan's own forecast is these. */
void outlook_expected(const struct plan *plan, struct forecast_outcome *out);
void outlook_worst(const struct plan *plan, struct forecast_outcome *out);

void outlook_make(const struct plan *plan, const struct outlook_options *options, struct outlook *out);
void outlook_clear(struct outlook *outlook);

#endif
