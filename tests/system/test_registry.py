#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the masters' registry holds of an agent: what the agent is now, as a whole, after every reregistration."""
import base64
import json
import unittest

from lab import eventually
from lab_master import LONG, ONE, TWO
from proposing import ANY, WithProposal
from wire import MESOS


class Registry(WithProposal):
    words = ["--agents", "2", "--zones", "1", "--tasks-per-agent", "1", "--dialect", "proposal"]

    def registry(self):
        """The agents' SlaveInfos, in bytes, by hostname. Whenever it is read it is whole."""
        with open(f"{self.lab.dir}/master/registry.json", encoding="utf-8") as file:
            infos = [base64.b64decode(agent["info"]) for agent in json.load(file)["agents"]]
        return {MESOS.decode("SlaveInfo", info)["hostname"]: info for info in infos}

    def become(self, host, **flags):
        """The agent comes back with these flags; None: without."""
        lines = [line for line in self.lab.put_back[host].splitlines(True)
                 if not any(line.startswith(f"MESOS_{name.upper()}=") for name in flags)]
        lines += [f"MESOS_{name.upper()}='{value}'\n" for name, value in flags.items() if value is not None]
        self.write_flags(host, "".join(lines) + ANY)
        return self.restart(host)

    def active(self):
        try:
            return {host for host, agent in self.lab.agents().items() if agent["active"]}
        except OSError:
            return set()  # no master answers yet

    @staticmethod
    def read(info):
        """The two forms of a reservation, on an agent's disk and in a master's memory, are one."""
        found = MESOS.decode("SlaveInfo", info)
        for item in found["resources"]:
            reservations = item.pop("reservations", None)
            item["role"] = reservations[-1]["role"] if reservations else item.get("role", "*")
            item.pop("reservation", None)
        return found

    def check(self, host, attributes, resources, zone):
        found = self.read(self.registry()[host])
        self.assertEqual(found, self.read(self.slave_info(host)[4:]))  # after the length
        self.assertEqual({item["name"]: item["text"]["value"] for item in found.get("attributes", [])}, attributes)
        sums = {f"{item['name']}({item['role']})": item["scalar"]["value"] for item in found["resources"]
                if "scalar" in item}
        self.assertEqual({name: value for name, value in sums.items() if name[:4] != "disk"}, resources)
        self.assertEqual(found["domain"]["fault_domain"]["zone"]["name"], zone)

    def test_the_new_state_replaces_the_old_wholly(self):
        before, other = self.lab.agent(ONE)["id"], self.registry()[TWO]
        lab = '{"fault_domain":{"region":{"name":"lab"},"zone":{"name":"zone-7"}}}'
        steps = (({"attributes": "a:1x;b:2x", "resources": "cpus:4;mem:1000;disk:9"}, {"a": "1x", "b": "2x"},
                  {"cpus(*)": 4, "mem(*)": 1000}, "zone-1"),
                 ({"attributes": "b:3x", "resources": "cpus:1;mem:0;mem(web):500;disk:9"}, {"b": "3x"},
                  {"cpus(*)": 1, "mem(web)": 500}, "zone-1"),
                 ({"attributes": None, "resources": "cpus:9;mem:1;mem(db):500;disk:9", "domain": lab}, {},
                  {"cpus(*)": 9, "mem(*)": 1, "mem(db)": 500}, "zone-7"))
        for flags, attributes, resources, zone in steps:
            self.assertEqual(self.become(ONE, **flags)["id"], before)
            self.check(ONE, attributes, resources, zone)
            self.assertEqual(self.registry()[TWO], other)
        self.fail_over()
        eventually(lambda: self.active() == {ONE, TWO}, LONG, "the agents' return")
        self.check(ONE, *steps[-1][1:])

    def test_what_was_admitted_outlives_the_master(self):
        """An agent that the master shows as it is now is in the registry as it is now, whenever the master dies."""
        for number in range(4):
            name = f"k{number}"
            self.become(ONE, attributes=f"generation:{name}")
            self.lab.break_("master", "down")  # at once: SIGKILL
            self.assertIn(name.encode(), self.registry()[ONE])
            self.assertEqual(set(self.registry()), {ONE, TWO})
            self.lab.heal("master")
            eventually(lambda: self.active() == {ONE, TWO}, LONG, "the agents' return")
            self.assertEqual(self.lab.agent(ONE)["attributes"], {"generation": name})


if __name__ == "__main__":
    unittest.main()
