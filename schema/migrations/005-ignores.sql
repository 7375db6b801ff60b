-- SPDX-License-Identifier: Apache-2.0
-- Agents that plans leave out, and why. A row is never deleted: removed_ms ends it, so that who left what out, and when,
-- stays to be read.
CREATE TABLE ignores (
	number INTEGER PRIMARY KEY,
	cluster INTEGER NOT NULL REFERENCES clusters(id),
	selector TEXT NOT NULL,
	reason TEXT NOT NULL,
	author TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	until_ms INTEGER,      -- NULL: until it is removed
	removed_ms INTEGER,    -- NULL: it holds
	removed_by TEXT
) STRICT;
