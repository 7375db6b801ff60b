# SPDX-License-Identifier: Apache-2.0
"""After the troubles: everything is healed, and the run is brought to its end by the commands that its output names."""
import re
import time

ENDS_WITHIN = 300  # seconds of one command, once nothing is broken any more
ROUNDS = 10


def settle(world):
    world.heal()
    world.wait_for_commands(ENDS_WITHIN)
    world.healed = time.time()
    world.calm = world.wait_for_agents(90)
    if world.find_run() is None:  # it was killed before there was one, or somebody has edited a file since the plan
        world.plan = world.make_plan() or world.plan
        world.drive("start", world.plan, calm=True).thread.join()
    for _ in range(ROUNDS):
        if not round_of(world):
            break
    world.wait_for_commands(ENDS_WITHIN)
    world.wait_for_agents(60)


def round_of(world):
    """One command, or a wait for one who drives in the background. False when there is nothing left to do."""
    world.find_run()
    status = world.status()
    if status["driver"]:
        time.sleep(2)
        return True
    if status["state"] == "running":
        return drive(world, "resume", world.run)
    bad = sum(status["counts"][state] for state in ("failed", "reverted", "rejected", "stuck", "unknown"))
    if status["rollback_due"] or (status["state"] == "paused" and not getattr(world, "resumed", None) == world.run):
        world.resumed = world.run
        return drive(world, "resume", world.run)
    if bad and status["state"] in ("paused", "done") and getattr(world, "retried", None) != world.run:
        world.retried, world.resumed = world.run, None  # it may have spent the budget once more, with others still waiting
        return drive(world, "retry", world.run)
    return named(world, status)


def named(world, status):
    """What `status` tells a person to do next about each stuck agent, and about a run that is over but for some of its agents; once."""
    done = world.__dict__.setdefault("followed", set())
    texts = [agent["next"] for agent in status["agents"] if agent["next"]] + [status["reason"] or ""]
    if status["state"] == "aborted":
        texts.append(world.rollcall("rollout", "status", world.run).out)
    for text in texts:
        for words in re.findall(r"rollcall (rollout (?:resume|retry|settle) r-[\d-]+(?: --[a-z-]+)*)", text):
            if words not in done:
                done.add(words)
                if " settle " in words:
                    world.resumed = None  # what was stuck kept others from starting
                return drive(world, *words.split()[1:])
    return False


def drive(world, *words):
    world.drive(*words, calm=True).thread.join()
    return True
