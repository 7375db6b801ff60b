#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""A rollout from config to report on a lab, and what is refused before anything is touched."""
import json
import os
import pty
import re
import shlex
import subprocess
import unittest

import documents
from fleet import Fleet
from lab import BIN

CHANGE = {"attributes": {"generation": "g2", "ssd": "true", "tier": None}}


class WholeStory(unittest.TestCase):
    """One rollout; every document it leaves; and that it cannot be started twice."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=6, zones=3)
        cls.addClassCleanup(cls.fleet.close)

    def assert_document(self, text, name):
        document = json.loads(text)
        documents.check(document, documents.load(name))
        return document

    def test_story(self):
        fleet = self.fleet
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("rollout", "list").expect(0, "No rollout")
        fleet.rollcall("rollout", "status", "latest").expect(2, "no such run")
        fleet.add_config("fleet", [CHANGE, {"match": "rack = 'rack-1'", "resources": {"mem": 256}}])
        before = {host["name"]: host for host in fleet.status()["hosts"]}

        out = fleet.file("plan.json")
        shown = fleet.rollcall("rollout", "plan", "fleet", "--window", "3", "--out", out).expect(
            0, "would refuse", "relax", "tier", "(none)", "g1 \u2192 g2", "4096 \u2192 256", "node001.lab",
            "rollcall rollout start")
        self.assertIn("6 agents change, with 12 tasks on them", shown.out)
        document = fleet.rollcall("rollout", "plan", "fleet", "--window", "3", "--json", "--offline").expect(0)
        planned = self.assert_document(document.out, "rollout-plan")
        self.assertEqual(len(planned["plan"]["agents"]), 6)
        with open(out, encoding="utf-8") as text:
            self.assert_document(text.read(), "plan")
        self.assertEqual({name: host["pid"] for name, host in before.items()},
                         {host["name"]: host["pid"] for host in fleet.status()["hosts"]}, "planning restarted an agent")
        self.assertNotIn("generation:g2", fleet.flags("node001.lab"))

        fleet.rollcall("rollout", "start", out).expect(0, "6 of 6: same ID, SlaveInfo as planned, every task (12)")
        self.check_hosts(before)
        self.check_documents()
        self.check_it_cannot_start_again(out)

    def check_hosts(self, before):
        for host in self.fleet.status()["hosts"]:
            name = host["name"]
            self.assertEqual(host["id"], before[name]["id"], name)
            self.assertEqual(host["tasks_running"], 2, name)
            self.assertNotEqual(host["pid"], before[name]["pid"], name)
            self.assertIn("generation:g2", self.fleet.flags(name))
            operations = self.fleet.operations(name)
            self.assertEqual([found["step"] for found in operations.values()], ["done"], name)
        # The inventory is as the run left it, without another sync.
        self.fleet.rollcall("inventory", "list", "--where", "generation = 'g2' and ssd = 'true'").expect(0, "node006.lab")

    def check_documents(self):
        status = self.assert_document(self.fleet.rollcall("rollout", "status", "latest", "--json").expect(0).out,
                                      "rollout-status")
        self.assertEqual(status["state"], "done")
        self.assertEqual(status["counts"]["done"], 6)
        for agent in status["agents"]:
            self.assertEqual(agent["id_after"], agent["id_before"])
            self.assertEqual(agent["proof"]["result"], "pass")
            self.assertGreater(agent["away_seconds"], 0)
            self.assertIsNone(agent["error"])
        self.assert_document(self.fleet.rollcall("rollout", "list", "--json").expect(0).out, "rollout-list")
        report = self.assert_document(
            self.fleet.rollcall("audit", "report", "latest", "--format", "json").expect(0).out, "audit-report")
        self.assertEqual(report["summary"], {"agents": 6, "done": 6, "failed": 0, "stuck": 0, "same_id": 6,
                                             "tasks_kept": 12, "tasks_lost": 0, "tasks_unproven": 0})
        self.fleet.rollcall("audit", "report", status["run"]).expect(
            0, "6 of 6", "before and after", "2 survived", "ok    slave_info", status["plan"], report["ledger"]["head"])
        self.fleet.rollcall("audit", "report", "latest", "--format", "xml").expect(2, "xml")

    def check_it_cannot_start_again(self, out):
        again = self.fleet.rollcall("rollout", "start", out).expect(3, "already carried out by run", "6 of 6")
        self.assertIn(self.fleet.latest()["run"], again.err)
        self.assertEqual(len(self.fleet.operations("node001.lab")), 1)
        self.fleet.rollcall("rollout", "plan", "fleet").expect(0, "There is nothing to do")


def screen_of(text):
    """What is on a terminal after all this was written to it: lines, by the few sequences that rollcall uses."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|[^\x1b]", text):
        if piece == "\x1b[1A":
            row = max(row - 1, 0)
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == "\r" or re.fullmatch(r"\x1b\[[0-9;]*m", piece):
            pass
        elif piece[0] == "\x1b":
            raise AssertionError(f"an unknown sequence: {piece!r}")
        else:
            lines[row] += piece
    return lines


