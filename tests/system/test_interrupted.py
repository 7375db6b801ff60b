#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollcall dies or is stopped in the middle of a rollout, or is started twice: no agent is changed twice, and a resumed run
ends as an uninterrupted one does."""
import signal
import unittest

from interrupting import AGENTS, Interrupting

TRIES = 10  # of what must be met while it lasts


class Interrupted(Interrupting):
    def start(self):
        running = self.fleet.start("rollout", "start", self.plan)
        return running, running.wait_for(r"^Run ").split()[1]

    def cut_short(self, act, steps=1):
        """A run that act has ended before its time, and what it said. One that was over before act came is made again."""
        for _ in range(TRIES):
            running, run = self.start()
            running.wait_for("changing → returning", steps)
            act(running)
            result = running.finish()
            if self.fleet.latest()["counts"]["waiting"] > 0:
                return run, result
            self.fleet.rollcall("rollout", "resume", run)
            self.setUp()
        raise AssertionError("every run was over before it was cut short")

    def test_killed_again_and_again(self):
        """kill -9 at one step after the other; each life gets a little further."""
        running, run = self.start()
        lives = 1
        for steps in (1, 3, 2, 1, 4, 2, 3):
            try:
                running.wait_for(r"\u2192", steps)
            except AssertionError:
                break  # it ended before
            running.kill()
            if self.fleet.latest()["state"] == "done":
                running = self.fleet.start("rollout", "resume", run)  # which only shows it
                break
            lives += 1
            running = self.fleet.start("rollout", "resume", run)
        self.assert_done(running.finish())
        self.assertGreater(lives, 3)
        report = self.fleet.rollcall("audit", "report", run, "--json").expect(0).json()
        self.assertEqual(report["resumed"], lives - 1)

    def test_killed_while_agents_are_away(self):
        run, _ = self.cut_short(lambda running: running.process.kill(), steps=2)
        status = self.fleet.rollcall("rollout", "status", run).expect(0, "running", "nobody drives it", f"resume {run}")
        self.assertEqual("under way" in str(status), bool(self.under_way()))
        self.fleet.rollcall("rollout", "plan", "fleet", "--offline").expect(0, f"run {run} is not finished", f"resume {run}")
        self.fleet.rollcall("rollout", "start", self.fleet.plan("fleet", "--offline", "--window", "1")).expect(
            3, run, "resume")
        # Nothing else starts before the hosts that were left in the middle were asked.
        self.fleet.rollcall("rollout", "start", self.plan).expect(3, run, "resume")
        self.assert_done(self.fleet.rollcall("rollout", "resume", "latest"))

    def test_ctrl_c_finishes_what_is_under_way(self):
        run, result = self.cut_short(lambda running: running.signal(signal.SIGINT))
        result.expect(5, "finishing what is under way", "resume", run)
        status = self.fleet.latest()
        self.assertEqual(status["state"], "paused")
        self.assertEqual(status["counts"]["waiting"] + status["counts"]["done"], AGENTS)
        self.assert_done(self.fleet.rollcall("rollout", "resume", run))

    def test_ctrl_c_twice_leaves_at_once(self):
        def act(running):
            running.signal(signal.SIGINT)
            try:
                running.wait_for("finishing what is under way")
            except AssertionError:
                return  # it was over before
            running.signal(signal.SIGINT)

        run, result = self.cut_short(act)
        result.expect(5, "resume", run)
        self.assert_done(self.fleet.rollcall("rollout", "resume", run))

    def test_disk_that_is_full(self):
        self.assertTrue(self.fill_disk(13))

    def test_two_at_once(self):
        running, run = self.start()
        self.addCleanup(running.process.kill)
        running.wait_for("waiting → ")
        running.signal(signal.SIGSTOP)  # so that it is still there, however long the others take
        refused = self.fleet.rollcall("rollout", "start", self.plan).expect(3, run, "another rollcall")
        self.assertRegex(refused.err, rf"process {running.process.pid} on ")
        self.fleet.rollcall("rollout", "resume", run).expect(3, "another rollcall")
        running.signal(signal.SIGCONT)
        self.assert_done(running.finish())
        runs = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"]
        self.assertEqual(len([found for found in runs if found["plan"] == self.plan]), 1)

    def test_rollcall_and_hosts_at_once(self):
        """At one of these moments at least a host is in the middle, however much fits into a commit."""
        met = [self.cut_power(12)]
        self.setUp()
        self.assertIn(True, met + [self.cut_power(15)])


if __name__ == "__main__":
    unittest.main()
