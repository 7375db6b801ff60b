#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl settle and restore by hand: what is stuck, and where there is nothing."""
import os
import unittest

from fake_host import DATABASE
from on_host import InFolder, OnHost, end_trouble, get_stuck

ID = "0123456789abcdef0123456789abcdef"
EPOCH = ("--status", ID, "--epoch", "4", "--database", DATABASE)
WORK = (("settle",), ("settle", "--status", ID), ("settle", *EPOCH), ("restore", ID))


class Nowhere(InFolder):
    """A slip of the pen makes no folders, and is told from a host on which nothing is open."""

    def everything(self):
        return sorted(os.path.join(base, name) for base, folders, files in os.walk(self.folder) for name in folders + files)

    def refused(self, words, reason):
        before = self.everything()
        done = self.run_agentctl(*words)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(reason, done.stdout + done.stderr)
        self.assertEqual(self.everything(), before)

    def test_root_that_is_not_there(self):
        for words in (*WORK, ("rescue", "--show"), ("inspect", "--work-dir", "/w")):
            with self.subTest(words):
                self.refused((*words, "--root", os.path.join(self.folder, "typo")), "there is nothing at --root ")

    def test_root_that_is_a_file(self):
        for words in WORK:
            self.refused((*words, "--root", self.put("file", b"")), "is no folder")

    def test_root_of_another_host(self):
        for words in WORK:
            with self.subTest(words):
                self.refused((*words, "--root", self.folder), "there is nothing in %s/var/lib/rollcall" % self.folder)

    def test_state_dir_that_is_not_there_or_is_another(self):
        os.makedirs(os.path.join(self.folder, "etc"))
        for words in WORK:
            for name in ("/typo", "/etc"):
                with self.subTest(words, state_dir=name):
                    self.refused((*words, "--root", self.folder, "--state-dir", name), "there is nothing in ")
                    self.refused((*words, "--state-dir", self.folder + name), "there is nothing in ")

    def test_guard_lets_the_agent_start_and_makes_nothing(self):
        for more in ((), ("--state-dir", "/etc")):
            os.makedirs(os.path.join(self.folder, "etc"), exist_ok=True)
            done = self.run_agentctl("settle", "--starting", "--root", self.folder, *more)
            self.assertEqual((done.returncode, self.everything()), (0, [self.folder + "/etc"]))


class Stuck(OnHost):
    def settle(self, *more):
        done = self.run_agentctl("settle", "--root", self.host.root, *more)
        return done.returncode, done.stdout + done.stderr

    def test_is_what_settle_finds(self):
        get_stuck(self.host, self.operation, "rack:r2;tier:web")
        code, said = self.settle()
        self.assertEqual(code, 1, said)
        self.assertIn('"stuck","operation":"%s"' % self.operation, said)
        self.assertEqual(end_trouble(self.host, self.operation), "stuck")
        self.assertIn('"state":"stuck"', self.settle("--status", self.operation)[1])
        self.assertIn('"event":"undone"', self.settle()[1])
        self.assert_state(None, 2)
        code, said = self.settle()
        self.assertEqual(code, 0, said)
        self.assertIn("nothing to settle", said)


if __name__ == "__main__":
    unittest.main()
