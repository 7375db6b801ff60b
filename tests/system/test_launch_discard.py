#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""agentctl launch --recover_state=false: the old executors are ended first, and once."""
import os
import signal
import time
import unittest

from launching import DISCARD, DOMAIN, FLAGS, Launch, PATIENCE, SLAVE_INFO


class Discarding(Launch):
    def discard(self, *options, **flags):
        return self.launch(DISCARD, "--master-checked", *options, **flags)

    def test_ends_the_executors_first_and_once(self):
        self.accepted(self.launch(isolation="old"), FLAGS["attributes"])
        old = self.executor()
        done = self.discard(attributes="rack:r2", port="16099", isolation="new")
        self.accepted(done, "rack:r2")
        self.assertEqual(old.wait(timeout=PATIENCE), -signal.SIGKILL)
        self.assertIn("NOT RECOVERED", done.stderr)
        self.assertEqual(self.backup(done), SLAVE_INFO)
        cleanup, last = self.starts()[-2:]
        self.assertEqual((cleanup["recover"], cleanup["attributes"], cleanup["isolation"], cleanup["accepted"]),
                         ("cleanup", FLAGS["attributes"], "old", True))
        self.assertEqual((last["executors"], last["isolation"]), ([], "new"))
        new = self.executor()
        self.accepted(self.discard(attributes="rack:r2", port="16099"), "rack:r2")
        self.assertIsNone(new.poll())

    def test_flags_nobody_remembers_come_from_the_checkpoint(self):
        task = self.executor()
        self.accepted(self.discard(attributes="rack:r2", resources="cpus:1;mem:10;disk:10", domain=DOMAIN), "rack:r2")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_every_change_is_one(self):
        for rack in ("rack:r2", "rack:r3", "rack:r2"):
            task = self.executor()
            self.accepted(self.discard(attributes=rack), rack)
            self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_a_named_operation_is_carried_out_once(self):
        task = self.executor()
        done = self.discard("--operation=X1")
        self.accepted(done, FLAGS["attributes"])
        self.assertIn("is what it checkpointed", done.stderr)
        self.assertIn("(operation X1)", done.stderr)
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)
        task = self.executor()
        self.accepted(self.discard("--operation=X1"), FLAGS["attributes"])
        self.refused(self.discard("--operation=X1", attributes="rack:r2"), 1, "X1", "another value")
        self.assertIsNone(task.poll())
        self.accepted(self.discard("--operation=X2", attributes="rack:r2"), "rack:r2")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_what_is_refused(self):
        task = self.executor()
        self.refused(self.discard(hostname="n2.example.com"), 1, "hostname")
        self.refused(self.launch(DISCARD, attributes="rack:r2"), 4, "--master-checked")
        self.write(self.path("failing-cleanup"))
        self.refused(self.discard(attributes="rack:r2"), 3, "ended with status 3")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_after_a_reboot_there_is_nobody_to_end(self):
        self.write(self.path("work/meta/boot_id"), b"11111111-2222-3333-4444-555555555555")
        self.accepted(self.discard(attributes="rack:r2"), "rack:r2")
        self.assertEqual([start["recover"] for start in self.starts()], ["reconnect"])

    def test_killed_while_executors_are_ended(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.write(self.path("slow-cleanup"))
            before = len(self.starts())
            process = self.start(DISCARD, "--master-checked", "--operation=X", attributes="rack:r2")
            self.wait_for_starts(before + 1)
            process.send_signal(number)
            process.wait()
            cleanup = self.starts()[-1]["pid"]
            deadline = time.monotonic() + PATIENCE
            while os.path.exists("/proc/%d" % cleanup):
                self.assertLess(time.monotonic(), deadline, "what ends executors outlived launch")
                time.sleep(0.02)
            self.assertEqual(self.slave_info(), SLAVE_INFO)
        os.unlink(self.path("slow-cleanup"))
        task = self.executor()
        self.accepted(self.discard("--operation=X", attributes="rack:r2"), "rack:r2")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
