-- SPDX-License-Identifier: Apache-2.0
-- Plans, runs and what happened in them. Times are milliseconds since 1970 UTC by this machine's clock.

-- A plan's bytes as they were shown; the hash covers them.
CREATE TABLE plans (
	hash TEXT PRIMARY KEY,
	cluster TEXT NOT NULL,
	config TEXT NOT NULL,
	config_version INTEGER NOT NULL,
	author TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	agents INTEGER NOT NULL,
	document BLOB NOT NULL
) STRICT;
CREATE INDEX plans_by_time ON plans (created_ms);

CREATE TRIGGER plans_are_immutable BEFORE UPDATE ON plans
BEGIN
	SELECT raise(ABORT, 'a plan is never changed');
END;

-- The one event table: a SHA-256 chain over every event, in the order of seq, which has no gaps. An event's hash covers
-- the hash before it and every column of its row.
CREATE TABLE events (
	seq INTEGER PRIMARY KEY,
	time_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	run TEXT,
	agent TEXT,
	kind TEXT NOT NULL,
	body BLOB NOT NULL,    -- a JSON document's bytes
	hash TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL;
CREATE INDEX events_by_agent ON events (agent, seq) WHERE agent IS NOT NULL;

CREATE TRIGGER events_are_immutable BEFORE UPDATE ON events
BEGIN
	SELECT raise(ABORT, 'an event is never changed');
END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN
	SELECT raise(ABORT, 'an event is never deleted');
END;

-- Below are projections of the events: what a restarted driver goes on from.
CREATE TABLE runs (
	id TEXT PRIMARY KEY,
	plan TEXT NOT NULL REFERENCES plans(hash),
	state TEXT NOT NULL,
	reason TEXT,
	epoch INTEGER NOT NULL,
	forgiven INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	finished_ms INTEGER
) STRICT;
CREATE INDEX runs_by_time ON runs (created_ms);
CREATE INDEX runs_by_plan ON runs (plan);

CREATE TABLE run_agents (
	run TEXT NOT NULL REFERENCES runs(id),
	position INTEGER NOT NULL,
	agent TEXT NOT NULL,
	hostname TEXT NOT NULL,
	state TEXT NOT NULL,
	attempt INTEGER NOT NULL,
	operation TEXT,
	epoch INTEGER NOT NULL,
	request BLOB,          -- the bytes agentctl gets, made once
	before TEXT,           -- the before-picture, taken once for each operation
	started TEXT,
	proof TEXT,
	error TEXT,
	away_from_ms INTEGER,
	away_until_ms INTEGER,
	PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_agents_by_agent ON run_agents (agent);

-- Every start and resume of a driver takes the next epoch; hosts refuse an older one.
CREATE TABLE epochs (
	epoch INTEGER PRIMARY KEY,
	run TEXT NOT NULL,
	actor TEXT NOT NULL,
	time_ms INTEGER NOT NULL
) STRICT;
