# SPDX-License-Identifier: Apache-2.0
"""A rollout that is killed at chosen commits of its database, for tests of what a resume makes of it."""
import unittest

from fleet import HALT, Fleet

KILLED = -9


class Crashing(unittest.TestCase):
    AGENTS = 12

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=cls.AGENTS, zones=3, tasks=1, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    def begin(self, generation):
        self.generation = generation
        self.fleet.add_config("fleet", [{"attributes": {"generation": generation}}])
        self.plan = self.fleet.plan("fleet", "--window", "4")
        self.before = self.fleet.now()
        self.journal = {host: set(self.fleet.operations(host)) for host in self.before}

    def live(self, sync, *words):
        """One life of rollcall, which ends at the latest when its log is synced for the sync-th time."""
        self.fleet.env.update(LD_PRELOAD=HALT, HALT_AT_SYNC=str(sync))
        try:
            return self.fleet.rollcall(*words)
        finally:
            del self.fleet.env["LD_PRELOAD"], self.fleet.env["HALT_AT_SYNC"]

    def runs(self):
        runs = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"]
        return [run["run"] for run in runs if run["plan"] == self.plan]

    def assert_as_if_nothing_had_happened(self, result):
        result.expect(0, f"{self.AGENTS} of {self.AGENTS}: same ID, SlaveInfo as planned, every task ({self.AGENTS})")
        for host, now in self.fleet.now().items():
            self.assertEqual(now["id"], self.before[host]["id"], host)
            self.assertIn(f"generation:{self.generation}", self.fleet.flags(host))
            operations = self.fleet.operations(host)
            new = [operations[name] for name in operations if name not in self.journal[host]]
            self.assertEqual([found["step"] for found in new if found["effects"]], ["done"], f"{host}: {new}")
            self.assertEqual(sum(found["effects"].count("restart agent") for found in new), 1, f"{host}: {new}")
        self.fleet.rollcall("inventory", "check").expect(0)
