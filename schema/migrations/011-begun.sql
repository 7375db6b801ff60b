-- SPDX-License-Identifier: Apache-2.0
-- Does the ledger hold the event "database.begun", which says what was in the database before everything in it had an event? 0: whoever
-- opens it next writes that event first, once and for all.
ALTER TABLE database ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
