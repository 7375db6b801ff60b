#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""agentctl launch: which differences it accepts, and what it refuses."""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import unittest

from launching import AGENTCTL, ANYTHING, DISCARD, DOMAIN, FLAGS, Launch, Master, PATIENCE, SLAVE_INFO


class Accepting(Launch):
    def test_becomes_the_agent(self):
        self.write(self.path("waits"))
        process = self.start()
        self.wait_for_starts(1)
        self.assertEqual(self.starts()[0]["pid"], process.pid)
        process.terminate()
        self.assertEqual(process.wait(timeout=PATIENCE), -signal.SIGTERM)
        self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_without_a_difference_nobody_is_asked_and_nothing_said(self):
        done = self.launch()
        self.accepted(done, FLAGS["attributes"])
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.slave_info(), SLAVE_INFO)

    def test_ignored_differences_are_written_back(self):
        master = Master()
        self.addCleanup(master.close)
        task = self.executor()
        done = self.launch(ANYTHING, master=master.address, attributes="rack:r2;ssd:true",
                           resources="cpus:1;mem:64;disk:10;ports:[31000-31001]", domain=DOMAIN)
        self.accepted(done, "rack:r2;ssd:true")
        for words in ("WARNING", "attributes", "resources", "domain", "rack: r1 -> r2", "tier: web -> (none)", "offers"):
            self.assertIn(words, done.stderr)
        self.assertEqual(self.backup(done), SLAVE_INFO)
        self.assertIsNone(task.poll())
        self.assertEqual(master.asked, 1)
        written = self.slave_info()
        done = self.launch(attributes="rack:r2;ssd:true", resources="cpus:1;mem:64;disk:10;ports:[31000-31001]",
                           domain=DOMAIN)
        self.accepted(done, "rack:r2;ssd:true")
        self.assertEqual((done.stderr, self.slave_info(), master.asked), ("", written, 1))

    def test_domains_are_ignored_by_default(self):
        self.accepted(self.launch("--master-checked", domain=DOMAIN), FLAGS["attributes"])
        self.assertNotEqual(self.slave_info(), SLAVE_INFO)

    def test_by_environment(self):
        env = {"AGENTCTL_IGNORE_CHECKPOINTED_STATE": '["attributes"]', "MESOS_ATTRIBUTES": "rack:env"}
        self.accepted(self.launch("--master-checked", env=env, attributes=None), "rack:env")
        env["AGENTCTL_IGNORE_CHECKPOINTED_STATE"] = "rubbish"
        self.accepted(self.launch('--ignore_checkpointed_state=["none"]', env=env, attributes=None), "rack:env")

    def test_values_in_files(self):
        self.write(self.path("attributes"), b"rack:r3;tier:web")
        done = self.launch('--ignore_checkpointed_state=["attributes"]', "--master-checked",
                           attributes="file://" + self.path("attributes"))
        self.accepted(done, "file://" + self.path("attributes"))
        self.assertIn(b"r3", self.slave_info())

    def test_after_a_reboot_too(self):
        self.write(self.path("work/meta/boot_id"), b"11111111-2222-3333-4444-555555555555")
        self.accepted(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), "rack:r2")

    def test_a_new_agent(self):
        os.unlink(self.path("work/meta/slaves/latest"))
        done = self.launch(DISCARD, "--operation=X", attributes="rack:r9")
        self.assertEqual(self.starts()[0]["attributes"], "rack:r9")
        self.assertEqual(self.slave_info(), SLAVE_INFO)
        # That operation had nothing to end; it must not end anything later.
        os.symlink(self.id, self.path("work/meta/slaves/latest"))
        task = self.executor()
        done = self.launch(DISCARD, "--operation=X")
        self.accepted(done, FLAGS["attributes"])
        self.assertIsNone(task.poll())

    def test_what_the_agent_itself_refuses_is_left_to_it(self):
        done = self.launch(ANYTHING, "--master-checked", attributes="a:{1}")
        self.assertEqual(done.returncode, 1)
        self.assertEqual((len(self.starts()), self.slave_info()), (1, SLAVE_INFO))
        done = self.launch(ANYTHING, work_dir=None, env={"MESOS_WORK_DIR": ""})
        self.assertIn("wrapper", done.stderr)


