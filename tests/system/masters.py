# SPDX-License-Identifier: Apache-2.0
"""What tests need of masters: stand-ins that answer as a captured master did, or hand questions on to another; certificates; and a
real ZooKeeper with just enough of a client to register masters in it."""
import http.server
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

CAPTURED = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos", "captured")
PATIENCE = 60


def captured(name):
    with open(os.path.join(CAPTURED, name), "rb") as file:
        return file.read()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- masters

class Master(http.server.ThreadingHTTPServer):
    """One that answers as captured, or what `behind` (HOST:PORT) answers. leader: the port it redirects to."""
    daemon_threads = True

    def __init__(self, tls=None, wanted=None, behind=None, leader=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.wanted, self.behind, self.leader = wanted, behind, leader
        self.port = self.server_address[1]
        self.seen = []  # (path, Authorization)
        self.on_request = None  # called with the server and the call's type, before it is answered
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.port)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that do not trust us, or that we do not trust

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def reply(self, status, kind, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def forward(self, body):
        request = urllib.request.Request(f"http://{self.server.behind}{self.path}", body or None, {
            name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                self.reply(answer.status, answer.headers.get("Content-Type", ""), answer.read())
        except urllib.error.HTTPError as error:
            self.reply(error.code, "text/plain", error.read())

    def answer(self, body):
        path = self.path.split("?")[0]
        call = json.loads(body)["type"] if body else path
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        if self.server.on_request:
            self.server.on_request(self.server, call)
        if self.server.wanted and self.headers.get("Authorization") not in self.server.wanted:
            self.reply(401, "text/plain", b"", **{"WWW-Authenticate": 'Basic realm="mesos"'})
        elif path.endswith("/version"):
            self.reply(200, "application/json", captured("master-version.json"))
        elif self.server.leader and not path.endswith("/flags"):
            self.reply(307, "text/plain", b"", Location=f"//127.0.0.1:{self.server.leader}{self.path}")
        elif self.server.behind:
            self.forward(body)
        elif call == "GET_AGENTS" and "protobuf" in self.headers.get("Accept", ""):
            self.reply(200, "application/x-protobuf", captured("master-v1-GET_AGENTS.pb"))
        elif call == "GET_FRAMEWORKS":
            state = json.loads(captured("master-v1-GET_STATE.json"))["get_state"]
            self.reply(200, "application/json", json.dumps(
                {"type": call, "get_frameworks": state["get_frameworks"]}).encode())
        elif body:
            self.reply(200, "application/json", captured(f"master-v1-{call}.json"))
        else:
            self.reply(200, "application/json", captured(f"master-{path.strip('/').replace('/', '-')}.json"))

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))


# ---- certificates

class Authority:
    """Signs certificates for 127.0.0.1 and for clients."""

    def __init__(self, folder, name="ca"):
        self.folder, self.ca = folder, os.path.join(folder, f"{name}.pem")
        self.key = os.path.join(folder, f"{name}.key")
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.ca, "-days", "30",
                 "-subj", f"/CN={name}")

    @staticmethod
    def run(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def sign(self, name):
        """Returns the paths of a certificate and its key."""
        key, request, certificate, extra = (os.path.join(self.folder, f"{name}.{end}") for end in ("key", "csr", "pem", "ext"))
        with open(extra, "w", encoding="utf-8") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self.run("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.key, "-CAcreateserial", "-out",
                 certificate, "-days", "30", "-extfile", extra)
        os.chmod(key, 0o600)
        return certificate, key

    def server(self, clients=True):
        """A context for a server; clients: who has no certificate of ours is turned away."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sign("master"))
        if clients:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


# ---- ZooKeeper

CONFIG = """tickTime=500
dataDir={folder}/data
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
"""


class ZooKeeper:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        with open(os.path.join(folder, "zoo.cfg"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=folder, port=self.port))
        self.process = subprocess.Popen(
            ["java", "-Xmx96m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "/usr/share/java/zookeeper.jar",
             "org.apache.zookeeper.server.ZooKeeperServerMain", os.path.join(folder, "zoo.cfg")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = self.connect()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.session.close()

    def connect(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            session = None
            try:
                session = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
                session.sendall(self.packet(struct.pack(">iqiq", 0, 0, 10000, 0) + self.bytes(b"\0" * 16) + b"\0"))
                self.receive(session)
                return session
            except (OSError, struct.error):
                if session:
                    session.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    @staticmethod
    def bytes(data):
        return struct.pack(">i", len(data)) + data

    @staticmethod
    def packet(data):
        return struct.pack(">i", len(data)) + data

    @staticmethod
    def receive(session):
        def exactly(count):
            data = b""
            while len(data) < count:
                more = session.recv(count - len(data))
                if not more:
                    raise OSError("ZooKeeper has closed the connection")
                data += more
            return data
        return exactly(struct.unpack(">i", exactly(4))[0])

    def call(self, kind, body):
        """A session of its own for each call: none has to be kept alive."""
        self.session.close()
        self.session = self.connect()
        self.session.sendall(self.packet(struct.pack(">ii", 1, kind) + body))
        answer = self.receive(self.session)
        _, _, error = struct.unpack(">iqi", answer[:16])
        if error:
            raise AssertionError(f"ZooKeeper said {error}")
        return answer[16:]

    def create(self, path, value=b"", sequence=False):
        everybody = struct.pack(">ii", 1, 31) + self.bytes(b"world") + self.bytes(b"anyone")
        body = self.bytes(path.encode()) + self.bytes(value) + everybody + struct.pack(">i", 2 if sequence else 0)
        return self.call(1, body)[4:].decode()

    def delete(self, path):
        self.call(2, self.bytes(path.encode()) + struct.pack(">i", -1))

    def register(self, path, port):
        """As a master does, but the node stays. Returns its path."""
        info = {"address": {"ip": "127.0.0.1", "hostname": "localhost", "port": port}, "id": f"master-{port}",
                "version": "1.12.0", "capabilities": [{"type": "AGENT_UPDATE"}]}
        return self.create(f"{path}/json.info_", json.dumps(info).encode(), sequence=True)
