#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""What operators ask of the lab's master, and what it makes of agents that are away, beside what a real one does."""
import json
import os
import re
import signal
import unittest

from lab import eventually
from lab_master import FOUR, LONG, ONE, THREE, TWO, WithMaster


class Operate(WithMaster):
    words = ["--agents", "3", "--zones", "1"]

    def reactivate(self, host):
        if self.lab.agent(host)["deactivated"]:
            self.assertEqual(self.on_agent("REACTIVATE_AGENT", host), (200, ""))

    def test_deactivated_until_reactivated(self):
        self.addCleanup(self.reactivate, ONE)
        tasks = self.lab.running(ONE)
        self.assertEqual(self.on_agent("DEACTIVATE_AGENT", ONE), (200, ""))
        for agent in (self.lab.agent(ONE), self.v1_agent(ONE)):
            self.assertEqual((agent["active"], agent["deactivated"], "drain_info" in agent), (False, True, False))
        before = self.lab.agent(ONE)
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.lab.agent(ONE).get("reregistered_time") != before.get("reregistered_time"), LONG, "it")
        self.assertEqual((self.lab.agent(ONE)["active"], self.lab.agent(ONE)["deactivated"]), (False, True))
        self.fail_over()
        self.all_back(3)
        self.assertEqual((self.lab.agent(ONE)["active"], self.lab.agent(ONE)["deactivated"]), (False, True))
        self.assertEqual(self.lab.running(ONE), tasks)
        self.assertEqual(self.on_agent("REACTIVATE_AGENT", ONE), (200, ""))
        self.assertEqual((self.lab.agent(ONE)["active"], self.lab.agent(ONE)["deactivated"]), (True, False))
        self.assertEqual(self.on_agent("REACTIVATE_AGENT", ONE), (400, "Agent is not deactivated"))

    def test_unknown_agents(self):
        nobody = {"agent_id": {"value": "nope"}}
        for kind in ("DRAIN_AGENT", "DEACTIVATE_AGENT"):
            self.assertEqual(self.call(kind, **{kind.lower(): nobody}), (400, "Unknown agent"))
        self.assertEqual(self.call("REACTIVATE_AGENT", reactivate_agent=nobody), (400, "Agent is not deactivated"))
        self.assertEqual(self.call("MARK_AGENT_GONE", mark_agent_gone=nobody), (404, "Agent 'nope' not found"))

    def test_drain(self):
        self.addCleanup(self.reactivate, TWO)
        tasks = self.lab.running(TWO)
        self.assertEqual(len(tasks), 2)
        self.assertEqual(self.on_agent("DRAIN_AGENT", TWO, max_grace_period={"seconds": 5}), (200, ""))
        eventually(lambda: self.lab.agent(TWO)["drain_info"]["state"] == "DRAINED", LONG, "the drain")
        agent = self.v1_agent(TWO)
        self.assertEqual((agent["active"], agent["deactivated"]), (False, True))
        self.assertEqual(agent["drain_info"], {"state": "DRAINED", "config": {"max_grace_period": {"nanoseconds": 5 * 10**9},
                                                                              "mark_gone": False}})
        self.assertIn("nanoseconds", agent["estimated_drain_start_time"])
        self.assertIn("estimated_drain_start_time_seconds", self.lab.agent(TWO))
        states = self.lab.task_states()
        self.assertEqual({states[task] for task in tasks}, {"TASK_KILLED"})
        killed = [task for task in json.loads(self.lab.call("GET_TASKS"))["get_tasks"]["completed_tasks"]
                  if task["task_id"]["value"] in tasks]
        self.assertEqual({task["statuses"][-1]["reason"] for task in killed}, {"REASON_AGENT_DRAINING"})
        self.fail_over()
        self.all_back(3)
        self.assertEqual(self.lab.agent(TWO)["drain_info"]["state"], "DRAINED")

    def test_drain_of_an_agent_that_is_away(self):
        self.addCleanup(self.reactivate, THREE)
        self.addCleanup(self.lab.systemctl, THREE, "start", "mesos-agent")
        self.lab.systemctl(THREE, "stop", "mesos-agent")
        eventually(lambda: not self.lab.agent(THREE)["active"], LONG, "the disconnection")
        self.assertEqual(self.on_agent("DRAIN_AGENT", THREE), (200, ""))
        self.assertEqual(self.lab.agent(THREE)["drain_info"], {"state": "DRAINING", "config": {"mark_gone": False}})
        self.assertEqual(self.on_agent("REACTIVATE_AGENT", THREE), (400, "Agent is still in the DRAINING state"))
        self.lab.systemctl(THREE, "start", "mesos-agent")
        eventually(lambda: self.lab.agent(THREE)["drain_info"]["state"] == "DRAINED", LONG, "the drain")


