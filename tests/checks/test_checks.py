#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks find what they are for: each test plants a violation in a copy of the sources."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDERS = ["base", "mesos", "protocol", "inventory", "remote", "orchestrator", "agentctl", "lab", "schema", "tests"]
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class Planted(unittest.TestCase):
    FOLDERS = FOLDERS

    def setUp(self):
        self.copy = tempfile.mkdtemp(prefix="rollcall-checks-")
        self.addCleanup(shutil.rmtree, self.copy)
        for folder in self.FOLDERS:
            source = os.path.join(ROOT, folder)
            if os.path.isdir(source):
                shutil.copytree(source, os.path.join(self.copy, folder), ignore=shutil.ignore_patterns("data", "corpus"))
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.copy)

    def plant(self, path, text):
        full = os.path.join(self.copy, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def complaints(self, check):
        run = subprocess.run([os.path.join(ROOT, "tests", "checks", check), self.copy], capture_output=True, text=True)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertEqual(run.returncode != 0, "planted" in run.stdout + run.stderr, run.stdout + run.stderr)
        return run.stdout + run.stderr


class Layers(Planted):
    def test_every_broken_rule_is_found(self):
        headers = {
            "base": "mesos/flags.h",
            "mesos": "protocol/planted.h",
            "protocol": "remote/planted.h",
            "inventory": "protocol/planted.h",
            "remote": "inventory/planted.h",
            "orchestrator/engine": "orchestrator/planted.h",
            "orchestrator": "agentctl/planted.h",
            "agentctl": "lab/planted.h",
            "lab": "orchestrator/planted.h",
        }
        for header in headers.values():
            if header.endswith("planted.h"):
                self.plant(header, SPDX)
        for folder, header in headers.items():
            with self.subTest(folder=folder):
                self.plant(f"{folder}/planted.c", f'{SPDX}#include "base/error.h"\n#include "{header}"\n')
                self.assertIn(f"{folder}/planted.c:3: {folder}/ may not include {header}", self.complaints("layers"))
                os.unlink(os.path.join(self.copy, folder, "planted.c"))

    def test_the_engine_is_pure(self):
        for header in ("<unistd.h>", "<time.h>", '"base/clock.h"'):
            with self.subTest(header=header):
                self.plant("orchestrator/engine/planted.c", f"{SPDX}#include {header}\n")
                self.assertIn("orchestrator/engine/planted.c:2: the engine", self.complaints("layers"))

    def test_libraries_stay_where_they_belong(self):
        for path, header in (("orchestrator/planted.c", "sqlite3.h"), ("orchestrator/planted.c", "curl/curl.h"),
                             ("lab/planted.c", "libssh2.h"), ("remote/planted.c", "microhttpd.h"),
                             ("protocol/planted.c", "protobuf-c/protobuf-c.h"), ("base/planted.c", "cmocka.h")):
            with self.subTest(path=path, header=header):
                self.plant(path, f"{SPDX}\n #  include <{header}>\n")
                self.assertIn(f"{path}:3: <{header}>", self.complaints("layers"))
                os.unlink(os.path.join(self.copy, path))

    def test_includes_are_written_from_the_root(self):
        self.plant("base/planted.c", f'{SPDX}#include "error.h"\n')
        self.assertIn('base/planted.c:2: "error.h" is no path from the root', self.complaints("layers"))

    def test_what_is_allowed_passes(self):
        self.plant("orchestrator/ledger_extra.c", f"{SPDX}#include <sqlite3.h>\n")
        self.plant("agentctl/extra.c", f'{SPDX}#include <unistd.h>\n#include "mesos/flags.h"\n')
        self.assertEqual(self.complaints("layers"), "")

    def test_an_empty_tree_is_no_success(self):
        run = subprocess.run([os.path.join(ROOT, "tests", "checks", "layers"), os.path.join(self.copy, "schema")],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)


class Headers(Planted):
    FOLDERS = ["base", "schema"]  # the whole house is the check's own business, and takes as long

    def test_a_header_that_needs_another_is_found(self):
        self.plant("base/planted.h", f"{SPDX}size_t planted(void);\n")
        complaints = self.complaints("headers")
        self.assertIn("base/planted.h does not compile alone with gcc", complaints)
        self.assertIn("base/planted.h does not compile alone with clang", complaints)

    def test_a_header_without_guard_is_found(self):
        self.plant("base/planted.h", f"{SPDX}struct planted {{\n\tint x;\n}};\n")
        self.assertIn("base/planted.h does not compile alone with gcc", self.complaints("headers"))


class Format(Planted):
    FOLDERS = ["base"]

    def test_ill_formatted_code_is_found(self):
        self.plant("base/planted.c", f"{SPDX}int planted( void );\n")
        self.assertIn("base/planted.c", self.complaints("format"))

    def test_a_file_without_licence_is_found(self):
        self.plant("base/planted.c", "int planted(void);\n")
        self.assertIn("base/planted.c:1: must start with the SPDX line", self.complaints("format"))


class Tidy(Planted):
    FOLDERS = []

    def test_headers_are_looked_into(self):
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), self.copy)
        self.plant("base/planted.h", f"{SPDX}#define PLANTED(x) x * 2\n")
        self.plant("base/planted.c", f'{SPDX}#include "base/planted.h"\n')
        run = subprocess.run(["clang-tidy", "--quiet", "base/planted.c", "--", "-I."], cwd=self.copy,
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn("base/planted.h:2", run.stdout)


class NamedTests(Planted):
    FOLDERS = ["tests"]

    def test_a_test_that_is_not_there_is_found(self):
        self.plant("tests/system/test_planted.py", "class Real:\n    def test_one(self):\n        pass\n")
        self.plant("docs/planted.md", "| rule | test |\n|---|---|\n| a | `Real.test_one`, `test_planted.py` |\n"
                                      "| b | `Real.test_two` |\n| c | `tests/unit/none.c` |\n| d | of course |\n\n"
                                      "| word | meaning |\n|---|---|\n| e | `Nothing` |\n")
        said = self.complaints("named-tests")
        for complaint in ("planted.md:4: there is no test Real.test_two", "planted.md:5: there is no test tests/unit/none.c",
                          "planted.md:6: no test is named"):
            self.assertIn(complaint, said)
        self.assertNotIn("planted.md:3", said)
        self.assertNotIn("Nothing", said)


if __name__ == "__main__":
    unittest.main()
