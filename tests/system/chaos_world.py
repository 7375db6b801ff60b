# SPDX-License-Identifier: Apache-2.0
"""A lab, a rollout on it, and everybody who meddles with both. All that is said and done is kept in a log."""
import base64
import json
import os
import shutil
import signal
import sqlite3
import threading
import time
import urllib.request

from fleet import Fleet, Result, Running
from lab import BIN, eventually

HALT = os.path.join(BIN, "..", "lib", "tests", "halt.so")
GOING = ("resume", "retry", "start", "settle", "rollback")  # after these agents may be changed again


def brief(result):
    """For the log: of a document what can be read; of a status the agents' states."""
    try:
        found = json.loads(result.out)
    except ValueError:
        return str(result)
    if "agents" in found and "counts" in found:
        rows = [f"  {row['hostname']} {row['state']} {row['operation']} {row['error']} | {row['next']}" for row in found["agents"]]
        head = {key: found[key] for key in ("run", "state", "reason", "epoch", "driver", "rolls_back", "rollback_due")}
        text = "\n".join([str(head), *rows, ""])
    else:
        text = result.out[:300] + "\n"
    return str(Result(result.command, result.code, text, result.err))


class Command:
    """A command of some operator: when it began, when it ended, what it said."""

    def __init__(self, world, words, env=None):
        self.words, self.began, self.ended, self.result = words, time.time(), None, None
        self.running = Running([os.path.join(BIN, "rollcall"), *words], dict(world.fleet.env, **(env or {})))
        self.killed = bool(env)  # something was to end it
        self.world = world
        self.thread = threading.Thread(target=self.wait)
        self.thread.start()

    def wait(self):
        self.running.process.wait()
        self.ended = time.time()
        self.result = self.running.finish()
        self.world.say(f"ended: {brief(self.result)}")

    def is_over(self):
        return self.ended is not None and self.result is not None

    def signal(self, number):
        if not self.is_over():
            self.killed = self.killed or number == signal.SIGKILL
            self.running.signal(number)

    def goes(self):
        return len(self.words) > 1 and self.words[0] == "rollout" and self.words[1] in GOING


