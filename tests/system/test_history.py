#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""What agents were: inventory history, list --at, diff; and lists with columns, groups and CSV."""
import base64
import copy
import csv
import datetime
import glob
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

import documents
from test_inventory import BIN, InFolder, Master, MASTER_ID


def now():
    """A moment between two syncs, as the commands take it."""
    time.sleep(0.02)
    moment = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.02)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class WithHistory(InFolder):
    def setUp(self):
        super().setUp()
        self.master = Master()
        self.addCleanup(self.master.stop)
        self.write_cluster([self.master.url])
        self.agents = self.master.agents["get_agents"]["agents"]

    def sync(self):
        self.run_rollcall("inventory", "sync")

    def hosts(self, *words):
        rows = self.json("inventory-columns", "inventory", "list", "--columns", "hostname", *words)["rows"]
        return [row["hostname"].split(".")[0] for row in rows]


class History(WithHistory):
    def test_events_of_an_agent(self):
        self.sync()
        info = self.agents[0]["agent_info"]
        name = info["hostname"]
        info["attributes"][0]["text"]["value"] = "elsewhere"
        self.sync()
        gone = self.agents.pop(0)
        self.sync()
        gone["version"] = "1.99.0"
        self.agents.insert(0, gone)
        self.sync()
        self.sync()
        found = self.json("inventory-history", "inventory", "history", name)
        self.assertEqual([event["kind"] for event in found["events"]], ["appeared", "changed", "gone", "returned"])
        changed = found["events"][1]["changes"]
        self.assertEqual([(c["what"], c["after"]) for c in changed],
                         [("attributes." + info["attributes"][0]["name"], "elsewhere")])
        self.assertEqual([c["what"] for c in found["events"][3]["changes"]], ["version"])
        times = [event["time"] for event in found["events"]]
        self.assertEqual(times, sorted(times))
        text = self.run_rollcall("inventory", "history", name).stdout
        self.assertIn("elsewhere", text)
        self.assertIn("1.99.0", text)
        self.assertIn("no agent has", self.run_rollcall("inventory", "history", "nobody", status=2).stderr)

    def test_used_resources_are_no_history(self):
        self.sync()
        for resource in self.agents[0]["allocated_resources"] or self.agents[0].setdefault("allocated_resources", []):
            if resource["name"] == "cpus":
                resource["scalar"]["value"] += 0.1
        self.sync()
        name = self.agents[0]["agent_info"]["hostname"]
        self.assertEqual(len(self.json("inventory-history", "inventory", "history", name)["events"]), 1)

    def test_list_at(self):
        self.sync()
        first = now()
        info = self.agents[0]["agent_info"]
        old = info["attributes"][0]["text"]["value"]
        key = info["attributes"][0]["name"]
        host = info["hostname"].split(".")[0]
        info["attributes"][0]["text"]["value"] = "elsewhere"
        gone = self.agents.pop()
        self.sync()
        second = now()
        self.agents.append(gone)
        self.sync()
        self.assertEqual(len(self.hosts("--at", first)), 3)
        self.assertEqual(len(self.hosts("--at", second)), 2)
        self.assertEqual(len(self.hosts("--at", "now")), 3)
        self.assertIn(host, self.hosts("--at", first, "--where", f"attribute.{key} = '{old}'"))
        self.assertNotIn(host, self.hosts("--at", first, "--where", f"attribute.{key} = elsewhere"))
        self.assertIn(host, self.hosts("--at", second, "--where", f"attribute.{key} = elsewhere and cpus > 0"))
        self.assertIn(host, self.hosts("--where", f"attribute.{key} = elsewhere"))
        self.assertIn("elsewhere", self.run_rollcall("inventory", "list", "--at", second).stdout)
        self.assertNotIn("elsewhere", self.run_rollcall("inventory", "list", "--at", first).stdout)
        # looking back changes nothing
        self.assertEqual(self.json("inventory-sync", "inventory", "sync")["agents"]["unchanged"], 3)

    def test_times_that_cannot_be(self):
        self.sync()
        for moment, text in (("1h", "nothing was known of this cluster"), ("2999-01-01", "has not come yet"),
                             ("tomorrow", "is no time"), ("2026-13-01", "is no time")):
            self.assertIn(text, self.run_rollcall("inventory", "list", "--at", moment, status=2).stderr)
            self.assertIn(text, self.run_rollcall("inventory", "diff", moment, status=2).stderr)
        for words in (["--where", "tasks > 1"], ["--columns", "mem.free"], ["--where", "task = x"],
                      ["--columns", "hostname", "--sort", "tasks"]):
            error = self.run_rollcall("inventory", "list", "--at", "now", *words, status=2).stderr
            self.assertIn("no history is kept of", error)

    def test_diff(self):
        self.sync()
        first = now()
        before = copy.deepcopy(self.agents)
        self.agents[0]["agent_info"]["attributes"][0]["text"]["value"] = "elsewhere"
        self.agents[1]["agent_info"]["id"]["value"] = MASTER_ID + "-S99"
        left = self.agents.pop()
        fresh = copy.deepcopy(left)
        fresh["agent_info"]["id"]["value"] = MASTER_ID + "-S100"
        fresh["agent_info"]["hostname"] = "node9.example.com"
        self.agents.append(fresh)
        self.sync()
        second = now()
        found = self.json("inventory-diff", "inventory", "diff", first, second, status=1)
        self.assertEqual(found["agents"], {"before": 3, "after": 3})
        kinds = {entry["hostname"]: entry for entry in found["differences"]}
        self.assertEqual(kinds[before[0]["agent_info"]["hostname"]]["kind"], "changed")
        self.assertEqual(kinds[before[0]["agent_info"]["hostname"]]["changes"][0]["after"], "elsewhere")
        replaced = kinds[before[1]["agent_info"]["hostname"]]
        self.assertEqual((replaced["kind"], replaced["id_before"], replaced["id_after"]),
                         ("new ID", before[1]["agent_info"]["id"]["value"], MASTER_ID + "-S99"))
        self.assertEqual(kinds[left["agent_info"]["hostname"]]["kind"], "left")
        self.assertEqual(kinds["node9.example.com"]["kind"], "appeared")
        self.assertIn("new ID", self.run_rollcall("inventory", "diff", first, status=1).stdout)
        self.assertEqual(self.json("inventory-diff", "inventory", "diff", second, "now")["differences"], [])
        everyone = self.json("inventory-diff", "inventory", "diff", first, second, status=1)["differences"]
        chosen = self.json("inventory-diff", "inventory", "diff", first, second, "--where", "rack = elsewhere or port > 0",
                           status=1)["differences"]
        self.assertEqual(chosen, everyone)
        self.json("inventory-diff", "inventory", "diff", first, second, "--where", "hostname = nobody")
        self.run_rollcall("inventory", "diff", first, second, "--where", "tasks = 0", status=2)
        backwards = self.json("inventory-diff", "inventory", "diff", second, first, status=1)
        self.assertEqual(len(backwards["differences"]), 4)


