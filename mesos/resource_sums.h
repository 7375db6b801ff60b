/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_RESOURCE_SUMS_H
#define MESOS_RESOURCE_SUMS_H
/* How much of a scalar resource there is, straight from a packed SlaveInfo. */
#include <stddef.h>

struct resource_sum {
	const char *name; /* "cpus" */
	const char *role; /* only what is reserved for it; "*": for nobody; NULL: all */
	double sum;       /* to thousandths, as Mesos counts; 0 when there is none */
};

/* Fills in every sum; they are those of the resources once normalised (mesos/resources.h). Of bytes that are no SlaveInfo they are 0. */
void resource_sums(const void *info, size_t len, struct resource_sum *sums, size_t count);

#endif
