#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A database that was restored from its backup has forgotten how often it has driven. Its hosts have not: they refuse it, and say what
goes on from there."""
import os
import shutil
import unittest

from fleet import Fleet

HOST = "node001.lab"


class RestoredDatabase(unittest.TestCase):
    def change(self, generation):
        self.fleet.add_config("fleet", [{"attributes": {"generation": generation}}])
        return self.fleet.rollcall("rollout", "start", self.fleet.plan("fleet"))

    def restore(self, copy):
        for name in os.listdir(self.fleet.dir):
            if name.startswith("rollcall.db"):
                os.unlink(os.path.join(self.fleet.dir, name))
        shutil.copyfile(copy, os.path.join(self.fleet.dir, "rollcall.db"))

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_hosts_are_taken_over_from_its_future(self):
        self.fleet = fleet = Fleet(agents=1, zones=1, tasks=0, scale=20)
        self.addCleanup(fleet.close)
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "backup", fleet.file("copy.db")).expect(0)
        for generation in ("g2", "g3"):
            self.change(generation).expect(0, "1 of 1")
        before = fleet.now(HOST)
        self.restore(fleet.file("copy.db"))

        refused = self.change("g4").expect(1, "is older than 2", "restored from an older copy")
        refused.expect(1, f"rollcall rollout retry {fleet.latest()['run']} --adopt")
        self.assertIn("generation:g3", fleet.flags(HOST))
        self.assertEqual(fleet.now(HOST)["pid"], before["pid"], "nothing was restarted")

        # A host that names a number beyond which there is none is not believed.
        seen = fleet.path(HOST, "var/lib/rollcall/epoch")
        with open(seen, encoding="utf-8") as file:
            text = file.read()
        self.write(seen, text.replace('"epoch":2', f'"epoch":{2 ** 63 - 1}'))
        fleet.rollcall("rollout", "retry", "latest", "--adopt").expect(3, HOST, str(2 ** 63 - 1), "so far")
        self.write(seen, text)

        # Another life would have the same number as one that the host has obeyed; --adopt goes above all of them.
        fleet.rollcall("rollout", "retry", "latest", "--adopt").expect(0, "1 of 1")
        self.assertGreater(fleet.latest()["epoch"], 2)
        self.assertIn("generation:g4", fleet.flags(HOST))
        self.assertEqual(fleet.now(HOST)["id"], before["id"])
        # What the copy does not know of is no secret.
        fleet.rollcall("audit", "verify").expect(0)
        fleet.rollcall("audit", "verify", "--witness", "all").expect(1, HOST)

    def test_a_host_that_claims_too_much_is_alone(self):
        """Nobody's epoch is lifted by what one host says, no run is begun, and without the host all goes on."""
        self.fleet = fleet = Fleet(agents=2, zones=1, tasks=0, scale=20)
        self.addCleanup(fleet.close)
        fleet.rollcall("inventory", "sync").expect(0)
        self.change("g2").expect(0, "2 of 2")
        before = fleet.latest()["run"]
        seen = fleet.path(HOST, "var/lib/rollcall/epoch")
        with open(seen, encoding="utf-8") as file:
            text = file.read()
        self.write(seen, text.replace('"epoch":1', f'"epoch":{2 ** 40}'))
        fleet.rollcall("inventory", "survey").expect(0)

        fleet.add_config("fleet", [{"attributes": {"generation": "g3"}}])
        both, other = fleet.plan("fleet"), fleet.plan("fleet", "--exclude", f"hostname = '{HOST}'")
        fleet.rollcall("rollout", "start", both, "--adopt").expect(3, HOST, str(2 ** 40), "--exclude")
        self.assertEqual(fleet.latest()["run"], before, "no run is in anybody's way")
        fleet.rollcall("rollout", "start", other, "--adopt").expect(0, "1 of 1")
        self.assertEqual(fleet.latest()["epoch"], 2)


if __name__ == "__main__":
    unittest.main()
