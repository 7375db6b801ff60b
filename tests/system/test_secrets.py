#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No planted secret is in the database, a report, an export, the log or a process's words: flags that hold one, passwords in URLs, tokens
in the URLs of webhooks, and what an agent says when it ends."""
import glob
import json
import os
import secrets
import unittest

from falsified import Watcher
from fleet import Fleet
from lab import eventually
from receiver import Receiver

# New ones each time: every process of the machine is looked at, and another one may speak of those of another run, or of this file.
PLANTED = {where: f"planted-{where}-{secrets.token_hex(8)}" for where in ("flag", "url", "zk", "config", "hook", "path")}

# Of a command line, which every process may read: other than those.
REFUSED = "refused-token-" + secrets.token_hex(8)


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = fleet = Fleet(agents=2, zones=1, tasks=1, scale=20)
        cls.addClassCleanup(fleet.close)
        for host in fleet.names:
            with open(fleet.path(host, "etc/default/mesos-agent"), "a", encoding="utf-8") as file:
                file.write(f"MESOS_JWT_SECRET_KEY={PLANTED['flag']}\n"
                           f"MESOS_DOCKER_REGISTRY=https://anna:{PLANTED['url']}@registry.example.com\n"
                           f"MESOS_FETCHER_CACHE_DIR=zk://anna:{PLANTED['zk']}@h1:2181,h2:2181/mesos\n")
            fleet.restart(host)
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.stop)
        cls.receiver.behave = lambda post: 500
        cls.watcher = Watcher()
        try:
            cls.shown = cls.work()
        finally:
            cls.processes = cls.watcher.end()

    @classmethod
    def work(cls):
        """A rollout in which an agent ends with words of its own, and its retry."""
        fleet, said = cls.fleet, []
        fleet.rollcall("inventory", "sync").expect(0)
        fleet.rollcall("inventory", "survey").expect(0)
        fleet.add_config("web", [{"attributes": {"rack": "r9"}}])
        # Neither of the two takes anything: what went wrong is kept.
        for name, url in (("refuses", cls.receiver.url), ("down", "http://127.0.0.1:9")):
            path = fleet.write(name, f"{url}/{PLANTED['path']}?token={PLANTED['hook']}\n")
            os.chmod(path, 0o600)
            said += [fleet.rollcall("webhook", "add", name, "--url-file", path, "--json").expect(0),
                     fleet.rollcall("webhook", "test", name).expect(4)]
            if name == "refuses":
                assert f"/{PLANTED['path']}?token={PLANTED['hook']}" in cls.receiver.paths[0], cls.receiver.paths
        fleet.break_(fleet.names[1], "agent-exit")
        said.append(fleet.rollcall("rollout", "start", fleet.plan("web", "--ignore", "attributes")).expect(1))
        said.append(fleet.rollcall("audit", "report", "latest", "--format", "text").expect(0, "broken by the lab"))
        fleet.break_(fleet.names[1], "none")
        said.append(fleet.rollcall("rollout", "retry", "latest").expect(0))
        for words in (("audit", "log", "--json"), ("audit", "log"), ("audit", "export"), ("inventory", "export"),
                      ("inventory", "show", fleet.names[0], "--json"), ("inventory", "show", fleet.names[0]),
                      ("rollout", "status", "latest", "--json"), ("inventory", "drift", "--json"), ("webhook", "list"),
                      ("webhook", "list", "--json"), ("observer", "queue"), ("observer", "queue", "--json"),
                      ("observer", "deliver", "--for", "2secs")):
            said.append(fleet.rollcall(*words))
        for form in ("text", "markdown", "html", "csv", "json"):
            said.append(fleet.rollcall("audit", "report", "latest", "--format", form).expect(0))
        return b"\n".join((result.out + result.err).encode() for result in said)

    def test_nothing_planted_is_anywhere(self):
        everything = [self.shown, self.processes]
        paths = glob.glob(os.path.join(self.fleet.dir, "rollcall.db*")) + glob.glob(os.path.join(self.fleet.dir, "*.log"))
        for host in self.fleet.names:
            paths += glob.glob(self.fleet.path(host, "var/lib/rollcall/**/agent-said"), recursive=True)
        self.assertGreater(len(paths), 1)
        for path in paths:
            with open(path, "rb") as file:
                everything.append(file.read())
        found = b"\n".join(everything)
        self.assertIn(b"https://<redacted>@registry.example.com", found)
        for where, secret in PLANTED.items():
            at = found.find(secret.encode())
            self.assertLess(at, 0, f"the secret of the {where} was kept or shown: {found[max(at - 200, 0):at + 80]}")

    def speak_for_agentctl(self, host, secret):
        """`agentctl rescue` fails there with words that nobody has looked through; whatever else it is asked it does."""
        path, = glob.glob(self.fleet.path(host, "var/lib/rollcall/bin/agentctl-*"))
        kept = path.replace("agentctl-", "kept-")
        os.rename(path, kept)
        beside = f'"$(dirname "$0")/{os.path.basename(kept)}"'
        script = f'#!/bin/sh\n[ "$1" = rescue ] || exec {beside} "$@"\necho "login failed: token={secret} <<" >&2\nexit 9\n'
        with open(path, "w", encoding="utf-8") as file:
            file.write(script.ljust(os.stat(kept).st_size, "\n"))
        os.chmod(path, 0o700)

    def test_what_a_host_says_of_a_rescue_is_redacted(self):
        fleet, host, secret = self.fleet, self.fleet.names[0], "planted-rescue-" + secrets.token_hex(8)
        fleet.edit_flags(host, "generation:g1", "generation:bad")
        fleet.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: fleet.show(host, "ActiveState") == "failed", 120, "the supervisor's giving up")
        where = f"hostname = '{host}'"
        proposal = fleet.rollcall("rescue", where, "--json").expect(0).json()["proposal"]
        self.speak_for_agentctl(host, secret)
        said = fleet.rollcall("rescue", where, "--yes", proposal).expect(1, "token=<redacted>")
        told = fleet.rollcall("audit", "log", f"rescue-{proposal[:12]}", "--json").expect(0, "token=<redacted>")
        with open(os.path.join(fleet.dir, "rollcall.db"), "rb") as database:
            self.assertNotIn(secret.encode(), database.read() + (said.out + said.err + told.out).encode())

    def test_a_token_in_a_url_is_refused(self):
        for url in ("http://127.0.0.1:9/x?token=" + REFUSED, f"http://anna:{REFUSED}@127.0.0.1:9/x"):
            for kind in (("webhook", "add", "x"), ("observer", "add", "x", "--framework", "y")):
                said = self.fleet.rollcall(*kind, "--url", url).expect(2, "--url-file")
                self.assertNotIn(REFUSED, said.out + said.err)
        path = self.fleet.write("url", "http://127.0.0.1:9/x?token=" + REFUSED)
        os.chmod(path, 0o644)
        self.fleet.rollcall("webhook", "add", "x", "--url-file", path).expect(3, "chmod 600")
        self.fleet.rollcall("webhook", "add", "x", "--url-file", path, "--url", "http://127.0.0.1:9/").expect(2, "one of them")
        os.chmod(path, 0o600)
        self.fleet.write("url", REFUSED)
        said = self.fleet.rollcall("webhook", "add", "x", "--url-file", path).expect(2, "no http:// or https:// URL")
        self.assertNotIn(REFUSED, said.out + said.err)

    def test_a_password_in_a_config_is_refused(self):
        path = self.fleet.write("secret.json", json.dumps({"name": "secret", "rules": [
            {"flags": {"docker_registry": f"https://anna:{PLANTED['config']}@registry.example.com"}}]}))
        self.fleet.rollcall("config", "add", path).expect(2, "holds a user or password")


if __name__ == "__main__":
    unittest.main(verbosity=2)
