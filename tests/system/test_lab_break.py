#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every fault of hosts and of a single master that strikes and is over; those that last are in test_lab_faults.py."""
import json
import os
import socket
import subprocess
import time
import unittest
import urllib.error

from lab import eventually, run_lab
from lab_case import FIVE, FOUR, ONE, SIX, THREE, TWO, WithLab


class HostFaults(WithLab):
    def test_refuse_and_heal(self):
        self.break_(ONE, "refuse")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((self.lab.hosts[ONE]["address"], 2222), 5)
        self.assertEqual(self.lab.ssh(TWO, "true").returncode, 0)
        self.lab.heal(ONE)
        self.assertEqual(self.lab.ssh(ONE, "true").returncode, 0)

    def test_refuse_for_a_while_and_after_some(self):
        self.break_(ONE, "refuse", "--for", "700ms")
        self.assertEqual(self.lab.ssh(ONE, "true").returncode, 255)
        eventually(lambda: self.lab.ssh(ONE, "true").returncode == 0, 5, "healing by itself")
        self.break_(ONE, "refuse", "--after", "2")
        self.assertEqual([self.lab.ssh(ONE, "true").returncode for _ in range(4)], [0, 0, 255, 255])

    def test_reset(self):
        self.break_(ONE, "reset")
        # The reset may come before connect() has returned.
        with self.assertRaises(ConnectionResetError):
            with socket.create_connection((self.lab.hosts[ONE]["address"], 2222), 5) as connection:
                connection.recv(100)

    def test_hang(self):
        self.break_(ONE, "hang")
        with socket.create_connection((self.lab.hosts[ONE]["address"], 2222), 5) as connection:
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.recv(100)

    def test_authentication(self):
        self.break_(ONE, "auth")
        result = self.lab.ssh(ONE, "true")
        self.assertEqual((result.returncode, "Permission denied" in result.stderr), (255, True))

    def test_host_key(self):
        self.break_(ONE, "hostkey")
        result = self.lab.ssh(ONE, "true")
        self.assertEqual((result.returncode, "Host key verification failed" in result.stderr), (255, True))

    def test_cut_in_the_middle(self):
        marks = self.lab.path(ONE, "tmp/cut")
        self.break_(ONE, "cut", "--match", "apply")
        self.assertEqual(self.lab.ssh(ONE, "echo settle").stdout, "settle\n")
        begin = time.monotonic()
        result = self.lab.ssh(ONE, f": apply; echo accepted; sleep 1; echo lost; echo went on > {marks}")
        self.assertEqual((result.returncode, result.stdout), (255, "a"))
        self.assertLess(time.monotonic() - begin, 0.9)
        self.assertEqual(self.lab.ssh(ONE, ": apply; echo twice").stdout, "twice\n")  # it strikes once

    def test_cut_after_bytes(self):
        self.break_(ONE, "cut", "--after", "9")
        result = self.lab.ssh(ONE, "echo accepted; sleep 1; echo lost")
        self.assertEqual((result.returncode, result.stdout), (255, "accepted\n"))

    def test_disk_full(self):
        self.break_(ONE, "disk-full")
        result = self.lab.ssh(ONE, "echo x > $HOME/tmp/full || echo failed")
        self.assertEqual(result.stdout, "failed\n")
        self.assertEqual(os.path.getsize(self.lab.path(ONE, "tmp/full")), 0)

    def test_power(self):
        before, boot_id = self.lab.agent(TWO), self.lab.boot_id(TWO)
        with subprocess.Popen([*self.lab.ssh_words(TWO), "echo in; sleep 100"], stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL) as session:
            self.assertEqual(session.stdout.readline(), b"in\n")
            self.break_(TWO, "power", "--for", "1s")
            self.assertEqual(session.wait(5), 255)
        self.assertEqual(self.lab.ssh(TWO, "true").returncode, 255)
        self.assertFalse(self.lab.agent(TWO)["active"])
        after = self.lab.wait_reregistered(TWO, before)
        self.assertNotEqual(self.lab.boot_id(TWO), boot_id)
        self.assertEqual(after["id"], before["id"])  # its flags did not change
        self.assertEqual(self.lab.running(TWO), set())
        self.assertEqual(self.lab.ssh(TWO, "true").returncode, 0)

    def test_power_cut_with_new_flags_costs_the_id(self):
        before = self.lab.agent(THREE)
        self.lab.edit_flags(THREE, "generation:g1", "generation:g9")
        self.break_(THREE, "power")
        after = self.lab.wait_reregistered(THREE, before)
        self.assertNotEqual(after["id"], before["id"])
        self.assertEqual(after["attributes"]["generation"], "g9")
        self.assertEqual(len(eventually(lambda: len(self.lab.running(THREE)) == 2 and self.lab.running(THREE), 5)), 2)

    def test_agent_exits_with_new_flags_only(self):
        self.break_(FOUR, "agent-exit")
        self.lab.restart(FOUR)
        with open(self.lab.path(FOUR, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_GC_DELAY=2weeks\n")
        text = self.lab.flags(FOUR).replace("MESOS_GC_DELAY=2weeks\n", "")
        self.addCleanup(self.put_back, FOUR, text)
        self.lab.systemctl(FOUR, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(FOUR, "ActiveState") == "failed", 10, "the start limit")
        self.assertIn("agent-exit", self.lab.agent_log(FOUR))

    def test_agent_never_starts(self):
        self.break_(FIVE, "agent-exit-always", "--after", "1")
        self.addCleanup(self.put_back, FIVE, self.lab.flags(FIVE))
        self.lab.restart(FIVE)
        self.lab.systemctl(FIVE, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(FIVE, "ActiveState") == "failed", 10, "the start limit")

    def test_agent_hangs(self):
        self.addCleanup(self.put_back, SIX, self.lab.flags(SIX))
        self.break_(SIX, "agent-hang")
        self.lab.systemctl(SIX, "restart", "mesos-agent")
        self.assertEqual(self.lab.show(SIX, "ActiveState"), "active")
        eventually(lambda: not self.lab.agent(SIX) or not self.lab.agent(SIX)["active"], 5, "the disconnection")
        eventually(lambda: self.lab.agent(SIX) is None, 15, "unreachable after 75 s at scale 10")
        self.assertEqual(self.lab.get_json("/state")["unreachable_slaves"], 1)
        self.assertIn("TASK_UNREACHABLE", self.lab.task_states().values())
        self.break_(SIX, "none")
        eventually(lambda: (self.lab.agent(SIX) or {}).get("active"), 60, "the return of what hung")

    def test_unreachable_agent_comes_back_with_its_tasks(self):
        before, tasks = self.lab.agent(FIVE), self.lab.running(FIVE)
        self.lab.systemctl(FIVE, "stop", "mesos-agent")
        eventually(lambda: self.lab.agent(FIVE) is None, 15, "unreachable")
        self.assertEqual(self.lab.running(FIVE), set())
        self.lab.systemctl(FIVE, "start", "mesos-agent")
        after = self.lab.wait_reregistered(FIVE, before)
        self.assertEqual((after["id"], self.lab.running(FIVE)), (before["id"], tasks))
        self.assertGreater(after["registered_time"], before["registered_time"])

    def test_never_reregisters(self):
        self.addCleanup(self.put_back, ONE, self.lab.flags(ONE))
        self.break_(ONE, "never-reregister")
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        time.sleep(9)  # beyond 75 s at scale 10: it answers pings, so it is no more than disconnected
        self.assertEqual(self.lab.agent(ONE)["active"], False)

    def test_slow_recovery(self):
        self.break_(ONE, "slow-recovery")
        begin = time.monotonic()
        self.lab.restart(ONE)
        self.assertGreater(time.monotonic() - begin, 3)  # 30 s at scale 10

    def test_new_id(self):
        before = self.lab.agent(THREE)
        self.break_(THREE, "new-id")
        self.assertNotEqual(self.lab.restart(THREE)["id"], before["id"])

    def test_old_info(self):
        before, text = self.lab.agent(TWO), self.lab.flags(TWO)
        self.addCleanup(self.put_back, TWO, text)
        self.break_(TWO, "old-info")
        with open(self.lab.path(TWO, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_RECONFIGURATION_POLICY=additive\n")
        self.lab.edit_flags(TWO, "generation:g1", "generation:g1;ssd:true")
        after = self.lab.restart(TWO)
        self.assertEqual((after["id"], "ssd" in after["attributes"]), (before["id"], False))

    def test_late_executors_are_lost_at_2_s_and_kept_at_15_s(self):
        self.break_(SIX, "late-executors")
        path = self.lab.path(SIX, "etc/default/mesos-agent")
        text = self.lab.flags(SIX)
        self.addCleanup(self.put_back, SIX, text)
        with open(path, "w") as file:
            file.write(text + "MESOS_EXECUTOR_REREGISTRATION_TIMEOUT=15secs\n")
        tasks = self.lab.running(SIX)
        self.lab.restart(SIX)
        self.assertEqual(self.lab.running(SIX), tasks)
        with open(path, "w") as file:
            file.write(text)
        self.lab.restart(SIX)
        self.assertEqual(self.lab.running(SIX), set())


class MasterFaults(WithLab):
    words = ["--agents", "2", "--zones", "1"]

    def status_of(self, path="/slaves"):
        try:
            self.lab.get(path, timeout=2)
            return 200
        except urllib.error.HTTPError as error:
            return error.code

    def test_statuses(self):
        for fault, status in (("500", 500), ("503", 503)):
            self.break_("master", fault)
            self.assertEqual(self.status_of(), status)
            self.lab.heal("master")
            self.assertEqual(self.status_of(), 200)

    def test_after_and_for(self):
        self.break_("master", "503", "--after", "2", "--for", "1s")
        self.assertEqual([self.status_of() for _ in range(4)], [200, 200, 503, 503])
        eventually(lambda: self.status_of() == 200, 5, "healing by itself")

    def test_garbage(self):
        self.break_("master", "garbage")
        with self.assertRaises(json.JSONDecodeError):
            self.lab.get_json("/slaves")

    def test_truncated(self):
        whole = len(self.lab.get("/slaves"))
        self.break_("master", "truncated")
        with socket.create_connection(tuple(self.lab.master.split(":")), 5) as connection:
            connection.sendall(b"GET /slaves HTTP/1.1\r\nHost: x\r\n\r\n")
            data = b""
            while chunk := connection.recv(65536):
                data += chunk
        head, body = data.split(b"\r\n\r\n", 1)
        self.assertIn(f"content-length: {whole}".encode(), head.lower())
        self.assertEqual(len(body), whole // 2)

    def raw(self, path):
        with socket.create_connection(tuple(self.lab.master.split(":")), 5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := connection.recv(65536):
                data += chunk
        head = data.split(b"\r\n\r\n")[0].decode().splitlines()
        return int(head[0].split()[1]), dict(line.split(": ", 1) for line in head[1:]).get("Location")

    def test_redirect(self):
        self.break_("master", "redirect")
        status, location = self.raw("/master/slaves")
        self.assertEqual((status, location[:2]), (307, "//"))
        other, path = location[2:].split("/", 1)
        self.assertNotEqual(other, self.lab.master)
        self.assertEqual(len(self.lab.get_json("/" + path, master=other)["slaves"]), 2)

    def test_redirect_loop(self):
        self.break_("master", "redirect-loop")
        self.assertEqual(self.raw("/slaves"), (307, f"//{self.lab.master}/slaves"))

    def test_hang(self):
        self.break_("master", "hang")
        with self.assertRaises((TimeoutError, urllib.error.URLError)):
            self.lab.get("/slaves", timeout=0.5)
        self.lab.heal("master")
        self.assertEqual(self.status_of(), 200)

    def test_down_is_a_failover(self):
        before, master_id, tasks = self.lab.agents(), self.lab.get_json("/state")["id"], self.lab.running()
        self.break_("master", "down")
        with self.assertRaises(urllib.error.URLError):
            self.lab.get("/slaves")
        self.lab.heal("master")
        eventually(lambda: self.reachable() and len([a for a in self.lab.agents().values() if a["active"]]) == 2, 10,
                   "the agents' return")
        self.assertNotEqual(self.lab.get_json("/state")["id"], master_id)
        after = self.lab.agents()
        self.assertEqual({name: agent["id"] for name, agent in after.items()},
                         {name: agent["id"] for name, agent in before.items()})
        self.assertEqual(self.lab.running(), tasks)

    def reachable(self):
        try:
            return self.lab.get("/health", timeout=2) == b""
        except OSError:
            return False


class Break(WithLab):
    words = ["--agents", "1", "--zones", "1"]

    def test_list_explains_every_fault(self):
        text = run_lab("break", "--list").stdout
        for fault in ("refuse", "hostkey", "cut", "agent-exit", "old-info", "power", "redirect-loop", "down"):
            self.assertRegex(text, rf"(?m)^{fault} .*\w+ \w+")

    def test_bad_input(self):
        for words, says in ((["node9.lab", "refuse"], "no host \"node9.lab\""), ([ONE, "explode"], "is no fault of"),
                            ([ONE, "power", "--after", "2"], "does not take --after"),
                            (["master", "refuse"], "is no fault of the master"), ([ONE], "takes a host"),
                            ([ONE, "refuse", "--for", "soon"], "--for takes a time")):
            result = run_lab("break", "--dir", self.lab.dir, *words)
            self.assertEqual((result.returncode, says in result.stderr), (2, True), (words, result.stderr))

    def test_status_shows_what_is_armed(self):
        self.break_(ONE, "refuse")
        self.break_(ONE, "new-id")
        status = json.loads(run_lab("status", "--dir", self.lab.dir, "--json").stdout)
        self.assertEqual(sorted(status["hosts"][0]["faults"]), ["new-id", "refuse"])
        self.lab.heal(ONE)
        status = json.loads(run_lab("status", "--dir", self.lab.dir, "--json").stdout)
        self.assertEqual(status["hosts"][0]["faults"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
