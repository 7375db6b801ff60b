/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_AMOUNTS_H
#define TESTS_SUPPORT_AMOUNTS_H
/*
 * Resources in plain numbers, for tests of the allocator that are not to count with what they test: three roles, whole
 * amounts of cpus and mem for each, and four ports as bits.
 */
#include <stdbool.h>
#include <stdint.h>

#include "mesos/resources.h"

#define AMOUNTS_KINDS 6
#define AMOUNTS_ROLES 3
#define AMOUNTS_PORTS 4

extern const char *const amounts_roles[AMOUNTS_ROLES];

struct amounts {
	int of[AMOUNTS_KINDS];
	unsigned ports[AMOUNTS_ROLES];
};

/* The caller clears it. */
struct resources amounts_to_resources(const struct amounts *amounts);
struct amounts amounts_random(uint64_t *state); /* each kind there or not, each port somebody's or nobody's */
void amounts_sum(struct amounts *to, const struct amounts *what);
/* Adds resources to amounts; NULL, or what is wrong with them. */
const char *amounts_add(struct amounts *amounts, const struct resources *resources);
/* May so much be offered of so much, when so much is used? NULL, or why not. */
const char *amounts_check(const struct amounts *total, const struct amounts *used, const struct amounts *offered);
/* Is there a role that it would be worth an offer to: with a CPU, or 32 MB, that are its own or nobody's? */
bool amounts_worth_offering(const struct amounts *left);
const char *amounts_role_of(const Mesos__Resource *resource);
size_t amounts_role_index(const char *role);

#endif
