#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollcall rescue: agents that refuse to start after a bad push come back with their IDs and tasks."""
import json
import os
import re
import shlex
import sqlite3
import unittest

import documents
from fleet import Fleet
from lab import eventually

PATIENCE = 120


class Rescue(unittest.TestCase):
    """One story on four hosts: three got bad flags, and each step rests on the one before."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=4, zones=2, tasks=2)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.before = cls.fleet.now()
        cls.tasks = cls.fleet.running()

    def push(self, host, old="generation:g1", new="generation:bad"):
        """What went wrong: the flags are others, and the agent is restarted until its supervisor gives up."""
        self.fleet.edit_flags(host, old, new)
        self.fleet.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: self.fleet.show(host, "ActiveState") == "failed", PATIENCE, "the supervisor's giving up")

    def rescue(self, *words):
        return self.fleet.rollcall("rescue", "tasks >= 0", *words)

    def proposal(self, *words, code=0):
        document = self.rescue("--json", *words).expect(code).json()
        documents.check(document, documents.load("rescue"))
        return document

    def acts(self, document):
        return {host["hostname"]: host["act"] for host in document["hosts"]}

    def events(self, kind):
        """As the database has them."""
        database = sqlite3.connect(os.path.join(self.fleet.dir, "rollcall.db"))
        try:
            rows = database.execute("SELECT body FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
        finally:
            database.close()
        return [json.loads(body) for body, in rows]

    def shown(self, result):
        """The words of the command it names, as a shell takes them."""
        line = next(line for line in result.out.splitlines() if line.startswith("    rollcall "))
        return shlex.split(line)[1:]

    def assert_back(self, *hosts):
        for host in hosts:
            now = self.fleet.now(host)
            self.assertEqual((now["id"], now["unit"]), (self.before[host]["id"], "active"), host)
            self.assertTrue(self.fleet.agent(host)["active"], host)

    def test_story(self):
        hosts = ["node001.lab", "node002.lab", "node003.lab"]
        self.rescue().expect(0, "nothing to rescue")
        self.fleet.rollcall("rescue", "hostname = 'nobody'").expect(2, "matches no agent")
        for host in hosts:
            self.push(host)
        # What the master makes of it does not matter: it has given them up, or will.
        document = self.proposal()
        self.assertEqual(self.acts(document), {host: "rescue" for host in hosts})
        one = document["hosts"][0]
        self.assertEqual((one["differs"], one["life"]["alive"]), (["attributes"], 2))
        self.assertEqual(one["changes"], [{"part": "attributes", "what": "generation", "before": "g1", "after": "bad"}])
        self.assertGreater(one["life"]["left_most_ms"], 0)
        shown = self.rescue().expect(0, "generation g1 → bad", "Nothing was changed", document["proposal"][:12])
        self.assertIn("--yes " + document["proposal"][:12], shown.out)
        self.assertEqual([self.fleet.operations(host) for host in hosts], [{}, {}, {}])

        # Another proposal than the one that was shown is not carried out.
        self.rescue("--yes", "0123456789ab").expect(3, "hosts have changed since it was shown", 'look at it again: `rollcall rescue "tasks >= 0"`')
        self.rescue("--yes", "yes").expect(2, "hash of the proposal")
        self.rescue("--flags", "--yes", document["proposal"]).expect(3, "hosts have changed since it was shown")
        self.assertEqual([self.fleet.operations(host) for host in hosts], [{}, {}, {}])

        # One host gets its old flags again, the others keep the new ones.
        flags = self.fleet.rollcall("rescue", f"hostname = '{hosts[0]}'", "--flags", "--json").expect(0).json()
        done = self.fleet.rollcall("rescue", f"hostname = '{hosts[0]}'", "--flags", "--yes", flags["proposal"][:12],
                                   "--json").expect(0).json()
        documents.check(done, documents.load("rescue"))
        self.assertEqual([(host["state"], host["tasks_running"]) for host in done["hosts"]], [("done", 2)])
        self.assert_back(hosts[0])
        self.assertNotIn("generation:bad", self.fleet.flags(hosts[0]))

        document = self.proposal()
        self.assertEqual(self.acts(document), {host: "rescue" for host in hosts[1:]})
        done = self.fleet.rollcall(*self.shown(self.fleet.rollcall("rescue").expect(0)), "--json").expect(0).json()
        documents.check(done, documents.load("rescue"))
        self.assertIsNone(done["where"])
        self.assertEqual({host["next"] for host in done["hosts"]}, {None})
        self.assertEqual({host["hostname"]: (host["state"], host["tasks_running"]) for host in done["hosts"]},
                         {host: ("done", 2) for host in hosts[1:]})
        self.assert_back(*hosts)
        self.assertEqual(self.fleet.running(), self.tasks)
        self.assertIn("bad", json.dumps(self.fleet.agent(hosts[1])["attributes"]))
        self.rescue().expect(0, "nothing to rescue")

        # Every act is in the chain: what was to be done, before it was done, and its proof.
        intents = self.events("rescue.intent")
        self.assertEqual([intent["act"] for intent in intents], ["rescue"] * 3)
        self.assertEqual(sorted(proof["operation"] for proof in self.events("rescue.proof") if proof["pass"]),
                         sorted(intent["operation"] for intent in intents))
        for intent in intents:
            documents.check(json.loads(intent["request"]), documents.load("request"))
        self.check_report(f"rescue-{document['proposal'][:12]}", hosts[1:])
        self.fleet.rollcall("audit", "verify", "--witness", "all").expect(0, "4 of 4 hosts answered")
        self.fleet.rollcall("inventory", "check").expect(0)

    def check_report(self, name, hosts):
        """A rescue has a report of its own, which is verified as a rollout's is."""
        report = self.fleet.rollcall("audit", "report", name, "--json").expect(0).json()
        documents.check(report, documents.load("audit-rescue"))
        self.assertEqual({host["hostname"]: (host["end"], host["proven"], host["tasks_running"]) for host in report["hosts"]},
                         {host: ("done", True, 2) for host in hosts})
        self.assertEqual({host["gives_way"] for host in report["hosts"]}, {"checkpoint"})
        self.assertIn(("generation", "bad"), [(change["what"], change["after"]) for change in report["hosts"][0]["changes"]])
        for form in ("text", "markdown", "json", "csv", "html"):
            path = self.fleet.file("rescue." + form)
            self.fleet.rollcall("audit", "report", name, "--format", form, "--out", path).expect(0, f"is written: {form}")
            # Also where nothing but the file and the database speak for it.
            for verified in (path, path + ".shown"):
                if verified != path:
                    shown = self.fleet.rollcall("audit", "report", name, "--format", form).expect(0).out
                    with open(verified, "w", encoding="utf-8", newline="") as text:
                        text.write(shown.replace("\n", "\r\n") if form == "csv" else shown)
                self.fleet.rollcall("audit", "verify", "--report", verified).expect(0)
            with open(path, "r+", encoding="utf-8", newline="") as text:
                forged = text.read().replace(hosts[0], "node009.lab")
                text.seek(0)
                text.write(forged)
            self.fleet.rollcall("audit", "verify", "--report", path).expect(1, "line")
        self.fleet.rollcall("audit", "report", "rescue-000000000000").expect(2, "no such rescue")


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=2, zones=1, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    push = Rescue.push
    rescue = Rescue.rescue
    shown = Rescue.shown
    proposal = Rescue.proposal
    acts = Rescue.acts

    def test_a_failure_names_what_to_do(self):
        host = "node001.lab"
        self.push(host)
        self.fleet.break_(host, "agent-exit-always")
        where = f"hostname = '{host}'"
        failed = self.fleet.rollcall(*self.shown(self.fleet.rollcall("rescue", "--since", "2d", where).expect(0)))
        failed.expect(1, "OUTCOME", "What to do next", f"{host}: its agent ended again", "audit report rescue-")
        self.fleet.heal(host)
        other = shlex.split(re.search("`rollcall (rescue [^`]*)`", failed.out).group(1))
        self.assertEqual(other, ["rescue", "--flags", "--since", "2d", where])
        document = self.fleet.rollcall(*other, "--json").expect(0).json()
        done = self.fleet.rollcall(*other, "--yes", document["proposal"], "--json").expect(0).json()
        documents.check(done, documents.load("rescue"))
        self.assertEqual([(found["state"], found["next"]) for found in done["hosts"]], [("done", None)])

    def test_a_host_that_cannot_be_asked(self):
        """It stands beside the one that is rescued: in what is said at the end, and in every report."""
        hosts = ("node001.lab", "node002.lab")
        for host in hosts:
            self.push(host)
        self.fleet.break_(hosts[1], "refuse")
        shown = self.rescue("--flags").expect(1, "NOT RESCUED, BECAUSE", hosts[1])
        self.rescue("--flags", "--yes", "000000").expect(3, "mistyped", "hosts have changed")
        done = self.fleet.rollcall(*self.shown(shown)).expect(
            1, "not rescued", "not known", "What to do next", f"{hosts[1]}: nothing was done there")
        report = ("audit", "report", re.search("audit report (rescue-[0-9a-f]+)", done.out).group(1))
        for form in ("text", "markdown", "csv", "html", "json"):
            path = self.fleet.file("report." + form)
            self.fleet.rollcall(*report, "--format", form, "--out", path).expect(0)
            with open(path, encoding="utf-8") as text:
                self.assertIn(hosts[1], text.read(), form)
            self.fleet.rollcall("audit", "verify", "--report", path).expect(0)
        document = self.fleet.rollcall(*report, "--format", "json").expect(0).json()
        documents.check(document, documents.load("audit-rescue"))
        self.assertEqual({host["hostname"]: host["end"] for host in document["hosts"]},
                         {hosts[0]: "done", hosts[1]: "refused"})
        self.fleet.heal(hosts[1])
        document = self.proposal("--flags")
        self.assertEqual(self.acts(document)[hosts[1]], "rescue")
        self.rescue("--flags", "--yes", document["proposal"]).expect(0)

    def test_killed_and_run_again(self):
        """rollcall dies when one agent runs: its host ends what was begun, and the next time only the rest is left."""
        tasks = self.fleet.running()
        for host in ("node001.lab", "node002.lab"):
            self.push(host)
        document = self.proposal()
        running = self.fleet.start("rescue", "tasks >= 0", "--parallel", "1", "--yes", document["proposal"])
        running.wait_for("its agent runs")
        running.kill()

        for _ in range(5):
            document = self.proposal()
            if not any(act != "none" for act in self.acts(document).values()):
                break
            self.rescue("--yes", document["proposal"])
        self.assertEqual(set(self.acts(self.proposal()).values()) - {"none"}, set())
        eventually(lambda: self.fleet.running() == tasks, PATIENCE, "the return of every task")
        self.fleet.rollcall("inventory", "check").expect(0)


if __name__ == "__main__":
    unittest.main()
