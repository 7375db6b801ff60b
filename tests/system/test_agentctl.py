#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl as a program that changes nothing: its version, its verdicts against those of real agents, what it sees."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import unittest

from fake_host import AGENTCTL, PATIENCE, RESOURCES
from on_host import ATTR_ADDED, DATA, InFolder, VERDICTS, checked, snapshot


class Version(InFolder):
    def test_is_the_hash_of_the_executable(self):
        with open(AGENTCTL, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(self.run_agentctl("--version").stdout, digest + "\n")

    def test_needs_no_library(self):
        with open(AGENTCTL, "rb") as file:
            head = file.read(4096)
        if b"ld-linux" in head and b"asan" in AGENTCTL.encode():
            self.skipTest("sanitizers need libraries")
        self.assertNotIn(b"ld-linux", head)


class Check(InFolder):
    def check(self, checkpoint, flags, *more):
        checkpoint = self.put("slave.info", checkpoint)
        flags = self.put("flags.json", json.dumps(flags).encode())
        done = self.run_agentctl("check", "--checkpoint", checkpoint, "--flags", flags, "--json", *more)
        return done, checked(json.loads(done.stdout), "check") if done.stdout else None

    def test_says_what_real_agents_did(self):
        for pair in VERDICTS["pairs"]:
            for policy in ("equal", "additive"):
                with self.subTest(pair=pair["name"], policy=policy):
                    done, verdict = self.check(base64.b64decode(pair["slave_info_base64"]), pair["new"],
                                               "--policy", policy)
                    wanted = pair[policy]
                    self.assertEqual(verdict["accepted"], wanted["accepted"])
                    self.assertEqual((verdict["message"] or "").strip(), (wanted["message"] or "").strip())
                    starts = not (wanted["message"] or "").startswith("Failed to determine")
                    self.assertEqual(done.returncode, 0 if wanted["accepted"] else 3 if starts else 2)

    def test_bad_values_are_bad_input_in_the_agents_words(self):
        checkpoint = base64.b64decode(ATTR_ADDED["slave_info_base64"])
        for single in VERDICTS["single"]:
            with self.subTest(flag=single["flag"], value=single["value"]):
                flags = {"hostname": "n1.example.com", "resources": RESOURCES, single["flag"]: single["value"]}
                done, _ = self.check(checkpoint, flags)
                self.assertEqual(done.returncode != 2, single["starts"])
                self.assertIn(single["message"] or "", done.stderr)

    def test_ignored_parts_are_accepted(self):
        checkpoint = base64.b64decode(ATTR_ADDED["slave_info_base64"])
        for ignore, code in (('["attributes"]', 0), ('["resources"]', 3), ('["none"]', 3), ('["colour"]', 2)):
            done, _ = self.check(checkpoint, ATTR_ADDED["new"], "--ignore-checkpointed-state", ignore)
            self.assertEqual(done.returncode, code, ignore)
        self.assertEqual(self.check(checkpoint, ATTR_ADDED["new"], "--recover-state", "false")[0].returncode, 0)

    def test_broken_checkpoints_are_bad_input(self):
        good = base64.b64decode(ATTR_ADDED["slave_info_base64"])
        for name, data in (("empty", b""), ("truncated", good[:-3]), ("short", good[:3]), ("foreign", b"#!/bin/sh\n" * 9),
                           ("trailing", good + b"x"), ("oversized", good + bytes(5 << 20))):
            with self.subTest(name):
                done, _ = self.check(data, ATTR_ADDED["old"])
                self.assertEqual(done.returncode, 2)
                self.assertIn("slave.info", done.stderr)

    def test_wrong_usage(self):
        flags = self.put("flags.json", b'{"port": 5051}')
        here = self.put("slave.info", base64.b64decode(ATTR_ADDED["slave_info_base64"]))
        for words in (["--flags", flags], ["--checkpoint", here], ["--checkpoint", here, "--flags", flags],
                      ["--checkpoint", here, "--work-dir", self.folder, "--flags", flags],
                      ["--checkpoint", "/nowhere", "--flags", flags], ["--chekpoint", here]):
            self.assertEqual(self.run_agentctl("check", *words).returncode, 2, words)

    def test_reservations_must_fit(self):
        meta = os.path.join(self.folder, "meta")
        shutil.copytree(os.path.join(DATA, "captured/agent-meta-2"), meta, symlinks=True)
        before = snapshot(self.folder)
        flags = {"hostname": "node2.example.com", "port": "15052", "attributes": "rack:r2;tier:db",
                 "domain": '{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1b"}}}',
                 "resources": "cpus:2;mem:2048;disk:5000;ports:[31000-31099]"}
        same = self.put("same.json", json.dumps(flags).encode())
        self.assertEqual(self.run_agentctl("check", "--work-dir", self.folder, "--flags", same).returncode, 0)
        flags["resources"] = "cpus:0.5;mem:2048;disk:5000;ports:[31000-31099]"
        less = self.put("less.json", json.dumps(flags).encode())
        done = self.run_agentctl("check", "--work-dir", self.folder, "--flags", less,
                                 "--ignore-checkpointed-state", '["resources"]')
        self.assertEqual(done.returncode, 3)
        self.assertIn("Checkpointed resources", done.stdout)
        self.assertEqual({path: value for path, value in snapshot(self.folder).items() if path in before}, before)


class Inspect(InFolder):
    def test_captured_trees(self):
        for number, agent, tasks in ((1, "-S1", 0), (2, "-S2", 2)):
            work_dir = os.path.join(self.folder, str(number))
            shutil.copytree(os.path.join(DATA, "captured/agent-meta-%d" % number), work_dir + "/meta", symlinks=True)
            before = snapshot(work_dir)
            survey = json.loads(self.run_agentctl("inspect", "--work-dir", work_dir, "--json").stdout)
            checked(survey, "inspect")
            self.assertTrue(survey["agent"]["id"].endswith(agent))
            self.assertEqual(len(survey["tasks"]), tasks)
            self.assertFalse(survey["agent"]["running"])
            self.assertIn("attributes", survey["checkpoint"]["text"])
            with open(os.path.join(work_dir, "meta/slaves/latest/slave.info"), "rb") as file:
                self.assertEqual(survey["checkpoint"]["sha256"], hashlib.sha256(file.read()).hexdigest())
            self.assertEqual(snapshot(work_dir), before)

    def test_broken_request(self):
        for stdin in (b"", b"GET / HTTP/1.1\n", b"rollcall 1 5 " + b"0" * 64 + b"\nabcde", b"rollcall 1 99 " + b"0" * 64 + b"\nx"):
            done = subprocess.run([AGENTCTL, "inspect", "--request"], input=stdin, capture_output=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 2, stdin)


if __name__ == "__main__":
    unittest.main()
