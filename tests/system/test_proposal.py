#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The proposal for relaxed recovery, as the lab's dialect `proposal` plays it: its agents, and its task update."""
import os
import signal
import subprocess
import unittest

from lab import eventually
from lab_master import LONG, ONE, THREE, TWO
from proposing import ANY, BOUNCE, WithProposal
from scheduler import Scheduler, generations

class Flags(WithProposal):
    def agent(self, host, *words):
        return subprocess.run([self.lab.path(host, "usr/bin/mesos-agent"), *words], capture_output=True, text=True,
                              timeout=LONG, check=False)

    def test_help_lists_them_and_values_are_checked(self):
        shown = self.agent(ONE, "--help").stdout
        self.assertRegex(shown, r'  --ignore_checkpointed_state=VALUE .*default: \["domains"\]')
        self.assertRegex(shown, r"  --\[no-\]recover_state .*default: true")
        self.assertNotIn("recover_state", self.agent(THREE, "--help").stdout)
        common = ["--master=127.0.0.1:1", "--work_dir=/tmp"]
        for value in ('["disk"]', '["none","domains"]', "[]", "domains"):
            said = self.agent(ONE, *common, "--ignore_checkpointed_state=" + value)
            self.assertEqual(said.returncode, 1)
            self.assertIn("Failed to load flag 'ignore_checkpointed_state'", said.stderr)
        self.assertIn("Expecting a boolean", self.agent(ONE, *common, "--recover_state=maybe").stderr)
        self.assertIn("unknown flag", self.agent(THREE, *common, "--recover_state=true").stderr)

    def test_domains_are_ignored_by_default(self):
        before, tasks = self.lab.agent(ONE), self.lab.running(ONE)
        self.change(ONE, '"zone":{"name":"zone-1"}', '"zone":{"name":"zone-9"}')
        after = self.restart(ONE)
        self.assertEqual(after["id"], before["id"])
        self.assertEqual(after["domain"]["fault_domain"]["zone"]["name"], "zone-9")
        self.assertIn(b"zone-9", self.slave_info(ONE))
        eventually(lambda: self.lab.running(ONE) == tasks, LONG, "the same tasks")
        self.assertIn("domain differ from what it checkpointed", self.lab.agent_log(ONE))
        self.assertIn("*****", self.lab.agent_log(ONE))

    def test_nothing_else_is(self):
        old = self.slave_info(ONE)
        self.change(ONE, BOUNCE, "generation:g2")
        self.refused(ONE)
        self.assertEqual(self.slave_info(ONE), old)

    def test_none_ignores_nothing(self):
        self.change(TWO, '"zone":{"name":"zone-1"}', '"zone":{"name":"zone-9"}',
                    "MESOS_IGNORE_CHECKPOINTED_STATE='[\"none\"]'\n")
        self.refused(TWO)

    def test_each_part_is_ignored_alone(self):
        before = self.lab.agent(ONE)
        self.change(ONE, BOUNCE, "generation:g2", "MESOS_IGNORE_CHECKPOINTED_STATE='[\"attributes\"]'\n")
        self.assertEqual(self.restart(ONE)["attributes"]["generation"], "g2")
        self.assertIn(b"g2", self.slave_info(ONE))
        self.change(ONE, "cpus:8", "cpus:2")
        self.refused(ONE)
        self.change(ONE, '["attributes"]', '["resources"]')
        after = self.restart(ONE)
        self.assertEqual((after["id"], after["resources"]["cpus"]), (before["id"], 2))

    def test_the_new_state_is_what_counts_from_then_on(self):
        self.change(TWO, BOUNCE, "generation:g2", ANY)
        before = self.restart(TWO)
        self.write_flags(TWO, self.lab.flags(TWO).replace(ANY, ""))
        after = self.restart(TWO)  # without the flag: there is no difference any more
        self.assertEqual((after["id"], after["attributes"]["generation"]), (before["id"], "g2"))

    def test_false_keeps_the_id_and_ends_the_tasks(self):
        before, tasks = self.lab.agent(TWO), self.lab.running(TWO)
        executors = self.executors(TWO)
        self.assertTrue(executors)
        os.kill(min(executors), signal.SIGSTOP)  # it does not go when it is asked to
        self.change(TWO, BOUNCE, "generation:g3", "MESOS_RECOVER_STATE=false\n")
        after = self.restart(TWO)
        self.assertEqual((after["id"], after["attributes"]["generation"]), (before["id"], "g3"))
        self.assertIn(b"g3", self.slave_info(TWO))
        eventually(lambda: not self.lab.running(TWO), LONG, "the end of the tasks")
        for pid in executors:
            eventually(lambda: pid not in self.lab.processes(), LONG, "the end of an executor")
        self.assertEqual({self.lab.task_states()[task] for task in tasks} - {"TASK_LOST", "TASK_DROPPED"}, set())
        self.assertIn("old state is not recovered", self.lab.agent_log(TWO))


