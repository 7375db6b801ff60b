#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rollout through the ssh client instead of libssh2: the same fleet, the same words, the same end."""
import json
import unittest

from fleet import Fleet
from lab import run_lab


class OverOpenSsh(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=3, zones=1)
        path = cls.fleet.env["ROLLCALL_CONFIG"]
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        document["clusters"]["lab"]["ssh"]["transport"] = "openssh"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    @classmethod
    def tearDownClass(cls):
        cls.fleet.close()

    def test_rollout(self):
        before = {name: agent["id"] for name, agent in self.fleet.agents().items()}
        self.fleet.rollcall("inventory", "survey").expect(0, "3 of 3 hosts surveyed")
        self.fleet.add_config("blue", [{"attributes": {"colour": "blue"}}])
        self.fleet.rollcall("rollout", "start", self.fleet.plan("blue", "--window", "2")).expect(0)
        self.assertEqual({agent["state"] for agent in self.fleet.latest()["agents"]}, {"done"})
        after = self.fleet.agents()
        self.assertEqual({name: agent["id"] for name, agent in after.items()}, before)
        self.assertEqual({agent["attributes"]["colour"] for agent in after.values()}, {"blue"})

    def test_host_that_refuses(self):
        self.fleet.rollcall("inventory", "survey").expect(0)
        self.fleet_break("node002.lab", "hostkey")
        try:
            done = self.fleet.rollcall("inventory", "survey", "--where", "hostname = 'node002.lab'").expect(4)
            self.assertIn("host key", done.out + done.err)
        finally:
            self.fleet_break("node002.lab", "none")

    def fleet_break(self, host, fault):
        self.assertEqual(run_lab("break", "--dir", self.fleet.dir, host, fault).returncode, 0)


if __name__ == "__main__":
    unittest.main()
