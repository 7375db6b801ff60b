/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_DOOMED_H
#define AGENTCTL_DOOMED_H
/* Executors that something would end, with their tasks: collected, then reported as one finding, counted and named. */
#include "agentctl/preflight.h"

struct doomed_names {
	char **items;
	size_t count;
};
struct doomed {
	struct doomed_names executors; /* "framework/executor", each once */
	struct doomed_names tasks;
	bool unknown_tasks; /* of one at least nobody knows the tasks */
};

#define DOOMED_INIT                                                                                                    \
	{                                                                                                              \
		.executors = {.items = NULL }                                                                          \
	}

/* task NULL: which tasks it has is not known. */
void doomed_add(struct doomed *doomed, const char *framework, const char *executor, const char *task);
void doomed_add_task(struct doomed *doomed, const struct checkpoint_task *task);
/* Nothing when there is none. Empties it. */
void doomed_report(struct doomed *doomed, const char *code, enum finding_severity severity, const char *why,
		   struct findings *out);

#endif
