#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stage that has ended is given some time before its gates are asked and the next one begins."""
import signal
import unittest

from fleet import Fleet

AGENTS = 3
SECONDS = 1
ENDED = r"stage 1 of 2 has ended: nothing more starts for"


class Soak(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=AGENTS, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.number = 0

    def plan(self, soak):
        type(self).number += 1
        self.fleet.add_config("fleet", [{"attributes": {"generation": f"s{self.number}"}}])
        gates = self.fleet.write("gates.json", '{"after_stage": [{"kind": "unreachable"}]}')
        return self.fleet.plan("fleet", "--canary", "1", "--window", "2", "--gates", gates, "--soak-stage", soak)

    def test_the_next_stage_waits(self):
        plan = self.plan(f"{SECONDS}secs")
        self.fleet.rollcall("rollout", "start", plan).expect(0, f"{AGENTS} of {AGENTS}", "stage 1 of 2 has ended",
                                                             "stage 2 of 2 has ended")
        status = self.fleet.latest()
        events = self.fleet.rows("SELECT kind, agent, time_ms FROM events WHERE run = ? AND kind != 'run' ORDER BY seq",
                                 status["run"])
        canary = next(agent for _, agent, _ in events if agent)
        last = max(i for i, (_, agent, _) in enumerate(events) if agent == canary)
        kind, agent, asked = events[last + 1]
        self.assertEqual((kind, agent), ("gate", None), "the gate comes next, and nobody begins before it")
        self.assertGreaterEqual(asked - events[last][2], SECONDS * 1000)

    def test_an_interrupt_and_a_crash_do_not_wait(self):
        running = self.fleet.start("rollout", "start", self.plan("10mins"))
        run = running.wait_for(r"^Run ").split()[1]
        running.wait_for(ENDED)
        self.fleet.rollcall("rollout", "status", run).expect(0, "1 of 1 done, window 2, current, soaks for another ")
        running.signal(signal.SIGINT)
        running.finish().expect(5, "interrupted")
        status = self.fleet.latest()
        self.assertEqual((status["state"], status["counts"]["done"], status["counts"]["waiting"]),
                         ("paused", 1, AGENTS - 1))
        # It soaks again, whole; whatever ends that, the next stage has not begun.
        again = self.fleet.start("rollout", "resume", run)
        again.wait_for(ENDED)
        again.kill()
        self.fleet.rollcall("rollout", "abort", run).expect(0)
        self.assertEqual(self.fleet.latest()["counts"]["waiting"], AGENTS - 1)


if __name__ == "__main__":
    unittest.main()
