#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollcall dies or is stopped in the middle of a rollout, or is started twice: no agent is changed twice, and a resumed run
ends as an uninterrupted one does."""
import re
import resource
import signal
import unittest

from fleet import Fleet

AGENTS = 6
TRIES = 10  # of what must be met while it lasts


class Interrupted(unittest.TestCase):
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

    def start(self):
        running = self.fleet.start("rollout", "start", self.plan)
        return running, running.wait_for(r"^Run ").split()[1]

    def cut_short(self, act, steps=1):
        """A run that act has ended before its time, and what it said. One that was over before act came is made again."""
        for _ in range(TRIES):
            running, run = self.start()
            running.wait_for("changing → returning", steps)
            act(running)
            result = running.finish()
            if self.fleet.latest()["counts"]["waiting"] > 0:
                return run, result
            self.fleet.rollcall("rollout", "resume", run)
            self.setUp()
        raise AssertionError("every run was over before it was cut short")

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

    def test_killed_again_and_again(self):
        """kill -9 at one step after the other; each life gets a little further."""
        running, run = self.start()
        lives = 1
        for steps in (1, 3, 2, 1, 4, 2, 3):
            try:
                running.wait_for(r"\u2192", steps)
            except AssertionError:
                break  # it ended before
            running.kill()
            lives += 1
            running = self.fleet.start("rollout", "resume", run)
        self.assert_done(running.finish())
        self.assertGreater(lives, 3)
        report = self.fleet.rollcall("audit", "report", run, "--json").expect(0).json()
        self.assertEqual(report["resumed"], lives - 1)

    def test_killed_while_agents_are_away(self):
        run, _ = self.cut_short(lambda running: running.process.kill(), steps=2)
        self.fleet.rollcall("rollout", "status", run).expect(0, "running", "under way", "nobody drives it", f"resume {run}")
        self.fleet.rollcall("rollout", "plan", "fleet", "--offline").expect(0, f"run {run} is not finished", f"resume {run}")
        self.fleet.rollcall("rollout", "start", self.fleet.plan("fleet", "--offline", "--window", "1")).expect(
            3, run, "resume")
        # Nothing else starts before the hosts that were left in the middle were asked.
        self.fleet.rollcall("rollout", "start", self.plan).expect(3, run, "resume")
        self.assert_done(self.fleet.rollcall("rollout", "resume", "latest"))

    def test_ctrl_c_finishes_what_is_under_way(self):
        run, result = self.cut_short(lambda running: running.signal(signal.SIGINT))
        result.expect(5, "finishing what is under way", "resume", run)
        status = self.fleet.latest()
        self.assertEqual(status["state"], "paused")
        self.assertEqual(status["counts"]["waiting"] + status["counts"]["done"], AGENTS)
        self.assert_done(self.fleet.rollcall("rollout", "resume", run))

    def test_ctrl_c_twice_leaves_at_once(self):
        def act(running):
            running.signal(signal.SIGINT)
            try:
                running.wait_for("finishing what is under way")
            except AssertionError:
                return  # it was over before
            running.signal(signal.SIGINT)

        run, result = self.cut_short(act)
        result.expect(5, "resume", run)
        self.assert_done(self.fleet.rollcall("rollout", "resume", run))

    def test_disk_that_is_full(self):
        """The database may not grow any more: rollcall says who is under way and how to go on, and no agent is harmed."""
        running, run = self.start()
        running.wait_for("changing → returning")
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        result = running.finish().expect(5, f"Run {run} is under way without us with node", f"resume {run}", ".lab")
        self.assertNotIn("inventory was not brought", result.err)
        self.assert_done(self.fleet.rollcall("rollout", "resume", run))

    def test_two_at_once(self):
        running, run = self.start()
        refused = self.fleet.rollcall("rollout", "start", self.plan).expect(3, run, "another rollcall")
        self.assertRegex(refused.err, rf"process {running.process.pid} on ")
        self.fleet.rollcall("rollout", "resume", run).expect(3, "another rollcall")
        self.assert_done(running.finish())
        runs = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"]
        self.assertEqual(len([found for found in runs if found["plan"] == self.plan]), 1)

    def test_rollcall_and_hosts_at_once(self):
        """rollcall is killed and a host loses power while its agent is away."""
        running, run = self.start()
        host = re.search(r"(\S+)\s+changing → returning", running.wait_for("changing → returning")).group(1)
        running.kill()
        self.fleet.break_(host, "power", "--for", "500ms")
        result = self.fleet.rollcall("rollout", "resume", run)
        self.assertIn(result.code, (0, 1), str(result))
        for name, now in self.fleet.now().items():
            self.assertEqual(now["id"], self.before[name]["id"], name)
            self.assertLessEqual(len([found for key, found in self.fleet.operations(name).items()
                                      if key not in self.journal[name] and found["step"] == "done"]), 1)
        if result.code == 1:
            self.assertEqual(self.fleet.latest_of(host)["state"] in ("reverted", "stuck"), True, str(result))


if __name__ == "__main__":
    unittest.main()
