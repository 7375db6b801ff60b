#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""rollcall rescue of an agent that the master has given up: its tasks come back from TASK_UNREACHABLE."""
import unittest

import documents
import test_rescue_fleet
from fleet import Fleet
from lab import eventually


class Gone(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=2, zones=1, tasks=2)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    push = test_rescue_fleet.Rescue.push

    def test_gone(self):
        host, tasks = "node001.lab", self.fleet.running()
        before = self.fleet.now(host)
        self.push(host, "generation:g1", "generation:g1;added:yes")
        eventually(lambda: self.fleet.agent(host) is None, test_rescue_fleet.PATIENCE, "the master's giving up")
        where = f"hostname = '{host}'"
        document = self.fleet.rollcall("rescue", where, "--json").expect(0).json()
        self.assertEqual([(found["hostname"], found["act"]) for found in document["hosts"]], [(host, "rescue")])
        done = self.fleet.rollcall("rescue", where, "--yes", document["proposal"], "--json").expect(0).json()
        documents.check(done, documents.load("rescue"))
        self.assertEqual([(found["state"], found["id_after"], found["tasks_running"]) for found in done["hosts"]],
                         [("done", before["id"], 2)])
        self.assertEqual(self.fleet.running(), tasks)


if __name__ == "__main__":
    unittest.main()
