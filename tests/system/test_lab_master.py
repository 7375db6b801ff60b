#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's master beside a real one: the shape of every answer."""
import json
import os
import re
import subprocess
import unittest
import urllib.request

from lab import DATA
from lab_master import ONE, TWO, WithMaster

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../schema")

READS = {"GET_AGENTS": {}, "GET_STATE": {}, "GET_TASKS": {}, "GET_FRAMEWORKS": {}, "GET_MASTER": {}, "GET_FLAGS": {},
         "GET_VERSION": {}, "GET_METRICS": {"get_metrics": {}}, "GET_HEALTH": {}, "GET_MAINTENANCE_STATUS": {},
         "GET_MAINTENANCE_SCHEDULE": {}}


def captured(name):
    with open(os.path.join(DATA, "captured", name)) as file:
        return json.load(file)


class Shapes(WithMaster):
    """Key by key, what a real master answered: tests/data/mesos/captured."""
    words = ["--agents", "2", "--zones", "1", "--loose-tasks-per-agent", "1"]
    # Members that depend on what an agent or a resource has, not on who answers.
    OPTIONAL = {"domain", "reregistered_time", "zk", "role", "reservations", "reservation", "ranges", "scalar", "set",
                "disk", "gpus", "widgets", "bugs", "ports", "cpus", "mem", "executor_id", "reason", "message"}
    # Objects whose keys are names that operators choose.
    FREE = {"attributes", "reserved_resources", "reserved_resources_full", "consumed", "resources", "allocated", "reserved"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        web = {"type": "SCALAR", "name": "mem", "scalar": {"value": 64}, "reservations": [{"type": "DYNAMIC", "role": "web"}]}
        for host in (ONE, TWO):
            agent = cls.lab.agent(host)["id"]
            body = {"type": "RESERVE_RESOURCES", "reserve_resources": {"agent_id": {"value": agent}, "resources": [web]}}
            request = urllib.request.Request(f"http://{cls.lab.master}/api/v1", json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30):
                pass

    def compare(self, ours, theirs, place):
        self.assertEqual(type(ours), type(theirs), place)
        if isinstance(theirs, dict):
            self.assertEqual(set(ours) - self.OPTIONAL, set(theirs) - self.OPTIONAL, place)
            for key in set(theirs) & set(ours) - self.FREE:
                self.compare(ours[key], theirs[key], f"{place}.{key}")
        elif isinstance(theirs, list) and theirs:
            self.assertTrue(ours, f"{place} is empty")
            self.compare(ours[0], theirs[0], place + "[0]")

    def test_endpoints(self):
        for name in ("slaves", "state", "state-summary", "tasks", "frameworks", "roles", "version", "flags"):
            with self.subTest(name):
                ours, theirs = self.lab.get_json("/" + name), captured(f"master-{name}.json")
                self.compare(ours, theirs, name)
                self.compare(self.lab.get_json("/master/" + name), theirs, name)

    def test_slaves_show_reservations_both_ways(self):
        agent = self.lab.agent(ONE)
        self.assertEqual(agent["reserved_resources"]["web"]["mem"], 64)
        self.assertEqual(agent["unreserved_resources"]["mem"], 4096 - 64)
        full = agent["reserved_resources_full"]["web"][0]
        self.compare(full, captured("master-slaves.json")["slaves"][0]["reserved_resources_full"]["web"][0], "full")

    def test_metrics_have_every_name_of_the_real_one(self):
        def names(metrics):
            """Without what differs from cluster to cluster: frameworks and roles."""
            return {re.sub(r"^master/frameworks/[^/]+/[^/]+/", "F/", re.sub(r"roles/(\*|web)/", "roles/R/", name))
                    for name in metrics}
        ours, theirs = self.lab.get_json("/metrics/snapshot"), captured("master-metrics-snapshot.json")
        self.assertEqual(names(theirs) - names(ours), {"allocator/mesos/quota/roles/R/resources/disk/consumed"})
        self.assertEqual(names(ours) - names(theirs), set())
        self.assertTrue(all(isinstance(value, float) for value in ours.values()))
        self.assertEqual((ours["master/slaves_active"], ours["master/tasks_running"], ours["master/elected"]), (2, 6, 1))

    def test_tasks_are_listed_by_their_age(self):
        def ages(words):
            return [task["statuses"][0]["timestamp"] for task in self.lab.get_json("/tasks?limit=1000" + words)["tasks"]]
        self.assertEqual(ages("&order=asc"), sorted(ages("")))
        self.assertEqual(ages(""), sorted(ages(""), reverse=True))

    def test_maintenance_is_empty(self):
        for path, name in (("/maintenance/schedule", "schedule"), ("/maintenance/status", "status")):
            self.assertEqual(self.lab.get_json(path), captured(f"master-maintenance-{name}.json"))

    def test_operator_api(self):
        for kind, members in READS.items():
            with self.subTest(kind):
                status, text = self.call(kind, **members)
                self.assertEqual(status, 200)
                ours = json.loads(text)
                self.assertEqual(ours["type"], kind)
                if os.path.exists(os.path.join(DATA, "captured", f"master-v1-{kind}.json")):
                    self.compare(ours, captured(f"master-v1-{kind}.json"), kind)

    def test_operator_api_in_protobuf(self):
        for kind, members in READS.items():
            with self.subTest(kind):
                headers = {"Content-Type": "application/json", "Accept": "application/x-protobuf"}
                body = json.dumps({"type": kind, **members}).encode()
                request = urllib.request.Request(f"http://{self.lab.master}/api/v1", body, headers)
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self.assertEqual(answer.headers["Content-Type"], "application/x-protobuf")
                    data = answer.read()
                text = subprocess.run(["protoc", f"-I{SCHEMA}", "--decode=mesos.Master.Response", "mesos.proto"],
                                      input=data, capture_output=True, check=True).stdout.decode()
                self.assertIn(f"type: {kind}\n", text)
                self.assertIn(kind.lower() + " {", text)
                self.assertNotRegex(text, r"(?m)^ *\d+[:{ ]")  # nothing that our own schema does not know

    def test_a_call_in_protobuf(self):
        call = subprocess.run(["protoc", f"-I{SCHEMA}", "--encode=mesos.Master.Call", "mesos.proto"],
                              input=b"type: GET_VERSION", capture_output=True, check=True).stdout
        _, _, text = self.ask("/api/v1", call, headers={"Content-Type": "application/x-protobuf"})
        self.assertEqual(json.loads(text)["get_version"]["version_info"]["version"], "1.12.0")

    def test_what_is_refused_is_refused_in_the_real_words(self):
        as_json = {"Content-Type": "application/json"}
        agent = {"value": self.lab.agent(ONE)["id"]}
        for body, headers, wanted in (
                (b"x", as_json, (400, "Failed to parse body into JSON: syntax error at line 1 near: x")),
                ({"typ": "GET_AGENTS"}, as_json, (400, "Failed to validate master::Call: Expecting 'type' to be present")),
                ({"type": "NONSENSE"}, as_json, (400, "Failed to validate master::Call: Expecting 'type' to be present")),
                ({"type": "DRAIN_AGENT"}, as_json,
                 (400, "Failed to validate master::Call: Expecting 'drain_agent' to be present")),
                ({"type": "GET_METRICS"}, as_json,
                 (400, "Failed to validate master::Call: Expecting 'get_metrics' to be present")),
                ({"type": "DRAIN_AGENT", "drain_agent": {"agent_id": agent, "max_grace_period": "10mins"}}, as_json,
                 (400, "Failed to convert JSON into Call protobuf: Not expecting a JSON string for field "
                       "'max_grace_period'")),
                (b"x", {"Content-Type": "text/plain"},
                 (415, "Expecting 'Content-Type' of application/json or application/x-protobuf")),
                ({"type": "GET_HEALTH"}, {"Accept": "text/plain", **as_json},
                 (406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"))):
            with self.subTest(wanted[1]):
                status, kind, text = self.ask("/api/v1", body, headers=headers)
                self.assertEqual(((status, text), kind), (wanted, "text/plain; charset=utf-8"))
        for path, method, text in (("/api/v1", "GET", "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."),
                                   ("/maintenance/schedule", "DELETE",
                                    "405 Method Not Allowed. Expecting one of { 'GET', 'POST' }, but received 'DELETE'.")):
            self.assertEqual(self.ask(path, method=method)[::2], (405, text))
        self.assertEqual(self.ask("/nope")[::2], (404, "404 Not Found."))


if __name__ == "__main__":
    unittest.main(verbosity=2)
