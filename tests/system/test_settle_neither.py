#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""An agent that came up with neither state, whose host is mended, and that nobody has started: the same command starts it."""
import unittest

from fleet import Fleet


class SettleNeither(unittest.TestCase):
    def test_it(self):
        fleet = Fleet(agents=1, zones=1, tasks=1, scale=20)
        self.addCleanup(fleet.close)
        host = fleet.names[0]
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])
        before = fleet.now(host)
        plan = fleet.plan("fleet")
        fleet.break_(host, "agent-exit-always")
        fleet.rollcall("rollout", "start", plan).expect(1, f"{host} is stuck", "the agent's log says: ")
        run = fleet.latest()["run"]
        fleet.heal(host)
        self.assertNotEqual(fleet.now(host)["unit"], "active")
        # Executors end themselves when their agent is away for long: what is lost then does not come back.
        fleet.rollcall("rollout", "settle", run, "--accept-losses").expect(0, "put back and proven as before")
        after = fleet.now(host)
        self.assertEqual((after["id"], after["unit"]), (before["id"], "active"))
        self.assertEqual(fleet.latest_of(host)["state"], "reverted")
        fleet.rollcall("audit", "log", run).expect(0, "obeyed the order to settle --accept-losses")


if __name__ == "__main__":
    unittest.main()
