#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A database that was restored from its backup has forgotten an agent that a run has changed since: it is taken up, not changed a second
time, and not left out of a rollback without a word."""
import json
import os
import shutil
import unittest

from fleet import Fleet

FIRST, LOST, NEW = "node001.lab", "node002.lab", "node003.lab"


class RestoredRun(unittest.TestCase):
    def setUp(self):
        """The run waits after each agent until a file of its name is there; the copy is of before the second one."""
        self.fleet = fleet = Fleet(agents=3, zones=1, tasks=1, scale=20)
        self.addCleanup(fleet.close)
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])
        wait = f"test -e '{fleet.folder}'/${{hostname}} || exit 2"
        gates = {"after_agent": [{"kind": "command", "argv": ["/bin/sh", "-c", wait]}]}
        plan = fleet.plan("fleet", "--gates", fleet.write("gates.json", json.dumps(gates)))
        fleet.rollcall("rollout", "start", plan)
        fleet.rollcall("inventory", "backup", fleet.file("copy.db")).expect(0)
        fleet.write(FIRST, "")
        self.run_id = fleet.latest()["run"]
        fleet.rollcall("rollout", "resume", "latest")
        self.assertEqual(self.states(), ["done", "gating", "waiting"])
        for name in os.listdir(fleet.dir):
            if name.startswith("rollcall.db"):
                os.unlink(os.path.join(fleet.dir, name))
        shutil.copyfile(fleet.file("copy.db"), os.path.join(fleet.dir, "rollcall.db"))
        self.assertEqual(self.states(), ["gating", "waiting", "waiting"])
        (self.operation,) = fleet.operations(LOST)

    def states(self):
        return [self.fleet.latest_of(host)["state"] for host in (FIRST, LOST, NEW)]

    def rollout(self, *words):
        return self.fleet.rollcall("rollout", *words)

    def go(self):
        for host in (LOST, NEW):
            self.fleet.write(host, "")

    def check_end(self):
        """Each was changed once, by the operation that its host knows; and a rollback forgets nobody."""
        fleet = self.fleet
        self.assertEqual(self.states(), ["done", "done", "done"])
        self.assertEqual(fleet.latest_of(LOST)["operation"], self.operation)
        for host in (FIRST, LOST, NEW):
            self.assertEqual(len(fleet.restarts(host)), 1, host)
        fleet.rollcall("audit", "verify").expect(0)
        self.rollout("rollback", "latest", "--yes").expect(0, "3 of 3")

    def test_a_surveyed_host_names_what_was_forgotten(self):
        fleet = self.fleet
        fleet.rollcall("inventory", "survey").expect(0)
        for words in (("resume",), ("retry",), ("rollback",), ("rollback", "--yes")):
            refused = self.rollout(words[0], "latest", *words[1:])
            refused.expect(3, self.operation, LOST, f"rollcall rollout settle {self.run_id} --adopt")
        self.rollout("settle", "latest", "--adopt")
        self.assertEqual(self.states(), ["gating", "gating", "waiting"])
        self.assertEqual(fleet.operations(NEW), {}, "who settles changes nobody")
        self.assertIn("the state before", fleet.rollcall("audit", "report", self.run_id).expect(0).out)
        self.go()
        self.rollout("resume", "latest").expect(0, "3 of 3")
        self.check_end()

    def test_one_that_has_failed_is_taken_up_too(self):
        """Nobody has asked the hosts: the agent is tried, and its host refuses to be changed twice."""
        self.go()
        self.rollout("resume", "latest").expect(1, "the host is not as the plan saw it")
        self.assertEqual(self.states(), ["done", "failed", "waiting"])
        self.rollout("retry", "latest", "--adopt").expect(0, "3 of 3")
        self.check_end()


if __name__ == "__main__":
    unittest.main()
