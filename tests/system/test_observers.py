#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Observers, webhooks and metrics of real rollouts: who is told what, when receivers fail, and when rollcall is killed."""
import os
import unittest

import documents
from observing import AGENTS, SECRET, Observing
from receiver import check_signature


class Observers(Observing):
    def add_webhooks(self):
        self.names += [("webhook", "all"), ("webhook", "ends")]
        self.fleet.rollcall("webhook", "add", "all", "--url", self.receiver.url).expect(0)
        self.fleet.rollcall("webhook", "add", "ends", "--url", self.receiver.url, "--events",
                            "rollout.finished,rollout.failed").expect(0)
        return self.fleet.file("rollcall.prom")

    def check_webhooks(self, plan):
        posts = [post.json for post in self.receiver.taken() if "webhook" in post.json]
        kinds = {name: [post["kind"] for post in posts if post["webhook"] == name] for name in ("all", "ends")}
        self.assertEqual(kinds, {"all": ["rollout.started", "rollout.finished"], "ends": ["rollout.finished"]})
        for post in posts:
            documents.check(post, documents.load("webhook-event"))
            self.assertEqual((post["plan"], post["config"]), (plan, "fleet"))

    def check_metrics(self, text):
        run = self.fleet.latest()["run"]
        for line in (f'rollcall_agents{{run="{run}",state="done"}} {AGENTS}',
                     f'rollcall_run_state{{run="{run}",state="done"}} 1',
                     f'rollcall_agent_away_seconds_count{{run="{run}"}} {AGENTS}',
                     f'rollcall_window_used{{run="{run}"}} 0'):
            self.assertIn(line + "\n", text)

    def test_tasks_webhooks_and_collectors_are_told(self):
        self.observe()
        self.observe("nobody", "role:no-such-role")
        metrics = self.add_webhooks()
        plan = self.fleet.plan("fleet", "--window", "1")
        self.fleet.rollcall("rollout", "start", plan, "--prometheus-file", metrics).expect(0)
        self.deliver()
        self.check_webhooks(plan)
        with open(metrics, encoding="utf-8") as text:
            self.check_metrics(text.read())
        self.check_metrics(self.fleet.rollcall("rollout", "status", "latest", "--prometheus").expect(0).out)
        self.receiver.posts = [post for post in self.receiver.posts if "webhook" not in post.json]
        self.check_all_told()
        post = self.receiver.posts[0].json
        self.assertEqual((post["state"], post["reason"]), ("TASK_RUNNING", "REASON_SLAVE_STATE_CHANGED"))
        self.assertEqual(post["changed"], ["attributes"])
        self.assertIn(self.generation, [attribute["text"]["value"] for attribute in post["data"]["attributes"]
                                          if attribute["name"] == "generation"])
        self.assertEqual({one.json["observer"] for one in self.receiver.posts}, {"ops"})
        self.assertEqual(post["framework"]["id"], self.framework["id"])

    def test_what_fails_is_tried_again(self):
        failures = {}

        def behave(post):
            ways = failures.setdefault(post.id, [500, "reset", "redirect"])
            # One way each: all of them in a row would take as long as the pauses between them.
            return ways.pop(int(post.id, 16) % 3) if len(ways) == 3 else 200

        self.observe()
        self.receiver.behave = behave
        self.roll_out()
        self.deliver()
        self.check_all_told()
        self.assertEqual(self.receiver.followed, 0)
        self.assertEqual(self.queue()["waiting"], 0)

    def test_nothing_is_lost_when_the_sender_is_killed(self):
        """Killed while an answer is awaited: sent, perhaps taken, and not written down."""
        self.observe()
        self.receiver.behave = lambda post: "stall"
        running = self.rollout()
        self.receiver.wait_for(lambda posts: len(posts) >= 1, "the first post")
        running.kill()
        self.receiver.behave = lambda post: 200
        self.receiver.going.set()
        self.fleet.rollcall("rollout", "resume", "latest").expect(0)
        self.deliver()
        self.check_all_told()

    def test_tests_are_posted_at_once_and_secrets_stay_where_they_are(self):
        self.observe()
        self.fleet.rollcall("observer", "test", "ops").expect(0)
        self.assertEqual(self.receiver.posts[0].json["kind"], "test")
        check_signature(self.receiver.posts[0], SECRET)
        self.receiver.behave = lambda post: 401
        self.fleet.rollcall("observer", "test", "ops").expect(4, "it answered 401")
        os.chmod(self.secret, 0o644)
        self.fleet.rollcall("observer", "test", "ops").expect(3, "chmod 600")
        self.fleet.rollcall("observer", "add", "two", "--framework", "x", "--url", self.receiver.url, "--secret-file",
                            self.secret).expect(3, "chmod 600")
        self.fleet.rollcall("observer", "add", "ops", "--framework", "x", "--url", self.receiver.url).expect(3)
        self.fleet.rollcall("observer", "add", "x", "--framework", "x", "--url",
                            "http://anna:hush@h/").expect(2, "user or password")
        listed = self.fleet.rollcall("observer", "list", "--json").expect(0)
        documents.check(listed.json(), documents.load("observer-list"))
        for name in os.listdir(self.fleet.dir):
            if name.startswith("rollcall.db"):
                with open(os.path.join(self.fleet.dir, name), "rb") as file:
                    bytes_ = file.read()
                    self.assertNotIn(SECRET.encode(), bytes_)
                    self.assertNotIn(b"hush", bytes_)


if __name__ == "__main__":
    unittest.main()
