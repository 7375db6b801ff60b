#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab as operators and tests use it: what it copies of Mesos and systemd, and that nothing is left."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from lab import DATA, Lab, eventually, run_lab
from lab_case import FIVE, FOUR, NODES, ONE, SIX, THREE, TWO, WithLab


def captured(name):
    with open(os.path.join(DATA, "captured", name)) as file:
        return json.load(file)


class Up(WithLab):
    def test_agents_zones_tasks(self):
        agents = self.lab.agents()
        self.assertEqual(sorted(agents), NODES)
        self.assertEqual({agent["attributes"]["zone"] for agent in agents.values()}, {"zone-1", "zone-2", "zone-3"})
        self.assertEqual(len(self.lab.running()), 12)
        self.assertIn("domain", agents[ONE])
        self.assertNotIn("domain", agents[FOUR])

    def test_says_how_to_use_it(self):
        for text in ("rollcall.json", "rollcall-lab down --dir " + self.lab.dir, "http://" + self.lab.master):
            self.assertIn(text, self.lab.up.stdout)

    def test_cluster_file(self):
        with open(os.path.join(self.lab.dir, "rollcall.json")) as file:
            cluster = json.load(file)["clusters"]["lab"]
        self.assertEqual(cluster["masters"], ["http://" + self.lab.master])
        self.assertEqual(cluster["defaults"]["root"], self.lab.dir + "/hosts/${hostname}")

    def test_second_up_is_refused(self):
        result = run_lab("up", "--dir", self.lab.dir)
        self.assertEqual(result.returncode, 2)
        self.assertIn("there is a lab in", result.stderr)
        self.assertEqual(len(self.lab.running()), 12)

    def test_folder_with_other_things_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            open(os.path.join(folder, "thesis.tex"), "w").close()
            result = run_lab("up", "--dir", folder)
            self.assertEqual((result.returncode, os.listdir(folder)), (2, ["thesis.tex"]))

    def test_two_labs_at_once(self):
        other = Lab("--agents", "1", "--zones", "1")
        self.addCleanup(other.down)
        self.assertEqual(len(other.agents()), 1)
        self.assertEqual(len(self.lab.agents()), 6)

    def test_status(self):
        result = run_lab("status", "--dir", self.lab.dir, "--json")
        status = json.loads(result.stdout)
        self.assertEqual(result.returncode, 0)
        self.assertEqual({host["master"] for host in status["hosts"]}, {"active"})
        self.assertEqual({host["unit"] for host in status["hosts"]}, {"active"})
        self.assertEqual([host["tasks_running"] for host in status["hosts"]], [2] * 6)
        self.assertIn(ONE, run_lab("status", "--dir", self.lab.dir).stdout)

    def test_no_lab(self):
        for words in (["status"], ["down"], ["break", ONE, "refuse"]):
            result = run_lab(*words, "--dir", "/nonexistent")
            self.assertEqual(result.returncode, 2, words)
            self.assertIn("there is no lab in /nonexistent", result.stderr)


