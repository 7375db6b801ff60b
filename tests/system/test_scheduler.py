#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""Frameworks of people on the lab's master: the v1 scheduler API, and offers that never promise what is not there."""
import unittest

from lab import eventually
from lab_master import LONG, ONE
from scheduler import Protobuf, Scheduler, launch
from scheduling import WithScheduler

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
        self.assertIn("cpus:9; mem:1 required by task and its executor is more than available cpus:8", said["message"])
        scheduler.launch(offer, "late", cpus=1, mem=1)
        self.assertEqual(scheduler.wait_update("TASK_LOST")["reason"], "REASON_INVALID_OFFERS")
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        for name, value in (("cpus", -1), ("cpus", 0)):
            scheduler.launch(offer, "none", **{name: value})
            scheduler.wait_update("TASK_ERROR")
            offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        scheduler.launch(offer, "../up", cpus=1, mem=1)
        self.assertIn("no file name", scheduler.wait_update("TASK_ERROR")["message"])
        for operation in ({"type": "LAUNCH_GROUP"}, {"type": "RESERVE", "id": {"value": "x"}}, {}):
            self.assertEqual(scheduler.post("ACCEPT", offer_ids=[], operations=[operation])[0], 501)
        self.assertEqual(scheduler.post("KILL")[0], 400)
        self.assertEqual(scheduler.post("DANCE")[0], 400)
        self.assertEqual(scheduler.post("SHUTDOWN")[0], 501)
        self.assertEqual(scheduler.post("REVIVE", stream="another")[0], 400)

    def test_who_may_call(self):
        ask = self.ask
        json_type = {"Content-Type": "application/json"}
        self.assertEqual(ask("/api/v1/scheduler")[0], 405)
        self.assertEqual(ask("/api/v1/scheduler", b"{}", headers={"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(ask("/api/v1/scheduler", b"rubbish", headers=json_type)[0], 400)
        self.assertEqual(ask("/api/v1/scheduler", {"type": "SUBSCRIBE"}, headers=json_type)[0], 400)
        self.assertEqual(ask("/api/v1/scheduler", {"type": "REVIVE"}, headers=json_type)[0], 400)
        refused = {"id": {"value": "x"}, "user": "root", "name": "x"}
        for more, status in (({}, 400), ({"framework_id": {"value": "y"}}, 400)):
            call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": refused}, **more}
            self.assertEqual(ask("/api/v1/scheduler", call, headers=json_type)[0], status)
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "x"}}}
        self.assertEqual(ask("/api/v1/scheduler", call, headers={**json_type, "Accept": "text/html"})[0], 406)
        self.assertEqual(ask("/api/v1/scheduler", call, headers={**json_type, "Mesos-Stream-Id": "x"})[0], 400)

    def test_who_is_turned_away_hears_why(self):
        own = self.lab.get_json("/frameworks")["frameworks"][0]["id"]
        many = [{"type": "MULTI_ROLE"}]
        for info, why in (({"id": {"value": own}}, "the lab's own"), ({"roles": ["a"]}, "must not be set"),
                          ({"id": {"value": "../../x"}}, "no file name"),
                          ({"roles": ["a"], "capabilities": many}, "must not be set")):
            refused = self.plain(**info)
            self.assertIn(why, refused.refused)
            with self.assertRaises(EOFError):
                refused.event()

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

    def test_suppressed_by_role(self):
        scheduler = self.plain("many", None, roles=["a", "b"], capabilities=[{"type": "MULTI_ROLE"}])
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        self.assertEqual(offer["allocation_info"]["role"], "a")  # nobody has anything: by their names
        scheduler.post("SUPPRESS", roles=["a"])
        scheduler.decline(offer)
        offer = self.offer(scheduler, {"cpus": 8, "mem": 4096})
        self.assertEqual(offer["allocation_info"]["role"], "b")
        scheduler.launch(offer, "one", cpus=1, mem=1)
        scheduler.wait_update("TASK_RUNNING")
        scheduler.post("SUPPRESS")
        scheduler.post("REVIVE", roles=["a"])
        scheduler.decline(self.offer(scheduler, {"cpus": 7, "mem": 4095}), 1000.0)
        roles = {role["name"]: role for role in self.lab.get_json("/roles")["roles"]}
        self.assertIn(scheduler.id["value"], roles["a"]["frameworks"])
        self.assertIn(scheduler.id["value"], roles["b"]["frameworks"])
        self.assertEqual(roles["b"]["resources"]["cpus"], 1)

    def test_what_was_asked_and_told_is_counted(self):
        scheduler = self.plain("counted")
        before = self.metrics()
        scheduler.decline(self.offer(scheduler, {"cpus": 8, "mem": 4096}))
        scheduler.accept(self.offer(scheduler, {"cpus": 8, "mem": 4096}))  # nothing is done with it
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "one", cpus=1, mem=1)
        scheduler.wait_update("TASK_RUNNING")
        offer = self.offer(scheduler, {"cpus": 7, "mem": 4095})
        after = self.metrics()
        own = {name.split(scheduler.id["value"] + "/")[1]: value for name, value in after.items()
               if scheduler.id["value"] in name}
        self.assertEqual([own[name] for name in ("calls/accept", "calls/decline", "calls/subscribe", "offers/accepted",
                                                 "offers/declined", "events/subscribed", "operations/launch")],
                         [2, 1, 1, 1, 2, 1, 1])
        self.assertEqual((own["offers/sent"], own["events/offers"]), (4, 4))
        self.assertEqual(own["calls"], sum(value for name, value in own.items() if name.startswith("calls/")))
        self.assertEqual(own["events"], sum(value for name, value in own.items() if name.startswith("events/")))
        self.assertEqual(after["master/outstanding_offers"], 1)
        self.assertEqual(after["master/messages_decline_offers"] - before["master/messages_decline_offers"], 2)
        scheduler.decline(offer, 1000.0)

    def metrics(self):
        return self.lab.get_json("/metrics/snapshot")

    def test_torn_down(self):
        scheduler = self.plain(checkpoint=True)
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "orphan", cpus=1, mem=1)
        scheduler.wait_update("TASK_RUNNING")
        self.assertEqual(scheduler.post("TEARDOWN")[0], 202)
        with self.assertRaises(EOFError):
            while True:
                scheduler.event()
        eventually(lambda: not self.lab.running(ONE), LONG, "the end of its task")
        self.assertIn("removed", self.plain(id=scheduler.id).refused)

    def test_a_scheduler_that_does_not_come_back(self):
        scheduler = self.plain(checkpoint=True, failover_timeout=0.1)
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "orphan", cpus=1, mem=1)
        scheduler.wait_update("TASK_RUNNING")
        scheduler.close()
        scheduler.stream = None
        eventually(lambda: not self.lab.running(ONE), LONG, "the end of its task")


