#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with hosts, agents and the master while a rollout is under way: a clear word, the right exit code,
nothing lost."""
import time
import unittest

from fleet import Fleet

PATIENCE = 120  # seconds after which what has not happened will not
TRIES = 10      # of what depends on the moment


class Hosts(unittest.TestCase):
    """Each test has hosts of its own, so that what one leaves behind is not in the way of the next."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=12, zones=3, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])

    def plan(self, *hosts, words=()):
        names = ", ".join(f"'{host}'" for host in hosts)
        return self.fleet.plan("fleet", "--where", f"hostname in ({names})", "--window", "2", *words)

    def start(self, *hosts, words=()):
        return self.fleet.rollcall("rollout", "start", self.plan(*hosts, words=words))

    def agent(self, host):
        return next(agent for agent in self.fleet.latest()["agents"] if agent["hostname"] == host)

    def assert_untouched(self, host, before):
        self.assertEqual(self.fleet.now(host)["pid"], before["pid"])
        self.assertIn("generation:g1", self.fleet.flags(host))

    def test_agent_that_will_not_start_with_new_flags(self):
        host, other = "node001.lab", "node002.lab"
        before = self.fleet.now(host)
        self.fleet.break_(host, "agent-exit")
        self.start(host, other, words=("--max-failures", "1")).expect(
            1, "put back and proven as before", "the agent's log says: ", "these are not the flags it would start with")
        agent = self.agent(host)
        self.assertEqual(agent["state"], "reverted")
        self.assertEqual(agent["proof"]["result"], "pass")
        self.assertEqual(agent["id_after"], before["id"])
        self.assertEqual(self.agent(other)["state"], "done")
        after = self.fleet.now(host)
        self.assertEqual((after["id"], after["tasks_running"], after["unit"]), (before["id"], 1, "active"))
        self.assertIn("generation:g1", self.fleet.flags(host))
        self.fleet.rollcall("audit", "report", "latest").expect(
            0, f"What went wrong on {host}", "agentctl put the old flags and checkpoint back", "changing \u2192 reverting",
            "agent said", "these are not the flags it would start with")

    def test_connections_that_fail_before_anything_is_sent(self):
        host = "node003.lab"
        before = self.fleet.now(host)
        for fault, word in (("refuse", "refused"), ("auth", "refused user"), ("hostkey", "key")):
            plan = self.plan(host)
            self.fleet.break_(host, fault)
            self.fleet.rollcall("rollout", "start", plan).expect(1, word, "failed")
            self.fleet.heal(host)
            agent = self.agent(host)
            self.assertEqual(agent["state"], "failed")
            self.assertIsNone(agent["id_after"])
            self.assert_untouched(host, before)
            self.assertEqual(self.fleet.operations(host), {})

    def test_connection_that_is_lost_in_the_middle_of_apply(self):
        """The host is asked what became of it; the agent is restarted once, whatever the answer is."""
        for host, after in (("node004.lab", "1"), ("node005.lab", "200")):
            before = self.fleet.now(host)
            plan = self.plan(host)
            self.fleet.break_(host, "cut", "--match", " apply", "--after", after)
            result = self.fleet.rollcall("rollout", "start", plan)
            agent = self.agent(host)
            self.assertIn(agent["state"], ("done", "reverted"), str(result))
            self.assertIn("unknown", result.err, "the connection was not cut")
            self.assertEqual(agent["id_after"], before["id"])
            self.assertEqual(self.fleet.now(host)["tasks_running"], 1)
            restarts = [effect for found in self.fleet.operations(host).values() for effect in found["effects"]
                        if effect == "restart agent"]
            self.assertLessEqual(len(restarts), 1)

    def test_agent_that_never_reregisters(self):
        host, other = "node006.lab", "node007.lab"
        self.fleet.break_(host, "never-reregister")
        plan = self.fleet.plan("fleet", "--where", f"hostname in ('{host}', '{other}')", "--return-timeout", "8secs")
        self.fleet.rollcall("rollout", "start", plan).expect(1, "stuck", "has paused")
        self.assertEqual(self.agent(host)["state"], "stuck")
        self.assertEqual(self.agent(other)["state"], "waiting")
        # It is left as it is: an undo would be a second restart.
        self.assertEqual(self.fleet.restarts(host), ["restart agent"])
        self.assertIn("generation:g2", self.fleet.flags(host))
        run = self.fleet.latest()["run"]
        told = ("still open on the host", f"rollcall rollout settle {run}")
        self.fleet.rollcall("rollout", "status", run).expect(0, f"{host} is stuck", "paused", "1 unproven", *told)
        self.fleet.rollcall("audit", "report", run).expect(0, "what to do", "the run has paused", *told)

    def test_agent_that_comes_back_with_another_id(self):
        host = "node008.lab"
        before = self.fleet.now(host)
        self.fleet.break_(host, "new-id")
        self.start(host).expect(1, "new ID", "0 kept, 1 lost", "Tasks: 0 kept, 1 lost", f"{host} is stuck: it runs as")
        agent = self.agent(host)
        self.assertEqual(agent["state"], "stuck")
        self.assertEqual(agent["id_before"], before["id"])
        self.assertNotEqual(agent["id_after"], before["id"])
        self.assertEqual(len(agent["proof"]["tasks"]["killed"]), 1)
        self.fleet.rollcall("audit", "report", "latest").expect(0, "AFTER", "0 survived; 1 killed", "0 kept, 1 lost")
        report = self.fleet.rollcall("audit", "report", "latest", "--json").expect(0).json()
        self.assertEqual((report["summary"]["tasks_kept"], report["summary"]["tasks_lost"]), (0, 1))
        self.assertIn("it runs as the new agent", report["agents"][0]["next"])
        # Resumed, it is asked and judged again; then nothing is left to do but by hand, and the run says that.
        run = self.fleet.latest()["run"]
        self.fleet.rollcall("rollout", "resume", run).expect(1, f"{host} is stuck")
        status = self.fleet.latest()
        self.assertEqual((status["state"], status["stuck"]), ("paused", 1))
        self.assertIn("1 agent is still stuck", status["reason"])
        for words in (("rollout", "list"), ("rollout", "status", run), ("audit", "report", run)):
            self.fleet.rollcall(*words).expect(0, "paused", "stuck")
        self.fleet.rollcall("rollout", "retry", run).expect(1, f"{host} is stuck", "1 agent is still stuck")
        self.assertIsNone(self.fleet.latest()["finished"])
        self.fleet.rollcall("rollout", "abort", run).expect(0)

    def test_agent_that_comes_back_with_the_old_slave_info(self):
        host = "node009.lab"
        self.fleet.break_(host, "old-info")
        self.start(host).expect(1, "SlaveInfo is not as planned", "attributes")
        self.assertEqual(self.agent(host)["state"], "stuck")

    def test_disk_that_is_full(self):
        host = "node010.lab"
        before = self.fleet.now(host)
        plan = self.plan(host)
        self.fleet.break_(host, "disk-full")
        self.fleet.rollcall("rollout", "start", plan).expect(1, "failed")
        self.fleet.heal(host)
        self.assertEqual(self.agent(host)["state"], "failed")
        self.assert_untouched(host, before)

    def test_power_cut_while_the_agent_returns(self):
        host = "node011.lab"
        before = self.fleet.now(host)
        running = self.fleet.start("rollout", "start", self.plan(host))
        running.wait_for(r"changing|returning")
        self.fleet.break_(host, "power")
        result = running.finish()
        self.assertIn(result.code, (0, 1), str(result))
        self.assertEqual(self.agent(host)["id_before"], before["id"])
        deadline = time.monotonic() + PATIENCE
        while self.fleet.now(host)["master"] != "active":
            self.assertLess(time.monotonic(), deadline, "the agent did not come back to the master")
            time.sleep(0.2)
        self.assertEqual(self.fleet.now(host)["id"], before["id"], "the agent lost its ID")


