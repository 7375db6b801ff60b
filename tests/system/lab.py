# SPDX-License-Identifier: Apache-2.0
"""A lab for tests: starts one, asks its master and hosts, breaks it, and takes it down."""
import json
import os
import subprocess
import tempfile
import time
import urllib.request

BIN = os.environ.get("ROLLCALL_BIN", os.path.abspath("build/gcc/bin"))
LAB = os.path.join(BIN, "rollcall-lab")
DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")


def run_lab(*words, timeout=120):
    return subprocess.run([LAB, *words], capture_output=True, text=True, timeout=timeout, check=False)


def eventually(condition, seconds=10, what="it"):
    """Waits until condition() is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s; the last answer was {value!r}")
        time.sleep(0.05)


class Lab:
    def __init__(self, *words, scale=10):
        self.dir = os.path.join(tempfile.mkdtemp(prefix="rollcall-lab-"), "lab")
        self.up = run_lab("up", "--dir", self.dir, "--time-scale", str(scale), *words)
        if self.up.returncode != 0:
            raise RuntimeError(f"up failed: {self.up.stdout}{self.up.stderr}")
        with open(os.path.join(self.dir, "lab.json")) as file:
            self.master = json.load(file)["master"]
        with open(os.path.join(self.dir, "lab.json")) as file:
            self.id = json.load(file)["id"]
        with open(os.path.join(self.dir, "hosts.json")) as file:
            self.hosts = {host["name"]: host for host in json.load(file)}
        self.names = list(self.hosts)

    def down(self):
        result = run_lab("down", "--dir", self.dir)
        if os.path.isdir(os.path.dirname(self.dir)) and not os.path.exists(self.dir):
            os.rmdir(os.path.dirname(self.dir))
        return result

    def root(self, host):
        return os.path.join(self.dir, "hosts", host)

    def path(self, host, inside):
        return os.path.join(self.root(host), inside)

    # ---- the master

    def get(self, path, timeout=10, master=None):
        with urllib.request.urlopen(f"http://{master or self.master}{path}", timeout=timeout) as answer:
            return answer.read()

    def get_json(self, path, **options):
        return json.loads(self.get(path, **options))

    def call(self, kind, accept="application/json"):
        request = urllib.request.Request(f"http://{self.master}/api/v1", json.dumps({"type": kind}).encode(),
                                         {"Content-Type": "application/json", "Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def agents(self):
        return {agent["hostname"]: agent for agent in self.get_json("/slaves")["slaves"]}

    def agent(self, host):
        return self.agents().get(host)

    def running(self, host=None):
        """The IDs of running tasks, of one host or of all; of completed ones the master may only not know the end."""
        ids = {agent["hostname"]: agent["id"] for agent in self.agents().values()}
        return {task["id"] for framework in self.get_json("/frameworks")["frameworks"] for task in framework["tasks"]
                if task["state"] == "TASK_RUNNING" and (host is None or task["slave_id"] == ids.get(host))}

    def task_states(self):
        return {task["id"]: task["state"] for task in self.get_json("/tasks?limit=100000")["tasks"]}

    def wait_reregistered(self, host, before, seconds=15):
        """Until the agent that was `before` has registered again and is active; gives it as it is now."""
        def look():
            now = self.agent(host)
            return now if now and now["active"] and (
                now.get("reregistered_time"), now["id"]) != (before.get("reregistered_time"), before["id"]) else None
        return eventually(look, seconds, f"the return of {host}")

    # ---- hosts

    def ssh_words(self, host):
        return ["ssh", "-F", "/dev/null", "-i", f"{self.dir}/id_ed25519", "-o", "IdentitiesOnly=yes",
                "-o", f"UserKnownHostsFile={self.dir}/known_hosts", "-o", "StrictHostKeyChecking=yes",
                "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", "-p", "2222", self.hosts[host]["address"]]

    def ssh(self, host, command, timeout=60):
        return subprocess.run([*self.ssh_words(host), command], capture_output=True, text=True,
                              timeout=timeout, check=False, stdin=subprocess.DEVNULL)

    def systemctl(self, host, *words):
        return subprocess.run([self.path(host, "usr/bin/systemctl"), *words], capture_output=True, text=True,
                              timeout=60, check=False)

    def show(self, host, name):
        return self.systemctl(host, "show", "-p", name, "--value", "mesos-agent.service").stdout.strip()

    def restart(self, host):
        """Restarts the agent and waits until it is back."""
        before = self.agent(host)
        result = self.systemctl(host, "restart", "mesos-agent")
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return self.wait_reregistered(host, before)

    def flags(self, host):
        with open(self.path(host, "etc/default/mesos-agent")) as file:
            return file.read()

    def edit_flags(self, host, old, new):
        text = self.flags(host)
        if old not in text:
            raise AssertionError(f"{old!r} is not in {text!r}")
        with open(self.path(host, "etc/default/mesos-agent"), "w") as file:
            file.write(text.replace(old, new))

    def agent_log(self, host):
        with open(self.path(host, "var/log/mesos-agent.log")) as file:
            return file.read()

    def boot_id(self, host):
        with open(self.path(host, "proc/sys/kernel/random/boot_id")) as file:
            return file.read().strip()

    def checkpoint(self, host, inside):
        with open(self.path(host, "var/lib/mesos/meta/" + inside), "rb") as file:
            return file.read()

    # ---- breaking

    def break_(self, target, fault, *words):
        result = run_lab("break", "--dir", self.dir, target, fault, *words)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return result

    def heal(self, target):
        self.break_(target, "none")

    def processes(self):
        """PIDs of everything that belongs to this lab, found without the lab's help."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    ours = f"ROLLCALL_LAB={self.id}".encode() in file.read().split(b"\0")
                ours = ours or os.readlink(f"/proc/{name}/cwd").startswith(self.dir + "/")
                with open(f"/proc/{name}/stat") as file:
                    zombie = file.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue
            if ours and not zombie:
                found.append(int(name))
        return found