class OldMaster(WithProposal):
    """A master that cannot store a state that has changed: nothing is lost to it."""
    words = ["--agents", "2", "--zones", "1", "--tasks-per-agent", "2", "--dialect", "proposal", "--master-version",
             "1.4.0"]

    def restore(self):
        pass

    def setUp(self):
        super().setUp()
        self.tasks, self.old = self.lab.running(ONE), self.slave_info(ONE)
        self.living = self.executors(ONE)
        self.assertEqual(len(self.living), 2)

    def check_refused_for_nothing(self):
        """It says so and goes, and what it had is there for an agent without these flags."""
        self.refused(ONE, "lacks the AGENT_UPDATE capability")
        self.assertIn("Refusing to connect", self.lab.agent_log(ONE))
        self.assertEqual(self.slave_info(ONE), self.old)
        self.assertEqual(self.executors(ONE), self.living)
        self.assertLess(self.living, set(self.lab.processes()))
        self.assertFalse(self.lab.agent(ONE)["active"])
        before = self.lab.agent(ONE)
        self.write_flags(ONE, self.lab.put_back[ONE])
        self.assertEqual(self.restart(ONE)["id"], before["id"])
        eventually(lambda: self.lab.running(ONE) == self.tasks, LONG, "the same tasks")
        self.assertLess(self.living, set(self.lab.processes()))

    def test_the_defaults_are_served(self):
        before = self.lab.agent(TWO)
        self.assertEqual(self.restart(TWO)["id"], before["id"])
        self.change(TWO, '"zone":{"name":"zone-1"}', '"zone":{"name":"zone-9"}')
        self.assertEqual(self.restart(TWO)["id"], before["id"])
        self.assertIn(b"zone-9", self.slave_info(TWO))

    def test_other_values_are_not(self):
        self.change(ONE, BOUNCE, "generation:g2", ANY)
        self.check_refused_for_nothing()

    def test_also_when_nothing_has_changed(self):
        for value in ("MESOS_IGNORE_CHECKPOINTED_STATE='[\"none\"]'\n", "MESOS_RECOVER_STATE=false\n"):
            self.write_flags(ONE, self.lab.put_back[ONE] + value)
            self.check_refused_for_nothing()

    def test_a_discard_is_refused_while_there_is_something_to_lose(self):
        self.change(ONE, BOUNCE, "generation:g2", "MESOS_RECOVER_STATE=false\n")
        self.check_refused_for_nothing()


class NoMaster(WithProposal):
    """Whether the master can store a new state is asked before the old one is given up: so it is waited for."""
    words = ["--agents", "1", "--zones", "1", "--tasks-per-agent", "2", "--dialect", "proposal"]

    def restart_without_master(self, generation, more):
        """Until recovery waits for nothing but the master; gives what must not have ended by then."""
        old, living, log = self.slave_info(ONE), self.executors(ONE), self.log()
        self.assertTrue(living)
        self.lab.break_("master", "down")
        self.addCleanup(self.lab.heal, "master")
        self.write_flags(ONE, self.lab.put_back[ONE].replace(BOUNCE, "generation:" + generation) + more)
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.log() != log and self.waits(), LONG, "that it waits")
        self.assertEqual(self.slave_info(ONE), old)
        self.assertEqual(self.executors(ONE), living)
        self.assertLessEqual(living, set(self.lab.processes()))
        return living

    def log(self):
        """Each start has its own."""
        return os.path.realpath(self.lab.path(ONE, "var/log/mesos/mesos-agent.INFO"))

    def waits(self):
        with open(self.log()) as file:
            return "Waiting for the master" in file.read()

    def come_back(self, generation):
        self.lab.heal("master")

        def look():
            try:
                agent = self.lab.agent(ONE)
            except OSError:
                return None
            good = agent and agent["active"] and agent["attributes"]["generation"] == generation
            return agent["id"] if good else None
        return eventually(look, LONG, "the agent's return as it is now")

    def test_it_is_waited_for(self):
        before, tasks = self.lab.agent(ONE)["id"], self.lab.running(ONE)
        living = self.restart_without_master("g2", ANY)
        self.assertEqual(self.come_back("g2"), before)
        eventually(lambda: self.lab.running(ONE) == tasks, LONG, "the same tasks")
        self.assertEqual(self.executors(ONE), living)
        self.assertIn(b"g2", self.slave_info(ONE))
        living = self.restart_without_master("g3", "MESOS_RECOVER_STATE=false\n")
        self.assertEqual(self.come_back("g3"), before)
        eventually(lambda: not living & set(self.lab.processes()), LONG, "the end of the executors")
        self.assertIn(b"g3", self.slave_info(ONE))


