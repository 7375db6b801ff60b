#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl as a program: its verdicts against those of real agents, and changes on a host in a folder."""
import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import documents
from fake_host import AGENTCTL, DATABASE, PATIENCE, RESOURCES, Host, process_state, wait_until

DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")
with open(os.path.join(DATA, "verdicts.json")) as verdicts_file:
    VERDICTS = json.load(verdicts_file)
ATTR_ADDED = next(pair for pair in VERDICTS["pairs"] if pair["name"] == "attr added")


def checked(document, schema):
    documents.check(document, documents.load(schema))
    return document


def snapshot(folder):
    """Every file with its bytes and time: to see that nothing was written."""
    out = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    out[path] = (file.read(), os.stat(path).st_mtime_ns)
    return out


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_agentctl(self, *words):
        return subprocess.run([AGENTCTL, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path


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


class OnHost(InFolder):
    """A host whose agent runs, and what its tests need."""

    def setUp(self):
        super().setUp()
        self.host = Host(os.path.join(self.folder, "host"), base64.b64decode(ATTR_ADDED["slave_info_base64"]))
        self.addCleanup(self.host.close)
        self.host.start()
        self.host.wait_for_starts(1)
        self.old = (self.host.slave_info(), self.host.read("etc/mesos-agent.env"))
        self.operation = os.urandom(16).hex()

    def listen(self, process, event):
        """Answers up to the first one of that kind."""
        answers = []
        for line in process.stdout:
            answers.append(checked(json.loads(line), "answer"))
            if answers[-1]["event"] == event:
                return answers
        self.fail("no '%s' in %s" % (event, answers))

    def assert_state(self, new, starts):
        """Files, agent and guard say the same, and the ID is what it was."""
        self.host.wait_for_starts(starts)
        checkpoint, flags = self.host.slave_info(), self.host.read("etc/mesos-agent.env")
        if new is None:
            self.assertEqual((checkpoint, flags), self.old)
        else:
            self.assertIn(b"MESOS_ATTRIBUTES='%s'\n" % new.encode(), flags)
            self.assertTrue(flags.startswith(self.old[1][:self.old[1].index(b"MESOS_ATTRIBUTES")]))
            self.assertNotEqual(checkpoint, self.old[0])
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        self.assertEqual(len(self.host.starts()), starts)
        for start in self.host.starts():
            self.assertEqual(start["id"], self.host.id)
            self.assertTrue(start["accepted"], start)
        self.assertNotEqual(self.host.agent_pid(), 0)
        self.assertEqual(self.host.starts()[-1]["attributes"], new or "rack:r1;tier:web")

    def children_of(self, process):
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
            return [int(child) for child in file.read().split()]

    def kill_both(self, process):
        """The parent is stopped first: it cannot make a child that nobody knows of any more."""
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: process_state(process.pid) in "TZ", lambda: "agentctl cannot be stopped")
        children = self.children_of(process) if process_state(process.pid) == "T" else []
        process.kill()
        for child in children:
            os.kill(child, signal.SIGKILL)
        process.wait()


class Apply(OnHost):
    def test_survey(self):
        survey = checked(self.host.inspect(), "inspect")
        self.assertEqual(survey["agent"]["pid"], self.host.agent_pid())
        self.assertEqual(survey["agent"]["version"], "1.11.0")
        self.assertEqual(survey["agent"]["flags"]["attributes"], "rack:r1;tier:web")
        self.assertTrue(survey["verdict"]["accepted"])
        self.host.write("etc/mesos-agent.env", self.old[1].replace(b"rack:r1", b"rack:r9"))
        survey = self.host.inspect()
        self.assertFalse(survey["verdict"]["accepted"])
        self.assertEqual(survey["verdict"]["differs"], ["attributes"])

    def test_keep(self):
        request = self.host.apply_request(self.operation, "rack:r2;tier:web;zone:z1")
        process = self.host.talk(request)
        answers = self.listen(process, "started")
        self.assertEqual([a.get("step", a["event"]) for a in answers],
                         ["accepted", "guarded", "checkpoint", "flags", "stopping", "started"])
        self.host.wait_for_starts(2)
        self.assertEqual(answers[-1]["pid"], self.host.agent_pid())
        self.assertEqual(answers[-1]["flags"]["attributes"], "rack:r2;tier:web;zone:z1")
        process.stdin.write(b"keep\n")
        process.stdin.flush()
        self.assertEqual(self.listen(process, "done")[-1]["kept_by"], "rollcall")
        self.assertEqual(process.wait(), 0)
        self.assert_state("rack:r2;tier:web;zone:z1", 2)
        again = self.host.run("apply", request)
        self.assertEqual([json.loads(line)["event"] for line in again.stdout.splitlines()], ["accepted", "done"])
        self.assert_state("rack:r2;tier:web;zone:z1", 2)
        self.assertEqual(checked(self.host.inspect(), "inspect")["operations"][0]["state"], "done")
        checked(json.loads(request.split(b"\n", 1)[1]), "request")

    def test_undo(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web"))
        self.listen(process, "started")
        process.stdin.write(b"undo\n")
        process.stdin.flush()
        self.assertEqual(self.listen(process, "undone")[-1]["flags"]["attributes"], "rack:r1;tier:web")
        self.assertEqual(process.wait(), 1)
        self.assert_state(None, 3)

    def test_agent_that_ends_is_put_back(self):
        self.host.write("run/dies-with", b"rack:r2")
        done = self.host.run("apply", self.host.apply_request(self.operation, "rack:r2;tier:web"))
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((last["event"], done.returncode), ("undone", 1))
        self.assertIn("cannot live with rack:r2", last["agent_said"])
        self.assert_state(None, 3)

    def test_lost_connection(self):
        request = self.host.apply_request(self.operation, "rack:r2;tier:web", verdict_timeout_ms=2000)
        process = self.host.talk(request)
        self.listen(process, "accepted")
        process.stdin.close()
        process.stdout.close()
        process.stdin, process.stdout = open(os.devnull), open(os.devnull)
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        answers = self.host.settle(self.operation, status_only=True, epoch=2)
        self.assertEqual([a["event"] for a in answers], ["status", "done"])
        self.assertEqual(answers[1]["kept_by"], "deadline")
        self.assert_state("rack:r2;tier:web", 2)

    def test_killed_child_is_settled_by_its_parent(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web"))
        self.listen(process, "started")
        os.kill(self.children_of(process)[0], signal.SIGKILL)
        process.stdin.write(b"keep\n")
        process.stdin.flush()
        self.assertEqual(self.listen(process, "done")[-1]["kept_by"], "rollcall")
        self.assert_state("rack:r2;tier:web", 2)

    def test_reboot_before_keep(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web"))
        self.listen(process, "started")
        self.host.wait_for_starts(2)
        self.kill_both(process)
        self.host.stop()
        self.host.boot()
        self.host.start()
        self.host.wait_for_starts(3)
        self.assert_state(None, 3)
        answers = self.host.settle(self.operation, status_only=True)
        self.assertEqual([a["event"] for a in answers], ["status", "undone"])
        self.assertIn("rebooted", answers[1]["reason"])

    def test_settle_goes_on_where_apply_was_killed(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web"))
        self.listen(process, "started")
        self.kill_both(process)
        self.assertEqual(self.host.settle(self.operation, status_only=True)[0]["state"], "open")
        done = self.host.run("settle", self.host.request("settle", self.operation) + b"keep\n")
        events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
        self.assertEqual((events[0], events[-1]), ("status", "done"))
        self.assert_state("rack:r2;tier:web", 2)

    def test_settle_passes_a_word_to_a_living_apply(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web"))
        self.listen(process, "started")
        done = self.host.run("settle", self.host.request("settle", self.operation) + b"keep\n")
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["event"], "done")
        self.assertEqual(self.listen(process, "done")[-1]["kept_by"], "rollcall")
        self.assert_state("rack:r2;tier:web", 2)

    def test_killed_at_any_moment(self):
        """Both processes die after so many milliseconds; then a settle, or the supervisor starting the agent first."""
        for number, delay in enumerate((0, 5, 15, 30, 45, 60, 90, 130, 180, 250)):
            operation = os.urandom(16).hex()
            request = self.host.apply_request(operation, "rack:r%d;tier:web" % (number + 10),
                                              verdict_timeout_ms=500)
            process = self.host.talk(request)
            time.sleep(delay / 1000)
            self.kill_both(process)
            if number % 2 == 1:
                self.host.stop()
                self.host.start()
            end = self.host.settle(operation)[-1]
            self.assertIn(end.get("state", end["event"]), ("absent", "undone", "done"), delay)
            self.host.wait_for_agent()
            last = self.host.starts()[-1]
            self.assertEqual((last["id"], last["accepted"]), (self.host.id, True), delay)
            self.assertTrue(self.host.inspect()["verdict"]["accepted"], delay)
            self.assertFalse(os.path.exists(self.host.path("etc/start-hook")), delay)

    def test_refusals_change_nothing(self):
        """What does not fit is refused, with the kind that says why."""
        good = {"agent_id": self.host.id}
        hostname = [{"name": "hostname", "value": "n2.example.com"}]
        for name, more, kind in (
                ("agent ID", {"expect": {"agent_id": "another-S1"}}, "conflict"),
                ("boot", {"expect": {"boot_id": "another"}}, "conflict"),
                ("version", {"expect": {"agent_version": "1.10.0"}}, "conflict"),
                ("checkpoint", {"expect": {"checkpoint_sha256": "0" * 64}}, "conflict"),
                ("store", {"expect": {"store_sha256": "0" * 64}}, "conflict"),
                ("hostname", {"expect": good, "edits": hostname}, "refused"),
                ("another target", {"expect": good, "edits": [{"name": "attributes", "value": "rack:r3"}]}, "refused"),
                ("not ignored", {"expect": good, "ignore": ["resources"]}, "refused"),
                ("native", {"mechanism": "native"}, "refused"),
                ("restart alone", {"mechanism": "restart"}, "refused"),
                ("agent would not start", {"edits": [{"name": "attributes", "value": "rack:"}]}, "usage"),
                ("unknown key", {"colour": "blue"}, "usage")):
            with self.subTest(name):
                done = self.host.run("apply", self.host.apply_request(self.operation, "rack:r2;tier:web", **more))
                last = checked(json.loads(done.stdout.splitlines()[-1]), "answer")
                self.assertEqual((last["event"], last["kind"]), ("refused", kind), last)
                self.assertEqual(done.returncode, 2 if kind == "usage" else 3)
                self.assert_state(None, 1)
        self.assertEqual(self.host.inspect()["operations"], [])

    def test_older_epochs_and_foreign_databases(self):
        self.assertEqual(self.host.settle(self.operation, status_only=True, epoch=5)[0]["state"], "absent")
        for more in ({"epoch": 4}, {"epoch": 9, "database": DATABASE.replace("1", "9")}):
            done = self.host.run("apply", self.host.apply_request(self.operation, "rack:r2;tier:web", **more))
            self.assertEqual(json.loads(done.stdout)["kind"], "conflict")
            self.assert_state(None, 1)
        adopted = self.host.settle(self.operation, epoch=1, adopt=True, database="another", status_only=True)
        self.assertEqual(adopted[0]["state"], "absent")

    def test_who_was_taken_over_has_no_say(self):
        request = self.host.apply_request(self.operation, "rack:r2;tier:web")
        process = self.host.talk(request)
        self.listen(process, "started")
        self.assertEqual(self.host.settle(self.operation, status_only=True, epoch=50)[0]["state"], "open")
        again = self.host.run("apply", request + b"undo\n")
        self.assertEqual(json.loads(again.stdout)["kind"], "conflict")
        process.stdin.write(b"undo\n")
        process.stdin.flush()
        with self.host.talk(self.host.request("settle", self.operation, epoch=50), "settle") as newer:
            self.listen(newer, "started")
            newer.stdin.write(b"keep\n")
            newer.stdin.flush()
            self.assertEqual(self.listen(newer, "done")[-1]["kept_by"], "rollcall")
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assert_state("rack:r2;tier:web", 2)

    def test_one_operation_at_a_time(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web"))
        self.listen(process, "started")
        other = self.host.run("apply", self.host.apply_request(os.urandom(16).hex(), "rack:r3;tier:web"))
        self.assertEqual(json.loads(other.stdout)["kind"], "conflict")
        self.kill_both(process)
        other = self.host.run("apply", self.host.apply_request(os.urandom(16).hex(), "rack:r3;tier:web"))
        self.assertIn("still open", json.loads(other.stdout)["reason"])
        self.assertEqual(len(self.host.starts()), 2)

    def test_flags_only(self):
        """The mechanism restart leaves the checkpoint alone, byte for byte."""
        request = self.host.request(
            "apply", self.operation, mechanism="restart", start_timeout_ms=10000, verdict_timeout_ms=300,
            edits=[{"name": "executor_registration_timeout", "value": "2mins"}])
        done = self.host.run("apply", request)
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["event"], "done")
        self.assertEqual(self.host.slave_info(), self.old[0])
        self.assertEqual(self.host.read("etc/mesos-agent.env"),
                         self.old[1] + b"MESOS_EXECUTOR_REGISTRATION_TIMEOUT=2mins\n")
        self.assertEqual(self.host.inspect()["agent"]["flags"]["executor_registration_timeout"], "2mins")


if __name__ == "__main__":
    unittest.main()
