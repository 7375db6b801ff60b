#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""2000 agents: pings and answers keep up, and who is silent is given up, and nobody else."""
import time
import unittest

from lab import eventually
from lab_master import WithMaster

AGENTS, SILENT = 2000, ["node0001.lab", "node1000.lab", "node2000.lab"]
LONG = 300


class Many(WithMaster):
    words = ["--agents", str(AGENTS), "--tasks-per-agent", "0"]
    scale = 10  # a ping every 1.5 s; who is silent for 7.5 s is given up

    def listed(self):
        return {agent["hostname"]: agent for agent in self.lab.get_json("/slaves", timeout=60)["slaves"]}

    def test_who_is_silent_and_who_is_not(self):
        before = self.listed()
        self.assertEqual(len(before), AGENTS)
        time.sleep(30)  # twenty rounds of pings: whoever does not answer is given up in this time
        after = self.listed()
        self.assertEqual({host: agent["registered_time"] for host, agent in after.items()},
                         {host: agent["registered_time"] for host, agent in before.items()})
        for host in SILENT:
            self.addCleanup(self.lab.heal, host)
            self.lab.break_(host, "agent-freeze")
        eventually(lambda: not set(SILENT) & set(self.listed()), LONG, "the silent ones to be given up")
        self.assertEqual(set(before) - set(self.listed()), set(SILENT))
        self.assertEqual(self.lab.get_json("/state", timeout=60)["unreachable_slaves"], len(SILENT))
        for host in SILENT:
            self.lab.heal(host)
        eventually(lambda: len(self.listed()) == AGENTS, LONG, "their return")
        self.assertEqual({host: agent["id"] for host, agent in self.listed().items()},
                         {host: agent["id"] for host, agent in before.items()})


if __name__ == "__main__":
    unittest.main()
