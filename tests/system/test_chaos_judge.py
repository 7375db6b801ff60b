#!/usr/bin/env python3
# long: yes
# SPDX-License-Identifier: Apache-2.0
"""The judge of chaos.py finds what it is there to find: after a run to which nothing happened, everything it looks at is made wrong, one
after the other."""
import glob
import os
import re
import sqlite3
import tempfile
import unittest

from chaos_judge import Judge
from chaos_plan import Scenario
from chaos_settle import settle
from chaos_world import World
from lab import eventually

ONE, TWO, THREE = (f"node{number:03}.lab" for number in range(1, 4))


class Judged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scenario = Scenario(1)
        scenario.agents, scenario.loose, scenario.masters, scenario.authenticate = 6, 0, 1, False
        scenario.discard, scenario.kinds, scenario.gates, scenario.failures = False, set(), None, 0
        scenario.rules, scenario.words, scenario.domain_window = [{"attributes": {"generation": scenario.new}}], ["--window", "2"], 0
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.world = World(scenario, folder.name)
        cls.addClassCleanup(cls.world.close)
        cls.world.begin()
        cls.world.drive("start", cls.world.plan, calm=True).thread.join()
        settle(cls.world)

    def judged(self):
        return "\n".join(Judge(self.world).judge())

    def log_of(self, host):
        return glob.glob(self.world.fleet.path(host, "var/lib/rollcall/operations/*/log"))[0]

    def rewritten(self, path, change):
        """The file is another one for the rest of the test."""
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.addCleanup(self.write, path, text)
        self.write(path, change(text))

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def test_0_nothing_is_wrong(self):
        self.assertEqual(self.judged(), "")

    def test_flags_that_are_not_there(self):
        self.rewritten(self.world.fleet.path(ONE, "etc/default/mesos-agent"),
                       lambda text: text.replace(f"generation:{self.world.scenario.new}", "generation:g1"))
        self.assertIn(f"invariant 5: {ONE} should be new", self.judged())

    def test_change_that_was_made_twice(self):
        line = '{"time":"2026-01-01T00:00:00.000Z","what":"effect","detail":"restart agent"}\n'
        self.rewritten(self.log_of(ONE), lambda text: text + line)
        self.assertIn(f"invariant 3: {ONE}: operation", self.judged())

    def test_operation_nobody_intended(self):
        with open(self.log_of(ONE), encoding="utf-8") as file:
            first = file.readline()
        self.rewritten(self.log_of(ONE), lambda text: re.sub(r'"time":"\d+', '"time":"2000', first) + text)
        self.assertIn(f"invariant 1: {ONE}", self.judged())

    def test_too_many_at_once(self):
        judge = Judge(self.world)
        judge.judge()
        times = [span[0] for span in judge.spans()]
        judge.spans = lambda: [(begin, times[-1] + 60, host, run) for begin, _, host, run in Judge.spans(judge)]
        judge.windows()
        self.assertIn("invariant 2: 3 at once with a window of 2", "\n".join(judge.wrong))

    def test_guard_that_was_forgotten(self):
        folder = self.world.fleet.path(ONE, "etc/systemd/system/mesos-agent.service.d")
        os.makedirs(folder, exist_ok=True)
        self.write(os.path.join(folder, "rollcall.conf"), "")
        self.addCleanup(os.unlink, os.path.join(folder, "rollcall.conf"))
        self.assertIn(f"{ONE}: a guard is left", self.judged())

    def test_restart_that_nobody_ordered(self):
        self.world.fleet.restart(TWO)
        self.assertIn(f"invariant 3: {TWO}: 2 starts of its agent, 1", self.judged())

    def test_task_that_was_lost(self):
        for pid in self.world.processes_of(THREE, b"mesos-executor")[:1]:
            os.kill(pid, 9)
        eventually(lambda: len(self.world.tasks_of(THREE, self.world.leader_agents()[THREE])["kept"]) < 2, 60, "the end of a task")
        self.assertIn(f"{THREE}: tasks lost that no fault has ended", self.judged())

    def test_ledger_that_was_edited(self):
        copy = self.world.copy_database()
        database = sqlite3.connect(self.world.database)
        with database:
            database.execute("UPDATE run_agents SET state = 'failed' WHERE position = 0")
        database.close()
        found = self.judged()
        self.world.restore_database(copy)
        self.world.restored = False
        self.assertIn("invariant 8", found)
        self.assertIn("should be old", found)

    def test_pause_that_was_not_obeyed(self):
        command = self.world.command("rollout", "pause", "none")
        command.thread.join()
        self.addCleanup(self.world.commands.remove, command)
        judge = Judge(self.world)
        judge.judge()
        begin, _, _, run = judge.spans()[-1]
        command.words, command.ended, command.result.code = ["rollout", "pause", run], begin - 1, 0
        going = [one for one in self.world.commands if one.goes()]
        for one in going:
            one.began, one.ended, kept = begin + 9, begin + 9, (one.began, one.ended)
            self.addCleanup(setattr, one, "began", kept[0])
            self.addCleanup(setattr, one, "ended", kept[1])
        self.assertIn("invariant 4", self.judged())


if __name__ == "__main__":
    unittest.main()
