/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_FRAMEWORK_H
#define LAB_COMMANDS_FRAMEWORK_H
/* The scheduler that `rollcall-lab framework` is. framework.c subscribes; framework_play.c hears and answers. */
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "lab/commands/framework_link.h"
#include "lab/core/lab.h"

struct framework {
	struct lab *lab;
	const char *name, *role;
	int64_t tasks; /* to launch in all */
	double cpus;   /* of each */
	int64_t mem;   /* MB */
	bool observer, checkpoint, partition_aware, acknowledge, tear_down, heartbeats;
	int64_t failover_ms, until_ms; /* until_ms: clock_monotonic_ms, 0: for ever */
	char *id;                      /* NULL: the master has not named it yet */
	char mark[RANDOM_ID_SIZE];     /* in the IDs of its tasks */
	int64_t launched, numbers;
	const char *address; /* of the master, borrowed */
	struct framework_link link;
};

/* Prints the event and does what a scheduler does about it. ERROR_REFUSED when the master has ended the subscription. */
int framework_hear(struct framework *framework, json_t *event, struct error *err);
/* A call; value (taken, NULL: none) is its member. */
void framework_say(const struct framework *framework, const char *type, const char *member, json_t *value);

#endif
