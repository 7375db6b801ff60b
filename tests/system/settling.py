# SPDX-License-Identifier: Apache-2.0
"""Agents that are left stuck, and settled."""
import documents
from fleet import Fleet
from lab import eventually


class Settling:
    """For test cases; each test has hosts of its own."""

    return_timeout = "3secs"

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=4, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])

    def start(self, *hosts, words=()):
        names = ", ".join(f"'{host}'" for host in hosts)
        plan = self.fleet.plan("fleet", "--where", f"hostname in ({names})", *words)
        return self.fleet.rollcall("rollout", "start", plan)

    def leave_stuck(self, host, *others, words=()):
        """A run that has paused because the agent of host is stuck; what keeps it is mended by now."""
        self.fleet.break_(host, "never-reregister")
        result = self.start(host, *others, words=("--return-timeout", self.return_timeout, *words)).expect(1, f"{host} is stuck")
        run = self.fleet.latest()["run"]
        self.assertIn(f"rollcall rollout settle {run}", result.out)
        self.mend(host)
        return run

    def mend(self, host):
        """Its agent is back when this returns: to be settled takes no time then."""
        self.fleet.heal(host)
        eventually(lambda: self.fleet.agent(host)["active"], 120, "the agent's return")

    def status(self, run):
        status = self.fleet.rollcall("rollout", "status", run, "--json").expect(0).json()
        documents.check(status, documents.load("rollout-status"))
        return status

    def states(self, run):
        return {agent["hostname"]: agent["state"] for agent in self.status(run)["agents"]}

    def settle(self, run, host, *others):
        """As the texts say it; nobody else is touched."""
        before = {other: self.fleet.now(other)["pid"] for other in others}
        ended = self.status(run)["finished"]
        self.fleet.rollcall("rollout", "settle", run).expect(0, host)
        status = self.status(run)
        self.assertEqual(self.states(run)[host], "done")
        self.assertEqual(len(self.fleet.restarts(host)), 1)
        self.assertEqual(status["finished"] if ended else None, ended, "the run has another end")
        self.assertEqual({other: self.fleet.now(other)["pid"] for other in others}, before)
        self.fleet.rollcall("audit", "log", run).expect(0, "obeyed the order to settle")
        self.fleet.rollcall("audit", "verify").expect(0)
        self.fleet.rollcall("rollout", "settle", run).expect(0, "no agent of it is stuck")
        return status
