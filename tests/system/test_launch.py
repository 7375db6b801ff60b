#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""agentctl launch in front of an agent that recovers as a stock agent would (agentctl check says what that is).

It is killed at half of the system calls that change anything. `test_launch.py --all Killed` takes every one of them."""
import base64
import fcntl
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import killer

ALL = "--all" in sys.argv
AGENTCTL = os.path.abspath(os.path.join(os.environ.get("ROLLCALL_BIN", "build/gcc/bin"), "agentctl"))
DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")
with open(os.path.join(DATA, "verdicts.json")) as verdicts_file:
    PAIR = next(pair for pair in json.load(verdicts_file)["pairs"] if pair["name"] == "attr added")
SLAVE_INFO = base64.b64decode(PAIR["slave_info_base64"])
FLAGS = PAIR["old"]
DOMAIN = '{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1a"}}}'
ANYTHING = '--ignore_checkpointed_state=["resources","attributes","domains"]'
DISCARD = "--recover_state=false"
PATIENCE = 120  # seconds after which what has not happened will not

# Tells what it is started with, then does what a stock agent does. Its executors are the processes in DIR/executors.
AGENT = r"""#!%(python)s
import json, os, signal, subprocess, sys, time
if sys.argv[1:] == ["--version"]:
    print("mesos 1.11.0")
    sys.exit(0)
here = os.path.dirname(os.path.abspath(__file__))
flags = {name[6:].lower(): value for name, value in os.environ.items() if name.startswith("MESOS_")}
flags.update(word[2:].split("=", 1) for word in sys.argv[1:])
recover = flags.pop("recover", "reconnect")
work_dir = flags["work_dir"]
with open(here + "/flags.json", "w") as file:
    json.dump(flags, file)
verdict = subprocess.run(["%(agentctl)s", "check", "--work-dir", work_dir, "--flags", here + "/flags.json"],
                         capture_output=True, text=True)
alive = sorted(os.listdir(here + "/executors"))
with open(here + "/starts", "a") as file:
    file.write(json.dumps({"pid": os.getpid(), "recover": recover, "attributes": flags.get("attributes"),
                           "isolation": flags.get("isolation"), "executors": alive,
                           "accepted": verdict.returncode == 0}) + "\n")
if verdict.returncode != 0:
    sys.exit(verdict.stdout)
if recover == "cleanup":
    if os.path.exists(here + "/slow-cleanup"):
        time.sleep(60)
    for pid in alive:
        os.kill(int(pid), signal.SIGKILL)
        os.unlink(here + "/executors/" + pid)
    sys.exit(3 if os.path.exists(here + "/failing-cleanup") else 0)
if os.path.exists(here + "/waits"):
    signal.pause()
