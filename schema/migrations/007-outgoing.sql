-- SPDX-License-Identifier: Apache-2.0
-- Who wants to be told what happens, and what is still to be told. Both are projections of the events: a row is written in
-- the transaction of the event that it follows from.

-- Observers hear of changed agents on which tasks of a framework run, webhooks of rollouts. A row is never deleted.
CREATE TABLE receivers (
	number INTEGER PRIMARY KEY,
	kind TEXT NOT NULL CHECK (kind IN ('observer', 'webhook')),
	cluster TEXT NOT NULL,
	name TEXT NOT NULL,
	url TEXT NOT NULL,
	wants TEXT,            -- observer: a framework; webhook: kinds of events, NULL: all
	secret_file TEXT,      -- what signs is in that file, and nowhere else; NULL: nothing is signed
	ca TEXT,               -- "system", a PEM file, NULL: as the cluster file says
	timeout_ms INTEGER NOT NULL,
	author TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	removed_ms INTEGER     -- NULL: it is told
) STRICT;
CREATE UNIQUE INDEX receivers_by_name ON receivers (cluster, kind, name) WHERE removed_ms IS NULL;

-- One message to one receiver; what it says is in the event of seq. Those of a lane are told in the order of number.
CREATE TABLE outgoing (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	id TEXT NOT NULL UNIQUE,     -- the same however often it is told
	receiver INTEGER NOT NULL REFERENCES receivers(number),
	lane TEXT NOT NULL,          -- the agent, or the run
	seq INTEGER NOT NULL REFERENCES events(seq),
	kind TEXT NOT NULL,
	operation TEXT,
	framework TEXT,
	task TEXT,
	created_ms INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_ms INTEGER,             -- not before; NULL: another one of its lane comes first
	gone INTEGER NOT NULL DEFAULT 0, -- the receiver has answered that it wants no more
	error TEXT,                  -- of the last attempt
	ended_ms INTEGER,            -- NULL: it is still to be told
	outcome TEXT                 -- 'delivered' or 'dropped'
) STRICT;
CREATE INDEX outgoing_lanes ON outgoing (receiver, lane, number) WHERE ended_ms IS NULL;
CREATE INDEX outgoing_due ON outgoing (receiver, next_ms, number) WHERE ended_ms IS NULL;
CREATE INDEX outgoing_operations ON outgoing (receiver, operation) WHERE operation IS NOT NULL;
