#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the simulator bite? Each mutant is one small wrong change of the engine, the operation or the driver; some seed must
break an invariant with it.

Usage: tests/sim/mutants.py [--build DIR] [--seeds N] [--jobs N] [--only TEXT] [--without TEXT]
                            [--list]

Every row of the engine's table and of the operation's table is removed, sent to a wrong next state, stripped of its
effect and of its pause; then come the conditions in CONDITIONS. Only the changed file is compiled again, into a folder of its own. A
mutant that no seed catches must be in EQUIVALENT, with the reason why nothing is broken by it, or in UNSIMULATED; one that is in
EQUIVALENT and is caught is an error too, so that the list stays true. Exit code 1 when either happens.
"""
import argparse
import concurrent.futures
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TABLE = "orchestrator/engine/table.c"
OPERATION = "protocol/operation.c"
TIMEOUT = 60  # seconds of CPU; a mutant that makes the simulator run for ever is caught by that

ENGINE_ROW = re.compile(
    r"\{AGENT_(\w+), EVENT_(\w+), AGENT_(\w+), (EFFECT_\w+), (true|false),\s*\"(?:[^\"\\]|\\.)*\"\},")
OPERATION_ROW = re.compile(r"\{STEP_(\w+), EVENT_(\w+), (\w+), STEP_(\w+)\},")

# A next state that looks plausible and is wrong.
WRONG_STATE = {"WAITING": "FAILED", "CHECKING": "WAITING", "CHANGING": "RETURNING", "RETURNING": "PROVING",
               "PROVING": "SOAKING", "SOAKING": "DONE", "DONE": "FAILED", "FAILED": "DONE", "REVERTING": "REVERTED",
               "REVERTED": "DONE", "STUCK": "DONE", "UNKNOWN": "WAITING", "GATING": "DONE", "REJECTED": "DONE",
               "SKIPPED": "DONE"}
WRONG_STEP = {"GUARDED": "CHECKPOINT", "CHECKPOINT": "FLAGS", "FLAGS": "RESTARTING", "RESTARTING": "STARTED",
              "STARTED": "KEEPING", "KEEPING": "DONE", "DONE": "UNDONE", "UNDOING": "UNDO_RESTARTING",
              "UNDO_CHECKPOINT": "UNDO_FLAGS", "UNDO_FLAGS": "UNDO_RESTARTING", "UNDO_RESTARTING": "UNDO_CLEANING",
              "UNDO_CLEANING": "UNDONE", "UNDONE": "DONE", "STUCK": "UNDONE"}

# (name, file, what stands there, what is put in its place)
CONDITIONS = [
    ("window: one more", "orchestrator/engine/schedule.c", "engine->slots - itself < engine_window(engine) &&",
     "engine->slots - itself <= engine_window(engine) &&"),
    ("window: none", "orchestrator/engine/schedule.c", "engine->slots - itself < engine_window(engine) &&", "1 &&"),
    ("domain window: one more", "orchestrator/engine/schedule.c", "used_by_itself < engine->options.domain_window",
     "used_by_itself <= engine->options.domain_window"),
    ("domain window: none", "orchestrator/engine/schedule.c", "return engine->options.domain_window == 0 ||", "return 1 ||"),
    ("window: itself is not left out", "orchestrator/engine/schedule.c", "engine->slots - itself <", "engine->slots <"),
    ("window: absent agents are not counted", "orchestrator/engine/engine.c",
     "agent_state_is_away(agent->state) || agent->absent, slot", "agent_state_is_away(agent->state), slot"),
    ("window: agents whose gates are asked have left it", "orchestrator/engine/engine.c",
     "slot = away || agent->state == AGENT_GATING;", "slot = away;"),
    ("window: not looked at again before the intent", "orchestrator/engine/engine.c",
     "if (row && event == EVENT_CLEAR && !engine_may_change(engine, index))",
     "if (row && event == EVENT_CLEAR && engine->state != RUN_RUNNING)"),
    ("stages: the first one's window holds for all", "orchestrator/engine/stages.c",
     "return engine->stages[engine->stage].window;", "return engine->stages[0].window;"),
    ("stages: agents of later ones start too", "orchestrator/engine/schedule.c",
     "if (agent->stage > engine->stage)", "if (0)"),
    ("stages: the gate is not asked", "orchestrator/engine/stages.c", "!engine->options.stage_gates &&", ""),
    ("stages: a gate that fails has passed", "orchestrator/engine/stages.c", "if (answer == GATE_PASS) {",
     "if (answer != GATE_INCONCLUSIVE) {"),
    ("stages: a gate without an answer has passed", "orchestrator/engine/stages.c", "if (answer == GATE_PASS) {",
     "if (answer != GATE_FAIL) {"),
    ("stages: a gate is waited for without end", "orchestrator/engine/stages.c",
     "now_ms - engine->gate_since_ms >= engine->options.gate_ms", "0"),
    ("stages: an answer is not waited for", "orchestrator/engine/engine.c",
     "if (engine->under_way_count > 0 || engine->gate_asked)", "if (engine->under_way_count > 0)"),
    ("gates: not asked again by a resume", "orchestrator/engine/stages.c", "if (engine->agents[i].parked)", "if (0)"),
    ("gates: agents have none", "orchestrator/engine/schedule.c",
     "engine->options.agent_gates ? EVENT_GATES : EVENT_SOAKED", "EVENT_SOAKED"),
    ("pause: not looked at before the intent", "orchestrator/engine/schedule.c",
     "return engine->state == RUN_RUNNING && engine->must_ask == 0 &&", "return engine->must_ask == 0 &&"),
    ("starts before open hosts were asked", "orchestrator/engine/schedule.c",
     "return engine->state == RUN_RUNNING && engine->must_ask == 0 &&", "return engine->state == RUN_RUNNING &&"),
    ("holds: starts all the same", "orchestrator/engine/schedule.c", "engine->must_ask == 0 && engine->holds == 0;",
     "engine->must_ask == 0;"),
    ("meltdown: no guard", "orchestrator/engine/holds.c", "if (most == 0 || bad <= engine_window(engine) ||",
     "if (1 || bad <= engine_window(engine) ||"),
    ("abort: only a pause", "orchestrator/engine/engine.c", "engine->state = RUN_ABORTED;", "engine->state = RUN_PAUSED;"),
    ("an unanswered question counts as an answer", "orchestrator/engine/engine.c",
     "return row->next != AGENT_UNKNOWN || agent->was_stuck;", "return true;"),
    ("budget: one more", "orchestrator/engine/budget.c", "failures <= most)", "failures <= most + 1)"),
    ("budget: one less", "orchestrator/engine/budget.c", "failures <= most)", "failures < most)"),
    ("budget: none", "orchestrator/engine/engine.c", "engine_check_budgets(engine, index, now_ms, output);", ";"),
    ("budget: stages have none", "orchestrator/engine/budget.c", "engine->options.stage_max_failures", "-1"),
    ("budget: domains have none", "orchestrator/engine/budget.c", "engine->options.domain_max_failures", "-1"),
    ("budget: one more in a row", "orchestrator/engine/budget.c", "engine->in_a_row < most)", "engine->in_a_row <= most)"),
    ("budget: one less in a row", "orchestrator/engine/budget.c", "engine->in_a_row < most)",
     "engine->in_a_row < most - 1)"),
    ("budget: aborts never", "orchestrator/engine/budget.c",
     "engine->options.on_failure == ON_FAILURE_ABORT", "0"),
    ("budget: rolls back never", "orchestrator/engine/budget.c",
     "engine->options.on_failure == ON_FAILURE_ROLLBACK", "0"),
    ("budget: a crash forgives", "orchestrator/driver/driver_open.c", "seen ? -1 : (int)driver->run.forgiven", "-1"),
    ("budget: a person forgives nothing", "orchestrator/driver/driver_open.c", "seen ? -1 : (int)driver->run.forgiven", "0"),
    ("memory: not restored", "orchestrator/driver/driver_open.c",
     "return engine_restore_memory(&driver->engine, driver->run.memory, err);", "return 0;"),
    ("memory: what is known is forgotten", "orchestrator/engine/memory.c",
     'write_positions(engine, out, "known", is_known);', ";"),
    ("memory: what was seen is forgotten", "orchestrator/engine/memory.c",
     'write_positions(engine, out, "seen", is_seen);', ";"),
    ("a stuck agent that was seen pauses again", "orchestrator/engine/engine.c",
     "if (!row->pause || (engine->agents[index].was_stuck && row->next != AGENT_GATING))", "if (!row->pause)"),
    ("states: changing is not away", "orchestrator/engine/names.c",
     '{"changing", AWAY | OPEN | UNDER_WAY}', '{"changing", OPEN | UNDER_WAY}'),
    ("states: returning is not away", "orchestrator/engine/names.c",
     '{"returning", AWAY | OPEN | UNDER_WAY}', '{"returning", OPEN | UNDER_WAY}'),
    ("states: proving is not away", "orchestrator/engine/names.c",
     '{"proving", AWAY | OPEN | UNDER_WAY}', '{"proving", OPEN | UNDER_WAY}'),
    ("states: soaking is not away", "orchestrator/engine/names.c",
     '{"soaking", AWAY | OPEN | UNDER_WAY}', '{"soaking", OPEN | UNDER_WAY}'),
    ("states: unknown is not away", "orchestrator/engine/names.c",
     '{"unknown", AWAY | OPEN | UNDER_WAY}', '{"unknown", OPEN | UNDER_WAY}'),
    ("states: reverting is not away", "orchestrator/engine/names.c",
     '{"reverting", AWAY | FAILURE | OPEN | UNDER_WAY}', '{"reverting", FAILURE | OPEN | UNDER_WAY}'),
    ("states: reverting is no failure", "orchestrator/engine/names.c",
     '{"reverting", AWAY | FAILURE | OPEN | UNDER_WAY}', '{"reverting", AWAY | OPEN | UNDER_WAY}'),
    ("states: stuck is not away", "orchestrator/engine/names.c",
     '{"stuck", FINAL | AWAY | FAILURE | OPEN}', '{"stuck", FINAL | FAILURE | OPEN}'),
    ("states: stuck is not open", "orchestrator/engine/names.c",
     '{"stuck", FINAL | AWAY | FAILURE | OPEN}', '{"stuck", FINAL | AWAY | FAILURE}'),
    ("soak: done without agentctl's word", "orchestrator/engine/schedule.c",
     "agent->state == AGENT_SOAKING && agent->kept && now_ms", "agent->state == AGENT_SOAKING && now_ms"),
    ("kept is not forgotten with a new operation", "orchestrator/engine/engine.c", "agent->kept = false;", ";"),
    ("questions: one is enough", "orchestrator/engine/schedule.c",
     "agent->ask_at_ms >= 0 && now_ms >= agent->ask_at_ms", "0"),
    ("time in which the process was stopped counts", "orchestrator/driver/driver.c",
     "engine_lost_time(&driver->engine, passed - meant_to_wait_ms);", ";"),
    ("driver: effects before the commit", "orchestrator/driver/driver.c", "if (driver_commit(driver, err) < 0)",
     "for (size_t i = 0; i < driver->output.effect_count; i++)\n"
     "if (perform(driver, &driver->output.effects[i], err) < 0)\nreturn -1;\n"
     "driver->output.effect_count = 0;\nif (driver_commit(driver, err) < 0)"),
    ("driver: the question has the request's epoch", "orchestrator/driver/driver_host.c",
     "if (driver->agents[index].row.epoch < driver->epoch)", "if (1)"),
    ("driver: a failed connection is certain not to have delivered", "orchestrator/driver/driver_host.c",
     "sent ? EVENT_LOST : EVENT_UNSENT", "EVENT_UNSENT"),
    ("driver: an answer asked for before the start proves", "orchestrator/driver/driver_master.c",
     "if (!agent->has_started || shown->snapshot->asked_ms < agent->started_ms)", "if (!agent->has_started)"),
    ("driver: an old answer is a before-picture", "orchestrator/driver/driver_master.c",
     "if (shown->snapshot->asked_ms < since_ms || driver_now(driver) - shown->snapshot->answered_ms > STALE_MS)",
     "if (0)"),
    ("driver: an agent is absent for ever", "orchestrator/driver/driver_master.c",
     "engine_set_absent(&driver->engine, index, !there);", "if (!there) engine_set_absent(&driver->engine, index, true);"),
    ("driver: nobody is absent", "orchestrator/driver/driver_master.c",
     "if (driver->engine.agents[index].absent != there)", "if (1)"),
    ("index: completed tasks are not in it", "orchestrator/driver/snapshot_index.c",
     "size_t tasks = snapshot->task_count + snapshot->completed_count;", "size_t tasks = snapshot->task_count;"),
    ("index: nobody is found at an address", "orchestrator/driver/snapshot_index.c",
     "if (strcmp(agent->hostname, hostname) != 0)", "if (1)"),
    ("time: deadlines are not noted", "orchestrator/engine/schedule.c", "if (at >= 0 && at < engine->due_ms)", "if (0)"),
    ("time: a deadline that comes nearer is not noted", "orchestrator/engine/engine.c",
     "engine_note_deadline(engine, index);", "if (!was_busy) engine_note_deadline(engine, index);"),
    ("driver: done without a process is no question", "orchestrator/driver/driver_host.c",
     'lose(driver, index, "agentctl kept the new state, but the agent does not run just now");', ";"),
    ("driver: done is not taken for the start it reports", "orchestrator/driver/driver_host.c",
     "if (state == AGENT_UNKNOWN || state == AGENT_CHANGING)", "if (0)"),
    ("driver: deactivated agents never return", "orchestrator/driver/driver_master.c",
     "(view->active || view->deactivated)", "view->active"),
    ("before-picture: not taken again for a new operation", "orchestrator/driver/driver_record.c",
     "replace(&agent->row.before, json_dumps(before, JSON_COMPACT));",
     "if (!agent->row.before) replace(&agent->row.before, json_dumps(before, JSON_COMPACT));"),
    ("proof: an old registration is enough", "orchestrator/driver/proof.c",
     "bool ok = !proof_was_restarted(judge) || (found != 0 && found != before);", "bool ok = true;"),
    ("proof: no undo restarts", "orchestrator/driver/proof.c", "return !judge->reverted || judge->started->restarted;",
     "return !judge->reverted;"),
    ("proof: the ID is not looked at", "orchestrator/driver/proof.c",
     "judge->succeeded = successor != NULL;", "judge->succeeded = false;"),
    ("proof: the master's record is not looked at", "orchestrator/driver/proof.c", "else if (current)", "else if (0)"),
    ("proof: tasks need not survive", "orchestrator/driver/proof_tasks.c", "if (task->survives)", "if (0)"),
    ("proof: a task that was done is lost", "orchestrator/driver/proof_tasks.c", "} else if (found && ended_by_itself(found)) {",
     "} else if (0) {"),
    ("proof: an undone agent's record of before the undo is final", "orchestrator/driver/proof.c",
     "return judge->reverted || (master && before && strcmp(master, before) != 0);",
     "return master && before && strcmp(master, before) != 0;"),
    ("proof: a deactivated agent's registration with another master is the new process's", "orchestrator/driver/proof.c",
     "judge->view->deactivated && other_master &&", "0 &&"),
    ("proof: activity is not looked at", "orchestrator/driver/proof.c", "if (view->active != judge->before->active)",
     "if (0)"),
    ("proof: the process's flags are not looked at", "orchestrator/driver/proof.c",
     "judge_flag(judge, edit->name, judge->reverted ? before : edit->value);", "(void)before;"),
    ("proof: the checkpoint is not looked at", "orchestrator/driver/proof.c", "\tjudge_checkpoint(judge);", "\t"),
]

AGAIN = "the engine plans the question whenever an agent becomes unknown; engine_schedule asks it in the same pass"
BACK = "the step is tried again by settle, which goes back"
NOTICED = "whoever takes over goes back, and undoing notices the reboot"
EQUIVALENT = {
    "engine: waiting turn, no effect": "the master is asked twice a second anyway while somebody is checking",
    "engine: checking resume, row removed": "it goes on checking, with a picture taken after the start all the same",
    "engine: changing lost, no effect": AGAIN,
    "engine: changing timeout, no effect": AGAIN,
    "engine: changing resume, no effect": AGAIN,
    "engine: returning lost, no effect": AGAIN,
    "engine: returning resume, no effect": AGAIN,
    "engine: proving lost, no effect": AGAIN,
    "engine: proving resume, no effect": AGAIN,
    "engine: soaking lost, no effect": AGAIN,
    "engine: soaking timeout, no effect": AGAIN,
    "engine: soaking resume, no effect": AGAIN,
    "engine: reverting resume, no effect": AGAIN,
    "engine: stuck resume, no effect": AGAIN,
    "engine: unknown resume, no effect": AGAIN,
    "engine: returning started, row removed": "only a record: it stays where it is",
    "states: stuck is not open": "it is asked all the same; it only does not hold the others up until it answers",
    "kept is not forgotten with a new operation": "an operation that was kept is never followed by another",
    "operation: prepared failed, row removed": BACK,
    "operation: guarded failed, row removed": BACK,
    "operation: checkpoint failed, row removed": BACK,
    "operation: prepared reboot, row removed": NOTICED,
    "operation: guarded reboot, row removed": NOTICED,
    "operation: checkpoint reboot, row removed": NOTICED,
    "operation: flags reboot, row removed": NOTICED,
    "operation: restarting failed, row removed": "it is tried again until its time is up, and then undone",
    "operation: prepared reboot, to undo_restarting": "nothing was written yet: there is nothing to restore",
    "engine: stuck retry, row removed": "whoever orders a retry lets a paused run go on, which asks every stuck agent",
    "engine: stuck retry, no effect": AGAIN,
    "engine: unknown resume, row removed": "an engine that was just made asks whoever is unknown in its first pass",
}

# What the simulated world does not do, and where it is tested instead.
UNSIMULATED = [
    (r"operation: .*\b(discard|rescue|reboot_rescued)\b|operation: (stopping|cleaning|cleaned) ",
     "no scenario discards or rescues (tests/unit/protocol/test_operation.c)"),
    (r"operation: \w+ undo,|operation: undoing go, no effect",
     "rollcall never says undo, and else nothing of the new state runs by then (tests/unit/protocol/test_operation.c)"),
    (r"operation: restarting first_start, to started", "it ends undone, which is allowed"),
    (r"operation: undo_restarting (go, to undo_cleaning|timeout, to undone)",
     "rollcall finds no process, asks again and ends with a person, which is allowed"),
    (r"engine: (failed|reverted|rejected) retry, (row removed|to failed)",
     "what is not tried again stays as it was, which breaks nothing (test_engine_stages.c, test_engine_budget.c)"),
    (r"engine: (waiting skip|skipped retry)", "no simulated operator leaves an agent out (test_engine_stages.c)"),
    (r"stages: the first one's window holds for all", "fewer agents at a time break nothing (test_engine_stages.c)"),
    (r"holds: starts all the same", "the judge does not know whom a new leader awaits (test_engine_holds.c)"),
    (r"meltdown: no guard",
     "every simulated agent belongs to the run: more of them away than the window has places leave no room (test_engine_holds.c)"),
    (r"engine: gating gate_open, row removed", "it pauses when the gate's time is up, which is allowed (test_engine_stages.c)"),
    (r"engine: (proving|soaking) host_stuck",
     "agentctl takes a minute to be stuck, and rollcall's patience ends before (test_engine.c)"),
    (r"driver: done without a process is no question|proof: an undone agent's record of before the undo is final",
     "it ends with a person, which is allowed (test_driver.c, test_proof.c)"),
]


class Mutant:
    def __init__(self, name, path, text):
        self.name, self.path, self.text = name, path, text


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


def judge(program, seeds, first=1):
    """What caught it, or None."""
    command = [program, "--first", str(first), "--seeds", str(seeds), "--failures", "1"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=60 * TIMEOUT,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (TIMEOUT, TIMEOUT + 5)))
    except subprocess.TimeoutExpired:
        return "it runs for ever"
    if done.returncode == -signal.SIGXCPU:
        return "it runs for ever"
    if done.returncode == 0:
        return None
    return done.stdout.splitlines()[0] if done.returncode == 1 and done.stdout else f"exit status {done.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/gcc", help="where the simulator is built")
    parser.add_argument("--seeds", type=int, default=400, help="so many for each mutant")
    parser.add_argument("--more", type=int, default=2000, help="so many more for one that they do not catch")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--without", default="\0", help="and does not contain this")
    parser.add_argument("--list", action="store_true", help="say for each what caught it")
    args = parser.parse_args()
    mutants = [*engine_mutants(), *operation_mutants(), *condition_mutants()]
    mutants = [mutant for mutant in mutants if args.only in mutant.name and args.without not in mutant.name]
    unexpected, stale, equivalent, unsimulated = [], [], 0, 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        builder = Builder(args.build, folder)
        unchanged = judge(os.path.join(ROOT, args.build, "bin/tests/sim/simulate"), args.seeds)
        if unchanged:
            print(f"the unchanged program is caught already: {unchanged}")
            return 1

        def attempt(item):
            program = builder.make(*item)
            caught = judge(program, args.seeds)
            if not caught and item[1].name not in EQUIVALENT:
                caught = judge(program, args.more, args.seeds + 1)
            os.unlink(program)
            return caught

        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for mutant, caught in zip(mutants, pool.map(attempt, enumerate(mutants))):
                if args.list and caught:
                    print(f"caught    {mutant.name}: {caught}", flush=True)
                if mutant.name in EQUIVALENT and caught:
                    stale.append(f"{mutant.name}: {caught}")
                elif mutant.name in EQUIVALENT:
                    equivalent += 1
                elif not caught and any(re.search(pattern, mutant.name) for pattern, _ in UNSIMULATED):
                    unsimulated += 1
                elif not caught:
                    unexpected.append(mutant.name)
                    print(f"SURVIVED  {mutant.name}", flush=True)
    for name in stale:
        print(f"CAUGHT although it is listed as equivalent: {name}")
    caught = len(mutants) - len(unexpected) - equivalent - unsimulated
    print(f"{len(mutants)} mutants, {caught} caught, {equivalent} equivalent, {unsimulated} of what is not simulated, "
          f"{len(unexpected)} survived")
    return 1 if unexpected or stale else 0


if __name__ == "__main__":
    sys.exit(main())
