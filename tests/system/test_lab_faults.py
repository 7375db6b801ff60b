#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults of hosts and their agents that last: slow networks, what cannot be written, agents that come and go."""
import fcntl
import json
import os
import signal
import time
import unittest

from lab import Lab, eventually, run_lab

PATIENCE = 60  # seconds after which something counts as not happening
ONE, TWO, THREE = (f"node{number:03}.lab" for number in range(1, 4))
STORE = "etc/default/mesos-agent"


class WithLab(unittest.TestCase):
    words = ["--agents", "3", "--zones", "3"]
    scale = 10

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(*cls.words, scale=cls.scale)

    @classmethod
    def tearDownClass(cls):
        result = cls.lab.down()
        if result.returncode != 0 or cls.lab.processes():
            raise AssertionError(f"left over: {cls.lab.processes()} {result.stderr}")

    def break_(self, target, *words):
        self.addCleanup(self.lab.heal, target)
        return self.lab.break_(target, *words)

    def said(self, host, words):
        """How often the agent's log has these words, all its starts together."""
        folder = self.lab.path(host, "var/log/mesos")
        names = [name for name in os.listdir(folder) if ".log.INFO." in name]
        count = 0
        for name in names:
            with open(os.path.join(folder, name)) as file:
                count += file.read().count(words)
        return count

    def active(self, host):
        return (self.lab.agent(host) or {}).get("active")


class Network(WithLab):
    words = ["--agents", "1", "--zones", "1"]

    def timed(self, command):
        begin = time.monotonic()
        result = self.lab.ssh(ONE, command)
        self.assertEqual(result.returncode, 0, result.stderr)
        return time.monotonic() - begin, result.stdout

    def test_latency(self):
        self.break_(ONE, "latency", "--amount", "100")
        took, said = self.timed("echo here; exit 0")
        self.assertEqual(said, "here\n")
        # Keys, authentication, channel and command: at the least four round trips, one after the other.
        self.assertGreater(took, 4 * 2 * 0.100)

    def test_bandwidth(self):
        self.break_(ONE, "bandwidth", "--amount", "60000")
        took, said = self.timed("head -c 60000 /dev/zero | tr '\\0' x")
        self.assertEqual(said, "x" * 60000)
        self.assertGreater(took, 0.95)

    def test_nothing_is_lost_and_exit_codes_arrive(self):
        self.break_(ONE, "latency", "--amount", "20")
        self.lab.break_(ONE, "bandwidth", "--amount", "2000000")
        result = self.lab.ssh(ONE, "head -c 300000 /dev/urandom | tee /tmp/$$.rc | sha256sum; "
                                   "sha256sum < /tmp/$$.rc; rm /tmp/$$.rc; exit 7")
        first, second = result.stdout.split("\n")[:2]
        self.assertEqual((first, result.returncode), (second, 7))

    def test_only_after_some_connections(self):
        self.break_(ONE, "latency", "--amount", "120", "--after", "1")
        self.timed("true")
        took, _ = self.timed("true")
        self.assertGreater(took, 4 * 2 * 0.120)

    def test_power_cut_ends_a_slow_connection(self):
        self.break_(ONE, "latency", "--amount", "10")
        self.lab.break_(ONE, "power", "--for", "100ms")
        eventually(lambda: self.active(ONE), PATIENCE, "the boot")


class ReadOnly(WithLab):
    def setUp(self):
        self.break_(ONE, "read-only")

    def test_what_comes_by_ssh_cannot_write(self):
        result = self.lab.ssh(ONE, "for f in new etc/default/mesos-agent var/lib/mesos/new; do "
                                   "echo x >> $ROLLCALL_ROOT/$f && echo WROTE $f; done; mkdir $ROLLCALL_ROOT/d && echo MADE")
        self.assertNotIn("WROTE", result.stdout)
        self.assertNotIn("MADE", result.stdout)
        self.assertRegex(result.stderr, "Read-only file system|Permission denied")

    def test_what_lies_elsewhere_can_be_written(self):
        result = self.lab.ssh(ONE, "cat $ROLLCALL_ROOT/etc/default/mesos-agent > /dev/null && t=$(mktemp -p /dev/shm) && "
                                   "rm $t && echo fine")
        self.assertEqual(result.stdout, "fine\n", result.stderr)

    def test_the_working_folder_too(self):
        result = self.lab.ssh(ONE, "cd $ROLLCALL_ROOT && touch here && echo WROTE")
        self.assertNotIn("WROTE", result.stdout)

    def test_an_agent_cannot_start_on_it(self):
        before = self.lab.agent(ONE)
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(ONE, "ActiveState") in ("failed", "activating"), PATIENCE, "the agent's end")
        self.lab.heal(ONE)
        self.lab.systemctl(ONE, "reset-failed", "mesos-agent")
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        self.assertEqual(self.lab.wait_reregistered(ONE, before, PATIENCE)["id"], before["id"])

    def test_other_hosts_and_later_connections_can(self):
        self.assertEqual(self.lab.ssh(TWO, "touch $ROLLCALL_ROOT/t && rm $ROLLCALL_ROOT/t").returncode, 0)
        self.lab.heal(ONE)
        self.assertEqual(self.lab.ssh(ONE, "touch $ROLLCALL_ROOT/t && rm $ROLLCALL_ROOT/t").returncode, 0)


