/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_ALLOCATOR_BOOK_H
#define LAB_MASTER_ALLOCATOR_BOOK_H
/* The inside of the allocator, for its own files. */
#include "lab/master/allocator.h"

struct allocator_taken { /* a use, kept */
	char *framework, *role;
	struct resources resources;
};

struct allocator_agent {
	struct allocator_agent *next;
	char *id;
	struct resources total;
	bool open, remote;
	struct allocator_taken *taken;
	size_t taken_count;
	struct resources headroom; /* of total and taken */
};

/* What a framework has refused for a while. */
struct allocator_filter {
	struct allocator_filter *next;
	char *agent, *role;
	struct resources resources;
	int64_t until_ms;
};

struct allocator_role { /* that a framework is subscribed to */
	char *name;
	bool suppressed;
};

struct allocator_framework {
	struct allocator_framework *next;
	char *id;
	struct allocator_role *roles;
	size_t role_count;
	bool region_aware;
	struct allocator_filter *filters;
};

struct allocator {
	const struct allocator_ops *ops;
	void *ctx;
	struct allocator_agent *agents;         /* in the order they came */
	struct allocator_framework *frameworks; /* likewise */
	struct allocator_offer *offers;
	uint64_t last_number;
};

struct allocator_agent *allocator_agent_find(const struct allocator *allocator, const char *id);
struct allocator_framework *allocator_framework_find(const struct allocator *allocator, const char *id);
void allocator_offer_free(struct allocator_offer *offer);
/* Rescinds every offer of that agent and that framework; NULL: of any. */
void allocator_rescind(struct allocator *allocator, const char *agent, const char *framework);
/* Headroom less what is offered of it. out must be cleared. */
void allocator_free_of(const struct allocator *allocator, const struct allocator_agent *agent, struct resources *out);
void allocator_filter_free(struct allocator_filter *filter);

/* ---- allocator_share.c: the largest share of any scalar of all agents that a role, or a framework in it, has; what is
 * offered counts as had. framework NULL: all of the role. */
double allocator_share(const struct allocator *allocator, const char *role, const char *framework);

#endif
