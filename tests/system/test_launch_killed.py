#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""agentctl launch killed at half of the system calls that change anything; with --all at every one of them."""
import os
import shutil
import signal
import sys
import unittest

from launching import AGENTCTL, ANYTHING, DISCARD, Launch, PATIENCE, SLAVE_INFO
import killer

ALL = "--all" in sys.argv


@unittest.skipUnless(killer.STRACE, "needs strace")
@unittest.skipIf("asan" in AGENTCTL, "what a sanitizer does at its start is none of our effects")
class Killed(Launch):
    """kill -9 before the system calls that change anything (found by tracing it); the start after that ends what was begun."""

    def kill_everywhere(self, *options, **flags):
        self.reset()
        self.executor()
        trace = self.path("trace")
        self.launch(*options, before=killer.traced(["-o", trace]), **flags)
        found = killer.points_in(trace)
        self.assertGreater(len(found), 25)
        for point in found if ALL else killer.every(found, 2):
            self.reset()
            task = self.executor()
            self.launch(*options, before=killer.kill_before(point), **flags)
            self.assertEqual([start for start in self.starts() if start["recover"] == "reconnect"], [], point)
            yield "%s %d" % point, task

    def reset(self):
        for name in ("state", "executors"):
            shutil.rmtree(self.path(name), ignore_errors=True)
        os.mkdir(self.path("executors"))
        if os.path.exists(self.path("starts")):
            os.unlink(self.path("starts"))
        self.write(self.slave_info_path, SLAVE_INFO)

    def test_rewriting(self):
        for where, task in self.kill_everywhere(ANYTHING, "--master-checked", attributes="rack:r2"):
            with self.subTest(where):
                self.accepted(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), "rack:r2")
                self.assertIsNone(task.poll())

    def test_discarding(self):
        words = (DISCARD, "--master-checked", "--operation=X")
        for where, task in self.kill_everywhere(*words, attributes="rack:r2"):
            with self.subTest(where):
                if self.slave_info() != SLAVE_INFO:
                    self.assertIsNotNone(task.poll(), "a task is alive under the new state")
                self.accepted(self.launch(*words, attributes="rack:r2"), "rack:r2")
                self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)
                late = self.executor()
                self.accepted(self.launch(*words, attributes="rack:r2"), "rack:r2")
                self.assertIsNone(late.poll())


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--all"]
    unittest.main()
