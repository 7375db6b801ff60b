#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/run counts rightly, above all what went wrong without saying so."""
import contextlib
import glob
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import time
import unittest

PATH = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "run"))
LOADER = importlib.machinery.SourceFileLoader("run", PATH)
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", LOADER))
LOADER.exec_module(run)


def counts(result):
    return result.passed, result.failed, result.skipped


class Tap(unittest.TestCase):
    def read(self, status, *lines):
        return run.read_tap(status, "\n".join(lines) + "\n")

    def test_all_passed(self):
        self.assertEqual(counts(self.read(0, "1..2", "ok 1 - a", "ok 2 - b")), (2, 0, 0))

    def test_two_groups(self):
        self.assertEqual(counts(self.read(0, "1..1", "ok 1 - a", "1..2", "ok 1 - b", "ok 2 - c")), (3, 0, 0))

    def test_failures_are_named(self):
        result = self.read(2, "1..3", "ok 1 - a", "not ok 2 - b", "# reason", "not ok 3 - c")
        self.assertEqual(counts(result), (1, 2, 0))
        self.assertEqual(result.why, "b, c")

    def test_skipped_ones_are_no_success(self):
        self.assertEqual(counts(self.read(0, "1..2", "ok 1 - a", "not ok 2 # SKIP b")), (1, 0, 1))

    def test_a_crash_after_some_tests(self):
        result = self.read(-11, "1..3", "ok 1 - a")
        self.assertEqual(counts(result), (1, 1, 0))
        self.assertIn("SIGSEGV after 1 of 3", result.why)

    def test_no_test_at_all(self):
        self.assertEqual(counts(self.read(0, "")), (0, 1, 0))
        self.assertEqual(counts(self.read(0, "1..0")), (0, 1, 0))

    def test_a_bad_exit_after_good_tests(self):
        self.assertEqual(counts(self.read(1, "1..1", "ok 1 - a")), (1, 1, 0))


class Unittest(unittest.TestCase):
    def read(self, status, *lines):
        return run.read_unittest(status, "\n".join(lines) + "\n")

    def test_all_passed(self):
        self.assertEqual(counts(self.read(0, "..", "", "Ran 2 tests in 0.1s", "", "OK")), (2, 0, 0))

    def test_failures_and_errors(self):
        result = self.read(1, "FAIL: test_a (x.Y)", "ERROR: test_b (x.Y)", "", "Ran 5 tests in 1.0s", "",
                           "FAILED (failures=1, errors=1, skipped=1)")
        self.assertEqual(counts(result), (2, 2, 1))
        self.assertEqual(result.why, "test_a, test_b")

    def test_no_test_or_a_crash(self):
        self.assertEqual(counts(self.read(0, "Ran 0 tests in 0.0s", "", "OK")), (0, 1, 0))
        self.assertEqual(counts(self.read(1, "Traceback (most recent call last):")), (0, 1, 0))
        self.assertEqual(counts(self.read(-9, "..")), (0, 1, 0))

    def test_a_bad_exit_after_good_tests(self):
        self.assertEqual(counts(self.read(1, "", "Ran 3 tests in 0.1s", "", "OK")), (2, 1, 0))


class Running(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rollcall-run-")
        self.addCleanup(folder.cleanup)
        logs = run.LOGS
        run.LOGS = folder.name
        self.addCleanup(setattr, run, "LOGS", logs)
        self.runner = run.Runner()
        self.addCleanup(self.runner.close)

    def attempt(self, script, limit=60):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            result = self.runner.attempt(run.Task("a script", ["sh", "-c", script], run.read_check, limit))
        return result, said.getvalue()

    def test_success_is_silent(self):
        result, said = self.attempt("echo fine")
        self.assertEqual((counts(result), said), ((1, 0, 0), ""))

    def test_a_failure_shows_its_output(self):
        result, said = self.attempt("echo broken; exit 3")
        self.assertEqual(counts(result), (0, 1, 0))
        self.assertIn("FAILED a script: exit status 3", said)
        self.assertIn("    broken\n", said)

    def test_a_hung_one_is_ended_with_its_children(self):
        result, said = self.attempt("sleep 600 & echo $!; wait", limit=0.5)
        self.assertIn("took too long", result.why)
        child = int(said.splitlines()[1])
        deadline = time.monotonic() + 30 # a signal that was sent is not yet one that was obeyed
        while self.lives(child):
            self.assertLess(time.monotonic(), deadline, "its child goes on")
            time.sleep(0.02)

    @staticmethod
    def lives(pid):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as command:
                return command.read() != "" # else ended, but nobody has collected its status yet
        except OSError:
            return False

    def test_what_a_sanitizer_says_of_a_child_counts(self):
        result, said = self.attempt('echo "==77==ERROR: AddressSanitizer: heap-use-after-free" >"$TMPDIR/sanitizer.77"')
        self.assertEqual(counts(result), (0, 1, 0))
        self.assertIn("use-after-free", said)
        result, said = self.attempt('echo "WARNING: ThreadSanitizer: data race" >"$TMPDIR/sanitizer.77"')
        self.assertEqual(counts(result), (0, 1, 0))
        self.assertIn("data race", said)
        result, said = self.attempt('echo "==77==WARNING: no symbolizer" >"$TMPDIR/sanitizer.77"')
        self.assertEqual(counts(result), (1, 0, 0))

    def test_folders_are_private_and_go_away(self):
        _, said = self.attempt('echo "$TMPDIR"; touch "$TMPDIR/left"; exit 1')
        folder = said.splitlines()[1].strip()
        self.assertTrue(folder.startswith(self.runner.scratch + "/"))
        self.assertFalse(os.path.exists(folder))


class WhatThereIs(unittest.TestCase):
    def setUp(self):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(run.ROOT)

    def test_launch_is_killed_at_every_call_too(self):
        commands = [task.command for task in run.every_call("gcc")]
        self.assertIn(["tests/system/test_launch_killed.py", "--all"], commands)
        self.assertIn(["tests/system/test_every_call.py", "--all", "Relax"], commands)

    def test_every_fuzzer_begins_with_something(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["tests/fuzz/seeds.py", folder], check=True)
            targets = [os.path.basename(path)[len("fuzz_"):-len(".c")] for path in glob.glob("tests/fuzz/fuzz_*.c")]
            for target in targets:
                places = (os.path.join(folder, target), os.path.join("tests/fuzz/corpus", target))
                self.assertTrue(target == "base" or any(os.path.isdir(place) for place in places), target)


if __name__ == "__main__":
    sys.exit(unittest.main())
