#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A lab whose masters let nobody in without a certificate."""
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from lab import BIN, Lab, run_lab


class Required(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--agents", "1", "--zones", "1", "--tls", "--client-certificates")
        cls.folder = tempfile.mkdtemp()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)
        cls.lab.down()
        if cls.lab.processes():
            raise AssertionError(f"left over: {cls.lab.processes()}")

    def path(self, name):
        return os.path.join(self.lab.dir, "tls", name)

    def ask(self, certificate=None, key=None):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if certificate:
            context.load_cert_chain(certificate, key)
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        with opener.open(f"https://{self.lab.master}/health", timeout=30) as answer:
            return answer.status

    def test_who_gets_in(self):
        strange, its_key = (os.path.join(self.folder, name) for name in ("strange.pem", "strange-key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=strange", "-keyout",
                        its_key, "-out", strange], check=True, capture_output=True)
        self.assertEqual(self.ask(self.path("client.pem"), self.path("client-key.pem")), 200)
        for words in ((), (strange, its_key)):
            with self.subTest(words), self.assertRaises(OSError):
                self.ask(*words)
        self.assertEqual(self.ask(self.path("client.pem"), self.path("client-key.pem")), 200)

    def sync(self, cluster_file):
        return subprocess.run([os.path.join(BIN, "rollcall"), "--config", cluster_file, "--db",
                               os.path.join(self.folder, os.path.basename(cluster_file) + ".db"), "inventory", "sync"],
                              capture_output=True, text=True, timeout=120, check=False)

    def test_rollcall_shows_its_certificate(self):
        cluster_file = os.path.join(self.lab.dir, "rollcall.json")
        result = self.sync(cluster_file)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(cluster_file) as file:
            document = json.load(file)
        for name in ("certificate", "key"):
            del document["clusters"]["lab"]["access"][name]
        without = os.path.join(self.lab.dir, "without.json")
        with open(without, "w") as file:
            json.dump(document, file)
        result = self.sync(without)
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn(f"https://{self.lab.master}", result.stderr)

    def test_needs_tls(self):
        result = run_lab("up", "--dir", os.path.join(self.folder, "lab"), "--client-certificates")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--client-certificates needs --tls", result.stderr)


if __name__ == "__main__":
    unittest.main()
