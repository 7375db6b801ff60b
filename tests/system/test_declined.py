#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Orders that whoever drives the run would not carry out end as they do where nobody drives it, and say so."""
import json
import unittest

import documents
from fleet import Fleet


class Declined(unittest.TestCase):
    def order(self, verb, code, *words, declined=True):
        """The same in both forms."""
        result = self.fleet.rollcall("rollout", verb, self.name, "--json").expect(code, *words)
        document = result.json()
        documents.check(document, documents.load("rollout-order"))
        self.assertEqual((document["order"], document["declined"]), (verb, declined), str(result))
        self.fleet.rollcall("rollout", verb, self.name).expect(code, *words)

    def test_as_where_nobody_drives(self):
        self.fleet = fleet = Fleet(agents=2, zones=1, tasks=0, scale=20)
        self.addCleanup(fleet.close)
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])
        latch = fleet.file("latch")
        gates = {"after_agent": [{"kind": "command", "timeout": "10mins",
                                  "argv": ["/bin/sh", "-c", f"until [ -e {latch} ]; do sleep 0.05; done"]}]}
        plan = fleet.plan("fleet", "--window", "1", "--gates", fleet.write("gates.json", json.dumps(gates)))
        running = fleet.start("rollout", "start", plan)
        self.name = running.wait_for(r"^Run ").split()[1]
        running.wait_for("changing → returning")

        self.order("settle", 0, "no agent of the run is stuck", declined=False)
        fleet.rollcall("rollout", "pause", self.name).expect(0)
        self.order("pause", 3, "declined to pause it: the run is not running", f"rollcall rollout status {self.name}")
        fleet.rollcall("rollout", "abort", self.name).expect(0)
        self.order("abort", 3, "aborted already")
        self.order("pause", 3, "it is aborted")
        self.order("retry", 3, "the run is aborted")
        fleet.rollcall("audit", "log", self.name).expect(0, "declined the order to retry of ", "obeyed the order to abort of ")

        with open(latch, "w", encoding="utf-8"):
            pass
        running.finish().expect(1, "is aborted: aborted by ")
        for verb, code in (("settle", 0), ("pause", 3), ("abort", 3), ("retry", 3)):
            fleet.rollcall("rollout", verb, self.name).expect(code)
        fleet.rollcall("audit", "verify").expect(0)


if __name__ == "__main__":
    unittest.main()
