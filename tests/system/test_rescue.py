#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl rescue and restore, by hand, on a host in a folder."""
import json
import os
import signal
import subprocess
import time
import unittest

from fake_host import AGENTCTL, PATIENCE, wait_until
from on_host import OnHost, checked


class ByHand(OnHost):
    def by_hand(self, *words):
        done = subprocess.run([AGENTCTL, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)
        answers = [checked(json.loads(line), "answer") for line in done.stdout.splitlines()]
        return done, answers

    def wait_until_down(self):
        """The supervisor tries five times; then agentctl must find nobody running, either."""
        wait_until(lambda: self.host.agent_pid() == 0 and sum(not s["accepted"] for s in self.host.starts()) >= 5 and
                   self.host.inspect()["life"] is not None,
                   lambda: "the agent did not give up: %s" % self.host.starts())


class Rescue(ByHand):
    def setUp(self):
        super().setUp()
        self.host.write("settings.json", json.dumps(self.host.settings()).encode())

    def push(self, attributes=b"rack:r9;tier:web"):
        """Somebody changes the flags, and the agent is restarted with them."""
        self.pushed = self.old[1].replace(b"rack:r1;tier:web", attributes)
        self.host.write("etc/mesos-agent.env", self.pushed)
        self.host.stop()
        self.host.start()
        self.wait_until_down()

    def words(self, *more, watch="1secs"):
        return ("rescue", "--settings", self.host.path("settings.json"), "--watch", watch, *more)

    def rescue(self, *more, watch="1secs"):
        return self.by_hand(*self.words(*more, watch=watch))

    def assert_rescued(self, attributes):
        self.assertEqual(self.host.starts()[-1],
                         {"pid": self.host.agent_pid(), "id": self.host.id, "attributes": attributes, "accepted": True})
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        self.assertTrue(self.host.inspect()["verdict"]["accepted"])

    def test_checkpoint_gives_way(self):
        self.push()
        done, answers = self.rescue("--show")
        self.assertEqual((done.returncode, answers), (0, []), done.stderr)
        self.assertIn("differ in attributes", done.stderr)
        self.assertIn("checkpoint is made to fit", done.stderr)
        self.assertEqual(self.host.inspect()["operations"], [])
        done, answers = self.rescue()
        self.assertEqual((done.returncode, answers[-1]["event"]), (0, "done"), answers)
        self.assert_rescued("rack:r9;tier:web")
        self.assertEqual(self.host.read("etc/mesos-agent.env"), self.pushed)
        done, answers = self.by_hand("restore", answers[-1]["operation"], "--root", self.host.root)
        self.assertEqual((done.returncode, answers[-1]["kind"]), (3, "refused"))
        self.assertIn("run agentctl rescue", answers[-1]["reason"])

    def test_flags_give_way(self):
        self.push(b"rack:r9;zone:z1")
        done, answers = self.rescue("--flags")
        self.assertEqual((done.returncode, answers[-1]["event"]), (0, "done"), answers)
        self.assert_rescued("rack:r1;tier:web")
        self.assertEqual(self.host.slave_info(), self.old[0])

    def requested(self, **more):
        """As rollcall asks for it; the host must be as the survey said."""
        survey = checked(self.host.inspect(), "inspect")
        self.assertGreaterEqual(survey["life"]["left_most_ms"], survey["life"]["left_least_ms"])
        members = {"start_timeout_ms": 10000, "verdict_timeout_ms": 500,
                   "expect": {"agent_id": survey["agent"]["id"], "checkpoint_sha256": survey["checkpoint"]["sha256"],
                              "store_sha256": survey["flag_store"]["sha256"]}}
        members.update(more)
        request = self.host.request("rescue", self.operation, **members)
        checked(json.loads(request.split(b"\n", 1)[1]), "request")
        done = self.host.run("rescue", request)
        return request, [checked(json.loads(line), "answer") for line in done.stdout.splitlines()]

    def test_requested(self):
        self.push()
        _, answers = self.requested(expect={"checkpoint_sha256": "0" * 64})
        self.assertEqual((answers[-1]["event"], answers[-1]["kind"]), ("refused", "conflict"))
        request, answers = self.requested()
        self.assertEqual(answers[-1]["event"], "done", answers)
        self.assert_rescued("rack:r9;tier:web")
        # The same request again changes nothing.
        starts = self.host.starts()
        self.assertEqual(json.loads(self.host.run("rescue", request).stdout.splitlines()[-1])["event"], "done")
        self.assertEqual(self.host.starts(), starts)

    def test_requested_by_flags(self):
        self.push()
        _, answers = self.requested(by_flags=True)
        self.assertEqual(answers[-1]["event"], "done", answers)
        self.assert_rescued("rack:r1;tier:web")
        self.assertIsNone(self.host.inspect()["life"])

    def kill_when_started(self):
        """How often the agent was started until then."""
        count = len(self.host.starts()) + 1
        process = subprocess.Popen([AGENTCTL, *self.words(watch="1hrs")],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.host.processes.append(process)
        process.stdin = open(os.devnull)
        self.listen(process, "started")
        process.kill()
        process.wait()
        self.host.wait_for_starts(count)
        return count

    def assert_kept_although(self, reason):
        operations = self.host.inspect()["operations"]
        self.assertEqual([operation["state"] for operation in operations], ["done"])
        last = checked(self.host.settle(operations[0]["operation"], status_only=True)[-1], "answer")
        self.assertEqual((last["event"], last["kept_by"]), ("done", "deadline"))
        self.assertIn(reason, last["reason"])

    def test_agent_ends_when_nobody_watches(self):
        """Its supervisor starts it again, with the state that fits."""
        self.push()
        count = self.kill_when_started()
        os.kill(self.host.starts()[-1]["pid"], signal.SIGKILL)
        self.host.wait_for_starts(count + 1)
        self.assert_rescued("rack:r9;tier:web")
        self.assertEqual(len(self.host.starts()), count + 1)
        self.assert_kept_although("was being started again; it is kept")

    def test_settled_when_its_agent_has_ended(self):
        """Nobody starts it again but settle."""
        self.push()
        count = self.kill_when_started()
        self.host.stop()
        done, answers = self.by_hand("settle", "--root", self.host.root)
        self.assertEqual((done.returncode, answers[-1]["event"]), (0, "done"), answers)
        self.host.wait_for_starts(count + 1)
        self.assert_rescued("rack:r9;tier:web")
        self.assert_kept_although("process ended with the new state; it is kept")

    def test_after_a_reboot(self):
        """A start of the agent would cost its ID: the rescue comes first, and holds over one more reboot."""
        self.push()
        self.host.boot()
        self.kill_when_started()
        self.host.stop()
        self.host.boot()
        count = len(self.host.starts())
        self.host.start()
        self.host.wait_for_starts(count + 1)
        self.assert_rescued("rack:r9;tier:web")
        self.assertEqual([o["state"] for o in self.host.inspect()["operations"]], ["done"])

    def test_agent_that_ends_again(self):
        """The old bytes come back, and nothing is started with them."""
        self.push()
        self.host.write("run/dies-with", b"rack:r9")
        done, answers = self.rescue(watch="2mins")
        self.assertEqual((done.returncode, answers[-1]["event"]), (1, "undone"), answers)
        self.assertEqual((self.host.slave_info(), self.host.read("etc/mesos-agent.env")), (self.old[0], self.pushed))
        self.assertFalse(os.path.exists(self.host.path("etc/start-hook")))
        time.sleep(0.5)
        self.assertEqual(self.host.agent_pid(), 0)
        os.unlink(self.host.path("run/dies-with"))
        done, answers = self.rescue("--flags")
        self.assertEqual(answers[-1]["event"], "done", answers)
        self.assert_rescued("rack:r1;tier:web")

    def test_killed_at_any_moment(self):
        """What takes it over goes forward, also when somebody starts the agent beside it."""
        for number, delay in enumerate((0, 30, 60, 90, 140)):
            self.push(b"rack:r%d;tier:web" % (20 + number))
            process = subprocess.Popen([AGENTCTL, *self.words()],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            process.send_signal(signal.SIGKILL)
            process.wait()
            began = any(o["state"] not in ("done", "undone") for o in self.host.inspect()["operations"])
            if began and number % 2 == 1:
                self.host.start()
            self.by_hand("settle", "--root", self.host.root)
            if not began and self.host.agent_pid() == 0:
                self.rescue()
            self.assert_rescued("rack:r%d;tier:web" % (20 + number))
            self.old = (self.host.slave_info(), self.host.read("etc/mesos-agent.env"))
            self.old = (self.old[0], self.old[1].replace(b"rack:r%d" % (20 + number), b"rack:r1"))
            os.unlink(self.host.path("run/starts"))

    def test_refusals(self):
        done, answers = self.rescue()
        self.assertEqual((done.returncode, answers[-1]["event"]), (3, "refused"))
        self.assertIn("nothing to rescue", answers[-1]["reason"])
        self.host.stop()
        done, answers = self.rescue()
        self.assertIn("would accept its checkpoint", answers[-1]["reason"])
        self.host.write("etc/mesos-agent.env", self.old[1].replace(b"n1.example.com", b"n2.example.com"))
        for more in ((), ("--flags",)):
            done, answers = self.rescue(*more)
            self.assertEqual((done.returncode, answers[-1]["kind"]), (3, "refused"))
            self.assertIn("hostname", answers[-1]["reason"])
        self.assertEqual(self.host.inspect()["operations"], [])


class Restore(ByHand):
    def change(self, attributes, **more):
        self.operation = os.urandom(16).hex()
        request = self.host.apply_request(self.operation, attributes, verdict_timeout_ms=200, **more)
        last = json.loads(self.host.run("apply", request).stdout.splitlines()[-1])
        self.assertEqual(last["event"], "done", last)
        return self.operation

    def restore(self, operation, watch="1secs"):
        return self.by_hand("restore", operation, "--root", self.host.root, "--watch", watch)

    def assert_refused(self, operation, kind, text):
        done, answers = self.restore(operation)
        self.assertEqual((answers[-1]["event"], answers[-1]["kind"]), ("refused", kind), answers)
        self.assertIn(text, answers[-1]["reason"])
        self.assertEqual(done.returncode, 2 if kind == "usage" else 3)

    def test_takes_it_back(self):
        operation = self.change("rack:r2;tier:web")
        done, answers = self.restore(operation)
        self.assertEqual((done.returncode, answers[-1]["event"]), (0, "done"), answers)
        self.assert_state(None, 3)
        self.assert_refused(operation, "conflict", "was changed since")
        again = answers[0]["operation"]
        done, answers = self.restore(again)
        self.assertEqual(answers[-1]["event"], "done", answers)
        self.assert_state("rack:r2;tier:web", 4)

    def test_agent_that_ends_keeps_the_new_state(self):
        operation = self.change("rack:r2;tier:web")
        self.host.write("run/dies-with", b"rack:r1")
        self.assertEqual(self.restore(operation, watch="2mins")[1][-1]["event"], "undone")
        self.assert_state("rack:r2;tier:web", 4)

    def test_refusals(self):
        self.assert_refused("0" * 32, "usage", "there is nothing in ")
        first = self.change("rack:r2;tier:web")
        self.assert_refused("0" * 32, "usage", "knows no operation")
        self.assert_refused("latest", "usage", "is no operation")
        self.change("rack:r3;tier:web")
        self.assert_refused(first, "conflict", "slave.info was changed since")
        second = self.operation
        text = self.host.read("etc/mesos-agent.env")
        self.host.write("etc/mesos-agent.env", text + b"# looked at it\n")
        self.assert_refused(second, "conflict", "mesos-agent.env was changed since")
        self.host.write("etc/mesos-agent.env", text)
        discarded = self.change("rack:r4;tier:web", mechanism="discard")
        self.assert_refused(discarded, "refused", "nothing brings back")
        self.host.stop()
        self.assert_refused(discarded, "refused", "nothing brings back")
        self.assert_refused(second, "conflict", "no agent runs")

    def test_old_operations_go(self):
        made = [self.change("rack:r%d;tier:web" % (number + 10)) for number in range(12)]
        kept = [operation["operation"] for operation in self.host.inspect()["operations"]]
        self.assertEqual(sorted(kept), sorted(made[2:]))
        self.assertEqual(sorted(os.listdir(self.host.path("var/lib/rollcall/operations"))), sorted(made[2:]))
        # How they ended is remembered: a late question is answered, and a late request is not carried out again.
        self.assert_refused(made[0], "refused", "no longer kept")
        answers = self.host.settle(made[0], status_only=True)
        self.assertEqual([answer["event"] for answer in answers], ["status", "done"], answers)
        self.assertEqual((answers[0]["state"], answers[1]["kept_by"], answers[1]["pid"]),
                         ("done", "deadline", self.host.agent_pid()))
        again = self.host.run("apply", self.host.apply_request(made[0], "rack:r9;tier:web"))
        self.assertIn("never carried out twice", json.loads(again.stdout)["reason"])
        self.assertEqual(len(self.host.starts()), 13)


if __name__ == "__main__":
    unittest.main()
