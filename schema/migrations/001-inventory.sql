-- SPDX-License-Identifier: Apache-2.0
-- What we know of clusters and agents. Times are milliseconds since 1970 UTC by this machine's clock unless the name
-- ends in _ns: those are the master's own nanoseconds.

-- One row: the name of this database, for good.
CREATE TABLE database (
	uuid TEXT NOT NULL,
	created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE clusters (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	synced_ms INTEGER,
	master TEXT,           -- URL of the leader that answered last
	-- what that master said of itself; NULL: never asked
	master_version TEXT,
	master_id TEXT,
	master_cluster TEXT,
	agent_update INTEGER,
	region TEXT,           -- NULL: the master has no domain
	zone TEXT,
	require_agent_domain INTEGER,
	agent_ping_timeout_ms INTEGER,
	max_agent_ping_timeouts INTEGER,
	agent_reregister_timeout_ms INTEGER,
	elected_ns INTEGER
) STRICT;

-- One row for each agent ID ever seen. gone_ms is set while the master does not list it.
CREATE TABLE agents (
	row INTEGER PRIMARY KEY,
	cluster INTEGER NOT NULL REFERENCES clusters(id),
	id TEXT NOT NULL,
	hostname TEXT NOT NULL,
	ip TEXT NOT NULL,
	port INTEGER NOT NULL,
	version TEXT NOT NULL,
	active INTEGER NOT NULL,
	deactivated INTEGER NOT NULL,
	attributes_complete INTEGER NOT NULL,
	registered_ns INTEGER NOT NULL,
	reregistered_ns INTEGER NOT NULL,
	region TEXT,
	zone TEXT,
	digest BLOB NOT NULL,  -- SHA-256 of all the master said of it: a sync writes only where this differs
	info BLOB NOT NULL,    -- SlaveInfo, protobuf
	total BLOB NOT NULL,   -- a SlaveInfo that holds nothing but the resources
	used BLOB NOT NULL,
	first_seen_ms INTEGER NOT NULL,
	changed_ms INTEGER NOT NULL,
	gone_ms INTEGER,
	UNIQUE (cluster, id)
) STRICT;
CREATE INDEX agents_by_hostname ON agents (cluster, hostname);

-- The SlaveInfo's attributes, for selectors. number is set for scalars.
CREATE TABLE agent_attributes (
	agent INTEGER NOT NULL REFERENCES agents(row) ON DELETE CASCADE,
	position INTEGER NOT NULL,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	number REAL,
	PRIMARY KEY (agent, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_attributes_by_name ON agent_attributes (name, value);

-- Scalar resources, for selectors: what the master counts as the agent's total and as used, by reservation
-- (role '*': unreserved).
CREATE TABLE agent_resources (
	agent INTEGER NOT NULL REFERENCES agents(row) ON DELETE CASCADE,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	total REAL NOT NULL,
	used REAL NOT NULL,
	PRIMARY KEY (agent, name, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE frameworks (
	cluster INTEGER NOT NULL REFERENCES clusters(id),
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	active INTEGER NOT NULL,
	checkpoint INTEGER NOT NULL,
	partition_aware INTEGER NOT NULL,
	PRIMARY KEY (cluster, id)
) STRICT, WITHOUT ROWID;

-- Tasks the master lists as not completed, as of the last sync. Agents are named by ID: a task may outlive what the
-- master shows of its agent.
CREATE TABLE tasks (
	cluster INTEGER NOT NULL REFERENCES clusters(id),
	agent TEXT NOT NULL,
	framework TEXT NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	executor TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (cluster, agent, framework, id)
) STRICT, WITHOUT ROWID;

-- What agentctl last said of an agent's host, and how asking it last failed. A failure leaves the last good document.
CREATE TABLE surveys (
	agent INTEGER PRIMARY KEY REFERENCES agents(row) ON DELETE CASCADE,
	time_ms INTEGER,       -- of document
	document BLOB,         -- agentctl's bytes, as they came
	host_key TEXT,
	failed_ms INTEGER,     -- NULL: the last attempt succeeded
	failure_kind TEXT,
	failure TEXT
) STRICT;

CREATE TABLE configs (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE config_versions (
	config INTEGER NOT NULL REFERENCES configs(id),
	version INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	author TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	message TEXT NOT NULL,
	document BLOB NOT NULL, -- the user's bytes; the hash covers them
	PRIMARY KEY (config, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER config_versions_are_immutable BEFORE UPDATE ON config_versions
BEGIN
	SELECT raise(ABORT, 'a config version is never changed');
END;
CREATE TRIGGER config_versions_are_kept BEFORE DELETE ON config_versions
BEGIN
	SELECT raise(ABORT, 'a config version is never deleted');
END;
