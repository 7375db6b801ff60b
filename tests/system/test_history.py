#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""What agents were: inventory history, list --at, diff; and lists with columns, groups and CSV."""
import copy
import csv
import io
import unittest

from inventory_case import MASTER_ID, WithHistory, now


class History(WithHistory):
    def test_events_of_an_agent(self):
        self.sync()
        info = self.agents[0]["agent_info"]
        name = info["hostname"]
        info["attributes"][0]["text"]["value"] = "elsewhere"
        self.sync()
        gone = self.agents.pop(0)
        self.sync()
        gone["version"] = "1.99.0"
        self.agents.insert(0, gone)
        self.sync()
        self.sync()
        found = self.json("inventory-history", "inventory", "history", name)
        self.assertEqual([event["kind"] for event in found["events"]], ["appeared", "changed", "gone", "returned"])
        changed = found["events"][1]["changes"]
        self.assertEqual([(c["what"], c["after"]) for c in changed],
                         [("attributes." + info["attributes"][0]["name"], "elsewhere")])
        self.assertEqual([c["what"] for c in found["events"][3]["changes"]], ["version"])
        times = [event["time"] for event in found["events"]]
        self.assertEqual(times, sorted(times))
        text = self.run_rollcall("inventory", "history", name).stdout
        self.assertIn("elsewhere", text)
        self.assertIn("1.99.0", text)
        self.assertIn("no agent has", self.run_rollcall("inventory", "history", "nobody", status=2).stderr)

    def test_used_resources_are_no_history(self):
        self.sync()
        for resource in self.agents[0]["allocated_resources"] or self.agents[0].setdefault("allocated_resources", []):
            if resource["name"] == "cpus":
                resource["scalar"]["value"] += 0.1
        before = now()
        counts = self.json("inventory-sync", "inventory", "sync")["agents"]
        self.assertEqual((counts["changed"], counts["unchanged"]), (0, 3))
        self.assertEqual(self.hosts("--where", f"changed > '{before}'"), [])
        name = self.agents[0]["agent_info"]["hostname"]
        self.assertEqual(len(self.json("inventory-history", "inventory", "history", name)["events"]), 1)

    def test_list_at(self):
        self.sync()
        first = now()
        info = self.agents[0]["agent_info"]
        old = info["attributes"][0]["text"]["value"]
        key = info["attributes"][0]["name"]
        host = info["hostname"].split(".")[0]
        info["attributes"][0]["text"]["value"] = "elsewhere"
        gone = self.agents.pop()
        self.sync()
        second = now()
        self.agents.append(gone)
        self.sync()
        self.assertEqual(len(self.hosts("--at", first)), 3)
        self.assertEqual(len(self.hosts("--at", second)), 2)
        self.assertEqual(len(self.hosts("--at", "now")), 3)
        self.assertIn(host, self.hosts("--at", first, "--where", f"attribute.{key} = '{old}'"))
        self.assertNotIn(host, self.hosts("--at", first, "--where", f"attribute.{key} = elsewhere"))
        self.assertIn(host, self.hosts("--at", second, "--where", f"attribute.{key} = elsewhere and cpus > 0"))
        self.assertIn(host, self.hosts("--where", f"attribute.{key} = elsewhere"))
        self.assertIn("elsewhere", self.run_rollcall("inventory", "list", "--at", second).stdout)
        self.assertNotIn("elsewhere", self.run_rollcall("inventory", "list", "--at", first).stdout)
        # looking back changes nothing
        self.assertEqual(self.json("inventory-sync", "inventory", "sync")["agents"]["unchanged"], 3)

    def test_times_that_cannot_be(self):
        self.sync()
        for moment, text in (("1h", "nothing was known of this cluster"), ("2999-01-01", "has not come yet"),
                             ("tomorrow", "is no time"), ("2026-13-01", "is no time")):
            self.assertIn(text, self.run_rollcall("inventory", "list", "--at", moment, status=2).stderr)
            self.assertIn(text, self.run_rollcall("inventory", "diff", moment, status=2).stderr)
        for words in (["--where", "tasks > 1"], ["--columns", "mem.free"], ["--where", "task = x"],
                      ["--columns", "hostname", "--sort", "tasks"]):
            error = self.run_rollcall("inventory", "list", "--at", "now", *words, status=2).stderr
            self.assertIn("no history is kept of", error)

    def test_diff(self):
        self.sync()
        first = now()
        before = copy.deepcopy(self.agents)
        self.agents[0]["agent_info"]["attributes"][0]["text"]["value"] = "elsewhere"
        self.agents[1]["agent_info"]["id"]["value"] = MASTER_ID + "-S99"
        left = self.agents.pop()
        fresh = copy.deepcopy(left)
        fresh["agent_info"]["id"]["value"] = MASTER_ID + "-S100"
        fresh["agent_info"]["hostname"] = "node9.example.com"
        self.agents.append(fresh)
        self.sync()
        second = now()
        found = self.json("inventory-diff", "inventory", "diff", first, second, status=1)
        self.assertEqual(found["agents"], {"before": 3, "after": 3})
        kinds = {entry["hostname"]: entry for entry in found["differences"]}
        self.assertEqual(kinds[before[0]["agent_info"]["hostname"]]["kind"], "changed")
        self.assertEqual(kinds[before[0]["agent_info"]["hostname"]]["changes"][0]["after"], "elsewhere")
        replaced = kinds[before[1]["agent_info"]["hostname"]]
        self.assertEqual((replaced["kind"], replaced["id_before"], replaced["id_after"]),
                         ("new ID", before[1]["agent_info"]["id"]["value"], MASTER_ID + "-S99"))
        self.assertEqual(kinds[left["agent_info"]["hostname"]]["kind"], "left")
        self.assertEqual(kinds["node9.example.com"]["kind"], "appeared")
        self.assertIn("new ID", self.run_rollcall("inventory", "diff", first, status=1).stdout)
        self.assertEqual(self.json("inventory-diff", "inventory", "diff", second, "now")["differences"], [])
        everyone = self.json("inventory-diff", "inventory", "diff", first, second, status=1)["differences"]
        chosen = self.json("inventory-diff", "inventory", "diff", first, second, "--where", "rack = elsewhere or port > 0",
                           status=1)["differences"]
        self.assertEqual(chosen, everyone)
        self.json("inventory-diff", "inventory", "diff", first, second, "--where", "hostname = nobody")
        self.run_rollcall("inventory", "diff", first, second, "--where", "tasks = 0", status=2)
        backwards = self.json("inventory-diff", "inventory", "diff", second, first, status=1)
        self.assertEqual(len(backwards["differences"]), 4)


