#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a lab costs: seconds of up and down, and memory by what its processes are. Usage: bench_lab.py [AGENTS…]

Memory is PSS, the share of every page that a process is charged with: its sum over all processes is what the lab takes.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile
import time

BIN = os.environ.get("ROLLCALL_BIN", os.path.abspath("build/gcc/bin"))


def processes_of(lab_id):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if f"ROLLCALL_LAB={lab_id}".encode() not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = [os.path.basename(word.decode()) for word in file.read().split(b"\0")[:2]]
            with open(f"/proc/{name}/smaps_rollup") as file:
                sizes = dict(line.split(":", 1) for line in file if ":" in line)
        except OSError:
            continue
        role = words[1] if words[0] == "rollcall-lab" and len(words) > 1 else words[0]
        yield role, int(sizes["Pss"].split()[0]), int(sizes["Private_Dirty"].split()[0])


def measure(agents):
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder:
        lab = os.path.join(folder, "lab")
        begin = time.monotonic()
        command = [os.path.join(BIN, "rollcall-lab"), "up", "--dir", lab, "--agents", str(agents)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        up = time.monotonic() - begin
        with open(os.path.join(lab, "lab.json")) as file:
            lab_id = json.load(file)["id"]
        count, pss, dirty = collections.Counter(), collections.Counter(), collections.Counter()
        for role, share, own in processes_of(lab_id):
            count[role] += 1
            pss[role] += share
            dirty[role] += own
        begin = time.monotonic()
        subprocess.run([command[0], "down", "--dir", lab], check=True, stdout=subprocess.DEVNULL)
        down = time.monotonic() - begin
    total = sum(pss.values())
    print(f"{agents} agents: up {up:.1f} s, down {down:.1f} s, {total / 1024:.0f} MB, {total / agents:.0f} KB per agent")
    for role in sorted(count, key=pss.get, reverse=True):
        print(f"    {count[role]:5} {role:16} {pss[role] / 1024:8.1f} MB   {pss[role] / count[role]:7.0f} KB each, "
              f"{dirty[role] / count[role]:7.0f} KB of it its own")


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ["50", "200", "500"]):
        measure(number)
