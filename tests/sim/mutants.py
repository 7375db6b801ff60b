#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the simulator bite? Each mutant is one small wrong change of the engine, the operation or the driver; some seed must
break an invariant with it.

Usage: tests/sim/mutants.py [--build DIR] [--seeds N] [--more N] [--jobs N] [--only TEXT] [--without TEXT] [--list] [--fresh]

Every row of the engine's table and of the operation's table is removed, sent to a wrong next state, stripped of its
effect and of its pause; then come the conditions in CONDITIONS. Only the changed file is compiled again, into a folder of its own. A
mutant that no seed catches must be in EQUIVALENT, with the reason why nothing is broken by it, or in UNSIMULATED; one that is in
EQUIVALENT and is caught is an error too, so that the list stays true. Exit code 1 when either happens.

What came of each is kept in DIR/mutants.jsonl, so a run that was stopped goes on where it was. A verdict holds for the program it
was found with: after a change each mutant is tried again, first with the seed that caught it before. --fresh forgets all of it.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile

from mutants_known import CONDITIONS, EQUIVALENT, UNSIMULATED

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TABLE = "orchestrator/engine/table.c"
OPERATION = "protocol/operation.c"
TIMEOUT = 30  # seconds of CPU; a mutant that makes the simulator run for ever is caught by that

ENGINE_ROW = re.compile(
    r"\{AGENT_(\w+), EVENT_(\w+), AGENT_(\w+), (EFFECT_\w+), (true|false),\s*\"(?:[^\"\\]|\\.)*\"\},")
OPERATION_ROW = re.compile(r"\{STEP_(\w+), EVENT_(\w+), (\w+), STEP_(\w+)\},")

# A next state that looks plausible and is wrong.
WRONG_STATE = {"WAITING": "FAILED", "CHECKING": "WAITING", "CHANGING": "RETURNING", "RETURNING": "PROVING",
               "PROVING": "SOAKING", "SOAKING": "DONE", "DONE": "FAILED", "FAILED": "DONE", "REVERTING": "REVERTED",
               "REVERTED": "DONE", "STUCK": "DONE", "UNKNOWN": "WAITING", "GATING": "DONE", "REJECTED": "DONE"}
WRONG_STEP = {"GUARDED": "CHECKPOINT", "CHECKPOINT": "FLAGS", "FLAGS": "RESTARTING", "RESTARTING": "STARTED",
              "STARTED": "KEEPING", "KEEPING": "DONE", "DONE": "UNDONE", "UNDOING": "UNDO_RESTARTING",
              "UNDO_CHECKPOINT": "UNDO_FLAGS", "UNDO_FLAGS": "UNDO_RESTARTING", "UNDO_RESTARTING": "UNDO_CLEANING",
              "UNDO_CLEANING": "UNDONE", "UNDONE": "DONE", "STUCK": "UNDONE"}


class Mutant:
    def __init__(self, name, path, text):
        self.name, self.path, self.text = name, path, text

    def may_survive(self):
        """2: nothing is broken by it; 1: the simulated world may not show it; 0: some seed must catch it."""
        if self.name in EQUIVALENT:
            return 2
        return 1 if any(re.search(pattern, self.name) for pattern, _ in UNSIMULATED) else 0


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as source:
        return source.read()


def replaced(text, match, new):
    return text[:match.start()] + new + text[match.end():]


def engine_mutants():
    text = read(TABLE)
    rows = list(ENGINE_ROW.finditer(text))
    assert len(rows) == len(re.findall(r"^\s*\{AGENT_", text, re.M)), "a row of the engine's table was not understood"
    for row in rows:
        state, event, following, effect, pause = row.groups()
        name = f"engine: {state} {event}".lower()
        whole = row.group(0)
        yield Mutant(f"{name}, row removed", TABLE, replaced(text, row, ""))
        wrong = whole.replace(f"AGENT_{following}, {effect}", f"AGENT_{WRONG_STATE[following]}, {effect}")
        yield Mutant(f"{name}, to {WRONG_STATE[following].lower()}", TABLE, replaced(text, row, wrong))
        if effect != "EFFECT_NONE":
            yield Mutant(f"{name}, no effect", TABLE, replaced(text, row, whole.replace(effect, "EFFECT_NONE")))
        if pause == "true":
            yield Mutant(f"{name}, no pause", TABLE, replaced(text, row, whole.replace(", true,", ", false,")))


