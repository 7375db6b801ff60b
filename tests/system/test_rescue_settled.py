#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rescues that came to nothing the first time: an operation that is settled says nothing of an agent that ends at every start, and
an attempt that was never begun on its host is not looked for there."""
import os
import signal
import time
import unittest

import documents
import test_rescue_fleet
from fleet import Fleet
from lab import eventually

PATIENCE = test_rescue_fleet.PATIENCE

# Steps of a rescue before its new checkpoint is written.
BEFORE = ("prepared", "guarded", "stopping", "cleaned")


class Settled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=2, zones=1, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    push = test_rescue_fleet.Rescue.push

    def proposal(self, host):
        document = self.fleet.rollcall("rescue", f"hostname = '{host}'", "--json").json()
        found, = document["hosts"]
        return document["proposal"], found["act"]

    def steps(self, host):
        """Of its operations; of one that is just being made, nothing."""
        try:
            return {name: found["step"] for name, found in self.fleet.operations(host).items()}
        except (FileNotFoundError, ValueError):
            return {}

    def kill_in_its_midst(self, host):
        """Mostly with the new checkpoint written and nothing started; whenever it was, rollcall never says that it is done."""
        proposal, act = self.proposal(host)
        self.assertEqual(act, "rescue")
        before = set(self.steps(host))
        running = self.fleet.start("rescue", f"hostname = '{host}'", "--yes", proposal)
        deadline = time.monotonic() + PATIENCE
        while running.process.poll() is None and not any(
                name not in before and step not in BEFORE for name, step in self.steps(host).items()):
            self.assertLess(time.monotonic(), deadline, "no operation was begun")
            time.sleep(0.005)
        for pid in self.fleet.agentctl_of(host, "rescue"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        running.finish().expect(1)

    def leave_open(self, host):
        """Too late is tried again, with flags that differ once more."""
        old = "generation:bad"
        for attempt in range(20):
            self.kill_in_its_midst(host)
            proposal, act = self.proposal(host)
            if act == "settle":
                return proposal
            self.fleet.edit_flags(host, old, f"generation:bad{attempt}")
            old = f"generation:bad{attempt}"
        raise AssertionError("every operation had ended before its agentctl was killed")

    def test_its_agent_ends_again(self):
        host = "node002.lab"
        where = f"hostname = '{host}'"
        self.push(host)
        self.fleet.break_(host, "agent-exit-always")
        proposal = self.leave_open(host)
        done = self.fleet.rollcall("rescue", where, "--yes", proposal, "--json").expect(1).json()
        documents.check(done, documents.load("rescue"))
        found, = done["hosts"]
        self.assertEqual((found["act"], found["state"], found["id_after"]), ("settle", "failed", None))
        self.assertIn("the master does not list its agent as running", found["said"])
        self.assertIn("its log on the host says why", found["next"])

        report = self.fleet.rollcall("audit", "report", f"rescue-{proposal[:12]}").expect(0, "Of 1 host 0 are done, 1 is not")
        self.assertIn("NOT proven", report.out)
        page = self.fleet.rollcall("audit", "report", f"rescue-{proposal[:12]}", "--format", "html").expect(0).out
        self.assertNotIn("Nobody waits", page)

        # A moment in which its supervisor has just started it looks like an agent that runs.
        eventually(lambda: self.fleet.show(host, "ActiveState") == "failed", PATIENCE, "the supervisor's giving up")
        if "undone" in found["said"]:  # killed so late that it was being taken back: it is to be rescued as before
            self.fleet.rollcall("rescue", where).expect(0, "checkpoint fits the flags")
            return
        left = self.fleet.rollcall("rescue", where).expect(1, "no agent runs", "its log says which", "--flags")
        self.assertNotIn("nothing to rescue", left.out)

        # What was said is done: it starts with other flags, and is rescued.
        self.fleet.heal(host)
        self.fleet.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: self.fleet.agent(host) and self.fleet.agent(host)["active"], PATIENCE, "the agent's return")
        self.fleet.rollcall("rescue", where).expect(0, "There is nothing to rescue")

    def test_repeated_under_the_same_hash(self):
        host = "node001.lab"
        where = f"hostname = '{host}'"
        self.push(host)
        proposal, _ = self.proposal(host)
        self.fleet.break_(host, "refuse", "--after", "1")
        self.fleet.rollcall("rescue", where, "--yes", proposal).expect(1, "nothing was changed there")
        self.fleet.heal(host)
        self.fleet.rollcall("rescue", where, "--yes", proposal).expect(0, "its agent is back")
        self.fleet.rollcall("audit", "verify", "--witness", where).expect(0, "1 of 1 hosts answered")


if __name__ == "__main__":
    unittest.main()
