#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent whose environment may not be read says its flags itself; agentctl then looks, and changes nothing."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import documents
from fake_host import AGENTCTL
from lab import eventually

NOBODY = 65534
DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos", "captured")

# Serves a real agent's answer, under its own name, port and work_dir.
SERVER = """
import http.server, json, sys
flags = json.load(open(sys.argv[1]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(flags).encode() if self.path == "/flags" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2].split("=")[1])), Handler).serve_forever()
"""


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody who may not read")
class Asked(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.work_dir = os.path.join(self.folder, "work")
        shutil.copytree(os.path.join(DATA, "agent-meta-1"), os.path.join(self.work_dir, "meta"), symlinks=True)
        shutil.copy(AGENTCTL, self.folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(os.path.join(DATA, "agent-flags.json")) as file:
            self.flags = json.load(file)
        self.flags["flags"].update(work_dir=self.work_dir, port=str(self.port))

    def start(self):
        path = os.path.join(self.folder, "flags.json")
        with open(path, "w") as file:
            json.dump(self.flags, file)
        agent = subprocess.Popen(["mesos-agent", "-c", SERVER, path, "--port=%d" % self.port, "--ip=127.0.0.1"],
                                 executable=sys.executable, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        eventually(listens, 30, "the agent's listening")
        return agent

    def inspect(self):
        done = subprocess.run([os.path.join(self.folder, "agentctl"), "inspect", "--work-dir", self.work_dir, "--json"],
                              user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        survey = json.loads(done.stdout)
        documents.check(survey, documents.load("inspect"))
        return survey

    def test_asked(self):
        self.flags["flags"].update(ip="127.0.0.1")
        agent = self.start()
        survey = self.inspect()
        self.assertEqual((survey["agent"]["pid"], survey["agent"]["flags_from"]), (agent.pid, "agent"))
        self.assertEqual(survey["agent"]["flags"]["attributes"], self.flags["flags"]["attributes"])
        self.assertIn("environment-unread", [finding["code"] for finding in survey["findings"]])

    def test_somebody_else_answers(self):
        """Its answer must have every flag of the process' command line."""
        self.flags["flags"].update(ip="127.0.0.9")
        self.start()
        self.assertFalse(self.inspect()["agent"]["running"])


if __name__ == "__main__":
    unittest.main()
