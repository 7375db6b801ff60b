#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# long: yes
"""Observers whose receivers stall, are down, or want no more; rollbacks; and rollcall killed before and while it sends."""
import os
import re
import signal
import sqlite3
import unittest

from lab import eventually
from observing import Observing


class Trouble(Observing):
    def test_a_rollback_is_told_too(self):
        self.observe()
        self.roll_out()
        self.deliver()
        self.fleet.rollcall("rollout", "rollback", "latest", "--yes").expect(0)
        self.deliver()
        tasks = self.tasks()
        taken = self.receiver.taken()
        self.assertEqual(len({post.id for post in taken}), 2 * len(tasks))
        for agent in {post.agent for post in taken}:
            runs = list(dict.fromkeys(post.json["run"] for post in taken if post.agent == agent))
            self.assertEqual(len(runs), 2)
        for post in taken[-len(tasks):]:
            self.assertNotIn(self.generation, [one["text"]["value"] for one in post.json["data"]["attributes"]
                                                 if one["name"] == "generation"])

    def test_a_receiver_that_stalls_holds_up_nobody(self):
        stalled = self.framework["tasks"][0]["slave_id"]
        self.observe()
        self.receiver.behave = lambda post: "stall" if post.agent == stalled else 200
        self.roll_out()
        wanted = {(agent, task) for agent, task in self.tasks() if agent != stalled}
        self.receiver.wait_for(lambda posts: {(post.agent, post.task) for post in posts if post.taken} >= wanted,
                               "the delivery for other agents")
        self.assertEqual(self.fleet.latest()["state"], "done")
        self.assertEqual(self.receiver.taken() and {post.agent for post in self.receiver.taken()},
                         {agent for agent, _ in wanted})
        self.receiver.behave = lambda post: 200
        self.receiver.going.set()
        self.deliver()
        self.check_all_told()

    def test_a_receiver_that_is_down_is_told_when_it_is_back(self):
        self.observe()
        self.receiver.stop()
        run = self.rollout().finish()
        try:
            run.expect(0, "not delivered yet")
            waiting = self.queue()
            self.assertEqual(waiting["waiting"], len(self.tasks()))
            self.assertTrue(any(event["error"] and event["attempts"] > 0 for event in waiting["events"]))
            self.fleet.rollcall("observer", "remove", "ops").expect(3, "still wait")
        finally:
            self.receiver.start()
        self.deliver()
        self.check_all_told()

    def test_dead_letters_are_shown_and_dropped_only_by_hand(self):
        self.observe()
        self.receiver.behave = lambda post: 410
        self.roll_out()
        dead = eventually(lambda: [event for event in self.queue()["events"] if event["dead"]], 60, "a dead letter")
        self.assertIn("410", dead[0]["error"])
        with sqlite3.connect(os.path.join(self.fleet.dir, "rollcall.db"), timeout=60) as database:
            database.execute("UPDATE outgoing SET created_ms = created_ms - 4 * 86400000 WHERE ended_ms IS NULL")
        database.close()
        waiting = self.queue()
        self.assertEqual(waiting["dead"], waiting["waiting"])
        self.fleet.rollcall("observer", "queue").expect(0, "DEAD", "queue drop")
        self.fleet.rollcall("observer", "queue", "drop", str(dead[0]["number"])).expect(0)
        self.fleet.rollcall("observer", "queue", "drop", str(dead[0]["number"])).expect(2, "no event that waits")
        self.assertEqual(self.queue()["waiting"], waiting["waiting"] - 1)
        self.receiver.behave = lambda post: 200
        self.deliver()
        self.assertNotIn(dead[0]["id"], {post.id for post in self.receiver.taken()})
        self.assertEqual(len(self.receiver.taken()), len(self.tasks()) - 1)

    def test_nothing_is_lost_when_it_is_killed_between_commit_and_send(self):
        self.observe()
        self.receiver.stop()  # nothing can be sent: whatever is committed is still to be sent
        running = self.rollout("--window", "1")
        running.wait_for(r"soaking|done")
        running.kill()
        self.receiver.start()
        self.fleet.rollcall("rollout", "resume", "latest").expect(0)
        self.deliver()
        self.check_all_told()

    def test_a_delivery_that_is_killed_goes_on(self):
        self.observe()
        self.receiver.behave = lambda post: 503
        self.roll_out()
        seen = len(self.receiver.posts)
        self.receiver.behave = lambda post: 200 if len(self.receiver.taken()) < 2 else "stall"
        delivering = self.fleet.start("observer", "deliver", "--watch")
        self.receiver.wait_for(lambda posts: len(posts) > seen + 2, "two deliveries and one that stalls")
        delivering.signal(signal.SIGKILL)
        delivering.finish()
        self.receiver.behave = lambda post: 200
        self.receiver.going.set()
        self.deliver()
        self.check_all_told()


class Rescue(Observing):
    AGENTS, SCALE = 1, 5  # its executors wait for its agent all the while

    def push(self, old, new):
        """Somebody pushes flags with which the agent refuses to start."""
        host = self.fleet.names[0]
        self.fleet.edit_flags(host, f"generation:{old}", f"generation:{new}")
        self.fleet.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: self.fleet.show(host, "ActiveState") == "failed", 120, "the supervisor's giving up")

    def rescue(self):
        proposal = self.fleet.rollcall("rescue", "tasks >= 0", "--json").expect(0).json()["proposal"]
        self.fleet.rollcall("rescue", "tasks >= 0", "--yes", proposal).expect(0)

    def generation_now(self):
        return next(iter(self.fleet.agents().values()))["attributes"]["generation"]

    def test_a_rescue_is_in_logs_and_reports(self):
        """Of a run that changed the agent before, too: what the report says of it is not the last that happened to it."""
        self.roll_out()
        self.push(self.generation_now(), "later")
        self.rescue()
        words = self.fleet.rollcall("audit", "log", "--kind", "rescue").expect(
            0, "a rescue of 1 host begins", "is to be started again with its ID", "the master shows it again", "proven to be rescued")
        self.assertNotIn("{", words.out)
        for form in ("text", "markdown", "html", "json"):
            self.fleet.rollcall("audit", "report", "latest", "--format", form).expect(0, "proven to be rescued")
        self.check_reports_in_its_name(words.out)

    def check_reports_in_its_name(self, log):
        """A rescue has neither a table nor a page: who puts its name into those of a run is found out."""
        rescue, run = re.search("rescue-[0-9a-f]+", log)[0], self.fleet.latest()["run"]
        for form in ("csv", "html"):
            text = self.fleet.rollcall("audit", "report", "latest", "--format", form).expect(0).out
            path = self.fleet.write("forged", text.replace(run, rescue))
            self.fleet.rollcall("audit", "verify", "--report", path).expect(1, "is a rescue")
        self.fleet.rollcall("audit", "verify", "--witness", "all").expect(0)

    def test_a_rescue_is_told(self):
        self.observe()
        self.push(self.generation_now(), "pushed")
        self.rescue()
        self.deliver()
        self.check_all_told()
        for post in self.receiver.posts:
            self.assertTrue(post.json["run"].startswith("rescue-"))
            self.assertIn("pushed", str(post.json["data"]["attributes"]))


if __name__ == "__main__":
    unittest.main()
