#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl apply on a host in a folder."""
import json
import os
import signal
import time
import unittest

from fake_host import DATABASE, PATIENCE
from on_host import OnHost, checked


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
        self.host.wait_for_starts(2)
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
