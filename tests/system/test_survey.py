#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""rollcall inventory survey against a real SSH server: who answers, who does not, and why."""
import getpass
import json
import os
import pty
import shutil
import subprocess
import unittest

import documents
from fake_host import Host
from inventory_case import BIN, MASTER_ID, Sshd, WithMaster, captured


class Survey(WithMaster):
    """node1's host is a folder behind a real SSH server; nothing listens at the others' addresses."""

    def setUp(self):
        super().setUp()
        self.ssh_folder = os.path.join(self.folder, "ssh")
        os.mkdir(self.ssh_folder)
        self.sshd = Sshd(self.ssh_folder)
        self.addCleanup(self.sshd.stop)
        root = os.path.join(self.folder, "host")
        self.host = Host(root, captured("agent-meta-1/slaves/%s-S1/slave.info" % MASTER_ID))
        self.settings = self.host.settings()
        self.write_lab()
        self.run_rollcall("inventory", "sync")

    def write_lab(self, **ssh):
        self.write_cluster([self.master.url],
                           ssh={"user": getpass.getuser(), "port": self.sshd.port, "identity": "ssh/identity",
                                "known_hosts": "ssh/known_hosts", "directory": self.folder + "/bin", **ssh},
                           hosts=[{"match": "hostname = node1.example.com", **self.settings},
                                  {"match": "hostname != node1.example.com", "address": "127.0.0.77"}])
        with open(self.config, encoding="utf-8") as file:
            documents.check(json.load(file), documents.load("cluster"))

    def test_one_answers_two_do_not(self):
        survey = self.json("inventory-survey", "inventory", "survey", status=1)
        self.assertEqual((survey["total"], survey["surveyed"], survey["failed"]), (3, 1, 2))
        by_name = {host["hostname"].split(".")[0]: host for host in survey["hosts"]}
        self.assertTrue(by_name["node1"]["surveyed"])
        self.assertIs(by_name["node1"]["recovers"], False)  # its flag store was made for another SlaveInfo
        self.assertEqual(by_name["node2"]["failure_kind"], "unreachable")
        self.assertIn("127.0.0.77", by_name["node2"]["failure"])
        shown = self.json("inventory-show", "inventory", "show", "S1")
        self.assertEqual(shown["inspect"]["agent"]["id"], MASTER_ID + "-S1")
        self.assertEqual(shown["inspect"]["boot_id"], self.host.boot_id)
        self.assertRegex(shown["survey"]["host_key"], "^SHA256:")
        failed = self.json("inventory-show", "inventory", "show", "S2")["survey"]
        self.assertIsNone(failed["time"])
        self.assertEqual(failed["failure_kind"], "unreachable")
        self.assertIn("failed", self.run_rollcall("inventory", "list").stdout)
        self.assertIn("would refuse its checkpoint", self.run_rollcall("inventory", "show", "S1").stdout)

    def test_where_and_plain_lines(self):
        done = self.run_rollcall("inventory", "survey", "--where", "zone = eu-1a")
        self.assertIn("1 of 1 hosts surveyed", done.stdout)
        self.assertIn("node1.example.com: surveyed (1 of 1)", done.stderr)
        self.assertNotIn("\r", done.stderr)
        self.assertEqual(self.run_rollcall("-q", "inventory", "survey", "--where", "zone = eu-1a").stderr, "")
        self.assertIn("no agent to survey that matches: zone = mars",
                      self.run_rollcall("inventory", "survey", "--where", "zone = mars", status=2).stderr)

    def test_one_line_on_a_terminal(self):
        ours, theirs = pty.openpty()
        done = subprocess.run([os.path.join(BIN, "rollcall"), "inventory", "survey"], cwd=self.folder, stderr=theirs,
                              stdout=subprocess.PIPE, text=True, timeout=120, check=False)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertEqual(done.returncode, 1)
        self.assertIn("\r3 of 3 hosts asked, 2 failed", shown)
        self.assertTrue(shown.endswith("\r\x1b[K"), repr(shown))
        self.assertNotIn("\n", shown)
        self.assertIn("1 of 3 hosts surveyed", done.stdout)

    def test_nobody_answers(self):
        done = self.run_rollcall("-q", "inventory", "survey", "--where", "zone != eu-1a", "--parallel", "1", status=4)
        self.assertIn("none of the 2 hosts could be surveyed", done.stderr)
        self.assertIn("node3.example.com", done.stdout)

    def test_a_failure_leaves_the_last_survey(self):
        self.run_rollcall("inventory", "survey", "--where", "zone = eu-1a")
        before = self.json("inventory-show", "inventory", "show", "S1")
        self.sshd.trust("other_key")
        refused = self.run_rollcall("-q", "inventory", "survey", "--where", "zone = eu-1a", status=4).stderr
        self.assertIn("key", refused)
        after = self.json("inventory-show", "inventory", "show", "S1")
        self.assertEqual(after["inspect"], before["inspect"])
        self.assertEqual(after["survey"]["time"], before["survey"]["time"])
        self.assertIsNotNone(after["survey"]["failed"])

    def test_authentication_is_refused(self):
        self.write_lab(identity="ssh/other_key")
        self.run_rollcall("-q", "inventory", "survey", "--where", "zone = eu-1a", status=4)
        survey = self.json("inventory-show", "inventory", "show", "S1")["survey"]
        self.assertEqual(survey["failure_kind"], "unreachable")
        self.assertIn("ssh/other_key", survey["failure"])

    def test_another_agent_on_the_host(self):
        shutil.rmtree(self.host.root)
        self.host = Host(self.host.root, captured("agent-meta-2/slaves/%s-S2/slave.info" % MASTER_ID))
        self.run_rollcall("-q", "inventory", "survey", "--where", "zone = eu-1a", status=4)
        survey = self.json("inventory-show", "inventory", "show", "S1")["survey"]
        self.assertEqual(survey["failure_kind"], "conflict")
        self.assertIn("is %s-S2, not %s-S1" % (MASTER_ID, MASTER_ID), survey["failure"])

    def test_a_broken_checkpoint_is_part_of_the_survey(self):
        self.host.write("var/lib/mesos/meta/slaves/latest/slave.info", b"\x10\x00\x00\x00half")
        self.run_rollcall("inventory", "survey", "--where", "zone = eu-1a")
        inspect = self.json("inventory-show", "inventory", "show", "S1")["inspect"]
        self.assertIn("slave.info", inspect["checkpoint"]["error"])


if __name__ == "__main__":
    unittest.main()
