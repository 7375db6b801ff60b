#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A master that keeps the old SlaveInfo until its next failover: what a run on it proves, and that it can be taken back."""
import unittest

from fleet import Fleet
from lab import eventually

LONG = 120


class OldMaster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=1, zones=1, tasks=1, words=["--master-version", "1.4.0"])
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    def roll_out(self, generation, *words):
        self.fleet.add_config("fleet", [{"attributes": {"generation": generation}, "resources": {"mem": 3000}}])
        return self.start(self.fleet.plan("fleet", "--accept-stale-master"), *words)

    def start(self, plan, *words):
        return self.fleet.rollcall("rollout", "start", plan).expect(0, *words)

    def shown(self):
        return {agent["attributes"].get("generation") for agent in self.fleet.agents().values()}

    def fail_over(self):
        before = self.fleet.get_json("/state")["id"]
        self.fleet.break_("master", "failover")

        def others_lead():
            try:
                agents = self.fleet.agents().values()
                return self.fleet.get_json("/state")["id"] != before and sum(agent["active"] for agent in agents) == 1
            except OSError:
                return False
        eventually(others_lead, LONG, "the agent with another master")

    def test_there_and_back(self):
        fleet, old = self.fleet, self.shown()
        said = ("1 of 1: same ID, checkpoint on the host as planned", "it still had the old SlaveInfo then",
                "restart the leading master", "rollcall inventory sync", "host only")
        self.roll_out("g2", *said)
        self.assertEqual(self.shown(), old)
        run = fleet.latest()["run"]
        fleet.rollcall("rollout", "status", run).expect(0, *said)
        fleet.rollcall("audit", "report", run, "--format", "csv").expect(0, '"done","host"')
        fleet.rollcall("inventory", "drift", "--refresh").expect(1, "restart that master, then `rollcall inventory sync`")
        # What the config leaves alone is no longer as the master has it.
        fleet.add_config("flags", [{"flags": {"registration_backoff_factor": "2secs"}}])
        fleet.rollcall("rollout", "plan", "flags").expect(3, "the leading master does not store changed agents: restart it")
        # Forward once more, on hosts that the master shows as they were, and back.
        self.roll_out("g3", *said)
        again = fleet.latest()["run"]
        shown = fleet.rollcall("rollout", "rollback", again, "--json").expect(0).json()
        self.start(shown["hash"], f"checkpoint on the host as it was before run {again}")
        fleet.rollcall("rollout", "status", again).expect(
            0, "1 was put back and proven as before. Before that, 1 of 1 had been done: same ID, checkpoint on the host")
        self.fail_over()
        self.assertEqual(self.shown(), {"g2"})
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "drift", "--refresh").expect(0)
        fleet.rollcall("rollout", "plan", "flags").expect(0)


if __name__ == "__main__":
    unittest.main()
