#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""What frameworks do with offers but launching: reservations and volumes, and who may have them afterwards."""
import unittest

from lab import eventually
from lab_master import LONG, ONE
from scheduler import launch
from scheduling import WithScheduler

ALL = {"cpus": 8, "mem": 4096}


def amount(name, value, role=None, volume=None):
    resource = {"name": name, "type": "SCALAR", "scalar": {"value": value}}
    if role:
        resource["reservations"] = [{"type": "DYNAMIC", "role": role}]
    if volume:
        resource["disk"] = {"persistence": {"id": volume}, "volume": {"container_path": "data", "mode": "RW"}}
    return resource


def operation(kind, *resources):
    return {"type": kind, kind.lower(): {"volumes" if kind in ("CREATE", "DESTROY") else "resources": resources}}


def task(offer, name, *resources):
    return {"name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"], "resources": resources}


class Operations(WithScheduler):
    CPUS, MEM, DISK = amount("cpus", 2, "web"), amount("mem", 500, "web"), amount("disk", 100, "web")
    VOLUME = amount("disk", 100, "web", "v")

    def setUp(self):
        self.web = self.plain("w", "web", checkpoint=True, failover_timeout=1e5)
        self.addCleanup(self.take_back)

    def take_back(self):
        """Everything is free and nobody's again: by an operator, when the tasks have ended."""
        for name in ("one", "two"):
            self.web.post("KILL", task_id={"value": name})
        eventually(lambda: not self.lab.running(ONE), LONG, "the end of the tasks")
        for kind, member, resource in (("DESTROY_VOLUMES", "volumes", self.VOLUME),
                                       ("UNRESERVE_RESOURCES", "resources", self.DISK),
                                       ("UNRESERVE_RESOURCES", "resources", self.CPUS),
                                       ("UNRESERVE_RESOURCES", "resources", self.MEM)):
            self.on_agent(kind, ONE, **{member: [resource]})
        self.assertEqual(self.lab.agent(ONE)["reserved_resources"], {})

    def reserve(self, *more):
        return self.web.accept(self.offer(self.web, ALL), operation("RESERVE", self.CPUS, self.MEM, self.DISK), *more)

    def test_reserved_and_launched_at_once(self):
        offer = self.offer(self.web, ALL)
        self.web.accept(offer, operation("RESERVE", self.CPUS, self.MEM),
                        launch(task(offer, "one", amount("cpus", 1, "web"), amount("mem", 200, "web"))))
        self.web.wait_update("TASK_RUNNING")
        self.offer(self.web, {"cpus": 6, "mem": 3596, "cpus(web)": 1, "mem(web)": 300})
        self.assertEqual(self.lab.agent(ONE)["reserved_resources"]["web"]["mem"], 500)
        db = self.plain("d", "db")
        self.web.post("SUPPRESS")
        self.resize("cpus:8;mem:4096;disk:20000;ports:[31000-32000]")  # offers are void; what is reserved stays
        self.offer(db, {"cpus": 6, "mem": 3596})
        self.fail_over()
        eventually(lambda: (self.lab.agent(ONE) or {}).get("active"), LONG, "the agent's return")
        self.assertEqual(self.lab.agent(ONE)["reserved_resources"]["web"]["mem"], 500)
        self.web = self.plain("w", "web", checkpoint=True, id=self.web.id)
        self.offer(self.web, {"cpus": 6, "mem": 3596, "cpus(web)": 1, "mem(web)": 300})

    def test_volumes(self):
        self.reserve(operation("CREATE", self.VOLUME))
        left = {"cpus": 6, "mem": 3596, "cpus(web)": 2, "mem(web)": 500}
        offer = self.offer(self.web, {**left, "disk(web)[v]": 100})
        self.web.accept(offer, launch(task(offer, "one", amount("cpus", 2, "web"), amount("mem", 500, "web"),
                                           self.VOLUME)))
        self.web.wait_update("TASK_RUNNING")
        self.web.accept(self.offer(self.web, {"cpus": 6, "mem": 3596}), operation("DESTROY", self.VOLUME))
        self.assertEqual(self.on_agent("DESTROY_VOLUMES", ONE, volumes=[self.VOLUME])[0], 409)  # it is in use
        self.assertEqual(self.on_agent("UNRESERVE_RESOURCES", ONE, resources=[self.MEM])[0], 409)
        self.web.post("KILL", task_id={"value": "one"})
        self.web.wait_update("TASK_KILLED")
        offer = self.offer(self.web, {**left, "disk(web)[v]": 100})
        self.web.accept(offer, operation("DESTROY", self.VOLUME),
                        operation("UNRESERVE", self.CPUS, self.MEM, self.DISK))
        self.offer(self.web, ALL)
        self.assertEqual(self.lab.agent(ONE)["reserved_resources"], {})

    def test_what_is_not_valid_changes_nothing(self):
        """And what comes after it in the same call is done."""
        self.reserve(operation("CREATE", self.VOLUME))
        before = {"cpus": 6, "mem": 3596, "cpus(web)": 2, "mem(web)": 500, "disk(web)[v]": 100}
        wrong = [operation("RESERVE", amount("mem", 1, "db")), operation("RESERVE", amount("mem", 9999, "web")),
                 operation("RESERVE", amount("mem", 1)), operation("UNRESERVE", amount("mem", 501, "web")),
                 operation("UNRESERVE", self.VOLUME), operation("UNRESERVE", amount("mem", 1)),
                 operation("CREATE", self.VOLUME), operation("CREATE", amount("disk", 10, None, "w")),
                 operation("CREATE", amount("disk", 10, "web")), operation("DESTROY", amount("disk", 100, "web", "x")),
                 operation("DESTROY", amount("disk", 50, "web", "v")),
                 operation("UNRESERVE", self.CPUS, amount("mem", 501, "web"))]  # the whole of it, or nothing
        offer = self.offer(self.web, before)
        metrics = self.lab.get_json("/metrics/snapshot")
        self.web.accept(offer, *wrong, launch(task(offer, "one", amount("cpus", 1))))
        self.web.wait_update("TASK_RUNNING")
        self.offer(self.web, {**before, "cpus": 5})
        after = self.lab.get_json("/metrics/snapshot")
        self.assertEqual(after["master/operations/error"] - metrics["master/operations/error"], len(wrong))
        self.assertEqual(after["master/operations/finished"], metrics["master/operations/finished"])

    def test_with_an_offer_that_is_no_longer_valid(self):
        old = self.offer(self.web, ALL)
        self.web.decline(old)
        self.offer(self.web, ALL)
        self.web.accept(old, operation("RESERVE", self.CPUS), launch(task(old, "one", amount("cpus", 1))))
        self.assertEqual(self.web.wait_update("TASK_LOST")["reason"], "REASON_INVALID_OFFERS")
        self.assertEqual(self.lab.agent(ONE)["reserved_resources"], {})

    def test_an_operator_reserves_what_is_on_offer(self):
        """The offer goes; what tasks use is not his to have."""
        offer = self.offer(self.web, ALL)
        self.web.accept(offer, launch(task(offer, "one", amount("cpus", 7))))
        self.web.wait_update("TASK_RUNNING")
        offer = self.offer(self.web, {"cpus": 1, "mem": 4096})
        self.assertEqual(self.on_agent("RESERVE_RESOURCES", ONE, resources=[self.CPUS])[0], 409)
        self.assertEqual(self.on_agent("RESERVE_RESOURCES", ONE, resources=[self.MEM])[0], 202)
        self.web.wait_rescinded(offer)
        self.offer(self.web, {"cpus": 1, "mem": 3596, "mem(web)": 500})


if __name__ == "__main__":
    unittest.main()
