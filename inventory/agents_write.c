/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one agent: its row, the state that ends with it, and what selectors ask of its SlaveInfo and resources. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "inventory/agents_internal.h"
#include "mesos/attributes.h"

/* ---- attributes and scalar resources */

static int write_attribute(struct store *store, int64_t row, size_t position, const Mesos__Attribute *attribute,
			   const char *value, struct error *err)
{
	if (attribute->type == MESOS__VALUE__TYPE__SCALAR && attribute->scalar)
		return store_run(store, err, "INSERT INTO agent_attributes VALUES (?1, ?2, ?3, ?4, ?5)", "iittr", row,
				 (int64_t)position, attribute->name, value, attribute->scalar->value);
	return store_run(store, err, "INSERT INTO agent_attributes VALUES (?1, ?2, ?3, ?4, NULL)", "iitt", row,
			 (int64_t)position, attribute->name, value);
}

static int write_attributes(struct store *store, int64_t row, const Mesos__SlaveInfo *info, struct error *err)
{
	struct buffer value = BUFFER_INIT(PACKED_MAX);
	int result = 0;

	for (size_t i = 0; result == 0 && i < info->n_attributes; i++) {
		buffer_reset(&value);
		attribute_value_text(info->attributes[i], &value);
		result = write_attribute(store, row, i, info->attributes[i], buffer_text(&value), err);
	}
	buffer_clear(&value);
	return result;
}

static const char *reserved_for(const Mesos__Resource *resource)
{
	const Mesos__Resource__ReservationInfo *last;

	if (resource->n_reservations == 0)
		return "*";
	last = resource->reservations[resource->n_reservations - 1];
	return last->role ? last->role : "*";
}

/* The agent's scalars by name and role, as agent_resources has them. Texts are borrowed from the view. */
struct scalar {
	const char *name, *role;
	double total, used;
};

struct scalars {
	struct scalar *items;
	size_t count;
};

static void add_scalars(struct scalars *scalars, const struct resources *resources, bool used)
{
	scalars->items = xreallocarray(scalars->items, scalars->count + resources->count + 1, sizeof(*scalars->items));
	for (size_t i = 0; i < resources->count; i++) {
		const Mesos__Resource *resource = resources->items[i];
		const char *role = reserved_for(resource);
		size_t at = 0;

		if (resource->type != MESOS__VALUE__TYPE__SCALAR || !resource->scalar)
			continue;
		while (at < scalars->count && (strcmp(scalars->items[at].name, resource->name) != 0 ||
					       strcmp(scalars->items[at].role, role) != 0))
			at++;
		if (at == scalars->count)
			scalars->items[scalars->count++] = (struct scalar){.name = resource->name, .role = role};
		*(used ? &scalars->items[at].used : &scalars->items[at].total) += resource->scalar->value;
	}
}

static void find_scalars(struct agent_view *view, struct scalars *out)
{
	resources_normalise(&view->total);
	resources_normalise(&view->used);
	add_scalars(out, &view->total, false);
	add_scalars(out, &view->used, true);
}

static int write_scalars(struct store *store, int64_t row, const struct scalars *scalars, struct error *err)
{
	for (size_t i = 0; i < scalars->count; i++) {
		const struct scalar *scalar = &scalars->items[i];

		if (store_run(store, err, "INSERT INTO agent_resources VALUES (?1, ?2, ?3, ?4, ?5)", "ittrr", row,
			      scalar->name, scalar->role, scalar->total, scalar->used) < 0)
			return -1;
	}
	return 0;
}

/* Over all roles, to three decimals as Mesos counts. */
static double sum_of(const struct scalars *scalars, const char *name, bool used)
{
	double sum = 0;

	for (size_t i = 0; i < scalars->count; i++)
		if (strcmp(scalars->items[i].name, name) == 0)
			sum += used ? scalars->items[i].used : scalars->items[i].total;
	return round(sum * 1000) / 1000;
}

/* ---- the row */

/* Keeps the state the agent has had until now, when it ends. *ends: it does. */
static int keep_state(struct store *store, const struct agent_packed *packed, int64_t row, int64_t time_ms, bool *ends,
		      struct error *err)
{
	const struct agent_view *view = packed->view;

	/* A clock that was set back gives a state of no length, never one that ends before it began. */
	if (store_run(store, err,
		      "INSERT INTO agent_states (agent, from_ms, until_ms, hostname, ip, port, version, active, "
		      "deactivated, attributes_complete, registered_ns, reregistered_ns, region, zone, info, total) "
		      "SELECT row, since_ms, max(since_ms, ifnull(gone_ms, ?2)), hostname, ip, port, version, active, "
		      "deactivated, attributes_complete, registered_ns, reregistered_ns, region, zone, "
		      "CASE WHEN info IS NOT ?12 THEN info END, CASE WHEN total IS NOT ?13 THEN total END "
		      "FROM agents WHERE row = ?1 AND (gone_ms IS NOT NULL OR (hostname, ip, port, version, active, "
		      "deactivated, attributes_complete, registered_ns, reregistered_ns, info, total) IS NOT "
		      "(?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))",
		      "iittdtdddiibb", row, time_ms, view->hostname, view->ip, view->port, view->version,
		      (int)view->active, (int)view->deactivated, (int)view->attributes_complete, view->registered_ns,
		      view->reregistered_ns, packed->info.data, packed->info.len, packed->total.data,
		      packed->total.len) < 0)
		return -1;
	*ends = store_changes(store) > 0;
	return 0;
}

