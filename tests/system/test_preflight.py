#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What agentctl finds before it touches a host: in what inspect says, and in what apply answers instead of a change."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import documents
from fake_host import AGENTCTL, RESOURCES, Host, checkpointed, field, split_fields, varint, with_attributes

DATA = os.path.join(os.environ.get("TEST_DATA", "tests/data"), "mesos")
with open(os.path.join(DATA, "verdicts.json")) as verdicts_file:
    PAIR = next(pair for pair in json.load(verdicts_file)["pairs"] if pair["name"] == "attr added")
FLAGS = ["attributes", "hostname", "ip", "port", "resources", "work_dir", "executor_reregistration_timeout"]


def checked(document, schema):
    documents.check(document, documents.load(schema))
    return document


def with_port(message, port):
    fields = [data for number, data in split_fields(message) if number != 8]
    return b"".join(fields) + b"\x40" + varint(port)


class OnHost(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.host = Host(os.path.join(self.folder, "host"), base64.b64decode(PAIR["slave_info_base64"]))
        self.addCleanup(self.host.close)
        self.host.write("usr/sbin/mesos-agent", "".join(
            ["#!/bin/sh\ncase $1 in --help) cat <<END\n"] + ["  --%s=VALUE   what it is\n" % name for name in FLAGS] +
            ["END\n;; *) echo mesos 1.11.0;; esac\n"]).encode())
        self.host.start()
        self.host.wait_for_starts(1)
        self.old = (self.host.slave_info(), self.host.read("etc/mesos-agent.env"))
        self.operation = os.urandom(16).hex()

    def findings(self):
        survey = checked(self.host.inspect(), "inspect")
        return {finding["code"]: finding for finding in survey["findings"]}

    def apply(self, attributes="rack:r2;tier:web", **more):
        more.setdefault("verdict_timeout_ms", 300)
        request = self.host.apply_request(self.operation, attributes, **more)
        checked(json.loads(request.split(b"\n", 1)[1]), "request")
        done = self.host.run("apply", request)
        return [checked(json.loads(line), "answer") for line in done.stdout.splitlines()]

    def assert_refused(self, code, **more):
        last = self.apply(**more)[-1]
        self.assertEqual(last["event"], "refused", last)
        self.assertIn(code, [finding["code"] for finding in last.get("findings", []) if finding["severity"] == "refuse"])
        self.assertEqual((self.host.slave_info(), self.host.read("etc/mesos-agent.env")), self.old)
        self.assertEqual(len(self.host.starts()), 1)
        return last

    def assert_done(self, **more):
        self.assertEqual(self.apply(**more)[-1]["event"], "done")
        self.host.wait_for_starts(2)

    def spawn(self, *words, **options):
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


class Findings(OnHost):
    def test_nothing(self):
        self.assertEqual(self.findings(), {})
        self.assertEqual(self.host.inspect()["agent"]["known_flags"], FLAGS)
        self.assert_done()

    def test_unknown_flag(self):
        last = self.assert_refused("unknown-flag", edits=[{"name": "attributes", "value": "rack:r2;tier:web"},
                                                          {"name": "domain_of_its_own", "value": "1"}])
        self.assertIn("--domain_of_its_own", last["reason"])

    def test_address(self):
        self.assert_refused("hostname-change", edits=[{"name": "hostname", "value": "n2.example.com"}])
        self.assert_refused("ip-change", edits=[{"name": "attributes", "value": "rack:r2;tier:web"},
                                                {"name": "ip", "value": "10.1.2.3"}])

    def test_port(self):
        """Masters accept another port, so it can be allowed; nothing else of an agent's address can."""
        target = with_port(with_attributes(self.old[0][4:], "rack:r2;tier:web"), 16099)
        edits = [{"name": "attributes", "value": "rack:r2;tier:web"}, {"name": "port", "value": "16099"}]
        more = {"edits": edits, "target": base64.b64encode(target).decode()}
        self.assert_refused("port-change", **more)
        self.assert_done(allow_port_change=True, **more)
        self.assertTrue(self.host.starts()[-1]["accepted"])
        self.assertEqual(self.host.starts()[-1]["id"], self.host.id)

    def test_values(self):
        self.assert_refused("flag-value", edits=[{"name": "executor_reregistration_timeout", "value": "1mins"}])
        last = self.assert_refused("flag-value", edits=[{"name": "attributes", "value": "rack:"}])
        self.assertEqual(last["kind"], "usage")

    def test_executors_of_a_framework_that_does_not_checkpoint(self):
        self.spawn("sleep", "60", env={"PATH": os.environ["PATH"], "MESOS_SLAVE_ID": self.host.id,
                                       "ROLLCALL_ROOT": self.host.root, "MESOS_CHECKPOINT": "0", "MESOS_FRAMEWORK_ID": "f1",
                                       "MESOS_EXECUTOR_ID": "e1"})
        self.assertEqual(self.findings()["tasks-not-checkpointed"]["severity"], "refuse")
        self.assertIn("f1/e1", self.assert_refused("tasks-not-checkpointed")["reason"])
        self.assert_done(allow_task_loss=True)

    def add_executor(self, name, registered, container=b""):
        """What an agent of a framework that checkpoints has noted of an executor and its task."""
        framework = "var/lib/mesos/meta/slaves/%s/frameworks/f1" % self.host.id
        run = "%s/executors/%s/runs/c-%s" % (framework, name, name)
        for folder in (run + "/pids", run + "/tasks/t-" + name):
            os.makedirs(self.host.path(folder))
        self.host.write(framework + "/framework.info", checkpointed(field(1, b"root") + field(2, b"f") + b"\x28\x01"))
        self.host.write("%s/executors/%s/executor.info" % (framework, name),
                        checkpointed(field(1, field(1, name.encode())) + container))
        self.host.write(run + "/pids/forked.pid", b"%d" % self.spawn("sleep", "60").pid)
        self.host.write(run + "/" + registered, b"executor(1)@127.0.0.1:33333")
        self.host.write(run + "/tasks/t-%s/task.info" % name, b"")

    def restart_with(self, line):
        self.host.stop()
        self.host.write("etc/mesos-agent.env", self.old[1] + line)
        self.old = (self.old[0], self.old[1] + line)
        self.host.start()
        self.host.wait_for_agent()

    def test_executors_in_docker_that_this_version_does_not_take_over(self):
        docker = field(11, b"\x08\x01" + field(3, field(1, b"image")))
        self.add_executor("driver", "pids/libprocess.pid", docker)
        self.add_executor("elsewhere", "http.marker")
        self.add_executor("http", "http.marker", docker)
        self.assertEqual(self.findings(), {}, "Docker is no containerizer of this agent")
        self.restart_with(b"MESOS_CONTAINERIZERS=docker,mesos\n")
        last = self.apply()[-1]
        self.assertEqual(last["event"], "refused", last)
        self.assertIn("1 executor would end with 1 task (t-http)", last["reason"])
        self.assertIn("Mesos 1.11.0", last["reason"])
        self.assertEqual((self.host.slave_info(), self.host.read("etc/mesos-agent.env")), self.old)
        self.assertEqual(self.apply(allow_task_loss=True)[-1]["event"], "done")

    def other_agent(self):
        root = self.host.root
        self.spawn(root + "/usr/sbin/mesos-agent", "-c", "import time; time.sleep(60)", executable=sys.executable,
                   env={"ROLLCALL_ROOT": root, "MESOS_WORK_DIR": "/var/lib/another"})

    def test_two_agents(self):
        self.other_agent()
        self.assertEqual(self.findings()["two-agents"]["severity"], "warn")  # start and stop are given
        settings = self.host.settings()
        del settings["control"]
        self.host.settings = lambda: settings
        self.assertEqual(self.findings()["two-agents"]["severity"], "refuse")
        self.assert_refused("two-agents")
        del self.host.settings

    def test_rebooted(self):
        self.host.boot()
        self.assertEqual(self.findings()["rebooted"]["severity"], "warn")
        self.host.write("etc/mesos-agent.env", self.old[1].replace(b"rack:r1", b"rack:r9"))
        self.old = (self.old[0], self.host.read("etc/mesos-agent.env"))
        self.assertEqual(self.findings()["rebooted"]["severity"], "refuse")
        self.assertEqual(self.findings()["flags-edited"]["severity"], "warn")
        self.assert_refused("rebooted")

    def test_configuration_management(self):
        self.host.write("etc/mesos-agent.env", b"# Managed by Puppet, changes will be lost\n" + self.old[1])
        self.assertIn("Puppet", self.findings()["config-management"]["text"])
        self.assert_done()

    def test_figures_of_this_machine(self):
        """What no flag names is what this machine has, as the agent will see it."""
        survey = self.host.inspect()["detected"]
        self.assertEqual(survey["cpus"], os.sysconf("SC_NPROCESSORS_ONLN"))
        with open("/proc/meminfo") as file:
            total = int(next(file).split()[1]) * 1024
        self.assertEqual(survey["mem_mb"], (total - 2**30 if total >= 2**31 else total // 2) // 2**20)
        disk = os.statvfs(self.host.path("var/lib/mesos"))
        size = disk.f_blocks * disk.f_frsize
        self.assertEqual(survey["disk_mb"], (size - 5 * 2**30 if size >= 10 * 2**30 else size // 2) // 2**20)
        self.host.write("etc/mesos-agent.env", self.old[1].replace(RESOURCES.encode(), b"mem:4096;disk:10000"))
        self.assertFalse(self.host.inspect()["verdict"]["accepted"])
        self.assertEqual(self.host.inspect()["verdict"]["differs"], ["resources"])


class Disks(unittest.TestCase):
    """Folders on file systems that cannot be written, in a mount namespace of their own."""
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", self.folder], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")

    def codes(self, script):
        os.makedirs(self.folder + "/w", exist_ok=True)
        done = subprocess.run(["unshare", "-m", "sh", "-ec", script + '\nexec "$1" inspect --work-dir "$2" --json',
                               "sh", AGENTCTL, self.folder + "/w"], stdout=subprocess.PIPE, check=True)
        return [finding["code"] for finding in checked(json.loads(done.stdout), "inspect")["findings"]]

    def test_room(self):
        self.assertEqual(self.codes('mount -t tmpfs -o size=8m none "$2"; mkdir "$2/meta"'), [])

    def test_full(self):
        self.assertEqual(self.codes('mount -t tmpfs -o size=2m none "$2"; mkdir "$2/meta"; '
                                    'head -c 1500000 /dev/zero > "$2/x"'), ["work-dir-full"])

    def test_no_inodes(self):
        self.assertEqual(self.codes('mount -t tmpfs -o size=8m,nr_inodes=2 none "$2"; mkdir "$2/meta"'),
                         ["work-dir-full"])

    def test_read_only(self):
        self.assertEqual(self.codes('mount -t tmpfs none "$2"; mkdir "$2/meta"; mount -o remount,ro "$2"'),
                         ["work-dir-read-only"])


class Stores(OnHost):
    """The same change through other flag stores; the agent's supervisor reads what they leave."""
    def set_store(self, **store):
        settings = self.host.settings()
        settings["flag_store"] = store
        self.host.settings = lambda: settings

    def test_external(self):
        self.set_store(kind="external", path="/etc/mesos-agent.env")
        last = self.apply()[-1]
        self.assertEqual((last["event"], last["kind"]), ("refused", "refused"))
        self.assertIn("has not written --attributes yet", last["reason"])
        self.assertIn("external-no-undo", [finding["code"] for finding in last["findings"]])
        self.host.write("etc/mesos-agent.env", self.old[1].replace(b"rack:r1;tier:web", b"rack:r2;tier:web"))
        written = self.host.read("etc/mesos-agent.env")
        self.assert_done()
        self.assertEqual(self.host.read("etc/mesos-agent.env"), written)
        self.assertEqual(self.host.starts()[-1]["attributes"], "rack:r2;tier:web")
        self.assertTrue(self.host.starts()[-1]["accepted"])

    def test_external_without_a_path(self):
        self.set_store(kind="external")
        self.host.write("etc/mesos-agent.env", self.old[1].replace(b"rack:r1;tier:web", b"rack:r2;tier:web"))
        self.assertIn("external-unread", self.findings())
        self.assert_done()
        self.assertTrue(self.host.starts()[-1]["accepted"])

    def test_several_files(self):
        self.host.write("etc/first.env", b"# first\nMESOS_ATTRIBUTES='rack:r0'\nMESOS_ZK=x\n")
        self.set_store(kind="envfile", paths=["/etc/first.env", "/etc/absent.env", "/etc/mesos-agent.env"])
        self.assert_done()
        self.assertEqual(self.host.read("etc/first.env"), b"# first\nMESOS_ATTRIBUTES='rack:r0'\nMESOS_ZK=x\n")
        self.assertFalse(os.path.exists(self.host.path("etc/absent.env")))
        self.assertEqual(self.host.read("etc/mesos-agent.env"), self.old[1].replace(b"rack:r1;tier:web", b"rack:r2;tier:web"))

    def test_defaults(self):
        self.set_store(kind="defaults", path="/etc/mesos-agent.env")
        self.host.write("etc/mesos-agent.env", b"ulimit -n 8192 # files\n" + self.old[1].replace(
            b"OTHER=kept as it is", b"OTHER=`date`\tX=$Y  # kept "))
        before = self.host.read("etc/mesos-agent.env")
        self.assert_done()
        self.assertEqual(self.host.read("etc/mesos-agent.env"), before.replace(b"rack:r1;tier:web", b"rack:r2;tier:web"))


if __name__ == "__main__":
    unittest.main()
