#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several lab masters and their ZooKeeper, TLS, and authentication."""
import base64
import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from lab import BIN, Lab, eventually, run_lab
from lab_master import FOUR, LONG, ONE, WithMaster

FOLLOWERS_ANSWER = ["/health", "/version", "/flags", "/metrics/snapshot", "/master/health", "/master/flags"]
FOLLOWERS_REDIRECT = ["/slaves?slave_id=x%20y&a=b", "/master/slaves", "/state", "/state-summary", "/tasks?limit=3",
                      "/frameworks", "/roles", "/maintenance/schedule", "/maintenance/status", "/machine/down",
                      "/machine/up", "/api/v1"]


class ZooKeeper:
    """Just enough of the protocol to look around, written without a look at the lab's own client."""

    def __init__(self, address):
        host, port = address.split(":")
        self.connection = socket.create_connection((host, int(port)), 30)
        self.exchange(struct.pack(">iqiq", 0, 0, 10000, 0) + struct.pack(">i", 16) + bytes(16) + b"\0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def receive(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def exchange(self, packet):
        self.connection.sendall(struct.pack(">i", len(packet)) + packet)
        return self.receive(struct.unpack(">i", self.receive(4))[0])

    def ask(self, operation, path):
        name = path.encode()
        answer = self.exchange(struct.pack(">ii", 1, operation) + struct.pack(">i", len(name)) + name + b"\0")
        code = struct.unpack(">i", answer[12:16])[0]
        if code != 0:
            raise OSError(code)
        return answer[16:]

    def get(self, path):
        data = self.ask(4, path)
        return data[4:4 + struct.unpack(">i", data[:4])[0]]

    def children(self, path):
        data, at, names = self.ask(8, path), 4, []
        for _ in range(struct.unpack(">i", data[:4])[0]):
            size = struct.unpack(">i", data[at:at + 4])[0]
            names.append(data[at + 4:at + 4 + size].decode())
            at += 4 + size
        return sorted(names)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


PLAIN = urllib.request.build_opener(NoRedirects)


def look(url, opener=PLAIN, headers=None):
    """(status, headers, body) without following a redirect."""
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class WithMasters(WithMaster):
    words = ["--agents", "4", "--zones", "2", "--masters", "3", "--masters-without-domain", "1"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(cls.lab.dir, "lab.json")) as file:
            description = json.load(file)
        cls.zookeeper, cls.masters = description["zookeeper"], [one["address"] for one in description["masters"]]

    def status(self):
        return json.loads(run_lab("status", "--dir", self.lab.dir, "--json").stdout)

    def leader(self):
        """The address of who leads, and everything the class asks goes there from now on; None: nobody."""
        for one in self.status()["masters"]:
            if one["leads"]:
                self.lab.master = one["address"]
                return one["address"]
        return None

    def settled(self, count=4):
        """Somebody leads, and so many agents are in."""
        def whole():
            try:
                return self.leader() and len([a for a in self.lab.agents().values() if a["active"]]) == count
            except OSError:
                return False
        eventually(whole, LONG, f"the return of {count} agents")
        return self.lab.master


class Election(WithMasters):
    def setUp(self):
        self.lab.heal("master")
        if eventually(self.leader, LONG, "a leader") == self.masters[2]:
            self.lab.break_("master", "failover")  # it has no domain: the agents could not come back
        self.settled()
        eventually(lambda: self.candidates() == 3, LONG, "three candidates")

    def candidates(self):
        try:
            with ZooKeeper(self.zookeeper) as zookeeper:
                return len([name for name in zookeeper.children("/mesos") if name.startswith("json.info_")])
        except OSError:
            return 0

    def test_nodes(self):
        with ZooKeeper(self.zookeeper) as zookeeper:
            names = [name for name in zookeeper.children("/mesos") if name != "log_replicas"]
            self.assertEqual(len(names), 3)
            for name in names:
                self.assertRegex(name, r"^json\.info_[0-9]{10}$")
            infos = [json.loads(zookeeper.get("/mesos/" + name)) for name in names]
            replicas = [zookeeper.get("/mesos/log_replicas/" + name).decode()
                        for name in zookeeper.children("/mesos/log_replicas")]
        leader = infos[0]  # the lowest sequence
        self.assertEqual(f"{leader['address']['ip']}:{leader['address']['port']}", self.lab.master)
        self.assertEqual(leader["id"], self.lab.get_json("/state")["id"])
        self.assertEqual(set(leader) - {"domain"}, {"address", "capabilities", "hostname", "id", "ip", "pid", "port",
                                                    "version"})
        self.assertEqual(leader["capabilities"], [{"type": "AGENT_UPDATE"}, {"type": "AGENT_DRAINING"},
                                                  {"type": "QUOTA_V2"}])
        self.assertEqual(struct.pack("<I", leader["ip"]), socket.inet_aton(leader["address"]["ip"]))
        self.assertEqual(["domain" in info for info in infos].count(False), 1)
        self.assertEqual(sorted(replicas), sorted("log-replica(1)@" + master for master in self.masters))

    def test_who_answers_what(self):
        leader = self.lab.master
        for follower in set(self.masters) - {leader}:
            for path in FOLLOWERS_ANSWER:
                self.assertEqual(look(f"http://{follower}{path}")[0], 200, path)
            for path in FOLLOWERS_REDIRECT:
                status, headers, body = look(f"http://{follower}{path}")
                self.assertEqual((status, headers["Location"], body), (307, f"//{leader}{path}", b""))
            for path, wanted in (("/redirect", f"//{leader}"), ("/master/redirect", f"//{leader}")):
                status, headers, _ = look(f"http://{follower}{path}")
                self.assertEqual((status, headers["Location"]), (307, wanted))
            self.assertEqual(look(f"http://{follower}/redirect/x")[0], 404)
            self.assertEqual(look(f"http://{follower}/nope")[0], 404)
            metrics = json.loads(look(f"http://{follower}/metrics/snapshot")[2])
            self.assertEqual((metrics["master/elected"], metrics["master/slaves_active"]), (0, 0))
            flags = json.loads(look(f"http://{follower}/flags")[2])["flags"]
            self.assertEqual((flags["zk"], flags["quorum"]), (f"zk://{self.zookeeper}/mesos", "2"))

    def test_cluster_file(self):
        with open(os.path.join(self.lab.dir, "rollcall.json")) as file:
            self.assertEqual(json.load(file)["clusters"]["lab"]["masters"], f"zk://{self.zookeeper}/mesos")

    def test_leader_without_domain(self):
        """It ignores agents that have a domain: they are stranded until another master leads."""
        bare = self.masters[2]
        for _ in range(3):  # the others give way, one after the other
            if self.leader() == bare:
                break
            before = self.lab.master
            self.lab.break_("master", "failover")
            eventually(lambda old=before: self.leader() not in (None, old), LONG, "another leader")
            eventually(lambda: self.candidates() == 3, LONG, "the old leader's candidacy")
        self.assertEqual(self.lab.master, bare)
        eventually(lambda: list(self.lab.agents()) == [FOUR], LONG, "the agent without a domain")
        eventually(lambda: self.master_log("master:3").count("but the master has no configured domain.") >= 3, LONG,
                   "three agents that are ignored")
        recovered = self.lab.get_json("/slaves")["recovered_slaves"]
        self.assertEqual(len(recovered), 3)
        self.assertNotIn("domain", self.lab.get_json("/state"))
        self.lab.break_("master", "failover")
        self.settled()


class Failover(WithMasters):
    words = ["--agents", "4", "--zones", "2", "--masters", "3"]

    def test_failover(self):
        """Agents follow; what operators did, and who the agents are, is the next leader's too."""
        old = self.settled()
        before, tasks = self.lab.agents(), self.lab.running()
        old_id = self.lab.get_json("/state")["id"]
        self.assertEqual(self.on_agent("DEACTIVATE_AGENT", FOUR), (200, ""))
        schedule = {"windows": [{"machine_ids": [{"hostname": ONE}], "unavailability": {"start": {"nanoseconds": 1}}}]}
        self.assertEqual(self.ask("/maintenance/schedule", schedule)[0], 200)
        self.lab.break_("master", "failover")
        new = self.settled(3)
        self.assertNotEqual(new, old)
        self.assertNotEqual(self.lab.get_json("/state")["id"], old_id)
        eventually(lambda: len(self.lab.agents()) == 4, LONG, "the fourth agent")
        after = self.lab.agents()
        self.assertEqual({name: agent["id"] for name, agent in after.items()},
                         {name: agent["id"] for name, agent in before.items()})
        self.assertEqual(self.lab.running(), tasks)
        self.assertTrue(after[FOUR]["deactivated"])
        self.assertEqual(self.lab.get_json("/maintenance/schedule"), schedule)
        self.assertEqual(self.on_agent("REACTIVATE_AGENT", FOUR), (200, ""))
        self.assertEqual(self.ask("/maintenance/schedule", {})[0], 200)

        def follows():
            try:
                return look(f"http://{old}/slaves")[1]["Location"] == f"//{new}/slaves"
            except OSError:
                return False  # it is being started again
        eventually(follows, LONG, "the old leader to follow")


class Crashes(WithMasters):
    words = ["--agents", "1", "--zones", "1", "--masters", "3"]

    def test_leader_is_killed(self):
        """Its node outlives it until the session has run out; then the next one leads."""
        old = self.settled(1)
        tasks, before = self.lab.running(), self.lab.agents()
        role = f"master:{self.masters.index(old) + 1}"
        self.addCleanup(self.lab.heal, "master")
        self.lab.break_(role, "down")
        eventually(lambda: self.leader() not in (None, old), LONG, "another leader")
        self.settled(1)
        self.assertEqual({name: agent["id"] for name, agent in self.lab.agents().items()},
                         {name: agent["id"] for name, agent in before.items()})
        self.assertEqual(self.lab.running(), tasks)

    def test_zookeeper_is_killed(self):
        old = self.settled(1)
        followers = set(self.masters) - {old}
        self.addCleanup(self.lab.heal, "master")
        self.lab.break_("master", "zookeeper-down")
        eventually(lambda: self.leader() is None, LONG, "the leader's end")

        def nobody():
            try:
                return [look(f"http://{one}/slaves")[::2] for one in followers] == [(503, b"No leader elected")] * 2
            except OSError:
                return False
        eventually(nobody, LONG, "followers that know of no leader")
        self.lab.heal("master")
        self.settled(1)


class Secure(unittest.TestCase):
    """HTTPS with the lab's own CA, and credentials."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--agents", "1", "--zones", "1", "--masters", "2", "--tls", "--authenticate")
        with open(os.path.join(cls.lab.dir, "lab.json")) as file:
            cls.masters = [one["address"] for one in json.load(file)["masters"]]
        with open(os.path.join(cls.lab.dir, "rollcall.json")) as file:
            cls.access = json.load(file)["clusters"]["lab"]["access"]

    @classmethod
    def tearDownClass(cls):
        cls.lab.down()
        if cls.lab.processes():
            raise AssertionError(f"left over: {cls.lab.processes()}")

    def file(self, name):
        return os.path.join(self.lab.dir, name)

    def opener(self, with_ca=True, with_certificate=False):
        context = ssl.create_default_context(cafile=self.file(self.access["ca"]) if with_ca else None)
        if with_certificate:
            context.load_cert_chain(self.file(self.access["certificate"]), self.file(self.access["key"]))
        return urllib.request.build_opener(NoRedirects, urllib.request.HTTPSHandler(context=context))

    def credentials(self, secret=None):
        if secret is None:
            with open(self.file(self.access["password"]["file"])) as file:
                secret = file.read()
        return {"Authorization": "Basic " + base64.b64encode(f"{self.access['user']}:{secret}".encode()).decode()}

    def leader(self):
        for address in self.masters:
            if look(f"https://{address}/slaves", self.opener(), self.credentials())[0] == 200:
                return address
        return None

    def test_files_are_for_their_owner_only(self):
        for name in (self.access["password"]["file"], self.access["key"], "credentials.json", "tls/master-key.pem",
                     "tls/ca-key.pem"):
            self.assertEqual(os.stat(self.file(name)).st_mode & 0o077, 0, name)

    def test_certificates(self):
        leader = eventually(self.leader, LONG, "a leader")
        for master in self.masters:
            self.assertEqual(look(f"https://{master}/health", self.opener())[0], 200)
            self.assertEqual(look(f"https://{master}/health", self.opener(with_certificate=True))[0], 200)
            with self.assertRaisesRegex(urllib.error.URLError, "CERTIFICATE_VERIFY_FAILED"):
                look(f"https://{master}/health", self.opener(with_ca=False))
            with self.assertRaises((OSError, urllib.error.URLError)):
                look(f"http://{master}/health")
        other = next(master for master in self.masters if master != leader)
        status, headers, _ = look(f"https://{other}/slaves", self.opener(), self.credentials())
        self.assertEqual((status, headers["Location"]), (307, f"//{leader}/slaves"))

    def test_credentials(self):
        for master in self.masters:
            for path, realm in (("/slaves", "readonly"), ("/flags", "readonly"), ("/metrics/snapshot", "readonly"),
                                ("/maintenance/status", "readonly"), ("/api/v1", "readwrite"),
                                ("/maintenance/schedule", "readwrite"), ("/machine/down", "readwrite")):
                for headers in ({}, self.credentials("wrong"), {"Authorization": "Bearer x"}):
                    status, got, body = look(f"https://{master}{path}", self.opener(), headers)
                    self.assertEqual((status, got["WWW-Authenticate"], body),
                                     (401, f'Basic realm="mesos-master-{realm}"', b"401 Unauthorized."))
            for path in ("/health", "/version"):
                self.assertEqual(look(f"https://{master}{path}", self.opener())[0], 200)
            status, _, body = look(f"https://{master}/flags", self.opener(), self.credentials())
            flags = json.loads(body)["flags"]
            self.assertEqual((status, flags["authenticate_http_readonly"], flags["authenticate_http_readwrite"]),
                             (200, "true", "true"))

    def test_rollcall_finds_its_way(self):
        """With nothing but the cluster file: ZooKeeper, the CA, the client's certificate, the password."""
        eventually(self.leader, LONG, "a leader")
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([os.path.join(BIN, "rollcall"), "--config", self.file("rollcall.json"), "--db",
                                     os.path.join(folder, "db"), "inventory", "sync"], capture_output=True, text=True,
                                    timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_cluster_file_names_everything(self):
        self.assertEqual(set(self.access), {"ca", "certificate", "key", "tls", "user", "password"})
        subprocess.run(["openssl", "verify", "-CAfile", self.file("tls/ca.pem"), self.file("tls/master.pem"),
                        self.file(self.access["certificate"])], check=True, capture_output=True)


class BadInput(WithMasters):
    words = ["--agents", "1", "--zones", "1", "--masters", "2"]

    def test_break(self):
        for words, says in ((["master", "redirect"], "redirect by themselves"), (["master:3", "503"], "has no master"),
                            (["master:2", "explode"], "is no fault of the master"),
                            (["master", "refuse-role"], "wants --match ROLE")):
            result = run_lab("break", "--dir", self.lab.dir, *words)
            self.assertEqual((result.returncode, says in result.stderr), (2, True), (words, result.stderr))


    def test_up(self):
        for words, says in ((["--masters-without-domain", "1"], "one master at least needs a domain"),
                            (["--masters", "9"], "--masters"), (["--master-version", "0.28"], "--master-version takes"),
                            (["--masters", "2", "--master-version", "1.11.0,x"], "x")):
            result = run_lab("up", "--dir", "/nonexistent/lab", *words)
            self.assertEqual((result.returncode, says in result.stderr), (2, True), (words, result.stderr))


if __name__ == "__main__":
    unittest.main(verbosity=2)
