#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""The database: is it whole, copied, carried away and back as JSON lines; those of earlier versions are taken over."""
import base64
import glob
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import unittest

from inventory_case import BIN, WithHistory


class Whole(WithHistory):
    def setUp(self):
        super().setUp()
        self.sync()
        self.path = os.path.join(self.folder, "rollcall.db")

    def break_it(self, *statements):
        database = sqlite3.connect(self.path)
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()

    def test_whole(self):
        self.assertEqual(self.json("inventory-check", "inventory", "check")["problems"], [])
        self.assertIn("whole", self.run_rollcall("inventory", "check").stdout)

    def test_what_was_changed_behind_its_back_is_found(self):
        config = self.write("c.json", '{"name": "w", "rules": [{"attributes": {"a": "b"}}]}')
        self.run_rollcall("config", "add", config)
        self.break_it("DROP TRIGGER config_versions_are_immutable",
                      "UPDATE config_versions SET document = CAST(document || ' ' AS BLOB)")
        found = self.json("inventory-check", "inventory", "check", status=1)
        self.assertFalse(found["whole"])
        self.assertRegex(found["problems"][0], "^hash: config w@1 was changed")
        self.break_it("PRAGMA foreign_keys = OFF", "INSERT INTO surveys (agent) VALUES (4711)")
        problems = self.json("inventory-check", "inventory", "check", status=1)["problems"]
        self.assertTrue(any(problem.startswith("reference: a row of surveys") for problem in problems))
        self.break_it("INSERT INTO events VALUES "
                      "((SELECT ifnull(max(seq), 0) + 1 FROM events), 0, 'x', NULL, NULL, 'x', CAST('{}' AS BLOB), 'y')")
        self.assertEqual(len(self.json("inventory-check", "inventory", "check", status=1)["problems"]), 3)

    def test_a_damaged_page(self):
        self.break_it("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(self.path, "r+b") as file:
            file.seek(4096 * 8)
            file.write(b"\xff" * 4096)
        done = subprocess.run([os.path.join(BIN, "rollcall"), "inventory", "check"], cwd=self.folder,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertRegex(done.stdout + done.stderr, "structure: |damaged")
        copy_path = os.path.join(self.folder, "copy.db")  # a damaged copy is no backup
        self.assertIn("damaged", self.run_rollcall("inventory", "backup", copy_path, status=2).stderr)
        self.assertFalse(os.path.exists(copy_path))

    def test_backup(self):
        writer = sqlite3.connect(self.path)
        writer.execute("BEGIN IMMEDIATE")  # somebody is in the middle of a change
        writer.execute("DELETE FROM tasks")
        copy_path = os.path.join(self.folder, "copy.db")
        made = self.json("inventory-backup", "inventory", "backup", copy_path)
        writer.rollback()
        writer.close()
        self.assertEqual(os.stat(copy_path).st_mode & 0o777, 0o600)
        self.assertEqual(made["bytes"], os.stat(copy_path).st_size)
        listed = json.loads(self.run_rollcall("inventory", "list", "--json").stdout)
        again = json.loads(self.run_rollcall("inventory", "list", "--json", "--db", copy_path).stdout)
        self.assertEqual(listed, again)
        self.assertEqual(self.json("inventory-check", "inventory", "check", "--db", copy_path)["uuid"], made["uuid"])
        self.assertIn("left as it is", self.run_rollcall("inventory", "backup", copy_path, status=3).stderr)
        self.assertIn("cannot be created", self.run_rollcall("inventory", "backup", "no/such.db", status=4).stderr)
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".part")], [])


