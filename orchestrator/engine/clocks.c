/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/engine/clocks.h"

#include <string.h>

#include "orchestrator/engine/internal.h"

const struct engine_clocks engine_default_clocks = {
	.ping_ms = 15000,
	.pings = 5,
	.reregister_ms = 600000,
	.recovery_ms = 900000,
};

static const struct {
	const char *name;
	const char *what;  /* is how long */
	const char *limit; /* the flags that say how long it may be */
} about[CLOCK_COUNT] = {
	[CLOCK_SILENT] = {"silent", "its process answers no pings",
			  "the master's agent_ping_timeout x max_agent_ping_timeouts"},
	[CLOCK_DISCONNECTED] = {"disconnected", "it is not registered", "the master's agent_reregister_timeout"},
	[CLOCK_EXECUTORS] = {"executors", "its executors are alone", "its own recovery_timeout"},
};

const char *engine_clock_name(enum engine_clock clock)
{
	return about[clock].name;
}

int64_t engine_clock_ms(const struct engine_clocks *clocks, enum engine_clock clock)
{
	switch (clock) {
	case CLOCK_SILENT:
		return clocks->ping_ms * clocks->pings;
	case CLOCK_DISCONNECTED:
		return clocks->reregister_ms;
	default:
		/* Without executors nobody can end. */
		return clocks->recovery_ms ? clocks->recovery_ms : INT64_MAX;
	}
}

/* What comes after the old process's last word and the new one's first, until this clock stops. */
static int64_t rest_ms(const struct engine_timing *timing, enum engine_clock clock)
{
	switch (clock) {
	case CLOCK_SILENT:
		return 0;
	case CLOCK_DISCONNECTED:
		return timing->executor_ms + timing->backoff_ms;
	default:
		return timing->executor_ms;
	}
}

static int64_t once_ms(const struct engine_timing *timing, enum engine_clock clock)
{
	return timing->stop_ms + timing->start_ms + rest_ms(timing, clock);
}

/* The longest silence is a new process that never comes: its time to start, then the old one's. The other clocks go on while a
 * new process runs without registering or finding its executors, and then ends at the last moment. */
static int64_t undo_ms(const struct engine_timing *timing, enum engine_clock clock)
{
	int64_t waited = clock == CLOCK_SILENT ? 0 : timing->verdict_ms;

	return once_ms(timing, clock) + waited + timing->start_ms;
}

void engine_worst_case(const struct engine_clocks *clocks, const struct engine_timing *timing, struct engine_worst *out)
{
	memset(out, 0, sizeof *out);
	out->fits_all = true;
	out->room_ms = INT64_MAX;
	for (int i = 0; i < CLOCK_COUNT; i++) {
		enum engine_clock clock = (enum engine_clock)i;
		int64_t room;

		out->once_ms[i] = once_ms(timing, clock);
		out->undo_ms[i] = undo_ms(timing, clock);
		room = engine_clock_ms(clocks, clock) - out->undo_ms[i];
		out->fits[i] = room >= 0;
		out->fits_all = out->fits_all && out->fits[i];
		if (room < out->room_ms) {
			out->room_ms = room;
			out->tightest = clock;
		}
	}
}

int64_t engine_longest_start_ms(const struct engine_clocks *clocks, const struct engine_timing *timing)
{
	struct engine_timing at_once = *timing;
	struct engine_worst worst;

	at_once.start_ms = 0;
	engine_worst_case(clocks, &at_once, &worst);
	/* Every clock has to hold two starts. */
	return worst.fits_all ? worst.room_ms / 2 : -1;
}

void engine_worst_text(const struct engine_clocks *clocks, const struct engine_worst *worst, struct buffer *out)
{
	char once[ENGINE_SPAN_MAX], undo[ENGINE_SPAN_MAX], limit[ENGINE_SPAN_MAX];

	buffer_printf(out, "A restart may keep an agent away for %s, a restart that is undone for %s.",
		      engine_span(worst->once_ms[CLOCK_DISCONNECTED], once),
		      engine_span(worst->undo_ms[CLOCK_DISCONNECTED], undo));
	for (int i = 0; i < CLOCK_COUNT; i++) {
		if (worst->fits[i])
			continue;
		buffer_printf(out, " For up to %s %s; %s allows %s.", engine_span(worst->undo_ms[i], undo),
			      about[i].what, about[i].limit,
			      engine_span(engine_clock_ms(clocks, (enum engine_clock)i), limit));
	}
}

bool engine_clocks_left(const struct engine_clocks *clocks, const struct engine_away *away, struct engine_left *out)
{
	bool any = false;

	for (int i = 0; i < CLOCK_COUNT; i++) {
		int64_t limit = engine_clock_ms(clocks, (enum engine_clock)i);
		int64_t since = away->back ? -1 : i == CLOCK_SILENT ? away->silent_ms : away->gone_ms;

		out->ms[i] = since < 0 || limit == INT64_MAX ? INT64_MAX : limit - since;
		if (out->ms[i] == INT64_MAX || (any && out->ms[i] >= out->ms[out->soonest]))
			continue;
		out->soonest = (enum engine_clock)i;
		any = true;
	}
	return any;
}
