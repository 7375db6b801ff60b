/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_ALLOCATOR_H
#define LAB_MASTER_ALLOCATOR_H
/*
 * Who is offered what: dominant resource fairness over roles, and over the frameworks of a role. No I/O and no clock:
 * the master says what is there and what is used, and is called back with offers.
 *
 *   allocator.c            the book of agents, frameworks and offers;  allocator_frameworks.c  the latter two's lives
 *   allocator_run.c        a round of offers
 *   allocator_headroom.c   what of an agent can be given;  allocator_share.c  dominant shares
 *
 * What always holds, whatever the master says and in whatever order:
 *   1. The offers of an agent together lie within its headroom: what it has, less what its tasks use.
 *   2. Headroom is never negative: where tasks use more than there is (the agent has shrunk, or what they use is
 *      reserved for another role by now), nothing of that is offered, and what they use too much is missing elsewhere.
 *   3. A reserved resource is only offered for the role it is reserved for, or one below it ("a" and "a/b").
 *   4. An offer is rescinded as soon as 1 would break, its agent goes or closes, or its framework goes.
 *
 * Resources handed in may be in any form and may carry an allocation_info, which does not count. Strings are copied.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mesos/resources.h"

struct allocator;

struct allocator_offer {
	struct allocator_offer *next;
	uint64_t number; /* from 1, never twice */
	char *agent, *framework, *role;
	struct resources resources; /* normalised, without allocation_info */
};

/* What tasks of one framework, launched for one role, use of an agent. */
struct allocator_use {
	const char *framework, *role;
	const struct resources *resources;
};

struct allocator_ops {
	void (*offered)(void *ctx, const struct allocator_offer *offer);
	/* Not called for offers that the caller ends. The offer is freed afterwards. */
	void (*rescinded)(void *ctx, const struct allocator_offer *offer);
};

struct allocator *allocator_new(const struct allocator_ops *ops, void *ctx); /* ops is borrowed */
void allocator_free(struct allocator *allocator);                            /* without rescinding; NULL is fine */

/* Adds the agent, or replaces what is known of it but for its uses. open: offers may be made. remote: it lies in another
 * region than the master. */
void allocator_set_agent(struct allocator *allocator, const char *id, const struct resources *total, bool open,
			 bool remote);
void allocator_remove_agent(struct allocator *allocator, const char *id);
/* All that is used of the agent, replacing what was said before. An agent that is not known is left alone. */
void allocator_set_uses(struct allocator *allocator, const char *id, const struct allocator_use *uses, size_t count);

/* Adds the framework, or replaces its roles. */
void allocator_set_framework(struct allocator *allocator, const char *id, const char *const *roles, size_t count,
			     bool region_aware);
void allocator_remove_framework(struct allocator *allocator, const char *id);
/* No offers for these roles of it (count 0: for any) until they are revived; reviving also forgets what was refused. */
void allocator_suppress(struct allocator *allocator, const char *id, const char *const *roles, size_t count);
void allocator_revive(struct allocator *allocator, const char *id, const char *const *roles, size_t count);

/* One round. now_ms: of a clock that never goes back. */
void allocator_run(struct allocator *allocator, int64_t now_ms);

const struct allocator_offer *allocator_find_offer(const struct allocator *allocator, uint64_t number);
const struct allocator_offer *allocator_offers(const struct allocator *allocator); /* a list */
/* The offer was accepted or declined. refused (NULL: nothing): what the framework does not want again before until_ms,
 * unless there is more of it by then. */
void allocator_end_offer(struct allocator *allocator, uint64_t number, const struct resources *refused,
			 int64_t until_ms);

/* ---- allocator_headroom.c */
/* A copy in the allocator's form; out must be cleared. */
void allocator_bare(const struct resources *resources, struct resources *out);
/* What can still be given of total when used is used; both bare. out must be cleared. */
void allocator_headroom(const struct resources *total, const struct resources *used, struct resources *out);
/* Of resources, what may be offered for role. out must be cleared. */
void allocator_portion(const struct resources *resources, const char *role, struct resources *out);
bool allocator_worth_offering(const struct resources *resources); /* 0.01 cpus, or 32 MB */

#endif