class CallsInProtobuf(Calls):
    """The same calls and events, as the libraries of most languages speak them."""
    speaks = Protobuf

    def test_it_is_protobuf(self):
        scheduler = self.plain()
        self.assertEqual(scheduler.answer.getheader("Content-Type"), "application/x-protobuf")
        headers = {"Content-Type": "application/x-protobuf"}
        self.assertEqual(self.ask("/api/v1/scheduler", b"\xff\xff", headers=headers)[0], 400)


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
        scheduler.wait_rescinded(offer)
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
        web.accept(offer, launch(task))
        web.wait_update("TASK_RUNNING")
        web.post("SUPPRESS")  # else it holds the cpus that are free
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

    def test_what_runs_is_used_while_its_framework_is_away(self):
        """Also by a framework that another master knows from nobody but the agent."""
        scheduler = self.plain(checkpoint=True, failover_timeout=1e6)
        scheduler.launch(self.offer(scheduler, {"cpus": 8, "mem": 4096}), "one", cpus=3, mem=100)
        scheduler.wait_update("TASK_RUNNING")
        scheduler.close()
        self.fail_over()
        eventually(lambda: (self.lab.agent(ONE) or {}).get("active"), LONG, "the agent's return")
        self.assertEqual(self.lab.agent(ONE)["used_resources"]["cpus"], 3)
        other = self.plain("other")
        other.decline(self.offer(other, {"cpus": 5, "mem": 3996}), 1e6)
        again = self.plain(checkpoint=True, failover_timeout=1e6, id=scheduler.id)
        again.post("RECONCILE", tasks=[])
        self.assertEqual(again.wait_update("TASK_RUNNING")["task_id"]["value"], "one")

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