def operation_mutants():
    text = read(OPERATION)
    rows = list(OPERATION_ROW.finditer(text))
    assert len(rows) == len(re.findall(r"^\s*\{STEP_", text, re.M)), "a row of the operation's table was not understood"
    for row in rows:
        step, event, effect, following = row.groups()
        name = f"operation: {step} {event}".lower()
        whole = row.group(0)
        yield Mutant(f"{name}, row removed", OPERATION, replaced(text, row, ""))
        wrong = WRONG_STEP.get(following, "DONE")
        yield Mutant(f"{name}, to {wrong.lower()}", OPERATION,
                     replaced(text, row, whole.replace(f"STEP_{following}}}", f"STEP_{wrong}}}")))
        if effect != "NULL":
            yield Mutant(f"{name}, no effect", OPERATION, replaced(text, row, whole.replace(effect, "NULL")))


def condition_mutants():
    for name, path, old, new in CONDITIONS:
        text = read(path)
        assert text.count(old) == 1, f"{path} has {text.count(old)} times: {old}"
        yield Mutant(name, path, text.replace(old, new))


class Builder:
    """Compiles a changed file and links it before the archives, whose own version of it is then never pulled in."""

    def __init__(self, build, folder):
        self.folder = folder
        self.program = os.path.join(ROOT, build, "bin/tests/sim/simulate")
        variables = [f"BUILD={build}"]
        subprocess.run(["make", "-s", *variables, f"{build}/bin/tests/sim/simulate"], cwd=ROOT, check=True)
        flags = subprocess.run(["make", "-s", *variables, "flags"], cwd=ROOT, check=True, capture_output=True, text=True)
        self.flags = [flag for flag in flags.stdout.split() if not flag.startswith("-W")] + ["-w", "-O1"]
        lib = f"{build}/lib"
        self.objects = [f"{build}/obj/tests/sim/simulate.o", "-Wl,--start-group"]
        self.objects += [f"{lib}/{name}.a" for name in ("tests/sim", "tests/support", "orchestrator", "inventory",
                                                        "remote", "protocol", "mesos", "base")]
        self.objects += ["-Wl,--end-group", "-Wl,--as-needed", "-lssh2", "-lcurl", "-lzookeeper_st", "-lsqlite3", "-ljansson",
                         "-lprotobuf-c", "-lm"]

    def make(self, number, mutant):
        base = os.path.join(self.folder, str(number))
        with open(base + ".c", "w", encoding="utf-8") as source:
            source.write(mutant.text)
        subprocess.run(["gcc", *self.flags, "-c", "-o", base + ".o", base + ".c"], cwd=ROOT, check=True)
        subprocess.run(["gcc", "-o", base, base + ".o", *self.objects], cwd=ROOT, check=True)
        os.unlink(base + ".c")
        os.unlink(base + ".o")
        return base


class Verdict:
    """What caught a mutant (None: nothing), with which seed (None: it was not said), of how many, and the seconds it took."""

    def __init__(self, of, caught=None, seed=None, seeds=0, cpu=0.0):
        self.of, self.caught, self.seed, self.seeds, self.cpu = of, caught, seed, seeds, cpu


class Memory:
    """The verdicts so far, one line of JSON each."""

    def __init__(self, path, program, fresh):
        with open(program, "rb") as binary:
            self.program = hashlib.sha256(binary.read())
        self.verdicts = {}
        if os.path.exists(path) and not fresh:
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    if not line.endswith("}\n"):
                        continue  # it was stopped while it wrote that
                    fields = json.loads(line)
                    name = fields.pop("name")
                    self.verdicts[name] = Verdict(**fields)
        self.file = open(path, "w" if fresh else "a", encoding="utf-8")

    def digest(self, mutant):
        digest = self.program.copy()
        digest.update(mutant.text.encode())
        return digest.hexdigest()[:32]

    def known(self, mutant, seeds):
        """Its verdict, if that was found with this program and as many seeds; and the seed that caught it last."""
        verdict = self.verdicts.get(mutant.name)
        if not verdict:
            return None, None
        holds = verdict.of == self.digest(mutant) and (verdict.caught or verdict.seeds >= seeds)
        return verdict if holds else None, verdict.seed

    def keep(self, mutant, verdict):
        self.file.write(json.dumps({"name": mutant.name, **vars(verdict)}) + "\n")
        self.file.flush()


def run_seeds(program, first, seeds):
    """What the program said of so many seeds, its status, and the processor's seconds it took."""
    command = [program, "--first", str(first), "--seeds", str(seeds), "--failures", "1"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.DEVNULL,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (TIMEOUT, TIMEOUT + 5)))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return process.returncode, text, used.ru_utime + used.ru_stime


