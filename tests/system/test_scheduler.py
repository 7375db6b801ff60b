#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""Frameworks of people on the lab's master: the v1 scheduler API, and offers that never promise what is not there."""
import time
import unittest

from lab import eventually
from lab_master import LONG, ONE, WithMaster
from scheduler import Plain, Scheduler

ANY = "MESOS_IGNORE_CHECKPOINTED_STATE='[\"resources\",\"attributes\",\"domains\"]'\n"
RESOURCES = "cpus:8;mem:4096;disk:20000;ports:[31000-32000]"


class WithScheduler(WithMaster):
    words = ["--agents", "1", "--zones", "1", "--tasks-per-agent", "0", "--dialect", "proposal"]

    def plain(self, *words, **info):
        scheduler = Plain(self.lab, *words, **info)
        self.addCleanup(self.end, scheduler)
        return scheduler

    def end(self, scheduler):
        if scheduler.stream:
            scheduler.post("TEARDOWN")
        scheduler.close()

    def tearDown(self):
        # Frameworks are torn down by cleanups, which come later: so this only undoes what was done to the agent.
        if "cpus:8;mem:4096;disk" not in self.lab.flags(ONE):
            self.resize(RESOURCES)

    def resize(self, resources):
        """The agent comes back with other resources; its tasks run on."""
        lines = [line for line in self.lab.flags(ONE).splitlines(True)
                 if "IGNORE_CHECKPOINTED" not in line and not line.startswith("MESOS_RESOURCES")]
        with open(self.lab.path(ONE, "etc/default/mesos-agent"), "w") as file:
            file.write("".join(lines) + f'MESOS_RESOURCES="{resources}"\n' + ANY)
        before = self.lab.agent(ONE)
        self.lab.systemctl(ONE, "reset-failed", "mesos-agent")  # as often as this is no start limit
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        return self.lab.wait_reregistered(ONE, before, LONG)

    def offer(self, scheduler, wanted):
        """Declines until what is offered is that."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            for offer, sums in scheduler.offers():
                if {name: value for name, value in sums.items() if name != "disk" and value} == wanted:
                    return offer
                scheduler.decline(offer)
        raise AssertionError(f"{wanted} was not offered; the last was {sums}")


class Calls(WithScheduler):
    def test_a_task_from_offer_to_end(self):
        scheduler = self.plain(checkpoint=True)
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        self.assertEqual((offer["hostname"], offer["framework_id"]), (ONE, scheduler.id))
        self.assertEqual(scheduler.launch(offer, "one", cpus=1, mem=100), (202, ""))
        self.assertEqual(scheduler.wait_update("TASK_RUNNING")["task_id"]["value"], "one")
        scheduler.decline(self.offer(scheduler, {"cpus": 7, "mem": 3996}))
        scheduler.post("RECONCILE", tasks=[])
        self.assertEqual(scheduler.wait_update("TASK_RUNNING")["reason"], "REASON_RECONCILIATION")
        scheduler.post("RECONCILE", tasks=[{"task_id": {"value": "nobody"}}])
        self.assertEqual(scheduler.wait_update("TASK_LOST")["reason"], "REASON_RECONCILIATION")
        scheduler.post("KILL", task_id={"value": "one"})
        scheduler.wait_update("TASK_KILLED")
        self.offer(scheduler, {"cpus": 8, "mem": 4096})

    def test_heartbeats(self):
        scheduler = self.plain(role="nobody")
        for _ in range(3):
            scheduler.next("HEARTBEAT")

    def test_what_is_wrong_is_said(self):
        scheduler = self.plain()
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        scheduler.launch(offer, "big", cpus=9, mem=1)
        said = scheduler.wait_update("TASK_ERROR")
        self.assertIn("more resources than are available", said["message"])
        scheduler.launch(offer, "late", cpus=1, mem=1)
        self.assertEqual(scheduler.wait_update("TASK_LOST")["reason"], "REASON_INVALID_OFFERS")
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        for name, value in (("cpus", -1), ("cpus", 0)):
            scheduler.launch(offer, "none", **{name: value})
            scheduler.wait_update("TASK_ERROR")
            offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        scheduler.launch(offer, "../up", cpus=1, mem=1)
        self.assertIn("no file name", scheduler.wait_update("TASK_ERROR")["message"])
        self.assertEqual(scheduler.post("ACCEPT", offer_ids=[], operations=[{"type": "RESERVE"}])[0], 501)
        self.assertEqual(scheduler.post("KILL")[0], 400)
        self.assertEqual(scheduler.post("DANCE")[0], 501)
        self.assertEqual(scheduler.post("REVIVE", stream="another")[0], 400)

    def test_who_may_call(self):
        ask = self.ask
        json_type = {"Content-Type": "application/json"}
        self.assertEqual(ask("/api/v1/scheduler")[0], 405)
        self.assertEqual(ask("/api/v1/scheduler", b"{}", headers={"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(ask("/api/v1/scheduler", b"rubbish", headers=json_type)[0], 400)
        self.assertEqual(ask("/api/v1/scheduler", {"type": "SUBSCRIBE"}, headers=json_type)[0], 400)
        self.assertEqual(ask("/api/v1/scheduler", {"type": "REVIVE"}, headers=json_type)[0], 400)
        own = self.lab.get_json("/frameworks")["frameworks"][0]["id"]
        refused = Plain(self.lab, id={"value": own})
        self.assertEqual(refused.answer.status, 403)
        refused.close()

    def test_declined_suppressed_revived(self):
        scheduler = self.plain()
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        scheduler.decline(offer, 100000.0)
        other = self.plain("other")
        mine = self.offer(other, {"cpus": 8, "mem": 4096})  # what one refuses the other gets
        scheduler.post("REVIVE")
        other.post("SUPPRESS")
        other.decline(mine)
        self.offer(scheduler, {"cpus": 8, "mem": 4096})

    def test_torn_down(self):
        scheduler = self.plain(checkpoint=True)
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "orphan", cpus=1, mem=1)
        scheduler.wait_update("TASK_RUNNING")
        self.assertEqual(scheduler.post("TEARDOWN")[0], 202)
        with self.assertRaises(EOFError):
            while True:
                scheduler.event()
        eventually(lambda: not self.lab.running(ONE), LONG, "the end of its task")
        again = Plain(self.lab, id=scheduler.id)
        self.assertEqual(again.answer.status, 403)
        again.close()

    def test_a_scheduler_that_does_not_come_back(self):
        scheduler = self.plain(checkpoint=True, failover_timeout=0.1)
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "orphan", cpus=1, mem=1)
        scheduler.wait_update("TASK_RUNNING")
        scheduler.close()
        scheduler.stream = None
        eventually(lambda: not self.lab.running(ONE), LONG, "the end of its task")


class Allocation(WithScheduler):
    def test_more_than_all_is_used_and_nothing_is_offered(self):
        scheduler = self.plain(checkpoint=True)
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "half", cpus=4, mem=2048)
        scheduler.wait_update("TASK_RUNNING")
        offer = self.offer(scheduler, {"cpus": 4, "mem": 2048})
        agent = self.resize("cpus:2;mem:1024")
        self.assertGreater(agent["used_resources"]["cpus"], agent["resources"]["cpus"])
        scheduler.launch(offer, "late", cpus=1, mem=100)  # the offer of before is void
        self.assertEqual(scheduler.wait_update("TASK_LOST")["reason"], "REASON_INVALID_OFFERS")
        # Nothing is offered while heartbeats come, and then what is free when the task has ended.
        self.silence(scheduler)
        scheduler.post("KILL", task_id={"value": "half"})
        scheduler.wait_update("TASK_KILLED")
        self.offer(scheduler, {"cpus": 2, "mem": 1024})

    def silence(self, scheduler):
        for _ in range(2):
            while True:
                event = scheduler.event()
                self.assertNotEqual(event["type"], "OFFERS")
                if event["type"] == "HEARTBEAT":
                    break

    def test_offers_are_rescinded(self):
        scheduler = self.plain()
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        self.resize("cpus:4;mem:1024")
        self.assertEqual(scheduler.next("RESCIND")["rescind"]["offer_id"], offer["id"])
        self.offer(scheduler, {"cpus": 4, "mem": 1024})

    def test_reservations_are_honoured(self):
        self.resize("cpus:4;mem:1000;mem(web):500;cpus(db):2")
        web, db = self.plain("w", "web"), None
        self.offer(web, {"cpus": 4, "mem": 1000, "mem(web)": 500})
        db = self.plain("d", "db")
        self.offer(db, {"cpus(db)": 2})

    def test_what_moves_to_another_role_while_it_is_used(self):
        self.resize("cpus:4;mem(web):1000")
        web = self.plain("w", "web", checkpoint=True)
        offer = self.offer(web, {"cpus": 4, "mem(web)": 1000})
        mem = next(resource for resource in offer["resources"] if resource["name"] == "mem")
        mem["scalar"]["value"] = 600
        cpus = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
        task = {"name": "t", "task_id": {"value": "t"}, "agent_id": offer["agent_id"], "resources": [mem, cpus]}
        web.post("ACCEPT", offer_ids=[offer["id"]],
                 operations=[{"type": "LAUNCH", "launch": {"task_infos": [task]}}])
        web.wait_update("TASK_RUNNING")
        self.resize("cpus:4;mem(db):1000")
        db = self.plain("d", "db")
        # And not the 600 that are used under another name.
        db.decline(self.offer(db, {"cpus": 3, "mem(db)": 400}))
        web.post("KILL", task_id={"value": "t"})
        web.wait_update("TASK_KILLED")
        self.offer(db, {"cpus": 4, "mem(db)": 1000})

    def test_two_frameworks_share(self):
        first, second = self.plain("a"), self.plain("b")
        first.launch(self.offer(first, {"cpus": 8, "mem": 4096}), "one", cpus=2, mem=100)
        first.wait_update("TASK_RUNNING")
        offer = self.offer(second, {"cpus": 6, "mem": 3996})  # the first has more already
        second.decline(offer, 1000.0)
        self.offer(first, {"cpus": 6, "mem": 3996})

    def test_after_a_failover_what_runs_is_still_used(self):
        self.resize("cpus:6;mem:3000")
        scheduler = Scheduler(self.lab, "--name", "stays", "--tasks", "2", "--cpus", "2", "--mem", "500", "--teardown")
        self.addCleanup(scheduler.stop)
        tasks = scheduler.wait_running(2)
        self.fail_over()
        scheduler.wait(lambda: len(scheduler.of("SUBSCRIBED")) == 2, "the second subscription")
        eventually(lambda: (self.lab.agent(ONE) or {}).get("active"), LONG, "the agent's return")
        agent = self.lab.agent(ONE)
        self.assertEqual((agent["resources"]["cpus"], agent["used_resources"]["cpus"]), (6, 4))
        eventually(lambda: self.lab.running(ONE) == tasks, LONG, "the same tasks")

        def last_offer():
            offers = [offer for event in scheduler.of("OFFERS") for offer in event["offers"]
                      if offer["id"]["value"].startswith(self.lab.get_json("/state")["id"])]
            return offers and {resource["name"]: resource["scalar"]["value"] for resource in offers[-1]["resources"]
                               if resource["name"] in ("cpus", "mem")}
        eventually(lambda: last_offer() == {"cpus": 2, "mem": 2000}, LONG, "an offer of what is left")


if __name__ == "__main__":
    unittest.main()
