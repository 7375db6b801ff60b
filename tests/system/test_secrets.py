#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No planted secret is in the database, a report, an export, the log or a process's words: flags that hold one, passwords in URLs, tokens
in the URLs of webhooks, and what an agent says when it ends."""
import glob
import json
import os
import unittest

from falsified import Watcher
from fleet import Fleet
from receiver import Receiver

PLANTED = {"flag": "planted-flag-51c2", "url": "planted-url-e07d", "zk": "planted-zk-88a1",
           "config": "planted-config-6d40", "hook": "planted-hook-19be", "path": "planted-path-c3f5"}

# Of a command line, which every process may read: other than those.
REFUSED = "refused-token-77aa"


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
            self.assertFalse(secret.encode() in found, f"the secret of the {where} was kept or shown")

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
