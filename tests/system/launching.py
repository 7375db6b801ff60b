# SPDX-License-Identifier: Apache-2.0
"""agentctl launch in front of an agent that recovers as a stock agent would (agentctl check says what that is)."""
import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

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