class Lists(WithHistory):
    def setUp(self):
        super().setUp()
        self.sync()

    def columns(self, *words):
        return self.json("inventory-columns", "inventory", "list", *words)

    def test_columns(self):
        found = self.columns("--columns", "hostname,rack, mem.free,port,active,changed,tasks,attribute.'no such'")
        self.assertEqual(found["columns"], ["hostname", "rack", "mem.free", "port", "active", "changed", "tasks",
                                            "attribute.'no such'"])
        row = found["rows"][0]
        self.assertEqual((row["hostname"], row["rack"], row["port"]), ("node1.example.com", "r1,r1b", 15051))
        self.assertIs(row["active"], True)
        self.assertIsNone(row["attribute.'no such'"])
        self.assertRegex(row["changed"], r"Z$")
        self.assertIsInstance(row["mem.free"], (int, float))
        table = self.run_rollcall("inventory", "list", "--columns", "hostname,rack").stdout
        self.assertRegex(table, r"^HOSTNAME +RACK\nnode1.example.com +r1,r1b\n")

    def test_sort(self):
        def order(*words):
            return [row["hostname"][4] for row in self.columns("--columns", "hostname", *words)["rows"]]
        self.assertEqual(order(), ["1", "2", "3"])
        self.assertEqual(order("--sort", "-hostname"), ["3", "2", "1"])
        tasks = {row["hostname"][4]: row["tasks"] for row in self.columns("--columns", "hostname,tasks")["rows"]}
        self.assertEqual(order("--sort", "-tasks,-hostname"),
                         sorted(sorted(tasks, reverse=True), key=lambda host: -tasks[host]))

    def test_groups(self):
        found = self.columns("--group-by", "active")
        self.assertEqual(found["columns"], ["active", "agents", "hosts"])
        self.assertEqual(sum(row["agents"] for row in found["rows"]), 3)
        self.assertEqual({row["active"]: row["hosts"] for row in found["rows"]},
                         {True: "node[1-2].example.com", False: "node3.example.com"})
        by_count = self.columns("--group-by", "active", "--sort", "-agents")["rows"]
        self.assertEqual([row["agents"] for row in by_count], [2, 1])
        whole = self.columns("--group-by", "port")["rows"]
        self.assertTrue(all("hosts" in row for row in whole))
        hosts = found["rows"][-1]["hosts"]
        again = self.columns("--columns", "hostname", "--where", f"hostname in {hosts}")
        self.assertEqual(again["count"], 2)

    def test_sums_and_shares(self):
        listed = self.json("inventory-columns", "inventory", "list", "--columns", "hostname,rack,mem,mem.used,mem.percent")["rows"]
        for row in listed:
            self.assertAlmostEqual(row["mem.percent"], 100 * row["mem.used"] / row["mem"], 2)
        found = self.json("inventory-columns", "inventory", "list", "--group-by", "rack", "--columns", "mem,tasks",
                          "--sort", "-mem")
        self.assertEqual(found["columns"], ["rack", "mem", "tasks", "agents", "hosts"])
        sums = {}
        for row in listed:
            sums[row["rack"]] = sums.get(row["rack"], 0) + row["mem"]
        self.assertEqual({row["rack"]: row["mem"] for row in found["rows"]}, sums)
        figures = [row["mem"] for row in found["rows"]]
        self.assertEqual(figures, sorted(figures, reverse=True))
        for column in ("mem.percent", "port", "hostname"):
            self.run_rollcall("inventory", "list", "--group-by", "rack", "--columns", column, status=2)
        self.assertEqual(self.hosts("--where", "flag.work_dir = '' and failure = ''"), self.hosts())
        self.assertEqual(self.hosts("--where", "flag.work_dir != ''"), [])

    def test_csv(self):
        text = self.run_rollcall("inventory", "list", "--csv", "--columns", "hostname,rack,active,tasks").stdout
        rows = list(csv.reader(io.StringIO(text)))
        self.assertEqual(rows[0], ["hostname", "rack", "active", "tasks"])
        self.assertEqual(rows[1][:3], ["node1.example.com", "r1,r1b", "true"])
        self.assertEqual(len(rows), 4)
        self.assertEqual(len(self.run_rollcall("inventory", "list", "--csv").stdout.splitlines()), 4)

    def test_refusals(self):
        for words, text in ((["--columns", "hostname,,rack"], "--columns, column 10: expected a column's name"),
                            (["--columns", ""], "--columns, column 1: expected a column's name"),
                            (["--columns", "hostname rack"], "column 10: expected \",\" or the end"),
                            (["--group-by", "zone", "--columns", "id"], "added up"),
                            (["--group-by", "zone", "--sort", "id"], "--sort: with --group-by"),
                            (["--csv", "--json"], "exclude each other"),
                            (["--columns", "id", "--where", "rack ="], "--where, column 7")):
            self.assertIn(text, self.run_rollcall("inventory", "list", *words, status=2).stderr)


class Selectors(WithHistory):
    def test_every_example_in_the_manual_is_taken(self):
        self.sync()
        with open("docs/selectors.md", encoding="utf-8") as file:
            lines = [line.strip() for line in file.read().split("```")[1::2] for line in line.splitlines()]
        examples = [line for line in lines if line and not line.startswith(("$", "#"))]
        self.assertGreater(len(examples), 25)
        for example in examples:
            self.run_rollcall("inventory", "list", "--where", example)


if __name__ == "__main__":
    unittest.main()
