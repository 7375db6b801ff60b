-- SPDX-License-Identifier: Apache-2.0
-- One row for each agent and nothing beside it. Attributes and resources are asked for where they lie, in the row's own protobuf
-- (inventory/agent_functions.h), so that a new agent is one row instead of a dozen.
DROP TABLE agent_attributes;
DROP TABLE agent_resources;

-- What a selector asks for most comes first, and the large columns last: a long row goes on in pages that a search then need not read.
CREATE TABLE agents_new (
	row INTEGER PRIMARY KEY,
	cluster INTEGER NOT NULL REFERENCES clusters(id),
	gone_ms INTEGER,       -- NULL: the master lists it
	id TEXT NOT NULL,
	hostname TEXT NOT NULL,
	ip TEXT NOT NULL,
	port INTEGER NOT NULL,
	version TEXT NOT NULL,
	active INTEGER NOT NULL,
	deactivated INTEGER NOT NULL,
	attributes_complete INTEGER NOT NULL,
	region TEXT,
	zone TEXT,
	-- over all roles, to three decimals
	cpus REAL NOT NULL,
	mem REAL NOT NULL,
	disk REAL NOT NULL,
	gpus REAL NOT NULL,
	cpus_used REAL NOT NULL,
	mem_used REAL NOT NULL,
	disk_used REAL NOT NULL,
	gpus_used REAL NOT NULL,
	registered_ns INTEGER NOT NULL,
	reregistered_ns INTEGER NOT NULL,
	first_seen_ms INTEGER NOT NULL,
	changed_ms INTEGER NOT NULL,
	since_ms INTEGER NOT NULL,
	answer BLOB,           -- hash over the bytes in which it came last; NULL: it is read in full
	info BLOB NOT NULL,    -- SlaveInfo, protobuf
	total BLOB NOT NULL,   -- a SlaveInfo that holds nothing but the resources
	used BLOB NOT NULL
) STRICT;
INSERT INTO agents_new SELECT a.row, a.cluster, a.gone_ms, a.id, a.hostname, a.ip, a.port, a.version, a.active, a.deactivated,
	a.attributes_complete, a.region, a.zone, a.cpus, a.mem, a.disk, a.gpus, a.cpus_used, a.mem_used, a.disk_used, a.gpus_used,
	a.registered_ns, a.reregistered_ns, a.first_seen_ms, a.changed_ms, a.since_ms,
	(SELECT x.hash FROM agent_answers x WHERE x.cluster = a.cluster AND x.agent = a.row), a.info, a.total, a.used
	FROM agents a ORDER BY a.row;
DROP TABLE agent_answers;
DROP TABLE agents;
ALTER TABLE agents_new RENAME TO agents;
CREATE UNIQUE INDEX agents_by_id ON agents (id, cluster);
CREATE INDEX agents_by_hostname ON agents (hostname, cluster);
CREATE INDEX agents_listed ON agents (cluster) WHERE gone_ms IS NULL;
