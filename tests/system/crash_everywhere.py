#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rollout of twelve agents for every commit it makes, killed at that commit and resumed."""
import unittest

from crashing import KILLED, Crashing

SYNCS_MAX = 400  # more than such a rollout has


class Everywhere(Crashing):
    def test_every_commit(self):
        for sync in range(1, SYNCS_MAX):
            self.begin(f"e{sync}")
            result = self.live(sync, "rollout", "start", self.plan)
            if result.code == KILLED:
                found = self.runs()
                words = ("rollout", "resume", found[0]) if found else ("rollout", "start", self.plan)
                result = self.fleet.rollcall(*words)
                self.assert_as_if_nothing_had_happened(result)
                continue
            self.assert_as_if_nothing_had_happened(result)
            return
        self.fail(f"a rollout of {self.AGENTS} agents has more than {SYNCS_MAX} syncs")


if __name__ == "__main__":
    unittest.main()
