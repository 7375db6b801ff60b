#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's agents beside real ones: the order of events in their logs, older versions, reservations on disk, memory."""
import glob
import os
import signal
import subprocess
import unittest

from lab import LAB, eventually
from lab_master import LONG, ONE, TWO, THREE, FOUR, WithMaster

# What a real agent of 1.12 says in its log, in this order, when it is started again with a task that lives.
RESTART = ["Version: 1.12.0", "Mesos agent started on (1)@", "Agent resources: ", "Agent hostname: ", "Recovering state from '",
           "Finished recovering checkpointed state from '", "Recovering executor '", "Recovering executors",
           "Received re-registration message from executor '", "Cleaning up un-reregistered executors",
           "Finished recovery", "New master detected at master@",
           "No credentials provided. Attempting to register without authentication", "Detecting new master",
           "Re-registered with master master@"]


class SideBySide(WithMaster):
    """Five things that were done to a real agent; here the same is done to the lab's."""

    def log(self, host):
        with open(self.lab.path(host, "var/log/mesos/mesos-agent.INFO")) as file:
            return [line.split("] ", 1)[1] for line in file.read().splitlines() if "] " in line]

    def missing(self, host, wanted):
        """The first that is not said where it should be; None: all are, in this order, whatever is said in between."""
        lines = iter(self.log(host))
        return next((words for words in wanted if not any(line.startswith(words) for line in lines)), None)

    def says(self, host, wanted):
        """The last of it may come a moment after the master has listed the agent."""
        eventually(lambda: self.missing(host, wanted) is None, LONG, f"what {host} should say: {wanted}")

    def start_again(self, host):
        before = self.lab.agent(host)
        self.lab.systemctl(host, "restart", "mesos-agent")
        return before, self.lab.wait_reregistered(host, before, LONG)

    def test_restart(self):
        before, after = self.start_again(ONE)
        self.says(ONE, RESTART)
        self.assertEqual((after["id"], after["registered_time"]), (before["id"], before["registered_time"]))

    def test_kill_9(self):
        before = self.lab.agent(ONE)
        os.kill(int(self.lab.show(ONE, "MainPID")), signal.SIGKILL)
        after = self.lab.wait_reregistered(ONE, before, LONG)
        self.says(ONE, RESTART)
        self.assertEqual((after["id"], after["registered_time"]), (before["id"], before["registered_time"]))

    def test_changed_attribute_under_equal(self):
        before = self.lab.agent(TWO)
        self.lab.edit_flags(TWO, "generation:g1", "generation:g2")
        self.lab.systemctl(TWO, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(TWO, "ActiveState") == "failed", LONG, "the start limit")
        self.says(TWO, RESTART[:6] + ["Failed to perform recovery: Incompatible agent info detected."])
        self.assertFalse(self.lab.agent(TWO)["active"])
        self.lab.edit_flags(TWO, "generation:g2", "generation:g1")
        self.lab.systemctl(TWO, "reset-failed", "mesos-agent")
        self.lab.systemctl(TWO, "start", "mesos-agent")
        self.assertEqual(self.lab.wait_reregistered(TWO, before, LONG)["id"], before["id"])

    def test_growth_under_additive(self):
        flags = self.lab.flags(TWO)
        self.lab.edit_flags(TWO, "generation:g1", "generation:g1;more:m")
        with open(self.lab.path(TWO, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_RECONFIGURATION_POLICY=additive\n")
        checkpoint = self.lab.checkpoint(TWO, "slaves/latest/slave.info")
        before, after = self.start_again(TWO)
        self.says(TWO, RESTART[:12] + ["The AGENT_UPDATE master capability is required, but"] + RESTART[12:])
        self.assertEqual((after["id"], after["attributes"]["more"]), (before["id"], "m"))
        self.assertEqual(self.lab.checkpoint(TWO, "slaves/latest/slave.info"), checkpoint)
        with open(self.lab.path(TWO, "etc/default/mesos-agent"), "w") as file:
            file.write(flags)
        self.start_again(TWO)

    def test_sigusr1_unregisters(self):
        before = self.lab.agent(ONE)
        self.lab.break_(ONE, "never-reregister")
        self.addCleanup(self.lab.heal, ONE)
        log = os.path.realpath(self.lab.path(ONE, "var/log/mesos/mesos-agent.INFO"))
        os.kill(int(self.lab.show(ONE, "MainPID")), signal.SIGUSR1)
        eventually(lambda: self.lab.agent(ONE) is None, LONG, "the agent's removal")
        self.assertIn("the agent unregistered", self.master_log())
        self.lab.heal(ONE)
        after = eventually(lambda: self.lab.agent(ONE), LONG, "the return")
        with open(log) as file:
            text = file.read()
        self.assertLess(text.index("Received SIGUSR1 signal"), text.index("Agent terminating"))
        self.assertEqual(after["id"], before["id"])
        self.assertGreater(after["registered_time"], before["registered_time"])
        self.assertIn("reregistered_time", after)
        self.assertEqual(self.lab.running(ONE), set())

    def test_silence_of_the_master_is_answered_by_registering_again(self):
        """A master that has forgotten an agent which believes itself registered: the agent notices by itself."""
        before = self.lab.agent(TWO)
        self.lab.break_(TWO, "agent-freeze")
        self.addCleanup(self.lab.heal, TWO)
        eventually(lambda: self.lab.agent(TWO) is None, LONG, "the master's verdict")
        self.lab.heal(TWO)
        after = eventually(lambda: self.lab.agent(TWO), LONG, "the return")
        self.assertEqual(after["id"], before["id"])
        self.says(TWO, ["No pings from master received within 1.25mins", "New master detected", "Re-registered with"])


class Versions(WithMaster):
    words = ["--agents", "4", "--zones", "1", "--agent-version", "1.4.3,1.12.0,1.7.2,1.9.0"]

    def where(self, host):
        return self.lab.hosts[host]["address"] + ":5051"

    def test_each_says_its_own(self):
        for host, version in ((ONE, "1.4.3"), (TWO, "1.12.0"), (THREE, "1.7.2"), (FOUR, "1.9.0")):
            self.assertEqual(self.lab.get_json("/version", master=self.where(host))["version"], version)
            self.assertEqual(self.lab.get_json("/state", master=self.where(host))["version"], version)
            self.assertEqual(self.lab.agent(host)["version"], version)
            self.assertEqual(self.v1_agent(host)["version"], version)
            self.assertEqual(self.lab.ssh(host, "mesos-agent --version").stdout, f"mesos {version}\n")

    def test_an_older_one_knows_fewer_flags(self):
        command = "mesos-agent --master=127.0.0.1:1 --work_dir=/nonexistent --reconfiguration_policy=additive"
        result = self.lab.ssh(ONE, command)
        self.assertEqual(result.returncode, 1)
        self.assertIn("Failed to load unknown flag 'reconfiguration_policy'", result.stderr)
        self.assertNotIn("--reconfiguration_policy", self.lab.ssh(ONE, "mesos-agent --help").stdout)
        self.assertIn("  --reconfiguration_policy=VALUE", self.lab.ssh(TWO, "mesos-agent --help").stdout)
        self.assertNotIn("reconfiguration_policy", self.lab.get_json("/flags", master=self.where(ONE))["flags"])

    def test_each_can_what_its_version_can(self):
        newest = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "RESOURCE_PROVIDER", "RESIZE_VOLUME",
                  "AGENT_OPERATION_FEEDBACK", "AGENT_DRAINING", "TASK_RESOURCE_LIMITS"]
        for host, can in ((ONE, newest[:3]), (TWO, newest), (THREE, newest[:5]), (FOUR, newest[:7])):
            self.assertEqual(self.lab.agent(host)["capabilities"], can)
            self.assertEqual([one["type"] for one in self.v1_agent(host).get("capabilities", [])], can)
            self.assertEqual(self.lab.get_json("/state", master=self.where(host)).get("capabilities", []), can)

    def test_members_of_state_that_came_later_are_missing(self):
        full = set(self.lab.get_json("/state", master=self.where(TWO)))
        for host, missing in ((ONE, {"resource_providers"}), (THREE, {"resource_providers"}),
                              (FOUR, {"domain"})):  # every fourth host of a lab has none
            self.assertEqual(full - set(self.lab.get_json("/state", master=self.where(host))), missing)

    def test_who_cannot_drain_is_not_drained(self):
        for host in (ONE, THREE):
            agent = self.lab.agent(host)["id"]
            self.assertEqual(self.on_agent("DRAIN_AGENT", host), (400, f"Agent {agent} is not capable of draining"))

    def test_files_of_checkpoints_are_those_of_the_version(self):
        resource = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1},
                    "reservations": [{"type": "DYNAMIC", "role": "web", "principal": "ops"}]}
        for host in (ONE, TWO):
            self.assertEqual(self.on_agent("RESERVE_RESOURCES", host, resources=[resource])[0], 202)
            meta = self.lab.path(host, "var/lib/mesos/meta")
            eventually(lambda: os.path.exists(f"{meta}/resources/resources.info"), LONG, "the checkpoint")
            generated = glob.glob(f"{meta}/slaves/latest/frameworks/*/executors/*/executor_generated_for_command_task")
            state = os.path.exists(f"{meta}/resources/resources_and_operations.state")
            self.assertEqual((state, generated != []), (host == TWO, host == TWO))
        self.lab.restart(ONE)  # it reads what it wrote
        reserved = self.lab.agent(ONE)["reserved_resources"]
        self.assertEqual(reserved["web"]["cpus"], 1)

    def test_an_older_one_compares_for_equality_alone(self):
        before, flags = self.lab.agent(ONE), self.lab.flags(ONE)
        self.lab.edit_flags(ONE, "generation:g1", "generation:g1;more:m")
        with open(self.lab.path(ONE, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_RECONFIGURATION_POLICY=additive\n")  # what it does not know does not count
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(ONE, "ActiveState") == "failed", LONG, "the start limit")
        self.assertIn("Incompatible agent info detected", self.lab.agent_log(ONE))
        with open(self.lab.path(ONE, "etc/default/mesos-agent"), "w") as file:
            file.write(flags)
        self.lab.systemctl(ONE, "reset-failed", "mesos-agent")
        self.lab.systemctl(ONE, "start", "mesos-agent")
        self.assertEqual(self.lab.wait_reregistered(ONE, before, LONG)["id"], before["id"])

    def test_an_upgrade_is_another_file(self):
        before = self.lab.agent(TWO)
        with open(self.lab.path(TWO, "usr/share/mesos/VERSION"), "w") as file:
            file.write("1.9.0\n")
        self.addCleanup(self.lab.restart, TWO)
        self.addCleanup(os.unlink, self.lab.path(TWO, "usr/share/mesos/VERSION"))
        after = self.lab.restart(TWO)
        self.assertEqual((after["id"], after["version"]), (before["id"], "1.9.0"))


class Reservations(WithMaster):
    RESERVED = {"name": "disk", "type": "SCALAR", "scalar": {"value": 100}, "reservations": [{"type": "DYNAMIC", "role": "web"}]}

    def test_are_checkpointed_and_refuse_flags_they_do_not_fit_in(self):
        before = self.lab.agent(ONE)
        status, text = self.on_agent("RESERVE_RESOURCES", ONE, resources=[self.RESERVED])
        self.assertEqual(status, 202, text)
        state = self.lab.path(ONE, "var/lib/mesos/meta/resources/resources_and_operations.state")
        eventually(lambda: os.path.exists(state) and os.path.getsize(state) > 10, LONG, "the checkpoint")
        self.assertTrue(os.path.getsize(self.lab.path(ONE, "var/lib/mesos/meta/resources/resources.info")) > 10)
        self.lab.edit_flags(ONE, "disk:20000", "disk:50")
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(ONE, "ActiveState") == "failed", LONG, "the start limit")
        self.assertRegex(self.lab.agent_log(ONE), "Checkpointed resources .* are incompatible with agent resources")
        self.lab.edit_flags(ONE, "disk:50", "disk:20000")
        self.lab.systemctl(ONE, "reset-failed", "mesos-agent")
        self.lab.systemctl(ONE, "start", "mesos-agent")
        after = self.lab.wait_reregistered(ONE, before, LONG)
        self.assertEqual((after["id"], after["reserved_resources"]["web"]["disk"]), (before["id"], 100))
        self.assertEqual(self.on_agent("UNRESERVE_RESOURCES", ONE, resources=[self.RESERVED])[0], 202)
        eventually(lambda: os.path.getsize(state) == 4, LONG, "an empty checkpoint")


