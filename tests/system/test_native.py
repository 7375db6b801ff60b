#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents that know the proposal's flags, and a new checkpoint that takes the agent's own figures."""
import base64
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import documents
from fake_host import AGENTCTL, RESOURCES, Host, field, split_fields, with_attributes
from lab import eventually

DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")
with open(os.path.join(DATA, "verdicts.json")) as verdicts_file:
    PAIR = next(pair for pair in json.load(verdicts_file)["pairs"] if pair["name"] == "attr added")
KNOWN = ["attributes", "hostname", "port", "resources", "work_dir"]
STORE = "etc/mesos-agent.env"


def checked(document, schema):
    documents.check(document, documents.load(schema))
    return document


def with_disk(message, megabytes):
    """The SlaveInfo with another figure for disk."""
    out = b""
    for number, data in split_fields(message):
        if number == 3 and b"\x0a\x04disk" in data:
            data = field(3, field(1, b"disk") + b"\x10\x00" + field(3, b"\x09" + struct.pack("<d", megabytes)) +
                         field(6, b"*"))
        out += data
    return out


class OnHost(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.host = Host(os.path.join(self.folder, "host"), base64.b64decode(PAIR["slave_info_base64"]))
        self.addCleanup(self.host.close)
        self.operation = os.urandom(16).hex()

    def start(self, *known):
        self.host.knows(*KNOWN, *known)
        self.host.start()
        self.host.wait_for_starts(1)
        self.old = (self.host.slave_info(), self.host.read(STORE))

    def start_of(self, pid):
        """What the agent said of that start; it says it when it has looked at its checkpoint."""
        return next((start for start in self.host.starts() if start["pid"] == pid), None)

    def apply(self, attributes="rack:r2;tier:web", word=b"keep\n", **more):
        """The word is said of an agent that has accepted its checkpoint and lives; of another one nothing is said."""
        request = self.host.apply_request(self.operation, attributes, verdict_timeout_ms=120000, **more)
        checked(json.loads(request.split(b"\n", 1)[1]), "request")
        process = self.host.talk(request)
        answers = []
        for line in process.stdout:
            answers.append(checked(json.loads(line), "answer"))
            if answers[-1]["event"] != "started":
                continue
            pid = answers[-1]["pid"]
            start = eventually(lambda: self.start_of(pid), 60, "the agent's start")
            if start["accepted"] and not os.path.exists(self.host.path("run/dies-with")):
                process.stdin.write(word)
                process.stdin.flush()
        process.wait(timeout=60)
        return answers

    def assert_new(self, attributes=b"rack:r2;tier:web"):
        """The new state, and nothing of how it came to be."""
        eventually(lambda: len(self.host.starts()) > 1 and self.host.agent_pid() != 0, 60, "the agent's start")
        self.assertEqual(self.host.read(STORE), self.old[1].replace(b"rack:r1;tier:web", attributes))
        self.assertEqual(sorted(split_fields(self.host.slave_info()[4:])),
                         sorted(split_fields(with_attributes(self.old[0][4:], attributes.decode()))))
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        self.assertEqual(self.host.starts()[-1]["id"], self.host.id)
        self.assertTrue(self.host.starts()[-1]["accepted"])

    def assert_old(self):
        self.assertEqual((self.host.slave_info(), self.host.read(STORE)), self.old)
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        eventually(lambda: self.host.agent_pid() != 0, 30, "the agent's start")
        self.assertEqual(self.host.starts()[-1].get("relaxed", {}), {})


class Native(OnHost):
    def setUp(self):
        super().setUp()
        self.start("ignore_checkpointed_state", "recover_state")

    def native(self, **more):
        return self.apply(mechanism="native", **more)

    def test_ignore(self):
        answers = self.native()
        self.assertEqual(answers[-1]["event"], "done", answers)
        self.assertIn("flags-back", [answer.get("step") for answer in answers])
        self.assert_new()
        self.assertEqual(self.host.starts()[-1]["relaxed"], {"ignore_checkpointed_state": '["attributes"]'})
        self.assertEqual(len(self.host.starts()), 2)

    def test_started_means_that_the_flags_are_back(self):
        seen = []
        request = self.host.apply_request(self.operation, "rack:r2;tier:web", mechanism="native",
                                          verdict_timeout_ms=60000)
        process = self.host.talk(request)
        for line in process.stdout:
            if json.loads(line)["event"] == "started":
                seen.append(self.host.read(STORE))
                process.stdin.write(b"keep\n")
                process.stdin.flush()
        self.assertEqual(seen, [self.old[1].replace(b"rack:r1;tier:web", b"rack:r2;tier:web")])

    def test_checkpoint_that_the_agent_has_not_written(self):
        self.host.write("run/native-lazy", b"")
        self.assertEqual(self.native()[-1]["event"], "done")
        self.assert_new()

    def test_discard(self):
        task = self.host.run_task()
        answers = self.native(recover_state=False, ignore=["none"], word=b"keep\n")
        self.assertEqual(answers[-1]["event"], "done", answers)
        task.wait(timeout=30)
        self.assert_new()
        self.assertEqual(self.host.starts()[-1]["relaxed"]["recover_state"], "false")
        # What starts it again, without a guard by now, ends no further task.
        again = self.host.run_task()
        os.kill(answers[-1]["pid"], signal.SIGKILL)
        self.host.wait_for_starts(3)
        self.assertEqual(self.host.starts()[-1]["relaxed"], {})
        self.assertIsNone(again.poll())

    def test_discard_whose_agent_dies_is_not_repeated(self):
        self.host.run_task()
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web", mechanism="native",
                                                         recover_state=False, verdict_timeout_ms=60000))
        for line in process.stdout:
            if json.loads(line)["event"] == "started":
                self.host.wait_for_starts(2)
                os.kill(self.host.starts()[-1]["pid"], signal.SIGKILL)
        self.host.wait_for_starts(3)
        self.assert_old()
        self.assertEqual([bool(start["relaxed"]) for start in self.host.starts()], [False, True, False])

    def test_undone(self):
        answers = self.native(word=b"undo\n")
        self.assertEqual(answers[-1]["event"], "undone", answers)
        self.assert_old()

    def test_agent_that_ends(self):
        self.host.write("run/dies-with", b"rack:r2")
        answers = self.native()
        self.assertEqual(answers[-1]["event"], "undone", answers)
        self.assert_old()

    def test_killed_at_any_moment(self):
        """Whatever the moment, settle brings it to one of its ends."""
        for number in range(12):
            request = self.host.apply_request(self.operation, "rack:r%d;tier:web" % (number + 2), mechanism="native",
                                              verdict_timeout_ms=300)
            process = self.host.talk(request)
            time.sleep(number * 0.02)
            self.kill_workers(process.pid)
            process.wait(timeout=60)
            self.host.settle(self.operation)
            survey = self.host.inspect()
            self.assertTrue(survey["verdict"] is None or survey["verdict"]["accepted"], survey["verdict"])
            self.assertNotIn(b"IGNORE_CHECKPOINTED", self.host.read(STORE))
            self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
            eventually(lambda: self.host.agent_pid() != 0, 30, "the agent's start")
            self.operation = os.urandom(16).hex()
            self.old = (self.host.slave_info(), self.host.read(STORE))

    @staticmethod
    def kill_workers(parent):
        """apply, and the child that does its work, wherever they are just now."""
        try:
            with open("/proc/%d/task/%d/children" % (parent, parent)) as file:
                workers = [parent] + [int(pid) for pid in file.read().split()]
        except OSError:
            return
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def test_restore(self):
        """What the agent wrote by itself can be taken back, too."""
        self.assertEqual(self.native()[-1]["event"], "done")
        done = subprocess.run([AGENTCTL, "restore", self.operation, "--root", self.host.root, "--watch",
                               "1secs"], capture_output=True, check=False, timeout=60)
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["event"], "done", done)
        self.assert_old()


