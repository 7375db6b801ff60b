-- SPDX-License-Identifier: Apache-2.0
-- A table of values by agent that belongs to a config version: the user's CSV and its hash, or NULL in both.
ALTER TABLE config_versions ADD COLUMN csv BLOB;
ALTER TABLE config_versions ADD COLUMN csv_sha256 TEXT;