class ComesAndGoes(WithLab):
    def test_away_for_a_time(self):
        before = self.lab.agent(ONE)
        self.break_(ONE, "away", "--amount", "20000")  # 2 s at this scale
        begin = time.monotonic()
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        after = self.lab.wait_reregistered(ONE, before, PATIENCE)
        self.assertGreaterEqual(time.monotonic() - begin, 1.5)
        self.assertEqual(after["id"], before["id"])

    def test_never_reregisters_until_it_is_healed_or_its_time_is_over(self):
        before = self.lab.agent(TWO)
        self.break_(TWO, "never-reregister", "--for", "2s")
        begin = time.monotonic()
        self.lab.systemctl(TWO, "restart", "mesos-agent")
        after = self.lab.wait_reregistered(TWO, before, PATIENCE)
        self.assertGreaterEqual(time.monotonic() - begin, 1.9)
        self.break_(TWO, "never-reregister")
        self.lab.systemctl(TWO, "restart", "mesos-agent")
        eventually(lambda: self.active(TWO) is False, PATIENCE, "the agent's absence")
        self.lab.heal(TWO)
        self.lab.wait_reregistered(TWO, after, PATIENCE)

    def test_flaps_until_healed(self):
        before, seen = self.lab.agent(THREE), set()
        self.break_(THREE, "flap", "--amount", "1000")

        def flapped():
            agent = self.lab.agent(THREE)
            seen.add(agent.get("reregistered_time"))
            return len(seen) > 4
        eventually(flapped, PATIENCE, "registering again and again")
        self.lab.heal(THREE)
        count = eventually(lambda: self.active(THREE) and self.said(THREE, "Re-registered with master"), PATIENCE)
        self.assertGreaterEqual(count, 4)
        self.assertEqual(self.lab.agent(THREE)["id"], before["id"])
        self.assertEqual(len(self.lab.running(THREE)), 2)

    def test_slow_recovery_takes_as_long_as_it_is_told(self):
        before = self.lab.agent(ONE)
        self.break_(ONE, "slow-recovery", "--amount", "15000")
        begin = time.monotonic()
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        self.lab.wait_reregistered(ONE, before, PATIENCE)
        self.assertGreaterEqual(time.monotonic() - begin, 1.5)

    def test_frozen_until_healed(self):
        """What the master makes of it is in test_lab_agents.py: SideBySide."""
        before, where = self.lab.agent(ONE), self.lab.hosts[ONE]["address"] + ":5051"
        self.break_(ONE, "agent-freeze")
        with open(f"/proc/{self.lab.show(ONE, 'MainPID')}/stat") as file:
            self.assertEqual(file.read().rsplit(")", 1)[1].split()[0], "T")
        with self.assertRaises(OSError):
            self.lab.get("/health", master=where, timeout=0.3)
        self.lab.heal(ONE)
        self.assertEqual(self.lab.get("/health", master=where, timeout=PATIENCE), b"")
        self.assertEqual(eventually(lambda: self.active(ONE) and self.lab.agent(ONE), PATIENCE)["id"], before["id"])