sys.exit(7)
"""


class Master:
    """Says what its capabilities are, the way a master does."""

    def __init__(self, capabilities=("AGENT_UPDATE",), domain=True):
        info = {"capabilities": [{"type": name} for name in capabilities]}
        if domain:
            info["domain"] = json.loads(DOMAIN)
        body = json.dumps({"type": "GET_MASTER", "get_master": {"master_info": info}}).encode()
        master = self
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                master.asked += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Launch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.id = PAIR.get("id") or SLAVE_INFO[SLAVE_INFO.index(b"-S0") - 36:SLAVE_INFO.index(b"-S0") + 3].decode()
        os.makedirs(self.path("work/meta/slaves", self.id))
        os.mkdir(self.path("executors"))
        os.symlink(self.id, self.path("work/meta/slaves/latest"))
        self.slave_info_path = self.path("work/meta/slaves", self.id, "slave.info")
        self.write(self.slave_info_path, SLAVE_INFO)
        with open("/proc/sys/kernel/random/boot_id") as boot_id:
            self.write(self.path("work/meta/boot_id"), boot_id.read().strip().encode())
        self.write(self.path("mesos-agent"), (AGENT % {"python": sys.executable, "agentctl": AGENTCTL}).encode())
        os.chmod(self.path("mesos-agent"), 0o755)
        self.processes = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, path, data=b""):
        with open(path, "wb") as file:
            file.write(data)

    def slave_info(self):
        with open(self.slave_info_path, "rb") as file:
            return file.read()

    def starts(self):
        if not os.path.exists(self.path("starts")):
            return []
        with open(self.path("starts")) as file:
            return [json.loads(line) for line in file]

    def executor(self):
        process = subprocess.Popen(["sleep", "600"])
        self.processes.append(process)
        self.write(self.path("executors", str(process.pid)))
        return process

    def command(self, *options, master="127.0.0.1:1", **flags):
        merged = {**FLAGS, "work_dir": self.path("work"), "master": master, **flags}
        words = ["--%s=%s" % item for item in merged.items() if item[1] is not None]
        return [AGENTCTL, "launch", "--state-dir", self.path("state"), *options, "--", "mesos-agent", *words]

    def environment(self, more=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("MESOS_", "AGENTCTL_"))}
        return {**env, "PATH": self.folder + ":" + env["PATH"], **(more or {})}

    def launch(self, *options, env=None, before=(), **flags):
        return subprocess.run([*before, *self.command(*options, **flags)], env=self.environment(env),
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def start(self, *options, **flags):
        process = subprocess.Popen(self.command(*options, **flags), env=self.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def wait_for_starts(self, count):
        deadline = time.monotonic() + PATIENCE
        while len(self.starts()) < count:
            self.assertLess(time.monotonic(), deadline, self.starts())
            time.sleep(0.02)

    def accepted(self, done, attributes):
        """The agent ran, and accepted what it found; 7 is its exit status."""
        self.assertEqual(done.returncode, 7, done.stderr)
        last = self.starts()[-1]
        self.assertEqual((last["accepted"], last["recover"], last["attributes"]), (True, "reconnect", attributes))
        self.assertIn(self.id.encode(), self.slave_info())

    def refused(self, done, code, *words):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(self.slave_info(), SLAVE_INFO)
        for word in words:
            self.assertIn(word, done.stderr)

    def backup(self, done):
        line = done.stderr.split("is kept in\n", 1)[1].splitlines()[0].strip()
        with open(line, "rb") as file:
            return file.read()


class Accepting(Launch):
    def test_becomes_the_agent(self):
        self.write(self.path("waits"))
        process = self.start()
        self.wait_for_starts(1)
        self.assertEqual(self.starts()[0]["pid"], process.pid)
        process.terminate()
        self.assertEqual(process.wait(timeout=PATIENCE), -signal.SIGTERM)
        self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_without_a_difference_nobody_is_asked_and_nothing_said(self):
        done = self.launch()
        self.accepted(done, FLAGS["attributes"])
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_ignored_differences_are_written_back(self):
        master = Master()
        self.addCleanup(master.close)
        task = self.executor()
        done = self.launch(ANYTHING, master=master.address, attributes="rack:r2;ssd:true",
                           resources="cpus:1;mem:64;disk:10;ports:[31000-31001]", domain=DOMAIN)
        self.accepted(done, "rack:r2;ssd:true")
        for words in ("WARNING", "attributes", "resources", "domain", "rack: r1 -> r2", "tier: web -> (none)", "offers"):
            self.assertIn(words, done.stderr)
        self.assertEqual(self.backup(done), SLAVE_INFO)
        self.assertIsNone(task.poll())
        self.assertEqual(master.asked, 1)
        written = self.slave_info()
        done = self.launch(attributes="rack:r2;ssd:true", resources="cpus:1;mem:64;disk:10;ports:[31000-31001]",
                           domain=DOMAIN)
        self.accepted(done, "rack:r2;ssd:true")
        self.assertEqual((done.stderr, self.slave_info(), master.asked), ("", written, 1))

    def test_domains_are_ignored_by_default(self):
        self.accepted(self.launch("--master-checked", domain=DOMAIN), FLAGS["attributes"])
        self.assertNotEqual(self.slave_info(), SLAVE_INFO)

    def test_by_environment(self):
        env = {"AGENTCTL_IGNORE_CHECKPOINTED_STATE": '["attributes"]', "MESOS_ATTRIBUTES": "rack:env"}
        self.accepted(self.launch("--master-checked", env=env, attributes=None), "rack:env")
        env["AGENTCTL_IGNORE_CHECKPOINTED_STATE"] = "rubbish"
        self.accepted(self.launch('--ignore_checkpointed_state=["none"]', env=env, attributes=None), "rack:env")

    def test_values_in_files(self):
        self.write(self.path("attributes"), b"rack:r3;tier:web")
        done = self.launch('--ignore_checkpointed_state=["attributes"]', "--master-checked",
                           attributes="file://" + self.path("attributes"))
        self.accepted(done, "file://" + self.path("attributes"))
        self.assertIn(b"r3", self.slave_info())

    def test_after_a_reboot_too(self):
        self.write(self.path("work/meta/boot_id"), b"11111111-2222-3333-4444-555555555555")
        self.accepted(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), "rack:r2")

    def test_a_new_agent(self):
        os.unlink(self.path("work/meta/slaves/latest"))
        done = self.launch(DISCARD, "--operation=X", attributes="rack:r9")
        self.assertEqual(self.starts()[0]["attributes"], "rack:r9")
        self.assertEqual(self.slave_info(), SLAVE_INFO)
        # That operation had nothing to end; it must not end anything later.
        os.symlink(self.id, self.path("work/meta/slaves/latest"))
        task = self.executor()
        done = self.launch(DISCARD, "--operation=X")
        self.accepted(done, FLAGS["attributes"])
        self.assertIsNone(task.poll())

    def test_what_the_agent_itself_refuses_is_left_to_it(self):
        done = self.launch(ANYTHING, "--master-checked", attributes="a:{1}")
        self.assertEqual(done.returncode, 1)
        self.assertEqual((len(self.starts()), self.slave_info()), (1, SLAVE_INFO))
        done = self.launch(ANYTHING, work_dir=None, env={"MESOS_WORK_DIR": ""})
        self.assertIn("wrapper", done.stderr)


class Refusing(Launch):
    def test_says_what_the_agent_would_say_and_what_would_allow_it(self):
        self.refused(self.launch(attributes="rack:r2"), 1, "Failed to perform recovery: Incompatible agent info detected.",
                     "Old agent info:", '["attributes","domains"]', "--recover_state=false")
        self.assertEqual(self.starts(), [])

    def test_after_a_reboot(self):
        self.write(self.path("work/meta/boot_id"), b"11111111-2222-3333-4444-555555555555")
        self.refused(self.launch(attributes="rack:r2"), 1, "new ID")
        self.assertEqual(self.starts(), [])

    def test_wrong_values(self):
        for value in ("attributes", '["colour"]', "[]", '["none","domains"]', '{"a":1}', ""):
            done = self.launch("--ignore_checkpointed_state=" + value)
            self.refused(done, 2, '"resources"', '"attributes"', '"domains"', '"none"')
        self.refused(self.launch("--recover_state=maybe"), 2, "true or false")
        self.refused(self.launch(env={"AGENTCTL_RECOVER_STATE": "no"}), 2, "true or false")
        self.assertEqual(subprocess.run([AGENTCTL, "launch", "mesos-agent"], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([AGENTCTL, "launch", "--"], capture_output=True).returncode, 2)
        self.assertEqual(self.starts(), [])

    def test_masters(self):
        change = {"attributes": "rack:r2"}
        self.refused(self.launch(ANYTHING, **change), 4, "--master-checked")
        self.refused(self.launch(ANYTHING, master="zk://a:2181/mesos", **change), 4, "ZooKeeper", "--master-checked")
        old = Master(capabilities=("OTHER",))
        self.addCleanup(old.close)
        self.refused(self.launch(ANYTHING, master=old.address, **change), 3, "AGENT_UPDATE")
        nowhere = Master(domain=False)
        self.addCleanup(nowhere.close)
        self.refused(self.launch(domain=DOMAIN, master=nowhere.address), 3, "domain")
        # An agent that accepts the difference by itself is not kept from starting.
        done = self.launch(ANYTHING, master=old.address, attributes=FLAGS["attributes"] + ";new:1",
                           reconfiguration_policy="additive")
        self.assertEqual((done.returncode, self.slave_info()), (7, SLAVE_INFO), done.stderr)
        self.assertIn("accepts this difference by itself", done.stderr)

    def test_an_agent_that_cannot_be_run(self):
        os.unlink(self.path("mesos-agent"))
        self.refused(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), 4, "mesos-agent")

    def test_while_an_operation_is_open(self):
        folder = self.path("state/operations/0123456789abcdef0123456789abcdef")
        os.makedirs(folder)
        state = {"format": 1, "step": "flags", "boot_id": "b", "discard": False, "rescue": False, "rebooted": False,
                 "asked": False, "before": {"pid": 0, "start_ticks": 0}, "started": {"pid": 0, "start_ticks": 0},
                 "start_timeout_ms": 1, "verdict_timeout_ms": 1, "asked_ms": 0, "seen_ms": 0, "deadline_ms": 0,
                 "kept_by_deadline": False, "reason": ""}
        self.write(folder + "/state", json.dumps(state).encode())
        done = self.launch(ANYTHING, "--master-checked", attributes="rack:r2")
        self.refused(done, 3, "0123456789abcdef0123456789abcdef", "settle")
        self.accepted(self.launch(), FLAGS["attributes"])

    def test_while_another_agentctl_is_at_work(self):
        os.mkdir(self.path("state"))
        with open(self.path("state/lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), 3, "another agentctl")
            self.accepted(self.launch(), FLAGS["attributes"])

    def test_while_the_agent_runs(self):
        other = subprocess.Popen(["mesos-agent", "600"], executable=shutil.which("sleep"),
                                 env={"MESOS_WORK_DIR": self.path("work")})
        self.processes.append(other)
        self.refused(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), 3, str(other.pid))

    def test_never_through_a_link(self):
        elsewhere = self.path("elsewhere")
        os.rename(self.slave_info_path, elsewhere)
        os.symlink(elsewhere, self.slave_info_path)
        done = self.launch(ANYTHING, "--master-checked", attributes="rack:r2")
        self.refused(done, 1, "symbolic link")
        self.assertTrue(os.path.islink(self.slave_info_path))
        self.assertEqual([start["accepted"] for start in self.starts()], [False])  # it said so itself


class Discarding(Launch):
    def discard(self, *options, **flags):
        return self.launch(DISCARD, "--master-checked", *options, **flags)

    def test_ends_the_executors_first_and_once(self):
        self.accepted(self.launch(isolation="old"), FLAGS["attributes"])
        old = self.executor()
        done = self.discard(attributes="rack:r2", port="16099", isolation="new")
        self.accepted(done, "rack:r2")
        self.assertEqual(old.wait(timeout=PATIENCE), -signal.SIGKILL)
        self.assertIn("NOT RECOVERED", done.stderr)
        self.assertEqual(self.backup(done), SLAVE_INFO)
        cleanup, last = self.starts()[-2:]
        self.assertEqual((cleanup["recover"], cleanup["attributes"], cleanup["isolation"], cleanup["accepted"]),
                         ("cleanup", FLAGS["attributes"], "old", True))
        self.assertEqual((last["executors"], last["isolation"]), ([], "new"))
        new = self.executor()
        self.accepted(self.discard(attributes="rack:r2", port="16099"), "rack:r2")
        self.assertIsNone(new.poll())

    def test_flags_nobody_remembers_come_from_the_checkpoint(self):
        task = self.executor()
        self.accepted(self.discard(attributes="rack:r2", resources="cpus:1;mem:10;disk:10", domain=DOMAIN), "rack:r2")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_every_change_is_one(self):
        for rack in ("rack:r2", "rack:r3", "rack:r2"):
            task = self.executor()
            self.accepted(self.discard(attributes=rack), rack)
            self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_a_named_operation_is_carried_out_once(self):
        task = self.executor()
        done = self.discard("--operation=X1")
        self.accepted(done, FLAGS["attributes"])
        self.assertIn("is what it checkpointed", done.stderr)
        self.assertIn("(operation X1)", done.stderr)
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)
        task = self.executor()
        self.accepted(self.discard("--operation=X1"), FLAGS["attributes"])
        self.refused(self.discard("--operation=X1", attributes="rack:r2"), 1, "X1", "another value")
        self.assertIsNone(task.poll())
        self.accepted(self.discard("--operation=X2", attributes="rack:r2"), "rack:r2")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_what_is_refused(self):
        task = self.executor()
        self.refused(self.discard(hostname="n2.example.com"), 1, "hostname")
        self.refused(self.launch(DISCARD, attributes="rack:r2"), 4, "--master-checked")
        self.write(self.path("failing-cleanup"))
        self.refused(self.discard(attributes="rack:r2"), 3, "ended with status 3")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)

    def test_after_a_reboot_there_is_nobody_to_end(self):
        self.write(self.path("work/meta/boot_id"), b"11111111-2222-3333-4444-555555555555")
        self.accepted(self.discard(attributes="rack:r2"), "rack:r2")
        self.assertEqual([start["recover"] for start in self.starts()], ["reconnect"])

    def test_killed_while_executors_are_ended(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.write(self.path("slow-cleanup"))
            before = len(self.starts())
            process = self.start(DISCARD, "--master-checked", "--operation=X", attributes="rack:r2")
            self.wait_for_starts(before + 1)
            process.send_signal(number)
            process.wait()
            cleanup = self.starts()[-1]["pid"]
            deadline = time.monotonic() + PATIENCE
            while os.path.exists("/proc/%d" % cleanup):
                self.assertLess(time.monotonic(), deadline, "what ends executors outlived launch")
                time.sleep(0.02)
            self.assertEqual(self.slave_info(), SLAVE_INFO)
        os.unlink(self.path("slow-cleanup"))
        task = self.executor()
        self.accepted(self.discard("--operation=X", attributes="rack:r2"), "rack:r2")
        self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)


@unittest.skipUnless(killer.STRACE, "needs strace")
@unittest.skipIf("asan" in AGENTCTL, "what a sanitizer does at its start is none of our effects")
class Killed(Launch):
    """kill -9 before the system calls that change anything (found by tracing it); the start after that ends what was begun."""

    def kill_everywhere(self, *options, **flags):
        self.reset()
        self.executor()
        trace = self.path("trace")
        self.launch(*options, before=killer.traced(["-o", trace]), **flags)
        found = killer.points_in(trace)
        self.assertGreater(len(found), 25)
        for point in found if ALL else killer.every(found, 2):
            self.reset()
            task = self.executor()
            self.launch(*options, before=killer.kill_before(point), **flags)
            self.assertEqual([start for start in self.starts() if start["recover"] == "reconnect"], [], point)
            yield "%s %d" % point, task

    def reset(self):
        for name in ("state", "executors"):
            shutil.rmtree(self.path(name), ignore_errors=True)
        os.mkdir(self.path("executors"))
        if os.path.exists(self.path("starts")):
            os.unlink(self.path("starts"))
        self.write(self.slave_info_path, SLAVE_INFO)

    def test_rewriting(self):
        for where, task in self.kill_everywhere(ANYTHING, "--master-checked", attributes="rack:r2"):
            with self.subTest(where):
                self.accepted(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), "rack:r2")
                self.assertIsNone(task.poll())

    def test_discarding(self):
        words = (DISCARD, "--master-checked", "--operation=X")
        for where, task in self.kill_everywhere(*words, attributes="rack:r2"):
            with self.subTest(where):
                if self.slave_info() != SLAVE_INFO:
                    self.assertIsNotNone(task.poll(), "a task is alive under the new state")
                self.accepted(self.launch(*words, attributes="rack:r2"), "rack:r2")
                self.assertEqual(task.wait(timeout=PATIENCE), -signal.SIGKILL)
                late = self.executor()
                self.accepted(self.launch(*words, attributes="rack:r2"), "rack:r2")
                self.assertIsNone(late.poll())


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--all"]
    unittest.main()
