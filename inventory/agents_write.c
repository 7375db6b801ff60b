/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one agent: its row, and the state that ends with it. */
#include <string.h>

#include "inventory/agents_internal.h"
#include "mesos/resource_sums.h"

/* What agents are most often asked for, in the row that is read anyway. */
enum { CPUS, MEM, DISK, GPUS, SUMS };

struct sums {
	struct resource_sum total[SUMS], used[SUMS];
};

static void find_sums(const struct agent_packed *agent, struct sums *out)
{
	static const struct resource_sum wanted[] = {
		[CPUS] = {.name = "cpus"},
		[MEM] = {.name = "mem"},
		[DISK] = {.name = "disk"},
		[GPUS] = {.name = "gpus"},
	};

	memcpy(out->total, wanted, sizeof(wanted));
	memcpy(out->used, wanted, sizeof(wanted));
	resource_sums(agent->total.data, agent->total.len, out->total, SUMS);
	resource_sums(agent->used.data, agent->used.len, out->used, SUMS);
}

/* The parameters that both statements below have behind a few of their own. */
#define ROW_TYPES     "sssdsdddssrrrrrrrriibbbb"
#define BYTES(member) agent->member.data, agent->member.len
#define ROW_VALUES(agent, sums, answer)                                                                                \
	BYTES(id), BYTES(hostname), BYTES(ip), (agent)->port, BYTES(version), (int)(agent)->active,                    \
		(int)(agent)->deactivated, (int)(agent)->attributes_complete, BYTES(region), BYTES(zone),              \
		(sums)->total[CPUS].sum, (sums)->total[MEM].sum, (sums)->total[DISK].sum, (sums)->total[GPUS].sum,     \
		(sums)->used[CPUS].sum, (sums)->used[MEM].sum, (sums)->used[DISK].sum, (sums)->used[GPUS].sum,         \
		(agent)->registered_ns, (agent)->reregistered_ns, answer, (size_t)QUICKHASH_SIZE, BYTES(info),         \
		BYTES(total), BYTES(used)

int agents_insert(const struct agents_write *write, const struct agent_packed *agent, const unsigned char *answer,
		  int64_t *row, struct error *err)
{
	struct sums sums;

	find_sums(agent, &sums);
	if (store_run(
		    write->store, err,
		    "INSERT INTO agents (cluster, first_seen_ms, changed_ms, since_ms, id, hostname, ip, port, version, "
		    "active, deactivated, attributes_complete, region, zone, cpus, mem, disk, gpus, cpus_used, mem_used, "
		    "disk_used, gpus_used, registered_ns, reregistered_ns, answer, info, total, used) "
		    "VALUES (?1, ?2, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
		    "?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
		    "ii" ROW_TYPES, write->cluster, write->time_ms, ROW_VALUES(agent, &sums, answer)) < 0)
		return -1;
	*row = store_last_id(write->store);
	return 0;
}

/* Keeps the state the agent has had until now, when it ends. *ends: it does. */
static int keep_state(const struct agents_write *write, const struct agent_packed *agent, int64_t row, bool *ends,
		      struct error *err)
{
	/* A clock that was set back gives a state of no length, never one that ends before it began. */
	if (store_run(write->store, err,
		      "INSERT INTO agent_states (agent, from_ms, until_ms, hostname, ip, port, version, active, "
		      "deactivated, attributes_complete, registered_ns, reregistered_ns, region, zone, info, total) "
		      "SELECT row, since_ms, max(since_ms, ifnull(gone_ms, ?2)), hostname, ip, port, version, active, "
		      "deactivated, attributes_complete, registered_ns, reregistered_ns, region, zone, "
		      "CASE WHEN info IS NOT ?12 THEN info END, CASE WHEN total IS NOT ?13 THEN total END "
		      "FROM agents WHERE row = ?1 AND (gone_ms IS NOT NULL OR (hostname, ip, port, version, active, "
		      "deactivated, attributes_complete, registered_ns, reregistered_ns, info, total) IS NOT "
		      "(?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))",
		      "iissdsdddiibb", row, write->time_ms, BYTES(hostname), BYTES(ip), agent->port, BYTES(version),
		      (int)agent->active, (int)agent->deactivated, (int)agent->attributes_complete,
		      agent->registered_ns, agent->reregistered_ns, BYTES(info), BYTES(total)) < 0)
		return -1;
	*ends = store_changes(write->store) > 0;
	return 0;
}

int agents_update(const struct agents_write *write, const struct agent_packed *agent, const unsigned char *answer,
		  int64_t row, bool *changed, struct error *err)
{
	struct sums sums;

	if (keep_state(write, agent, row, changed, err) < 0)
		return -1;
	find_sums(agent, &sums);
	return store_run(
		write->store, err,
		"UPDATE agents SET changed_ms = CASE WHEN ?3 THEN ?2 ELSE changed_ms END, since_ms = CASE WHEN ?3 THEN ?2 "
		"ELSE since_ms END, gone_ms = NULL, id = ?4, hostname = ?5, ip = ?6, port = ?7, version = ?8, active = ?9, deactivated = ?10, "
		"attributes_complete = ?11, region = ?12, zone = ?13, cpus = ?14, mem = ?15, disk = ?16, gpus = ?17, "
		"cpus_used = ?18, mem_used = ?19, disk_used = ?20, gpus_used = ?21, registered_ns = ?22, "
		"reregistered_ns = ?23, answer = ?24, info = ?25, total = ?26, used = ?27 WHERE row = ?1",
		"iid" ROW_TYPES, row, write->time_ms, (int)*changed, ROW_VALUES(agent, &sums, answer));
}

int agents_remember(const struct agents_write *write, const unsigned char *answer, int64_t row, struct error *err)
{
	return store_run(write->store, err, "UPDATE agents SET answer = ?1 WHERE row = ?2 AND answer IS NOT ?1", "bi",
			 answer, (size_t)QUICKHASH_SIZE, row);
}

int agents_compare(const struct agents_write *write, const struct agent_packed *agent, int64_t *row, bool *same,
		   bool *gone, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(
		    write->store, &rows, err,
		    "SELECT row, gone_ms IS NOT NULL, (hostname, ip, port, version, active, deactivated, "
		    "attributes_complete, registered_ns, reregistered_ns, info, total, used) IS "
		    "(?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) FROM agents WHERE cluster = ?1 AND id = ?2",
		    "isssdsdddiibbb", write->cluster, BYTES(id), BYTES(hostname), BYTES(ip), agent->port,
		    BYTES(version), (int)agent->active, (int)agent->deactivated, (int)agent->attributes_complete,
		    agent->registered_ns, agent->reregistered_ns, BYTES(info), BYTES(total), BYTES(used)) < 0)
		return -1;
	more = store_next(&rows, err);
	if (more > 0) {
		*row = store_int(&rows, 0);
		*gone = store_int(&rows, 1) != 0;
		*same = store_int(&rows, 2) != 0;
	}
	store_done(&rows);
	return more;
}
