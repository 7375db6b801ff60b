#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl is killed before every system call that changes anything, whatever it is doing; then nothing happens, the host boots, or
its supervisor starts the agent; then it is settled. The host is in the old or the new state, its agent runs with its ID, and
nothing was done twice.

A few of the calls by default. `test_every_call.py --all [CLASS]` takes every one of them: minutes for each class."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import killer
from fake_host import AGENTCTL, Host, split_fields, with_attributes
from on_host import ATTR_ADDED, end_trouble, get_stuck

ALL = "--all" in sys.argv
FEW = 3  # calls of each kind of work
NOTHING, REBOOT, SUPERVISOR = AFTERWARDS = ("nothing", "a boot", "the supervisor")
OLD, NEW = "rack:r1;tier:web", "rack:r2;tier:web"


def meaning(info):
    return sorted(split_fields(info))


@unittest.skipUnless(killer.STRACE, "needs strace")
@unittest.skipIf("asan" in AGENTCTL, "what a sanitizer does at its start is none of our effects")
class EveryCall:
    """What is the same for every kind of work; a class says what the work is."""
    new = NEW
    settled_as = None  # how it must end when it had begun and nothing else happens; None: either way
    ends_tasks = False
    options = ()

    def make_host(self):
        self.make_empty_host()
        self.prepare()
        self.before = len(self.host.starts())

    def make_empty_host(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.host = Host(os.path.join(folder, "host"), base64.b64decode(ATTR_ADDED["slave_info_base64"]))
        self.host.start()
        self.host.wait_for_starts(1)
        self.task = self.host.run_task()

    def prepare(self):
        pass

    def files(self):
        return self.host.slave_info(), self.host.read("etc/mesos-agent.env")

    def states(self):
        """Which files are the old state, which the new one."""
        old = self.files()
        return {"old": old, "new": (meaning(with_attributes(old[0][4:], self.new)),
                                    old[1].replace(OLD.encode(), self.new.encode()))}

    def call(self, kill, point):
        words, request = self.work()
        more = {"input": request} if request is not None else {"stdin": subprocess.DEVNULL}
        return kill(*point, words, self.options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)

    def afterwards(self, what):
        if what == NOTHING:
            return
        self.host.stop()
        if what == REBOOT:
            self.host.boot()
        self.host.start()

    def settle(self):
        subprocess.run([AGENTCTL, "settle", "--root", self.host.root], capture_output=True, timeout=600, check=False)

    def state(self, states):
        """Old bytes are the very same; of a new checkpoint the order of the fields does not matter."""
        info, env = self.files()
        for name, files in states.items():
            if files in ((info, env), (meaning(info[4:]), env)):
                return name
        raise AssertionError("the host is in no known state: %s %s" % (info, env))

    def operations(self):
        return [operation["state"] for operation in self.host.inspect()["operations"]]

    def judge(self, states, what):
        self.host.wait_for_agent()
        starts = self.host.starts()[self.before:]
        ended = self.operations()
        state = self.state(states)
        last = self.host.starts()[-1]
        self.assertEqual((last["accepted"], last["attributes"]), (True, OLD if state == "old" else self.new))
        self.assertEqual({start["id"] for start in self.host.starts()}, {self.host.id})
        self.assertEqual([name for name in ended if name not in ("done", "undone")], [])
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")), "the guard is still there")
        self.judge_counts(starts, what)
        if self.settled_as and what == NOTHING and ended:
            self.assertEqual(state, self.settled_as)

    def judge_counts(self, starts, what):
        """One start with the new state, one to go back, and the one that others made."""
        others = 0 if what == NOTHING else 1
        self.assertLessEqual(len(starts), 2 + others, starts)
        self.assertLessEqual(sum(start["attributes"] != OLD for start in starts), 1 + others, starts)
        self.assertLessEqual(len(self.host.cleanups()), 1 if self.ends_tasks else 0)
        if not self.ends_tasks:
            self.assertIsNone(self.task.poll(), "the task was ended")
        elif any(start["attributes"] != OLD for start in starts):
            self.assertIsNotNone(self.task.poll(), "the task lives under the new state")

    def one(self, point, what):
        self.make_host()
        try:
            states = self.states()
            self.call(killer.kill_at, (point,))
            self.afterwards(what)
            self.settle()
            self.judge(states, what)
        finally:
            self.host.close()

    def find_points(self):
        self.make_host()
        try:
            return self.call(killer.points, ())
        finally:
            self.host.close()

    def test_killed(self):
        found = self.find_points()
        self.assertGreater(len(found), 20)
        if ALL:
            chosen = [(point, what) for point in found for what in AFTERWARDS]
        else:
            chosen = list(zip(killer.every(found, len(found) // FEW), AFTERWARDS))
        for point, what in chosen:
            with self.subTest(call=point.name, count=point.count, then=what):
                self.one(point, what)


class Apply(EveryCall):
    # The parent would settle what is left of its child: it dies first. Only the parent calls waitid.
    options = ("-e", "inject=waitid:signal=KILL")
    mechanism = "relax"
    verdict_ms = 100

    def work(self):
        request = self.host.apply_request("0123456789abcdef0123456789abcdef", self.new, mechanism=self.mechanism,
                                          verdict_timeout_ms=self.verdict_ms)
        return [AGENTCTL, "apply", "--request"], request


class Relax(Apply, unittest.TestCase):
    pass


class Undone(Apply, unittest.TestCase):
    """The agent ends with the new state, and the old one comes back."""
    settled_as = "old"
    verdict_ms = 120000

    def prepare(self):
        self.host.write("run/dies-with", b"rack:r2")


class Discard(Apply, unittest.TestCase):
    mechanism = "discard"
    ends_tasks = True


class Restart(Apply, unittest.TestCase):
    """The SlaveInfo stays: the state is a flag."""
    new = OLD
    FLAG = b"MESOS_EXECUTOR_REGISTRATION_TIMEOUT=2mins\n"

    def states(self):
        info, env = self.files()
        return {"old": (info, env), "new": (info, env + self.FLAG)}

    def work(self):
        request = self.host.request("apply", "0123456789abcdef0123456789abcdef", mechanism="restart", start_timeout_ms=120000,
                                    verdict_timeout_ms=100,
                                    edits=[{"name": "executor_registration_timeout", "value": "2mins"}])
        return [AGENTCTL, "apply", "--request"], request


class Restore(EveryCall, unittest.TestCase):
    """The old state of a restore is what the operation before it has made."""
    new = "rack:r1;tier:web"

    def prepare(self):
        self.original, self.changed = self.files(), os.urandom(16).hex()
        done = self.host.run("apply", self.host.apply_request(self.changed, NEW, verdict_timeout_ms=100))
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["event"], "done")

    def states(self):
        return {"new": self.original, "changed": self.files()}

    def judge(self, states, what):
        self.host.wait_for_agent()
        state = self.state(states)
        last = self.host.starts()[-1]
        self.assertEqual((last["accepted"], last["attributes"], last["id"]),
                         (True, OLD if state == "new" else NEW, self.host.id))
        self.assertEqual([name for name in self.operations() if name not in ("done", "undone")], [])
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        self.assertLessEqual(len(self.host.starts()) - self.before, 2 if what == NOTHING else 3)
        self.assertIsNone(self.task.poll())

    def work(self):
        return [AGENTCTL, "restore", self.changed, "--root", self.host.root, "--watch", "1secs"], None


class Settle(EveryCall, unittest.TestCase):
    """Of an apply that was killed when its agent was seen."""

    killed_at = "stopping"

    def prepare(self):
        """Again on another host where apply was further before it was killed."""
        while not self.begin():
            self.host.close()
            self.make_empty_host()

    def begin(self):
        """Was it cut off in a state from which it must end as settled_as says?"""
        self.first = super().states()
        request = self.host.apply_request("0123456789abcdef0123456789abcdef", NEW, verdict_timeout_ms=100)
        process = self.host.talk(request)
        for line in process.stdout:
            if json.loads(line).get("step") == self.killed_at:
                break
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
            children = [int(child) for child in file.read().split()]
        process.kill()
        for child in children:
            os.kill(child, 9)
        process.wait()
        with open(self.host.path("var/lib/rollcall/operations/0123456789abcdef0123456789abcdef/state")) as file:
            return self.settled_as is None or json.load(file)["step"] == self.killed_at

    def work(self):
        return [AGENTCTL, "settle", "--root", self.host.root], None

    def make_host(self):
        super().make_host()
        self.before = 1  # what apply has started counts too

    def states(self):
        return self.first


class GoingBack(Settle):
    """Of an apply that was killed before it restarted its agent."""
    settled_as = "old"
    killed_at = "flags"


class Stuck(Settle):
    """Of an apply whose agent started in neither state; what kept it from that is mended."""
    settled_as = "old"

    def begin(self):
        self.first = EveryCall.states(self)
        operation = "0123456789abcdef0123456789abcdef"
        get_stuck(self.host, operation, NEW)
        self.assertEqual(end_trouble(self.host, operation), "stuck")
        return True


class Rescue(EveryCall, unittest.TestCase):
    """The old state is one that the agent refuses: it goes forward, whoever takes it over."""

    def prepare(self):
        self.host.write("settings.json", json.dumps(self.host.settings()).encode())
        self.host.stop()
        self.host.write("etc/mesos-agent.env", self.files()[1].replace(OLD.encode(), NEW.encode()))

    def states(self):
        info, env = self.files()
        return {"new": (meaning(with_attributes(info[4:], NEW)), env)}

    def work(self):
        return [AGENTCTL, "rescue", "--settings", self.host.path("settings.json"), "--watch", "1secs"], None

    def afterwards(self, what):
        """Before its guard is there, a start is none of ours: after a boot it would cost the agent its ID. When it has gone again the
        agent is started like any other."""
        self.guarded = os.path.exists(self.host.path("etc/start-hook")) or \
            bool({"keeping", "done"}.intersection(self.operations()))
        if what == REBOOT:
            self.host.stop()
            self.host.boot()
        if what != NOTHING and self.guarded:
            self.host.stop()
            self.host.start()

    def settle(self):
        """What had not begun is begun."""
        super().settle()
        if not self.operations():
            self.rescue_again()

    def rescue_again(self):
        words, _ = self.work()
        self.host.stop()
        subprocess.run(words, capture_output=True, timeout=600, check=False)

    def judge_counts(self, starts, what):
        self.assertLessEqual(sum(start["accepted"] for start in starts), 1 if what == NOTHING else 2, starts)
        self.assertIsNone(self.task.poll())


class Unrescued(Rescue):
    """The agent ends with the new state too: who lives takes that back, who takes over goes forward, or ends an undo that was begun. While
    the guard is there no agent starts with what it refuses."""

    def prepare(self):
        super().prepare()
        self.host.write("run/dies-with", b"rack:r2")

    def settle(self):
        super().settle()
        self.assertEqual([name for name in self.operations() if name not in ("done", "undone")], [])
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")), "the guard is still there")
        unfit = [start for start in self.host.starts()[self.before:] if not start["accepted"]]
        self.assertEqual(unfit, [])
        os.unlink(self.host.path("run/dies-with"))
        if self.operations()[-1] == "undone":
            self.rescue_again()
        else:
            self.host.stop()
            self.host.start()

    def judge_counts(self, starts, what):
        self.assertIsNone(self.task.poll())


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--all"]
    unittest.main()
