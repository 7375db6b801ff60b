/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_AMOUNTS_H
#define TESTS_SUPPORT_AMOUNTS_H
/*
 * Resources in plain numbers, for tests of the allocator that are not to count with what they test: three roles, whole
 * amounts of cpus and mem for each, and four ports as bits.
 */
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
/* Adds resources to amounts; NULL, or what is wrong with them. */
const char *amounts_add(struct amounts *amounts, const struct resources *resources);
/* May so much be offered of so much, when so much is used? NULL, or why not. */
const char *amounts_check(const struct amounts *total, const struct amounts *used, const struct amounts *offered);
const char *amounts_role_of(const Mesos__Resource *resource);
size_t amounts_role_index(const char *role);

#endif
