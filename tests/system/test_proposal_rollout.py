#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollcall on agents that have the proposal's flags: found by itself, used for one start, and everybody told."""
import os
import signal
import unittest

import documents
from fleet import Fleet
from receiver import Receiver
from scheduler import Scheduler, generations


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=2, zones=1, tasks=1, words=("--dialect", "proposal"))
        self.addCleanup(self.fleet.close)
        self.fleet.rollcall("inventory", "sync").expect(0)
        self.fleet.add_config("change", [{"attributes": {"generation": "g2"}, "resources": {"mem": 3000}}])
        self.before = self.fleet.agents()

    def scheduler(self, *words):
        scheduler = Scheduler(self.fleet, *words)
        self.addCleanup(scheduler.stop)
        return scheduler

    def roll_out(self):
        plan = self.fleet.rollcall("rollout", "plan", "change", "--json").expect(0).json()
        self.assertEqual({agent["mechanism"] for agent in plan["plan"]["agents"]}, {"native"})
        self.fleet.rollcall("rollout", "start", plan["hash"]).expect(0, "2 of 2")
        for host, agent in self.fleet.agents().items():
            self.assertEqual(agent["id"], self.before[host]["id"])
            self.assertEqual((agent["attributes"]["generation"], agent["resources"]["mem"]), ("g2", 3000))
            self.assertNotIn("IGNORE_CHECKPOINTED", self.fleet.flags(host))
            self.assertNotIn("RECOVER_STATE", self.fleet.flags(host))
            self.assertIn(b"g2", self.fleet.checkpoint(host, "slaves/latest/slave.info"))
            self.assertEqual(len(self.fleet.restarts(host)), 1)

    def check_told(self, watcher, tasks):
        """One update per task, with what its agent has become."""
        watcher.wait(lambda: {status["task_id"]["value"] for status in watcher.changes()} == tasks, "an update per task")
        self.assertEqual(set(generations(watcher.changes())), {"g2"})
        self.assertEqual(len({status["uuid"] for status in watcher.changes()}), len(tasks))
        for status in watcher.changes():
            self.assertEqual(status["agent_info"]["id"], status["agent_id"])

    def check_not_told(self, scheduler):
        """The end of a task comes after whatever was said of it before."""
        task = next(iter(scheduler.wait_running(1)))
        os.kill(scheduler.executor(task), signal.SIGKILL)
        scheduler.wait(lambda: scheduler.updates("TASK_FAILED"), "the end of a task")
        self.assertEqual(scheduler.changes(), [])

    def test_everybody_is_told_once(self):
        """A framework that asks the agents, one whose operator has asked rollcall, one of which both is true, and one
        that nobody has asked for."""
        asks = self.scheduler("--name", "asks", "--tasks", "2", "--observer")
        both = self.scheduler("--name", "both", "--tasks", "2", "--observer")
        posted, nobody = self.scheduler("--name", "posted", "--tasks", "2"), self.scheduler("--name", "none", "--tasks", "1")
        tasks = {scheduler: scheduler.wait_running(2) for scheduler in (asks, both, posted)}
        nobody.wait_running(1)
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        for name, scheduler in (("posted", posted), ("both", both)):
            self.fleet.rollcall("observer", "add", name, "--framework", scheduler.id, "--url", receiver.url).expect(0)
        self.roll_out()
        self.fleet.rollcall("observer", "deliver", "--for", "100secs").expect(0)
        self.check_told(asks, tasks[asks])
        self.check_told(both, tasks[both])
        self.check_posts(receiver, {("posted", task) for task in tasks[posted]} | {("both", task) for task in tasks[both]})
        self.check_not_told(posted)
        self.check_not_told(nobody)

    def check_posts(self, receiver, wanted):
        posts = {post.id: post.json for post in receiver.taken()}
        found = sorted((post["observer"], post["task"]["id"]) for post in posts.values())
        self.assertEqual(found, sorted(wanted))  # a list: no task has two events
        for post in posts.values():
            documents.check(post, documents.load("observer-event"))
            self.assertEqual(post["reason"], "REASON_SLAVE_STATE_CHANGED")
            self.assertEqual(generations([{"agent_info": post["data"]}]), ["g2"])


if __name__ == "__main__":
    unittest.main()
