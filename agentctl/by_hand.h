/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_BY_HAND_H
#define AGENTCTL_BY_HAND_H
/*
 * Operations that somebody starts on the host itself: no rollcall watches, so the agent is kept when its process still runs
 * at the deadline. What happens is said on stdout, one JSON line each, as apply says it.
 */
#include "agentctl/host_ops.h"
#include "agentctl/talk.h"

/* An agent that refuses its checkpoint has ended within seconds of its start; a real one took 2 to 4 s to recover. */
#define BY_HAND_START_MS   60000
#define BY_HAND_VERDICT_MS 30000
#define BY_HAND_WATCH_HELP "how long the agent's process must run before the new state is kept (default: 30secs)"

struct by_hand {
	struct real_host host; /* of the new operation */
	struct talk talk;
	int lock; /* -1: not held */
};

/* ERROR_USAGE where no agentctl has ever kept anything: what is to be ended or taken back must be there, and a mistyped path is told
 * from it. */
int by_hand_check_journal(const struct journal *journal, struct error *err);

/* Takes the host's lock for a new operation. ERROR_CONFLICT when another agentctl is at work, or an operation is open; unless it may be
 * the first on this host, as by_hand_check_journal. Clear it whatever comes back. */
int by_hand_open(struct by_hand *by_hand, const struct host_settings *settings, bool may_be_first, struct error *err);
void by_hand_clear(struct by_hand *by_hand);

/* --watch; NULL: the default. ERROR_USAGE. */
int by_hand_terms(const char *watch, struct operation_terms *out, struct error *err);

/* Writes the journal (note: an object, what was asked for, by whom), and drives the operation to its end. change is taken. Returns
 * the exit code. */
int by_hand_run(struct by_hand *by_hand, struct change *change, const json_t *note,
		const struct operation_terms *terms);

#endif
