/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_OPERATION_OBSERVE_H
#define PROTOCOL_OPERATION_OBSERVE_H
/* What an operation sees at the start of an advance, judged into the one event its table is asked for. Only for
 * operation.c. */
#include "protocol/operation.h"

enum operation_event {
	EVENT_WAIT,     /* nothing to do yet; never in the table */
	EVENT_GO,       /* do what the step announces */
	EVENT_DISCARD,  /* the same, for a discard */
	EVENT_RESCUE,   /* the same, for a rescue */
	EVENT_NATIVE,   /* the same, for a native change; of a restart: its process is there */
	EVENT_TAKEOVER, /* whoever began it is gone before the agent was asked to restart, or a rescue comes too late */
	EVENT_REBOOT,   /* this is another boot than the step was saved on */
	EVENT_REBOOT_RESCUED, /* the same for a rescue, whose old state would cost the agent its ID on this boot */
	EVENT_FIRST_START,    /* the agent is being started, for the first time since it was asked to */
	EVENT_SECOND_START,   /* once more: its process has ended */
	EVENT_RUNNING,        /* the awaited process is there */
	EVENT_GONE,           /* the process with the new state has ended */
	EVENT_AMEND,          /* the same, over figures that a new checkpoint can have */
	EVENT_TIMEOUT,        /* no process in time */
	EVENT_KEEP,
	EVENT_UNDO,
	EVENT_DEADLINE, /* no word in time, and the process still runs */
	EVENT_FAILED,   /* the row's effect failed */
	EVENT_FORWARD,  /* in place of SECOND_START, GONE, TIMEOUT or FAILED, for a rescue that was taken over */
};

/* What is known at the start of one advance. */
struct operation_sight {
	enum operation_event event;
	struct operation_look look;
	int64_t now;
	int64_t ticks; /* 0: not known */
	char boot_id[OPERATION_BOOT_ID_SIZE];
};

/* Sets event (and look, where it looked) for a step of the same boot. now and boot_id are the caller's. */
int operation_observe(struct operation *op, struct operation_sight *sight, struct error *err);

/* Makes state what it is in that step. failure: why an effect failed, with EVENT_FAILED. */
void operation_enter(struct operation_state *state, enum operation_step step, const struct operation_sight *sight,
		     const char *failure);

#endif
