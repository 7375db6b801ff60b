#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that are printed can be pasted: whoever has named the cluster file, the cluster and the database leads them there again."""
import os
import re
import shlex
import shutil
import unittest

from fleet import Fleet, Running
from lab import BIN, eventually

HOST = "node001.lab"


class Pasted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=2, zones=1, tasks=0, scale=20)
        cls.addClassCleanup(cls.fleet.close)
        config = shutil.copy(cls.fleet.env["ROLLCALL_CONFIG"], os.path.join(cls.fleet.dir, "other cluster.json"))
        name = cls.fleet.rollcall("inventory", "sync", "--json").expect(0).json()["cluster"]
        cls.options = ["--config", config, "--cluster", name, "--db", cls.fleet.file("other.db")]
        cls.env = {key: value for key, value in os.environ.items() if not key.startswith("ROLLCALL_")}

    def run_words(self, *words):
        return Running([os.path.join(BIN, "rollcall"), *words], self.env).finish()

    def rollcall(self, *words):
        return self.run_words(*self.options, *words)

    def commands(self, result):
        """Every command that was printed, without its program; each must have the options, but where RUN stands for any run."""
        said = re.sub(r"\n(?! )", "\n\n", result.out + result.err)
        found = re.findall(r"`(rollcall [^`]*)`", said) + re.findall(r"(?m)^ {4,}(rollcall .*)$|: (rollcall .*)$", said)
        lines = [line for line in map("".join, found) if " RUN" not in line]
        self.assertTrue(lines, result)
        for line in lines:
            words = shlex.split(line)
            self.assertEqual(words[1:7], self.options, f"{line}\nin {result}")
        return [shlex.split(line)[1:] for line in lines]

    def paste(self, result, *verb):
        """The first one that is about that."""
        words = next((words for words in self.commands(result) if words[6:6 + len(verb)] == list(verb)), None)
        self.assertTrue(words, f"no {' '.join(verb)} in {result}")
        return self.run_words(*words)

    def test_of_a_run_that_fails(self):
        self.rollcall("inventory", "sync").expect(0)
        path = self.fleet.write("c.json", '{"name": "fleet", "rules": [{"attributes": {"generation": "g2"}}]}')
        self.rollcall("config", "add", path).expect(0)
        again = self.rollcall("config", "add", path, "-m", "why").expect(0, "nothing was added", "message was not kept")
        self.assertNotIn("not kept", self.rollcall("config", "add", path).expect(0).out, again)
        self.rollcall("inventory", "survey").expect(0)
        planned = self.rollcall("rollout", "plan", "fleet", "--return-timeout", "3secs").expect(0)
        self.fleet.break_(HOST, "never-reregister")
        failed = self.paste(planned, "rollout", "start").expect(1, f"{HOST} is stuck")
        self.paste(failed, "audit", "report").expect(0, HOST)
        status = self.rollcall("rollout", "status", "latest").expect(0)
        self.commands(status)
        self.fleet.heal(HOST)
        eventually(lambda: self.fleet.agent(HOST)["active"], 120, "the agent's return")
        settled = self.paste(status, "rollout", "settle").expect(0, HOST)
        self.paste(settled, "rollout", "resume").expect(0, "2 of 2")
        kept = self.rollcall("audit", "report", "latest", "--out", self.fleet.file("report.txt")).expect(0)
        self.paste(kept, "audit", "verify").expect(0)
        with open(self.fleet.file("report.txt"), encoding="utf-8") as file:
            self.assertNotIn("--config", file.read(), "a report is for others")
        self.commands(self.rollcall("rollout", "status", "r-20000101-1").expect(2, "no such run"))

    def test_without_a_database(self):
        """It is not advised to make one that knows nothing of the run."""
        missing = self.fleet.file("missing.db")
        for words in (("rollout", "settle", "latest"), ("rollout", "status", "latest"), ("rollout", "abort", "latest"),
                      ("rollout", "start", "0123456789ab"), ("audit", "report", "latest")):
            result = self.run_words(*self.options[:4], "--db", missing, *words).expect(4, "there is no database", "--db")
            self.assertNotIn("inventory sync", result.err)
        self.assertFalse(os.path.exists(missing))

    def test_a_quiet_detached_run_gives_no_hint(self):
        """… and one that is not quiet gives one that can be pasted."""
        self.rollcall("inventory", "sync").expect(0)
        path = self.fleet.write("d.json", '{"name": "other", "rules": [{"attributes": {"team": "a"}}]}')
        self.rollcall("config", "add", path).expect(0)
        self.rollcall("inventory", "survey").expect(0)
        for host, quiet in ((HOST, ("-q",)), ("node002.lab", ())):
            plan = self.rollcall("rollout", "plan", "other", "--where", f"hostname = '{host}'", "--json").expect(0).json()
            told = self.rollcall("rollout", "start", plan["hash"], "--detach", *quiet).expect(0, "is driven by process")
            self.assertEqual("See it with" in told.out, not quiet, told)
            watched = self.rollcall("rollout", "watch", "latest") if quiet else self.paste(told, "rollout", "watch")
            watched.expect(0, "1 of 1")


if __name__ == "__main__":
    unittest.main()
