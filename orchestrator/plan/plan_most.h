/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_MOST_H
#define ORCHESTRATOR_PLAN_MOST_H
/* How far a plan's run can go before its limits hold it: bounds, never too low, for a run that no person resumes in between. */
#include <stddef.h>

#include "orchestrator/plan/plan.h"

struct plan_most {
	size_t away; /* at once: of each stage its window, its agents, what the window of the failure domains leaves of them */
	size_t stopping; /* have failed when the run stops, or ends */
	size_t failing;  /* … and when those have ended that were away with the one that stopped it */
};

struct plan_most plan_most_of(const struct plan *plan);

#endif