class Size(WithMaster):
    """There are thousands of these processes in a large lab; tests/bench/bench_lab.py measures one."""
    words = ["--agents", "2", "--zones", "1"]
    LIMITS = {"mesos-agent": 300, "mesos-executor": 200, "sleep": 150}  # KB; about three times what they take

    def own_memory(self):
        """(name, KB that no other process shares) of every process of a host."""
        for pid in self.lab.processes():
            with open(f"/proc/{pid}/comm") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/smaps_rollup") as file:
                sizes = dict(line.split(":", 1) for line in file if ":" in line)
            yield name, int(sizes["Private_Dirty"].split()[0])

    @unittest.skipIf("asan" in os.environ.get("ROLLCALL_BIN", ""), "sanitizers take memory of their own")
    def test_processes_of_hosts_are_small(self):
        eventually(lambda: len(self.lab.running()) == 4, 60, "all tasks")
        found = [(name, size) for name, size in self.own_memory() if name in self.LIMITS]
        self.assertEqual(sorted(name for name, _ in found), ["mesos-agent"] * 2 + ["mesos-executor"] * 4 + ["sleep"] * 4)
        for name, size in found:
            self.assertLess(size, self.LIMITS[name], name)


class Program(unittest.TestCase):
    def test_what_hosts_run_says_what_it_is(self):
        result = subprocess.run([LAB + "-host"], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("what the hosts of a lab run", result.stderr)
        result = subprocess.run([LAB, "agent", "--version"], capture_output=True, text=True, check=False)
        self.assertEqual(result.stdout, "mesos 1.12.0\n")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
