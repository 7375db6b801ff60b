#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chaos: the real programs on a lab, a plan from a seed, and troubles from the same seed. When all of them have ended, the run is
brought to its end with the commands that its output names; then what the hosts and the master are, not what rollcall says, is held
against the invariants.

    tests/system/chaos.py [--first N] [--seeds N] [--crashes] [--keep DIR]

A seed gives the same cluster, plan and troubles again, but not the same moments: the log of each is kept in DIR/SEED (default: a new
folder in the temporary one), and of a failing one what it left, its hosts and its database. A file DIR/stop ends it after a seed.
"""
import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback

from chaos_acts import Troubles
from chaos_judge import Judge
from chaos_plan import Scenario
from chaos_settle import settle
from chaos_world import World


def play(seed, folder, crashes_only):
    """What is wrong after this seed. Its folder has a log of all that was said and done, and what is wrong also what was left."""
    os.makedirs(folder)
    scenario = Scenario(seed, crashes_only)
    world = World(scenario, folder)
    try:
        world.begin()
        Troubles(world).play()
        settle(world)
        wrong = Judge(world).judge()
    except Exception:  # a command that hangs, a document that is none: all of it is a finding
        wrong = [traceback.format_exc()]
    for line in wrong:
        world.say(f"WRONG {line}")
    world.end_commands()
    if wrong:
        shutil.copytree(world.fleet.dir, os.path.join(folder, "lab"), symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("agentctl-*", "run"))
    world.close()
    return wrong


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--crashes", action="store_true", help="crashes as the only faults: the run must end as if there were none")
    options.add_argument("--keep", default=None)
    chosen = options.parse_args()
    keep, broken, seed = chosen.keep or tempfile.mkdtemp(prefix="chaos-"), 0, chosen.first
    while seed < chosen.first + chosen.seeds and not os.path.exists(os.path.join(keep, "stop")):
        began, folder = time.monotonic(), os.path.join(keep, str(seed))
        wrong = play(seed, folder, chosen.crashes)
        broken += bool(wrong)
        print(f"seed {seed}: {'broken, see ' + folder if wrong else 'clean'} ({time.monotonic() - began:.0f} s)", flush=True)
        for line in wrong:
            print("    " + line.replace("\n", "\n    "), flush=True)
        seed += 1
    print(f"{seed - chosen.first} seeds, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
