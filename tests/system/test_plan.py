#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans: that making one changes nothing, in which order and how many at a time, who is left out, gates, and drift."""
import base64
import json
import os
import unittest

import documents
from fleet import Fleet
from lab import eventually

CHANGE = {"attributes": {"generation": "g2"}}


class Planning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=6, zones=3, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.rollcall("inventory", "survey").expect(0)
        cls.fleet.add_config("fleet", [CHANGE])

    def plan(self, *words):
        return self.fleet.rollcall("rollout", "plan", "fleet", *words)

    def document(self, *words, online=False):
        """The plan, after it was checked against its schema."""
        shown = self.plan("--json", *words, *([] if online else ["--offline"])).expect(0).json()
        documents.check(shown, documents.load("rollout-plan"))
        return shown["plan"]

    def rows(self):
        """The database as it is: rows by table."""
        found = {}
        for line in self.fleet.rollcall("inventory", "export").expect(0).out.splitlines():
            entry = json.loads(line)
            if "table" in entry:
                found.setdefault(entry["table"], []).append(entry["row"])
        return found

    def hosts(self):
        """Everything about the hosts that a plan could have touched."""
        found = {}
        for name, host in self.fleet.now().items():
            files = [self.fleet.path(name, "etc/default/mesos-agent")]
            for folder, _, names in os.walk(self.fleet.path(name, "var/lib/mesos/meta")):
                files += [os.path.join(folder, file) for file in names if file == "slave.info"]
            contents = []
            for path in files:
                with open(path, "rb") as file:
                    contents.append(file.read())
            found[name] = (host["pid"], host["id"], contents, self.fleet.operations(name))
        return found

    # ---- nothing is changed

    def test_planning_changes_nothing(self):
        rows, hosts = self.rows(), self.hosts()
        self.plan("--offline").expect(0, "Nothing has been changed")
        after = self.rows()
        self.assertEqual({table for table in after if after[table] != rows.get(table)}, {"plans", "events"})
        self.assertEqual(len(after["plans"]), len(rows.get("plans", [])) + 1)
        self.assertEqual(len(after["events"]), len(rows.get("events", [])) + 1)
        self.assertEqual(self.hosts(), hosts)
        # With the masters and the hosts asked, what is known of them is newer, and that is all.
        self.plan().expect(0)
        allowed = {"plans", "events", "surveys", "clusters", "agents", "tasks", "frameworks", "agent_states"}
        again = self.rows()
        self.assertLessEqual({table for table in again if again[table] != after.get(table)}, allowed)
        self.assertEqual(self.hosts(), hosts)
        # One that is refused leaves nothing at all.
        self.plan("--offline", "--ignore", "none").expect(3)
        self.plan("--offline", "--canary", "rack = 'nowhere'").expect(2, "--canary")
        self.assertEqual(self.rows(), again)

    def test_offline_says_how_old_it_is(self):
        text = self.plan("--offline").expect(0, "made offline", "rollout start").out
        self.assertRegex(text, r"the master was asked [0-9.]+ \w+")
        plan = self.document()
        self.assertTrue(plan["offline"])
        self.assertGreater(plan["synced_ms"], 0)
        self.assertGreaterEqual(plan["created_ms"], plan["surveyed_ms"])
        self.assertFalse(self.document(online=True)["offline"])

    def test_misspelt_attributes(self):
        self.plan("--offline", "--where", "zome = 'zone-1'").expect(2, "has an attribute zome; did you mean zone?")
        self.plan("--offline", "--exclude", "rock = 'rack-1'").expect(0, "has an attribute rock; did you mean rack?")
        self.plan("--offline", "--canary", "rock = 'rack-1'").expect(2, "has an attribute rock; did you mean rack?")
        self.assertNotIn("did you mean", self.plan("--offline", "--where", "zone = 'zone-1'", "--canary", "1").expect(0).err)

    def test_the_page_ends_with_what_to_do(self):
        text = self.plan("--window", "2").expect(0).out
        plan = self.fleet.rollcall("rollout", "plan", "fleet", "--window", "2", "--json").expect(0).json()
        order = ["6 agents change", "Risks", "What will happen, in this order", "What changes", "Masters", "leads; Mesos",
                 "What stops it", "How to take it back", "Nothing has been changed", "rollcall rollout start"]
        places = [text.find(words) for words in order]
        self.assertEqual(places, sorted(places), text)
        self.assertNotIn(-1, places, text)
        self.assertRegex(text.splitlines()[-1], r"^    rollcall rollout start [0-9a-f]{12}$")
        self.assertRegex(plan["hash"], r"^[0-9a-f]{64}$")

    # ---- order and size

    def test_stages(self):
        plan = self.document("--canary", "1", "--window", "1,2,50%", "--by", "zone", "--domain-window", "2")
        self.assertEqual(sum(stage["agents"] for stage in plan["stages"]), 6)
        self.assertEqual((plan["stages"][0]["name"], plan["stages"][0]["agents"]), ("canaries", 1))
        self.assertEqual(plan["stages"][-1]["window"], 3)
        self.assertEqual(plan["options"]["domain_window"], 2)
        self.assertEqual(plan["by"], "zone")
        domains = [agent["domain"] for agent in plan["agents"][1:]]
        runs = [domain for i, domain in enumerate(domains) if i == 0 or domains[i - 1] != domain]
        self.assertEqual(len(runs), len(set(runs)), "a domain came twice")
        plan = self.document("--canary", "hostname = 'node004.lab'")
        self.assertEqual(plan["agents"][0]["hostname"], "node004.lab")

    def test_budgets(self):
        options = self.document()["options"]
        self.assertEqual([options[key] for key in ("max_failures", "stage_max_failures", "domain_max_failures",
                                                   "max_consecutive", "on_failure")], [0, -1, -1, 0, "pause"])
        self.assertGreaterEqual(options["meltdown_percent"], 20)
        words = ("--max-failures", "50%", "--max-failures-stage", "1", "--max-failures-domain", "1", "--max-consecutive", "2",
                 "--on-failure", "abort", "--meltdown", "30%", "--soak", "2secs")
        options = self.document(*words)["options"]
        self.assertEqual([options[key] for key in ("max_failures", "stage_max_failures", "domain_max_failures",
                                                   "max_consecutive", "on_failure", "meltdown_percent", "soak_ms")],
                         [3, 1, 1, 2, "abort", 30, 2000])
        text = " ".join(self.plan("--offline", *words).expect(0).out.split())
        for wanted in ("with 3 it goes on, with 4 it stops", "2 failures in a row: reaching that stops", "the run is aborted",
                       "more than 30% of the cluster's agents"):
            self.assertIn(wanted, text)

    def test_budgets_of_parts(self):
        """Shares and rows of stages and domains are in the document only where they are asked for."""
        parts = ("stage_max_percent", "domain_max_percent", "stage_max_consecutive", "domain_max_consecutive")
        self.assertFalse(set(parts) & set(self.document()["options"]))
        words = ("--canary", "1", "--max-failures", "6", "--max-failures-stage", "20%", "--max-failures-domain", "50%",
                 "--max-consecutive-stage", "3", "--max-consecutive-domain", "2")
        options = self.document(*words)["options"]
        self.assertEqual([options[key] for key in parts], [20, 50, 3, 2])
        self.assertEqual([options[key] for key in ("stage_max_failures", "domain_max_failures")], [-1, -1])
        text = " ".join(self.plan("--offline", *words).expect(0).out.split())
        for wanted in ("more than 20% of the agents in one stage failed, rounded down: it goes on with 0 of 1, 1 of 5, and one",
                       "3 failures in a row in one stage: reaching that stops",
                       "2 failures in a row in one failure domain: reaching that stops"):
            self.assertIn(wanted, text)

    def test_percentages_come_to_numbers(self):
        text = self.plan("--offline", "--canary", "20%", "--window", "1,50%", "--max-failures", "10%", "--domain-window", "40%",
                         "--max-failures-stage", "100%", "--max-failures-domain", "50%").expect(0).out
        shown = text[text.index("Percentages, as they come out here"):]
        for words in ("--canary: 20% of 6: 1", "--window: 1,50% of 6: 1, 3", "--domain-window: 40% of 6: 2",
                      "--max-failures: 10% of 6: 0", "--max-failures-stage: 100% of each stage: 1 of 1, ",
                      "--max-failures-domain: 50% of each failure domain: 1 of 2\n", "of the cluster's 6: more than"):
            self.assertIn(words, shown)

    def test_window_is_one_word_and_one_number(self):
        text = self.plan("--offline", "--by", "zone", "--window", "4").expect(0).out
        self.assertIn("Window 4: at most 2 away at once", text)
        self.assertEqual(text.count(": 2 agents, window 4\n"), 3, text)

    # ---- what it may cost

    def test_what_shrinks_below_its_use_is_a_risk(self):
        """Whatever each agent's tasks use, they are one block and one risk."""
        self.fleet.add_config("small", [{"resources": {"mem": 512}}])
        text = " ".join(self.fleet.rollcall("rollout", "plan", "small", "--offline").expect(0).out.split())
        risks = text[text.index("Risks"):text.index("What will happen")]
        self.assertIn("node[001-006].lab (6 agents): tasks use more mem than will be there (worst: 1024 used and 512 there",
                      risks)
        self.assertEqual(text.count("tasks use more"), 1, text)
        self.assertIn(" What changes 6 agents ", text)

    def test_words_that_mean_nothing(self):
        for words in (("--window", "1,,2"), ("--window", "1,0"), ("--canary", "0"), ("--canary", "zone ="), ("--by", "colour"),
                      ("--exclude", "zone ="), ("--max-failures", "-1"), ("--max-failures-stage", "x"),
                      ("--max-failures-domain", "101%"), ("--max-consecutive", "many"), ("--max-consecutive-stage", "-1"), ("--on-failure", "panic"),
                      ("--meltdown", "20"), ("--meltdown", "101%"), ("--soak", "soon"), ("--soak", "8days"),
                      ("--gates", "/nowhere/gates.json")):
            self.plan("--offline", *words).expect(2, words[0])
        self.plan("--offline", "--discard", "--on-failure", "rollback").expect(2, "nothing can take that back")

    def test_help_says_what_reaching_means(self):
        text = " ".join(self.plan("--help").expect(0).out.split())
        for words in ("reaching N goes on, exceeding it stops", "reaching N failures in a row stops", "--canary", "--by",
                      "--accept-stale-master"):
            self.assertIn(words, text)

    # ---- who is left out

    def test_everybody_is_somewhere(self):
        """Who is neither changed nor already right is named, with the reason."""
        self.fleet.add_config("first", [{"match": "zone = 'zone-1'", "attributes": {"generation": "g2"}},
                                        {"match": "hostname = 'node002.lab'", "attributes": {"generation": "g1"}}])
        words = ("--offline", "--where", "not hostname = 'node006.lab'", "--exclude", "hostname = 'node004.lab'")
        text = self.fleet.rollcall("rollout", "plan", "first", *words).expect(0).out
        shown = text[text.index("Not touched"):]
        for line in ("1 excluded: node004.lab", '--exclude "hostname = \'node004.lab\'"', "2 unmatched: node[003,005].lab",
                     "no rule of first@1 matches it", "1 unchosen: node006.lab", "does not choose it",
                     "1 already as the config says: node002.lab"):
            self.assertIn(line, shown)
        self.assertIn("5 others stay as they are: 1 already as the config says, 1 excluded, 2 unmatched, 1 unchosen.",
                      " ".join(text.split()))
        plan = self.fleet.rollcall("rollout", "plan", "first", "--json", *words).expect(0).json()
        documents.check(plan, documents.load("rollout-plan"))
        named = [entry["hostname"] for entry in plan["plan"]["left_out"]] + plan["plan"]["unchanged"]
        self.assertEqual(sorted(named), [f"node{number:03}.lab" for number in range(2, 7)])

    def test_ignore_list(self):
        fleet = self.fleet
        fleet.rollcall("inventory", "ignores").expect(0, "Nothing is ignored")
        fleet.rollcall("inventory", "ignore", "zone = 'zone-1'").expect(2, "--reason is missing")
        fleet.rollcall("inventory", "ignore", "zone =", "--reason", "x").expect(2, "inventory ignore, column 7")
        for words in (("zone = 'zone-1'", "--reason", "caf\udce9"), ("zone = '\udce9'", "--reason", "x")):
            fleet.rollcall("inventory", "ignore", *words).expect(2, "must be UTF-8")
        fleet.rollcall("inventory", "ignore", "zone = 'zone-1'", "--reason", "x", "--until", "2020-01-01").expect(2, "--until")
        ignored = "hostname = 'node002.lab'"
        added = fleet.rollcall("inventory", "ignore", ignored, "--reason", "disk is being replaced", "--until", "2d",
                               "--json").expect(0).json()
        documents.check(added, documents.load("inventory-ignore"))
        self.addCleanup(fleet.rollcall, "inventory", "unignore", ignored)
        fleet.rollcall("inventory", "ignore", ignored, "--reason", "again").expect(2, "already")
        shown = fleet.rollcall("inventory", "ignores", "--json").expect(0).json()
        documents.check(shown, documents.load("inventory-ignores"))
        self.assertEqual([entry["selector"] for entry in shown["ignores"]], [ignored])
        fleet.rollcall("inventory", "ignores").expect(0, "node002.lab", "disk is being replaced")

        plan = self.document("--exclude", "hostname in (node002.lab, node005.lab)")
        self.assertEqual({entry["hostname"]: entry["why"] for entry in plan["left_out"]},
                         {"node002.lab": "ignored", "node005.lab": "excluded"})
        self.assertEqual(sorted(agent["hostname"] for agent in plan["agents"]),
                         ["node001.lab", "node003.lab", "node004.lab", "node006.lab"])
        self.plan("--offline").expect(0, "1 ignored: node002.lab", "disk is being replaced")
        self.plan("--offline", "--exclude", "active = true").expect(0, "There is nothing to do", "5 excluded")

        fleet.rollcall("inventory", "unignore", str(added["number"])).expect(0, "off the list")
        fleet.rollcall("inventory", "unignore", str(added["number"])).expect(2, "inventory ignores")
        self.assertEqual(len(self.document()["agents"]), 6)
        events = [(row["kind"], json.loads(base64.b64decode(row["body"]["base64"]))) for row in self.rows()["events"]]
        kinds = [kind for kind, body in events if body.get("selector") == ignored]
        self.assertEqual(kinds[:2], ["inventory.ignore", "inventory.unignore"])
        fleet.rollcall("inventory", "check").expect(0)

    # ---- gates

    GATES = {"after_agent": [{"kind": "command", "argv": ["/usr/bin/check", "${hostname}"], "timeout": "30secs"},
                             {"kind": "http", "url": "http://${hostname}:8080/health", "status": 200}],
             "after_stage": [{"kind": "unreachable", "max_new": 0}, {"kind": "launch", "within": "5mins"},
                             {"kind": "tasks", "framework": "web", "min_percent": 95},
                             {"kind": "metric", "name": "master/tasks_lost", "max": 3}]}

    def test_gates(self):
        path = self.fleet.write("gates.json", json.dumps(self.GATES))
        documents.check(self.GATES, documents.load("gates"))
        plan = self.document("--gates", path)
        self.assertEqual([gate["kind"] for gate in plan["gates"]["after_agent"]], ["command", "http"])
        self.assertEqual(plan["gates"]["after_agent"][0]["timeout"], "30000ms")
        self.assertGreater(plan["options"]["gate_ms"], 300000)
        # What a plan holds can be used as a file again, and is the same then.
        again = self.document("--gates", self.fleet.write("again.json", json.dumps(plan["gates"])))
        self.assertEqual(again["gates"], plan["gates"])
        self.plan("--offline", "--gates", path).expect(0, "After each agent: /usr/bin/check ${hostname} exits with 0",
                                                       "After each stage: no agent has become unreachable")

    def test_schema_and_program_agree_on_gates(self):
        """Whatever the schema refuses, the program refuses; what only the program can see is marked."""
        def one(gate, place="after_agent"):
            return {place: [gate]}
        cases = [({}, True), ([], False), ({"after": []}, False), ({"after_agent": 7}, False), (one({}), False),
                 (one({"kind": "prayer"}), False), (one({"kind": "command", "argv": []}), False),
                 (one({"kind": "command", "argv": ["/bin/true"]}), True), (one({"kind": "command"}), False),
                 (one({"kind": "command", "argv": ["/bin/true"], "shell": True}), False),
                 (one({"kind": "command", "argv": ["/bin/true"], "timeout": 30}), False),
                 (one({"kind": "command", "argv": ["/bin/true"], "timeout": "30"}), False),
                 (one({"kind": "http", "url": "ftp://x"}), False), (one({"kind": "http", "url": "http://x", "status": 600}), False),
                 (one({"kind": "http", "url": "https://x", "status": 599}), True), (one({"kind": "launch"}), False),
                 (one({"kind": "unreachable"}), True), (one({"kind": "unreachable", "max_new": -1}), False),
                 (one({"kind": "unreachable", "max_new": 1.5}), False), (one({"kind": "tasks", "framework": "m"}), False),
                 (one({"kind": "tasks", "framework": "m", "min_percent": 100}), True),
                 (one({"kind": "tasks", "framework": "m", "min_percent": 101}), False),
                 (one({"kind": "tasks", "framework": "", "min_percent": 1}), False),
                 (one({"kind": "metric", "name": "x", "min": 1}), True), (one({"kind": "metric", "max": 1}), False),
                 (one({"kind": "metric", "name": "x", "max": "1"}), False),
                 # beyond a schema
                 (one({"kind": "command", "argv": ["true"]}), None), (one({"kind": "metric", "name": "x"}), None),
                 (one({"kind": "http", "url": "http://u:p@x"}), None),
                 (one({"kind": "command", "argv": ["/bin/x", "${hostname}"]}, "after_stage"), None)]
        for gates, good in cases:
            path = self.fleet.write("case.json", json.dumps(gates))
            self.plan("--offline", "--json", "--gates", path).expect(0 if good else 2)
            self.assertEqual(documents.matches(gates, "gates"), good is not False, gates)

    # ---- drift

    def start(self, plan):
        return self.fleet.rollcall("rollout", "start", plan)

    def edit_flags(self, host, old, new):
        path = self.fleet.path(host, "etc/default/mesos-agent")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def test_drift(self):
        plan = self.fleet.plan("fleet", "--window", "3")
        hosts = self.hosts()
        self.addCleanup(self.fleet.rollcall, "inventory", "survey")
        self.edit_flags("node003.lab", "generation:g1", "generation:g7")
        self.edit_flags("node004.lab", "generation:g1", "generation:g8")
        try:
            self.start(plan).expect(3, "2 of 6 agents are not as the plan saw them", "node003.lab: in the flag store: "
                                    "--attributes was", "generation:g7", "node004.lab", "generation:g8", "plan again")
        finally:
            self.edit_flags("node003.lab", "generation:g7", "generation:g1")
            self.edit_flags("node004.lab", "generation:g8", "generation:g1")
        self.assertEqual(self.hosts(), hosts)
        # The plan would hold again, but somebody has said meanwhile that one of its agents is to be left alone.
        self.fleet.rollcall("inventory", "ignore", "hostname = 'node005.lab'", "--reason", "new disk").expect(0)
        try:
            self.start(plan).expect(3, "1 of 6 agents is not", "node005.lab", "new disk")
        finally:
            self.fleet.rollcall("inventory", "unignore", "hostname = 'node005.lab'").expect(0)
        # A flag that the plan is not about would come into force with its restart.
        path = self.fleet.path("node003.lab", "etc/default/mesos-agent")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "a", encoding="utf-8") as file:
            file.write("MESOS_STRICT=false\n")
        try:
            self.start(plan).expect(3, "node003.lab: in the flag store: --strict is false, and the agent runs with (none)")
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.fleet.systemctl("node004.lab", "stop", "mesos-agent")
        eventually(lambda: self.fleet.show("node004.lab", "ActiveState") in ("inactive", "failed"), 60, "the agent's end")
        try:
            self.start(plan).expect(3, "node004.lab: no agent runs on its host now")
        finally:
            before = self.fleet.agent("node004.lab")
            self.fleet.systemctl("node004.lab", "start", "mesos-agent")
            self.fleet.wait_reregistered("node004.lab", before, 120)
            self.fleet.rollcall("inventory", "sync")
        self.fleet.rollcall("rollout", "list").expect(0, "No rollout")


if __name__ == "__main__":
    unittest.main()