class Endpoints(WithLab):
    """Key by key, what a real master and a real agent answered."""
    # Members that depend on what an agent has, not on who answers.
    OPTIONAL = {"domain", "reregistered_time", "attributes", "reserved_resources", "reserved_resources_full", "zk",
                "role", "reservations", "reservation", "ranges", "scalar", "set", "gpus", "widgets", "bugs", "ports"}

    def compare(self, ours, theirs, place):
        if isinstance(theirs, dict):
            self.assertIsInstance(ours, dict, place)
            self.assertEqual(set(ours) - self.OPTIONAL, set(theirs) - self.OPTIONAL, place)
            for key in set(theirs) & set(ours) - {"flags", "attributes", "reserved_resources", "reserved_resources_full"}:
                self.compare(ours[key], theirs[key], f"{place}.{key}")
        elif isinstance(theirs, list) and theirs and ours:
            self.compare(ours[0], theirs[0], place + "[0]")
        elif theirs is not None:
            self.assertEqual(type(ours), type(theirs), place)

    def test_master(self):
        for path, name in (("/slaves", "slaves"), ("/state", "state"), ("/state-summary", "state-summary"),
                           ("/tasks", "tasks"), ("/frameworks", "frameworks"), ("/version", "version")):
            self.compare(self.lab.get_json(path), captured(f"master-{name}.json"), path)
            self.compare(self.lab.get_json("/master" + path), captured(f"master-{name}.json"), path)

    def test_master_flags(self):
        ours, theirs = self.lab.get_json("/flags")["flags"], captured("master-flags.json")["flags"]
        self.assertEqual(set(ours), set(theirs) - {"zk"})
        for name in ("agent_ping_timeout", "max_agent_ping_timeouts", "agent_reregister_timeout"):
            self.assertEqual(ours[name], theirs[name])

    def test_operator_api(self):
        for kind in ("GET_AGENTS", "GET_TASKS", "GET_STATE", "GET_FLAGS", "GET_MASTER", "GET_VERSION"):
            self.compare(json.loads(self.lab.call(kind)), captured(f"master-v1-{kind}.json"), kind)

    def test_operator_api_in_protobuf(self):
        body = self.lab.call("GET_AGENTS", "application/x-protobuf")
        schema = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../schema")
        text = subprocess.run(["protoc", f"-I{schema}", "--decode=mesos.Master.Response", "mesos.proto"],
                              input=body, capture_output=True, check=True).stdout.decode()
        self.assertIn("type: GET_AGENTS", text)
        self.assertEqual(text.count("hostname: \"node"), 6)

    def test_agent(self):
        where = self.lab.hosts[ONE]["address"] + ":5051"
        self.compare(self.lab.get_json("/state", master=where), captured("agent-state.json"), "/state")
        self.compare(self.lab.get_json("/version", master=where), captured("agent-version.json"), "/version")
        flags = self.lab.get_json("/flags", master=where)["flags"]
        self.assertEqual(set(captured("agent-flags.json")["flags"]) - set(flags), set())
        self.assertEqual(self.lab.get("/health", master=where), b"")

    def test_one_agent(self):
        agent = self.lab.agent(TWO)
        self.assertEqual([a["hostname"] for a in self.lab.get_json("/slaves?slave_id=" + agent["id"])["slaves"]], [TWO])

    def test_tasks_have_a_limit(self):
        every = len(self.lab.get_json("/tasks?limit=1000")["tasks"])
        self.assertGreaterEqual(every, 12)
        self.assertEqual(len(self.lab.get_json("/tasks?limit=5")["tasks"]), 5)
        self.assertEqual(len(self.lab.get_json("/tasks?limit=50&offset=10")["tasks"]), every - 10)
        self.assertEqual(len(self.lab.get_json("/tasks?limit=x")["tasks"]), every)  # no number is no limit but the usual

    def test_same_attribute_twice(self):
        self.change_flags(SIX, "generation:g1", "generation:g1;rack:other")
        os.unlink(self.lab.path(SIX, "var/lib/mesos/meta/slaves/latest"))
        self.lab.restart(SIX)
        text = self.lab.get("/slaves").decode()
        self.assertEqual(text.count('"rack":"other"'), 1)
        agents = json.loads(self.lab.call("GET_AGENTS"))["get_agents"]["agents"]
        six = next(agent for agent in agents if agent["agent_info"]["hostname"] == SIX)
        self.assertEqual([a["text"]["value"] for a in six["agent_info"]["attributes"] if a["name"] == "rack"],
                         ["rack-2", "other"])
        os.unlink(self.lab.path(SIX, "var/lib/mesos/meta/slaves/latest"))


