-- SPDX-License-Identifier: Apache-2.0
-- What the master answered last, by hash: what comes again as it was is not read again.

-- Over all answers of the last sync together; NULL: not known, the next sync reads everything. With it, what that sync counted.
ALTER TABLE clusters ADD COLUMN answer_hash BLOB;
ALTER TABLE clusters ADD COLUMN answer_agents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clusters ADD COLUMN answer_tasks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clusters ADD COLUMN answer_frameworks INTEGER NOT NULL DEFAULT 0;

-- Over the bytes in which an agent that is listed came last. Who is missing here is read in full.
CREATE TABLE agent_answers (
	cluster INTEGER NOT NULL REFERENCES clusters(id),
	agent INTEGER NOT NULL REFERENCES agents(row) ON DELETE CASCADE,
	hash BLOB NOT NULL,
	PRIMARY KEY (cluster, agent)
) STRICT, WITHOUT ROWID;
