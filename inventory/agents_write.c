/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one agent: its row, the state that ends with it, and what selectors ask of its SlaveInfo and resources. */
#include "base/buffer.h"
#include "inventory/agents_internal.h"
#include "mesos/attributes.h"

static int write_attributes(struct store *store, int64_t row, const Mesos__SlaveInfo *info, struct error *err)
{
	struct buffer value = BUFFER_INIT(PACKED_MAX);
	int result = store_run(store, err, "DELETE FROM agent_attributes WHERE agent = ?1", "i", row);

	for (size_t i = 0; result == 0 && i < info->n_attributes; i++) {
		const Mesos__Attribute *attribute = info->attributes[i];

		buffer_reset(&value);
		attribute_value_text(attribute, &value);
		if (attribute->type == MESOS__VALUE__TYPE__SCALAR && attribute->scalar)
			result = store_run(store, err, "INSERT INTO agent_attributes VALUES (?1, ?2, ?3, ?4, ?5)",
					   "iittr", row, (int64_t)i, attribute->name, buffer_text(&value),
					   attribute->scalar->value);
		else
			result = store_run(store, err, "INSERT INTO agent_attributes VALUES (?1, ?2, ?3, ?4, NULL)",
					   "iitt", row, (int64_t)i, attribute->name, buffer_text(&value));
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

static int write_scalars(struct store *store, int64_t row, const struct resources *resources, bool used,
			 struct error *err)
{
	const char *sql = used ? "INSERT INTO agent_resources VALUES (?1, ?2, ?3, 0, ?4) "
				 "ON CONFLICT DO UPDATE SET used = used + excluded.used"
			       : "INSERT INTO agent_resources VALUES (?1, ?2, ?3, ?4, 0) "
				 "ON CONFLICT DO UPDATE SET total = total + excluded.total";
	struct resources normal = {NULL, 0};
	int result = 0;

	resources_copy(&normal, resources->items, resources->count);
	resources_normalise(&normal);
	for (size_t i = 0; result == 0 && i < normal.count; i++) {
		const Mesos__Resource *resource = normal.items[i];

		if (resource->type == MESOS__VALUE__TYPE__SCALAR && resource->scalar)
			result = store_run(store, err, sql, "ittr", row, resource->name, reserved_for(resource),
					   resource->scalar->value);
	}
	resources_clear(&normal);
	return result;
}

int agents_write_details(struct store *store, int64_t row, const struct agent_view *view, struct error *err)
{
	if (write_attributes(store, row, view->info, err) < 0 ||
	    store_run(store, err, "DELETE FROM agent_resources WHERE agent = ?1", "i", row) < 0 ||
	    write_scalars(store, row, &view->total, false, err) < 0 ||
	    write_scalars(store, row, &view->used, true, err) < 0)
		return -1;
	return store_run(
		store, err,
		"UPDATE agents SET (cpus, mem, disk, gpus, cpus_used, mem_used, disk_used, gpus_used) = (SELECT "
		"round(total(total) FILTER (WHERE name = 'cpus'), 3), "
		"round(total(total) FILTER (WHERE name = 'mem'), 3), "
		"round(total(total) FILTER (WHERE name = 'disk'), 3), "
		"round(total(total) FILTER (WHERE name = 'gpus'), 3), "
		"round(total(used) FILTER (WHERE name = 'cpus'), 3), "
		"round(total(used) FILTER (WHERE name = 'mem'), 3), "
		"round(total(used) FILTER (WHERE name = 'disk'), 3), "
		"round(total(used) FILTER (WHERE name = 'gpus'), 3) "
		"FROM agent_resources WHERE agent = ?1) WHERE row = ?1",
		"i", row);
}

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

int agents_write(struct store *store, int64_t cluster, const struct agent_packed *packed, int64_t row, int64_t time_ms,
		 struct error *err)
{
	const struct agent_view *view = packed->view;
	bool new_state = true;

	if (row && keep_state(store, packed, row, time_ms, &new_state, err) < 0)
		return -1;
	if (store_run(store, err,
		      "INSERT INTO agents (cluster, id, hostname, ip, port, version, active, deactivated, "
		      "attributes_complete, registered_ns, reregistered_ns, region, zone, digest, info, total, used, "
		      "first_seen_ms, changed_ms, since_ms) "
		      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?18, "
		      "?18) "
		      "ON CONFLICT (cluster, id) DO UPDATE SET hostname = excluded.hostname, ip = excluded.ip, "
		      "port = excluded.port, version = excluded.version, active = excluded.active, "
		      "deactivated = excluded.deactivated, attributes_complete = excluded.attributes_complete, "
		      "registered_ns = excluded.registered_ns, reregistered_ns = excluded.reregistered_ns, "
		      "region = excluded.region, zone = excluded.zone, digest = excluded.digest, info = excluded.info, "
		      "total = excluded.total, used = excluded.used, changed_ms = excluded.changed_ms, gone_ms = NULL, "
		      "since_ms = CASE WHEN ?19 THEN excluded.since_ms ELSE since_ms END",
		      "itttdtdddiittbbbbid", cluster, view->id, view->hostname, view->ip, view->port, view->version,
		      (int)view->active, (int)view->deactivated, (int)view->attributes_complete, view->registered_ns,
		      view->reregistered_ns, packed->region, packed->zone, packed->digest, (size_t)DIGEST_SIZE,
		      packed->info.data, packed->info.len, packed->total.data, packed->total.len, packed->used.data,
		      packed->used.len, time_ms, (int)new_state) < 0)
		return -1;
	if (!row && store_find_int(store, &row, err, "SELECT row FROM agents WHERE cluster = ?1 AND id = ?2", "it",
				   cluster, view->id) < 0)
		return -1;
	return agents_write_details(store, row, view, err);
}
