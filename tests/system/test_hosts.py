#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cluster file's hosts: who to be there and at which port, by host set."""
import json
import os
import unittest

from fleet import Fleet


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=3, zones=1)
        cls.fleet.rollcall("inventory", "sync").expect(0)

    @classmethod
    def tearDownClass(cls):
        cls.fleet.close()

    def survey(self, ssh, hosts):
        """With that in the cluster file: the failures, by host."""
        path = os.path.join(self.fleet.dir, "rollcall.json")
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        cluster, = document["clusters"].values()
        cluster["ssh"].update(ssh)
        cluster["hosts"] = hosts
        path = os.path.join(self.fleet.dir, "hosts.rollcall.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        words = ("--config", path, "--db", os.path.join(self.fleet.dir, "rollcall.db"))
        self.fleet.rollcall("inventory", "survey", *words)
        found = self.fleet.rollcall("inventory", "list", "--json", "--columns", "hostname,failure", *words).expect(0).json()
        return {row["hostname"]: row["failure"] for row in found["rows"] if row["failure"]}

    def test_port_user_and_key_of_some(self):
        self.assertEqual(self.survey({}, []), {})
        # the right ones only for some hosts, under which agentctl is carried there and answers
        good = {"user": "root", "port": 2222, "identity": "id_ed25519"}
        failures = self.survey({"port": 1, "user": "nobody", "identity": "missing"},
                               [{"match": "hostname in node[001-002].lab", "ssh": good}])
        self.assertEqual(list(failures), ["node003.lab"])
        failures = self.survey({}, [{"match": "hostname = node002.lab", "ssh": {"port": 1}},
                                    {"match": "hostname = node003.lab", "ssh": {"identity": "missing"}}])
        self.assertEqual(sorted(failures), ["node002.lab", "node003.lab"])
        self.assertIn("port 1:", failures["node002.lab"])
        self.assertIn("missing", failures["node003.lab"])
        self.assertEqual(self.survey({}, []), {})


if __name__ == "__main__":
    unittest.main()
