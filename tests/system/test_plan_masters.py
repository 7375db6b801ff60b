#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans on a cluster with three masters: one is of an old version and has no domain, and one does not answer."""
import json
import os
import shutil
import tempfile
import unittest

import documents
from fleet import TIME_SCALE, Fleet
from lab import Lab, eventually


class ThreeMasters(Fleet):
    """The third one is of a version that keeps an agent's old SlaveInfo, and has no domain."""

    def __init__(self):
        Lab.__init__(self, "--agents", "4", "--zones", "2", "--tasks-per-agent", "1", "--masters", "3",
                     "--masters-without-domain", "1", "--master-version", "1.12.0,1.12.0,1.4.2", scale=TIME_SCALE)
        self.folder = tempfile.mkdtemp(prefix="fleet-")
        self.env = dict(os.environ, ROLLCALL_CONFIG=os.path.join(self.dir, "rollcall.json"))
        self.env.pop("ROLLCALL_DB", None)

    def close(self):
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)


class EveryMaster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = ThreeMasters()
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])
        cls.fleet.add_config("flags", [{"flags": {"registration_backoff_factor": "2secs"}}])
        cls.fleet.add_config("domain", [{"domain": {"region": "lab", "zone": "zone-9"}}])

    def risks(self, config, *words):
        shown = self.fleet.rollcall("rollout", "plan", config, "--json", *words).expect(0).json()
        documents.check(shown, documents.load("rollout-plan"))
        return shown["plan"], [found["text"] for found in shown["plan"]["findings"] if found["level"] == "risk"]

    def assert_one(self, risks, words):
        self.assertEqual(len([risk for risk in risks if words in risk]), 1, f"{words!r} in {risks}")

    def test_a_master_that_keeps_the_old_record(self):
        self.fleet.rollcall("rollout", "plan", "fleet").expect(3, "may lead next", "AGENT_UPDATE", "--accept-stale-master")
        plan, risks = self.risks("fleet", "--accept-stale-master")
        self.assertTrue(plan["options"]["accept_stale_master"])
        self.assert_one(risks, "does not store changed agents")
        self.assert_one(risks, "has no domain")
        self.assert_one(risks, "different versions")
        self.assertEqual(len([found for found in plan["findings"] if found["level"] == "note"]), 3)
        text = " ".join(self.fleet.rollcall("rollout", "plan", "fleet", "--accept-stale-master").expect(0).out.split())
        self.assertIn("restart the leading master", text)
        # What leaves the SlaveInfo alone is nothing to it.
        _, risks = self.risks("flags")
        self.assertFalse([risk for risk in risks if "does not store" in risk])

    def test_agents_that_would_be_stranded(self):
        """One of the lab's agents has no domain: with one, the third master would ignore it."""
        self.fleet.rollcall("rollout", "plan", "domain", "--accept-stale-master").expect(
            3, "may lead next", "the master would ignore the agent")

    def answers(self, master):
        try:
            return bool(self.fleet.get("/version", master=master))
        except OSError:
            return False

    def by_url(self):
        """ZooKeeper forgets a master that is down, at some moment; a list of them does not. A cluster file beside the lab's."""
        with open(self.fleet.env["ROLLCALL_CONFIG"], encoding="utf-8") as file:
            config = json.load(file)
        config["clusters"]["lab"]["masters"] = [f"http://{master['address']}" for master in self.fleet.status()["masters"]]
        path = os.path.join(self.fleet.dir, "by-url.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return path

    def test_a_master_that_is_down(self):
        # Whichever of the first two was elected, the other one stands by: no election comes of its end.
        by_url = self.by_url()
        standby = next(master for master in self.fleet.status()["masters"] if not master["leads"] and master["domain"])
        self.fleet.break_(standby["role"], "down")
        self.addCleanup(self.fleet.heal, standby["role"])
        eventually(lambda: not self.answers(standby["address"]), 60, "the end of that master")
        _, risks = self.risks("flags", "--config", by_url)
        self.assert_one(risks, "could not be asked")


if __name__ == "__main__":
    unittest.main()
