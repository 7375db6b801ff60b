# SPDX-License-Identifier: Apache-2.0
"""A rollout to which something happens at a chosen sync of rollcall's log, for tests of what is left and what a resume makes of it."""
import re
import signal
import unittest

from fleet import HALT, Fleet

AGENTS = 6


class Interrupting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=AGENTS, zones=3)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.number = 0

    def setUp(self):
        """A plan that changes every agent once more, and what the hosts were like before."""
        type(self).number += 1
        self.generation = f"i{self.number}"
        self.fleet.add_config("fleet", [{"attributes": {"generation": self.generation}}])
        self.plan = self.fleet.plan("fleet", "--window", "2")
        self.before = self.fleet.now()
        self.journal = {host: set(self.fleet.operations(host)) for host in self.before}

    def assert_done(self, result):
        tasks = sum(host["tasks_running"] for host in self.before.values())
        result.expect(0, f"{AGENTS} of {AGENTS}: same ID, SlaveInfo as planned, every task ({tasks})")
        for host, now in self.fleet.now().items():
            self.assertEqual(now["id"], self.before[host]["id"], host)
            self.assertEqual(now["tasks_running"], self.before[host]["tasks_running"], host)
            self.assertIn(f"generation:{self.generation}", self.fleet.flags(host))
            operations = self.fleet.operations(host)
            new = [operations[name] for name in operations if name not in self.journal[host]]
            done = [found for found in new if found["step"] == "done"]
            self.assertEqual(len(done), 1, f"{host}: {new}")
            restarts = sum(found["effects"].count("restart agent") for found in new)
            self.assertEqual(restarts, 1, f"{host} was restarted more than once: {new}")
        status = self.fleet.latest()
        self.assertEqual((status["state"], status["counts"]["done"]), ("done", AGENTS))

    def live(self, what, sync):
        """One life of rollcall; what happens to it (see tests/preload/halt.c) comes with the sync-th sync of its log."""
        self.fleet.env.update({"LD_PRELOAD": HALT, what: str(sync)})
        try:
            return self.fleet.rollcall("rollout", "start", self.plan)
        finally:
            del self.fleet.env["LD_PRELOAD"], self.fleet.env[what]

    def run_of_plan(self):
        runs = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"]
        return next((found["run"] for found in runs if found["plan"] == self.plan), None)

    def under_way(self):
        return [agent["hostname"] for agent in self.fleet.latest()["agents"] if agent["state"] not in ("waiting", "done")]

    def fill_disk(self, sync):
        """Was it in the middle of the run? Whenever it comes, no agent is harmed, and rollcall says what it has left and how to go on."""
        result = self.live("FULL_AT_SYNC", sync)
        run = self.run_of_plan()
        if result.code == 0:
            self.assert_done(result)
        elif run is None:
            result.expect(4, "no room", "make room there")
            self.assert_done(self.fleet.rollcall("rollout", "start", self.plan))
        else:
            result.expect(5, "no room", f"Run {run} is under way without us", f"resume {run}")
            said = result.err.rsplit("without us", 1)[1].split(":", 1)[0]
            self.assertEqual(sorted(re.findall(r"[\w.-]+\.lab", said)), sorted(self.under_way()))
            self.assertNotIn("inventory was not brought", result.err)
            self.assert_done(self.fleet.rollcall("rollout", "resume", run))
        return result.code == 5

    def cut_power(self, sync):
        """rollcall is killed, and then a host that it has left in the middle loses power. Was there one?"""
        self.assertIn(self.live("HALT_AT_SYNC", sync).code, (0, -signal.SIGKILL))
        run = self.run_of_plan()
        hosts = self.under_way() if run is not None else []
        if run is None or self.fleet.latest()["state"] == "done":
            return False
        for host in hosts[:1]:
            self.fleet.break_(host, "power", "--for", "500ms")
        result = self.fleet.rollcall("rollout", "resume", run)
        if not hosts:
            self.assert_done(result)
            return False
        self.judge_cut(hosts[0], result)
        self.fleet.rollcall("rollout", "abort", run)  # of a pause there is the rest, which would wait
        return True

    def judge_cut(self, cut, result):
        """Its tasks are gone with its power; whatever became of its change, the ledger, its journal and its flags say the same."""
        states = {agent["hostname"]: agent["state"] for agent in self.fleet.latest()["agents"]}
        self.assertEqual(result.code, 0 if states[cut] == "done" else 1, str(result))
        self.assertIn(states[cut], ("done", "failed", "reverted", "stuck"), str(result))
        for host, now in self.fleet.now().items():
            self.assertEqual(now["id"], self.before[host]["id"], host)
            new = [found for key, found in self.fleet.operations(host).items() if key not in self.journal[host]]
            steps = [found["step"] for found in new if found["effects"]]
            changed = f"generation:{self.generation}" in self.fleet.flags(host)
            self.assertLessEqual(len(steps), 1, f"{host}: {new}")
            self.assertEqual(steps, ["done"] if changed else [step for step in steps if step == "undone"], f"{host}: {new}")
            if host != cut:
                self.assertIn(states[host], ("done", "waiting"), str(result))
                self.assertEqual(now["tasks_running"], self.before[host]["tasks_running"], host)
            if states[host] in ("done", "waiting", "failed", "reverted"):
                self.assertEqual(changed, states[host] == "done", f"{host} is {states[host]}")