class Gone(WithMaster):
    words = ["--agents", "3", "--zones", "1"]

    def test_gone(self):
        old, tasks = self.lab.agent(ONE)["id"], self.lab.running(ONE)
        self.assertEqual(self.on_agent("MARK_AGENT_GONE", ONE), (200, ""))
        self.assertNotIn(old, [agent["id"] for agent in self.lab.agents().values()])
        states = self.lab.task_states()
        # A framework that is aware of partitions hears that it is gone, another one that it is lost.
        self.assertEqual(sorted(states[task] for task in tasks), ["TASK_GONE_BY_OPERATOR", "TASK_LOST"])
        eventually(lambda: "Agent has been marked gone" in self.lab.agent_log(ONE), LONG, "its end")
        self.assertEqual(self.call("MARK_AGENT_GONE", mark_agent_gone={"agent_id": {"value": old}}), (200, ""))
        self.fail_over()  # the registry knows
        self.assertNotIn(old, [agent["id"] for agent in self.lab.agents().values()])

    def test_drained_and_gone(self):
        old = self.lab.agent(TWO)["id"]
        self.assertEqual(self.on_agent("DRAIN_AGENT", TWO, mark_gone=True), (200, ""))
        eventually(lambda: old not in [agent["id"] for agent in self.lab.agents().values()], LONG, "its removal")
        eventually(lambda: "Agent has been marked gone" in self.lab.agent_log(TWO), LONG, "its end")


class Unregistered(WithMaster):
    """SIGUSR1: the agent says goodbye. systemd starts it again, and it comes back as who it was, without its tasks."""
    words = ["--agents", "1", "--zones", "1"]

    def test_forgotten_until_it_comes_back(self):
        before, tasks = self.lab.agent(ONE), self.lab.running(ONE)
        os.kill(int(self.lab.show(ONE, "MainPID")), signal.SIGUSR1)
        after = eventually(lambda: (self.lab.agent(ONE) or before)["registered_time"] > before["registered_time"] and
                           self.lab.agent(ONE), LONG, "its return")
        self.assertEqual((after["id"], self.lab.running(ONE) & tasks), (before["id"], set()))
        self.assertEqual(self.lab.get_json("/metrics/snapshot")["master/slave_removals/reason_unregistered"], 1)
        self.assertIn("the agent unregistered", self.master_log())


