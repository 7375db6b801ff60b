#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rollout that is watched, paused, gone on with, aborted, retried, taken over and taken back, from other terminals."""
import json
import os
import signal
import unittest

import documents
from fleet import HALT, Fleet
from lab import eventually

AGENTS = 2


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def go_on(running):
    """True when it has ended; a process that is stopped goes on."""
    if running.process.poll() is not None:
        return True
    if state_of(running.process.pid) == "T":
        running.signal(signal.SIGCONT)
    return False


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=AGENTS, zones=2, tasks=0, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.generation = f"c{self.number}"
        self.fleet.add_config("fleet", [{"attributes": {"generation": self.generation}}])
        self.latch = self.fleet.file(self.generation)
        self.before = self.fleet.now()
        self.journal = {host: set(self.fleet.operations(host)) for host in self.before}

    def plan(self, *words):
        return self.fleet.plan("fleet", "--window", "1", *words)

    def held_plan(self):
        """One whose first agent, changed and proven, is kept waiting by its gate until release()."""
        wait = f"until [ -e {self.latch} ]; do sleep 0.05; done"
        gates = {"after_agent": [{"kind": "command", "argv": ["/bin/sh", "-c", wait], "timeout": "10mins"}]}
        return self.plan("--gates", self.fleet.write("gates.json", json.dumps(gates)))

    def release(self):
        with open(self.latch, "w", encoding="utf-8"):
            pass

    def start(self, plan, *words):
        running = self.fleet.start("rollout", "start", plan, *words)
        return running, running.wait_for(r"^Run ").split()[1]

    def status(self, run):
        status = self.fleet.rollcall("rollout", "status", run, "--json").expect(0).json()
        documents.check(status, documents.load("rollout-status"))
        return status

    def assert_counts(self, status, **expected):
        self.assertEqual({state: count for state, count in status["counts"].items() if count}, expected)

    def new_operations(self, host):
        operations = self.fleet.operations(host)
        return [operations[name] for name in operations if name not in self.journal[host]]

    def assert_changed_once(self, hosts=None):
        for host in hosts or self.before:
            done = [found for found in self.new_operations(host) if found["step"] == "done"]
            self.assertEqual(len(done), 1, f"{host}: {self.new_operations(host)}")
            self.assertEqual(sum(found["effects"].count("restart agent") for found in self.new_operations(host)), 1, host)
            self.assertIn(f"generation:{self.generation}", self.fleet.flags(host))
            self.assertEqual(self.fleet.now(host)["id"], self.before[host]["id"])

    # ---- pause, resume, abort

    def test_paused_from_another_terminal(self):
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        paused = self.fleet.rollcall("rollout", "pause", run, "--json").expect(0).json()
        documents.check(paused, documents.load("rollout-order"))
        self.release()
        # Whoever drives it, watches it or comes later gets the same answer, and the commands that go on.
        words = ("paused by ", f"rollcall rollout resume {run}", f"rollcall rollout abort {run}")
        running.finish().expect(5, *words)
        self.fleet.rollcall("rollout", "watch", run).expect(5, *words)
        self.fleet.rollcall("rollout", "status", run).expect(0, *words)
        status = self.status(run)
        self.assertEqual(status["state"], "paused")
        self.assertIn("paused by ", status["reason"])
        self.assert_counts(status, waiting=AGENTS - 1, done=1)
        self.assertIsNone(status["driver"])
        self.fleet.rollcall("rollout", "pause", run).expect(3, "paused already")
        shown = self.fleet.rollcall("rollout", "rollback", run, "--json").expect(0).json()
        self.fleet.rollcall("rollout", "resume", run).expect(0, f"{AGENTS} of {AGENTS}")
        self.fleet.rollcall("rollout", "start", shown["hash"]).expect(3, "has gone on since", f"rollcall rollout rollback {run}")
        self.assert_changed_once()
        self.fleet.rollcall("rollout", "pause", run).expect(3, "is done")
        report = self.fleet.rollcall("audit", "report", run, "--format", "json").expect(0).json()
        documents.check(report, documents.load("audit-report"))
        self.assertTrue([event for event in report["events"] if "pause, ordered by " in event["text"]], report["events"])

    def test_resumed_while_it_finishes(self):
        """The driver that is told to pause and then to go on never ends in between."""
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        os.kill(running.process.pid, signal.SIGINT)
        eventually(lambda: self.status(run)["state"] == "paused", 60, "the pause")
        self.fleet.rollcall("rollout", "resume", run).expect(0, "it goes on", "driven by another process")
        self.release()
        running.finish().expect(0, f"{AGENTS} of {AGENTS}")
        self.assert_changed_once()

    def test_aborted(self):
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        self.fleet.rollcall("rollout", "abort", run).expect(0, run)
        self.release()
        running.finish().expect(1, "is aborted: aborted by ")
        status = self.status(run)
        self.assertEqual(status["state"], "aborted")
        self.assert_counts(status, waiting=AGENTS - 1, done=1)
        self.assertIsNotNone(status["finished"])
        self.fleet.rollcall("rollout", "resume", run).expect(3, "aborted")
        self.fleet.rollcall("rollout", "retry", run).expect(3, "aborted")
        self.fleet.rollcall("rollout", "abort", run).expect(3, "nothing to stop")
        # What is left to do is planned anew.
        self.fleet.rollcall("rollout", "start", self.fleet.plan("fleet", "--window", "2")).expect(0)
        self.assert_changed_once()

    def test_orders_to_a_run_that_nobody_drives(self):
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        running.kill()
        self.release()
        self.fleet.rollcall("rollout", "status", run).expect(0, "nobody drives it")
        self.fleet.rollcall("rollout", "pause", run).expect(0, "it has paused", "Nobody drives it", f"resume {run}")
        self.assertEqual(self.status(run)["state"], "paused")
        for word in ("abort", "status"):
            self.fleet.rollcall("rollout", word, run).expect(0, "aborted", f"rollcall rollout settle {run}")
        aborted = self.fleet.rollcall("rollout", "resume", run).expect(1, "is aborted")
        status = self.status(run)
        self.assertEqual(status["state"], "aborted", str(aborted))
        self.assert_counts(status, waiting=AGENTS - 1, done=1)
        self.fleet.rollcall("audit", "verify").expect(0)
        self.fleet.rollcall("rollout", "start", self.fleet.plan("fleet", "--window", "2")).expect(0)
        self.assert_changed_once()

    # ---- retry

    def test_retried(self):
        plan = self.plan("--max-failures", "4")
        self.fleet.break_("node002.lab", "refuse")
        running, run = self.start(plan)
        running.finish().expect(1, "1 failed with nothing changed")
        self.fleet.heal("node002.lab")
        first = self.status(run)["finished"]
        # A run that is done goes nowhere by itself, and keeps its end.
        self.fleet.rollcall("rollout", "resume", run).expect(1, f"is done since {first}", f"rollout retry {run}")
        self.assertEqual(self.status(run)["finished"], first)
        self.fleet.rollcall("rollout", "retry", run).expect(0, f"{AGENTS} of {AGENTS}")
        self.assert_changed_once()
        status = self.status(run)
        self.assert_counts(status, done=AGENTS)
        self.assertGreater(status["finished"], first)
        kinds = [kind for kind, in self.fleet.rows("SELECT kind FROM events WHERE run = ?", run)]
        self.assertEqual((kinds.count("run.ordered"), kinds.count("run.obeyed")), (1, 1))
        self.fleet.rollcall("audit", "log", run).expect(0, f"resumed; it had ended at {first}")
        # With nothing left to retry it changes nothing.
        for word in ("retry", "resume"):
            self.fleet.rollcall("rollout", word, run).expect(0, f"{AGENTS} of {AGENTS}", "nothing of it is left to do")
        self.assertEqual(self.status(run), status)

    def test_retry_refuses_what_has_drifted(self):
        plan = self.plan("--max-failures", "4")
        self.fleet.break_("node002.lab", "refuse")
        running, run = self.start(plan)
        running.finish().expect(1)
        self.fleet.heal("node002.lab")
        old = self.fleet.flags("node002.lab")
        self.fleet.edit_flags("node002.lab", old, old + "# somebody was here\n")
        try:
            self.fleet.rollcall("rollout", "retry", run).expect(1, "node002.lab")
            status = next(agent for agent in self.status(run)["agents"] if agent["hostname"] == "node002.lab")
            self.assertEqual(status["state"], "failed")
            self.assertEqual([found["effects"] for found in self.new_operations("node002.lab") if found["effects"]], [])
        finally:
            self.fleet.edit_flags("node002.lab", "# somebody was here\n", "")
        self.fleet.rollcall("rollout", "retry", run).expect(0)
        self.assert_changed_once()

    # ---- watch, detach

    def test_detached_and_watched(self):
        started = self.fleet.rollcall("rollout", "start", "--detach", "--json", self.plan()).expect(0).json()
        documents.check(started, documents.load("rollout-detached"))
        run = started["run"]
        watched = self.fleet.rollcall("rollout", "watch", run)
        self.assertEqual(watched.code, 0, str(watched))
        self.assertIn(f"{AGENTS} of {AGENTS}", watched.out)
        self.assertIn("soaking → done", watched.err)
        with open(started["log"], encoding="utf-8") as log:
            self.assertIn("returning", log.read())
        self.assertEqual(os.stat(started["log"]).st_mode & 0o777, 0o600)
        again = self.fleet.rollcall("rollout", "watch", run, "--json").expect(0).json()
        documents.check(again, documents.load("rollout-status"))
        self.assert_changed_once()
        # What is refused is told at once, and nothing goes on in the background.
        self.fleet.rollcall("rollout", "start", "--detach", started["run"]).expect(2, "neither a file nor the hash")

    def test_resumed_in_the_background(self):
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        running.kill()
        self.release()
        resumed = self.fleet.rollcall("rollout", "resume", "--detach", "--json", run).expect(0).json()
        documents.check(resumed, documents.load("rollout-detached"))
        self.assertEqual(resumed["run"], run)
        self.fleet.rollcall("rollout", "watch", run).expect(0, f"{AGENTS} of {AGENTS}")
        self.assert_changed_once()
        # What there is nothing to drive for is told at once.
        self.fleet.rollcall("rollout", "resume", "--detach", run).expect(0, "nothing of it is left to do")
        self.fleet.rollcall("rollout", "resume", "--detach", "r-20000101-1").expect(2, "r-20000101-1")

    def test_status_while_it_runs(self):
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        self.fleet.rollcall("rollout", "status", run).expect(0, f"Run {run}: running", f"process {running.process.pid} on ")
        self.release()
        running.finish().expect(0)

    # ---- one driver

    def test_the_second_operator_is_told(self):
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        words = ("another rollcall drives", run, f"process {running.process.pid} on ", "fleet@", "since ")
        self.fleet.rollcall("rollout", "resume", run).expect(3, *words)
        self.fleet.rollcall("rollout", "start", self.plan()).expect(3, *words)
        self.release()
        running.finish().expect(0)
        self.assert_changed_once()

    def stop_before_request(self, pid):
        """Lets the process, which stops before each connection to a host, go on until an intent is durable."""
        def look():
            if state_of(pid) != "T":
                return None
            latest = self.fleet.rollcall("rollout", "list", "--json").expect(0).json()["runs"][:1]
            if latest and latest[0]["counts"].get("changing"):
                return latest[0]["run"]
            os.kill(pid, signal.SIGCONT)
            return None
        return eventually(look, 120, "an intent")

    def test_a_driver_that_hangs_is_taken_over(self):
        """Stopped between a durable intent and its request; what it sends when it goes on is refused by the host."""
        plan = self.plan()
        self.fleet.env.update(LD_PRELOAD=HALT, HALT_AT_CONNECT="1")
        try:
            running = self.fleet.start("rollout", "start", plan)
        finally:
            del self.fleet.env["LD_PRELOAD"], self.fleet.env["HALT_AT_CONNECT"]
        self.addCleanup(lambda: running.process.poll() is None and running.kill())
        pid = running.process.pid
        run = self.stop_before_request(pid)
        changing = [agent for agent in self.status(run)["agents"] if agent["state"] == "changing"]
        self.assertEqual(len(changing), 1)
        stale = changing[0]["operation"]
        status = self.fleet.rollcall("rollout", "status", run).expect(0, "that process is stopped")
        self.assertIn(str(pid), status.out)
        self.fleet.rollcall("rollout", "pause", run).expect(3, "is stopped", f"resume --take-over {run}")
        self.fleet.rollcall("rollout", "resume", run).expect(3, f"kill -CONT {pid}", f"resume --take-over {run}")
        self.fleet.rollcall("rollout", "resume", "--take-over", run).expect(0, f"{AGENTS} of {AGENTS}")
        self.assert_changed_once()
        eventually(lambda: go_on(running), 120, "the end of the process that was taken over")
        late = running.finish()
        self.assertEqual(late.code, 3, str(late))
        self.assertIn("another rollcall drives from this database", late.err)
        self.assert_changed_once()
        self.assertNotIn(stale, self.fleet.operations(changing[0]["hostname"]))
        self.assertEqual(self.status(run)["state"], "done")

    # ---- rollback

    def test_rolled_back(self):
        old = self.fleet.agent("node001.lab")["attributes"]["generation"]
        running, run = self.start(self.fleet.plan("fleet", "--window", "2"))
        running.finish().expect(0)
        shown = self.fleet.rollcall("rollout", "rollback", run, "--window", "2", "--json").expect(0).json()
        documents.check(shown, documents.load("rollout-rollback"))
        self.assertEqual((shown["rolls_back"], shown["agents"]), (run, AGENTS))
        self.assertEqual(self.status(run)["state"], "done", "showing it has changed something")
        back = self.fleet.rollcall("rollout", "start", shown["hash"]).expect(0, f"{AGENTS} of {AGENTS}", f"takes back run {run}")
        for host, agent in self.fleet.agents().items():
            self.assertEqual(agent["attributes"]["generation"], old, str(back))
            self.assertIn(f"generation:{old}", self.fleet.flags(host))
            self.assertEqual(agent["id"], self.before[host]["id"])
        latest = self.status("latest")
        self.assertEqual(latest["rolls_back"], run)
        self.assertEqual(self.status(run)["rolled_back_by"], latest["run"])
        self.assertEqual(self.status(run)["state"], "aborted")
        self.fleet.rollcall("rollout", "rollback", run).expect(3, "rolled back by", latest["run"])
        self.fleet.rollcall("rollout", "resume", run).expect(3, latest["run"])

    def test_a_rollback_that_is_only_shown_changes_nothing(self):
        """The run that is driven goes on; with --yes it is paused, and what is changed then is taken back."""
        old = self.fleet.agent("node001.lab")["attributes"]["generation"]
        running, run = self.start(self.held_plan())
        running.wait_for("changing → returning")
        eventually(lambda: self.status(run)["counts"]["gating"], 120, "the gate's question")
        self.fleet.rollcall("rescue", "hostname like '%'").expect(0, "nothing to rescue")
        shown = self.fleet.rollcall("rollout", "rollback", run)
        shown.expect(0, "Nothing was changed", f"run {run} goes on", f"rollcall rollout rollback {run} --yes")
        self.assertEqual(self.status(run)["state"], "running", str(shown))
        back = self.fleet.start("rollout", "rollback", run, "--yes")
        eventually(lambda: self.status(run)["state"] == "paused", 120, "the pause")
        self.release()
        running.finish().expect(5, "paused by ")
        ended = str(back.finish().expect(0, f"takes back run {run}"))
        self.assertEqual(ended.count("Changes: "), 1, ended)  # its plan is printed once
        self.assertEqual({agent["attributes"]["generation"] for agent in self.fleet.agents().values()}, {old})


if __name__ == "__main__":
    unittest.main()
