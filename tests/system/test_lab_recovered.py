#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""Agents that a new master of the lab knows only from its registry: all of agent_reregister_timeout is waited for."""
import os
import signal
import unittest

from lab import eventually
from lab_master import LONG, TWO, WithMaster


class Recovered(WithMaster):
    """An agent that a new master knows only from its registry."""
    words = ["--agents", "2", "--zones", "1"]
    scale = 30  # agent_reregister_timeout is 20 s, and nobody is silent for 2.5 s

    def recovered(self):
        try:
            return self.lab.get_json("/slaves")["recovered_slaves"]
        except OSError:
            return None

    def test_recovered_until_the_timeout(self):
        self.all_back(2)
        with open(os.path.join(self.lab.dir, "run/master.pid")) as file:
            pid = int(file.read().split()[0])
        os.kill(pid, signal.SIGSTOP)  # nothing is marked while the agent goes
        self.lab.systemctl(TWO, "stop", "mesos-agent")
        os.kill(pid, signal.SIGKILL)
        listed = eventually(lambda: [agent for agent in self.recovered() or [] if agent["hostname"] == TWO], LONG,
                            "it to be recovered")
        self.assertEqual(set(listed[0]), {"id", "hostname", "port", "attributes", "domain"})
        eventually(lambda: self.recovered() == [], LONG, "the timeout")
        self.assertNotIn(TWO, self.lab.agents())
        self.assertIn("unreachable: did not reregister within 10mins after master failover", self.master_log())


if __name__ == "__main__":
    unittest.main()
