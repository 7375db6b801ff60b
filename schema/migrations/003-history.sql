-- SPDX-License-Identifier: Apache-2.0
-- What agents were before, and what makes questions about 50,000 of them quick.

-- When the state that the row of agents shows was first seen. A state is everything the master says of an agent, except
-- for what its tasks use: that changes with every task, and the agent does not.
ALTER TABLE agents ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;

-- The states an agent had before, oldest first. It is written when a state ends, so a poll that finds nothing new costs
-- nothing. Between until_ms and the next state's from_ms the master did not list the agent.
CREATE TABLE agent_states (
	seq INTEGER PRIMARY KEY,
	agent INTEGER NOT NULL REFERENCES agents(row) ON DELETE CASCADE,
	from_ms INTEGER NOT NULL,
	until_ms INTEGER NOT NULL,
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
	info BLOB,             -- NULL: the same as in the agent's next state
	total BLOB             -- NULL: the same
) STRICT;
CREATE INDEX agent_states_by_agent ON agent_states (agent);
CREATE INDEX agent_states_by_time ON agent_states (until_ms, from_ms);

-- The sums over agent_resources of what is asked for most, in the row that is read anyway.
ALTER TABLE agents ADD COLUMN cpus REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN mem REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN disk REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN gpus REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN cpus_used REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN mem_used REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN disk_used REAL NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN gpus_used REAL NOT NULL DEFAULT 0;

UPDATE agents SET
	since_ms = changed_ms,
	cpus = (SELECT round(total(r.total), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'cpus'),
	mem = (SELECT round(total(r.total), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'mem'),
	disk = (SELECT round(total(r.total), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'disk'),
	gpus = (SELECT round(total(r.total), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'gpus'),
	cpus_used = (SELECT round(total(r.used), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'cpus'),
	mem_used = (SELECT round(total(r.used), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'mem'),
	disk_used = (SELECT round(total(r.used), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'disk'),
	gpus_used = (SELECT round(total(r.used), 3) FROM agent_resources r WHERE r.agent = agents.row AND r.name = 'gpus');

-- All a selector can ask of a listed agent's row, without the blobs beside it.
CREATE INDEX agents_listed ON agents (cluster, hostname, id, ip, port, version, active, deactivated, region, zone,
	first_seen_ms, changed_ms, registered_ns, reregistered_ns, cpus, mem, disk, gpus, cpus_used, mem_used, disk_used,
	gpus_used) WHERE gone_ms IS NULL;
CREATE INDEX agent_attributes_by_number ON agent_attributes (name, number) WHERE number IS NOT NULL;
CREATE INDEX agent_resources_by_name ON agent_resources (name, agent, role, total, used);
CREATE INDEX tasks_by_agent ON tasks (cluster, agent, framework, id);
CREATE INDEX run_agents_by_state ON run_agents (run, state, agent);

-- Would the agent, as the survey found it, refuse its next start? NULL: the survey could not tell.
ALTER TABLE surveys ADD COLUMN drift INTEGER;
UPDATE surveys SET drift = NOT json_extract(CAST(document AS TEXT), '$.verdict.accepted')
	WHERE document IS NOT NULL AND json_valid(CAST(document AS TEXT));
CREATE INDEX surveys_by_agent ON surveys (agent, time_ms, failed_ms, drift);
