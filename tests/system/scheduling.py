# SPDX-License-Identifier: Apache-2.0
"""What the tests of schedulers share: a lab of one agent without tasks, and schedulers that end with their test."""
import time

from lab_master import LONG, ONE, WithMaster
from proposing import ANY
from scheduler import Json, Plain

RESOURCES = "cpus:8;mem:4096;disk:20000;ports:[31000-32000]"


class WithScheduler(WithMaster):
    words = ["--agents", "1", "--zones", "1", "--tasks-per-agent", "0", "--dialect", "proposal"]

    speaks = Json

    def plain(self, *words, **info):
        scheduler = Plain(self.lab, *words, speaks=self.speaks, **info)
        self.addCleanup(self.end, scheduler)
        return scheduler

    def end(self, scheduler):
        if scheduler.stream and not scheduler.refused:
            scheduler.post("TEARDOWN")
        scheduler.close()

    def tearDown(self):
        # Frameworks are torn down by cleanups, which come later: so this only undoes what was done to the agent.
        if "cpus:8;mem:4096;disk" not in self.lab.flags(ONE):
            self.resize(RESOURCES)

    def resize(self, resources):
        """The agent comes back with other resources; its tasks run on."""
        lines = [line for line in self.lab.flags(ONE).splitlines(True)
                 if "IGNORE_CHECKPOINTED" not in line and not line.startswith("MESOS_RESOURCES")]
        with open(self.lab.path(ONE, "etc/default/mesos-agent"), "w") as file:
            file.write("".join(lines) + f'MESOS_RESOURCES="{resources}"\n' + ANY)
        before = self.lab.agent(ONE)
        self.lab.systemctl(ONE, "reset-failed", "mesos-agent")  # as often as this is no start limit
        self.lab.systemctl(ONE, "restart", "mesos-agent")
        return self.lab.wait_reregistered(ONE, before, LONG)

    def offer(self, scheduler, wanted):
        """Declines until what is offered is that."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            for offer, sums in scheduler.offers():
                if {name: value for name, value in sums.items() if name != "disk" and value} == wanted:
                    return offer
                scheduler.decline(offer)
        raise AssertionError(f"{wanted} was not offered; the last was {sums}")
