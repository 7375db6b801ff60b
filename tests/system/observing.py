# SPDX-License-Identifier: Apache-2.0
"""What the tests of observers share: a fleet whose agents can be changed, and a receiver of what is told."""
import os
import unittest

import documents
from fleet import Fleet
from receiver import Receiver, check_signature

AGENTS, TASKS = 3, 2
SECRET = "correct horse battery staple"


class Observing(unittest.TestCase):
    AGENTS, SCALE = AGENTS, 20

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=cls.AGENTS, zones=1, tasks=TASKS, scale=cls.SCALE)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.rollcall("inventory", "survey").expect(0)
        frameworks = cls.fleet.get_json("/frameworks")["frameworks"]
        cls.framework = next(one for one in frameworks if one["tasks"])
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.secret = self.fleet.write("secret", SECRET + "\n")
        os.chmod(self.secret, 0o600)
        self.generation = f"g{self.number + 1}"  # the lab's agents have g1
        self.names = []
        self.addCleanup(self.remove_all)
        self.fleet.add_config("fleet", [{"attributes": {"generation": self.generation}}])

    def remove_all(self):
        for kind, name in self.names:
            self.fleet.rollcall(kind, "remove", name, "--drop-waiting")

    def observe(self, name="ops", framework=None, *words):
        self.names.append(("observer", name))
        self.fleet.rollcall("observer", "add", name, "--framework", framework or self.framework["id"], "--url",
                            self.receiver.url, "--secret-file", self.secret, "--timeout", "2secs", *words).expect(0)

    def rollout(self, *words):
        return self.fleet.start("rollout", "start", self.fleet.plan("fleet", *words))

    def roll_out(self):
        self.rollout().finish().expect(0)

    def deliver(self, code=0):
        return self.fleet.rollcall("observer", "deliver", "--for", "100secs").expect(code)

    def queue(self):
        found = self.fleet.rollcall("observer", "queue", "--json").expect(0).json()
        documents.check(found, documents.load("observer-queue"))
        return found

    def tasks(self):
        """(agent, task) of every running task of the framework."""
        return {(task["slave_id"], task["id"]) for task in self.fleet.get_json("/tasks?limit=100000")["tasks"]
                if task["framework_id"] == self.framework["id"] and task["state"] == "TASK_RUNNING"}

    def check_all_told(self, wanted=None):
        """Every task is told, in order for each agent, and the same ID is always the same body."""
        taken = self.receiver.taken()
        self.assertEqual({(post.agent, post.task) for post in taken}, wanted or self.tasks())
        bodies = {}
        for post in self.receiver.posts:
            self.assertEqual(bodies.setdefault(post.id, post.raw), post.raw)
            check_signature(post, SECRET)
            documents.check(post.json, documents.load("observer-event"))
        for agent in {post.agent for post in self.receiver.posts}:
            self.check_order([post for post in self.receiver.posts if post.agent == agent])

    def check_order(self, posts):
        """Nothing comes before the one before it was taken; only what was taken last may come again."""
        order = list(dict.fromkeys(post.id for post in posts))
        for post in posts:
            before = order[:order.index(post.id)]
            first = posts.index(next(one for one in posts if one.id == post.id))
            for earlier in before:
                self.assertTrue(any(one.id == earlier and one.taken for one in posts[:first]), post.json)
