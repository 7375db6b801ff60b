#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs that are over, or that nobody drives, with agents that are not: each text names the command that brings them to their end, and
the command does."""
import json
import os
import unittest

from settling import Settling


class SettleOver(Settling, unittest.TestCase):
    def agent(self, run, host):
        return next(agent for agent in self.status(run)["agents"] if agent["hostname"] == host)

    def kill_driver(self, *hosts):
        """The first host's agent has not come back, and nobody waits for it any more."""
        self.fleet.break_(hosts[0], "never-reregister")
        names = ", ".join(f"'{host}'" for host in hosts)
        running = self.fleet.start("rollout", "start", self.fleet.plan("fleet", "--where", f"hostname in ({names})"))
        running.wait_for("changing → returning")
        run = self.fleet.latest()["run"]
        self.assertGreater(self.agent(run, hosts[0])["clocks"]["stuck"], 0)
        running.kill()
        # Nobody is patient, and nobody will call it stuck.
        self.assertNotIn("stuck", self.agent(run, hosts[0])["clocks"])
        self.assertNotIn("counts as stuck", self.fleet.rollcall("rollout", "status", run).expect(0).out)
        return run

    def test_killed_and_aborted(self):
        host, other = "node001.lab", "node002.lab"
        run = self.kill_driver(host, other)
        self.fleet.rollcall("rollout", "abort", run).expect(0, f"rollcall rollout settle {run}")
        for word, code in (("status", 0), ("watch", 1)):
            self.fleet.rollcall("rollout", word, run).expect(code, "Nobody drives it, and 1 agent was left under way",
                                                             f"rollcall rollout settle {run}")
        self.mend(host)
        self.fleet.rollcall("rollout", "resume", run).expect(1, "nothing of it starts any more",
                                                             f"rollcall rollout settle {run}", "waited for until")
        self.assertEqual(self.states(run), {host: "done", other: "waiting"})
        # What is refused names what can be done, and that works when it is pasted.
        self.fleet.rollcall("rollout", "resume", run).expect(3, "`rollcall rollout plan fleet@1 --where ")
        self.fleet.rollcall("rollout", "plan", "fleet").expect(0)

    def test_killed_and_paused(self):
        host = "node003.lab"
        run = self.kill_driver(host)
        self.fleet.rollcall("rollout", "pause", run).expect(0, f"rollcall rollout resume {run}")
        self.fleet.rollcall("rollout", "status", run).expect(0, "Nobody drives it, and 1 agent was left under way",
                                                             f"rollcall rollout resume {run}")
        self.mend(host)
        self.fleet.rollcall("rollout", "resume", run).expect(0, "1 of 1")

    def test_gates_without_an_answer(self):
        """Of a run that is over nobody but `settle` asks them again."""
        host = "node004.lab"
        gate = self.fleet.write("gate.sh", "#!/bin/sh\nexit 75\n")
        os.chmod(gate, 0o755)
        gates = self.fleet.write("gates.json", json.dumps({"after_agent": [{"kind": "command", "argv": [gate]}]}))
        run = self.leave_stuck(host, words=("--gates", gates))
        self.fleet.rollcall("rollout", "abort", run).expect(0)
        for _ in range(2):
            self.fleet.rollcall("rollout", "settle", run).expect(
                1, "1 changed, with gates that have not passed yet", "gates that gave no answer",
                f"      rollcall rollout settle {run}")
            self.assertEqual(self.states(run), {host: "gating"})
        self.fleet.write("gate.sh", "#!/bin/sh\nexit 0\n")
        self.fleet.rollcall("rollout", "settle", run).expect(0, "1 of 1")
        status = self.status(run)
        self.assertEqual((self.states(run), status["state"]), ({host: "done"}, "aborted"))
        self.assertEqual(len(self.fleet.restarts(host)), 1)
        self.fleet.rollcall("rollout", "settle", run).expect(0, "no agent of it is stuck")


if __name__ == "__main__":
    unittest.main()
