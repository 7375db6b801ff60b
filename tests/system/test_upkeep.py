#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The database: brought up from every earlier version, carried away and back whole, and shared by a group."""
import glob
import grp
import json
import os
import re
import shutil
import sqlite3
import subprocess
import unittest

from inventory_case import BIN, InFolder

STORED = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "inventory")
CONFIG = '{"name": "%s", "rules": [{"attributes": {"a": "b"}}]}'


def stored():
    """The databases that earlier versions left, by their schema's number."""
    found = {int(re.search(r"(\d+)\.db$", path)[1]): path for path in glob.glob(os.path.join(STORED, "schema-*.db"))}
    return sorted(found.items())


# Tables that a later version did away with: what they held is in the rows of agents.
DROPPED = {"agent_attributes", "agent_resources", "agent_answers"}


def shape(path):
    """Every table, index and trigger as the schema has it, and every table's rows, but for the events that say where it came from."""
    database = sqlite3.connect(path)
    schema = sorted(database.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"))
    rows = {name: sorted(row for row in map(repr, database.execute(f"SELECT * FROM {name}")) if "'database." not in row)
            for kind, name, _ in schema if kind == "table"}
    database.close()
    return schema, rows


class Migrations(InFolder):
    def test_every_stored_version(self):
        fresh = os.path.join(self.folder, "fresh.db")
        self.run_rollcall("config", "add", self.write("c.json", CONFIG % "c"), "--db", fresh)
        newest = shape(fresh)[0]
        self.assertEqual([number for number, _ in stored()], list(range(1, len(stored()) + 1)))
        self.assertGreaterEqual(len(stored()), 6)
        for number, path in stored():
            with self.subTest(schema=number):
                self.check_one(number, path, newest)

    def test_agents_of_many_kinds(self):
        """With an attribute twice, one that is a number or a range, no domain, reservations, a shared volume."""
        old = os.path.join(self.folder, "rollcall.db")
        shutil.copy(os.path.join(STORED, "mixed-8.db"), old)
        os.chmod(old, 0o600)
        before = self.old_details(old)
        self.assertEqual(self.details(old), before)
        self.assertGreater(len(before), 10)

    def check_one(self, number, path, newest):
        old = os.path.join(self.folder, f"schema-{number}.db")
        back, lines = old + ".back", old + ".jsonl"
        shutil.copy(path, old)
        os.chmod(old, 0o600)
        before = shape(old)[1]
        checked = json.loads(self.run_rollcall("inventory", "check", "--db", old, "--json").stdout)
        self.assertEqual(checked["problems"], [])
        schema, rows = shape(old)
        self.assertEqual(self.details(old), self.old_details(path), "attributes and resources are what they were")
        self.assertEqual(schema, newest, "the schema is the one a new database has")
        for table, old_rows in before.items():
            if table in DROPPED:
                self.assertNotIn(table, rows)
                continue
            self.assertEqual(len(rows[table]), len(old_rows), f"every row of {table} is kept")
        self.run_rollcall("inventory", "export", lines, "--db", old)
        self.run_rollcall("inventory", "import", lines, "--db", back)
        self.assertEqual(shape(back), (schema, rows), "what is carried away comes back whole")
        self.run_rollcall("inventory", "check", "--db", back)
        self.run_rollcall("config", "add", self.write("c.json", CONFIG % "later"), "--db", old)
        self.run_rollcall("inventory", "check", "--db", old)


    def details(self, path):
        """Of every listed agent its attributes, and how much it has and uses, as a list shows them."""
        self.write_cluster("http://127.0.0.1:9")
        shown = self.run_rollcall("inventory", "list", "--db", path, "--json", "--columns",
                                  "id,attributes,mem,mem.used,mem('*'),resource.cpus('*')").stdout
        return sorted(tuple(row.values()) for row in json.loads(shown)["rows"])

    def old_details(self, path):
        """The same, from the tables that held it."""
        each = ("(SELECT ifnull(sum(r.{}), 0) FROM agent_resources r WHERE r.agent = a.row AND r.name = '{}' AND r.role LIKE '{}')")
        sums = [each.format(*which) for which in (("total", "mem", "%"), ("used", "mem", "%"), ("total", "mem", "*"),
                                                  ("total", "cpus", "*"))]
        database = sqlite3.connect(path)
        found = database.execute("SELECT a.id, (SELECT group_concat(v, '; ') FROM (SELECT x.name || ':' || x.value AS v FROM "
                                 "agent_attributes x WHERE x.agent = a.row ORDER BY x.position)), " + ", ".join(sums) +
                                 " FROM agents a WHERE a.gone_ms IS NULL").fetchall()
        database.close()
        return sorted(found)


class Shared(InFolder):
    """Two operators with a group in common; the tests must be root to be both."""
    uids = (1, 65534)

    def setUp(self):
        super().setUp()
        if os.getuid() != 0:
            self.skipTest("only root can be two users")
        # A group that is neither user's own.
        self.group = next(found for found in grp.getgrall() if found.gr_gid not in (0, 1, 65534))
        self.shared = os.path.join(self.folder, "shared")
        os.mkdir(self.shared)
        os.chmod(self.folder, 0o755)
        self.program = os.path.join(self.folder, "rollcall")
        shutil.copy(os.path.join(BIN, "rollcall"), self.program)
        self.database = os.path.join(self.shared, "rollcall.db")

    def give_folder(self):
        os.chown(self.shared, -1, self.group.gr_gid)
        os.chmod(self.shared, 0o2770)

    def as_user(self, uid, *words):
        env = {"PATH": "/usr/bin:/bin", "ROLLCALL_CONFIG": os.path.join(self.shared, "rollcall.json"),
               "LSAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run([self.program, *words], user=uid, group=uid, extra_groups=[self.group.gr_gid],
                              umask=0o077, env=env, capture_output=True, text=True, timeout=120, check=False)

    def add(self, uid, name):
        path = self.write(f"{name}.json", CONFIG % name)
        os.chmod(path, 0o644)
        return self.as_user(uid, "config", "add", path)

    def test_a_database_for_a_group(self):
        self.give_folder()
        made = self.as_user(self.uids[0], "init", "--group", self.group.gr_name)
        self.assertEqual(made.returncode, 0, made.stderr)
        mode = os.stat(self.database)
        self.assertEqual((mode.st_mode & 0o777, mode.st_gid), (0o660, self.group.gr_gid))
        for number, uid in enumerate(self.uids * 2):
            done = self.add(uid, f"c{number}")
            self.assertEqual(done.returncode, 0, done.stderr)
        example = os.stat(os.path.join(self.shared, "rollcall.json"))
        self.assertEqual((example.st_mode & 0o777, example.st_gid), (0o660, self.group.gr_gid))
        checked = self.as_user(self.uids[1], "inventory", "check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        mode = os.stat(self.database)
        self.assertEqual((mode.st_mode & 0o777, mode.st_gid), (0o660, self.group.gr_gid))

    def test_refusals(self):
        words = ("init", "--group", self.group.gr_name)
        os.chown(self.shared, self.uids[0], self.uids[0])
        done = self.as_user(self.uids[0], *words)
        self.assertEqual((done.returncode, "chmod 2770" in done.stderr), (3, True), done.stderr)
        self.assertEqual(os.listdir(self.shared), [])
        done = self.as_user(self.uids[0], "init", "--group", "no-such-group-here")
        self.assertEqual((done.returncode, "there is no group" in done.stderr), (2, True), done.stderr)
        # Without a group the database is its owner's alone.
        self.assertEqual(self.add(self.uids[0], "mine").returncode, 0)
        self.assertEqual(os.stat(self.database).st_mode & 0o777, 0o600)
        self.give_folder()
        done = self.add(self.uids[1], "yours")
        self.assertEqual((done.returncode, "cannot open the database to read and write" in done.stderr), (4, True), done.stderr)


if __name__ == "__main__":
    unittest.main()
