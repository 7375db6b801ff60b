#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""Questions an operator asks of the inventory, and what a misspelt one is answered."""
import copy
import unittest

from inventory_case import WithHistory


class Questions(WithHistory):
    def setUp(self):
        super().setUp()
        for number, agent in enumerate(self.agents):
            info = agent["agent_info"]
            info["hostname"] = f"n{number}"
            info["attributes"] = [{"name": "rack", "type": "TEXT", "text": {"value": f"r{number % 2}"}}] if number else []
        self.sync()

    def said(self, *words):
        """What is said on stderr, beside the answer."""
        return self.run_rollcall("inventory", *words).stderr

    def test_who_does_not_have_it(self):
        self.assertEqual(self.hosts("--where", "not rack like '%'"), ["n0"])
        self.assertEqual(self.hosts("--where", "rack = ''"), ["n0"])
        self.assertEqual(self.hosts("--where", "rack != r1"), ["n0", "n2"])

    def test_the_first_of_them(self):
        done = self.run_rollcall("inventory", "list", "--columns", "hostname", "--sort", "-hostname", "--limit", "2")
        self.assertEqual(done.stdout.split(), ["HOSTNAME", "n2", "n1"])
        self.assertIn("the first 2 of 3 rows", done.stderr)
        found = self.json("inventory-list", "inventory", "list", "--sort", "-rack,hostname", "--limit", "1")
        self.assertEqual((found["count"], [agent["hostname"] for agent in found["agents"]]), (3, ["n1"]))
        found = self.json("inventory-columns", "inventory", "list", "--group-by", "rack", "--sort", "-agents", "--limit", "7")
        self.assertEqual(len(found["rows"]), 3)
        self.run_rollcall("inventory", "list", "--limit", "0", status=2)

    def test_order_and_limit_keep_the_table(self):
        whole = self.run_rollcall("inventory", "list").stdout.splitlines()
        turned = self.run_rollcall("inventory", "list", "--sort", "-hostname").stdout.splitlines()
        self.assertEqual(turned, [whole[0]] + whole[:0:-1])
        few = self.run_rollcall("inventory", "list", "--where", "hostname != n0", "--sort", "-hostname", "--limit", "1")
        self.assertEqual(few.stdout.split()[0], "HOSTNAME")
        self.assertIn("n2", few.stdout.splitlines()[1])
        self.assertIn("the first 1 of 2 rows", few.stderr)
        self.assertEqual(self.said("list", "--sort", "hostnam").count("hostnam; did you mean hostname?"), 1)
        self.assertIn("column 10", self.run_rollcall("inventory", "list", "--sort", "hostname,", status=2).stderr)
        self.assertIn("no agent of cluster lab matches",
                      self.said("list", "--where", "rack = r1 and rack = r2", "--sort", "rack"))

    def test_a_misspelt_value_is_no_answer(self):
        self.assertIn("expected active, inactive or deactivated, found activ",
                      self.run_rollcall("inventory", "list", "--where", "state = activ", status=2).stderr)
        self.assertEqual(self.hosts("--where", "config = ''"), ["n0", "n1", "n2"])

    def test_a_misspelt_name_is_named_once(self):
        said = self.said("list", "--where", "rak = r1 or rak != r2 or hostnam = n1")
        self.assertEqual(said.count("no agent of cluster lab has an attribute rak; did you mean rack?"), 1)
        self.assertIn("hostnam; did you mean hostname?", said)
        self.assertIn("memm.free; did you mean mem.free?", self.said("list", "--columns", "hostname,memm.free"))
        self.assertIn("zome; did you mean zone?", self.said("list", "--group-by", "zome"))
        self.assertIn("attribute it's", self.said("list", "--where", "attribute.'it''s' = 1"))
        self.assertIn("did you mean rack?", self.run_rollcall("inventory", "drift", "rak = r1").stderr)
        self.assertNotIn("no agent of", self.said("list", "--where", "rack = r1 and not (mem < 0)", "--columns", "hostname,rack"))
        self.assertNotIn("no agent of", self.said("list", "--limit", "1"))
        self.assertNotIn("no agent of", self.said("list", "--columns", "attributes,flag.work_dir,resource.x,mem(web)"))
        # that nobody has it is no error, and not said to a program that does not ask
        self.assertEqual(self.run_rollcall("inventory", "list", "--columns", "rak", "-q").stderr, "")

    def test_a_host_that_lost_its_agent(self):
        """A hostname stands for all the agents a host has had, an ID for one."""
        old = self.agents.pop(0)
        new = copy.deepcopy(old)
        new["agent_info"]["id"]["value"] = "new-S7"
        self.agents.insert(0, new)
        self.sync()
        found = self.json("inventory-history", "inventory", "history", "n0")
        before = old["agent_info"]["id"]["value"]
        self.assertEqual([(event["id"], event["kind"]) for event in found["events"]],
                         [(before, "appeared"), (before, "gone"), ("new-S7", "appeared")])
        self.assertEqual(found["id"], "new-S7")
        text = self.run_rollcall("inventory", "history", "n0").stdout
        self.assertIn(before, text)
        self.assertIn("new-S7", text)
        self.assertEqual(len(self.json("inventory-history", "inventory", "history", "new-S7")["events"]), 1)
        self.assertEqual(len(self.json("inventory-history", "inventory", "history", before)["events"]), 2)

    def test_help_of_a_group(self):
        for words in (("inventory", "--help"), ("inventory", "-h"), ("help", "inventory")):
            said = self.run_rollcall(*words).stdout
            self.assertIn("inventory history", said)
            self.assertNotIn("rollout plan", said)
        self.run_rollcall("inventory", status=2)
        self.run_rollcall("nonsense", "--help", status=2)

    def test_since_when_a_sync_counts(self):
        text = self.run_rollcall("inventory", "sync").stdout
        self.assertRegex(text, r"3 unchanged since \d{4}-\d\d-\d\dT")

    def test_drift_leaves_the_cluster_file_its_name(self):
        self.run_rollcall("inventory", "drift", "--config", "rollcall.json", status=1)
        self.assertIn("no config", self.run_rollcall("inventory", "drift", "--expect", "nobody", status=2).stderr)


if __name__ == "__main__":
    unittest.main()
