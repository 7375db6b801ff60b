#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mechanism discard on a host in a folder: the ID stays, the tasks end, and never live under a new SlaveInfo."""
import json
import os
import signal
import time
import unittest

from fake_host import PATIENCE, is_alive, wait_until
from on_host import OnHost


class Discard(OnHost):
    def setUp(self):
        super().setUp()
        self.task = self.host.run_task()

    def discard(self, attributes="rack:r2;tier:web", **more):
        return self.host.apply_request(self.operation, attributes, mechanism="discard", **more)

    def apply(self, **more):
        done = self.host.run("apply", self.discard(**more))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def assert_task_ended(self):
        self.assertEqual(self.task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_keep(self):
        process = self.host.talk(self.discard())
        answers = self.listen(process, "started")
        self.assertEqual([a.get("step", a["event"]) for a in answers],
                         ["accepted", "guarded", "agent-stopping", "agent-cleaning", "agent-cleaned", "checkpoint",
                          "flags", "stopping", "started"])
        self.assert_task_ended()
        self.assertEqual([c["attributes"] for c in self.host.cleanups()], ["rack:r1;tier:web"])
        process.stdin.write(b"keep\n")
        process.stdin.flush()
        self.listen(process, "done")
        self.assert_state("rack:r2;tier:web", 2)

    def test_undo_says_that_tasks_are_gone(self):
        process = self.host.talk(self.discard())
        self.listen(process, "started")
        self.host.wait_for_starts(2)  # the process is there; that it has noted its start takes it a moment more
        process.stdin.write(b"undo\n")
        process.stdin.flush()
        self.assertIn("its tasks had been ended", self.listen(process, "undone")[-1]["reason"])
        self.assert_state(None, 3)

    def test_executors_that_stay_stop_it(self):
        self.host.write("run/cleanup-fails", b"")
        last = self.apply()[-1]
        self.assertEqual(last["event"], "undone")
        self.assertIn("Failed to clean up", last["reason"])
        self.assertIn("may have been ended", last["reason"])
        self.assertIsNone(self.task.poll())
        self.assert_state(None, 2)

    def test_killed_while_cleaning(self):
        """What was started to end the executors dies with agentctl, and the agent comes back as it was."""
        self.host.write("run/cleanup-hangs", b"")
        process = self.host.talk(self.discard())
        self.listen(process, "step")
        wait_until(self.host.cleanups, lambda: "nothing was started to end the executors")
        self.kill_both(process)
        os.unlink(self.host.path("run/cleanup-hangs"))
        self.assertEqual(self.host.settle(self.operation)[-1]["event"], "undone")
        wait_until(lambda: not is_alive(self.host.cleanups()[0]["pid"]), lambda: "it outlived agentctl")
        self.assertIsNone(self.task.poll())
        self.assert_state(None, 2)

    def test_killed_at_any_moment(self):
        """Whatever was going on: the task does not live on with an agent that has new attributes."""
        for number, delay in enumerate((0, 10, 20, 40, 60, 90, 120, 160, 200, 260, 330)):
            self.operation = os.urandom(16).hex()
            process = self.host.talk(self.discard("rack:r%d;tier:web" % (number + 10), verdict_timeout_ms=500))
            time.sleep(delay / 1000)
            self.kill_both(process)
            if number % 2 == 1:
                self.host.stop()
                self.host.start()
            end = self.host.settle(self.operation)[-1]
            self.assertIn(end.get("state", end["event"]), ("absent", "undone", "done"), delay)
            self.host.wait_for_agent()
            last = self.host.starts()[-1]
            self.assertEqual((last["id"], last["accepted"]), (self.host.id, True), delay)
            if self.task.poll() is None:
                self.assertEqual(last["attributes"], "rack:r1;tier:web", delay)
            else:
                break

    def test_agent_that_would_not_recover_is_refused(self):
        """Its old flags no longer fit its checkpoint: it could not be run once more to end its executors."""
        survey = self.host.inspect()
        data = self.host.slave_info().replace(b"\x02r1", b"\x02r7")
        self.host.write("var/lib/mesos/meta/slaves/%s/slave.info" % self.host.id, data)
        last = self.apply(expect={"agent_id": survey["agent"]["id"]})[-1]
        self.assertEqual(last["event"], "refused")
        self.assertIn("could not end its executors", last["reason"])
        self.assertIsNone(self.task.poll())


if __name__ == "__main__":
    unittest.main()