def judge(program, first, seeds, verdict):
    """Adds to the verdict what came of so many seeds."""
    status, text, cpu = run_seeds(program, first, seeds)
    verdict.cpu = round(verdict.cpu + cpu, 2)
    verdict.seeds += seeds
    if status == -signal.SIGXCPU:
        verdict.caught = "it runs for ever"
    elif status != 0:
        verdict.caught = text.splitlines()[0] if status == 1 and text else f"exit status {status}"
    found = re.match(r"seed (\d+):", verdict.caught or "")
    verdict.seed = int(found[1]) if found else None


def attempt(mutant, number, builder, memory, args):
    needed = args.seeds + (args.more if mutant.may_survive() == 0 else 0)
    verdict, seed = memory.known(mutant, needed)
    if verdict:
        return verdict
    verdict = Verdict(memory.digest(mutant))
    try:
        program = builder.make(number, mutant)
    except subprocess.CalledProcessError:
        verdict.caught = "it does not compile"
        return verdict
    if seed:
        judge(program, seed, 1, verdict)
    if not verdict.caught:
        verdict.seeds = 0
        judge(program, 1, args.seeds, verdict)
    if not verdict.caught and needed > args.seeds:
        judge(program, args.seeds + 1, args.more, verdict)
    os.unlink(program)
    memory.keep(mutant, verdict)
    return verdict


def report(mutants, verdicts):
    """Prints what is not as it should be, and the sum. Returns the exit code."""
    counts, wrong, cpu = [0, 0, 0, 0], 0, 0
    for mutant, verdict in zip(mutants, verdicts):
        kind = 3 if verdict.caught else mutant.may_survive()
        counts[kind] += 1
        cpu += verdict.cpu
        if verdict.caught and mutant.may_survive() == 2:
            wrong += 1
            print(f"CAUGHT although it is listed as equivalent: {mutant.name}: {verdict.caught}")
        if verdict.caught == "it does not compile":
            wrong += 1
            print(f"DOES NOT COMPILE, so it says nothing: {mutant.name}")
        wrong += kind == 0
    survived, unsimulated, equivalent, caught = counts
    print(f"{len(mutants)} mutants, {caught} caught, {equivalent} equivalent, {unsimulated} of what is not simulated, "
          f"{survived} survived; {cpu:.0f} s of simulation")
    return 1 if wrong else 0


def stale_exceptions(mutants):
    """What is said of mutants that there are not: it would excuse whatever comes to bear that name later."""
    names = [mutant.name for mutant in mutants]
    for name in EQUIVALENT:
        if name not in names:
            yield name
    for pattern, _ in UNSIMULATED:
        for part in re.split(r"\|(?![^(]*\))", pattern):
            if not any(re.search(part, name) for name in names):
                yield part


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/gcc", help="where the simulator is built")
    parser.add_argument("--seeds", type=int, default=400, help="so many for each mutant")
    parser.add_argument("--more", type=int, default=2000, help="so many more for one that they do not catch")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants in whose name this expression is found")
    parser.add_argument("--without", default="\0", help="and does not contain this")
    parser.add_argument("--list", action="store_true", help="say for each what caught it")
    parser.add_argument("--fresh", action="store_true", help="forget what is known of earlier runs")
    return parser.parse_args()


def main():
    args = parse_arguments()
    mutants = [*engine_mutants(), *operation_mutants(), *condition_mutants()]
    stale = list(stale_exceptions(mutants))
    for text in stale:
        print(f"EXCEPTED, and there is no such mutant: {text}")
    if stale:
        return 1
    mutants = [mutant for mutant in mutants if re.search(args.only, mutant.name) and args.without not in mutant.name]
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        builder = Builder(args.build, folder)
        unchanged = Verdict("")
        judge(builder.program, 1, args.seeds, unchanged)
        if unchanged.caught:
            print(f"the unchanged program is caught already: {unchanged.caught}")
            return 1
        memory = Memory(os.path.join(ROOT, args.build, "mutants.jsonl"), builder.program, args.fresh)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            jobs = [pool.submit(attempt, mutant, number, builder, memory, args) for number, mutant in enumerate(mutants)]
            try:
                for mutant, job in zip(mutants, jobs):
                    verdicts.append(job.result())
                    if verdicts[-1].caught and args.list:
                        print(f"caught    {mutant.name}: {verdicts[-1].caught}", flush=True)
                    elif not verdicts[-1].caught and mutant.may_survive() == 0:
                        print(f"SURVIVED  {mutant.name}", flush=True)
            finally:
                pool.shutdown(cancel_futures=True)
    return report(mutants, verdicts)


if __name__ == "__main__":
    sys.exit(main())