class Master(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=4, zones=2, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        cls.fleet.rollcall("inventory", "sync").expect(0)
        cls.number = 0

    def config(self):
        """A config that changes every agent once more."""
        type(self).number += 1
        self.fleet.add_config("fleet", [{"attributes": {"generation": f"m{self.number}"}}])

    def test_answers_that_are_none(self):
        self.config()
        plan = self.fleet.plan("fleet")
        address = self.fleet.status()["master"]
        for fault in ("500", "503", "garbage", "truncated", "redirect-loop", "down"):
            with self.subTest(fault):
                self.fleet.break_("master", fault)
                try:
                    planned = self.fleet.rollcall("rollout", "plan", "fleet")
                    started = self.fleet.rollcall("rollout", "start", plan)
                finally:
                    self.fleet.heal("master")
                for result in (planned, started):
                    self.assertEqual(result.code, 4, str(result))
                    self.assertIn(address, result.err)
                self.assertIn("--offline", planned.err)
                self.fleet.rollcall("rollout", "list").expect(0, "No rollout")
                self.wait_for_agents()

    def wait_for_agents(self):
        deadline = time.monotonic() + PATIENCE
        while any(host["master"] != "active" for host in self.fleet.status()["hosts"]):
            self.assertLess(time.monotonic(), deadline, "the agents did not come back to the master")
            time.sleep(0.2)

    def test_redirects_are_followed(self):
        self.config()
        self.fleet.break_("master", "redirect")
        try:
            plan = self.fleet.plan("fleet", "--where", "zone = 'zone-1'", "--window", "2")
            self.fleet.rollcall("rollout", "start", plan).expect(0, "2 of 2")
        finally:
            self.fleet.heal("master")

    def test_what_passes_by_itself_while_agents_are_away(self):
        """A few bad answers in the middle of a run cost time and nothing else."""
        for fault in ("500", "garbage", "truncated"):
            tries = 1
            while not self.meets(fault):
                self.assertLess(tries, TRIES, f"no run has met the fault {fault}")
                tries += 1

    def meets(self, fault):
        """Does a run meet it? One that is over before has done no harm either."""
        self.config()
        running = self.fleet.start("rollout", "start", self.fleet.plan("fleet", "--window", "4"))
        running.wait_for("changing → returning")
        self.fleet.break_("master", fault, "--for", "3s")
        result = running.finish().expect(0, "4 of 4")
        self.wait_for_agents()
        if "waiting for the master: http" not in result.err + result.out:
            return False
        result.expect(0, "the master answers again")
        return True


if __name__ == "__main__":
    unittest.main()