class Maintenance(WithMaster):
    def machine(self, host):
        return {"hostname": host, "ip": self.lab.hosts[host]["address"]}

    def window(self, *machines, **more):
        return {"machine_ids": list(machines), "unavailability": {"start": {"nanoseconds": 1}, **more}}

    def post(self, path, body):
        return self.ask(path, body)[::2]

    def setUp(self):
        self.assertEqual(self.post("/maintenance/schedule", {}), (200, ""))

    def test_a_post_replaces_everything(self):
        for host in (ONE, TWO):
            schedule = {"windows": [self.window(self.machine(host), duration={"nanoseconds": 3600 * 10**9})]}
            self.assertEqual(self.post("/maintenance/schedule", schedule), (200, ""))
            self.assertEqual(self.lab.get_json("/maintenance/schedule"), schedule)
            self.assertEqual(self.lab.get_json("/maintenance/status"), {"draining_machines": [{"id": self.machine(host)}]})
            answer = json.loads(self.lab.call("GET_MAINTENANCE_SCHEDULE"))
            self.assertEqual(answer["get_maintenance_schedule"]["schedule"], schedule)
        self.fail_over()
        self.assertEqual(self.lab.get_json("/maintenance/schedule"), schedule)
        self.all_back()
        status, text = self.on_agent("DRAIN_AGENT", TWO)
        agent = self.lab.agent(TWO)
        self.assertEqual((status, text), (400, f"Agent {agent['id']} is part of a maintenance schedule under Machine "
                                               f"{TWO} ({self.machine(TWO)['ip']})"))
        update = {"schedule": {"windows": []}}
        self.assertEqual(self.call("UPDATE_MAINTENANCE_SCHEDULE", update_maintenance_schedule=update), (200, ""))
        self.assertEqual(self.lab.get_json("/maintenance/schedule"), {})

    def test_what_the_real_master_refuses(self):
        good = self.machine(ONE)
        for body, text in (
                ({"windows": [self.window()]}, "List of machines in the maintenance window is empty"),
                ({"windows": [self.window({"hostname": ""})]}, "Both 'hostname' and 'ip' for a machine are empty"),
                ({"windows": [self.window({"ip": "x"})]}, "Failed to parse IPv4: x"),
                ({"windows": [self.window({"ip": "127.0.0.1"}), self.window({"ip": "127.0.0.1"})]},
                 "Machine '{\"ip\":\"127.0.0.1\"}' appears more than once in the schedule"),
                ({"windows": [self.window(good, duration={"nanoseconds": -1})]}, "Unavailability 'duration' is negative"),
                ({"windows": [{"machine_ids": [good]}]}, "Missing required fields: windows[0].unavailability"),
                (b"bla", "syntax error at line 1 near: bla"), ([], "Unexpected JSON type parsed")):
            with self.subTest(text):
                self.assertEqual(self.post("/maintenance/schedule", body), (400, text))
        self.assertEqual(self.lab.get_json("/maintenance/schedule"), {})
        for path, body, text in (
                ("/machine/down", [], "List of machines is empty"), ("/machine/down", {}, "Unexpected JSON type parsed"),
                ("/machine/down", [{"hostname": "other"}],
                 "Machine '{\"hostname\":\"other\"}' is not part of a maintenance schedule")):
            self.assertEqual(self.post(path, body), (400, text))

    def test_down_and_up(self):
        machine, before, tasks = self.machine(TWO), self.lab.agent(TWO), self.lab.running(TWO)
        named = json.dumps(machine, separators=(",", ":"))
        self.assertEqual(self.post("/maintenance/schedule", {"windows": [self.window(machine)]}), (200, ""))
        self.assertEqual(self.post("/machine/up", [machine]),
                         (400, f"Machine '{named}' is not in DOWN mode and cannot be brought up"))
        self.assertEqual(self.post("/machine/down", [machine]), (200, ""))
        self.assertNotIn(TWO, self.lab.agents())
        self.assertEqual({self.lab.task_states()[task] for task in tasks}, {"TASK_LOST"})
        self.assertEqual(self.lab.get_json("/maintenance/status"), {"down_machines": [machine]})
        eventually(lambda: "Operator initiated 'Machine DOWN'" in self.lab.agent_log(TWO), LONG, "its shutdown")
        eventually(lambda: "Machine is `DOWN`" in self.lab.agent_log(TWO), LONG, "its refusal")  # systemd starts it again
        self.assertEqual(self.post("/machine/down", [machine]),
                         (400, f"Machine '{named}' is not in DRAINING mode and cannot be brought down"))
        self.assertEqual(self.post("/maintenance/schedule", {}),
                         (400, f"Machine '{named}' is deactivated and cannot be removed from the schedule"))
        self.assertEqual(self.post("/machine/up", [machine]), (200, ""))
        self.assertEqual(self.lab.get_json("/maintenance/schedule"), {})
        self.lab.systemctl(TWO, "reset-failed", "mesos-agent")
        self.lab.systemctl(TWO, "start", "mesos-agent")
        after = eventually(lambda: self.lab.agent(TWO), LONG, "its return")
        self.assertEqual(after["id"], before["id"])


