#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""agentctl restore takes back what agentctl launch has written."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import unittest

import documents
from launching import AGENTCTL, ANYTHING, DISCARD, FLAGS, Launch, PATIENCE, SLAVE_INFO


class Restoring(Launch):
    def change(self, *options, **flags):
        """Its ID, as the warning names it."""
        done = self.launch(ANYTHING, "--master-checked", *options, **flags)
        self.assertEqual(done.returncode, 7, done.stderr)
        command = self.command_in(done)
        return command and command[2]

    def command_in(self, done):
        """What the warning says is to be called."""
        found = re.search(r"put its old flags back, and call\n +(\S.*)$", done.stderr, re.M)
        return shlex.split(found.group(1)) if found else None

    def restore(self, change):
        return subprocess.run([AGENTCTL, "restore", change, "--state-dir", self.path("state")], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def refused_with(self, change, *words):
        before = self.slave_info()
        done = self.restore(change)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["event"], "refused")
        for word in words:
            self.assertIn(word, answer["reason"])
        self.assertEqual(self.slave_info(), before)

    def test_to_and_fro(self):
        task = self.executor()
        first = self.change(attributes="rack:r2;ssd:true")
        written = self.slave_info()
        done = self.restore(first)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        accepted, answer = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((accepted["event"], answer["event"]), ("accepted", "done"))
        self.assertEqual(answer["kept_by"], "operator")
        for one in (accepted, answer):
            documents.check(one, documents.load("answer"))
        self.assertIn("rack: r2 -> r1", done.stderr)
        self.assertEqual(self.slave_info(), SLAVE_INFO)
        self.accepted(self.launch(), FLAGS["attributes"])
        # What was taken back can be taken back.
        self.assertEqual(self.restore(answer["operation"]).returncode, 0)
        self.assertEqual(self.slave_info(), written)
        self.accepted(self.launch(attributes="rack:r2;ssd:true"), "rack:r2;ssd:true")
        self.assertIsNone(task.poll())

    def test_the_command_in_the_warning_works_as_it_stands(self):
        odd = self.path("it's odd")
        for place in (["--state-dir", self.path("state")], ["--state-dir", odd], ["--root", self.folder, "--state-dir", "/state"]):
            with self.subTest(place):
                done = self.launch(ANYTHING, "--master-checked", *place, attributes="rack:r2")
                self.assertEqual(done.returncode, 7, done.stderr)
                command = self.command_in(done)
                self.assertEqual(command[:2] + command[3:], [os.path.realpath(AGENTCTL), "restore", *place])
                back = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertEqual(back.returncode, 0, back.stdout + back.stderr)
                self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_twice(self):
        change = self.change(attributes="rack:r2")
        self.assertEqual(self.restore(change).returncode, 0)
        self.refused_with(change, "as it was before already")

    def test_what_was_changed_since(self):
        first, second = self.change(attributes="rack:r2"), self.change(attributes="rack:r3")
        self.refused_with(first, "changed since")
        self.assertEqual(self.restore(second).returncode, 0)
        self.assertEqual(self.restore(first).returncode, 0)
        self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_while_the_agent_runs(self):
        self.write(self.path("waits"))
        process = self.start(ANYTHING, "--master-checked", attributes="rack:r2")
        self.wait_for_starts(1)
        folder, = os.listdir(self.path("state/launch"))
        change, = os.listdir(self.path("state/launch", folder, "changes"))
        self.assertNotEqual(self.slave_info(), SLAVE_INFO)
        # The agent of these tests is a script: what runs it is not called like an agent.
        other = subprocess.Popen(["mesos-agent", "600"], executable=shutil.which("sleep"),
                                 env={"MESOS_WORK_DIR": self.path("work")})
        self.processes.append(other)
        self.refused_with(change, "the agent runs")
        for running in (other, process):
            running.send_signal(signal.SIGKILL)
            running.wait()
        self.assertEqual(self.restore(change).returncode, 0)
        self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_ended_tasks_are_not_brought_back(self):
        self.assertIsNone(self.change(DISCARD, attributes="rack:r2"))
        folder, = os.listdir(self.path("state/launch"))
        change, = os.listdir(self.path("state/launch", folder, "changes"))
        self.refused_with(change, "ended the agent's tasks")

    def test_bytes_that_are_no_longer_kept(self):
        changes = [self.change(attributes="rack:r%d" % number) for number in range(2, 14)]
        folder, = os.listdir(self.path("state/launch"))
        self.assertEqual(len(os.listdir(self.path("state/launch", folder, "changes"))), 10)
        done = self.restore(changes[0])
        self.assertEqual((done.returncode, json.loads(done.stdout)["kind"]), (2, "usage"))
        backups = self.path("state/launch", folder, "backups")
        newest = max((os.path.join(backups, name) for name in os.listdir(backups)), key=lambda path: os.stat(path).st_mtime_ns)
        with open(newest, "ab") as file:
            file.write(b"x")
        self.assertEqual(json.loads(self.restore(changes[-1]).stdout)["kind"], "corrupt")
        os.unlink(newest)
        self.refused_with(changes[-1], "no longer kept")

    def test_another_agent(self):
        change = self.change(attributes="rack:r2")
        os.unlink(self.path("work/meta/slaves/latest"))
        self.refused_with(change, "no agent's state")


if __name__ == "__main__":
    unittest.main()
