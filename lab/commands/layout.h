/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_LAYOUT_H
#define LAB_COMMANDS_LAYOUT_H
/* Making a lab's folder: addresses, hosts with their files, keys, the cluster file. Nothing here starts anything. */
#include "base/error.h"
#include "lab/core/lab.h"

struct layout_request {
	const char *dir;
	int64_t agents;
	int64_t zones;
	int64_t tasks_per_agent;
	int64_t loose_tasks_per_agent;
	double time_scale;
};

/* ERROR_USAGE when dir is not empty, or holds a lab; ERROR_SYSTEM when there are no free addresses. What was written
 * of a lab that could not be made is removed again. */
struct lab *layout_make(const struct layout_request *request, struct error *err);

#endif
