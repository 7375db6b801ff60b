#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gates of a real rollout: asked after each agent and each stage, with a pass, a fail and no answer."""
import json
import os
import signal
import unittest

import documents
from fleet import Fleet
from lab import eventually

AGENTS = 3
CHECK = """#!/bin/sh
# Says what the file beside it says; who is asked about is kept.
echo "$ROLLCALL_RUN $ROLLCALL_STAGE $ROLLCALL_HOSTNAME $1" >> "${0%/*}/asked"
read answer < "${0%/*}/answer"
echo "the answer is $answer"
exit "$answer"
"""


class Gates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=AGENTS, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.check = cls.fleet.write("check", CHECK)
        os.chmod(cls.check, 0o755)
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.fleet.add_config("fleet", [{"attributes": {"generation": f"g{self.number + 1}"}}])
        self.fleet.write("asked", "")
        self.answer(0)

    def answer(self, status):
        self.fleet.write("answer", f"{status}\n")

    def asked(self):
        with open(self.fleet.file("asked"), encoding="utf-8") as lines:
            return [line.split() for line in lines]

    def plan(self, gates, *words):
        path = self.fleet.write("gates.json", json.dumps(gates))
        return self.fleet.plan("fleet", "--window", "1", "--gates", path, *words)

    def command(self):
        return {"kind": "command", "argv": [self.check, "${hostname}"], "timeout": "60secs"}

    def status(self):
        status = self.fleet.latest()
        documents.check(status, documents.load("rollout-status"))
        return status

    def test_every_kind_passes(self):
        stage = [{"kind": "unreachable", "max_new": 0}, {"kind": "metric", "name": "master/slaves_active", "min": AGENTS},
                 {"kind": "http", "url": f"http://{self.fleet.master}/version", "timeout": "60secs"},
                 {"kind": "command", "argv": [self.check, "stage"], "timeout": "60secs"}]
        plan = self.plan({"after_agent": [self.command()], "after_stage": stage}, "--canary", "1")
        result = self.fleet.rollcall("rollout", "start", plan).expect(0, f"{AGENTS} of {AGENTS}", "Stage 1 of 2")
        status = self.status()
        answers = [(gate["kind"], gate["hostname"], gate["answer"]) for gate in status["gates"]]
        self.assertEqual({answer for _, _, answer in answers}, {"pass"}, str(result))
        self.assertEqual(len(answers), AGENTS + 2 * len(stage))
        for gate in status["gates"]:
            if gate["hostname"]:
                self.assertIn(f"{self.check} {gate['hostname']} exits with 0", gate["gate"])
        self.assertEqual([stage["state"] for stage in status["stages"]], ["passed", "passed"])
        hosts = [words[-1] for words in self.asked() if words[-1] != "stage"]
        self.assertEqual(sorted(hosts), sorted(self.fleet.names))
        self.assertEqual({words[0] for words in self.asked()}, {status["run"]})
        report = self.fleet.rollcall("audit", "report", "latest", "--format", "json").expect(0).json()
        documents.check(report, documents.load("audit-report"))
        self.fleet.rollcall("audit", "report", "latest").expect(0, "the answer is 0", "master/slaves_active is 3")

    def test_a_gate_says_no(self):
        plan = self.plan({"after_agent": [self.command()]})
        self.answer(1)
        self.fleet.rollcall("rollout", "start", plan).expect(1, "rejected", "the answer is 1")
        status = self.status()
        self.assertEqual((status["state"], status["counts"]["rejected"], status["counts"]["waiting"]),
                         ("paused", 1, AGENTS - 1))
        self.assertEqual(len(self.asked()), 1)
        # Whoever has put right what the gate saw asks it again.
        self.answer(0)
        self.fleet.rollcall("rollout", "retry", "latest").expect(0, f"{AGENTS} of {AGENTS}")
        self.assertEqual(len(self.fleet.restarts(self.asked()[0][-1])),
                         len(self.fleet.restarts(self.asked()[-1][-1])), "it was restarted once more")

    def test_a_gate_gives_no_answer(self):
        plan = self.plan({"after_agent": [self.command()]})
        self.answer(3)
        paused = self.fleet.rollcall("rollout", "start", plan).expect(1, "inconclusive", "the answer is 3")
        status = self.status()
        self.assertEqual((status["state"], status["counts"]["gating"]), ("paused", 1), str(paused))
        # It is asked again, and again says nothing.
        self.fleet.rollcall("rollout", "resume", "latest").expect(1, "inconclusive")
        self.assertEqual(len(self.asked()), 2)
        self.answer(0)
        self.fleet.rollcall("rollout", "resume", "latest").expect(0, f"{AGENTS} of {AGENTS}")

    def test_killed_while_a_gate_is_asked(self):
        """Nothing of the question is kept: whoever resumes asks it from the beginning."""
        waits = self.fleet.write("waits", f"#!/bin/sh\necho $$ > {self.fleet.file('new')}\nmv {self.fleet.file('new')} {self.fleet.file('pid')}\nexec sleep 300\n")
        os.chmod(waits, 0o755)
        plan = self.plan({"after_agent": [{"kind": "command", "argv": [waits], "timeout": "10mins"}]})
        running = self.fleet.start("rollout", "start", plan)
        run = running.wait_for(r"^Run ").split()[1]
        eventually(lambda: os.path.exists(self.fleet.file("pid")), 120, "the question")
        running.kill()
        with open(self.fleet.file("pid"), encoding="utf-8") as text:
            os.kill(int(text.read()), signal.SIGKILL)
        self.assertEqual(self.status()["counts"]["gating"], 1)
        self.fleet.write("waits", "#!/bin/sh\nexit 0\n")
        os.chmod(waits, 0o755)
        self.fleet.rollcall("rollout", "resume", run).expect(0, f"{AGENTS} of {AGENTS}")

    def test_tasks_of_a_framework(self):
        tasks = [task["framework_id"] for task in self.fleet.get_json("/tasks?limit=1000")["tasks"]
                 if task["state"] == "TASK_RUNNING"]
        gates = {"after_stage": [{"kind": "tasks", "framework": tasks[0], "min_percent": 100}]}
        self.fleet.rollcall("rollout", "start", self.plan(gates)).expect(0)
        self.assertIn(f"runs {tasks.count(tasks[0])} tasks", self.status()["gates"][0]["seen"])
        gates["after_stage"].append({"kind": "tasks", "framework": "nobody", "min_percent": 100})
        self.fleet.add_config("fleet", [{"attributes": {"generation": "other"}}])
        self.fleet.rollcall("rollout", "start", self.plan(gates)).expect(1, "nothing to compare with")
        status = self.status()
        self.assertEqual((status["state"], status["counts"]["done"]), ("paused", AGENTS))


if __name__ == "__main__":
    unittest.main()
