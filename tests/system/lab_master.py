# SPDX-License-Identifier: Apache-2.0
"""A lab whose master is asked and told things, for tests of what it answers."""
import json
import unittest
import urllib.error
import urllib.request

from lab import Lab, eventually

ONE, TWO, THREE, FOUR = [f"node{number:03}.lab" for number in range(1, 5)]
LONG = 60  # seconds: what is waited for comes at once on an idle machine


class WithMaster(unittest.TestCase):
    words = ["--agents", "2", "--zones", "1"]
    scale = 10

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(*cls.words, scale=cls.scale)

    @classmethod
    def tearDownClass(cls):
        result = cls.lab.down()
        if result.returncode != 0 or cls.lab.processes():
            raise AssertionError(f"{result.stderr} left over: {cls.lab.processes()}")

    def ask(self, path, body=None, method=None, headers=None):
        """(status, content type, text) of any answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.lab.master}{path}", data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers.get("Content-Type"), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Content-Type"), error.read().decode()

    def call(self, kind, **members):
        """(status, text) of a call of operator API v1."""
        status, _, text = self.ask("/api/v1", {"type": kind, **members}, headers={"Content-Type": "application/json"})
        return status, text

    def on_agent(self, kind, host, **members):
        return self.call(kind, **{kind.lower(): {"agent_id": {"value": self.lab.agent(host)["id"]}, **members}})

    def master_log(self, role="master"):
        with open(f"{self.lab.dir}/log/{role}.log") as file:
            return file.read()

    def v1_agent(self, host):
        agents = json.loads(self.lab.call("GET_AGENTS"))["get_agents"]["agents"]
        return next(agent for agent in agents if agent["agent_info"]["hostname"] == host)

    def fail_over(self):
        """Another master ID, and every agent that can is back."""
        before = self.lab.get_json("/state")["id"]
        self.lab.break_("master", "failover")

        def look():
            try:
                return self.lab.get_json("/state")["id"] != before
            except OSError:
                return False
        eventually(look, LONG, "another master")

    def all_back(self, count=2):
        eventually(lambda: len(self.lab.get_json("/slaves")["slaves"]) == count, LONG, "the agents' return")