static int write_row(struct store *store, int64_t cluster, const struct agent_packed *packed,
		     const struct scalars *scalars, bool new_state, int64_t time_ms, struct error *err)
{
	const struct agent_view *view = packed->view;

	return store_run(
		store, err,
		"INSERT INTO agents (cluster, id, hostname, ip, port, version, active, deactivated, "
		"attributes_complete, registered_ns, reregistered_ns, region, zone, digest, info, total, used, "
		"first_seen_ms, changed_ms, since_ms, cpus, mem, disk, gpus, cpus_used, mem_used, disk_used, "
		"gpus_used) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?18, "
		"?18, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27) "
		"ON CONFLICT (cluster, id) DO UPDATE SET hostname = excluded.hostname, ip = excluded.ip, "
		"port = excluded.port, version = excluded.version, active = excluded.active, "
		"deactivated = excluded.deactivated, attributes_complete = excluded.attributes_complete, "
		"registered_ns = excluded.registered_ns, reregistered_ns = excluded.reregistered_ns, "
		"region = excluded.region, zone = excluded.zone, digest = excluded.digest, info = excluded.info, "
		"total = excluded.total, used = excluded.used, changed_ms = excluded.changed_ms, gone_ms = NULL, "
		"since_ms = CASE WHEN ?19 THEN excluded.since_ms ELSE since_ms END, cpus = excluded.cpus, "
		"mem = excluded.mem, disk = excluded.disk, gpus = excluded.gpus, cpus_used = excluded.cpus_used, "
		"mem_used = excluded.mem_used, disk_used = excluded.disk_used, gpus_used = excluded.gpus_used",
		"itttdtdddiittbbbbidrrrrrrrr", cluster, view->id, view->hostname, view->ip, view->port, view->version,
		(int)view->active, (int)view->deactivated, (int)view->attributes_complete, view->registered_ns,
		view->reregistered_ns, packed->region, packed->zone, packed->digest, (size_t)DIGEST_SIZE,
		packed->info.data, packed->info.len, packed->total.data, packed->total.len, packed->used.data,
		packed->used.len, time_ms, (int)new_state, sum_of(scalars, "cpus", false),
		sum_of(scalars, "mem", false), sum_of(scalars, "disk", false), sum_of(scalars, "gpus", false),
		sum_of(scalars, "cpus", true), sum_of(scalars, "mem", true), sum_of(scalars, "disk", true),
		sum_of(scalars, "gpus", true));
}

static int forget_details(struct store *store, int64_t row, struct error *err)
{
	if (store_run(store, err, "DELETE FROM agent_attributes WHERE agent = ?1", "i", row) < 0)
		return -1;
	return store_run(store, err, "DELETE FROM agent_resources WHERE agent = ?1", "i", row);
}

static int write_all(struct store *store, int64_t cluster, const struct agent_packed *packed,
		     const struct scalars *scalars, int64_t *row, int64_t time_ms, struct error *err)
{
	bool new_state = true;

	if (*row &&
	    (keep_state(store, packed, *row, time_ms, &new_state, err) < 0 || forget_details(store, *row, err) < 0))
		return -1;
	if (write_row(store, cluster, packed, scalars, new_state, time_ms, err) < 0)
		return -1;
	if (!*row)
		*row = store_last_id(store);
	if (write_attributes(store, *row, packed->view->info, err) < 0)
		return -1;
	return write_scalars(store, *row, scalars, err);
}

int agents_write(struct store *store, int64_t cluster, const struct agent_packed *packed, struct agent_view *view,
		 int64_t *row, int64_t time_ms, struct error *err)
{
	struct scalars scalars = {NULL, 0};

	find_scalars(view, &scalars);
	int result = write_all(store, cluster, packed, &scalars, row, time_ms, err);
	free(scalars.items);
	return result;
}

int agents_write_details(struct store *store, int64_t row, struct agent_view *view, struct error *err)
{
	struct scalars scalars = {NULL, 0};
	int result;

	find_scalars(view, &scalars);
	result = forget_details(store, row, err);
	if (result == 0)
		result = write_attributes(store, row, view->info, err);
	if (result == 0)
		result = write_scalars(store, row, &scalars, err);
	if (result == 0)
		result = store_run(store, err,
				   "UPDATE agents SET cpus = ?1, mem = ?2, disk = ?3, gpus = ?4, cpus_used = ?5, "
				   "mem_used = ?6, disk_used = ?7, gpus_used = ?8 WHERE row = ?9",
				   "rrrrrrrri", sum_of(&scalars, "cpus", false), sum_of(&scalars, "mem", false),
				   sum_of(&scalars, "disk", false), sum_of(&scalars, "gpus", false),
				   sum_of(&scalars, "cpus", true), sum_of(&scalars, "mem", true),
				   sum_of(&scalars, "disk", true), sum_of(&scalars, "gpus", true), row);
	free(scalars.items);
	return result;
}
