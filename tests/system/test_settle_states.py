#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""Stuck agents of runs that have paused, and of runs that are rolled back: as in test_settle.py."""
import unittest

from settling import Settling


class SettleStates(Settling, unittest.TestCase):
    return_timeout = "10secs"  # others of the same runs return in time

    def test_of_a_paused_run(self):
        host, other = "node001.lab", "node002.lab"
        run = self.leave_stuck(host, other)
        self.assertEqual(self.settle(run, host, other)["state"], "paused")
        self.assertEqual(self.states(run)[other], "waiting")
        self.fleet.rollcall("rollout", "resume", run).expect(0, "2 of 2")

    def test_of_a_run_that_is_rolled_back(self):
        host, other = "node004.lab", "node003.lab"
        run = self.leave_stuck(other, host, words=("--window", "1"))
        self.fleet.rollcall("rollout", "resume", run).expect(0, "2 of 2")
        run = None
        self.fleet.add_config("fleet", [{"attributes": {"generation": "g3"}}])
        run = self.leave_stuck(host, other, words=("--window", "2", "--max-failures", "1"))
        self.assertEqual(self.states(run)[other], "done")
        back = self.fleet.rollcall("rollout", "rollback", run, "--yes")
        self.assertEqual(back.code, 1, str(back))  # one of the two is still changed
        back.expect(1, host)
        self.assertEqual(self.status(run)["state"], "aborted")
        self.fleet.rollcall("rollout", "settle", run).expect(0, host)
        self.assertEqual(self.states(run)[host], "done")
        self.assertEqual(self.status(run)["state"], "aborted")
        # What the first rollback has left is taken back by a second one.
        first = self.fleet.latest()["run"]
        self.fleet.rollcall("rollout", "status", run).expect(0, f"rollcall rollout rollback {run}")
        self.fleet.rollcall("rollout", "rollback", run, "--yes").expect(0, "1 of 1", f"takes back run {run}")
        found = self.status(run)
        self.assertEqual((found["taken_back"]["changed"], found["taken_back"]["back"]), (2, 2), found["taken_back"])
        self.assertNotEqual(found["taken_back"]["run"], first)
        for name in (host, other):
            self.assertNotIn("generation:g3", self.fleet.flags(name))
        self.fleet.rollcall("rollout", "rollback", run).expect(3, "rolled back by run")
        self.fleet.rollcall("audit", "verify").expect(0)


if __name__ == "__main__":
    unittest.main()
