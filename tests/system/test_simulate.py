#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollout simulate: how a plan would go, from the plan alone."""
import unittest

import documents
from fleet import Fleet


class Simulating(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=6, zones=3, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.rollcall("inventory", "survey").expect(0)
        cls.fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])

    def plan(self, *words):
        made = self.fleet.rollcall("rollout", "plan", "fleet", "--offline", "--json", *words).expect(0).json()
        return made["plan"]["hash"] if "hash" in made["plan"] else made["hash"]

    def simulate(self, plan, *words):
        document = self.fleet.rollcall("rollout", "simulate", plan, "--json", *words).expect(0).json()
        documents.check(document, documents.load("rollout-simulate"))
        return document

    def test_expected_and_worst(self):
        alone, together = self.simulate(self.plan("--window", "1")), self.simulate(self.plan("--window", "3"))
        for document in (alone, together):
            self.assertEqual((document["expected"]["state"], document["expected"]["changed"]), ("done", 6))
            self.assertLess(document["expected"]["ms"], document["worst"]["ms"])
            self.assertEqual((document["runs"], document["ends"]), (0, []))
        self.assertLess(together["expected"]["ms"], alone["expected"]["ms"])

    def test_it_says_what_the_plan_says(self):
        made = self.fleet.rollcall("rollout", "plan", "fleet", "--offline", "--json", "--canary", "1", "--window", "1,50%",
                                   "--by", "zone", "--soak", "20secs").expect(0).json()
        document, forecast = self.simulate(made["hash"]), made["plan"]["forecast"]
        self.assertEqual((document["expected"]["ms"], document["worst"]["ms"]),
                         (forecast["expected_ms"], forecast["worst_ms"]))

    def test_how_it_ends_if_agents_fail(self):
        plan = self.plan("--window", "1", "--max-failures", "0")
        document = self.simulate(plan, "--fail", "30%", "--runs", "300")
        self.assertEqual(sum(end["runs"] for end in document["ends"]), 300)
        paused = [end for end in document["ends"] if end["state"] == "paused"][0]
        self.assertEqual(paused["failed"]["middle"], 1)
        self.assertEqual(document, self.simulate(plan, "--fail", "30%", "--runs", "300"))
        self.assertNotEqual(document["ends"],
                            self.simulate(plan, "--fail", "30%", "--runs", "300", "--seed", "1000")["ends"])
        shown = self.fleet.rollcall("rollout", "simulate", plan, "--fail", "100%").expect(0).out
        self.assertIn("100.0%  paused", shown)
        self.assertIn("one failure stops the run", shown)

    def test_bad_words(self):
        plan = self.plan("--window", "1")
        for bad in ("101%", "-1", "some", "5%%"):
            self.fleet.rollcall("rollout", "simulate", plan, "--fail", bad).expect(2, "--fail")
        self.fleet.rollcall("rollout", "simulate", "0000").expect(2)


if __name__ == "__main__":
    unittest.main()
