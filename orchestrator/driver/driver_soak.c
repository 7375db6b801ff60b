/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While a stage soaks, its gates that are judged from the master's answers look on: what is wrong for as long as such a gate waits
 * when it is asked fails it at once, also what would have passed by the soak's end. A pass counts only when the gate is asked.
 */
#include "orchestrator/driver/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

bool driver_soak_watches(const struct driver *driver)
{
	if (!engine_is_soaking(&driver->engine) || driver->leader.holds || !driver->leader.url)
		return false;
	for (size_t i = 0; i < driver->plan->stage_gate_count; i++)
		if (plan_gate_is_prompt(&driver->plan->stage_gates[i]))
			return true;
	return false;
}

/* true: the gate has failed, and with it the stage. */
static bool fails(struct driver *driver, size_t gate, struct snapshot_index *shown)
{
	int64_t now_ms = driver_now(driver),
		since_ms = driver->soak[gate].is_wrong ? driver->soak[gate].since_ms : now_ms;
	const struct asking asking = {
		.agent = SIZE_MAX, .stage = driver->engine.stage, .next = gate, .began_ms = since_ms};
	enum gate_answer answer;
	char *seen = NULL;
	bool judged = driver_gates_judge(driver, &asking, now_ms - since_ms, shown, &answer, &seen);
	bool failed = judged && answer == GATE_FAIL;

	driver->soak[gate].is_wrong = !judged;
	driver->soak[gate].since_ms = since_ms;
	if (failed)
		driver_gates_fail(driver, &asking, seen);
	free(seen);
	return failed;
}

void driver_soak_answered(struct driver *driver, struct snapshot_index *shown)
{
	if (!driver_soak_watches(driver)) {
		memset(driver->soak, 0, sizeof driver->soak);
		return;
	}
	for (size_t i = 0; i < driver->plan->stage_gate_count; i++)
		if (plan_gate_is_prompt(&driver->plan->stage_gates[i]) && fails(driver, i, shown))
			return;
}

void driver_soak_tell(struct driver *driver)
{
	char span[CLOCK_TEXT_MAX], *line;

	if (!engine_is_soaking(&driver->engine) || driver->soak_told == driver->engine.stage + 1)
		return;
	driver->soak_told = driver->engine.stage + 1;
	line = xasprintf("stage %d of %d has ended: nothing more starts for %s", driver->engine.stage + 1,
			 driver->engine.stage_count, clock_format_span(driver->engine.options.stage_soak_ms, span));
	driver_say(driver, line);
	free(line);
}
