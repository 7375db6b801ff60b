# SPDX-License-Identifier: Apache-2.0
"""What must hold after a scenario, whatever happened: judged by the hosts' files and processes, the master's answers and the agents'
logs. The ledger is read as what it promises to be (a record made beforehand), and `rollout status` as what it must tell the truth of."""
import glob
import json
import os
import re
import signal

CODES = {0, 1, 2, 3, 4, 5}
# After these the agent may have restarted otherwise than rollcall wanted, or its tasks may be gone, or its ID is rightly new.
RESTARTS = {"power", "agent-exit", "agent-exit-always", "agent-hang", "agent-freeze", "config-manager", "new-id", "kill-agent", "flap",
            "late-executors", "slow-recovery", "away", "never-reregister"}
ENDED = ("done", "undone")


def parse_time(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Judge:
    def __init__(self, world):
        self.world, self.scenario, self.fleet = world, world.scenario, world.fleet
        self.wrong = []

    def judge(self):
        self.commands()
        runs = [found["run"] for found in self.world.ask("rollout", "list")["runs"]]
        self.statuses = {run: self.world.status(run) for run in runs}
        self.now = self.world.picture()
        self.operations = {host: self.read_operations(host) for host in self.fleet.names}
        self.events = [json.loads(line) for line in self.world.rollcall("audit", "export").out.splitlines()]
        for host in self.fleet.names:
            self.once(host)
            self.identity(host)
            self.truth(host)
            self.left_behind(host)
            self.unreachable(host)
        self.intents()
        self.windows()
        self.pauses()
        self.budgets()
        self.ends()
        self.audit()
        self.secrets()
        return self.wrong

    def say(self, text):
        self.wrong.append(text)

    # ---- what commands said

    def commands(self):
        for words in self.world.hung:
            self.say(f"invariant 10: with all troubles ended, `rollcall {words}` did not end")
        for command in self.world.commands:
            result = command.result
            killed = command.killed and result.code == -signal.SIGKILL
            nothing_begun = result.code == -signal.SIGINT and not re.search(r"^Run r-", result.out + result.err, re.M)
            if result.code not in CODES and not killed and not nothing_begun:
                self.say(f"an exit code that the README does not have: {result}")
            if "runtime error" in result.err or "AddressSanitizer" in result.err:
                self.say(f"a sanitizer: {result}")
            if result.code in (1, 2, 3, 4, 5) and not result.err.strip() and "--json" not in command.words:
                self.say(f"not a word about what is wrong: {result}")

    # ---- the hosts' journals

    def read_operations(self, host):
        folder = self.fleet.path(host, "var/lib/rollcall/operations")
        found = {}
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            one = {"lines": [], "step": None, "request": {}}
            for part in ("state", "request"):
                try:
                    with open(os.path.join(folder, name, part), encoding="utf-8") as file:
                        one["step" if part == "state" else part] = json.load(file)["step"] if part == "state" else json.load(file)
                except (OSError, ValueError, KeyError):
                    pass
            try:
                with open(os.path.join(folder, name, "log"), encoding="utf-8") as file:
                    one["lines"] = [json.loads(line) for line in file if line.endswith("}\n")]
            except OSError:
                pass
            found[name] = one
        return found

    @staticmethod
    def effects(one):
        return [line["detail"] for line in one["lines"] if line["what"] == "effect"]

    def once(self, host):
        """Invariant 3."""
        kept = {}
        for name, one in self.operations[host].items():
            if self.effects(one).count("restart agent") > 1:
                self.say(f"invariant 3: {host}: operation {name} restarted the agent twice: {self.effects(one)}")
            if one["step"] == "done":
                kept.setdefault(one["request"].get("run"), []).append(name)
            elif one["step"] not in ENDED and not self.is_stuck(host) and not self.world.restored:
                self.say(f"{host}: operation {name} is left at {one['step']}, and no run says that the agent is stuck")
        for run, names in kept.items():
            if len(names) > 1:
                self.say(f"invariant 3: {host} was changed {len(names)} times in run {run}: {names}")
        if not self.world.struck.get(host, set()) & RESTARTS:
            self.starts(host)

    def starts(self, host):
        """Every start of an agent leaves a log; nobody but operations started this one."""
        began = len(glob.glob(self.fleet.path(host, "var/log/mesos/*.log.INFO.*"))) - 1
        allowed = 0
        for one in self.operations[host].values():
            effects = self.effects(one)
            allowed += effects.count("restart agent") + sum("start" in effect and "old" in effect for effect in effects)
            allowed += 2 * (one["step"] == "undone") + (2 if self.scenario.discard else 0)
        if began > allowed:
            self.say(f"invariant 3: {host}: {began} starts of its agent, {allowed} by its operations")

    def rows(self, host):
        """(run, its row of that agent), oldest run first."""
        return [(run, row) for run, status in reversed(list(self.statuses.items())) for row in status["agents"]
                if row["hostname"] == host]

    def is_stuck(self, host):
        return any(row["state"] in ("stuck", "unknown") for _, row in self.rows(host))

    # ---- the agents

    def identity(self, host):
        before, now = self.world.before[host]["agent"], self.now[host]["agent"]
        struck = self.world.struck.get(host, set())
        if now is None:
            if self.world.calm:
                self.say(f"{host} is not at the master")
            return
        if now["id"] != before["id"] and "new-id" not in struck and not (
                "power" in struck and struck & {"config-manager", "edit-flags"}):
            self.say(f"{host} has lost its ID: {before['id']}, now {now['id']}")

    def side(self, host):
        """'new' or 'old' by everything that can be seen of the agent, or what is mixed."""
        agent, flags = self.now[host]["agent"], self.now[host]["flags"]
        seen = {"master": self.side_of(agent), "flags": "new" if f"generation:{self.scenario.new}" in flags else "old"}
        return seen["master"] if len(set(seen.values())) == 1 else str(seen)

    def side_of(self, agent):
        attributes = agent["attributes"]
        new = {"generation": self.scenario.new}
        checks = [attributes.get("generation") == self.scenario.new]
        if "add" in self.scenario.kinds:
            checks.append(attributes.get("ssd") == "true")
        if "remove" in self.scenario.kinds:
            checks.append("tier" not in attributes)
        if "shrink" in self.scenario.kinds:
            checks.append(agent["resources"]["mem"] == 1024)
        if "domain" in self.scenario.kinds:
            checks.append((agent.get("domain") or {}).get("fault_domain", {}).get("zone", {}).get("name") == "moved")
        if all(checks):
            return "new"
        return "old" if not any(checks) else f"mixed {checks} {new}"

    def expected(self, host):
        """What the runs' last words come to; None: they do not say, or do not say that it is well."""
        side = "old"
        for run, row in self.rows(host):
            back = self.statuses[run]["rolls_back"] is not None
            if row["state"] in ("done", "rejected", "gating"):
                side = "old" if back else "new"
            elif row["state"] not in ("waiting", "failed", "reverted"):
                return None
        return side

    def truth(self, host):
        """Invariant 5: what status says of the agent is so."""
        agent, struck = self.now[host]["agent"], self.world.struck.get(host, set())
        expected = self.expected(host)
        for run, row in self.rows(host):
            if row["state"] in ("stuck",) and not row["next"]:
                self.say(f"{run}: {host} is stuck, and nothing says what to do")
            if row["state"] in ("checking", "changing", "returning", "proving", "soaking", "reverting", "unknown"):
                self.say(f"invariant 10: {run} ({self.statuses[run]['state']}): {host} is left {row['state']}")
        if agent is None or expected is None or self.world.restored:
            return  # what was done since the copy was made only the hosts know: `audit verify --witness` and `inventory drift` tell
        if self.side(host) != expected and not struck & {"config-manager", "old-info"}:
            self.say(f"invariant 5: {host} should be {expected} by {self.words(host)}, and is {self.side(host)}")
        if self.world.before[host]["agent"]["id"] != agent["id"]:
            return
        lost = self.world.before[host]["tasks"]["kept"] - self.now[host]["tasks"]["kept"]
        proofs = [row["proof"] for _, row in self.rows(host) if row["proof"]]
        told = {task["task"] for proof in proofs for task in (proof.get("tasks") or {}).get("killed", [])}
        if lost and not struck & RESTARTS and not self.scenario.discard:
            self.say(f"{host}: tasks lost that no fault has ended: {lost}, told: {told}; {self.words(host)}")
        for run, row in self.rows(host):
            if row["state"] == "done" and not (row["proof"] or {}).get("result") == "pass":
                self.say(f"invariant 5: {run}: {host} is done without a proof: {row}")
            if row["state"] == "done" and row["id_after"] != row["id_before"]:
                self.say(f"invariant 5: {run}: {host} is done with another ID")

    def words(self, host):
        return ", ".join(f"{run} {row['state']} ({row['error']})" for run, row in self.rows(host)) or "no run"

    def left_behind(self, host):
        """No guard and no agentctl, unless something is open there."""
        open_ones = [name for name, one in self.operations[host].items() if one["step"] not in ENDED]
        guard = glob.glob(self.fleet.path(host, "etc/systemd/system/mesos-agent.service.d/*"))
        if guard and not open_ones:
            self.say(f"{host}: a guard is left without an open operation: {guard}")
        pids = self.world.processes_of(host, b"agentctl")
        if pids and not open_ones:
            self.say(f"{host}: agentctl is left running: {pids}")
        for name in glob.glob(self.fleet.path(host, "var/lib/mesos/meta/slaves/**/.*"), recursive=True):
            self.say(f"{host}: {name} is left")

    def unreachable(self, host):
        """Invariant 9: nobody whom nothing struck was given up by the master."""
        if self.world.struck.get(host) or self.world.master_struck:
            return
        for path in glob.glob(os.path.join(self.fleet.dir, "log", "master*.log")):
            with open(path, encoding="utf-8", errors="replace") as file:
                found = re.search(rf"Marked agent \S+ \({re.escape(host)}\) unreachable.*", file.read())
            if found:
                self.say(f"invariant 9: {found.group()}")

    # ---- the run

    def intents(self):
        """Invariant 1: what began on a host was in the ledger before, under this operation."""
        if self.world.restored:
            return
        when = {}
        for event in self.events:
            for name in re.findall(r'"operation":"([0-9a-f]{32})"', json.dumps(event["body"], separators=(",", ":"))):
                when.setdefault(name, event["time_ms"] / 1000)
        self.when = when
        for host, operations in self.operations.items():
            for name, one in operations.items():
                began = one["lines"] and parse_time(one["lines"][0]["time"])
                if began and (name not in when or when[name] > began + 0.001):
                    self.say(f"invariant 1: {host}: operation {name} began at {began}, the ledger has it from {when.get(name)}")

    def spans(self):
        """(begin, end, host, run) of every operation on a host, by its journal."""
        found = []
        for host, operations in self.operations.items():
            for one in operations.values():
                if one["lines"]:
                    ends = [parse_time(line["time"]) for line in one["lines"] if line["what"] in ENDED]
                    found.append((parse_time(one["lines"][0]["time"]), ends[-1] if ends else float("inf"), host,
                                  one["request"].get("run")))
        return sorted(found)

    def windows(self):
        """Invariant 2, of every run with the window it was given; a rollback's is one."""
        spans = self.spans()
        for begin, _, host, run in spans:
            status = self.statuses.get(run)
            if status is None:
                continue
            window = max(stage["window"] for stage in status["stages"])
            away = {other for first, last, other, _ in spans if first <= begin < last}
            if len(away) > window:
                self.say(f"invariant 2: {len(away)} at once with a window of {window} when {host} began: {sorted(away)}")
            zone = self.zone(host)
            if self.scenario.domain_window and status["rolls_back"] is None:
                same = {other for other in away if self.zone(other) == zone}
                if len(same) > 1:
                    self.say(f"invariant 2: {len(same)} of {zone} at once: {sorted(same)}")

    def zone(self, host):
        agent = self.world.before[host]["agent"]
        domain = (agent.get("domain") or {}).get("fault_domain")
        return (domain["region"]["name"], domain["zone"]["name"]) if domain else agent["attributes"]["zone"]

    def pauses(self):
        """Invariant 4: after a pause or an abort that was confirmed nothing begins, until somebody goes on."""
        if self.world.restored:
            return
        going = [(one.began, one.ended) for one in self.world.commands if one.goes()]
        for command in self.world.commands:
            if command.words[:2] not in (["rollout", "pause"], ["rollout", "abort"]) or command.result.code != 0:
                continue
            run, since = command.words[2], command.ended
            for begin, _, host, of in self.spans():
                name = next((name for name, one in self.operations[host].items()
                             if one["lines"] and parse_time(one["lines"][0]["time"]) == begin), None)
                intent = self.when.get(name, begin)
                if of != run or intent <= since or any(first < begin and last > since for first, last in going):
                    continue
                self.say(f"invariant 4: {host} began {intent - since:.1f} s after `{' '.join(command.words)}`")

    def budgets(self):
        """Invariant 4: no intent follows more failures than the plan tolerates, until whoever resumes has seen them."""
        failed, seen, paused = set(), set(), False
        for event in self.events:
            body, run, kind = event["body"], event["run"], event["kind"]
            if run not in self.statuses or self.statuses[run]["rolls_back"] is not None:
                continue
            if kind == "run":
                paused = body["state"] != "running"
            elif paused and (kind == "run.resumed" or (kind == "run.obeyed" and body["order"] in ("resume", "retry"))):
                seen, failed, paused = seen | failed, set(), False
            if kind != "agent":
                continue
            if body["to"] in ("failed", "reverting", "reverted", "stuck", "rejected"):
                failed |= {event["agent"]} - seen
            elif body["to"] == "waiting" or (body["from"], body["to"]) == ("checking", "changing"):
                if body["to"] == "changing" and len(failed - {event["agent"]}) > self.scenario.failures:
                    self.say(f"invariant 4: event {event['seq']}: {event['hostname']} begins after {len(failed)} failures")
                failed.discard(event["agent"])
                seen.discard(event["agent"])

    def ends(self):
        """Invariants 10 and 7."""
        for run, status in self.statuses.items():
            if status["state"] == "running" or status["driver"]:
                self.say(f"invariant 10: {run} is still {status['state']}, driven by {status['driver']}")
            if status["state"] == "done" and status["stuck"]:
                self.say(f"{run} is done and has stuck agents")
            stuck = [row["hostname"] for row in status["agents"] if row["state"] in ("stuck", "unknown")]
            for host in stuck:
                if self.world.calm and not self.world.struck.get(host, set()) & {"new-id", "config-manager", "old-info"}:
                    self.say(f"invariant 10: {run}: {host} is stuck for good: {self.words(host)}")
            if status["state"] == "paused" and not stuck:
                self.say(f"invariant 10: {run} has paused for good: {status['reason']}")
            if self.scenario.crashes_only and (status["state"] != "done" or status["counts"]["done"] != len(status["agents"])):
                self.say(f"invariant 7: after nothing but crashes {run} is {status['state']} with {status['counts']}")

    def audit(self):
        """Invariant 8."""
        for words in (("audit", "verify"), ("audit", "verify", "--witness", "all"), ("inventory", "check")):
            if self.world.restored and "--witness" in words:
                continue
            result = self.world.rollcall(*words)
            if result.code != 0:
                self.say(f"invariant 8: {result}")

    def secrets(self):
        if not self.scenario.authenticate:
            return
        secret = self.world.secret().encode()
        paths = glob.glob(os.path.join(self.fleet.dir, "rollcall.db*")) + glob.glob(os.path.join(self.fleet.dir, "*.log"))
        for host in self.fleet.names:
            paths += [path for path in glob.glob(self.fleet.path(host, "var/lib/rollcall/**"), recursive=True)]
        for path in paths:
            if os.path.isfile(path) and os.path.getsize(path) < 50_000_000:
                with open(path, "rb") as file:
                    if secret in file.read():
                        self.say(f"the masters' password is in {path}")
        for command in self.world.commands:
            if secret.decode() in command.result.out + command.result.err:
                self.say(f"the masters' password was said by {command.words}")
