#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an operator meets besides rollouts: another database, readers that leave, hosts that cannot be reached."""
import base64
import json
import os
import subprocess
import tempfile
import unittest

from fleet import Fleet
from lab import BIN, DATA


class Operator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=2, zones=1, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    def test_another_database(self):
        """A host obeys the database that drove it first, until it is told to adopt the other."""
        fleet, host = self.fleet, "hostname = 'node001.lab'"
        fleet.add_config("fleet", [{"attributes": {"generation": "d1"}}])
        fleet.rollcall("rollout", "start", fleet.plan("fleet", "--where", host)).expect(0)
        other = ("--db", fleet.file("other.db"))
        fleet.rollcall(*other, "inventory", "sync").expect(0)
        config = fleet.write("fleet.json", '{"name": "fleet", "rules": [{"attributes": {"generation": "d2"}}]}')
        fleet.rollcall(*other, "config", "add", config).expect(0)
        fleet.rollcall(*other, "rollout", "plan", "fleet", "--where", host).expect(0, "driven by another database", "--adopt")
        plan = fleet.rollcall(*other, "rollout", "plan", "fleet", "--where", host, "--json").json()["hash"]
        before = fleet.now("node001.lab")["pid"]
        fleet.rollcall(*other, "rollout", "start", plan).expect(1, "driven by the database", "--adopt")
        self.assertEqual(fleet.now("node001.lab")["pid"], before)
        fleet.rollcall(*other, "rollout", "start", "--adopt", plan).expect(0, "1 of 1")
        self.assertIn("generation:d2", fleet.flags("node001.lab"))
        # Now the first one is the stranger, and says so.
        fleet.rollcall("rollout", "plan", "fleet", "--where", host).expect(0, "driven by another database")
        for command in ("start", "resume"):
            fleet.rollcall("rollout", command, "--help").expect(0, "--adopt")

    def test_a_reader_that_has_enough(self):
        read, write = os.pipe()
        os.close(read)
        process = subprocess.run([os.path.join(BIN, "rollcall"), "inventory", "list"], env=self.fleet.env, stdout=write,
                                 stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        os.close(write)
        self.assertEqual((process.returncode, process.stderr), (0, ""))
        with open("/dev/full", "w", encoding="utf-8") as full:
            process = subprocess.run([os.path.join(BIN, "rollcall"), "inventory", "list"], env=self.fleet.env,
                                     stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(process.returncode, 4)
        self.assertIn("could not be written", process.stderr)

    def test_hosts_that_do_not_answer(self):
        """The host's name once per line, and the reason once."""
        self.fleet.break_("node002.lab", "refuse")
        try:
            result = self.fleet.rollcall("inventory", "survey", "--where", "hostname = 'node002.lab'").expect(4)
        finally:
            self.fleet.heal("node002.lab")
        said = result.out + result.err
        self.assertEqual(said.count("Connection refused"), 1, said)
        self.assertNotRegex(said, r"node002\.lab.*node002\.lab")


class Check(unittest.TestCase):
    """agentctl check, by hand: what differs first, and values no agent starts with."""

    def check(self, flags):
        fleet_file = os.path.join(self.folder, "flags.json")
        with open(fleet_file, "w", encoding="utf-8") as out:
            json.dump(flags, out)
        return subprocess.run([os.path.join(BIN, "agentctl"), "check", "--checkpoint", self.checkpoint, "--flags", fleet_file],
                              capture_output=True, text=True, timeout=60, check=False)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.checkpoint = folder.name, os.path.join(folder.name, "slave.info")
        with open(os.path.join(DATA, "verdicts.json"), encoding="utf-8") as text:
            self.pair = next(pair for pair in json.load(text)["pairs"] if "attributes" in pair["old"])
        with open(self.checkpoint, "wb") as out:
            out.write(base64.b64decode(self.pair["slave_info_base64"]))

    def test_fields_come_first(self):
        result = self.check(dict(self.pair["old"], attributes="rack:r9"))
        self.assertEqual(result.returncode, 3, result.stderr)
        before, after = result.stdout.split("The agent would say")
        self.assertRegex(before, r"refused; differs: attributes\n  attributes rack: \S+ \u2192 r9")
        self.assertIn("Incompatible agent info detected", after)

    def test_values_no_agent_starts_with(self):
        for flag, value, words in (("recovery_timeout", "2 minutes", "Unknown duration unit ' minutes'"),
                                   ("strict", "perhaps", "Expecting a boolean"),
                                   ("gc_disk_headroom", "much", "Failed to convert into required type")):
            result = self.check(dict(self.pair["old"], **{flag: value}))
            self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
            self.assertIn(f"Failed to load flag '{flag}': Failed to load value '{value}': {words}", result.stderr)
        self.assertEqual(self.check(dict(self.pair["old"], flag_of_tomorrow="2 minutes")).returncode, 0)


if __name__ == "__main__":
    unittest.main()