class Lists(WithHistory):
    def setUp(self):
        super().setUp()
        self.sync()

    def columns(self, *words):
        return self.json("inventory-columns", "inventory", "list", *words)

    def test_columns(self):
        found = self.columns("--columns", "hostname,rack, mem.free,port,active,changed,tasks,attribute.'no such'")
        self.assertEqual(found["columns"], ["hostname", "rack", "mem.free", "port", "active", "changed", "tasks",
                                            "attribute.'no such'"])
        row = found["rows"][0]
        self.assertEqual((row["hostname"], row["rack"], row["port"]), ("node1.example.com", "r1,r1b", 15051))
        self.assertIs(row["active"], True)
        self.assertIsNone(row["attribute.'no such'"])
        self.assertRegex(row["changed"], r"Z$")
        self.assertIsInstance(row["mem.free"], (int, float))
        table = self.run_rollcall("inventory", "list", "--columns", "hostname,rack").stdout
        self.assertRegex(table, r"^HOSTNAME +RACK\nnode1.example.com +r1,r1b\n")

    def test_sort(self):
        def order(*words):
            return [row["hostname"][4] for row in self.columns("--columns", "hostname", *words)["rows"]]
        self.assertEqual(order(), ["1", "2", "3"])
        self.assertEqual(order("--sort", "-hostname"), ["3", "2", "1"])
        tasks = {row["hostname"][4]: row["tasks"] for row in self.columns("--columns", "hostname,tasks")["rows"]}
        self.assertEqual(order("--sort", "-tasks,-hostname"),
                         sorted(sorted(tasks, reverse=True), key=lambda host: -tasks[host]))

    def test_groups(self):
        found = self.columns("--group-by", "active")
        self.assertEqual(found["columns"], ["active", "agents", "hosts"])
        self.assertEqual(sum(row["agents"] for row in found["rows"]), 3)
        self.assertEqual({row["active"]: row["hosts"] for row in found["rows"]},
                         {True: "node[1-2].example.com", False: "node3.example.com"})
        by_count = self.columns("--group-by", "active", "--sort", "-agents")["rows"]
        self.assertEqual([row["agents"] for row in by_count], [2, 1])
        whole = self.columns("--group-by", "port")["rows"]
        self.assertTrue(all("hosts" in row for row in whole))
        hosts = found["rows"][-1]["hosts"]
        again = self.columns("--columns", "hostname", "--where", f"hostname in {hosts}")
        self.assertEqual(again["count"], 2)

    def test_sums_and_shares(self):
        listed = self.json("inventory-columns", "inventory", "list", "--columns", "hostname,rack,mem,mem.used,mem.percent")["rows"]
        for row in listed:
            self.assertAlmostEqual(row["mem.percent"], 100 * row["mem.used"] / row["mem"], 2)
        found = self.json("inventory-columns", "inventory", "list", "--group-by", "rack", "--columns", "mem,tasks",
                          "--sort", "-mem")
        self.assertEqual(found["columns"], ["rack", "mem", "tasks", "agents", "hosts"])
        sums = {}
        for row in listed:
            sums[row["rack"]] = sums.get(row["rack"], 0) + row["mem"]
        self.assertEqual({row["rack"]: row["mem"] for row in found["rows"]}, sums)
        figures = [row["mem"] for row in found["rows"]]
        self.assertEqual(figures, sorted(figures, reverse=True))
        for column in ("mem.percent", "port", "hostname"):
            self.run_rollcall("inventory", "list", "--group-by", "rack", "--columns", column, status=2)
        self.assertEqual(self.hosts("--where", "flag.work_dir = '' and failure = ''"), self.hosts())
        self.assertEqual(self.hosts("--where", "flag.work_dir != ''"), [])

    def test_csv(self):
        text = self.run_rollcall("inventory", "list", "--csv", "--columns", "hostname,rack,active,tasks").stdout
        rows = list(csv.reader(io.StringIO(text)))
        self.assertEqual(rows[0], ["hostname", "rack", "active", "tasks"])
        self.assertEqual(rows[1][:3], ["node1.example.com", "r1,r1b", "true"])
        self.assertEqual(len(rows), 4)
        self.assertEqual(len(self.run_rollcall("inventory", "list", "--csv").stdout.splitlines()), 4)

    def test_refusals(self):
        for words, text in ((["--columns", "hostname,,rack"], "--columns, column 10: expected a column's name"),
                            (["--columns", ""], "--columns, column 1: expected a column's name"),
                            (["--columns", "hostname rack"], "column 10: expected \",\" or the end"),
                            (["--group-by", "zone", "--columns", "id"], "added up"),
                            (["--group-by", "zone", "--sort", "id"], "--sort: with --group-by"),
                            (["--csv", "--json"], "exclude each other"),
                            (["--columns", "id", "--where", "rack ="], "--where, column 7")):
            self.assertIn(text, self.run_rollcall("inventory", "list", *words, status=2).stderr)


class Upkeep(WithHistory):
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


class Selectors(WithHistory):
    def test_every_example_in_the_manual_is_taken(self):
        self.sync()
        with open("docs/selectors.md", encoding="utf-8") as file:
            lines = [line.strip() for line in file.read().split("```")[1::2] for line in line.splitlines()]
        examples = [line for line in lines if line and not line.startswith(("$", "#"))]
        self.assertGreater(len(examples), 25)
        for example in examples:
            self.run_rollcall("inventory", "list", "--where", example)


if __name__ == "__main__":
    unittest.main()
