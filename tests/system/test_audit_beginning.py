#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the evidence begins: whoever made a database, and however old it is, what is put into it past rollcall is found."""
import glob
import os
import re
import shutil
import sqlite3
import unittest

from falsified import without_triggers
from inventory_case import InFolder

STORED = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "inventory")
CONFIG = '{"name": "%s", "rules": [{"attributes": {"a": "b"}}]}'
# Orders in stored databases were put there by hand, when they were made for tests: no event speaks of them.
HAND_MADE = "DELETE FROM run_orders WHERE actor = 'anna@desk'"

OLD_CONFIG = ("INSERT INTO config_versions (config, version, sha256, author, created_ms, message, document) "
              "SELECT config, version + 100, sha256, author, 1, message, document FROM config_versions LIMIT 1")
OLD_IGNORE = ("INSERT INTO ignores (number, cluster, selector, reason, author, created_ms) SELECT 77, id, 'rack = ''r1''', 'a test', "
              "'anna@desk', 1 FROM clusters LIMIT 1")


class Beginning(InFolder):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "rollcall.db")
        self.write_cluster("http://127.0.0.1:9")

    def verify(self, status, *words):
        found = self.run_rollcall("audit", "verify", "--db", self.path, status=status).stdout
        for word in words:
            self.assertIn(word, found)

    def forge(self, sql):
        database = sqlite3.connect(self.path, isolation_level=None)
        try:
            with without_triggers(database):
                self.assertGreater(database.execute(sql).rowcount, 0, sql)
        finally:
            database.close()

    def each_is_found(self, *forgeries):
        """Each on its own."""
        kept = self.path + ".kept"
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        shutil.copy(self.path, kept)
        for sql, *words in forgeries:
            with self.subTest(sql):
                for name in glob.glob(self.path + "*"):
                    if name != kept:
                        os.unlink(name)
                shutil.copy(kept, self.path)
                self.forge(sql)
                self.verify(1, *words)

    def kinds(self):
        database = sqlite3.connect(self.path)
        found = [kind for kind, in database.execute("SELECT kind FROM events ORDER BY seq")]
        database.close()
        return found

    def test_a_new_database(self):
        """Not begun with `init`: whatever makes it begins its ledger."""
        self.run_rollcall("config", "add", self.write("c.json", CONFIG % "c"), "--db", self.path)
        self.assertEqual(self.kinds(), ["database.begun", "config.added"])
        self.verify(0)
        self.forge("INSERT INTO clusters (name) VALUES ('a')")
        self.each_is_found((OLD_CONFIG, "config c@101"), (OLD_IGNORE, "number 77"),
                           ("UPDATE database SET uuid = substr(uuid, 2) || 'f'", "was renamed"),
                           ("UPDATE database SET begun = 0", "says once more"),
                           ("DELETE FROM events WHERE kind = 'database.begun'", "removed"),
                           ("UPDATE config_versions SET created_ms = created_ms + 1", "config c@1"))

    def test_every_earlier_version(self):
        stored = sorted(glob.glob(os.path.join(STORED, "schema-*.db")), key=lambda path: int(re.search(r"(\d+)\.db", path)[1]))
        self.assertGreaterEqual(len(stored), 8)
        for source in stored:
            with self.subTest(source):
                self.check_stored(source)
        self.forge_stored()

    def check_stored(self, source):
        for name in glob.glob(self.path + "*"):
            os.unlink(name)
        shutil.copy(source, self.path)
        os.chmod(self.path, 0o600)
        before = sqlite3.connect(self.path)
        if before.execute("SELECT count(*) FROM sqlite_master WHERE name = 'run_orders'").fetchone()[0]:
            before.execute(HAND_MADE)
            before.commit()
        before.close()
        self.verify(0)
        self.assertEqual(self.kinds().count("database.begun"), 1)
        self.verify(0)  # opened again, nothing is written again
        self.assertEqual(self.kinds().count("database.begun"), 1)

    def forge_stored(self):
        """In what the newest of them held."""
        self.each_is_found((OLD_IGNORE, "number 77"), (OLD_CONFIG, "config "),
                           ("UPDATE config_versions SET message = message || 'x'", "config "),
                           ("UPDATE config_versions SET created_ms = created_ms + 1", "config "),
                           ("DELETE FROM config_versions", "config "),
                           ("UPDATE ignores SET reason = reason || 'x'", "the list of agents"),
                           ("UPDATE ignores SET removed_ms = 5, removed_by = 'anna@desk'", "the end of"),
                           ("DELETE FROM ignores", "the list of agents"),
                           ("UPDATE runs SET forgiven = forgiven + 1", "the row of run"),
                           ("UPDATE run_agents SET error = 'x' WHERE position = 0", "hostname, attempt, epoch, error"),
                           ("UPDATE run_agents SET away_until_ms = away_until_ms + 1", "time away"))

    def test_words_that_receivers_have_left_in_older_databases(self):
        """They go when the database is brought up to date, where they may repeat a secret, from the file's bytes too."""
        self.run_rollcall("config", "add", self.write("c.json", CONFIG % "c"), "--db", self.path)
        secrets = [("http://h/a", "/etc/key"), ("file:/etc/url", None), ("http://h/b?token=x", None), ("http://anna:x@h/c", None)]
        database = sqlite3.connect(self.path, isolation_level=None)
        with without_triggers(database):
            for number, (url, key) in enumerate([*secrets, ("http://h/plain", None)], 1):
                database.execute("INSERT INTO receivers (number, kind, cluster, name, url, secret_file, timeout_ms, author, created_ms) "
                                 "VALUES (?, 'webhook', 'prod', ?, ?, ?, 1000, 'anna', 1)", (number, f"n{number}", url, key))
                database.execute("INSERT INTO outgoing (id, receiver, lane, seq, kind, created_ms, error) "
                                 "VALUES (?, ?, 'r-1', 1, 'rollout.started', 1, ?)",
                                 (f"m{number}", number, f"it answered 404: no planted-{number} here"))
        database.execute("PRAGMA user_version = 11")
        database.close()
        self.run_rollcall("config", "list", "--db", self.path)
        database = sqlite3.connect(self.path)
        found = [error for error, in database.execute("SELECT error FROM outgoing ORDER BY number")]
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        self.assertEqual(found[4], "it answered 404: no planted-5 here")
        with open(self.path, "rb") as file:
            raw = file.read()
        for number in range(1, 5):
            self.assertIn("may repeat a secret", found[number - 1])
            self.assertNotIn(f"planted-{number}".encode(), raw)


if __name__ == "__main__":
    unittest.main(verbosity=2)
