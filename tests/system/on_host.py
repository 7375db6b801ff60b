# SPDX-License-Identifier: Apache-2.0
"""What tests of agentctl share: a folder, a host whose agent runs, and answers held against their schema."""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import documents
from fake_host import AGENTCTL, Host, PATIENCE, process_state, wait_until

DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")
with open(os.path.join(DATA, "verdicts.json")) as verdicts_file:
    VERDICTS = json.load(verdicts_file)
ATTR_ADDED = next(pair for pair in VERDICTS["pairs"] if pair["name"] == "attr added")


def checked(document, schema):
    documents.check(document, documents.load(schema))
    return document


def snapshot(folder):
    """Every file with its bytes and time: to see that nothing was written."""
    out = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    out[path] = (file.read(), os.stat(path).st_mtime_ns)
    return out


def get_stuck(host, operation, attributes):
    """An apply whose agent starts in neither state, until end_trouble."""
    host.write("run/cannot-start", b"")
    host.run("apply", host.apply_request(operation, attributes, start_timeout_ms=1000))


def end_trouble(host, operation):
    """It was to be stuck soon; from now on its agent has as long to start as a loaded machine needs."""
    os.unlink(host.path("run/cannot-start"))
    name = "var/lib/rollcall/operations/%s/state" % operation
    state = json.loads(host.read(name))
    host.write(name, json.dumps(dict(state, start_timeout_ms=PATIENCE * 1000)).encode())
    return state["step"]


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_agentctl(self, *words):
        return subprocess.run([AGENTCTL, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path


class OnHost(InFolder):
    """A host whose agent runs, and what its tests need."""

    def setUp(self):
        super().setUp()
        self.host = Host(os.path.join(self.folder, "host"), base64.b64decode(ATTR_ADDED["slave_info_base64"]))
        self.addCleanup(self.host.close)
        self.host.start()
        self.host.wait_for_starts(1)
        self.old = (self.host.slave_info(), self.host.read("etc/mesos-agent.env"))
        self.operation = os.urandom(16).hex()

    def listen(self, process, event):
        """Answers up to the first one of that kind."""
        answers = []
        for line in process.stdout:
            answers.append(checked(json.loads(line), "answer"))
            if answers[-1]["event"] == event:
                return answers
        self.fail("no '%s' in %s" % (event, answers))

    def assert_state(self, new, starts):
        """Files, agent and guard say the same, and the ID is what it was."""
        self.host.wait_for_starts(starts)
        checkpoint, flags = self.host.slave_info(), self.host.read("etc/mesos-agent.env")
        if new is None:
            self.assertEqual((checkpoint, flags), self.old)
        else:
            self.assertIn(b"MESOS_ATTRIBUTES='%s'\n" % new.encode(), flags)
            self.assertTrue(flags.startswith(self.old[1][:self.old[1].index(b"MESOS_ATTRIBUTES")]))
            self.assertNotEqual(checkpoint, self.old[0])
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        self.assertEqual(len(self.host.starts()), starts)
        for start in self.host.starts():
            self.assertEqual(start["id"], self.host.id)
            self.assertTrue(start["accepted"], start)
        self.assertNotEqual(self.host.agent_pid(), 0)
        self.assertEqual(self.host.starts()[-1]["attributes"], new or "rack:r1;tier:web")

    def children_of(self, process):
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
            return [int(child) for child in file.read().split()]

    def kill_both(self, process):
        """The parent is stopped first: it cannot make a child that nobody knows of any more."""
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: process_state(process.pid) in "TZ", lambda: "agentctl cannot be stopped")
        children = self.children_of(process) if process_state(process.pid) == "T" else []
        process.kill()
        for child in children:
            os.kill(child, signal.SIGKILL)
        process.wait()
