#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the master admits, it has written down first; and healthy agents are never given up, also when they are many."""
import json
import os
import time
import unittest

from lab import eventually
from lab_master import LONG, ONE, TWO, WithMaster


class Admitted(WithMaster):
    def registry(self):
        return os.path.join(self.lab.dir, "master/registry.json")

    def test_nobody_is_admitted_before_it_is_written(self):
        """With a registry that cannot be written nobody new is let in, and who comes back as it was is."""
        old = self.lab.agent(ONE)["id"]
        kept = self.registry() + ".kept"
        os.rename(self.registry(), kept)
        os.mkdir(self.registry())  # no file can take its place
        self.addCleanup(lambda: os.path.isdir(self.registry()) and os.rmdir(self.registry()))
        self.addCleanup(self.lab.heal, ONE)
        self.lab.break_(ONE, "new-id")
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.master_log().count(f"({ONE}) with id") == 2, LONG, "its attempt")
        eventually(lambda: "registration is already in progress" in self.master_log(), LONG, "another one")
        self.lab.restart(TWO)
        self.assertNotIn(ONE, {host for host, agent in self.lab.agents().items() if agent["id"] != old})
        os.rmdir(self.registry())
        new = eventually(lambda: self.lab.agent(ONE) and self.lab.agent(ONE)["id"] != old and self.lab.agent(ONE), LONG,
                         "its registration")
        with open(self.registry()) as file:
            self.assertEqual(len(json.load(file)["agents"]), 2)
        self.assertTrue(new["active"])
        os.unlink(kept)


class Pings(WithMaster):
    """20 times as fast: who is silent for 3.75 s is given up."""
    words = ["--agents", "300", "--tasks-per-agent", "0"]
    scale = 20

    def test_many_agents_are_pinged_and_answer(self):
        before = {agent["id"]: agent["registered_time"] for agent in self.lab.agents().values()}
        self.assertEqual(len(before), 300)
        time.sleep(6)  # eight rounds of pings: whoever does not answer is given up in this time
        state = self.lab.get_json("/state")
        self.assertEqual({agent["id"]: agent["registered_time"] for agent in state["slaves"]}, before)
        self.assertEqual((state["activated_slaves"], state["unreachable_slaves"]), (300, 0))
        self.assertEqual(self.lab.get_json("/metrics/snapshot")["master/slave_removals"], 0)


if __name__ == "__main__":
    unittest.main()
