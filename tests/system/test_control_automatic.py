#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rollout that takes itself back."""
import signal
import unittest

from fleet import HALT, Fleet


class Automatic(unittest.TestCase):
    """--on-failure rollback: what a run has changed is taken back by itself, also by whoever resumes after a crash."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=3, zones=1, tasks=0, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    def setUp(self):
        self.fleet.add_config("fleet", [{"attributes": {"generation": self.id()}}])
        planned = self.fleet.rollcall("rollout", "plan", "fleet", "--window", "1", "--on-failure", "rollback",
                                      "--json").expect(0).json()
        self.plan = planned["hash"]
        # Its agent does not come up with the new flags, and is put back.
        broken = planned["plan"]["agents"][-1]["hostname"]
        self.fleet.break_(broken, "agent-exit")
        self.addCleanup(self.fleet.heal, broken)

    def assert_taken_back(self, result):
        self.assertEqual(result.code, 1, str(result))
        for host, agent in self.fleet.agents().items():
            self.assertEqual(agent["attributes"]["generation"], "g1", f"{host}\n{result}")
            self.assertIn("generation:g1", self.fleet.flags(host))
        runs = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"][:2]
        self.assertEqual([run["state"] for run in runs], ["done", "aborted"], str(result))
        self.assertEqual(runs[0]["rolls_back"], runs[1]["run"])
        self.assertEqual(runs[0]["counts"], {"done": 2})
        self.assertEqual(set(self.fleet.rows("SELECT rollback_due FROM runs")), {(0,)})

    def test_by_itself(self):
        result = self.fleet.rollcall("rollout", "start", self.plan)
        self.assert_taken_back(result)
        # Nobody is asked to do what happens by itself, nor told that a stage has passed that failed.
        self.assertNotIn("What to do", result.out)
        self.assertIn("is rolled back when one fails", " ".join(result.err.split()))
        listed = self.fleet.rollcall("rollout", "list").expect(0).out
        self.assertRegex(listed, r"rollback of r-[0-9-]+  ")

    def test_killed_again_and_again(self):
        """At another commit in each life, before, between and within both runs; always the first one is resumed."""
        words, lives = ("rollout", "start", self.plan), 0
        for sync in (12, 9, 4, 6, 8, 3, 7, 10, 5, 9, 11, 6):
            self.fleet.env.update(LD_PRELOAD=HALT, HALT_AT_SYNC=str(sync))
            result = self.fleet.rollcall(*words)
            del self.fleet.env["LD_PRELOAD"], self.fleet.env["HALT_AT_SYNC"]
            runs = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"]
            begun = [run["run"] for run in runs if run["plan"] == self.plan]
            if begun:
                words = ("rollout", "resume", begun[0])
            if result.code != -signal.SIGKILL:
                break
            lives += 1
        else:
            result = self.fleet.rollcall(*words)
        self.assertGreater(lives, 2)
        if result.code == 0:  # a rollback that was gone on with, and has ended well
            result.code = 1
        self.assert_taken_back(result)


if __name__ == "__main__":
    unittest.main()