class Transfer(WithHistory):
    def setUp(self):
        super().setUp()
        source = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "inventory", "schema-2.db")
        shutil.copy(source, os.path.join(self.folder, "rollcall.db"))
        os.chmod(os.path.join(self.folder, "rollcall.db"), 0o600)
        self.sync()
        self.agents[0]["agent_info"]["attributes"][0]["text"]["value"] = "el\u0007se \U0001f40e"
        self.sync()
        self.file = os.path.join(self.folder, "all.jsonl")
        self.other = os.path.join(self.folder, "other.db")

    def tables(self, path):
        database = sqlite3.connect(path)
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: sorted(row for row in map(repr, database.execute("SELECT * FROM " + name))
                              if "'database.imported'" not in row) for name in names}
        database.close()
        return found

    def test_round_trip(self):
        out = self.json("inventory-transfer", "inventory", "export", self.file)
        self.assertGreater(out["rows"], 40)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        back = self.json("inventory-transfer", "inventory", "import", self.file, "--db", self.other)
        self.assertEqual(back["rows"], out["rows"])
        self.assertEqual(self.tables(os.path.join(self.folder, "rollcall.db")), self.tables(self.other))
        self.assertEqual(self.json("inventory-check", "inventory", "check", "--db", self.other)["problems"], [])
        self.assertEqual(os.stat(self.other).st_mode & 0o777, 0o600)
        again = self.run_rollcall("inventory", "export", "--db", self.other).stdout.splitlines()
        with open(self.file, encoding="utf-8") as file:
            first = file.read().splitlines()
        self.assertEqual([line for line in again[:-1] if "database.imported" not in line], first[:-1])
        self.assertEqual(len(again), len(first) + 1)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         sorted(["all.jsonl", "other.db", "rollcall.db", "rollcall.json"]))

    def test_an_earlier_schema(self):
        stored = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "inventory", "schema-2.db")
        database = sqlite3.connect(stored)
        database.row_factory = sqlite3.Row
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")]
        lines = [{"rollcall_export": 1, "schema": 2, "database": database.execute("SELECT uuid FROM database").fetchone()[0]}]
        for name in names:
            for row in database.execute("SELECT * FROM " + name):
                lines.append({"table": name, "row": {key: {"base64": base64.b64encode(row[key]).decode()}
                                                     if isinstance(row[key], bytes) else row[key] for key in row.keys()}})
        database.close()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        end = {"end": True, "rows": len(lines) - 1, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        self.write("all.jsonl", text + json.dumps(end) + "\n")
        self.run_rollcall("inventory", "import", self.file, "--db", self.other)
        shutil.copy(stored, os.path.join(self.folder, "old.db"))
        for where in ("mem > 0", "tier = web and mem > 0"):
            self.assertEqual(self.hosts("--db", self.other, "--where", where), self.hosts("--db", "old.db", "--where", where))
        self.assertEqual(len(self.hosts("--db", self.other, "--where", "mem > 0")), 4)

    def test_what_is_no_whole_export(self):
        self.run_rollcall("inventory", "export", self.file)
        with open(self.file, encoding="utf-8") as file:
            lines = file.readlines()
        for text, words in (("".join(lines[:-1]), "ends before its last line"), ("", "no export of rollcall"),
                            ("{}\n", "no export of rollcall"), ("".join(lines[:5] + lines[6:]), "not those that"),
                            ("".join(lines).replace("node1.example.com", "node7.example.com"), "not those that"),
                            (lines[0] + lines[2], "ends before"), (lines[0] + "[]\n", "no JSON object"),
                            (lines[0] + '{"table": "agents; --", "row": {"x": 1}}\n', "does not have"),
                            (lines[0] + '{"table": "clusters", "row": {"id": 1, "na\\"me": 1}}\n', "does not have"),
                            (lines[0] + '{"table": "clusters", "row": {"id": 1, "name": null}}\n', "NOT NULL"),
                            (re.sub(r'"schema":\d+', '"schema":99', lines[0]), "newer rollcall")):
            self.write("broken.jsonl", text)
            error = self.run_rollcall("inventory", "import", "broken.jsonl", "--db", self.other, status=2).stderr
            self.assertIn(words, error)
            self.assertFalse(glob.glob(self.other + "*"))
        self.assertIn("left as it is", self.run_rollcall("inventory", "import", self.file, status=3).stderr)
        self.assertIn("left as it is", self.run_rollcall("inventory", "export", self.file, status=3).stderr)
        self.assertIn("cannot be read", self.run_rollcall("inventory", "import", "nothing", "--db", self.other,
                                                          status=4).stderr)


class Migrations(WithHistory):
    def test_databases_of_earlier_versions(self):
        """Each was written by the program of its time, after a rollout on a lab."""
        stored = sorted(glob.glob(os.path.join(os.environ.get("TEST_DATA", "tests/data"), "inventory", "schema-*.db")))
        self.assertGreaterEqual(len(stored), 2)
        for source in stored:
            path = os.path.join(self.folder, os.path.basename(source))
            shutil.copy(source, path)
            os.chmod(path, 0o600)
            found = self.json("inventory-columns", "inventory", "list", "--db", path, "--columns",
                              "hostname,mem,cpus.used,zone,tasks,drift,config")
            self.assertEqual(found["count"], 4)
            self.assertEqual([row["mem"] for row in found["rows"]], [4096] * 4)
            self.assertEqual([row["cpus.used"] for row in found["rows"]], [0.5] * 4)
            self.assertEqual([row["drift"] for row in found["rows"]], [False] * 4)
            self.assertEqual(self.json("inventory-check", "inventory", "check", "--db", path)["problems"], [])
            host = found["rows"][0]["hostname"]
            events = self.json("inventory-history", "inventory", "history", host, "--db", path)["events"]
            self.assertEqual([event["kind"] for event in events], ["appeared"])
            self.run_rollcall("inventory", "sync", "--db", path)
            events = self.json("inventory-history", "inventory", "history", host, "--db", path)["events"]
            self.assertEqual([event["kind"] for event in events], ["appeared", "gone"])


if __name__ == "__main__":
    unittest.main()
