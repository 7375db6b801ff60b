#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Observers, webhooks and metrics of real rollouts: who is told what, when receivers fail, and when rollcall is killed."""
import os
import sqlite3
import subprocess
import unittest

import documents
from observing import AGENTS, SECRET, Observing
from receiver import Receiver, check_signature


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

    def values(self, post):
        return [one["text"]["value"] for one in post.json["data"]["attributes"] if one["name"] == "generation"]

    def test_what_was_announced_and_taken_back_is_told_again(self):
        """Both while nobody listened: first the new SlaveInfo, then the old one."""
        before = {agent["id"]: agent["attributes"]["generation"] for agent in self.fleet.agents().values()}
        self.observe()
        self.receiver.stop()
        try:
            self.roll_out()
            self.fleet.rollcall("rollout", "rollback", "latest", "--yes").expect(0)
            waiting = self.queue()
            self.assertEqual(waiting["waiting"], 2 * len(self.tasks()))
            self.assertEqual({event["hostname"] for event in waiting["events"]}, set(self.fleet.names))
            shown = self.fleet.rollcall("observer", "queue").expect(0, self.fleet.names[0])
            self.assertNotIn(waiting["events"][0]["of"], shown.out)
            progress = self.fleet.rollcall("observer", "deliver", "--for", "7secs").expect(4, "still to be delivered")
            self.assertEqual(len(progress.err.splitlines()), len(set(progress.err.splitlines())), progress.err)
            self.assertIn(f"{waiting['waiting']} of {waiting['waiting']} events", progress.err)
        finally:
            self.receiver.start()
        self.deliver()
        taken = self.receiver.taken()
        self.assertEqual(len({post.id for post in taken}), 2 * len(self.tasks()))
        for agent, task in self.tasks():
            mine = [post for post in taken if (post.agent, post.task) == (agent, task)]
            told = list(dict.fromkeys((self.values(post)[0], post.json["run"]) for post in mine))
            self.assertEqual([value for value, _ in told], [self.generation, before[agent]])
        self.check_recorded(taken)

    def check_recorded(self, taken):
        """Whatever was delivered is in the ledger for good; the queue forgets it after a week."""
        events = self.fleet.rollcall("audit", "log", "--kind", "outgoing", "--json").expect(0).json()["events"]
        told = {message["id"] for event in events for message in event["body"].get("messages", [])}
        self.assertLessEqual({post.id for post in taken}, told)
        self.fleet.rollcall("audit", "verify").expect(0)
        path = os.path.join(self.fleet.dir, "rollcall.db")
        with sqlite3.connect(path, timeout=60) as database:
            database.execute("UPDATE outgoing SET ended_ms = ended_ms - 8 * 86400000")
        database.close()
        self.fleet.rollcall("observer", "deliver").expect(0)
        with sqlite3.connect(path, timeout=60) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM outgoing").fetchone()[0], 0)
        database.close()
        self.fleet.rollcall("audit", "verify").expect(0)

    def certificate(self, name):
        path = self.fleet.file(name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out", path + ".crt"], check=True,
                       capture_output=True)
        with open(path, "w", encoding="utf-8") as out:
            for part in (path + ".key", path + ".crt"):
                with open(part, encoding="utf-8") as text:
                    out.write(text.read())
        return path

    def test_https_with_an_authority_of_ones_own(self):
        mine, other = self.certificate("mine"), self.certificate("other")
        receiver = Receiver(mine)
        self.addCleanup(receiver.stop)
        for name, words, code in (("good", ("--ca", mine + ".crt"), 0), ("strange", ("--ca", other + ".crt"), 4),
                                  ("plain", ("--ca", "system"), 4)):
            self.names.append(("webhook", name))
            self.fleet.rollcall("webhook", "add", name, "--url", receiver.url, *words).expect(0)
            self.fleet.rollcall("webhook", "test", name).expect(code)
        self.assertEqual([post.json["webhook"] for post in receiver.posts], ["good"])
        self.fleet.rollcall("webhook", "add", "x", "--url", receiver.url, "--ca", self.fleet.file("nothing")).expect(2)

    def test_a_framework_that_nobody_knows_is_warned_of(self):
        self.names += [("observer", "typo"), ("observer", "right")]
        self.fleet.rollcall("observer", "add", "typo", "--framework", "wbe", "--url", self.receiver.url).expect(
            0, "no framework has the ID, name or role wbe", self.framework["name"])
        right = self.fleet.rollcall("observer", "add", "right", "--framework", self.framework["name"], "--url", self.receiver.url)
        self.assertNotIn("no framework", right.expect(0).err)


if __name__ == "__main__":
    unittest.main()