class World:
    def __init__(self, scenario, folder):
        self.scenario, self.folder = scenario, folder
        self.log = open(os.path.join(folder, "log"), "w", encoding="utf-8", buffering=1)
        self.lock = threading.Lock()
        self.commands, self.drivers = [], []
        self.paused = []     # (when, which run): a pause that was confirmed
        self.struck = {}     # host: what struck it
        self.master_struck = set()
        self.restored = False
        self.hung = []       # commands that did not end
        self.run = None
        words = ["--masters", str(scenario.masters), "--dialect", scenario.dialect, "--agent-version", scenario.versions]
        words += ["--authenticate"] if scenario.authenticate else []
        self.fleet = Fleet(agents=scenario.agents, zones=3, tasks=2, loose_tasks=scenario.loose, words=words)
        self.database = os.path.join(self.fleet.dir, "rollcall.db")
        self.say(scenario)

    def say(self, what):
        with self.lock:
            print(f"{time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03} {what}", file=self.log)

    def close(self):
        self.fleet.close()
        self.log.close()

    # ---- commands

    def command(self, *words, env=None):
        self.say(f"$ rollcall {' '.join(words)} {env or ''}")
        command = Command(self, list(words), env)
        self.commands.append(command)
        return command

    def rollcall(self, *words):
        command = self.command(*words)
        command.thread.join()
        return command.result

    def ask(self, *words):
        """What a command says in JSON, or None."""
        result = self.rollcall(*words, "--json")
        return json.loads(result.out) if result.out else None

    def begin(self):
        self.rollcall("inventory", "sync").expect(0)
        self.fleet.add_config("fleet", self.scenario.rules)
        self.plan = self.make_plan()
        self.before = self.picture()

    def make_plan(self):
        """The scenario's plan, of the fleet as it is now; None: it is refused."""
        words = list(self.scenario.words)
        if self.scenario.gates:
            words += ["--gates", self.fleet.write("gates.json", json.dumps(self.scenario.gates))]
        result = self.rollcall("rollout", "plan", "fleet", "--json", *words)
        return result.json()["hash"] if result.code == 0 else None

    def picture(self):
        """The lab's own word on every host: ID, SlaveInfo, tasks, process, boot."""
        found = {}
        now = self.fleet.now()
        agents = self.leader_agents()
        for host in self.fleet.names:
            agent = agents.get(host)
            found[host] = {"now": now[host], "agent": agent, "flags": self.fleet.flags(host),
                           "boot": self.fleet.boot_id(host), "tasks": self.tasks_of(host, agent)}
        return found

    def leader_agents(self):
        answer = self.master("/slaves")
        return {agent["hostname"]: agent for agent in answer["slaves"]} if answer else {}

    def master(self, path):
        """Asks the leading master, without any of rollcall's code; None: nobody leads."""
        leader = next((one["address"] for one in self.fleet.status()["masters"] if one["leads"]), None)
        if leader is None:
            return None
        headers = {}
        if self.scenario.authenticate:
            headers["Authorization"] = "Basic " + base64.b64encode(f"operator:{self.secret()}".encode()).decode()
        with urllib.request.urlopen(urllib.request.Request(f"http://{leader}{path}", headers=headers), timeout=20) as answer:
            return json.loads(answer.read())

    def secret(self):
        with open(os.path.join(self.fleet.dir, "master-password"), encoding="utf-8") as file:
            return file.read().strip()

    def tasks_of(self, host, agent):
        """IDs of tasks that run there, of frameworks that checkpoint and of those that do not."""
        found = {"kept": set(), "loose": set()}
        for framework in (self.master("/frameworks") or {"frameworks": []})["frameworks"] if agent else []:
            for task in framework["tasks"]:
                if task["slave_id"] == agent["id"] and task["state"] == "TASK_RUNNING":
                    found["kept" if framework["checkpoint"] else "loose"].add(task["id"])
        return found

    # ---- the driver

    def driver(self):
        alive = [driver for driver in self.drivers if not driver.is_over()]
        return alive[-1] if alive else None

    def drive(self, *words, calm=False):
        env = {} if calm else self.scenario.life()
        if env:
            env["LD_PRELOAD"] = HALT
        self.drivers.append(self.command("rollout", *words, env=env))
        return self.drivers[-1]

    def find_run(self):
        """The newest run; None as long as there is none."""
        runs = (self.ask("rollout", "list") or {"runs": []})["runs"]
        self.run = runs[0]["run"] if runs else None
        return self.run

    def status(self, run=None):
        return self.ask("rollout", "status", run or self.run or "latest")

    def under_way(self):
        """Hosts on which an operation is open."""
        found = []
        for host in self.fleet.names:
            folder = self.fleet.path(host, "var/lib/rollcall/operations")
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                try:
                    with open(os.path.join(folder, name, "state"), encoding="utf-8") as file:
                        if json.load(file)["step"] not in ("done", "undone"):
                            found.append(host)
                except (OSError, ValueError, KeyError):
                    pass
        return found

    # ---- processes of a host

    def processes_of(self, host, name, word=None):
        root = f"ROLLCALL_ROOT={self.fleet.root(host)}".encode()
        found = []
        for pid in self.fleet.processes():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                with open(f"/proc/{pid}/environ", "rb") as file:
                    ours = root in file.read().split(b"\0")
            except OSError:
                continue
            if ours and name in os.path.basename(words[0]) and (word is None or word in words):
                found.append(pid)
        return found

    def signal_agentctl(self, host, number):
        pids = self.processes_of(host, b"agentctl")
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        self.say(f"signal {number} to agentctl of {host}: {pids}")
        return pids

    # ---- the database

    def copy_database(self):
        """As an operator's backup does, whole."""
        copy = os.path.join(self.folder, "copy.db")
        if os.path.exists(copy):
            os.unlink(copy)
        source, target = sqlite3.connect(self.database, timeout=30), sqlite3.connect(copy)
        with target:
            source.backup(target)
        source.close()
        target.close()
        return copy

    def restore_database(self, copy):
        for name in os.listdir(self.fleet.dir):
            if name.startswith("rollcall.db-"):
                os.unlink(os.path.join(self.fleet.dir, name))
        shutil.copyfile(copy, self.database)
        self.restored = True

    def end_commands(self):
        for command in self.commands:
            command.signal(signal.SIGCONT)
            command.signal(signal.SIGKILL)
            command.thread.join()

    # ---- the end of all troubles

    def wait_for_commands(self, seconds):
        """Once nothing is broken every command ends."""
        deadline = time.monotonic() + seconds
        for command in self.commands:
            command.signal(signal.SIGCONT)
            command.thread.join(max(deadline - time.monotonic(), 0))
            if not command.is_over():
                self.hung.append(" ".join(command.words))
                command.signal(signal.SIGKILL)
                command.thread.join()

    def heal(self):
        for host in self.fleet.names:
            self.fleet.heal(host)
        self.fleet.heal("master")
        for host in self.fleet.names:
            self.signal_agentctl(host, signal.SIGCONT)

    def all_back(self):
        """Every agent is where systemd and master say it should be; what has reached its start limit is started by hand."""
        now = self.fleet.now()
        for host, found in now.items():
            if found["unit"] in ("failed", "inactive") and not self.processes_of(host, b"agentctl"):
                self.say(f"{host}: unit {found['unit']}, started by hand")
                self.fleet.systemctl(host, "reset-failed", "mesos-agent")
                self.fleet.systemctl(host, "start", "mesos-agent")
        return all(found["master"] == "active" for found in now.values())

    def wait_for_agents(self, seconds):
        try:
            eventually(lambda: self.all_back() or time.sleep(1), seconds, "the return of all agents")
        except AssertionError as error:
            self.say(error)
            return False
        return True
