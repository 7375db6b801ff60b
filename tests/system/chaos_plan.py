# SPDX-License-Identifier: Apache-2.0
"""What a seed stands for: a cluster, a plan, and the troubles that come while it is carried out. Nothing here acts."""
import random

SPAN = 24.0  # seconds in which troubles begin

# Faults of a host, how often each is chosen, the longest time it lasts in seconds, and words that `break` is given.
HOST_FAULTS = {
    "refuse": (2, 8, ()), "hang": (2, 8, ()), "reset": (2, 8, ()), "auth": (1, 8, ()), "hostkey": (2, 8, ()),
    "latency": (2, 10, ("--amount", "400")), "bandwidth": (1, 10, ("--amount", "30000")),
    "cut": (4, 10, ("--match", " apply")), "disk-full": (2, 10, ()), "read-only": (2, 10, ()), "power": (4, 2, ()),
    "agent-exit": (3, 12, ()), "agent-exit-always": (1, 6, ()), "agent-hang": (1, 10, ()), "agent-freeze": (2, 10, ()),
    "away": (2, 10, ()), "flap": (1, 8, ()), "never-reregister": (2, 15, ()), "slow-recovery": (1, 10, ()),
    "late-executors": (1, 10, ()), "config-manager": (2, 12, ("--amount", "1500")), "old-info": (1, 10, ()),
    "new-id": (0.5, 6, ()),
}
MASTER_FAULTS = {
    "500": 1, "503": 1, "garbage": 1, "truncated": 1, "redirect": 1, "redirect-loop": 1, "stale": 2, "hang": 1,
    "failover": 3, "down": 2, "require-domain": 0.5,
}
# What the one who drives suffers, what hosts' processes suffer, and what other operators do.
ACTS = {
    "kill-rollcall": 5, "stop-rollcall": 3, "take-over": 2, "interrupt": 2, "interrupt-twice": 1,
    "kill-agentctl": 4, "stop-agentctl": 2, "kill-agent": 2, "edit-flags": 1,
    "pause": 3, "resume": 3, "retry": 3, "abort": 0.5, "rollback": 0.5, "start-again": 2, "status": 3, "verify": 1,
    "plan-again": 1, "stop-lab": 2, "host": 14, "master": 4, "restore-database": 0.4,
}


def chosen(rng, weights):
    return rng.choices(list(weights), list(weights.values()))[0]


class Scenario:
    def __init__(self, seed, crashes_only=False):
        rng = random.Random(seed)
        self.seed, self.rng = seed, rng
        self.crashes_only = crashes_only
        self.agents = rng.randint(6, 10)
        self.loose = rng.choice((0, 0, 1))
        self.masters = 3 if rng.random() < 0.25 else 1
        self.authenticate = rng.random() < 0.3
        self.dialect = "proposal" if rng.random() < 0.2 else "stock"
        self.versions = rng.choice(("1.12.0", "1.12.0", "1.8.0,1.11.0"))
        self.taken_back = rng.random() < 0.5 and not crashes_only  # as soon as it is done, with the troubles that are left
        self.old, self.new = "g1", f"g{seed}x"
        self.discard = rng.random() < 0.1
        self.rule()
        self.plan()
        self.acts = self.troubles()

    def rule(self):
        """One rule for all agents; what it must come to is kept beside it, worked out here and by nobody else."""
        rng = self.rng
        attributes = {"generation": self.new}
        self.kinds = {kind for kind in ("add", "remove", "shrink", "domain") if rng.random() < 0.35}
        if "add" in self.kinds:
            attributes["ssd"] = "true"
        if "remove" in self.kinds:
            attributes["tier"] = None
        rule = {"attributes": attributes}
        if "shrink" in self.kinds:
            rule["resources"] = {"mem": 1024}
        if "domain" in self.kinds:
            rule["domain"] = {"region": "lab", "zone": "moved"}
        self.rules = [rule]

    def plan(self):
        rng = self.rng
        self.window = rng.choice((1, 2, 2, 3, 4))
        self.words = ["--window", rng.choice((str(self.window), f"1,{self.window}")), "--return-timeout", "25secs"]
        self.by_zone = rng.random() < 0.25
        self.domain_window = 1 if rng.random() < 0.25 else 0
        self.failures = rng.choice((0, 0, 1, 2, 4))
        ways = ("pause", "abort") if self.discard else ("pause", "rollback", "abort")  # what was discarded nobody brings back
        self.on_failure = rng.choices(ways, (7, 1, 2)[:len(ways)])[0]
        self.words += ["--max-failures", str(self.failures), "--on-failure", self.on_failure]
        if self.by_zone:
            self.words += ["--by", "zone"]
        if self.domain_window:
            self.words += ["--domain-window", "1"]
        if rng.random() < 0.3:
            self.words += ["--canary", str(rng.randint(1, 2))]
        if rng.random() < 0.3:
            self.words += ["--soak", "1secs"]
        if rng.random() < 0.5:
            self.words += ["--meltdown", "0"]
        if self.loose:
            self.words += ["--allow-task-loss"]
        if self.discard:
            self.words += ["--discard"]
        self.gates = None
        if rng.random() < 0.3:
            gate = {"kind": "command", "argv": ["/bin/sleep", "0.2"], "timeout": "30secs"}
            self.gates = {"after_agent": [gate], "after_stage": [{"kind": "unreachable", "max_new": self.agents}]}

    # ---- troubles: when, what, on which host (or, aimed, on one that is being changed then), for how long

    def troubles(self):
        rng = self.rng
        weights = dict(ACTS)
        if self.crashes_only:
            weights = {name: weights[name] for name in ("kill-rollcall", "stop-rollcall", "take-over", "status")}
        acts = [self.trouble(chosen(rng, weights)) for _ in range(rng.randint(4, 30))]
        return sorted(acts, key=lambda act: act["at"])

    def trouble(self, what):
        rng = self.rng
        act = {"at": round(rng.uniform(0.0, SPAN), 2), "what": what, "host": f"node{rng.randint(1, self.agents):03}.lab",
               "for": round(rng.uniform(0.3, 6.0), 2), "aimed": rng.random() < 0.6}
        if what == "host":
            act["fault"] = chosen(rng, {name: found[0] for name, found in HOST_FAULTS.items()})
            _, longest, words = HOST_FAULTS[act["fault"]]
            act["for"] = round(rng.uniform(0.5, longest), 2)
            act["words"] = list(words)
            if act["fault"] == "cut":
                act["words"] += ["--after", str(rng.choice((0, 1, 60, 200, 400)))]
        elif what == "stop-lab":
            act["role"] = rng.choice(("supervisor", "front", "master"))
        elif what == "master":
            weights = dict(MASTER_FAULTS)
            if self.masters > 1:
                weights["zookeeper-down"] = 1
            act["fault"], act["words"] = chosen(rng, weights), []
        return act

    def life(self):
        """What a life of rollcall is to suffer from inside: killed at a commit, or no room on its disk from one on."""
        chance = self.rng.random()
        sync = str(self.rng.randint(2, 40))
        if chance < 0.2:
            return {"HALT_AT_SYNC": sync}
        return {"FULL_AT_SYNC": sync} if chance < 0.3 and not self.crashes_only else {}

    def __str__(self):
        said = [f"seed {self.seed}: {self.agents} agents, {self.masters} master(s), loose tasks {self.loose}, "
                f"{self.dialect} agents of {self.versions}",
                f"config: {self.rules}", f"plan: {' '.join(self.words)}{' with gates' if self.gates else ''}"]
        return "\n".join(said + [f"  {act}" for act in self.acts])
