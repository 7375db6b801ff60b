/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/amounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "tests/support/random.h"

#define LEAST_MEM 32

const char *const amounts_roles[AMOUNTS_ROLES] = {"*", "web", "db"};

/* A kind is a name and a role; amounts are whole. Ports are bits. */
static const struct kind {
	const char *name, *role;
} kinds[AMOUNTS_KINDS] = {{"cpus", "*"}, {"cpus", "web"}, {"cpus", "db"}, {"mem", "*"}, {"mem", "web"}, {"mem", "db"}};
/* ---- amounts to resources, and back */

static Mesos__Resource *make(const char *name, const char *role, Mesos__Value__Type type)
{
	Mesos__Resource *resource = pb_new(&mesos__resource__descriptor);
	resource->name = xstrdup(name);
	resource->type = type;
	resource->role = xstrdup(role);
	resource_upgrade(resource);
	return resource;
}

static void put_scalar(struct resources *out, const struct kind *kind, int amount)
{
	Mesos__Resource *resource = make(kind->name, kind->role, MESOS__VALUE__TYPE__SCALAR);
	resource->scalar = pb_new(&mesos__value__scalar__descriptor);
	resource->scalar->value = amount;
	PB_APPEND(out->items, out->count, resource);
}

static void put_ports(struct resources *out, const char *role, unsigned ports)
{
	Mesos__Resource *resource = make("ports", role, MESOS__VALUE__TYPE__RANGES);
	resource->ranges = pb_new(&mesos__value__ranges__descriptor);
	for (unsigned i = 0; i < AMOUNTS_PORTS; i++) {
		if ((ports >> i & 1) == 0)
			continue;
		Mesos__Value__Range *range = pb_new(&mesos__value__range__descriptor);
		range->begin = range->end = i * 2; /* no two coalesce */
		PB_APPEND(resource->ranges->range, resource->ranges->n_range, range);
	}
	PB_APPEND(out->items, out->count, resource);
}

struct resources amounts_to_resources(const struct amounts *amounts)
{
	struct resources out = {.items = NULL};
	for (size_t i = 0; i < AMOUNTS_KINDS; i++) {
		if (amounts->of[i] > 0)
			put_scalar(&out, &kinds[i], amounts->of[i]);
	}
	for (size_t i = 0; i < AMOUNTS_ROLES; i++) {
		if (amounts->ports[i] != 0)
			put_ports(&out, amounts_roles[i], amounts->ports[i]);
	}
	return out;
}

const char *amounts_role_of(const Mesos__Resource *resource)
{
	return resource->n_reservations > 0 ? resource->reservations[0]->role : "*";
}

size_t amounts_role_index(const char *role)
{
	size_t i = 0;
	while (strcmp(amounts_roles[i], role) != 0)
		i++;
	return i;
}

struct amounts amounts_random(uint64_t *state)
{
	struct amounts made = {.of = {0}};
	unsigned ports = (unsigned)random_below(state, 1 << AMOUNTS_PORTS);
	for (size_t i = 0; i < AMOUNTS_KINDS; i++)
		made.of[i] = random_below(state, 2) ? random_below(state, 200) : 0;
	for (unsigned i = 0; i < AMOUNTS_PORTS; i++)
		made.ports[random_below(state, AMOUNTS_ROLES)] |= ports & 1u << i;
	return made;
}

void amounts_sum(struct amounts *to, const struct amounts *what)
{
	for (size_t i = 0; i < AMOUNTS_KINDS; i++)
		to->of[i] += what->of[i];
	for (size_t i = 0; i < AMOUNTS_ROLES; i++)
		to->ports[i] |= what->ports[i];
}

/* Adds resources to amounts; NULL, or what is wrong with them. */
const char *amounts_add(struct amounts *amounts, const struct resources *resources)
{
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *item = resources->items[i];
		size_t kind = 0;
		if (item->type == MESOS__VALUE__TYPE__RANGES) {
			unsigned *ports = &amounts->ports[amounts_role_index(amounts_role_of(item))];
			for (size_t j = 0; j < item->ranges->n_range; j++) {
				unsigned bit = 1u << (item->ranges->range[j]->begin / 2);
				if ((*ports & bit) != 0)
					return "a port is there twice";
				*ports |= bit;
			}
			continue;
		}
		while (strcmp(kinds[kind].name, item->name) != 0 ||
		       strcmp(kinds[kind].role, amounts_role_of(item)) != 0)
			kind++;
		if (item->scalar->value <= 0)
			return "an amount is not positive";
		amounts->of[kind] += (int)item->scalar->value;
	}
	return NULL;
}

static int sum_of(const struct amounts *amounts, const char *name)
{
	int sum = 0;
	for (size_t i = 0; i < AMOUNTS_KINDS; i++)
		sum += strcmp(kinds[i].name, name) == 0 ? amounts->of[i] : 0;
	return sum;
}

static unsigned all_ports(const struct amounts *amounts)
{
	return amounts->ports[0] | amounts->ports[1] | amounts->ports[2];
}

const char *amounts_check(const struct amounts *total, const struct amounts *used, const struct amounts *offered)
{
	static const char *const names[] = {"cpus", "mem"};
	for (size_t i = 0; i < 2; i++) {
		int left = sum_of(total, names[i]) - sum_of(used, names[i]);
		if (sum_of(offered, names[i]) > (left > 0 ? left : 0))
			return "more is used and offered than there is";
	}
	for (size_t i = 0; i < AMOUNTS_KINDS; i++) {
		int left = total->of[i] - used->of[i];
		if (offered->of[i] > (left > 0 ? left : 0))
			return "more of a kind is used and offered than there is";
	}
	for (size_t i = 0; i < AMOUNTS_ROLES; i++) {
		if ((offered->ports[i] & ~total->ports[i]) != 0)
			return "a port is offered that is not there";
	}
	return (all_ports(used) & all_ports(offered)) != 0 ? "a port is offered that is in use" : NULL;
}

bool amounts_worth_offering(const struct amounts *left)
{
	for (size_t role = 0; role < AMOUNTS_ROLES; role++) {
		int cpus = left->of[0] + (role > 0 ? left->of[role] : 0);
		int mem = left->of[AMOUNTS_ROLES] + (role > 0 ? left->of[AMOUNTS_ROLES + role] : 0);
		if (cpus > 0 || mem >= LEAST_MEM)
			return true;
	}
	return false;
}