class Reservations(WithMaster):
    def reserve(self, name, amount, **more):
        return {"type": "SCALAR", "name": name, "scalar": {"value": amount},
                "reservations": [{"type": "DYNAMIC", "role": "web", **more}]}

    def test_made_kept_and_taken_back(self):
        volume = {**self.reserve("disk", 64), "disk": {"persistence": {"id": "v1"},
                                                       "volume": {"mode": "RW", "container_path": "data"}}}
        self.assertEqual(self.on_agent("RESERVE_RESOURCES", ONE, resources=[
            self.reserve("cpus", 1, principal="op"), self.reserve("disk", 100)]), (202, ""))
        self.assertEqual(self.on_agent("CREATE_VOLUMES", ONE, volumes=[volume]), (202, ""))
        status, text = self.on_agent("UNRESERVE_RESOURCES", ONE, resources=[self.reserve("disk", 100)])
        self.assertEqual(status, 409)
        self.assertTrue(text.endswith("disk(reservations: [(DYNAMIC,web)])[v1:data]:64 does not contain "
                                      "disk(reservations: [(DYNAMIC,web)]):100"), text)
        self.check(ONE)
        self.lab.restart(ONE)  # the agent has it on disk
        self.check(ONE)
        self.fail_over()
        self.all_back()
        self.check(ONE)
        self.assertEqual(self.on_agent("DESTROY_VOLUMES", ONE, volumes=[volume]), (202, ""))
        self.assertEqual(self.on_agent("UNRESERVE_RESOURCES", ONE, resources=[
            self.reserve("cpus", 1, principal="op"), self.reserve("disk", 100)]), (202, ""))
        self.assertEqual(self.lab.agent(ONE)["reserved_resources"], {})

    def check(self, host):
        agent = self.lab.agent(host)
        self.assertEqual(agent["reserved_resources"], {"web": {"disk": 100.0, "mem": 0.0, "gpus": 0.0, "cpus": 1.0}})
        self.assertEqual((agent["resources"]["cpus"], agent["unreserved_resources"]["cpus"]), (8, 7))
        full = {(one["name"], one["scalar"]["value"]): one for one in agent["reserved_resources_full"]["web"]}
        self.assertEqual(full["cpus", 1]["reservation"], {"principal": "op"})
        self.assertEqual(full["disk", 36]["reservation"], {})
        self.assertEqual(full["disk", 64]["disk"]["persistence"], {"id": "v1"})
        v1 = self.v1_agent(host)
        self.assertEqual([one for one in v1["agent_info"]["resources"] if "reservations" in one], [])
        self.assertEqual(len([one for one in v1["total_resources"] if one["role"] == "web"]), 3)

    def test_too_much_and_not_reserved(self):
        status, text = self.on_agent("RESERVE_RESOURCES", TWO, resources=[self.reserve("cpus", 1000)])
        self.assertEqual((status, text[-len(" does not contain cpus:1000"):]), (409, " does not contain cpus:1000"))
        agent = self.lab.agent(TWO)
        plain = {"type": "SCALAR", "name": "cpus", "scalar": {"value": 1}}
        self.assertEqual(self.on_agent("RESERVE_RESOURCES", TWO, resources=[plain]),
                         (400, f"Invalid RESERVE operation on agent {agent['id']} at {agent['pid']} ({TWO}): Resource "
                               "cpus:1 is not dynamically reserved"))
        nobody = {"agent_id": {"value": "nope"}, "resources": [self.reserve("cpus", 1)]}
        self.assertEqual(self.call("RESERVE_RESOURCES", reserve_resources=nobody),
                         (400, "No agent found with specified ID"))


