#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stuck agents whose hosts a person has mended: one command brings each to its end, in whatever state its run is, and touches
nothing else. test_settle_states.py has more states."""
import unittest

from lab import eventually
from settling import Settling


class Settle(Settling, unittest.TestCase):
    def test_of_an_aborted_run(self):
        host, other = "node001.lab", "node002.lab"
        run = self.leave_stuck(host, other)
        self.fleet.rollcall("rollout", "abort", run).expect(0)
        self.assertEqual(self.settle(run, host, other)["state"], "aborted")
        self.assertEqual(self.states(run)[other], "waiting")
        self.fleet.rollcall("rollout", "resume", run).expect(3, "aborted")

    def test_while_the_run_is_driven(self):
        """The driver asks, whoever else is under way."""
        host, other = "node003.lab", "node004.lab"
        latch = self.fleet.file("latch")
        wait = f"until [ -e {latch} ]; do sleep 0.05; done"
        gates = self.fleet.write("gates.json", '{"after_agent": [{"kind": "command", "timeout": "10mins", '
                                 f'"argv": ["/bin/sh", "-c", "{wait}"]}}]}}')
        self.fleet.break_(host, "never-reregister")
        plan = self.fleet.plan("fleet", "--where", f"hostname in ('{host}', '{other}')", "--window", "2",
                               "--return-timeout", self.return_timeout, "--gates", gates)
        running = self.fleet.start("rollout", "start", plan)
        running.wait_for("changing → returning")
        run = self.fleet.latest()["run"]
        # What is under way in a run that somebody drives is no business of a rescue.
        looked = self.fleet.rollcall("rescue", f"hostname = '{host}'").expect(1, "Nothing is to be done from here now", "under way there")
        self.assertIn(f"rollcall rollout watch {run}", looked.out)
        running.wait_for("returning → stuck")
        eventually(lambda: self.states(run)[other] in ("gating", "stuck"), 120, "the other one's return, or not in time")
        self.mend(host)
        self.mend(other)
        self.fleet.rollcall("rollout", "settle", run, "--json").expect(0)
        with open(latch, "w", encoding="utf-8"):
            pass
        running.finish()
        self.assertEqual(set(self.states(run).values()), {"done"})


if __name__ == "__main__":
    unittest.main()
