/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_PLAN_TEXT_H
#define ORCHESTRATOR_REPORT_PLAN_TEXT_H
/* A plan as an operator reads it before saying yes: the summary and the risks first, the hash
 * and the next command last; agents to which the same happens share one block. */
#include <stdio.h>

#include "orchestrator/plan/plan.h"

#define PLAN_SHORT_HASH 12

void plan_print(const struct plan *plan, FILE *stream);

/* The last lines: its hash, and the command that carries it out. */
void plan_print_end(const struct plan *plan, const char *next, FILE *stream);

/* A few lines: what and how much, for whoever starts it. */
void plan_print_summary(const struct plan *plan, FILE *stream);

/* "attributes, resources and domain", or "nothing". */
void plan_parts_text(unsigned parts, struct buffer *out);

#endif
