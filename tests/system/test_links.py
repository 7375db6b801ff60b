#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing is written through a symbolic link, whichever of the files that agentctl writes has become one, nor outside of the
work_dir; and the end of the session that started it does not end an operation."""
import json
import os
import shutil
import signal
import unittest

from fake_host import PATIENCE
from on_host import OnHost

STATE = "var/lib/rollcall"
SECRET = b"what must stay as it is\n"


class Links(OnHost):
    def setUp(self):
        super().setUp()
        self.elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(self.elsewhere)

    def request(self, **more):
        return self.host.apply_request(self.operation, "rack:r2;tier:web", verdict_timeout_ms=100, **more)

    def apply(self, request):
        return json.loads(self.host.run("apply", request).stdout.splitlines()[-1])

    def link_file(self, name, content=SECRET):
        """Whatever is there moves away, and a link to it takes its place."""
        path, target = self.host.path(name), os.path.join(self.elsewhere, "file")
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if os.path.lexists(path):
            os.rename(path, target)
        else:
            with open(target, "wb") as file:
                file.write(content)
        os.symlink(target, path)
        return path, target

    def link_folder(self, name):
        path, target = self.host.path(name), os.path.join(self.elsewhere, "folder")
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if os.path.lexists(path):
            os.rename(path, target)
        else:
            os.mkdir(target, mode=0o700)
        os.symlink(target, path)
        return path, target

    def bytes_below(self, folder):
        found = {}
        for base, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    found[os.path.join(base, name)] = file.read()
        return found

    def assert_not_written(self, path, request, events=("refused",)):
        before = self.bytes_below(self.elsewhere)
        last = self.apply(request)
        self.assertIn(last["event"], events, last)
        self.assertEqual(self.bytes_below(self.elsewhere), before)
        self.assertTrue(os.path.islink(path) or "undone" in events)
        self.host.wait_for_agent()
        self.assertTrue(self.host.starts()[-1]["accepted"])
        self.assertEqual(self.host.starts()[-1]["attributes"], "rack:r1;tier:web")

    def test_flag_store(self):
        request = self.request()
        self.assert_not_written(self.link_file("etc/mesos-agent.env")[0], request)

    def test_guard(self):
        for content in (b"", SECRET):
            path, _ = self.link_file("etc/start-hook", content)
            self.assert_not_written(path, self.request(), ("refused", "undone"))
            if os.path.islink(path):
                os.unlink(path)
            self.operation = os.urandom(16).hex()

    def test_slave_info(self):
        before = self.request()
        path, _ = self.link_file("var/lib/mesos/meta/slaves/%s/slave.info" % self.host.id)
        files = self.bytes_below(self.elsewhere)
        last = self.apply(before)
        self.assertEqual(last["event"], "refused", last)
        self.assertEqual(self.bytes_below(self.elsewhere), files)
        self.assertTrue(os.path.islink(path))

    def test_folders_of_the_work_dir(self):
        for name in ("var/lib/mesos/meta/slaves/" + self.host.id, "var/lib/mesos/meta/slaves"):
            request = self.request()
            path, target = self.link_folder(name)
            files = self.bytes_below(self.elsewhere)
            last = self.apply(request)
            self.assertEqual(last["event"], "refused", last)
            self.assertEqual(self.bytes_below(self.elsewhere), files)
            os.unlink(path)
            os.rename(target, path)

    def test_latest_leads_out_of_the_work_dir(self):
        request = self.request()
        slaves = self.host.path("var/lib/mesos/meta/slaves")
        shutil.copytree(os.path.join(slaves, self.host.id), os.path.join(self.elsewhere, self.host.id))
        files = self.bytes_below(self.elsewhere)
        for target in (os.path.join(self.elsewhere, self.host.id), "../../../../../../elsewhere/" + self.host.id,
                       "../slaves/../../../../../../elsewhere/" + self.host.id):
            os.unlink(slaves + "/latest")
            os.symlink(target, slaves + "/latest")
            last = self.apply(request)
            self.assertEqual(last["event"], "refused", last)
            self.assertEqual(self.bytes_below(self.elsewhere), files)

    def test_own_files(self):
        for number, name in enumerate(("lock", "epoch", "epoch-lock")):
            with self.subTest(name):
                path, _ = self.link_file(STATE + "/" + name)
                self.assert_not_written(path, self.request(epoch=number + 2))
                os.unlink(path)

    def test_own_folders(self):
        for name in (STATE, STATE + "/operations"):
            with self.subTest(name):
                path, _ = self.link_folder(name)
                self.assert_not_written(path, self.request())
                os.unlink(path)
                shutil.rmtree(self.elsewhere)
                os.mkdir(self.elsewhere)


class Session(OnHost):
    def test_its_end_does_not_end_an_operation(self):
        process = self.host.talk(self.host.apply_request(self.operation, "rack:r2;tier:web", verdict_timeout_ms=1000))
        self.listen(process, "accepted")
        for number in (signal.SIGHUP, signal.SIGPIPE):
            for pid in [process.pid, *self.children_of(process)]:
                os.kill(pid, number)
        process.stdin.close()
        process.stdout.close()
        process.stdin, process.stdout = open(os.devnull), open(os.devnull)
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assertEqual(self.host.settle(self.operation, status_only=True)[-1]["event"], "done")
        self.assert_state("rack:r2;tier:web", 2)

    def test_two_at_once(self):
        """One of them makes its change; the other one is refused, and nothing of it is there."""
        requests = [self.host.apply_request(os.urandom(16).hex(), "rack:r%d;tier:web" % number, verdict_timeout_ms=1000)
                    for number in (2, 3)]
        processes = [self.host.talk(request) for request in requests]
        for process in processes:
            process.stdin.close()
            process.stdin = open(os.devnull)
        last = [json.loads(process.stdout.read().splitlines()[-1]) for process in processes]
        self.assertEqual(sorted(answer["event"] for answer in last), ["done", "refused"], last)
        winner = [answer["event"] for answer in last].index("done")
        self.assert_state("rack:r%d;tier:web" % (2 + winner), 2)


if __name__ == "__main__":
    unittest.main()
