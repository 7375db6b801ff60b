/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PLAN_FIXTURE_H
#define TESTS_SUPPORT_PLAN_FIXTURE_H
/* A plan with something of everything, for tests of what reads plans. */
#include "orchestrator/plan/plan.h"

/* count agents, S0 on node0.example.com and so on; each changes attributes and resources and has one task. plan is
 * initialised first; clear it with plan_clear. */
void plan_fixture_fill(struct plan *plan, size_t count);

/* Its bytes, NUL-terminated, the caller's; sets plan->hash. */
char *plan_fixture_write(struct plan *plan);

#endif
