#!/usr/bin/env python3
# asan: yes
# SPDX-License-Identifier: Apache-2.0
"""Masters behind TLS, passwords, tokens and proxies; and a leader that changes in the middle of a rollout."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from fleet import Fleet
from lab import BIN
from masters import Authority, Master, ZooKeeper

SECRET = "swordfish-4711"
BASIC = "Basic " + base64.b64encode(f"rollcall:{SECRET}".encode()).decode()


class Access(unittest.TestCase):
    """inventory sync, against masters that want to know who asks."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.certificates)
        cls.authority = Authority(cls.certificates)
        cls.client = cls.authority.sign("client")

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.secret = os.path.join(self.folder, "secret")
        self.write_secret(SECRET)

    def write_secret(self, text, mode=0o600):
        with open(self.secret, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(self.secret, mode)

    def master(self, **options):
        master = Master(**options)
        self.addCleanup(master.close)
        return master

    def sync(self, code, *words, masters, env=None, **access):
        with open(os.path.join(self.folder, "rollcall.json"), "w", encoding="utf-8") as file:
            json.dump({"clusters": {"c": {"masters": masters, "access": {"attempts": 1, **access}}}}, file)
        clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        result = subprocess.run([os.path.join(BIN, "rollcall"), "-v", "inventory", "sync"], cwd=self.folder, check=False,
                                capture_output=True, text=True, timeout=120, env={**clean, **(env or {})})
        said = result.stdout + result.stderr
        self.assertEqual(result.returncode, code, said)
        for word in words:
            self.assertIn(word, said)
        self.assertNotIn(SECRET, said)
        return result

    def assert_secret_is_nowhere(self):
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if name == "secret":
                    continue
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(SECRET.encode(), file.read(), name)

    def test_certificates_and_a_password(self):
        leader = self.master(tls=self.authority.server(), wanted=[BASIC])
        other = self.master(tls=self.authority.server(), wanted=[BASIC], leader=leader.port)
        certificate, key = self.client
        tls = {"ca": self.authority.ca, "certificate": certificate, "key": key}
        password = {"user": "rollcall", "password": {"file": "secret"}}
        self.sync(0, "3 agents", masters=[other.url, leader.url], **tls, **password)
        self.assertTrue(all(seen == BASIC for _, seen in leader.seen + other.seen))
        self.assert_secret_is_nowhere()

        self.sync(4, "TLS failed", masters=[leader.url], certificate=certificate, key=key, **password)
        self.sync(4, leader.url, masters=[leader.url], ca=self.authority.ca, **password)
        self.sync(4, "HTTP 401", "\"access\"", masters=[leader.url], **tls)
        stranger = Authority(self.folder, "stranger")
        self.sync(4, "TLS failed", masters=[leader.url], **{**tls, "ca": stranger.ca}, **password)
        os.chmod(key, 0o644)
        self.sync(3, "access.key", "chmod 600", masters=[leader.url], **tls, **password)
        os.chmod(key, 0o600)
        self.write_secret("wrong")
        self.sync(4, "HTTP 401", masters=[leader.url], **tls, **password)

    def test_a_redirect_out_of_tls_is_not_followed(self):
        plain = self.master(wanted=[BASIC])
        other = self.master(tls=self.authority.server(clients=False), wanted=[BASIC])

        class OutOfTls(other.RequestHandlerClass):
            def answer(self, body):
                self.reply(307, "text/plain", b"", Location=plain.url + self.path)
        other.RequestHandlerClass = OutOfTls
        self.sync(4, "without TLS", masters=[other.url], ca=self.authority.ca, user="rollcall", password={"file": "secret"})
        self.assertEqual(plain.seen, [])

    def test_secrets_are_kept(self):
        master = self.master(wanted=[BASIC])
        password = {"user": "rollcall", "password": {"file": "secret"}}
        self.sync(0, masters=[master.url], **password)
        self.write_secret(SECRET, 0o644)
        self.sync(3, "access.password", "mode 0644", "chmod 600", masters=[master.url], **password)
        self.write_secret(SECRET, 0o640)
        self.sync(3, "access.password", masters=[master.url], **password)
        os.remove(self.secret)
        self.sync(4, "access.password", "No such file", masters=[master.url], **password)
        self.write_secret("")
        self.sync(2, "access.password", "is empty", masters=[master.url], **password)
        host = master.url.split("//")[1]
        self.sync(2, "access", "mode 0600", masters=[f"http://rollcall:{SECRET}@{host}"])
        self.sync(2, "access", "mode 0600", masters=f"zk://rollcall:{SECRET}@{host}/mesos")
        self.sync(2, "access.password", "{\"file\": PATH}", masters=[master.url], user="rollcall", password=SECRET)
        self.sync(2, "access.proxy", "proxy_credentials", masters=[master.url], proxy=f"http://a:{SECRET}@{host}")
        self.assertEqual(len([1 for path, _ in master.seen if path == "/api/v1"]), 4)

    def test_tokens(self):
        bearer = self.master(wanted=[f"Bearer {SECRET}"])
        dcos = self.master(wanted=[f"token={SECRET}"])
        self.sync(0, masters=bearer.url, token={"file": "secret"})
        self.sync(0, masters=dcos.url, token={"env": "MASTER_TOKEN"}, token_scheme="dcos", env={"MASTER_TOKEN": SECRET})
        self.sync(4, "no variable MASTER_TOKEN", masters=dcos.url, token={"env": "MASTER_TOKEN"})
        self.assert_secret_is_nowhere()

    def test_proxies(self):
        """A proxy is asked with the whole URL; nobody else knows the master's name."""
        proxy = self.master()
        reached = []

        class Proxy(proxy.RequestHandlerClass):
            def answer(self, body):
                reached.append((self.path, self.headers.get("Proxy-Authorization")))
                self.path = "/" + self.path.split("/", 3)[3]
                super().answer(body)
        proxy.RequestHandlerClass = Proxy
        far = "http://master.invalid:5050"
        self.sync(0, "3 agents", masters=far, proxy=proxy.url)
        self.assertTrue(reached and all(path.startswith(far + "/") for path, _ in reached))
        self.write_secret(f"me:{SECRET}")
        self.sync(0, masters=far, proxy=proxy.url, proxy_credentials={"file": "secret"})
        self.assertTrue(reached[-1][1].startswith("Basic "))
        self.sync(0, masters=far, env={"http_proxy": proxy.url})
        self.sync(4, "no host of that name", masters=far, env={"http_proxy": proxy.url}, proxy="none")
        self.assert_secret_is_nowhere()


class Failover(unittest.TestCase):
    """A run whose leader goes while it is under way: the next one is found in ZooKeeper."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=2, zones=1, tasks=1)
        cls.addClassCleanup(cls.fleet.close)
        folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.zookeeper = ZooKeeper(folder)
        cls.addClassCleanup(cls.zookeeper.close)
        cls.zookeeper.create("/mesos")

    def use_zookeeper(self):
        path = os.path.join(self.fleet.dir, "rollcall.json")
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        for cluster in document["clusters"].values():
            cluster["masters"] = f"zk://127.0.0.1:{self.zookeeper.port}/mesos"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)

    def test_leader_goes_in_the_middle(self):
        fleet, zookeeper = self.fleet, self.zookeeper
        first, second = Master(behind=fleet.master), Master(behind=fleet.master)
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        node = zookeeper.register("/mesos", first.port)
        zookeeper.register("/mesos", second.port)
        self.use_zookeeper()
        fleet.rollcall("inventory", "sync").expect(0, "2 agents")
        self.assertEqual(second.seen, [])
        fleet.add_config("fleet", [{"attributes": {"generation": "g2"}}])
        plan = fleet.plan("fleet", "--window", "1")
        asked = []

        def fail_over(server, call):
            """With the third question of the run it sends on to the second master, and is gone from ZooKeeper."""
            asked.append(call)
            if asked.count("GET_AGENTS") == 3 and server.leader is None:
                server.leader = second.port
                zookeeper.delete(node)
        first.on_request = fail_over
        fleet.rollcall("rollout", "start", plan).expect(0, "2 of 2: same ID")
        self.assertTrue(first.leader, "the run was over before the leader went")
        self.assertIn("/api/v1", [path for path, _ in second.seen])
        self.assertEqual(fleet.latest()["counts"]["done"], 2)


if __name__ == "__main__":
    unittest.main()