class Admission(WithMaster):
    """Agents that are ignored: they run, hear nothing, and stay inactive until the master thinks otherwise."""
    words = ["--agents", "4", "--zones", "1"]

    def ignored(self, host, text):
        self.lab.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: re.search(text, self.master_log()), LONG, "its refusal")
        self.assertEqual(self.lab.show(host, "ActiveState"), "active")
        self.assertFalse(self.lab.agent(host)["active"])

    def back(self, host):
        self.lab.heal("master")
        return eventually(lambda: (self.lab.agent(host) or {}).get("active") and self.lab.agent(host), LONG, "it")

    def test_required_domain(self):
        before = self.lab.agent(FOUR)
        self.lab.break_("master", "require-domain")
        self.assertEqual(self.lab.get_json("/flags")["flags"]["require_agent_domain"], "true")
        self.ignored(FOUR, "attempted to register without a domain, but this master is configured to require agent "
                           "domains. Ignoring agent re-registration attempt")
        self.lab.restart(ONE)  # has a domain
        self.assertEqual(self.back(FOUR)["id"], before["id"])

    def test_role_that_no_agent_may_have(self):
        self.lab.break_("master", "refuse-role", "--match", "db")
        self.assertIn('"values":["db"]', self.lab.get_json("/flags")["flags"]["acls"])
        os.unlink(self.lab.path(TWO, "var/lib/mesos/meta/slaves/latest"))
        self.lab.edit_flags(TWO, "mem:4096;", "mem:3584;mem(db):512;")
        self.ignored(TWO, r"Refusing registration of agent at \S+ .node002.lab.: Not authorized to register agent "
                          r"providing resources .*mem\(reservations: \[\(STATIC,db\)\]\):512.*' without a principal")
        self.assertEqual(self.back(TWO)["reserved_resources"]["db"]["mem"], 512)


class Unreachable(WithMaster):
    """An agent that is silent for too long."""
    words = ["--agents", "1", "--zones", "1"]
    scale = 20  # the pings' patience is under 4 s

    def test_unreachable(self):
        with open(self.lab.path(ONE, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_EXECUTOR_REREGISTRATION_TIMEOUT=15secs\n")
        tasks, before = self.lab.running(ONE), self.lab.agent(ONE)
        self.lab.systemctl(ONE, "stop", "mesos-agent")
        eventually(lambda: ONE not in self.lab.agents(), LONG, "it to be unreachable")
        state = self.lab.get_json("/state")
        self.assertEqual(state["unreachable_slaves"], 1)
        shown = {task["id"]: task["state"] for framework in state["frameworks"] for task in framework["unreachable_tasks"]}
        self.assertEqual(set(shown), tasks)
        # The framework "web" is aware of partitions, "batch" is not.
        self.assertEqual({name.split(".")[0]: state for name, state in shown.items()},
                         {"web": "TASK_UNREACHABLE", "batch": "TASK_LOST"})
        unreachable = json.loads(self.lab.call("GET_TASKS"))["get_tasks"]["unreachable_tasks"]
        self.assertEqual({task["task_id"]["value"] for task in unreachable}, tasks)
        self.assertIn(f"Marked agent {before['id']} ({ONE}) unreachable: health check timed out", self.master_log())
        self.lab.systemctl(ONE, "start", "mesos-agent")
        after = eventually(lambda: self.lab.agent(ONE), LONG, "its return")
        self.assertEqual((after["id"], self.lab.running(ONE)), (before["id"], tasks))
        self.assertGreater(after["registered_time"], before["registered_time"])


class OldMaster(WithMaster):
    """A master before 1.5 keeps the record it has; the one after it takes the new one."""
    words = ["--agents", "1", "--zones", "1", "--master-version", "1.4.0"]

    def test_stale_until_it_fails_over(self):
        state = self.lab.get_json("/state")
        self.assertEqual((state["version"], "capabilities" in state), ("1.4.0", False))
        self.assertNotIn("deactivated", self.lab.agent(ONE))
        self.lab.edit_flags(ONE, "generation:g1", "generation:g1;ssd:true")
        with open(self.lab.path(ONE, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_RECONFIGURATION_POLICY=additive\n")
        after = self.lab.restart(ONE)
        self.assertNotIn("ssd", after["attributes"])
        self.fail_over()
        self.all_back(1)
        self.assertEqual(self.lab.agent(ONE)["attributes"]["ssd"], "true")
        status, text = self.on_agent("DRAIN_AGENT", ONE)
        self.assertEqual((status, text), (400, "Failed to validate master::Call: Expecting 'type' to be present"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
