#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""A lost database is no lost fleet: in the middle of a rollout rollcall is killed and its database deleted. A new one, a
sync and a survey show what is open on the hosts, and a rollout that adopts them ends where the first one would have."""
import os
import unittest

from fleet import Fleet
from lab import eventually

PATIENCE = 120
HOSTS = [f"node{number:03}.lab" for number in range(1, 5)]


class LostDatabase(unittest.TestCase):
    def test_in_the_middle_of_a_rollout(self):
        fleet = Fleet(agents=4, zones=2)
        self.addCleanup(fleet.close)
        fleet.rollcall("inventory", "sync").expect(0)
        before = fleet.now()
        rules = [{"attributes": {"generation": "lost"}}]
        fleet.add_config("fleet", rules)
        running = fleet.start("rollout", "start", fleet.plan("fleet", "--window", "2"))
        running.wait_for("changing → returning")
        running.kill()
        database = os.path.join(fleet.dir, "rollcall.db")
        with_intent = [host for host in HOSTS if fleet.operations(host)]
        self.assertTrue(with_intent, "an agent was under way")
        for name in os.listdir(fleet.dir):
            if name.startswith("rollcall.db"):
                os.unlink(os.path.join(fleet.dir, name))
        self.assertFalse(os.path.exists(database))

        eventually(lambda: all(agent["active"] for agent in fleet.agents().values()), PATIENCE, "the agents' return")

        # Everything that is known of the fleet comes back from its master and its hosts.
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "survey").expect(0)
        shown = fleet.rollcall("inventory", "show", with_intent[0], "--json").expect(0).json()
        old = shown["inspect"]["operations"][0]["database"]
        text = fleet.rollcall("inventory", "show", with_intent[0]).expect(0, "driven by", old, "OPERATION").out
        self.assertNotIn("this one", text)

        fleet.add_config("fleet", rules)
        plan = fleet.plan("fleet")
        left = {host for host in HOSTS if "generation:lost" not in fleet.flags(host)}
        self.assertTrue(left, "the rollout was not over")
        self.assertLess(left, set(HOSTS))
        fleet.rollcall("rollout", "start", "--adopt", plan).expect(0, f"{len(left)} of {len(left)}")
        for host, now in fleet.now().items():
            self.assertEqual((now["id"], now["tasks_running"]), (before[host]["id"], before[host]["tasks_running"]), host)
            self.assertIn("generation:lost", fleet.flags(host))
            self.assertEqual(len(fleet.restarts(host)), 1, f"{host} was not changed twice")
        # A host that was in the middle decides by itself, some minutes after it was last spoken to; until then it is named.
        drift = fleet.rollcall("inventory", "drift", "--refresh", "--json").json()
        for agent in drift["agents"]:
            kinds = {finding["kind"] for finding in agent["findings"] if finding["drift"]}
            self.assertLessEqual(kinds, {"open-operation"} if agent["hostname"] in with_intent else set(), agent)
            for finding in agent["findings"]:
                self.assertIn(old, finding["what"])
        fleet.rollcall("inventory", "check").expect(0)


if __name__ == "__main__":
    unittest.main()
