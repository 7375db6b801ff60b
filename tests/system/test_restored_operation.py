#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A database that was restored from its backup does not know of an operation that it has left open since: no run can settle it, and
rescue does, above every epoch that the host has seen."""
import os
import shutil
import unittest

import documents
from fleet import Fleet
from lab import eventually

HOST = "node001.lab"
EVERY = "hostname like '%'"


class RestoredOperation(unittest.TestCase):
    def leave_open(self):
        """The second of two changes is under way when rollcall and its database are lost; the copy is older than both."""
        self.fleet = fleet = Fleet(agents=1, zones=1, tasks=1, scale=20)
        self.addCleanup(fleet.close)
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "backup", fleet.file("copy.db")).expect(0)
        fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])
        fleet.rollcall("rollout", "start", fleet.plan("fleet")).expect(0)
        fleet.add_config("fleet", [{"attributes": {"generation": "g3"}}])
        fleet.break_(HOST, "never-reregister")
        running = fleet.start("rollout", "start", fleet.plan("fleet"))
        running.wait_for("changing → returning")
        run = fleet.latest()["run"]
        running.kill()
        for name in os.listdir(fleet.dir):
            if name.startswith("rollcall.db"):
                os.unlink(os.path.join(fleet.dir, name))
        shutil.copyfile(fleet.file("copy.db"), os.path.join(fleet.dir, "rollcall.db"))
        fleet.heal(HOST)
        return run

    def test_rescue_settles_it(self):
        run = self.leave_open()
        fleet = self.fleet
        eventually(lambda: fleet.agent(HOST)["active"], 120, "the agent's return")
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "survey").expect(0)
        before = fleet.now(HOST)

        shown = fleet.rollcall("inventory", "drift").expect(1, f"run {run} is not finished", "`rollcall rescue`", "--adopt")
        self.assertNotIn("rollout settle", shown.out)
        fleet.add_config("next", [{"attributes": {"generation": "g4"}}])
        fleet.rollcall("rollout", "plan", "next", "--offline").expect(3, "rollcall rescue")

        fleet.rollcall("rescue", EVERY).expect(0, "is still open: it is settled", "since the copy was made", "rescue --adopt")
        proposal = fleet.rollcall("rescue", EVERY, "--json").expect(0).json()
        documents.check(proposal, documents.load("rescue"))
        fleet.rollcall("rescue", EVERY, "--yes", proposal["proposal"]).expect(3, "--adopt goes on from there")
        fleet.rollcall("rescue", EVERY, "--adopt", "--yes", proposal["proposal"]).expect(0, HOST)
        self.assertEqual([found["step"] for found in fleet.operations(HOST).values()], ["done", "done"])
        after = fleet.now(HOST)
        self.assertEqual((after["id"], after["pid"]), (before["id"], before["pid"]))
        fleet.rollcall("rescue", EVERY).expect(0, "nothing to rescue")
        fleet.rollcall("inventory", "drift", "--refresh").expect(0)
        # It drives the host again as if nothing had been.
        fleet.rollcall("rollout", "start", fleet.plan("next")).expect(0, "1 of 1")
        fleet.rollcall("audit", "verify").expect(0)


if __name__ == "__main__":
    unittest.main()
