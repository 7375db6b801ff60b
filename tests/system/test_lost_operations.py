#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a lost database left open on hosts: a new one finds it, names it, and has it settled, also where the agent runs."""
import os
import signal
import unittest

import documents
from fleet import Fleet
from lab import eventually

PATIENCE = 120
EVERY = "hostname like '%'"


class LostOperations(unittest.TestCase):
    def lose(self):
        """A rollout of two agents, in whose middle rollcall, every agentctl and the database go. Gives what was before."""
        self.fleet = Fleet(agents=3, zones=1)
        self.addCleanup(self.fleet.close)
        self.fleet.rollcall("inventory", "sync").expect(0)
        before = self.fleet.now()
        self.fleet.add_config("fleet", [{"attributes": {"generation": "lost"}}])
        for host in self.fleet.names:  # so that none of them is done before everything goes
            self.fleet.break_(host, "never-reregister")
        running = self.fleet.start("rollout", "start", self.fleet.plan("fleet", "--window", "2"))
        running.wait_for("changing → returning", 2)
        running.kill()
        for name in os.listdir(self.fleet.dir):
            if name.startswith("rollcall.db"):
                os.unlink(os.path.join(self.fleet.dir, name))
        return before

    def test_settled_by_a_new_database(self):
        before = self.lose()
        fleet = self.fleet
        first, second = [host for host in fleet.names if fleet.operations(host)]
        # One agentctl waits for a word that will not come, the other is gone too.
        for pid in self.fleet.agentctl_of(second, "apply"):
            os.kill(pid, signal.SIGKILL)
        for host in fleet.names:
            fleet.heal(host)
        eventually(lambda: all(agent["active"] for agent in fleet.agents().values()), PATIENCE, "the agents' return")

        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("rescue", EVERY).expect(0, "nothing to rescue")  # nobody has looked at the hosts yet
        fleet.rollcall("inventory", "survey").expect(0)
        fleet.rollcall("inventory", "drift").expect(1, "2 of 3 agents", "is not finished", "rollcall rescue")
        fleet.add_config("next", [{"attributes": {"generation": "next"}}])
        fleet.rollcall("rollout", "plan", "next", "--where", f"hostname = {first}", "--offline").expect(
            3, "belongs to another database", "rollcall rescue")

        done = fleet.rollcall("rescue", EVERY, "--json").expect(0)
        proposal = done.json()
        documents.check(proposal, documents.load("rescue"))
        self.assertEqual({host["hostname"] for host in proposal["hosts"] if host["act"] == "settle"}, {first, second})
        self.assertTrue(all(host["driven_by"] for host in proposal["hosts"]), proposal)
        fleet.rollcall("rescue", EVERY).expect(0, "Driven by another database", "rescue --adopt")
        fleet.rollcall("rescue", EVERY, "--yes", proposal["proposal"]).expect(3, "--adopt")
        self.assertEqual({step["step"] for step in fleet.operations(first).values()} & {"done", "undone"}, set())

        fleet.rollcall("rescue", EVERY, "--adopt", "--yes", proposal["proposal"]).expect(0, first, second)
        for host in (first, second):
            self.assertEqual([found["step"] for found in fleet.operations(host).values()], ["done"], host)
        fleet.rollcall("rescue", EVERY).expect(0, "nothing to rescue")
        fleet.rollcall("inventory", "drift", "--refresh").expect(0)
        for host, now in fleet.now().items():
            self.assertEqual((now["id"], now["tasks_running"]), (before[host]["id"], before[host]["tasks_running"]), host)
            self.assertLessEqual(len(fleet.restarts(host)), 1, f"{host} was not changed twice")
        fleet.rollcall("inventory", "check").expect(0)


if __name__ == "__main__":
    unittest.main()
