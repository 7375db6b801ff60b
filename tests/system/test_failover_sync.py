#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A sync after a master's failover, while an agent has not come back: it is inactive, and not gone."""
import unittest

from fleet import Fleet
from lab import eventually

PATIENCE = 60
AWAY = "node002.lab"


class FailoverSync(unittest.TestCase):
    def sync(self, fleet):
        done = fleet.rollcall("inventory", "sync", "--json").expect(0)
        return done.json()["agents"], done

    def kinds(self, fleet):
        events = fleet.rollcall("inventory", "history", AWAY, "--json").expect(0).json()["events"]
        return [(event["kind"], [change["after"] for change in event["changes"] if change["what"] == "state"])
                for event in events]

    def test_not_gone(self):
        fleet = Fleet(agents=3, zones=1, scale=1)  # it may take ten minutes to come back
        self.addCleanup(fleet.close)
        self.sync(fleet)
        before = fleet.agent(AWAY)["id"]
        fleet.break_(AWAY, "agent-freeze")
        fleet.break_("master", "failover")

        def recovered():
            try:
                answer = fleet.get_json("/slaves")
            except OSError:
                return False
            return len(answer["slaves"]) == 2 and [agent["id"] for agent in answer["recovered_slaves"]] == [before]
        eventually(recovered, PATIENCE, "the return of the others")

        counts, done = self.sync(fleet)
        self.assertEqual((counts["total"], counts["gone"], counts["new"]), (3, 0, 0))
        self.assertIn("1 of its agents have not come back", done.err)
        rows = fleet.rollcall("inventory", "list", "--where", "active = false", "--json").expect(0).json()["agents"]
        self.assertEqual([row["hostname"] for row in rows], [AWAY])
        self.assertEqual(self.kinds(fleet), [("appeared", []), ("changed", ["inactive"])])
        fleet.heal(AWAY)
        eventually(lambda: (fleet.agent(AWAY) or {}).get("active"), PATIENCE, "its return")
        counts, _ = self.sync(fleet)
        self.assertEqual((counts["total"], counts["gone"], counts["returned"]), (3, 0, 0))
        self.assertEqual(self.kinds(fleet)[2], ("changed", ["active"]))


if __name__ == "__main__":
    unittest.main()
