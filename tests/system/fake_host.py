# SPDX-License-Identifier: Apache-2.0
"""A host in a folder: an agent that is a real process with a real checkpoint and recovers as a stock agent would (agentctl check
says what that is), a supervisor that restarts it and honours the start hook, and agentctl's requests to it.

Run as a program it is the supervisor (`fake_host.py supervise ROOT`) or the agent (`fake_host.py agent ROOT`).
"""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid

AGENTCTL = os.path.join(os.environ.get("ROLLCALL_BIN", "build/gcc/bin"), "agentctl")
AGENTCTL = os.path.abspath(AGENTCTL)
DATABASE = "11111111-2222-3333-4444-555555555555"
NATIVE_FLAGS = ("ignore_checkpointed_state", "recover_state")
PATIENCE = 120  # seconds after which what has not happened will not
RESOURCES = "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"


# ---- just enough of protobuf's wire format

def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def split_fields(message):
    """(number, bytes of the whole field), for messages whose lengths fit into one or two bytes."""
    at, out = 0, []

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        start = at
        tag = read_varint()
        if tag & 7 == 2:
            length = read_varint()
            at += length
        elif tag & 7 == 0:
            read_varint()
        else:
            at += 8
        out.append((tag >> 3, message[start:at]))
    return out


def text_attribute(name, value):
    return field(5, field(1, name.encode()) + b"\x10\x03" + field(5, field(1, value.encode())))


def with_attributes(message, text):
    """The SlaveInfo with other attributes, all of them text."""
    fields = [data for number, data in split_fields(message) if number != 5]
    fields += [text_attribute(*entry.split(":")) for entry in text.split(";")]
    return b"".join(fields)


def agent_id(message):
    return next(data for number, data in split_fields(message) if number == 6)[4:].decode()


def checkpointed(message):
    return len(message).to_bytes(4, "little") + message


def process_state(pid):
    """R, S, T…; Z when it has ended."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def is_alive(pid):
    """A zombie is not."""
    return process_state(pid) != "Z"


def wait_until(condition, otherwise):
    """For as long as a loaded machine may need; otherwise() says what is missing."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise())
        time.sleep(0.02)


# ---- the host

