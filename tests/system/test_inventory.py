#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""rollcall init, inventory sync, list and show, and config as programs, against a real master's answers."""
import json
import os
import sqlite3
import subprocess
import unittest

import documents
from inventory_case import BIN, InFolder, MASTER_ID, WithMaster, captured, send

CONFIG = '{"name": "web", "rules": [{"match": "rack = r1", "attributes": {"rack": "r9"}}]}\n'


class Init(InFolder):
    def test_writes_an_example_that_rollcall_reads(self):
        self.run_rollcall("init")
        with open(self.config, encoding="utf-8") as file:
            documents.check(json.load(file), documents.load("cluster"))
        # It gets as far as to miss the cluster's agents: so the file was fine. The ledger begins with whoever wrote it.
        self.assertIn("nothing is known of cluster", self.run_rollcall("inventory", "list", status=2).stderr)
        events = json.loads(self.run_rollcall("audit", "log", "--json").stdout)["events"]
        self.assertEqual([event["kind"] for event in events], ["database.begun", "database.init"])

    def test_leaves_a_file_alone(self):
        self.write("rollcall.json", "mine")
        self.assertIn("left as it is", self.run_rollcall("init", status=3).stderr)
        with open(self.config, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")

    def test_another_place(self):
        path = os.path.join(self.folder, "other.json")
        self.assertEqual(self.json("init", "init", "--config", path)["file"], path)
        self.assertTrue(os.path.exists(path))
        self.assertIn("cannot be created", self.run_rollcall("init", "--config", "no/such/x.json", status=4).stderr)


class Options(InFolder):
    def test_global_options_stand_before_and_after(self):
        self.write_cluster(["http://127.0.0.1:1"])
        for words in (["--cluster", "x", "inventory", "list"], ["inventory", "list", "--cluster", "x"],
                      ["--cluster=x", "inventory", "list"], ["-q", "-v", "--cluster", "x", "inventory", "list"]):
            self.assertIn("there is no cluster \"x\"", self.run_rollcall(*words, status=2).stderr)

    def test_usage_errors(self):
        for words, text in ((["inventori", "list"], "did you mean"), (["inventory"], "sync, survey, list, show"),
                            (["inventory", "list", "--wher", "x"], "did you mean --where?"),
                            (["inventory", "list", "extra"], "inventory list"), (["config", "add"], "FILE"),
                            (["--confg", "x", "init"], "did you mean --config?"), ([], "no command"),
                            (["inventory", "survey", "--parallel", "0"], "from 1 to 500")):
            self.assertIn(text, self.run_rollcall(*words, status=2).stderr)

    def test_help(self):
        self.assertIn("inventory survey", self.run_rollcall("--help").stdout)
        self.assertIn("--parallel", self.run_rollcall("inventory", "survey", "--help").stdout)
        self.assertIn("--parallel", self.run_rollcall("help", "inventory", "survey").stdout)
        self.assertRegex(self.run_rollcall("--version").stdout, r"^rollcall \d")

    def test_cluster_file(self):
        self.assertIn("rollcall init", self.run_rollcall("inventory", "sync", status=2).stderr)
        self.write("rollcall.json", '{"clusters": {\n  "lab": }}')
        self.assertIn("rollcall.json:2:", self.run_rollcall("inventory", "sync", status=2).stderr)
        self.write_cluster(["http://127.0.0.1:1"], shh={})
        self.assertIn("did you mean \"ssh\"?", self.run_rollcall("inventory", "sync", status=2).stderr)


class Sync(WithMaster):
    def test_what_the_master_lists(self):
        summary = self.json("inventory-sync", "inventory", "sync")
        self.assertEqual(summary["agents"], {"total": 3, "new": 3, "gone": 0, "returned": 0, "changed": 0,
                                             "unchanged": 0})
        self.assertEqual((summary["tasks"], summary["frameworks"]), (4, 4))
        self.assertEqual(self.json("inventory-sync", "inventory", "sync")["agents"]["unchanged"], 3)
        listed = self.json("inventory-list", "inventory", "list")
        self.assertEqual([agent["hostname"] for agent in listed["agents"]],
                         ["node1.example.com", "node2.example.com", "node3.example.com"])
        self.assertEqual([a["value"] for a in listed["agents"][0]["attributes"] if a["name"] == "rack"],
                         ["r1", "r1b"])
        self.assertEqual(listed["agents"][1]["tasks"], 2)
        self.assertEqual(os.stat(os.path.join(self.folder, "rollcall.db")).st_mode & 0o777, 0o600)
        self.assertIn("node1.example.com", self.run_rollcall("inventory", "list").stdout)

    def test_changes(self):
        self.run_rollcall("inventory", "sync")
        agents = self.master.agents["get_agents"]["agents"]
        agents[0]["agent_info"]["attributes"][0]["text"]["value"] = "elsewhere"
        gone = agents.pop()
        self.assertEqual(self.json("inventory-sync", "inventory", "sync")["agents"],
                         {"total": 2, "new": 0, "gone": 1, "returned": 0, "changed": 1, "unchanged": 1})
        agents.append(gone)
        self.assertEqual(self.json("inventory-sync", "inventory", "sync")["agents"]["returned"], 1)

    def test_selectors(self):
        self.run_rollcall("inventory", "sync")
        for where, hosts in (("rack = r1b", ["node1"]), ("zone = 'eu-1b'", ["node2"]), ("active = false", ["node3"]),
                             ("tasks > 1 and not region = us", ["node2"]), ("rack = nowhere", [])):
            chosen = self.json("inventory-list", "inventory", "list", "--where", where)["agents"]
            self.assertEqual([agent["hostname"].split(".")[0] for agent in chosen], hosts, where)
        self.assertIn("no agent of cluster lab matches",
                      self.run_rollcall("inventory", "list", "--where", "rack = nowhere").stderr)
        wrong = self.run_rollcall("inventory", "list", "--where", "rack = r1 and", status=2).stderr
        self.assertIn("--where, column 14: expected a comparison", wrong)
        self.assertRegex(wrong, r"\n  rack = r1 and\n {15}\^\n$")

    def test_show(self):
        self.run_rollcall("inventory", "sync")
        for name in (MASTER_ID + "-S2", "S2", "node2.example.com"):
            shown = self.json("inventory-show", "inventory", "show", name)
            self.assertEqual(shown["id"], MASTER_ID + "-S2")
        self.assertEqual({task["id"] for task in shown["running_tasks"]}, {"ck1", "ck3"})
        self.assertIsNone(shown["survey"])
        lost = self.json("inventory-show", "inventory", "show", "S1")["running_tasks"][0]
        self.assertFalse(lost["framework_checkpoints"])
        text = self.run_rollcall("inventory", "show", "S2").stdout
        self.assertIn("eu-1b", text)
        self.assertIn("SURVIVES A RESTART", text)
        self.assertIn("no agent has the ID", self.run_rollcall("inventory", "show", "nobody", status=2).stderr)
        self.assertIn("could be 3 agents", self.run_rollcall("inventory", "show", MASTER_ID, status=2).stderr)

    def test_not_synced_yet(self):
        self.assertIn("rollcall inventory sync", self.run_rollcall("inventory", "list", status=4).stderr)
        self.run_rollcall("config", "add", self.write("c.json", CONFIG))
        self.assertIn("nothing is known of cluster lab", self.run_rollcall("inventory", "list", status=2).stderr)
        self.assertIn("nothing is known of cluster lab", self.run_rollcall("inventory", "survey", status=2).stderr)

    def test_bad_masters_change_nothing(self):
        self.run_rollcall("inventory", "sync")
        whole = captured("master-v1-GET_AGENTS.json")

        def half(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(whole)))
            handler.end_headers()
            handler.wfile.write(whole[:len(whole) // 2])

        def in_a_circle(handler):
            send(handler, 307, b"", Location="//%s%s" % (handler.headers["Host"], handler.path))

        for broken, statuses in ((lambda handler: send(handler, 500, b"it broke"), (4,)),
                                 (lambda handler: send(handler, 200, b"<html>"), (2, 4)),
                                 (lambda handler: send(handler, 200, b""), (2, 4)),
                                 (in_a_circle, (2, 4)), (half, (2, 4))):
            self.master.broken = broken
            done = subprocess.run([os.path.join(BIN, "rollcall"), "inventory", "sync"], cwd=self.folder,
                                  capture_output=True, text=True, timeout=120, check=False)
            self.assertIn(done.returncode, statuses, done.stderr)
            self.assertIn(self.master.url, done.stderr)
        self.master.broken = None
        self.assertEqual(self.json("inventory-list", "inventory", "list")["count"], 3)

    def test_a_master_that_is_not_there(self):
        self.write_cluster(["http://127.0.0.1:1"])
        self.assertIn("http://127.0.0.1:1", self.run_rollcall("inventory", "sync", status=4).stderr)
        self.write_cluster(["http://127.0.0.1:1", self.master.url])
        self.run_rollcall("inventory", "sync")

    def test_database_of_another_program_or_time(self):
        path = os.path.join(self.folder, "rollcall.db")
        self.write("rollcall.db", "this is a text that is longer than the header of a database, by far" * 3)
        self.assertIn("rollcall.db: damaged or no database", self.run_rollcall("inventory", "sync", status=2).stderr)
        os.unlink(path)
        self.run_rollcall("inventory", "sync")
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 4711")
        database.close()
        self.assertIn("newer rollcall", self.run_rollcall("inventory", "list", status=2).stderr)


class Config(InFolder):
    def setUp(self):
        super().setUp()
        self.path = self.write("web.json", CONFIG)

    def test_versions(self):
        first = self.json("config-add", "config", "add", self.path, "--message", "the first")
        self.assertEqual((first["name"], first["version"], first["added"]), ("web", 1, True))
        self.assertFalse(self.json("config-add", "config", "add", self.path)["added"])
        self.write("web.json", CONFIG.replace("r9", "r8"))
        self.assertEqual(self.json("config-add", "config", "add", self.path)["version"], 2)
        self.assertEqual([entry["version"] for entry in self.json("config-list", "config", "list")["configs"]], [2])
        self.assertEqual([entry["message"] for entry in self.json("config-list", "config", "list", "web")["configs"]],
                         ["the first", ""])
        self.assertEqual(self.run_rollcall("config", "show", "web@1").stdout, CONFIG)
        self.assertEqual(self.json("config-show", "config", "show", "web")["document"]["rules"][0]["attributes"],
                         {"rack": "r8"})
        self.assertIn("the newest is 2", self.run_rollcall("config", "show", "web@3", status=2).stderr)
        self.assertIn("web", self.run_rollcall("config", "list").stdout)

    def test_refusals_name_the_place(self):
        for text, words in ((CONFIG[:-4], "web.json:"), (CONFIG.replace("rules", "rule"), "did you mean \"rules\"?"),
                            (CONFIG.replace('"r9"', '""'), "rules[0].attributes.rack: the value is empty"),
                            (CONFIG.replace('"attributes": {"rack"', '"flags": {"hostname"'),
                             "rules[0].flags.hostname: --hostname cannot be changed"),
                            (CONFIG.replace("rack = r1", "rack =="), "rules[0].match, column 6: ==")):
            self.write("web.json", text)
            self.assertIn(words, self.run_rollcall("config", "add", "web.json", status=2).stderr)
        self.assertIn("none.json", self.run_rollcall("config", "add", "none.json", status=2).stderr)

    def test_the_schema_says_what_the_program_does(self):
        """Each text is either taken by both or by neither; where only the program can know, it is stricter."""
        rule = {"attributes": {"a": "b"}}
        cases = [{"name": "w", "rules": [rule]}, {"name": "", "rules": [rule]}, {"name": "a b", "rules": [rule]},
                 {"name": "w", "rules": []}, {"name": "w"}, {"rules": [rule]}, {"name": 1, "rules": [rule]},
                 {"name": "w", "rules": [rule], "x": 1}, {"name": "w", "rules": [rule], "_comment": 1},
                 {"name": "w", "rules": [{"_comment_x": [], **rule}]}, {"name": "w", "rules": ["x"]}]
        for value in ("x", 1, 1.5, True, None, [], {}, [1]):
            cases += [{"name": "w", "rules": [{"attributes": {"a": value}}]},
                      {"name": "w", "rules": [{"flags": {"log_dir": value}}]}]
        for value in (None, {}, {"region": "r"}, {"region": ""}, {"region": "r", "zone": "z"}, {"zones": "x"}, "x", []):
            cases.append({"name": "w", "rules": [{"domain": value}]})
        for name in ("log_dir", "Log", "--log_dir", "log-dir", "1x"):
            cases.append({"name": "w", "rules": [{"flags": {name: "x"}}]})
        for index, case in enumerate(cases):
            path = self.write("case.json", json.dumps(case))
            env = dict(os.environ, ROLLCALL_DB=os.path.join(self.folder, "%d.db" % index))
            taken = subprocess.run([os.path.join(BIN, "rollcall"), "config", "add", path], env=env,
                                   capture_output=True, timeout=60, check=False).returncode == 0
            self.assertEqual(taken, documents.matches(case, "config"), case)


if __name__ == "__main__":
    unittest.main()