class ConfigurationManagement(WithLab):
    def put_on(self, host, tool):
        self.break_(host, "config-manager", "--match", tool, "--amount", "1000")

    def flags_are(self, host, text):
        return eventually(lambda: self.lab.flags(host) == text, PATIENCE, "the old flags")

    def test_puts_the_flags_back_and_restarts_the_agent(self):
        before, flags = self.lab.agent(ONE), self.lab.flags(ONE)
        self.put_on(ONE, "puppet")
        with open(self.lab.path(ONE, "var/lib/puppet/state/resources.txt")) as file:
            self.assertIn("file[/etc/default/mesos-agent]", file.read())
        self.lab.edit_flags(ONE, "generation:g1", "generation:g2")
        self.flags_are(ONE, flags)
        self.assertEqual(self.lab.wait_reregistered(ONE, before, PATIENCE)["id"], before["id"])
        self.lab.heal(ONE)
        self.assertFalse(os.path.exists(self.lab.path(ONE, "var/lib/puppet")))
        self.lab.edit_flags(ONE, "generation:g1", "generation:g2")
        self.lab.edit_flags(ONE, "generation:g2", "generation:g1")

    def test_puppet_rests_while_it_is_disabled(self):
        self.put_on(TWO, "puppet")
        flags, lock = self.lab.flags(TWO), self.lab.path(TWO, "var/lib/puppet/state/agent_disabled.lock")
        with open(lock, "w") as file:
            json.dump({"disabled_message": "a change is under way"}, file)
        self.lab.edit_flags(TWO, "generation:g1", "generation:g3")
        # It has looked at least twice when this file has come and gone twice.
        changed = self.lab.flags(TWO)
        for _ in range(2):
            running = self.lab.path(TWO, "var/lib/puppet/state")
            stamp = os.stat(running).st_mtime_ns
            eventually(lambda: os.stat(running).st_mtime_ns != stamp, PATIENCE, "a run of Puppet")
        self.assertEqual(self.lab.flags(TWO), changed)
        os.unlink(lock)
        self.flags_are(TWO, flags)

    def test_chef_waits_for_its_run_lock(self):
        before = self.lab.flags(THREE)
        self.put_on(THREE, "chef")
        flags = self.lab.flags(THREE)
        self.assertIn("Generated by Chef", flags)
        backups = os.listdir(self.lab.path(THREE, "var/chef/backup/etc/default"))
        self.assertTrue(backups[0].startswith("mesos-agent.chef-"), backups)
        with open(self.lab.path(THREE, "var/chef/cache/chef-client-running.pid"), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.lab.edit_flags(THREE, "generation:g1", "generation:g4")
            changed = self.lab.flags(THREE)
            time.sleep(0.5)  # several runs; that none of them writes is true at every moment
            self.assertEqual(self.lab.flags(THREE), changed)
        self.flags_are(THREE, flags)
        self.lab.heal(THREE)
        with open(self.lab.path(THREE, STORE), "w") as file:
            file.write(before)

    def test_salt_marks_the_file(self):
        self.put_on(ONE, "salt")
        self.assertRegex(self.lab.flags(ONE).splitlines()[0], "^# .*managed by Salt")
        self.lab.edit_flags(ONE, "generation:g1", "generation:g5")
        eventually(lambda: "generation:g1" in self.lab.flags(ONE), PATIENCE, "the old flags")

    def test_a_power_cut_does_not_end_it_for_good(self):
        self.put_on(TWO, "puppet")
        flags = self.lab.flags(TWO)
        self.lab.break_(TWO, "power", "--for", "100ms")
        eventually(lambda: self.active(TWO), PATIENCE, "the boot")
        self.lab.edit_flags(TWO, "generation:g1", "generation:g6")
        self.flags_are(TWO, flags)

    def test_unknown_tool(self):
        result = run_lab("break", "--dir", self.lab.dir, ONE, "config-manager", "--match", "bash")
        self.assertEqual(result.returncode, 2)
        self.assertIn("puppet, chef or salt", result.stderr)


class Stale(WithLab):
    words = ["--agents", "1", "--zones", "1"]

    def test_answers_of_the_moment_it_was_armed(self):
        before = self.lab.agent(ONE)
        self.break_("master", "stale")
        self.assertEqual(self.lab.agent(ONE), before)
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.said(ONE, "Re-registered with master"), PATIENCE, "the agent's return")
        self.assertEqual(self.lab.agent(ONE), before)
        self.lab.heal("master")
        after = eventually(lambda: self.active(ONE) and self.lab.agent(ONE), PATIENCE)
        self.assertNotEqual(after.get("reregistered_time"), before.get("reregistered_time"))


class List(unittest.TestCase):
    WANTED = """refuse hang reset latency bandwidth hostkey auth cut disk-full read-only power agent-exit agent-exit-always
                agent-hang agent-freeze slow-recovery new-id old-info never-reregister away flap late-executors stubborn-tasks config-manager
                500 503 garbage truncated redirect redirect-loop stale down""".split()

    def test_has_every_fault(self):
        lines = run_lab("break", "--list").stdout.splitlines()
        named = {line.split()[0] for line in lines if line and not line[0].isspace()}
        self.assertEqual(set(self.WANTED) - named, set())

    def test_amounts_are_for_faults_that_have_one(self):
        lab = Lab("--agents", "1", "--zones", "1")
        self.addCleanup(lab.down)
        result = run_lab("break", "--dir", lab.dir, ONE, "refuse", "--amount", "3")
        self.assertEqual(result.returncode, 2)
        self.assertIn("does not take --amount", result.stderr)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
