/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_SILENCE_H
#define ORCHESTRATOR_OUTGOING_SILENCE_H
/* Receivers that could not be reached lately, and when they are tried again. For the sender. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "orchestrator/outgoing/request.h"

struct silence {
	int64_t receiver;
	int failures;     /* in a row; 0: it answers */
	int64_t until_ms; /* monotonic */
};
struct silences {
	struct silence *items;
	size_t count;
};
void silences_clear(struct silences *silences);

/* Borrowed until the next call with another receiver. */
struct silence *silence_of(struct silences *silences, int64_t receiver);
/* After an attempt. */
void silence_note(struct silences *silences, int64_t receiver, const struct post_result *verdict);

/* sender_delay_ms with a number of chance. */
int64_t sender_some_delay_ms(int64_t attempts, bool dead);

#endif
