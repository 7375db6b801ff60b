/* SPDX-License-Identifier: Apache-2.0 */
/* The processor's time, taken only for the bench: what the driver, the engine, the ledger and the proof cost for an agent. */
#include "tests/sim/world.h"

#include <time.h>

static int64_t processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void world_enter(struct world *world)
{
	if (world->measures && world->depth++ == 0)
		world->own_ns += processor_ns();
}

void world_leave(struct world *world)
{
	if (world->measures && --world->depth == 0)
		world->own_ns -= processor_ns();
}
