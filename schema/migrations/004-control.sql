-- SPDX-License-Identifier: Apache-2.0
-- What a run is told by its operators while it runs, its stages, and which run it takes back.

-- The run that this one takes back, NULL: none.
ALTER TABLE runs ADD COLUMN rolls_back TEXT REFERENCES runs(id);
-- 1: this run's plan takes it back once its failure budget is spent, and that has come; 0 again when another run does so.
ALTER TABLE runs ADD COLUMN rollback_due INTEGER NOT NULL DEFAULT 0;
-- How many stages are behind it, their gates included; and what else the engine must know to go on.
ALTER TABLE runs ADD COLUMN stages_passed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN memory TEXT;
-- The cluster when the run began, a JSON document: gates compare with it. NULL: no master has answered yet.
ALTER TABLE runs ADD COLUMN before TEXT;
CREATE INDEX runs_by_rolled_back ON runs (rolls_back) WHERE rolls_back IS NOT NULL;

-- Orders to whoever drives the run, each written in one transaction with its event, and carried out in the order of seq.
CREATE TABLE run_orders (
	seq INTEGER PRIMARY KEY,
	run TEXT NOT NULL REFERENCES runs(id),
	verb TEXT NOT NULL,
	actor TEXT NOT NULL,
	time_ms INTEGER NOT NULL,
	done_ms INTEGER,       -- NULL: not carried out yet
	answer TEXT            -- what became of it, for people
) STRICT;
CREATE INDEX run_orders_open ON run_orders (run, seq) WHERE done_ms IS NULL;
