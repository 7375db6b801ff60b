#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast and in how little memory `rollcall inventory sync` takes a large fleet in, beside curl, jq and sqlite3 in the same run.
Usage: tests/bench/bench_sync.py [AGENTS [TASKS_EACH]]   (50000 and 0; programs from $ROLLCALL_BIN, else build/gcc/bin)

tests/bench/big_master.py serves the fleet on loopback. The peer is

    curl -s MASTER/slaves | jq -r '.slaves[] | [...] | @csv' | sqlite3 peer.db '.import /dev/stdin agents'

Every figure is the best of three, taken in turns. Printed are the time on the wall, how many times faster than the peer that is, the
processor time, and the most memory rollcall had (its resident set). On the wall other programs on the machine count, and they count
more for one process than for the peer's three: run it on a quiet one.
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

BIN = os.environ.get("ROLLCALL_BIN", os.path.abspath("build/gcc/bin"))
COLUMNS = ("[.id, .hostname, .port, .pid, .version, .active, .deactivated, .registered_time, .reregistered_time, "
           "(.attributes | tojson), (.resources | tojson), (.used_resources | tojson)]")
ROUNDS, POLLS, POLLS_COUNTED = 3, 20, 1000
# The kernel counts what the parent had before exec as the child's: so the parent is a small one.
STARTER = """
import os, sys, time
start = time.perf_counter()
pid = os.fork()
if pid == 0:
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.execv(sys.argv[1], [sys.argv[1], "-q", "inventory", "sync"])
_, status, usage = os.wait4(pid, 0)
print(status, time.perf_counter() - start, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""
LIMIT_KB, LIMIT_GROWTH = 64 * 1024, 1000000


def spent():
    """Processor time of all programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, folder, agents, tasks):
        self.folder, self.answers = folder, os.path.join(folder, "answers")
        here = os.path.dirname(os.path.abspath(__file__))
        self.master = subprocess.Popen([sys.executable, os.path.join(here, "big_master.py"), self.answers, str(agents), str(tasks)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:" + self.master.stdout.readline().strip()
        with open(os.path.join(folder, "rollcall.json"), "w", encoding="utf-8") as file:
            json.dump({"clusters": {"bench": {"masters": self.url}}}, file)
        self.best, self.processor = {}, {}
        self.memory = {}

    def close(self):
        self.master.stdin.close()
        self.master.wait()

    def database(self):
        return os.path.join(self.folder, "rollcall.db")

    def forget(self):
        for name in os.listdir(self.folder):
            if name.startswith(("rollcall.db", "peer.db")):
                os.remove(os.path.join(self.folder, name))

    def use_slaves(self, only):
        path = os.path.join(self.answers, "only-slaves")
        if only:
            open(path, "w", encoding="utf-8").close()
        elif os.path.exists(path):
            os.remove(path)

    def note(self, what, seconds, processor):
        self.best[what] = min(seconds, self.best.get(what, seconds))
        self.processor[what] = min(processor, self.processor.get(what, processor))

    def peer(self):
        create = ("CREATE TABLE agents (id TEXT PRIMARY KEY, hostname, port, pid, version, active, deactivated, registered, "
                  "reregistered, attributes, resources, used)")
        subprocess.run(["sqlite3", os.path.join(self.folder, "peer.db"), create], check=True)
        words = ("set -e -o pipefail; curl -s \"$1/slaves\" | jq -r \".slaves[] | $2 | @csv\" | "
                 "sqlite3 -csv \"$3\" '.import /dev/stdin agents'")
        start, used = time.perf_counter(), spent()
        subprocess.run(["bash", "-c", words, "peer", self.url, COLUMNS, os.path.join(self.folder, "peer.db")], check=True)
        self.note("peer", time.perf_counter() - start, spent() - used)

    def sync(self, what):
        words = [sys.executable, "-S", "-E", "-c", STARTER, os.path.join(BIN, "rollcall")]
        said = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True).stdout.split()
        if said[0] != "0":
            sys.exit("the sync failed")
        if what:
            self.note(what, float(said[1]), float(said[3]))
            self.memory[what] = max(int(said[2]), self.memory.get(what, 0))

    def change_some(self):
        """Every hundredth agent has answered anew since: as after a rollout, or a day."""
        with open(os.path.join(self.answers, "GET_AGENTS.pb"), "r+b") as file:
            data = bytearray(file.read())
            at, seen = 0, 0
            while (at := data.find(b"generation\x10\x03\x2a\x04\x0a\x02g", at)) >= 0:
                seen += 1
                if seen % 100 == 0:
                    data[at + 17] = ord("a") + data[at + 17] % 26
                at += 17
            file.seek(0)
            file.write(data)

    def round(self):
        self.forget()
        self.peer()
        self.sync("protobuf, all new")
        self.sync("protobuf, nothing changed")
        self.change_some()
        self.sync("protobuf, 1 % changed")
        self.forget()
        self.use_slaves(True)
        self.sync("/slaves, all new")
        self.sync("/slaves, nothing changed")
        self.use_slaves(False)

    def size(self):
        subprocess.run(["sqlite3", self.database(), "PRAGMA wal_checkpoint(TRUNCATE)"], check=True, stdout=subprocess.DEVNULL)
        return os.path.getsize(self.database())

    def growth(self):
        self.sync(None)
        before = self.size()
        for _ in range(POLLS):
            self.sync(None)
        return (self.size() - before) * POLLS_COUNTED // POLLS


def main():
    agents, tasks = (sys.argv[1:] + ["50000", "0"][len(sys.argv) - 1:])[:2]
    folder = tempfile.mkdtemp()
    bench = None
    try:
        bench = Bench(folder, int(agents), int(tasks))
        for _ in range(ROUNDS):
            bench.round()
        growth = bench.growth()
    finally:
        if bench:
            bench.close()
        shutil.rmtree(folder)
    print(f"{agents} agents, {tasks} tasks each; load {os.getloadavg()[0]:.1f}")
    for what, seconds in bench.best.items():
        memory = f"{bench.memory[what] / 1024:6.1f} MB" if what in bench.memory else ""
        print(f"{what:30} {seconds:7.3f} s  {bench.best['peer'] / seconds:6.1f} x  "
              f"{bench.processor[what]:7.3f} s of processor  {memory}")
    print(f"{POLLS_COUNTED} polls without a change add {growth} bytes (measured on {POLLS})")
    good = max(bench.memory.values()) < LIMIT_KB and growth < LIMIT_GROWTH
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