class Agent(WithLab):
    def test_ssh(self):
        result = self.lab.ssh(ONE, "echo $HOME; command -v systemctl; systemctl is-active mesos-agent; exit 7")
        root = self.lab.root(ONE)
        self.assertEqual(result.stdout.split(), [root, root + "/usr/bin/systemctl", "active"])
        self.assertEqual(result.returncode, 7)

    def test_restart_keeps_id_and_tasks(self):
        before, tasks, pid = self.lab.agent(ONE), self.lab.running(ONE), self.lab.show(ONE, "MainPID")
        self.assertEqual(self.lab.ssh(ONE, "systemctl restart mesos-agent").returncode, 0)
        after = self.lab.wait_reregistered(ONE, before)
        self.assertEqual(after["id"], before["id"])
        self.assertEqual(after["registered_time"], before["registered_time"])
        self.assertGreater(after["reregistered_time"], before["registered_time"])
        self.assertEqual(self.lab.running(ONE), tasks)
        self.assertNotEqual(self.lab.show(ONE, "MainPID"), pid)

    def test_kill_9_is_a_restart(self):
        before, tasks = self.lab.agent(TWO), self.lab.running(TWO)
        os.kill(int(self.lab.show(TWO, "MainPID")), signal.SIGKILL)
        eventually(lambda: not (self.lab.agent(TWO) or {"active": False})["active"], 5, "the disconnection")
        after = self.lab.wait_reregistered(TWO, before)
        self.assertEqual((after["id"], self.lab.running(TWO)), (before["id"], tasks))

    def test_changed_attribute_is_refused_up_to_the_start_limit(self):
        checkpoint = self.lab.checkpoint(ONE, "slaves/latest/slave.info")
        self.change_flags(ONE, "rack:rack-1", "rack:rack-9")
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(ONE, "ActiveState") == "failed", 10, "the start limit")
        self.assertEqual(self.lab.show(ONE, "Result"), "start-limit-hit")
        log = self.lab.agent_log(ONE)
        for text in ("Failed to perform recovery: Incompatible agent info detected.", 'value: "rack-9"',
                     "rm -f /var/lib/mesos/meta/slaves/latest"):
            self.assertIn(text, log)
        with open(self.lab.path(ONE, "var/log/mesos/mesos-agent.INFO")) as file:
            kept = file.read()
        self.assertRegex(kept, r"(?m)^E\d{4} [0-9:.]+ +\d+ \S+\] Failed to perform recovery: Incompatible agent info detected")
        self.assertEqual(self.lab.checkpoint(ONE, "slaves/latest/slave.info"), checkpoint)
        self.assertFalse(self.lab.agent(ONE)["active"])
        self.assertNotEqual(self.lab.systemctl(ONE, "start", "mesos-agent").returncode, 0)
        self.assertEqual(len(self.lab.running(ONE)), 2)  # tasks go on without their agent

    def test_additive_accepts_and_does_not_write_back(self):
        before, checkpoint = self.lab.agent(THREE), self.lab.checkpoint(THREE, "slaves/latest/slave.info")
        text = self.lab.flags(THREE)
        self.addCleanup(self.put_back, THREE, text)
        self.lab.edit_flags(THREE, "generation:g1", "generation:g1;ssd:true")
        with open(self.lab.path(THREE, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_RECONFIGURATION_POLICY=additive\n")
        after = self.lab.restart(THREE)
        self.assertEqual((after["id"], after["attributes"]["ssd"]), (before["id"], "true"))
        self.assertEqual(self.lab.checkpoint(THREE, "slaves/latest/slave.info"), checkpoint)

    def test_unknown_flag(self):
        program = self.lab.path(ONE, "usr/bin/mesos-agent")
        result = subprocess.run([program, "--ignore_checkpointed_state=x"], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("Failed to load unknown flag 'ignore_checkpointed_state'", result.stderr)
        self.assertIn("--help", result.stderr)
        shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("\n  --attributes=VALUE", shown)
        self.assertIn("\n  --[no-]strict", shown)
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(version, "mesos 1.12.0\n")

    def test_value_the_agent_refuses(self):
        self.change_flags(FOUR, "rack:rack-2", "rack:")
        self.lab.systemctl(FOUR, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(FOUR, "ActiveState") == "failed", 10, "the start limit")
        self.assertIn("rack", self.lab.agent_log(FOUR))

    def test_recovery_takes_all_of_the_timeout(self):
        with open(self.lab.path(FIVE, "etc/default/mesos-agent"), "a") as file:
            file.write("MESOS_EXECUTOR_REREGISTRATION_TIMEOUT=15secs\n")
        self.addCleanup(self.lab.edit_flags, FIVE, "MESOS_EXECUTOR_REREGISTRATION_TIMEOUT=15secs\n", "")
        tasks = self.lab.running(FIVE)
        begin = time.monotonic()
        self.lab.restart(FIVE)
        self.assertGreater(time.monotonic() - begin, 1.5)  # 15 s at scale 10
        self.assertEqual((len(tasks), self.lab.running(FIVE)), (2, tasks))

    def test_other_hostname_is_shut_down(self):
        """The agent's own check refuses a hostname first; with its checkpoint changed too, the master does."""
        before = self.lab.agent(SIX)
        self.change_flags(SIX, "MESOS_HOSTNAME=node006.lab", "MESOS_HOSTNAME=node066.lab")
        latest = os.readlink(self.lab.path(SIX, "var/lib/mesos/meta/slaves/latest"))
        path = f"var/lib/mesos/meta/slaves/{latest}/slave.info"
        data = self.lab.checkpoint(SIX, f"slaves/{latest}/slave.info")
        with open(self.lab.path(SIX, path), "wb") as file:
            file.write(data.replace(b"node006.lab", b"node066.lab"))
        self.addCleanup(self.write, SIX, path, data)
        self.lab.systemctl(SIX, "restart", "mesos-agent")
        eventually(lambda: "attempted to reregister with different IP / hostname" in self.lab.agent_log(SIX), 10,
                   "the master's word")
        self.assertEqual(self.lab.agent(SIX)["id"], before["id"])
        self.assertFalse(self.lab.agent(SIX)["active"])
        self.lab.systemctl(SIX, "stop", "mesos-agent")
        self.write(SIX, path, data)

    def write(self, host, path, data):
        with open(self.lab.path(host, path), "wb") as file:
            file.write(data)

    def test_truncated_checkpoint(self):
        path = "var/lib/mesos/meta/slaves/latest/slave.info"
        data = self.lab.checkpoint(TWO, "slaves/latest/slave.info")
        self.addCleanup(self.put_back, TWO, self.lab.flags(TWO))
        self.addCleanup(self.write, TWO, path, data)
        self.write(TWO, path, data[:50])
        self.lab.systemctl(TWO, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(TWO, "ActiveState") == "failed", 10, "the start limit")
        self.assertIn("Failed to perform recovery", self.lab.agent_log(TWO))

    def test_rewritten_checkpoint_is_accepted(self):
        """Relaxed recovery by hand: both files changed while the agent runs, one restart."""
        before, tasks = self.lab.agent(THREE), self.lab.running(THREE)
        path = "var/lib/mesos/meta/slaves/latest/slave.info"
        data = self.lab.checkpoint(THREE, "slaves/latest/slave.info")
        self.addCleanup(self.put_back, THREE, self.lab.flags(THREE))
        self.addCleanup(self.write, THREE, path, data)
        self.lab.edit_flags(THREE, "generation:g1", "generation:g2")
        self.write(THREE, path, data.replace(b"\x04\n\x02g1", b"\x04\n\x02g2"))
        after = self.lab.restart(THREE)
        self.assertEqual(after["id"], before["id"])
        self.assertEqual(after["attributes"]["generation"], "g2")
        self.assertEqual(self.lab.running(THREE), tasks)

    def test_sigusr1_ends_tasks_and_keeps_the_id(self):
        before = self.lab.agent(FIVE)
        os.kill(int(self.lab.show(FIVE, "MainPID")), signal.SIGUSR1)
        after = self.lab.wait_reregistered(FIVE, before)
        self.assertEqual(after["id"], before["id"])
        self.assertEqual(self.lab.running(FIVE), set())

    def test_cleanup_ends_tasks_and_keeps_the_id(self):
        before = self.lab.agent(FOUR)
        self.lab.systemctl(FOUR, "stop", "mesos-agent")
        words = dict(line.split("=", 1) for line in self.lab.flags(FOUR).splitlines() if line[:1] not in "#")
        env = {name: value.strip("\"'") for name, value in words.items()}
        env.update(ROLLCALL_ROOT=self.lab.root(FOUR), ROLLCALL_LAB=self.lab.id)
        result = subprocess.run([self.lab.path(FOUR, "usr/bin/mesos-agent"), "--recover=cleanup"], env=env, timeout=20,
                                capture_output=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.lab.systemctl(FOUR, "start", "mesos-agent")
        after = self.lab.wait_reregistered(FOUR, before)
        self.assertEqual(after["id"], before["id"])
        self.assertEqual(self.lab.running(FOUR), set())


class Systemd(WithLab):
    words = ["--agents", "1", "--zones", "1"]

    def drop_in(self, text):
        folder = self.lab.path(ONE, "etc/systemd/system/mesos-agent.service.d")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "zz-test.conf"), "w") as file:
            file.write(text)
        self.addCleanup(self.lab.systemctl, ONE, "start", "mesos-agent")
        self.addCleanup(self.lab.systemctl, ONE, "reset-failed", "mesos-agent")
        self.addCleanup(self.lab.systemctl, ONE, "daemon-reload")
        self.addCleanup(shutil.rmtree, folder)

    def test_drop_in_counts_after_daemon_reload(self):
        self.drop_in("[Service]\nExecStartPre=/bin/false\n")
        self.assertEqual(self.lab.show(ONE, "NeedDaemonReload"), "yes")
        self.assertEqual(self.lab.systemctl(ONE, "restart", "mesos-agent").returncode, 0)
        self.assertEqual(self.lab.systemctl(ONE, "daemon-reload").returncode, 0)
        self.assertEqual(self.lab.show(ONE, "NeedDaemonReload"), "no")
        result = self.lab.systemctl(ONE, "restart", "mesos-agent")
        self.assertEqual(result.returncode, 1)
        self.assertIn("control process exited with error code", result.stderr)

    def test_hook_runs_before_every_start(self):
        marks = self.lab.path(ONE, "tmp/marks")
        self.drop_in(f"[Service]\nExecStartPre=/bin/sh -c 'echo \"$ROLLCALL_ROOT\" >> {marks}'\n")
        self.lab.systemctl(ONE, "daemon-reload")
        self.lab.restart(ONE)
        before = self.lab.agent(ONE)
        os.kill(int(self.lab.show(ONE, "MainPID")), signal.SIGKILL)
        self.lab.wait_reregistered(ONE, before)
        with open(marks) as file:
            self.assertEqual(file.read().split(), [self.lab.root(ONE)] * 2)

    def test_stop_waits_and_start_again(self):
        pid = int(self.lab.show(ONE, "MainPID"))
        self.assertEqual(self.lab.systemctl(ONE, "stop", "mesos-agent.service").returncode, 0)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
        result = self.lab.systemctl(ONE, "is-active", "mesos-agent")
        self.assertEqual((result.returncode, result.stdout), (3, "inactive\n"))
        before = self.lab.agent(ONE)
        self.assertEqual(self.lab.systemctl(ONE, "start", "--no-block", "mesos-agent").returncode, 0)
        self.lab.wait_reregistered(ONE, before)

    def test_unknown_unit(self):
        result = self.lab.systemctl(ONE, "restart", "nginx.service")
        self.assertEqual((result.returncode, "could not be found" in result.stderr), (5, True))

    def test_show_of_several_units(self):
        blocks = self.lab.systemctl(ONE, "show", "-p", "LoadState,MainPID", "nope", "mesos-agent").stdout.split("\n\n")
        self.assertEqual(blocks, ["MainPID=0\nLoadState=not-found", "MainPID=%s\nLoadState=loaded\n" % self.lab.show(ONE, "MainPID")])

    def test_agents_outlive_their_supervisor(self):
        lab = Lab("--agents", "1", "--zones", "1")
        self.addCleanup(lab.down)
        with open(os.path.join(lab.dir, "run/supervisor.pid")) as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        time.sleep(0.3)
        self.assertTrue(lab.agent(ONE)["active"])
        self.assertEqual(run_lab("status", "--dir", lab.dir).returncode, 1)
        self.assertEqual(lab.down().returncode, 0)
        self.assertEqual(lab.processes(), [])


class LooseTasks(WithLab):
    words = ["--agents", "1", "--zones", "1", "--tasks-per-agent", "2", "--loose-tasks-per-agent", "1"]

    def test_tasks_without_checkpoint_are_lost_with_the_connection(self):
        tasks = self.lab.running()
        self.assertEqual(len(tasks), 3)
        self.lab.restart(ONE)
        states = self.lab.task_states()
        lost = [task for task in tasks if states[task] != "TASK_RUNNING"]
        self.assertEqual([task.split(".")[0] for task in lost], ["scratch"])
        self.assertEqual(states[lost[0]], "TASK_LOST")


class Down(unittest.TestCase):
    def test_leaves_nothing_even_when_parts_have_crashed(self):
        lab = Lab("--agents", "2", "--zones", "1")
        with subprocess.Popen([*lab.ssh_words(ONE), "echo in; setsid sleep 1000 & sleep 1000"],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as session:
            session.stdout.readline()
            self.assertGreater(len(lab.processes()), 10)
            for role in ("front", "supervisor"):
                with open(os.path.join(lab.dir, f"run/{role}.pid")) as file:
                    os.kill(int(file.read().split()[0]), signal.SIGKILL)
            os.kill(lab.processes()[-1], signal.SIGKILL)
            result = lab.down()
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(lab.processes(), [])
        self.assertFalse(os.path.exists(lab.dir))

    def test_keep(self):
        lab = Lab("--agents", "1", "--zones", "1")
        self.addCleanup(shutil.rmtree, os.path.dirname(lab.dir))
        self.assertEqual(run_lab("down", "--dir", lab.dir, "--keep").returncode, 0)
        self.assertEqual(lab.processes(), [])
        self.assertTrue(os.path.exists(lab.path(ONE, "var/lib/mesos/meta/slaves/latest/slave.info")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
