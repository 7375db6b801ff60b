/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/silence.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "orchestrator/outgoing/sender.h"

/* Between attempts: doubled each time, up to the second; of dead letters, always the third. */
#define DELAY_FIRST_MS 1000
#define DELAY_MOST_MS  300000
#define DELAY_DEAD_MS  3600000
/* A receiver that cannot be reached is tried again after the same delays, up to this. */
#define QUIET_MOST_MS  60000

int64_t sender_delay_ms(int64_t attempts, bool dead, uint32_t random)
{
	int64_t delay = DELAY_FIRST_MS;

	for (int64_t i = 1; i < attempts && delay < DELAY_MOST_MS; i++)
		delay *= 2;
	if (delay > DELAY_MOST_MS)
		delay = DELAY_MOST_MS;
	if (dead)
		delay = DELAY_DEAD_MS;
	/* Between a half and the whole of it, so that what failed together does not come back together. */
	return delay / 2 + (int64_t)(random % (uint32_t)(delay / 2 + 1));
}

static uint32_t random_number(void)
{
	char text[RANDOM_ID_SIZE];

	random_id(text);
	text[8] = '\0';
	return (uint32_t)strtoul(text, NULL, 16);
}

int64_t sender_some_delay_ms(int64_t attempts, bool dead)
{
	return sender_delay_ms(attempts, dead, random_number());
}

struct silence *silence_of(struct silences *silences, int64_t receiver)
{
	for (size_t i = 0; i < silences->count; i++)
		if (silences->items[i].receiver == receiver)
			return &silences->items[i];
	silences->items = xreallocarray(silences->items, silences->count + 1, sizeof(*silences->items));
	silences->items[silences->count] = (struct silence){.receiver = receiver};
	return &silences->items[silences->count++];
}

void silence_note(struct silences *silences, int64_t receiver, const struct post_result *verdict)
{
	struct silence *silence = silence_of(silences, receiver);
	int64_t delay;

	if (!verdict->unreachable && !verdict->gone) {
		silence->failures = 0;
		return;
	}
	silence->failures++;
	delay = sender_some_delay_ms(silence->failures, verdict->gone);
	if (!verdict->gone && delay > QUIET_MOST_MS)
		delay = QUIET_MOST_MS;
	silence->until_ms = clock_monotonic_ms() + delay;
}

void silences_clear(struct silences *silences)
{
	free(silences->items);
	*silences = (struct silences){.items = NULL};
}