class NotNative(OnHost):
    def test_agent_that_does_not_know_the_flag(self):
        self.start("recover_state")
        answer = self.apply(mechanism="native")[-1]
        self.assertEqual((answer["event"], answer["kind"]), ("refused", "refused"))
        self.assertIn("--ignore_checkpointed_state", answer["reason"])
        self.assert_old()
        self.start("ignore_checkpointed_state")
        answer = self.apply(mechanism="native", recover_state=False)[-1]
        self.assertIn("--recover_state", answer["reason"])
        self.assert_old()

    def test_recover_state_goes_with_native(self):
        self.start()
        answer = self.apply(recover_state=False)[-1]
        self.assertEqual((answer["event"], answer["kind"]), ("refused", "usage"))


class Amended(OnHost):
    """The agent sees another disk than we do: its refusal says how large it is for it."""
    def setUp(self):
        super().setUp()
        self.host.write(STORE, self.host.read(STORE).replace(RESOURCES.encode(), b"cpus:4;mem:4096;ports:[31000-32000]"))
        self.host.write("run/own-disk", b"10000")
        self.start()

    def change(self, **more):
        measured = self.host.inspect()["detected"]["disk_mb"]
        target = with_disk(with_attributes(self.old[0][4:], "rack:r2;tier:web"), measured)
        more.setdefault("ignore", ["attributes", "resources"])
        return self.apply(target=base64.b64encode(target).decode(), start_timeout_ms=60000, **more)

    def test_once(self):
        task = self.host.run_task()
        answers = self.change()
        self.assertEqual(answers[-1]["event"], "done", answers)
        self.assertTrue(answers[-1]["amended"])
        self.assertIn("amending", [answer.get("step") for answer in answers])
        self.assert_new()
        self.assertEqual([start["accepted"] for start in self.host.starts()], [True, False, True])
        self.assertIsNone(task.poll())

    def test_not_outside_of_what_may_differ(self):
        answers = self.change(ignore=["attributes"])
        self.assertEqual(answers[-1]["event"], "refused", answers)
        self.assert_old()

    def test_not_when_something_else_ails_it(self):
        self.host.write("run/dies-with", b"rack:r2")
        answers = self.change()
        self.assertEqual(answers[-1]["event"], "undone", answers)
        self.assert_old()
        self.assertLessEqual(len(self.host.starts()), 4)

    def test_restore(self):
        self.assertEqual(self.change()[-1]["event"], "done")
        self.host.write("run/own-disk", b"10000")
        done = subprocess.run([AGENTCTL, "restore", self.operation, "--root", self.host.root, "--watch",
                               "1secs"], capture_output=True, check=False, timeout=60)
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["event"], "done", done)
        self.assert_old()


if __name__ == "__main__":
    unittest.main()
