#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A lab made from the inventory export of a cluster is like it: the same agents, the same tasks, the same plan."""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from lab import BIN, Lab, eventually, run_lab

PATIENCE = 60  # seconds
HOSTS = [f"node{number:03}.lab" for number in range(1, 6)]
RULES = [{"match": "tier = 'web'", "attributes": {"tier": "www", "wave": "1"}, "resources": {"mem": 3000}},
         {"match": "tier = 'db'", "attributes": {"generation": "g2"}}]


class Operator:
    """rollcall with a database of its own, on one lab."""

    def __init__(self, lab, folder, name):
        self.lab, self.folder, self.name = lab, folder, name
        self.env = dict(os.environ, ROLLCALL_CONFIG=os.path.join(lab.dir, "rollcall.json"),
                        ROLLCALL_DB=os.path.join(folder, name + ".db"))

    def run(self, *words):
        result = subprocess.run([os.path.join(BIN, "rollcall"), *words], env=self.env, capture_output=True, text=True,
                                timeout=120, check=False)
        if result.returncode != 0:
            raise AssertionError(f"{words}: {result.stdout}{result.stderr}")
        return result.stdout

    def look(self):
        self.run("inventory", "sync")
        self.run("inventory", "survey")

    def facts(self):
        """By hostname what an export tells of an agent."""
        agents = {agent["agent_info"]["hostname"]: agent["agent_info"] for agent in
                  json.loads(self.lab.call("GET_AGENTS"))["get_agents"]["agents"]}
        for info in agents.values():
            del info["id"]
            info["resources"].sort(key=json.dumps)
        return agents

    def tasks(self):
        """How many of each framework run on each host, and what they use there."""
        state = self.lab.get_json("/state")
        names = {framework["id"]: (framework["name"], framework["checkpoint"]) for framework in state["frameworks"]}
        hosts = {agent["id"]: agent["hostname"] for agent in state["slaves"]}
        counts = collections.Counter((hosts[task["slave_id"]], *names[task["framework_id"]])
                                     for framework in state["frameworks"] for task in framework["tasks"])
        used = {agent["hostname"]: {name: agent["used_resources"][name] for name in ("cpus", "mem", "disk")}
                for agent in state["slaves"]}
        return counts, used, {agent["hostname"]: agent["version"] for agent in state["slaves"]}

    def plan(self):
        path = os.path.join(self.folder, f"{self.name}.json")
        with open(path, "w") as file:
            json.dump({"name": "likeness", "rules": RULES}, file)
        self.run("config", "add", path)
        text = self.run("rollout", "plan", "likeness")
        text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8,12}\b", "HASH", text)
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
        return re.sub(r"\d+\.\d+ s\b|127(\.\d+){3}", "N", text)


class Likeness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="likeness-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.real = cls.lab("--agents", "5", "--zones", "2", "--agent-version", "1.12.0,1.8.1")
        for host, resources in ((HOSTS[1], "cpus:6;cpus(db):2;mem:4096;disk:20000;ports:[31000-31099,31500-31599]"),
                                (HOSTS[2], "cpus:8;mem:4096;disk:10000;bugs(debug):{a,b};ports:[31000-32000]")):
            cls.real.edit_flags(host, "cpus:8;mem:4096;disk:20000;ports:[31000-32000]", resources)
            shutil.rmtree(cls.real.path(host, "var/lib/mesos/meta"))  # it comes back as a new agent
            before = cls.real.agent(host)
            cls.real.systemctl(host, "restart", "mesos-agent")
            cls.real.wait_reregistered(host, before, PATIENCE)
        eventually(lambda: len(cls.real.running()) == 10, PATIENCE, "all tasks")
        cls.operator = Operator(cls.real, cls.folder, "real")
        cls.operator.look()
        cls.export = os.path.join(cls.folder, "export.jsonl")
        cls.operator.run("inventory", "export", cls.export)
        cls.like = cls.lab("--from", cls.export)
        cls.rehearsal = Operator(cls.like, cls.folder, "like")
        cls.rehearsal.look()

    @classmethod
    def lab(cls, *words):
        lab = Lab(*words)
        cls.addClassCleanup(lab.down)
        return lab

    def test_agents_are_the_same(self):
        self.assertEqual(sorted(self.like.agents()), HOSTS)
        self.assertEqual(self.rehearsal.facts(), self.operator.facts())

    def test_tasks_are_as_many_and_use_as_much(self):
        self.assertEqual(self.rehearsal.tasks(), self.operator.tasks())

    def test_each_has_ids_of_its_own(self):
        ids = [{agent["id"] for agent in lab.agents().values()} for lab in (self.real, self.like)]
        self.assertEqual(ids[0] & ids[1], set())

    def test_the_same_config_gives_the_same_plan(self):
        self.assertEqual(self.rehearsal.plan(), self.operator.plan())

    def test_it_is_a_lab_like_any_other(self):
        before = self.like.agent(HOSTS[1])
        tasks = self.like.running(HOSTS[1])
        self.assertEqual(self.like.restart(HOSTS[1])["id"], before["id"])
        self.assertEqual(self.like.running(HOSTS[1]), tasks)

    def test_what_is_no_export_is_refused(self):
        result = run_lab("up", "--dir", os.path.join(self.folder, "no"), "--from", __file__)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("not what rollcall inventory export writes", result.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "no")))

    def test_cluster_goes_with_from(self):
        self.assertEqual(run_lab("up", "--dir", os.path.join(self.folder, "no"), "--cluster", "eu").returncode, 2)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
