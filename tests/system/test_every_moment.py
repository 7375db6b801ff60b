#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# long: yes
"""A rollout whose disk fills up, or that is killed with a host that then loses power, at one moment after the other from before its
first commit until it is done."""
import unittest

from interrupting import Interrupting

LAST = 40  # syncs: more than a run has


class EveryMoment(Interrupting):
    def at(self, moments, act):
        met = []
        for sync in moments:
            with self.subTest(sync=sync):
                self.setUp()
                met.append(act(sync))
        self.assertIn(True, met)
        self.assertIn(False, met)

    def test_disk_that_is_full(self):
        self.at(range(1, LAST, 3), self.fill_disk)

    def test_rollcall_and_a_host(self):
        self.at(range(1, LAST, 2), self.cut_power)


if __name__ == "__main__":
    unittest.main()