class Terminal(unittest.TestCase):
    """Live progress: drawn in place, and nothing of it is left over or torn when the run has ended."""

    def test_live(self):
        fleet = Fleet(agents=3, zones=3)
        self.addCleanup(fleet.close)
        fleet.add_config("fleet", [CHANGE])
        plan = fleet.plan("fleet", "--window", "2")
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        env = dict(fleet.env, TERM="xterm", COLUMNS="100")
        process = subprocess.Popen([os.path.join(BIN, "rollcall"), "-v", "rollout", "start", plan], env=env,
                                   stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65536):
                shown += chunk
        except OSError:
            pass  # how a terminal says that nobody has it open any more
        self.assertEqual(process.wait(60), 0, shown.decode())
        text = shown.decode()
        self.assertIn("of 3 done, 2 away", text)
        self.assertIn("\u2588", text)
        # One clock, named: the nearest.
        self.assertRegex(text, r"  node001\.lab  changing  for [\d.]+ s, [\d minsec.]+ until it ")
        nearest = "until (unreachable, if silent|it counts as stuck)"
        self.assertRegex(text, r"  node001\.lab  returning for [\d.]+ s, [\d minsec.]+ " + nearest)
        lines = screen_of(text)
        self.assertFalse([line for line in lines if "\u2588" in line or "\u00b7" in line], lines)
        for number in (1, 2, 3):
            pattern = rf"^\d\d:\d\d:\d\d node00{number}\.lab  done  same ID, 2 tasks kept, away [\d.]+ s$"
            self.assertEqual(len([line for line in lines if re.match(pattern, line)]), 1, lines)
        self.assertFalse([line for line in lines if "returning" in line], lines)


