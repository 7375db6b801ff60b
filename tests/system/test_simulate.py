#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollout simulate: how a plan would go, from the plan alone."""
import json
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

    def test_soaks_count_and_gates_of_unknown_time_are_named(self):
        gates = {"after_agent": [{"kind": "command", "argv": ["/bin/check", "${hostname}"], "timeout": "30secs"}],
                 "after_stage": [{"kind": "unreachable"}]}
        path = self.fleet.write("gates.json", json.dumps(gates))
        words = ["--canary", "1", "--window", "5"]
        plain = self.simulate(self.plan(*words))
        soaked = self.simulate(self.plan(*words, "--soak-stage", "10mins", "--gates", path))
        self.assertEqual((plain["untimed_gates"], len(soaked["untimed_gates"])), ([], 1))
        self.assertIn("/bin/check", soaked["untimed_gates"][0])
        for what in ("expected", "worst"):
            self.assertGreaterEqual(soaked[what]["ms"] - plain[what]["ms"], 2 * 600000)
        shown = self.fleet.rollcall("rollout", "plan", "fleet", "--offline", *words, "--soak-stage", "10mins")
        shown.expect(0, "nothing more starts for 10 min")

    def test_exactly_the_share_fails(self):
        plan = self.plan("--window", "6", "--max-failures", "100%")
        for share, failed in (("1%", 1), ("50%", 3), ("60%", 4), ("100%", 6)):
            ends = self.simulate(plan, "--fail", share, "--runs", "50")["ends"]
            self.assertEqual({(end["failed"]["low"], end["failed"]["high"]) for end in ends}, {(failed, failed)}, share)

    def test_how_it_ends_if_agents_fail(self):
        plan = self.plan("--window", "1", "--max-failures", "0")
        document = self.simulate(plan, "--fail", "30%", "--runs", "300")
        self.assertEqual(sum(end["runs"] for end in document["ends"]), 300)
        paused = [end for end in document["ends"] if end["state"] == "paused"][0]
        self.assertEqual(paused["failed"]["middle"], 1)
        self.assertEqual(document, self.simulate(plan, "--fail", "30%", "--runs", "300"))
        changed = {self.simulate(plan, "--fail", "1%", "--runs", "1", "--seed", str(seed))["ends"][0]["changed"]["middle"]
                   for seed in range(1, 13)}
        self.assertGreater(len(changed), 2, "other agents fail with other seeds")
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
