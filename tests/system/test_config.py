#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollcall config on a lab: a CSV beside a config, what versions differ in, what an agent would run with, and a config
out of what is running."""
import json
import os
import subprocess
import unittest

import documents
from fleet import Fleet
from lab import BIN

HOSTS = [f"node{number:03}.lab" for number in range(1, 5)]
CSV = "hostname,rack,note\nnode001.lab,r71,\"a, b\"\nnode002.lab,r72,\nnode003.lab,r73,c\n"


class Config(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=4, zones=2)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.rollcall("inventory", "survey").expect(0)

    def document(self, schema, *words, code=0):
        document = self.fleet.rollcall(*words, "--json").expect(code).json()
        documents.check(document, documents.load(schema))
        return document

    def add(self, name, rules, csv=None, code=0, *words):
        path = self.fleet.write(f"{name}.json", json.dumps({"name": name, "rules": rules}))
        more = ["--csv", self.fleet.write(f"{name}.csv", csv)] if csv is not None else []
        return self.fleet.rollcall("config", "add", path, *more).expect(code, *words)

    def test_csv(self):
        rule = {"match": "hostname in node[001-002].lab", "attributes": {"rack": "${csv.rack}"}}
        self.add("racks", [rule], None, 2, "needs a CSV")
        self.add("racks", [rule], "hostname,hall\n", 2, "no column of that name")
        self.add("racks", [rule], "rack\nr1\n", 2, "racks.csv:1:", "hostname or id")
        self.add("racks", [rule], CSV, 0, "racks@1 added")
        self.add("racks", [rule], CSV, 0, "nothing was added")
        self.assertEqual(self.fleet.rollcall("config", "show", "racks", "--csv").expect(0).out, CSV)
        self.assertEqual(self.document("config-show", "config", "show", "racks")["csv"], CSV)
        versions = self.document("config-list", "config", "list", "racks")["configs"]
        self.assertEqual(len(versions), 1)
        plan = self.fleet.rollcall("rollout", "plan", "racks", "--offline").expect(0)
        self.assertIn("r71", plan.out)
        self.assertIn("r72", plan.out)
        for host, rack in zip(HOSTS, ("r71", "r72")):
            changes = self.document("config-render", "config", "render", host, "racks@1")["changes"]
            self.assertEqual([(change["what"], change["after"]) for change in changes], [("attributes.rack", rack)])

    def test_a_value_that_is_missing_names_the_agent(self):
        self.add("short", [{"attributes": {"note": "${csv.note}"}}], CSV)
        for words in (("rollout", "plan", "short", "--offline"), ("config", "render", "node002.lab", "short")):
            done = self.fleet.rollcall(*words)
            self.assertNotEqual(done.code, 0)
            self.assertIn("the CSV has nothing for agent node002.lab", done.out + done.err)
        self.fleet.rollcall("config", "render", "node003.lab", "short").expect(0, "note:c")
        self.fleet.rollcall("config", "render", "node004.lab", "short").expect(2, "nothing for agent node004.lab")

    def test_every_version_is_in_the_ledger(self):
        self.add("told", [{"attributes": {"a": "1"}}])
        self.add("told", [{"attributes": {"a": "2"}}])
        self.add("told", [{"attributes": {"a": "2"}}], None, 0, "nothing was added")
        exported = self.fleet.rollcall("inventory", "export").expect(0).out
        rows = [json.loads(line).get("row", {}) for line in exported.splitlines()]
        events = [row for row in rows if row.get("kind") == "config.added"]
        bodies = [json.loads(__import__("base64").b64decode(row["body"]["base64"])) for row in events]
        told = [body for body in bodies if body["name"] == "told"]
        self.assertEqual([body["version"] for body in told], [1, 2])
        self.fleet.rollcall("inventory", "check").expect(0)

    def test_a_message_that_is_no_text(self):
        path = self.fleet.write("latin.json", json.dumps({"name": "latin", "rules": [{"attributes": {"a": "1"}}]}))
        self.fleet.rollcall("config", "add", path, "-m", os.fsdecode(b"f\xfcr alle")).expect(2, "--message must be UTF-8")
        self.fleet.rollcall("config", "show", "latin").expect(2)
        self.fleet.rollcall("config", "add", path, "-m", "für alle").expect(0, "latin@1 added")

    def test_diff(self):
        self.add("tiers", [{"match": "hostname in node[001-003].lab", "attributes": {"tier": "web"}}])
        self.add("tiers", [{"match": "hostname in node[001-003].lab", "attributes": {"tier": "db"}},
                           {"match": "hostname = node001.lab", "resources": {"cpus": 1},
                            "flags": {"executor_shutdown_grace_period": "9secs"}}])
        found = self.document("config-diff", "config", "diff", "tiers@1", "tiers@2", code=1)
        self.assertEqual([change["what"] for change in found["document"]], ["rules[0].attributes.tier", "rules[1]"])
        changed = {agent["hostname"]: {change["what"]: (change["before"], change["after"])
                                       for change in agent["changes"]} for agent in found["agents"]}
        self.assertEqual(sorted(changed), HOSTS[:3])
        self.assertEqual(changed["node002.lab"], {"attributes.tier": ("web", "db")})
        self.assertEqual(changed["node001.lab"]["flags.executor_shutdown_grace_period"][1], "9secs")
        self.assertEqual(changed["node001.lab"]["resources.cpus"][1], "1")
        self.assertEqual((found["agents_compared"], found["agents_unknown"]), (4, 0))
        self.fleet.rollcall("config", "diff", "tiers@1", "tiers@2").expect(
            1, "node[001-003].lab", "attributes.tier", "changes 3 of 4 agents")
        self.fleet.rollcall("config", "diff", "tiers@1", "tiers", "--where", "hostname = node004.lab").expect(
            1, "changes 0 of 1 agent\n")
        self.fleet.rollcall("config", "diff", "tiers@2", "tiers").expect(0, "changes 0 of 4 agents")
        self.fleet.rollcall("config", "diff", "tiers@1", "tiers@9").expect(2, "no version 9")

    def test_render_without_a_config(self):
        self.fleet.rollcall("config", "render", "node004.lab").expect(2, "nothing was rolled out")
        self.add("mine", [{"match": "hostname = node004.lab", "attributes": {"owner": "me", "rack": None}}])
        shown = self.fleet.rollcall("config", "render", "node004.lab", "mine").expect(0, "2 changes")
        self.assertIn("owner:me", shown.out)
        self.fleet.rollcall("config", "render", "nobody.lab", "mine").expect(2)
        self.fleet.rollcall("config", "render", "node004.lab", "nothing").expect(2)

    def test_render_knows_what_was_taken_back(self):
        host = "node003.lab"
        self.add("taken", [{"match": f"hostname = {host}", "attributes": {"taken": "yes"}}])
        self.fleet.rollcall("rollout", "start", self.fleet.plan("taken")).expect(0)
        # The survey is older than the agent's process: the rollout has done what seems to be still to do.
        shown = self.fleet.rollcall("config", "render", host).expect(0, "with taken@1: 1 change against what it ran with",
                                                                     "rollcall inventory survey --where")
        self.assertNotIn("what it runs with\n", shown.err)
        self.assertTrue(self.document("config-render", "config", "render", host)["outdated"])
        self.assertEqual(self.document("config-diff", "config", "diff", "taken", "taken")["agents_outdated"], 1)
        self.fleet.rollcall("config", "diff", "taken", "taken").expect(
            0, "1 of them has registered again since its host was asked", "rollcall inventory survey")
        self.fleet.rollcall("inventory", "survey").expect(0)
        self.assertEqual(self.document("config-diff", "config", "diff", "taken", "taken")["agents_outdated"], 0)
        self.fleet.rollcall("config", "render", host).expect(0, "with taken@1: 0 changes against what it runs with")
        self.assertFalse(self.document("config-render", "config", "render", host)["outdated"])
        # What is printed and what is told keep their order where both go into one file.
        with open(self.fleet.file("rollback.log"), "w", encoding="utf-8") as log:
            subprocess.run([os.path.join(BIN, "rollcall"), "rollout", "rollback", "latest", "--yes"], env=self.fleet.env,
                           stdout=log, stderr=log, timeout=240, check=True)
        with open(self.fleet.file("rollback.log"), encoding="utf-8") as log:
            text = log.read()
        places = [text.find(words) for words in ("What will happen, in this order", f"{host}  waiting", f"{host}  returning",
                                                 "AGENT  ", "1 of 1: same ID")]
        self.assertEqual(places, sorted(places), text)
        self.assertNotIn(-1, places, text)
        self.fleet.rollcall("inventory", "survey").expect(0)
        self.fleet.rollcall("config", "render", host).expect(2, "or all of it was taken back")

    def test_import_changes_nothing(self):
        done = self.fleet.rollcall("config", "import", "--from", "hostname in node[001-004].lab", "found").expect(0)
        documents.check(done.json(), documents.load("config"))
        rule, = done.json()["rules"]
        self.assertEqual(rule["match"], "hostname in node[001-004].lab")
        self.assertIn("resources", rule)
        self.assertNotIn("hostname", rule.get("flags", {}))
        self.fleet.rollcall("config", "add", self.fleet.write("found.json", done.out)).expect(0)
        plan = self.fleet.rollcall("rollout", "plan", "found", "--offline")
        self.assertIn("nothing to do", (plan.out + plan.err).lower())
        one = self.fleet.rollcall("config", "import", "--from", "hostname = node001.lab").expect(0).json()
        self.assertEqual(one["name"], "imported")
        self.assertIn("rack", one["rules"][0]["attributes"])
        self.fleet.rollcall("config", "import").expect(2, "--from is missing")
        self.fleet.rollcall("config", "import", "--from", "hostname = nobody").expect(2)

    def test_hosts_that_were_never_asked(self):
        database = self.fleet.file("fresh.db")
        self.fleet.rollcall("inventory", "sync", "--db", database).expect(0)
        self.fleet.rollcall("config", "import", "--from", "port > 0", "--db", database).expect(2, "inventory survey")
        path = self.fleet.write("x.json", json.dumps({"name": "x", "rules": [{"attributes": {"a": "b"}}]}))
        self.fleet.rollcall("config", "add", path, "--db", database).expect(0)
        self.fleet.rollcall("config", "render", "node001.lab", "x", "--db", database).expect(2, "never answered")
        self.fleet.rollcall("config", "diff", "x", "x", "--db", database).expect(0, "4 never answered a survey")
        os.unlink(database)


if __name__ == "__main__":
    unittest.main()
