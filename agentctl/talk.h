/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_TALK_H
#define AGENTCTL_TALK_H
/*
 * The conversation of apply and settle with whoever called: answers go out as JSON lines, words come in. Losing either side ends
 * neither the operation nor the program; then it goes on in silence.
 */
#include "agentctl/host_ops.h"
#include "base/buffer.h"
#include "protocol/answer.h"
#include "protocol/operation.h"

struct talk {
	int in; /* -1: no words are to be expected (any more) */
	int out;
	int64_t epoch; /* of whoever speaks; 0: a person at the host */
	struct buffer line;
};
void talk_init(struct talk *talk, int in, int out);
void talk_clear(struct talk *talk);

/* Waits at most timeout_ms for a word. Lines that are no word are ignored. */
enum operation_word talk_listen(struct talk *talk, int timeout_ms);

void talk_say(struct talk *talk, const struct answer *answer);
/* {"event":"refused"}; returns the exit code that belongs to the error. */
int talk_refuse(struct talk *talk, const struct error *why);
/* With everything that stood in the way; findings: an array, may be NULL. */
int talk_refuse_for(struct talk *talk, const struct error *why, const json_t *findings);
void talk_say_accepted(struct talk *talk, const char *operation);
void talk_say_step(struct talk *talk, enum operation_step step);
void talk_say_status(struct talk *talk, const char *operation, enum operation_step step);
/* started, done, undone or stuck, with the agent as it runs now. */
void talk_say_state(struct talk *talk, enum answer_event event, struct real_host *host,
		    const struct operation_state *state);

#endif
