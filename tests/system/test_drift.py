#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollcall inventory drift on a lab: every kind of disagreement, made for real."""
import os
import unittest

import documents
from fleet import Fleet

RULES = [{"match": "hostname = 'node001.lab'", "attributes": {"role": "web"}}]


class Drift(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=4, zones=2)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.rollcall("inventory", "survey").expect(0)

    @classmethod
    def tearDownClass(cls):
        cls.fleet.close()

    def drift(self, *words):
        """What was found, by host: the findings of each."""
        done = self.fleet.rollcall("inventory", "drift", "--json", *words)
        document = done.json()
        documents.check(document, documents.load("inventory-drift"))
        self.assertEqual(done.code, 1 if document["drifted"] or document["unknown"] else 0, done)
        return {agent["hostname"]: agent["findings"] for agent in document["agents"]}

    def kinds(self, host, *words):
        return [finding["kind"] for finding in self.drift("--refresh", "--where", f"hostname = '{host}'", *words)[host]]

    def test_a_fleet_that_agrees(self):
        found = self.drift("--where", "hostname != 'node003.lab'")
        self.assertEqual([name for name, findings in found.items() if findings], [])
        self.fleet.rollcall("inventory", "drift", "--where", "hostname = 'node001.lab'").expect(0, "0 of 1 agent of")

    def test_flags_changed_behind_the_agent(self):
        self.fleet.edit_flags("node002.lab", "rack:", "rack:moved-")
        try:
            self.assertEqual(self.kinds("node002.lab"), ["store-running", "would-refuse"])
            done = self.fleet.rollcall("inventory", "drift").expect(1, "node002.lab", "store, running", "rollcall rescue")
            self.assertIn("moved-", done.out)
        finally:
            self.fleet.edit_flags("node002.lab", "rack:moved-", "rack:")
        self.assertEqual(self.kinds("node002.lab"), [])

    def test_growth_that_is_not_written_back(self):
        host = "node003.lab"
        self.fleet.edit_flags(host, "rack:", "grown:yes;rack:")
        with open(self.fleet.path(host, "etc/default/mesos-agent"), "a", encoding="utf-8") as file:
            file.write("MESOS_RECONFIGURATION_POLICY=additive\n")
        self.fleet.restart(host)
        self.assertEqual(self.kinds(host), ["not-written-back"])
        self.fleet.rollcall("inventory", "drift", "--where", f"hostname = '{host}'").expect(1, "may cost its ID")

    def test_config(self):
        self.fleet.add_config("tiers", RULES)
        where = ("--where", "hostname = 'node001.lab'")
        finding, = self.drift("--expect", "tiers", *where)["node001.lab"]
        self.assertEqual((finding["kind"], finding["places"]), ("config-running", ["config", "running"]))
        self.assertIn("role:web", finding["values"][0])
        self.fleet.rollcall("rollout", "start", self.fleet.plan("tiers@1")).expect(0)
        # the survey is older than the agents' last registration: whether they have drifted is not known
        self.fleet.rollcall("inventory", "drift", "--where", "hostname = 'node001.lab'").expect(
            1, "0 of 1 agent of", "of 1 it is not known", "--refresh asks")
        self.assertEqual(self.kinds("node001.lab"), [])
        self.assertEqual(self.kinds("node001.lab", "--expect", "tiers@1"), [])
        self.fleet.add_config("tiers", [{"match": RULES[0]["match"], "attributes": {"role": "db"}}])
        self.assertEqual(self.kinds("node001.lab"), [], "a version that was never rolled out is not meant to be there")
        self.assertEqual(self.kinds("node001.lab", "--expect", "tiers@2"), ["config-running"])
        # what was taken back is not meant to be there any more
        self.fleet.rollcall("rollout", "rollback", "latest", "--yes").expect(0)
        self.assertEqual(self.kinds("node001.lab"), [])
        done = self.fleet.rollcall("inventory", "list", "--where", "config = tiers", "--json").expect(0)
        self.assertEqual(done.json()["agents"], [])

    def test_config_that_cannot_be_worked_out(self):
        """An agent that lacks what the config asks for is named, and the others are looked at all the same."""
        rules = [{"match": "hostname = node001.lab", "attributes": {"hall": "${attribute.nowhere}"}},
                 {"match": "hostname = node002.lab", "attributes": {"hall": "h1"}}]
        self.fleet.add_config("halls", rules)
        self.fleet.rollcall("inventory", "survey", "--where", "hostname = node001.lab or hostname = node002.lab").expect(0)
        found = self.drift("hostname = node001.lab or hostname = node002.lab", "--expect", "halls")
        self.assertEqual([finding["kind"] for finding in found["node001.lab"]], ["config-running"])
        self.assertIn('no attribute "nowhere"', found["node001.lab"][0]["values"][0])
        self.assertIn("hall:h1", found["node002.lab"][0]["values"][0])

    def test_host_that_was_never_asked(self):
        database = self.fleet.file("fresh.db")
        self.fleet.rollcall("inventory", "sync", "--db", database).expect(0)
        found = self.drift("--db", database)
        self.fleet.rollcall("inventory", "drift", "--db", database).expect(1, f"of {len(found)} it is not known")
        self.assertEqual({finding["kind"] for findings in found.values() for finding in findings}, {"not-surveyed"})
        os.unlink(database)

    def test_what_is_no_drift_is_shown_too(self):
        self.fleet.rollcall("inventory", "ignore", "hostname = node004.lab", "--reason", "fan is loud").expect(0)
        try:
            finding, = self.drift("hostname = node004.lab")["node004.lab"]
            self.assertEqual((finding["kind"], finding["drift"]), ("ignored", False))
            self.fleet.rollcall("inventory", "drift", "hostname = node004.lab").expect(0, "--all shows 1 more thing")
            self.fleet.rollcall("inventory", "drift", "hostname = node004.lab", "--all").expect(0, "fan is loud")
        finally:
            self.fleet.rollcall("inventory", "unignore", "hostname = node004.lab").expect(0)

    def test_usage(self):
        self.fleet.rollcall("inventory", "drift", "port > 0", "--where", "port > 0").expect(2, "the same")
        self.fleet.rollcall("inventory", "drift", "--where", "rack = ").expect(2)
        self.fleet.rollcall("inventory", "drift", "--expect", "nobody").expect(2)


if __name__ == "__main__":
    unittest.main()