class Refusals(unittest.TestCase):
    """Everything here ends before a host is touched."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=4, zones=2, tasks=1, loose_tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.add_config("fleet", [CHANGE])
        cls.pids = [host["pid"] for host in cls.fleet.status()["hosts"]]

    def tearDown(self):
        self.assertEqual([host["pid"] for host in self.fleet.status()["hosts"]], self.pids, "an agent was restarted")
        for host in ("node001.lab", "node004.lab"):
            self.assertEqual(self.fleet.operations(host), {})

    def plan(self, *words):
        return self.fleet.rollcall("rollout", "plan", "fleet", *words)

    def test_selectors(self):
        self.plan("--where", "rack = 'nowhere'").expect(2, "rack = 'nowhere'", "none of the agents")
        self.plan("--where", "rack =").expect(2, "--where")
        self.fleet.add_config("nobody", [{"match": "tier = 'gpu'", "attributes": {"a": "b"}}])
        self.fleet.rollcall("rollout", "plan", "nobody").expect(2, "no rule")

    def test_arguments(self):
        self.fleet.rollcall("rollout", "plan").expect(2)
        self.fleet.rollcall("rollout", "plan", "nothing").expect(2, "nothing")
        self.fleet.rollcall("rollout", "plan", "fleet@9").expect(2, "no version 9")
        self.plan("--window", "0").expect(2, "--window")
        self.plan("--window", "many").expect(2, "--window")
        self.plan("--ignore", "weather").expect(2, "--ignore", "attributes")
        self.plan("--return-timeout", "1ms").expect(2, "--return-timeout")
        self.plan("--widow", "3").expect(2, "--window")
        self.plan("--allow-task-loss", "--domain-attribute", "rak").expect(2, "--domain-attribute rak")
        self.plan("--allow-task-loss", "--window", "75%").expect(0, "--window: 75% of 4: 3", "--keep-reregistration-timeout")
        self.plan("--allow-task-loss", "--ignore", "attribute,domain").expect(0, "attributes, domain")
        self.fleet.rollcall("rollout", "list", "--cluster", "nowhere").expect(2, "nowhere")
        self.fleet.rollcall("--config", "/nowhere/rollcall.json", "inventory", "sync").expect(2, "/nowhere/rollcall.json")
        self.fleet.rollcall("config", "add", "/nowhere/config.json").expect(2, "/nowhere/config.json")
        self.fleet.rollcall("rollout", "start").expect(2)
        self.fleet.rollcall("rollout", "start", "0123456789ab").expect(2, "no such plan")
        self.fleet.rollcall("rollout", "start", "/nowhere/plan.json").expect(2, "/nowhere/plan.json")
        self.fleet.rollcall("rollout", "resume", "r-20200101-1").expect(2, "r-20200101-1")
        self.fleet.rollcall("audit", "report", "r-20200101-1").expect(2, "r-20200101-1")

    def test_bad_configs(self):
        for text, words in (('{"name": "bad",\n "rules": [}', (":2:",)),
                            ('{"name": "bad", "rulez": []}', ("rulez",)),
                            ('{"name": "bad", "rules": [{"attributes": {"rack": ""}}]}', ("rules[0].attributes.rack",))):
            path = self.fleet.write("bad.json", text)
            self.fleet.rollcall("config", "add", path).expect(2, "bad.json", *words)
        for flag, value, words in (("executor_registration_timeout", "2 minutes", "Unknown duration unit ' minutes'"),
                                   ("strict", "yes", "Expecting a boolean"),
                                   ("fetcher_cache_size", "2", "Invalid bytes '2'")):
            path = self.fleet.write("bad.json", json.dumps({"name": "bad", "rules": [{"flags": {flag: value}}]}))
            self.fleet.rollcall("config", "add", path).expect(2, f"rules[0].flags.{flag}", words)
        path = self.fleet.write("bad.json", '{"name": "bad", "rules": [{"flags": {"hostname": "other"}}]}')
        result = self.fleet.rollcall("config", "add", path)
        self.assertIn(result.code, (2, 3), str(result))
        self.assertIn("shuts an agent down", result.err)
        self.fleet.rollcall("config", "show", "bad").expect(2, "bad")

    def test_tasks_that_would_die(self):
        self.plan().expect(3, "does not checkpoint", "--allow-task-loss", "node[001-004].lab (4 agents)")
        self.plan("--allow-task-loss").expect(0, "of which 4 die")

    def test_parts_that_may_not_change(self):
        self.plan("--allow-task-loss", "--ignore", "resources").expect(3, "attributes", "--ignore")
        self.plan("--allow-task-loss", "--ignore", "none").expect(3, "attributes", "--ignore")

    def test_edited_plans(self):
        out = self.fleet.file("plan.json")
        self.plan("--allow-task-loss", "--out", out).expect(0)
        with open(out, encoding="utf-8") as text:
            bytes_of_plan = text.read()
        edited = self.fleet.write("edited.json", bytes_of_plan.replace("generation:g2", "generation:g9"))
        self.fleet.rollcall("rollout", "start", edited).expect(3, "edited.json")
        self.fleet.rollcall("rollout", "start", self.fleet.write("none.json", "{}")).expect(3, "none.json")

    def test_checkpoints(self):
        """A slave.info that is truncated, empty, oversized or foreign: the agent is named, and nothing is planned."""
        host = "node002.lab"
        path = os.path.realpath(self.fleet.path(host, "var/lib/mesos/meta/slaves/latest"))
        if not os.path.isdir(path):  # the link is as the host sees it
            link = os.readlink(self.fleet.path(host, "var/lib/mesos/meta/slaves/latest"))
            path = self.fleet.path(host, link)
        path = os.path.join(path, "slave.info")
        with open(path, "rb") as file:
            original = file.read()
        foreign = (b"\x10\x00\x00\x00" + b"this is no proto")
        for content in (original[:-3], b"", original + b"more", foreign, b"\xff\xff\xff\x7f" + original[4:],
                        bytes(5 << 20)):
            with open(path, "wb") as file:
                file.write(content)
            try:
                self.plan("--allow-task-loss", "--where", f"hostname = '{host}'").expect(3, host, "slave.info")
            finally:
                with open(path, "wb") as file:
                    file.write(original)
        self.plan("--allow-task-loss", "--where", f"hostname = '{host}'").expect(0)

    def test_flags_from_elsewhere(self):
        """What the file says is not what the agent runs with: the plan could not promise anything."""
        host = "node003.lab"
        path = self.fleet.path(host, "etc/default/mesos-agent")
        original = self.fleet.flags(host)
        with open(path, "w", encoding="utf-8") as file:
            file.write(original.replace("generation:g1", "generation:g7"))
        try:
            self.plan("--allow-task-loss").expect(3, host, "command line")
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(original)

    def test_hosts_that_cannot_be_surveyed(self):
        for fault, code, words in (("refuse", 4, ("refused",)), ("auth", 4, ("refused user",)), ("hostkey", 3, ("key",))):
            self.fleet.break_("node001.lab", fault)
            try:
                where = ("--allow-task-loss", "--where", "hostname in ('node001.lab', 'node002.lab')")
                refused = self.plan(*where).expect(code, "node001.lab", *words)
                # What it says would plan without it does.
                without = re.search("`(--exclude [^`]*)` plans without", refused.err).group(1)
                self.plan(*where, *shlex.split(without)).expect(0)
            finally:
                self.fleet.heal("node001.lab")


if __name__ == "__main__":
    unittest.main()
