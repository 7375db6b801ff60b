#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draining as agents and frameworks see it, and what agents and the master remember of what has ended."""
import json
import os
import unittest

from lab import eventually
from lab_master import LONG, ONE, TWO, THREE, WithMaster
from scheduler import Plain


class Drain(WithMaster):
    """Tasks that do not listen to SIGTERM, so that the grace period is seen. Both frameworks checkpoint."""
    words = ["--agents", "3", "--zones", "1"]

    def of_agent(self, host, path="/state"):
        return self.lab.get_json(path, master=f"{self.lab.hosts[host]['address']}:5051")

    def of_tasks(self, kind, ids):
        """{task: [(state, reason, message) of each status]}."""
        return {task["task_id"]["value"]: [(status["state"], status.get("reason"), status.get("message"))
                                           for status in task["statuses"]]
                for task in json.loads(self.lab.call("GET_TASKS"))["get_tasks"].get(kind, [])
                if task["task_id"]["value"] in ids}

    def drain_state(self, host):
        return (self.lab.agent(host) or {}).get("drain_info", {}).get("state")

    def test_grace_is_given_and_can_be_cut_short(self):
        tasks = self.lab.running(ONE)
        self.break_("stubborn-tasks", ONE)
        grace = {"nanoseconds": 3600 * 10**9}
        self.assertEqual(self.on_agent("DRAIN_AGENT", ONE, max_grace_period={"seconds": 3600}), (200, ""))
        eventually(lambda: set(self.lab.task_states()[task] for task in tasks) == {"TASK_KILLING"}, LONG, "the kill")
        self.assertEqual(self.drain_state(ONE), "DRAINING")
        self.assertEqual(self.of_agent(ONE)["drain_config"], {"max_grace_period": grace, "mark_gone": False})
        self.assertGreater(self.of_agent(ONE)["estimated_drain_start_time_seconds"], 1e9)
        self.restart(ONE)
        self.assertEqual(self.drain_state(ONE), "DRAINING")
        eventually(lambda: self.of_agent(ONE).get("drain_config"), LONG, "the agent to go on draining")
        self.assertEqual(self.on_agent("DRAIN_AGENT", ONE, max_grace_period={"seconds": 0}), (200, ""))
        eventually(lambda: self.drain_state(ONE) == "DRAINED", LONG, "the drain")
        for statuses in self.of_tasks("completed_tasks", tasks).values():
            self.assertEqual(statuses[-2:], [
                ("TASK_KILLING", "REASON_AGENT_DRAINING", None),
                ("TASK_KILLED", "REASON_AGENT_DRAINING", "Command terminated with signal Killed")])
        eventually(lambda: "drain_config" not in self.of_agent(ONE), LONG, "the agent to be done")
        self.assertFalse(os.path.exists(self.lab.path(ONE, "var/lib/mesos/meta/slaves/latest/drain.config")))

    def restart(self, host):
        before = self.lab.agent(host).get("reregistered_time")
        self.assertEqual(self.lab.systemctl(host, "restart", "mesos-agent").returncode, 0)
        eventually(lambda: self.lab.agent(host).get("reregistered_time") not in (None, before), LONG, "its return")

    def break_(self, fault, host):
        self.addCleanup(self.lab.heal, host)
        self.lab.break_(host, fault)

    def test_what_has_ended_is_remembered_by_agents(self):
        tasks = self.lab.running(TWO)
        self.assertEqual(self.on_agent("DRAIN_AGENT", TWO), (200, ""))
        eventually(lambda: self.drain_state(TWO) == "DRAINED", LONG, "the drain")

        def remembered():
            state = self.of_agent(TWO)
            executors = [executor for framework in state["completed_frameworks"]
                         for executor in framework["completed_executors"]]
            return (state["frameworks"], {task["id"]: task["state"] for executor in executors
                                          for task in executor["completed_tasks"]},
                    [executor["tasks"] for executor in executors])
        expected = ([], {task: "TASK_KILLED" for task in tasks}, [[], []])
        self.assertEqual(remembered(), expected)
        self.restart(TWO)
        self.assertEqual(remembered(), expected)
        self.fail_over()  # the new master is told by the agent
        eventually(lambda: {self.lab.task_states().get(task) for task in tasks} == {"TASK_KILLED"}, LONG, "its memory")
        self.assertEqual(self.on_agent("REACTIVATE_AGENT", TWO), (200, ""))
        self.assertNotIn("drain_info", self.lab.agent(TWO))

    def test_drained_and_gone(self):
        """Whoever knows partitions hears that the task is gone, and the agent cannot come back."""
        old, tasks = self.lab.agent(THREE)["id"], self.lab.running(THREE)
        self.assertEqual(self.on_agent("DRAIN_AGENT", THREE, mark_gone=True), (200, ""))
        eventually(lambda: old not in [agent["id"] for agent in self.lab.agents().values()], LONG, "its removal")
        ends = {statuses[-1] for statuses in self.of_tasks("completed_tasks", tasks).values()}
        self.assertEqual({state for state, _, _ in ends}, {"TASK_GONE_BY_OPERATOR", "TASK_KILLED"})
        self.assertEqual({reason for _, reason, _ in ends}, {"REASON_AGENT_DRAINING"})
        eventually(lambda: self.master_log().count("because it is already marked gone") >= 2, LONG, "it to try again")
        self.assertNotIn(old, [agent["id"] for agent in self.lab.agents().values()])


class Ended(WithMaster):
    """A framework that ends takes its tasks with it, and is remembered as completed."""
    words = ["--agents", "1", "--zones", "1", "--tasks-per-agent", "0"]

    def test_a_framework_that_has_ended(self):
        plain = Plain(self.lab, "short")
        self.addCleanup(plain.close)
        offer, _ = plain.offers()[0]
        self.assertEqual(plain.launch(offer, "t1", cpus=1, mem=64)[0], 202)
        plain.wait_update("TASK_RUNNING")
        self.assertEqual(plain.post("TEARDOWN")[0], 202)
        eventually(lambda: self.lab.task_states().get("t1") == "TASK_KILLED", LONG, "the end")
        state = self.lab.get_json("/state")
        ended, = state["completed_frameworks"]
        self.assertNotIn("short", [framework["name"] for framework in state["frameworks"]])
        self.assertEqual((ended["name"], ended["active"], ended["connected"]), ("short", False, False))
        self.assertGreater(ended["unregistered_time"], ended["registered_time"])
        self.assertEqual([task["id"] for task in ended["completed_tasks"]], ["t1"])
        answer = json.loads(self.lab.call("GET_FRAMEWORKS"))["get_frameworks"]
        self.assertEqual([one["framework_info"]["name"] for one in answer["completed_frameworks"]], ["short"])
        status = json.loads(self.lab.call("GET_TASKS"))["get_tasks"]["completed_tasks"][0]["statuses"][-1]
        self.assertEqual((status["state"], status["reason"]), ("TASK_KILLED", "REASON_FRAMEWORK_REMOVED"))
        # In protobuf the real master leaves these tasks out.
        self.assertNotIn(b"t1", self.lab.call("GET_TASKS", accept="application/x-protobuf"))


if __name__ == "__main__":
    unittest.main()