class Told(WithProposal):
    """Who hears of a state that has changed, and until when."""
    words = ["--agents", "1", "--zones", "1", "--tasks-per-agent", "0", "--dialect", "proposal"]

    def scheduler(self, *words):
        scheduler = Scheduler(self.lab, *words)
        self.addCleanup(self.end, scheduler)
        return scheduler

    def end(self, scheduler):
        if scheduler.process.poll() is None:
            scheduler.stop()

    def to(self, generation):
        """The agent comes back with another attribute."""
        text = self.lab.put_back[ONE].replace(BOUNCE, "generation:" + generation)
        self.write_flags(ONE, text + ANY)
        return self.restart(ONE)

    def test_observers_are_told_and_nobody_else(self):
        watcher = self.scheduler("--name", "watcher", "--tasks", "2", "--observer", "--teardown")
        other = self.scheduler("--name", "other", "--tasks", "1", "--teardown")
        tasks, (others,) = watcher.wait_running(2), other.wait_running(1)
        agent = self.to("g2")
        watcher.wait(lambda: {status["task_id"]["value"] for status in watcher.changes()} == tasks, "two updates")
        self.assertEqual(set(generations(watcher.changes())), {"g2"})
        for status in watcher.changes():
            self.assertEqual(status["agent_info"]["id"]["value"], agent["id"])
            self.assertEqual((status["agent_id"]["value"], status["source"]), (agent["id"], "SOURCE_AGENT"))
        # What is said of the other's task afterwards comes after what would have been said of it before.
        os.kill(other.executor(others), signal.SIGKILL)
        other.wait(lambda: other.updates("TASK_FAILED"), "the end of a task")
        self.assertEqual(other.changes(), [])
        self.restart(ONE)  # nothing has changed: nothing is said
        first = next(iter(tasks))
        os.kill(watcher.executor(first), signal.SIGKILL)
        watcher.wait(lambda: watcher.updates("TASK_FAILED"), "the end of a task")
        self.assertEqual(len({status["uuid"] for status in watcher.changes()}), 2)

    def test_again_until_it_is_acknowledged(self):
        watcher = self.scheduler("--name", "slow", "--tasks", "1", "--observer")
        (task,) = watcher.wait_running(1)
        executor = watcher.executor(task)
        eventually(lambda: self.acknowledged() >= 2, LONG, "the acknowledgement of TASK_RUNNING")
        self.assertEqual(watcher.stop(), 0)
        deaf = self.scheduler("--id", watcher.id, "--name", "slow", "--observer", "--no-acknowledge")
        self.to("g2")
        deaf.wait(lambda: len(deaf.changes()) >= 2, "the same update twice")
        self.restart(ONE)
        count = len(deaf.changes())
        deaf.wait(lambda: len(deaf.changes()) > count, "the same update after another restart")
        self.fail_over()
        count = len(deaf.changes())
        deaf.wait(lambda: len(deaf.changes()) > count, "the same update from another master")
        self.assertEqual(len({status["uuid"] for status in deaf.changes()}), 1)
        os.kill(executor, signal.SIGKILL)
        deaf.wait(lambda: len(deaf.changes()) > count + 1, "the same update again")
        self.assertEqual(deaf.updates("TASK_FAILED"), [])  # in order: the end waits for the acknowledgement
        good = self.scheduler("--id", watcher.id, "--name", "slow", "--observer", "--teardown")
        self.assertEqual(deaf.finish(), 3)
        self.assertIn("failed over", deaf.said)
        good.wait(lambda: good.updates("TASK_FAILED"), "the end of the task")
        self.assertEqual(generations(good.changes()[:1]), ["g2"])

    def acknowledged(self):
        """How many acknowledgements of the only living task are on disk."""
        root = self.lab.path(ONE, "var/lib/mesos/meta/slaves/latest")
        living = [os.path.join(folder, "task.updates") for folder, _, names in os.walk(root)
                  if "task.updates" in names and not os.path.exists(os.path.join(folder, "../../executor.sentinel"))]
        count = 0
        for path in living:
            with open(path, "rb") as file:
                data = file.read()
            while data:
                length = int.from_bytes(data[:4], "little")
                count += data[4:6] == b"\x08\x01"
                data = data[4 + length:]
        return count

    def test_who_is_no_observer_any_more_is_not_told(self):
        first = self.scheduler("--name", "tired", "--tasks", "1", "--observer")
        (task,) = first.wait_running(1)
        self.assertEqual(first.stop(), 0)
        second = self.scheduler("--id", first.id, "--name", "tired", "--teardown")
        eventually(lambda: b"\x08\x09" not in self.framework_info(first.id), LONG, "what the agent knows of it")
        self.to("g4")
        os.kill(first.executor(task), signal.SIGKILL)
        second.wait(lambda: second.updates("TASK_FAILED"), "the end of the task")
        self.assertEqual(second.changes(), [])

    def framework_info(self, framework):
        return self.lab.checkpoint(ONE, f"slaves/latest/frameworks/{framework}/framework.info")

    def test_a_master_that_fails_over_forwards_it_too(self):
        watcher = self.scheduler("--name", "loyal", "--tasks", "1", "--observer", "--teardown")
        watcher.wait_running(1)
        self.fail_over()
        watcher.wait(lambda: len(watcher.of("SUBSCRIBED")) >= 2, "the second subscription")
        self.assertEqual(len({event["framework_id"]["value"] for event in watcher.of("SUBSCRIBED")}), 1)
        eventually(lambda: (self.lab.agent(ONE) or {}).get("active"), LONG, "the agent's return")
        self.to("g5")
        watcher.wait(lambda: watcher.changes(), "the update")
        self.assertEqual(set(generations(watcher.changes())), {"g5"})


if __name__ == "__main__":
    unittest.main()
