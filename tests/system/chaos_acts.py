# SPDX-License-Identifier: Apache-2.0
"""The troubles of a scenario, carried out; and the one who always starts rollcall again."""
import os
import signal
import time

from chaos_plan import SPAN

RUN_WAIT = 20  # seconds within which a run that was started is there


class Troubles:
    def __init__(self, world):
        self.world, self.scenario, self.rng = world, world.scenario, world.scenario.rng
        self.later = []  # (when, what to do): the ends of troubles
        self.again_at = 0.0

    def over(self):
        """Everything that was begun ends."""
        for _, act in sorted(self.later, key=lambda entry: entry[0]):
            act()
        self.later = []

    def act(self, act):
        act = dict(act)
        if act["aimed"]:
            act["host"] = self.rng.choice(self.world.under_way() or [act["host"]])
        self.world.say(f"act {act}")
        try:
            getattr(self, act["what"].replace("-", "_"))(act)
        except (AssertionError, OSError) as error:
            self.world.say(f"the act failed: {error}")

    def at(self, seconds, act):
        self.later.append((time.monotonic() + seconds, act))

    # ---- faults of the lab

    def host(self, act):
        words, host = list(act["words"]), act["host"]
        self.world.struck.setdefault(host, set()).add(act["fault"])
        if act["fault"] != "cut":
            words += ["--for", f"{int(act['for'] * 1000)}ms"]
        self.world.fleet.break_(host, act["fault"], *words)

    def master(self, act):
        self.world.master_struck.add(act["fault"])
        words = [] if act["fault"] == "failover" else ["--for", f"{int(act['for'] * 1000)}ms"]
        self.world.fleet.break_("master", act["fault"], *words)

    def stop_lab(self, act):
        """systemd, the network or a master that hangs."""
        pids = [pid for role, pid in self.world.fleet.status()["roles"].items() if role.split(":")[0] == act["role"]]
        pid = self.rng.choice(pids)
        for host in self.world.fleet.names if act["role"] == "supervisor" else ():
            self.world.struck.setdefault(host, set()).add("stop-supervisor")
        self.world.master_struck.add("stop-lab")
        os.kill(pid, signal.SIGSTOP)
        self.at(min(act["for"], 4), lambda: os.kill(pid, signal.SIGCONT))

    # ---- hosts' processes and files

    def kill_agentctl(self, act):
        if self.world.signal_agentctl(act["host"], signal.SIGKILL):
            self.world.struck.setdefault(act["host"], set()).add("kill-agentctl")

    def stop_agentctl(self, act):
        host = act["host"]
        if self.world.signal_agentctl(host, signal.SIGSTOP):
            self.world.struck.setdefault(host, set()).add("stop-agentctl")
            self.at(act["for"], lambda: self.world.signal_agentctl(host, signal.SIGCONT))

    def kill_agent(self, act):
        pid = self.world.fleet.now(act["host"])["pid"]
        if pid:
            self.world.struck.setdefault(act["host"], set()).add("kill-agent")
            os.kill(pid, signal.SIGKILL)

    def edit_flags(self, act):
        """Somebody who does not know of the rollout; what he writes changes nothing that the agent looks at."""
        path = self.world.fleet.path(act["host"], "etc/default/mesos-agent")
        self.world.struck.setdefault(act["host"], set()).add("edit-flags")
        with open(path, "a", encoding="utf-8") as file:
            file.write("# edited by hand\n")

    # ---- the one who drives

    def kill_rollcall(self, _):
        self.end_driver(signal.SIGKILL)

    def interrupt(self, _):
        self.end_driver(signal.SIGINT)

    def interrupt_twice(self, _):
        self.end_driver(signal.SIGINT)
        self.at(0.2, lambda: self.end_driver(signal.SIGINT))

    def end_driver(self, number):
        driver = self.world.driver()
        if driver:
            self.world.say(f"signal {number} to rollcall {driver.running.process.pid}")
            driver.signal(number)
        self.again_at = time.monotonic() + self.rng.uniform(0.0, 3.0)

    def stop_rollcall(self, act):
        driver = self.world.driver()
        if driver:
            driver.signal(signal.SIGSTOP)
            self.world.say(f"stopped rollcall {driver.running.process.pid}")
            self.at(act["for"], lambda: driver.signal(signal.SIGCONT))
            if self.rng.random() < 0.5:
                self.at(act["for"] / 2, lambda: self.take_over(act))

    def take_over(self, _):
        if self.world.run:
            self.world.drive("resume", self.world.run, "--take-over")

    def restore_database(self, act):
        """A copy is made while nobody works on it, as it must be, and comes back after a while of work on the database itself."""
        if self.world.run is None:
            return
        self.nobody_works()
        copy = self.world.copy_database()
        self.at(act["for"] + 3, lambda: self.put_copy_back(copy))

    def nobody_works(self):
        for driver in self.world.drivers:
            driver.signal(signal.SIGKILL)
        for command in self.world.commands:
            command.signal(signal.SIGCONT)
            command.thread.join()

    def put_copy_back(self, copy):
        self.nobody_works()
        self.world.say("the database is restored from its copy")
        self.world.restore_database(copy)

    # ---- other operators

    def order(self, *words):
        if self.world.run:
            self.world.command("rollout", words[0], self.world.run, *words[1:])

    def pause(self, _):
        self.order("pause")

    def resume(self, _):
        self.order("resume")

    def retry(self, _):
        self.order("retry")

    def abort(self, _):
        self.order("abort")

    def rollback(self, act):
        self.order("rollback", *(["--yes"] if act["for"] < 3 else []))

    def status(self, _):
        self.order("status", "--json")

    def start_again(self, _):
        self.world.command("rollout", "start", self.world.plan)

    def verify(self, _):
        self.world.command("audit", "verify")

    def plan_again(self, _):
        self.world.command("rollout", "plan", "fleet", "--window", "2", "--allow-task-loss")

    # ---- all of it

    def play(self):
        """Carries out the scenario; whenever nobody drives, somebody resumes after a while."""
        acts, start = list(self.scenario.acts), time.monotonic()
        self.world.drive("start", self.world.plan)
        while time.monotonic() - start < SPAN:
            now = time.monotonic()
            while acts and acts[0]["at"] <= now - start:
                self.act(acts.pop(0))
            due = sorted((entry for entry in self.later if entry[0] <= now), key=lambda entry: entry[0])
            self.later = [entry for entry in self.later if entry[0] > now]
            for _, act in due:
                act()
            if not self.go_on(now, start):
                break
            time.sleep(0.05)
        self.over()

    def go_on(self, now, start):
        """False when the run is over and nobody has anything to do any more."""
        world = self.world
        if world.run is None and now - start > 1:
            self.find_run()
        if world.driver() or now < self.again_at:
            return True
        self.again_at = now + self.rng.uniform(0.2, 4.0)
        if world.run is None:
            world.drive("start", world.plan)
            return True
        self.world.find_run()
        status = world.status()
        if status is None or status["state"] in ("done", "aborted"):
            if not self.scenario.taken_back or self.scenario.discard or status is None:
                return now - start < SPAN / 2
            self.scenario.taken_back = False
            world.drive("rollback", world.run, "--yes")
            return True
        world.drive(self.rng.choices(("resume", "retry"), (3, 1))[0], world.run)
        return True

    def find_run(self):
        deadline = time.monotonic() + RUN_WAIT
        while self.world.find_run() is None and self.world.driver() and time.monotonic() < deadline:
            time.sleep(0.2)
