# SPDX-License-Identifier: Apache-2.0
"""What the inventory's tests stand on: a folder with a cluster file, a master's captured answers, a real SSH server."""
import datetime
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import documents

BIN = os.path.abspath(os.environ.get("ROLLCALL_BIN", "build/gcc/bin"))
CAPTURED = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos", "captured")
MASTER_ID = "8f2ece77-393b-4ca8-b8c1-0914a9839fd8"


def captured(name):
    with open(os.path.join(CAPTURED, name), "rb") as file:
        return file.read()


class Master:
    """Answers as a real master did. `broken` is called with the handler instead, when it is set."""

    def __init__(self):
        self.broken, self.agents = None, json.loads(captured("master-v1-GET_AGENTS.json"))
        master = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                master.answer(self, None)

            def do_POST(self):
                call = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                master.answer(self, json.loads(call)["type"])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, call):
        if self.broken:
            self.broken(handler)
            return
        by_path = {"/state": "master-state.json", "/flags": "master-flags.json", "/slaves": "master-slaves.json"}
        if handler.path == "/api/v1" and handler.headers["Accept"] != "application/json":
            send(handler, 406, b"")
        elif handler.path == "/api/v1":
            send(handler, 200, json.dumps(self.call(call)).encode())
        elif handler.path in by_path:
            send(handler, 200, captured(by_path[handler.path]))
        else:
            send(handler, 404, b"")

    def call(self, call):
        if call == "GET_AGENTS":
            return self.agents
        if call == "GET_FRAMEWORKS":  # was captured as a part of the whole state
            state = json.loads(captured("master-v1-GET_STATE.json"))["get_state"]
            return {"type": call, "get_frameworks": state["get_frameworks"]}
        return json.loads(captured("master-v1-%s.json" % call))


def send(handler, status, body, **headers):
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


class Sshd:
    """A real SSH server on 127.0.0.1 for the user who runs the tests."""

    def __init__(self, folder):
        self.folder, self.log = folder, os.path.join(folder, "sshd.log")
        for name in ("host_key", "identity", "other_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(folder, name)],
                           check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        shutil.copy(os.path.join(folder, "identity.pub"), os.path.join(folder, "authorized_keys"))
        self.trust("host_key")
        with open(os.path.join(folder, "sshd_config"), "w", encoding="utf-8") as file:
            file.write("ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host_key\nAuthorizedKeysFile "
                       "%s/authorized_keys\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
                       "PasswordAuthentication no\nPidFile none\nUseDNS no\nPrintMotd no\n"
                       % (self.port, folder, folder))
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-E", self.log, "-f",
                                         os.path.join(folder, "sshd_config")])
        self.wait()

    def trust(self, key):
        with open(os.path.join(self.folder, key + ".pub"), encoding="utf-8") as public, \
                open(os.path.join(self.folder, "known_hosts"), "w", encoding="utf-8") as known:
            known.write("[127.0.0.1]:%d %s" % (self.port, public.read()))

    def wait(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("sshd does not listen")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.config = os.path.join(self.folder, "rollcall.json")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def write_cluster(self, masters, **more):
        self.write("rollcall.json", json.dumps({"clusters": {"lab": {"masters": masters, **more}}}))

    def run_rollcall(self, *words, status=0):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("ROLLCALL_") and not name.lower().endswith("_proxy")}
        done = subprocess.run([os.path.join(BIN, "rollcall"), *words], cwd=self.folder, env=env, capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if status > 1:
            self.assertRegex(done.stderr, r"(?m)^rollcall: ")
            self.assertEqual(done.stderr.count("rollcall: "), 1, done.stderr)
        return done

    def json(self, schema, *words, status=0):
        document = json.loads(self.run_rollcall(*words, "--json", status=status).stdout)
        documents.check(document, documents.load(schema))
        return document


class WithMaster(InFolder):
    def setUp(self):
        super().setUp()
        self.master = Master()
        self.addCleanup(self.master.stop)
        self.write_cluster([self.master.url])


def now():
    """A moment between two syncs, as the commands take it."""
    time.sleep(0.02)
    moment = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.02)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class WithHistory(InFolder):
    def setUp(self):
        super().setUp()
        self.master = Master()
        self.addCleanup(self.master.stop)
        self.write_cluster([self.master.url])
        self.agents = self.master.agents["get_agents"]["agents"]

    def sync(self):
        self.run_rollcall("inventory", "sync")

    def hosts(self, *words):
        rows = self.json("inventory-columns", "inventory", "list", "--columns", "hostname", *words)["rows"]
        return [row["hostname"].split(".")[0] for row in rows]
