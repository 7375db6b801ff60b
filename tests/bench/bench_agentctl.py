#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large agentctl is, how fast it starts, and how long inspect takes. Usage: tests/bench/bench_agentctl.py [AGENTCTL]

The file must be under 2 MB; a start (the median of 50, `agentctl --help`) under 3 ms; inspect of a work_dir with 1,000 tasks (the
median of 20) under 50 ms, also beside an agent that runs with both containerizers, where each executor is asked for its own. All are CPU time, user and system, as the kernel counts it for the process (getrusage); by wall clock
the machine's other programs count too, so that is only shown. Prints them all and ends with 1 when one is not kept.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos", "captured", "agent-meta-2")
TASKS = 1000


def spans_ms(words, times):
    """CPU time and wall clock of each run."""
    cpu, wall = [], []
    for _ in range(times):
        start = time.perf_counter()
        pid = os.posix_spawn(words[0], words, {"PATH": "/usr/bin:/bin"},
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((usage.ru_utime + usage.ru_stime) * 1000)
        if status != 0:
            sys.exit("%s ended with status %d" % (" ".join(words), status))
    return cpu, wall


def make_work_dir(folder):
    """The captured agent, with one of its executors copied as often as it takes."""
    meta = os.path.join(folder, "meta")
    shutil.copytree(DATA, meta, symlinks=True)
    slaves = os.path.join(meta, "slaves")
    agent = os.path.join(slaves, os.readlink(os.path.join(slaves, "latest")).rsplit("/", 1)[-1])
    frameworks = os.path.join(agent, "frameworks")
    executors = os.path.join(frameworks, sorted(os.listdir(frameworks))[0], "executors")
    first = os.path.join(executors, sorted(os.listdir(executors))[0])
    for number in range(TASKS - len(os.listdir(executors))):
        copy = os.path.join(executors, "copy-%d" % number)
        shutil.copytree(first, copy, symlinks=True)
        run = next(name for name in os.listdir(copy + "/runs") if name != "latest")
        os.rename(os.path.join(copy, "runs", run), "%s/runs/run-%d" % (copy, number))  # a container's ID is its own


def start_agent(folder):
    """A process that looks like one, below a root of its own; its executable does nothing when it is asked for its version."""
    agent = os.path.join(folder, "mesos-agent")
    shutil.copy(shutil.which("true"), agent)
    env = {"ROLLCALL_ROOT": folder, "MESOS_WORK_DIR": "/", "MESOS_CONTAINERIZERS": "docker,mesos"}
    return subprocess.Popen([agent, "1000"], executable=shutil.which("sleep"), env=env)


def report(what, value, limit, unit):
    print("%-40s %10.2f %s (limit %g)" % (what, value, unit, limit))
    return value < limit


def report_spans(what, spans, limit):
    cpu, wall = spans
    kept = report(what + ", median", statistics.median(cpu), limit, "ms of CPU")
    print("%-40s %10.2f ms of CPU" % (what + ", best", min(cpu)))
    print("%-40s %10.2f ms by wall clock" % (what + ", median", statistics.median(wall)))
    return kept


def report_inspect(what, words):
    survey = subprocess.run(words, capture_output=True, check=True).stdout
    if survey.count(b'"executor_pid"') < TASKS:
        sys.exit("inspect shows fewer than %d tasks" % TASKS)
    return report_spans(what, spans_ms(words, 20), 50)


def main():
    agentctl = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/gcc/bin/agentctl")
    folder = tempfile.mkdtemp()
    agent = None
    try:
        make_work_dir(folder)
        kept = [report("size", os.stat(agentctl).st_size / 1e6, 2, "MB"),
                report_spans("start", spans_ms([agentctl, "--help"], 50), 3)]
        inspect = [agentctl, "inspect", "--work-dir", folder, "--json"]
        kept.append(report_inspect("inspect with %d tasks" % TASKS, inspect))
        agent = start_agent(folder)
        inspect = [agentctl, "inspect", "--root", folder, "--work-dir", "/", "--json"]
        kept.append(report_inspect("with both containerizers", inspect))
    finally:
        if agent is not None:
            agent.kill()
            agent.wait()
        shutil.rmtree(folder)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