class Refusing(Launch):
    def test_says_what_the_agent_would_say_and_what_would_allow_it(self):
        self.refused(self.launch(attributes="rack:r2"), 1, "Failed to perform recovery: Incompatible agent info detected.",
                     "Old agent info:", '["attributes","domains"]', "--recover_state=false")
        self.assertEqual(self.starts(), [])

    def test_after_a_reboot(self):
        self.write(self.path("work/meta/boot_id"), b"11111111-2222-3333-4444-555555555555")
        self.refused(self.launch(attributes="rack:r2"), 1, "new ID")
        self.assertEqual(self.starts(), [])

    def test_wrong_values(self):
        for value in ("attributes", '["colour"]', "[]", '["none","domains"]', '{"a":1}', ""):
            done = self.launch("--ignore_checkpointed_state=" + value)
            self.refused(done, 2, "--ignore_checkpointed_state", '"attributes"', '"domains"', '"none"')
            self.assertEqual(done.stderr.count('"resources"'), 1, done.stderr)
        self.refused(self.launch(env={"AGENTCTL_IGNORE_CHECKPOINTED_STATE": "[]"}), 2, "AGENTCTL_IGNORE_CHECKPOINTED_STATE: '[]'")
        self.refused(self.launch("--recover_state=maybe"), 2, "true or false")
        self.refused(self.launch(env={"AGENTCTL_RECOVER_STATE": "no"}), 2, "AGENTCTL_RECOVER_STATE is true or false")
        self.assertEqual(subprocess.run([AGENTCTL, "launch", "mesos-agent"], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([AGENTCTL, "launch", "--"], capture_output=True).returncode, 2)
        self.assertEqual(self.starts(), [])

    def test_masters(self):
        change = {"attributes": "rack:r2"}
        self.refused(self.launch(ANYTHING, **change), 4, "--master-checked")
        self.refused(self.launch(ANYTHING, master="zk://a:2181/mesos", **change), 4, "ZooKeeper", "--master-checked")
        old = Master(capabilities=("OTHER",))
        self.addCleanup(old.close)
        self.refused(self.launch(ANYTHING, master=old.address, **change), 3, "AGENT_UPDATE")
        nowhere = Master(domain=False)
        self.addCleanup(nowhere.close)
        self.refused(self.launch(domain=DOMAIN, master=nowhere.address), 3, "domain")
        # An agent that accepts the difference by itself is not kept from starting.
        done = self.launch(ANYTHING, master=old.address, attributes=FLAGS["attributes"] + ";new:1",
                           reconfiguration_policy="additive")
        self.assertEqual((done.returncode, self.slave_info()), (7, SLAVE_INFO), done.stderr)
        self.assertIn("accepts this difference by itself", done.stderr)

    def test_an_agent_that_cannot_be_run(self):
        os.unlink(self.path("mesos-agent"))
        self.refused(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), 4, "mesos-agent")

    def test_while_an_operation_is_open(self):
        folder = self.path("state/operations/0123456789abcdef0123456789abcdef")
        os.makedirs(folder)
        state = {"format": 1, "step": "flags", "boot_id": "b", "discard": False, "rescue": False, "rebooted": False,
                 "asked": False, "before": {"pid": 0, "start_ticks": 0}, "started": {"pid": 0, "start_ticks": 0},
                 "start_timeout_ms": 1, "verdict_timeout_ms": 1, "asked_ms": 0, "seen_ms": 0, "deadline_ms": 0,
                 "kept_by_deadline": False, "reason": ""}
        self.write(folder + "/state", json.dumps(state).encode())
        done = self.launch(ANYTHING, "--master-checked", attributes="rack:r2")
        self.refused(done, 3, "0123456789abcdef0123456789abcdef",
                     "%s settle --state-dir %s" % (os.path.realpath(AGENTCTL), self.path("state")))
        self.accepted(self.launch(), FLAGS["attributes"])

    def test_while_another_agentctl_is_at_work(self):
        os.mkdir(self.path("state"))
        with open(self.path("state/lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), 3, "another agentctl")
            self.accepted(self.launch(), FLAGS["attributes"])

    def test_while_the_agent_runs(self):
        other = subprocess.Popen(["mesos-agent", "600"], executable=shutil.which("sleep"),
                                 env={"MESOS_WORK_DIR": self.path("work")})
        self.processes.append(other)
        self.refused(self.launch(ANYTHING, "--master-checked", attributes="rack:r2"), 3, str(other.pid))

    def test_never_through_a_link(self):
        elsewhere = self.path("elsewhere")
        os.rename(self.slave_info_path, elsewhere)
        os.symlink(elsewhere, self.slave_info_path)
        done = self.launch(ANYTHING, "--master-checked", attributes="rack:r2")
        self.refused(done, 1, "symbolic link")
        self.assertTrue(os.path.islink(self.slave_info_path))
        self.assertEqual([start["accepted"] for start in self.starts()], [False])  # it said so itself


if __name__ == "__main__":
    unittest.main()
