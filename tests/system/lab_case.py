# SPDX-License-Identifier: Apache-2.0
"""A lab for all tests of a class, which heal what they break."""
import unittest

from lab import Lab, eventually

NODES = [f"node{number:03}.lab" for number in range(1, 7)]
ONE, TWO, THREE, FOUR, FIVE, SIX = NODES


class WithLab(unittest.TestCase):
    """One lab for a class; every test heals what it broke."""
    words = ["--agents", "6", "--zones", "3"]

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(*cls.words)

    @classmethod
    def tearDownClass(cls):
        result = cls.lab.down()
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        if cls.lab.processes():
            raise AssertionError(f"left over: {cls.lab.processes()}")

    def break_(self, target, *words):
        self.addCleanup(self.lab.heal, target)
        return self.lab.break_(target, *words)

    def change_flags(self, host, old, new):
        self.lab.edit_flags(host, old, new)
        self.addCleanup(self.put_back, host, self.lab.flags(host).replace(new, old))

    def put_back(self, host, text):
        """The old flags, and an agent that runs with them."""
        self.lab.heal(host)
        with open(self.lab.path(host, "etc/default/mesos-agent"), "w") as file:
            file.write(text)
        self.lab.systemctl(host, "reset-failed", "mesos-agent")
        self.lab.systemctl(host, "restart", "mesos-agent")
        eventually(lambda: (self.lab.agent(host) or {}).get("active"), 15, f"the return of {host}")
