# SPDX-License-Identifier: Apache-2.0
"""A receiver of events: a real HTTP server that does what a test tells it to, and keeps what it was sent."""
import hashlib
import hmac
import http.server
import json
import socket
import ssl
import struct
import threading
import time

PATIENCE = 120


class Post:
    """One request; taken: it was answered with 2xx."""

    def __init__(self, headers, body):
        self.headers, self.raw, self.taken = headers, body, False
        self.json = json.loads(body)
        self.id = self.json["id"]
        self.task = self.json.get("task", {}).get("id")
        self.agent = self.json.get("agent", {}).get("id")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.receiver.paths.append(self.path)
        self.server.receiver.handle(self, Post(dict(self.headers), body))

    def do_GET(self):
        self.server.receiver.followed += 1
        self.send_error(404)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # a client that was killed, or that we have hung up on


class Receiver:
    """behave(post) gives a status, or "stall", "reset", "redirect"; changed at will. certificate: a PEM file with its key, for https."""

    def __init__(self, certificate=None):
        self.certificate = certificate
        self.posts, self.paths, self.changed = [], [], threading.Condition()
        self.followed = 0
        self.behave = lambda post: 200
        self.going = threading.Event()
        self.port = 0
        self.start()

    def start(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.receiver = self
        self.port = self.server.server_address[1]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}/events"
        self.going.clear()
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def stop(self):
        self.going.set()  # who stalls goes home
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def handle(self, handler, post):
        what = self.behave(post)
        post.taken = isinstance(what, int) and 200 <= what < 300
        with self.changed:
            self.posts.append(post)
            self.changed.notify_all()
        if what == "stall":
            self.going.wait(PATIENCE)
            handler.close_connection = True
        elif what == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
        elif what == "redirect":
            handler.send_response(307)
            handler.send_header("Location", self.url + "/elsewhere")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            said = b"ok\n" if post.taken else f"Cannot POST {handler.path}\n".encode()  # as some frameworks do
            handler.send_response(what)
            handler.send_header("Content-Length", str(len(said)))
            handler.end_headers()
            handler.wfile.write(said)

    def taken(self):
        with self.changed:
            return [post for post in self.posts if post.taken]

    def wait_for(self, condition, what):
        """Until condition(self.posts) is true; gives what it gave."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                value = condition(self.posts)
                if value:
                    return value
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{what} did not happen; {len(self.posts)} posts came")
                self.changed.wait(left)


def check_signature(post, secret):
    parts = dict(part.split("=", 1) for part in post.headers["Rollcall-Signature"].split(","))
    wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + post.raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, parts["v1"]):
        raise AssertionError(f"the signature of {post.id} is wrong")
