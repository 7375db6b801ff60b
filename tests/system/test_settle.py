#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stuck agents whose hosts a person has mended: one command brings each to its end, in whatever state its run is, and touches
nothing else."""
import unittest

import documents
from fleet import Fleet


class Settle(unittest.TestCase):
    """Each test has hosts of its own."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=8, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])

    def start(self, *hosts, words=()):
        names = ", ".join(f"'{host}'" for host in hosts)
        plan = self.fleet.plan("fleet", "--where", f"hostname in ({names})", *words)
        return self.fleet.rollcall("rollout", "start", plan)

    def leave_stuck(self, host, *others, words=()):
        """A run that has paused because the agent of host is stuck; what keeps it is mended by now."""
        self.fleet.break_(host, "never-reregister")
        result = self.start(host, *others, words=("--return-timeout", "3secs", *words)).expect(1, f"{host} is stuck")
        run = self.fleet.latest()["run"]
        self.assertIn(f"rollcall rollout settle {run}", result.out)
        self.fleet.heal(host)
        return run

    def status(self, run):
        status = self.fleet.rollcall("rollout", "status", run, "--json").expect(0).json()
        documents.check(status, documents.load("rollout-status"))
        return status

    def states(self, run):
        return {agent["hostname"]: agent["state"] for agent in self.status(run)["agents"]}

    def settle(self, run, host, *others):
        """As the texts say it; nobody else is touched."""
        before = {other: self.fleet.now(other)["pid"] for other in others}
        ended = self.status(run)["finished"]
        self.fleet.rollcall("rollout", "settle", run).expect(0, host)
        status = self.status(run)
        self.assertEqual(self.states(run)[host], "done")
        self.assertEqual(len(self.fleet.restarts(host)), 1)
        self.assertEqual(status["finished"] if ended else None, ended, "the run has another end")
        self.assertEqual({other: self.fleet.now(other)["pid"] for other in others}, before)
        self.fleet.rollcall("audit", "log", run).expect(0, "obeyed the order to settle")
        self.fleet.rollcall("audit", "verify").expect(0)
        self.fleet.rollcall("rollout", "settle", run).expect(0, "no agent of it is stuck")
        return status

    def test_of_a_paused_run(self):
        host, other = "node001.lab", "node002.lab"
        run = self.leave_stuck(host, other)
        self.assertEqual(self.settle(run, host, other)["state"], "paused")
        self.assertEqual(self.states(run)[other], "waiting")
        self.fleet.rollcall("rollout", "resume", run).expect(0, "2 of 2")

    def test_of_an_aborted_run(self):
        host, other = "node003.lab", "node004.lab"
        run = self.leave_stuck(host, other)
        self.fleet.rollcall("rollout", "abort", run).expect(0)
        self.assertEqual(self.settle(run, host, other)["state"], "aborted")
        self.assertEqual(self.states(run)[other], "waiting")
        self.fleet.rollcall("rollout", "resume", run).expect(3, "aborted")

    def test_of_a_run_that_is_rolled_back(self):
        host, other = "node006.lab", "node005.lab"
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

    def test_while_the_run_is_driven(self):
        """The driver asks, whoever else is under way."""
        host, other = "node007.lab", "node008.lab"
        latch = self.fleet.file("latch")
        wait = f"until [ -e {latch} ]; do sleep 0.05; done"
        gates = self.fleet.write("gates.json", '{"after_agent": [{"kind": "command", "timeout": "10mins", '
                                 f'"argv": ["/bin/sh", "-c", "{wait}"]}}]}}')
        self.fleet.break_(host, "never-reregister")
        plan = self.fleet.plan("fleet", "--where", f"hostname in ('{host}', '{other}')", "--window", "2",
                               "--return-timeout", "3secs", "--gates", gates)
        running = self.fleet.start("rollout", "start", plan)
        running.wait_for("changing → returning")
        run = self.fleet.latest()["run"]
        # What is under way in a run that somebody drives is no business of a rescue.
        looked = self.fleet.rollcall("rescue", f"hostname = '{host}'").expect(1, "nothing to rescue", "under way there")
        self.assertIn(f"rollcall rollout watch {run}", looked.out)
        running.wait_for("returning → stuck")
        self.fleet.heal(host)
        self.fleet.rollcall("rollout", "settle", run, "--json").expect(0)
        with open(latch, "w", encoding="utf-8"):
            pass
        running.finish()
        self.assertEqual(set(self.states(run).values()), {"done"})


if __name__ == "__main__":
    unittest.main()
