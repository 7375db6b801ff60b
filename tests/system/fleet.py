# SPDX-License-Identifier: Apache-2.0
"""A lab with rollcall on it.

    fleet = Fleet(agents=6, zones=3)
    fleet.rollcall("inventory", "sync").expect(0)
    fleet.break_("node002.lab", "agent-exit")
"""
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from lab import BIN, Lab, run_lab

# Loaded into a program, it ends it at a chosen moment.
HALT = os.path.join(BIN, "..", "lib", "tests", "halt.so")
PATIENCE = 240  # seconds after which a command counts as hung; the slowest takes a tenth of that
# Clocks of Mesos run faster, but not so fast that a busy machine loses tasks.
TIME_SCALE = 5


class Result:
    """What a command said and how it ended."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def __str__(self):
        return f"$ {' '.join(self.command)}\n{self.out}{self.err}(exit code {self.code})"

    def expect(self, code, *words):
        """Fails unless it ended with that code and said all of these words on stderr or stdout."""
        if self.code != code:
            raise AssertionError(f"exit code {code} was expected:\n{self}")
        for word in words:
            if word not in self.out + self.err:
                raise AssertionError(f"{word!r} was expected:\n{self}")
        return self

    def json(self):
        return json.loads(self.out)


class Running:
    """A command under way; its stderr is read as it comes."""

    def __init__(self, command, env):
        self.command = command
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.changed = threading.Condition()
        self.out = ""
        self.readers = [threading.Thread(target=self._read_err), threading.Thread(target=self._read_out)]
        for reader in self.readers:
            reader.start()

    def _read_err(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def _read_out(self):
        self.out = self.process.stdout.read()

    def wait_for(self, pattern, count=1):
        """Returns the count-th line of stderr that matches."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                ended = self.process.poll() is not None and not self.readers[0].is_alive()
                found = [line for line in self.lines if re.search(pattern, line)]
                if len(found) >= count:
                    return found[count - 1]
                if ended or time.monotonic() > deadline:
                    raise AssertionError(f"no line matched {pattern!r} {count} times:\n{''.join(self.lines)}")
                self.changed.wait(0.1)

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
            self.lines.append("(took too long, was killed)\n")
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return Result(self.command, code, self.out, "".join(self.lines))

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.finish()


class Fleet(Lab):
    def __init__(self, agents, zones=3, tasks=2, loose_tasks=0, scale=TIME_SCALE, words=()):
        super().__init__("--agents", str(agents), "--zones", str(zones), "--tasks-per-agent", str(tasks),
                         "--loose-tasks-per-agent", str(loose_tasks), *words, scale=scale)
        self.folder = tempfile.mkdtemp(prefix="fleet-")
        self.env = dict(os.environ, ROLLCALL_CONFIG=os.path.join(self.dir, "rollcall.json"))
        self.env.pop("ROLLCALL_DB", None)

    def close(self):
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    def agentctl_of(self, host, word):
        """The PIDs of `agentctl WORD` on that host."""
        found = []
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                with open(f"/proc/{pid}/environ", "rb") as file:
                    root = f"ROLLCALL_ROOT={self.root(host)}".encode() in file.read().split(b"\0")
            except OSError:
                continue
            if root and b"agentctl" in os.path.basename(words[0]) and word.encode() in words:
                found.append(pid)
        return found

    # ---- rollcall

    def start(self, *words):
        return Running([os.path.join(BIN, "rollcall"), *words], self.env)

    def rollcall(self, *words):
        return self.start(*words).finish()

    def add_config(self, name, rules):
        path = self.write(f"{name}.json", json.dumps({"name": name, "rules": rules}))
        return self.rollcall("config", "add", path).expect(0)

    def plan(self, config, *words):
        """Plans and returns the plan's hash."""
        return self.rollcall("rollout", "plan", config, "--json", *words).expect(0).json()["hash"]

    def latest(self):
        return self.rollcall("rollout", "status", "latest", "--json").expect(0).json()

    def latest_of(self, host):
        return next(agent for agent in self.latest()["agents"] if agent["hostname"] == host)

    # ---- the lab

    def status(self):
        return json.loads(run_lab("status", "--dir", self.dir, "--json").stdout)

    def now(self, host=None):
        """Hosts by name, or one of them, as supervisor and master see them."""
        hosts = {found["name"]: found for found in self.status()["hosts"]}
        return hosts[host] if host else hosts

    def file(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.file(name)

    def rows(self, sql, *values):
        """What the database itself says."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.dir, "rollcall.db"), timeout=30)) as database:
            return database.execute(sql, values).fetchall()

    def operations(self, host):
        """The host's journal: by operation, its last step and what agentctl did there."""
        folder = self.path(host, "var/lib/rollcall/operations")
        found = {}
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name, "log"), encoding="utf-8") as text:
                log = [json.loads(line) for line in text]
            with open(os.path.join(folder, name, "state"), encoding="utf-8") as text:
                step = json.load(text)["step"]
            found[name] = {"step": step, "effects": [line["detail"] for line in log if line["what"] == "effect"]}
        return found

    def restarts(self, host):
        return [effect for found in self.operations(host).values() for effect in found["effects"]
                if effect == "restart agent"]