class Host:
    def __init__(self, root, slave_info):
        self.root, self.processes, self.tasks = root, [], []
        for folder in ("etc", "var/lib/mesos/meta/slaves", "var/log/mesos", "usr/sbin", "run",
                       "proc/sys/kernel/random"):
            os.makedirs(self.path(folder))
        self.id = agent_id(slave_info[4:])
        folder = self.path("var/lib/mesos/meta/slaves", self.id)
        os.mkdir(folder)
        os.symlink(self.id, self.path("var/lib/mesos/meta/slaves/latest"))
        self.write("var/lib/mesos/meta/slaves/%s/slave.info" % self.id, slave_info)
        self.boot()
        self.write("var/lib/mesos/meta/boot_id", self.boot_id.encode())
        self.write("usr/sbin/mesos-agent", b"#!/bin/sh\necho mesos 1.11.0\n")
        os.chmod(self.path("usr/sbin/mesos-agent"), 0o755)
        self.write("etc/mesos-agent.env",
                   b"# who changes this file?\nMESOS_HOSTNAME=n1.example.com\nMESOS_PORT=16071\n"
                   b"MESOS_WORK_DIR=/var/lib/mesos\nMESOS_LOG_DIR=/var/log/mesos\n"
                   b"MESOS_RESOURCES=\"" + RESOURCES.encode() + b"\"\n\nOTHER=kept as it is\n"
                   b"MESOS_ATTRIBUTES='rack:r1;tier:web'\n")

    def knows(self, *flags):
        """Its agent's --help lists these; with the proposal's flags it acts on them."""
        self.write("usr/sbin/mesos-agent", "".join(
            ["#!/bin/sh\ncase $1 in --help) cat <<END\n"] + ["  --%s=VALUE   what it is\n" % name for name in flags] +
            ["END\n;; *) echo mesos 1.11.0;; esac\n"]).encode())
        if set(NATIVE_FLAGS) & set(flags):
            self.write("run/native", b"")

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def boot(self):
        self.boot_id = str(uuid.uuid4())
        self.write("proc/sys/kernel/random/boot_id", self.boot_id.encode() + b"\n")

    def slave_info(self):
        return self.read("var/lib/mesos/meta/slaves/latest/slave.info")

    def settings(self):
        me = os.path.abspath(__file__)
        return {"root": self.root, "work_dir": "/var/lib/mesos", "state_dir": "/var/lib/rollcall",
                "flag_store": {"kind": "envfile", "path": "/etc/mesos-agent.env"},
                "control": {"kind": "commands", "start": [sys.executable, me, "supervise", self.root],
                            "stop": [sys.executable, me, "stop", self.root], "start_hook": "/etc/start-hook"}}

    def start(self):
        """As a supervisor would at boot."""
        subprocess.Popen(self.settings()["control"]["start"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True).wait()

    def stop(self):
        subprocess.run(self.settings()["control"]["stop"], check=False)

    def starts(self):
        """One line per start of the agent: pid, ID and attributes it came up with."""
        if not os.path.exists(self.path("run/starts")):
            return []
        return [json.loads(line) for line in self.read("run/starts").splitlines()]

    def wait_for_starts(self, count):
        wait_until(lambda: len(self.starts()) >= count,
                   lambda: "the agent was not started %d times: %s" % (count, self.starts()))

    def wait_for_agent(self):
        wait_until(self.agent_pid, lambda: "no agent runs: %s" % self.starts())

    def run_task(self):
        """An executor that the agent knows, and that lives on without it."""
        task = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        self.tasks.append(task)
        self.write("run/executor", b"%d" % task.pid)
        return task

    def cleanups(self):
        """One line per run of the agent with --recover=cleanup."""
        if not os.path.exists(self.path("run/cleanups")):
            return []
        return [json.loads(line) for line in self.read("run/cleanups").splitlines()]

    def agent_pid(self):
        starts = self.starts()
        if not starts:
            return 0
        return starts[-1]["pid"] if is_alive(starts[-1]["pid"]) else 0

    # ---- requests

    def inspect(self):
        return json.loads(self.run("inspect", self.request("inspect", operation=None)).stdout)

    def request(self, kind, operation, **more):
        document = {"format": 1, "kind": kind, "host": self.settings()}
        if operation is not None:
            document.update(operation=operation, database=DATABASE, epoch=1)
        document.update(more)
        data = json.dumps(document).encode()
        return b"rollcall 1 %d %s\n" % (len(data), hashlib.sha256(data).hexdigest().encode()) + data

    def apply_request(self, operation, attributes, **more):
        survey = self.inspect()
        target = with_attributes(self.slave_info()[4:], attributes)
        members = {"mechanism": "relax", "ignore": ["attributes"], "run": "run-1",
                   "expect": {"agent_id": survey["agent"]["id"], "boot_id": survey["boot_id"],
                              "agent_version": "1.11.0", "checkpoint_sha256": survey["checkpoint"]["sha256"],
                              "store_sha256": survey["flag_store"]["sha256"]},
                   "edits": [{"name": "attributes", "value": attributes}],
                   "target": base64.b64encode(target).decode(),
                   "start_timeout_ms": 120000, "verdict_timeout_ms": 120000}
        members.update(more)
        return self.request("apply", operation, **members)

    def run(self, command, stdin):
        return subprocess.run([AGENTCTL, command, "--request"], input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE, check=False)

    def settle(self, operation, **more):
        done = self.run("settle", self.request("settle", operation, **more))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def talk(self, request, command="apply"):
        process = subprocess.Popen([AGENTCTL, command, "--request"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.processes.append(process)
        process.stdin.write(request)
        process.stdin.flush()
        return process

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.stop()
        for task in self.tasks:
            task.kill()
            task.wait()


# ---- the processes

def supervise(root):
    """Starts the agent through the hook, again and again while it fails, in a process of its own."""
    if os.path.exists(root + "/run/cannot-start"):
        return 1
    if os.fork() != 0:
        return 0
    os.setsid()
    for _ in range(5):
        hook = root + "/etc/start-hook"
        if os.path.exists(hook):
            with open(hook) as file:
                if subprocess.run(file.read().splitlines(), check=False).returncode != 0:
                    time.sleep(0.1)
                    continue
        env = {"PATH": os.environ["PATH"], "ROLLCALL_ROOT": root, "ROLLCALL_BIN": os.path.dirname(AGENTCTL)}
        with open(root + "/etc/mesos-agent.env") as file:
            for line in file:
                match = re.fullmatch(r"(MESOS_\w+)=(['\"]?)(.*?)\2\n?", line)
                if match:
                    env[match.group(1)] = match.group(3)
        agent = subprocess.Popen([root + "/usr/sbin/mesos-agent", os.path.abspath(__file__), "agent", root],
                                 executable=sys.executable, env=env)
        if agent.wait() == 0:
            break
        time.sleep(0.1)
    return 0


def processes_of(root):
    """Supervisors and agents that name this root. One that was forked and has not called exec yet looks like its parent."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[-3:-1] in ([b"supervise", root.encode()], [b"agent", root.encode()]) and is_alive(int(pid)):
            yield int(pid)


def stop(root):
    """Until none is left, however young, as systemd ends a unit's cgroup."""
    while True:
        found = list(processes_of(root))
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if not found:
            return 0


def agent(root):
    """Recovers as a stock agent, and then waits."""
    flags = {key[6:].lower(): value for key, value in os.environ.items() if key.startswith("MESOS_")}
    meta = root + "/var/lib/mesos/meta"
    relaxed = {name: flags.pop(name) for name in NATIVE_FLAGS if name in flags}
    if relaxed and not os.path.exists(root + "/run/native"):
        return 1  # Failed to load unknown flag
    with open(root + "/proc/sys/kernel/random/boot_id") as file:
        boot_id = file.read().strip()
    with open(meta + "/boot_id") as file:
        rebooted = file.read().strip() != boot_id
    if os.path.exists(root + "/run/own-disk"):
        with open(root + "/run/own-disk") as file:
            flags["resources"] += ";disk:" + file.read()
    with open(root + "/run/flags.json", "w") as file:
        json.dump(flags, file)
    verdict = subprocess.run([AGENTCTL, "check", "--checkpoint", meta + "/slaves/latest/slave.info", "--flags",
                              root + "/run/flags.json", "--json"] +
                             ["--%s=%s" % (name.replace("_", "-"), value) for name, value in relaxed.items()],
                             capture_output=True, check=False)
    if "--recover=cleanup" in sys.argv:
        return clean_up(root, flags, verdict.returncode)
    own_id = os.readlink(meta + "/slaves/latest")
    if verdict.returncode != 0 and rebooted:
        own_id = "a new one"  # what must never happen
    with open(root + "/run/starts", "a") as file:
        start = {"pid": os.getpid(), "id": own_id, "attributes": flags["attributes"],
                 "accepted": verdict.returncode == 0}
        if os.path.exists(root + "/run/native"):
            start["relaxed"] = relaxed
        file.write(json.dumps(start) + "\n")
    with open(meta + "/boot_id", "w") as file:
        file.write(boot_id)
    dies = os.path.exists(root + "/run/dies-with") and open(root + "/run/dies-with").read() in flags["attributes"]
    if verdict.returncode != 0 or dies:
        with open(root + "/var/log/mesos/mesos-agent.INFO", "a") as file:
            file.write("E1123 agent.cpp:1] cannot live with %s\n" % flags["attributes"])
            file.write("E1123 agent.cpp:2] %s\n" % (json.loads(verdict.stdout)["message"] if verdict.stdout else ""))
        return 1
    if relaxed:
        take_over(root, flags, relaxed)
    while True:
        signal.pause()


def take_over(root, flags, relaxed):
    """What an agent with the proposal's flags does with what it has accepted."""
    path = root + "/var/lib/mesos/meta/slaves/latest/slave.info"
    if relaxed.get("recover_state") == "false" and os.path.exists(root + "/run/executor"):
        with open(root + "/run/executor") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        os.unlink(root + "/run/executor")
    if os.path.exists(root + "/run/native-lazy"):
        return
    with open(path, "rb") as file:
        message = file.read()[4:]
    with open(path + ".new", "wb") as file:
        file.write(checkpointed(with_attributes(message, flags["attributes"])))
    os.rename(path + ".new", path)


def clean_up(root, flags, verdict):
    """Ends the executor, as an agent does that recovers with --recover=cleanup; stubborn executors are for tests."""
    with open(root + "/run/cleanups", "a") as file:
        file.write(json.dumps({"pid": os.getpid(), "attributes": flags["attributes"]}) + "\n")
    if os.path.exists(root + "/run/cleanup-hangs"):
        signal.pause()
    if verdict != 0 or os.path.exists(root + "/run/cleanup-fails"):
        print("E1123 agent.cpp:2] Failed to clean up", file=sys.stderr)
        return 1
    if os.path.exists(root + "/run/executor"):
        with open(root + "/run/executor") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        os.unlink(root + "/run/executor")
    return 0


if __name__ == "__main__":
    sys.exit({"supervise": supervise, "stop": stop, "agent": agent}[sys.argv[1]](sys.argv[2]))
