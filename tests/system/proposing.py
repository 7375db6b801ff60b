# SPDX-License-Identifier: Apache-2.0
"""Agents with the proposal's flags, which are changed and put back."""
import os

from lab import eventually
from lab_master import LONG, WithMaster

BOUNCE = "generation:g1"
ANY = "MESOS_IGNORE_CHECKPOINTED_STATE='[\"resources\",\"attributes\",\"domains\"]'\n"


class WithProposal(WithMaster):
    words = ["--agents", "3", "--zones", "1", "--tasks-per-agent", "1", "--dialect", "proposal,proposal,stock"]

    def setUp(self):
        self.lab.put_back = {host: self.lab.flags(host) for host in self.lab.names}
        self.addCleanup(self.restore)

    def restore(self):
        """The flags of before, taken over by ignoring everything."""
        for host, text in self.lab.put_back.items():
            if self.lab.flags(host) != text:
                self.write_flags(host, text + ANY)
                self.restart(host)
                self.write_flags(host, text)
                self.restart(host)

    def write_flags(self, host, text):
        with open(self.lab.path(host, "etc/default/mesos-agent"), "w") as file:
            file.write(text)

    def restart(self, host):
        before = self.lab.agent(host)
        self.lab.systemctl(host, "reset-failed", "mesos-agent")
        self.lab.systemctl(host, "restart", "mesos-agent")
        return self.lab.wait_reregistered(host, before, LONG)

    def change(self, host, old, new, more=""):
        self.lab.edit_flags(host, old, new)
        self.write_flags(host, self.lab.flags(host) + more)

    def refused(self, host, words="Incompatible agent info detected"):
        self.lab.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: self.lab.show(host, "ActiveState") == "failed", LONG, "the start limit")
        self.assertIn(words, self.lab.agent_log(host))

    def slave_info(self, host):
        return self.lab.checkpoint(host, "slaves/latest/slave.info")

    def executors(self, host):
        """The processes that its checkpoint knows as executors of tasks that have not ended."""
        root = self.lab.path(host, "var/lib/mesos/meta/slaves/latest")
        found = set()
        for folder, _, names in os.walk(root):
            if "forked.pid" in names and not os.path.exists(os.path.join(folder, "../executor.sentinel")):
                with open(os.path.join(folder, "forked.pid")) as file:
                    found.add(int(file.read()))
        return found
